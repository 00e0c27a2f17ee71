// SPDX-License-Identifier: MIT
//
// yolo-make-weights: seeded random weights for any cfg, to measure speed and to compare numerics without a trained
// model.
#include <fmt/core.h>
#include <CLI/CLI.hpp>

#include <memory>

#include <convoy/load.h>
#include "tools/exit_status.h"
#include "tools/message.h"
#include "tools/model_options.h"

namespace convoy::tools {
namespace {

struct Options {
    ModelOptions model;
    std::string out;
    std::uint64_t seed = 1;

    void add_to(CLI::App& app) {
        app.description(
            "Writes seeded random weights with sane statistics for a Darknet cfg.\n"
            "The same seed gives the same file on every machine.");
        app.add_option("CFG", model.cfg, "Darknet network description")->required();
        app.add_option("OUT", out, "weights file to write")->required();
        app.add_option("--seed", seed, "seed of the random numbers")->capture_default_str();
        app.add_option("--size", model.size, "network input the statistics are for: 416 or WxH (default: the cfg's)");
        model.add_strict(app);
        app.footer("Example:\n  yolo-make-weights yolov3.cfg yolov3-random.weights --seed 7");
    }
};

int run(const Options& options) {
    media::FileClaims claims;
    options.model.claim(claims);
    claims.writes(options.out);
    Network network = options.model.load(false);
    print_warnings("yolo-make-weights", network);
    randomize_weights(network, options.seed);
    write_network(network, {}, options.out);
    print_result(fmt::format("{}: {} random weights for {}\n", options.out, network.weight_count(), network.cfg_path));
    return kSuccess;
}

}  // namespace
}  // namespace convoy::tools

int main(int argc, char** argv) {
    return convoy::tools::run_command("yolo-make-weights", argc, argv, [](CLI::App& app, const auto&) {
        auto options = std::make_shared<convoy::tools::Options>();
        options->add_to(app);
        return [options] { return convoy::tools::run(*options); };
    });
}
