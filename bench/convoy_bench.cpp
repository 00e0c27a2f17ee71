// SPDX-License-Identifier: MIT
//
// convoy-bench load|network|pipeline|run|decode|soak|kernels|layers|nms|track|conv|boundary|preprocess|jpeg|
// postprocess: how fast each part is on this machine.
#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <fstream>
#include <memory>

#include "bench/commands.h"
#include "tools/exit_status.h"

namespace convoy::bench {
namespace {

struct Command {
    const char* name;
    const char* help;
    nlohmann::json (*run)(const BenchOptions&);
};
constexpr Command kCommands[] = {
    {"load", "time from files to a ready engine, and memory", bench_load},
    {"network", "the network alone", bench_network},
    {"pipeline", "every stage alone, then overlapped", bench_pipeline},
    {"run", "a whole video on all devices, without output", bench_run},
    {"decode", "decoding of a video alone, on all devices", bench_decode},
    {"host", "what one thread does for the frames of all devices", bench_host},
    {"soak", "batches, or a video again and again: does memory grow, is a frame lost?", bench_soak},
    {"kernels", "every distinct convolution and plain loop", bench_kernels},
    {"layers", "CPU: what each layer of a network costs", bench_layers},
    {"nms", "CPU: suppression of few and of many candidates", bench_nms},
    {"track", "following of few and of many boxes", bench_track},
    {"conv", "GPU: every distinct convolution by every kernel that computes it", bench_conv},
    {"boundary", "GPU: what passes between two layers that compute nothing", bench_boundary},
    {"preprocess", "GPU: 1080p pictures to the network's input", bench_preprocess},
    {"jpeg", "JPEGs of 1080p pictures, on 16 threads", bench_jpeg},
    {"postprocess", "GPU: raw heads to boxes", bench_postprocess},
};

struct Options : BenchOptions {
    std::string json_path;

    void add_to(CLI::App& app) {
        app.description("Benchmarks of Convoy. Medians after a warm-up; compare only what ran side by side.");
        app.require_subcommand(1);
        engine.tuning = Tuning::measured;
        for (const Command& command : kCommands) {
            CLI::App* sub = app.add_subcommand(command.name, command.help);
            model.add_to(*sub);
            tools::add_device_options(*sub, engine);
            sub->add_option("--passes", passes, "timed runs, of networks with the batches of 0.1 s each")
                ->check(CLI::Range(1, 100000));
            sub->add_option("--warmup", warmup, "runs before them")->check(CLI::Range(0, 1000));
            sub->add_option("--json", json_path, "write the figures there as well");
            const std::string name = command.name;
            if (name == "pipeline" || name == "run" || name == "decode" || name == "host" || name == "soak")
                sub->add_option("video", video, "a video file")->required(name != "soak");
            if (name == "run" || name == "decode")
                sub->add_option("--decoders", decoders, "threads a device that decode")->check(CLI::Range(1, 256));
            if (name == "run") {
                sub->add_option("--cpu-decoders", cpu_decoders,
                                "threads a device that decode on the CPU beside its own decoders, -1 for none")
                    ->check(CLI::Range(-1, 256));
                tools::add_tile_options(*sub, engine.detect.tiles, sub->get_option("--passes")->get_group());
            }
            if (name == "soak") {
                sub->add_option("--streams", streams, "with a video: so many at once")->check(CLI::Range(1, 256));
                sub->add_option("--seconds", seconds, "with a video: for so long")->check(CLI::Range(1., 1e6));
            }
            if (std::string(command.name) == "conv")
                sub->add_option("--rows", rows, "only kernels whose names match")->type_name("REGEX");
        }
    }
};

int run(const CLI::App& app, const Options& options) {
    for (const Command& command : kCommands) {
        if (!app.got_subcommand(command.name)) continue;
        const nlohmann::json result = command.run(options);
        if (options.json_path.empty()) continue;
        std::ofstream out(options.json_path);
        out << result.dump(2) << '\n';
        if (!out.flush()) throw Error(ErrorKind::output, options.json_path + ": cannot be written");
    }
    return int(tools::kSuccess);
}

}  // namespace
}  // namespace convoy::bench

int main(int argc, char** argv) {
    return convoy::tools::run_command("convoy-bench", argc, argv, [](CLI::App& app, const auto&) {
        auto options = std::make_shared<convoy::bench::Options>();
        options->add_to(app);
        return [&app, options] { return convoy::bench::run(app, *options); };
    });
}
