// SPDX-License-Identifier: MIT
//
// convoy-bench load|network|pipeline|run|decode|soak|kernels|layers|nms|conv|preprocess|jpeg|postprocess: how fast each
// part is on this machine.
#include <fmt/format.h>

#include <fstream>

#include "bench/commands.h"
#include "tools/exit_status.h"

int main(int argc, char** argv) {
    using namespace convoy;
    CLI::App app("Benchmarks of Convoy. Medians after a warm-up; compare only what ran side by side.", "convoy-bench");
    app.require_subcommand(1);
    bench::BenchOptions options;
    options.engine.tuning = Tuning::measured;
    std::string json_path;

    struct Command {
        const char* name;
        const char* help;
        nlohmann::json (*run)(const bench::BenchOptions&);
    };
    static constexpr Command commands[] = {
        {"load", "time from files to a ready engine, and memory", bench::bench_load},
        {"network", "the network alone", bench::bench_network},
        {"pipeline", "every stage alone, then overlapped", bench::bench_pipeline},
        {"run", "a whole video on all devices, without output", bench::bench_run},
        {"decode", "decoding of a video alone, on all devices", bench::bench_decode},
        {"soak", "batches, or a video again and again: does memory grow, is a frame lost?", bench::bench_soak},
        {"kernels", "every distinct convolution and plain loop", bench::bench_kernels},
        {"layers", "CPU: what each layer of a network costs", bench::bench_layers},
        {"nms", "CPU: suppression of few and of many candidates", bench::bench_nms},
        {"conv", "GPU: every distinct convolution by every kernel that computes it", bench::bench_conv},
        {"preprocess", "GPU: 1080p pictures to the network's input", bench::bench_preprocess},
        {"jpeg", "JPEGs of 1080p pictures, on 16 threads", bench::bench_jpeg},
        {"postprocess", "GPU: raw heads to boxes", bench::bench_postprocess},
    };
    for (const Command& command : commands) {
        CLI::App* sub = app.add_subcommand(command.name, command.help);
        options.model.add_to(*sub);
        tools::add_device_options(*sub, options.engine);
        sub->add_option("--passes", options.passes, "timed runs")->check(CLI::Range(1, 100000));
        sub->add_option("--warmup", options.warmup, "runs before them")->check(CLI::Range(0, 1000));
        sub->add_option("--json", json_path, "write the figures there as well");
        const std::string name = command.name;
        if (name == "pipeline" || name == "run" || name == "decode" || name == "soak")
            sub->add_option("video", options.video, "a video file")->required(name != "soak");
        if (name == "run" || name == "decode")
            sub->add_option("--decoders", options.decoders, "threads a device that decode")->check(CLI::Range(1, 256));
        if (name == "run")
            sub->add_option("--cpu-decoders", options.cpu_decoders,
                            "threads a device that decode on the CPU beside its own decoders, -1 for none")
                ->check(CLI::Range(-1, 256));
        if (name == "soak") {
            sub->add_option("--streams", options.streams, "with a video: so many at once")->check(CLI::Range(1, 256));
            sub->add_option("--seconds", options.seconds, "with a video: for so long")->check(CLI::Range(1., 1e6));
        }
        if (std::string(command.name) == "conv")
            sub->add_option("--rows", options.rows, "only kernels whose names match")->type_name("REGEX");
    }
    return tools::run_command(app, argc, argv, [&] {
        for (const Command& command : commands) {
            if (!app.got_subcommand(command.name)) continue;
            const nlohmann::json result = command.run(options);
            if (json_path.empty()) continue;
            std::ofstream out(json_path);
            out << result.dump(2) << '\n';
            if (!out.flush()) throw Error(ErrorKind::output, json_path + ": cannot be written");
        }
        return int(tools::kSuccess);
    });
}
