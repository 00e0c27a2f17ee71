// SPDX-License-Identifier: MIT
//
// yolo-make-weights: seeded random weights for any cfg, to measure speed and to compare numerics without a trained
// model.
#include <fmt/core.h>

#include <convoy/load.h>
#include "tools/exit_status.h"
#include "tools/message.h"
#include "tools/model_options.h"

int main(int argc, char** argv) {
    CLI::App app(
        "Writes seeded random weights with sane statistics for a Darknet cfg.\n"
        "The same seed gives the same file on every machine.",
        "yolo-make-weights");
    convoy::tools::ModelOptions model;
    std::string out;
    std::uint64_t seed = 1;
    app.add_option("CFG", model.cfg, "Darknet network description")->required();
    app.add_option("OUT", out, "weights file to write")->required();
    app.add_option("--seed", seed, "seed of the random numbers")->capture_default_str();
    app.add_option("--size", model.size, "network input the statistics are for: 416 or WxH (default: the cfg's)");
    model.add_strict(app);
    app.footer("Example:\n  yolo-make-weights yolov3.cfg yolov3-random.weights --seed 7");
    return convoy::tools::run_command(app, argc, argv, [&] {
        convoy::media::FileClaims claims;
        model.claim(claims);
        claims.writes(out);
        convoy::Network network = model.load(false);
        convoy::tools::print_warnings("yolo-make-weights", network);
        convoy::randomize_weights(network, seed);
        convoy::write_network(network, {}, out);
        convoy::tools::print_result(
            fmt::format("{}: {} random weights for {}\n", out, network.weight_count(), network.cfg_path));
        return 0;
    });
}
