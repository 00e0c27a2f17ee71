// SPDX-License-Identifier: MIT
//
// The command line of yolo-run.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <convoy/media/input.h>
#include <convoy/run.h>
#include "tools/cli.h"
#include "tools/detection_options.h"
#include "tools/model_options.h"
#include "tools/served_inputs.h"
#include "tools/sinks/make_sinks.h"

namespace convoy::tools {

struct RunOptions {
    std::vector<std::string> inputs;  ///< as given; folders not yet expanded
    std::string watch_list;           ///< file
    ModelOptions model;
    EngineOptions engine;
    DetectionOptions detection;  ///< what engine.detect gets once the network is known
    int at_once = 1;             ///< recordings that are read side by side
    media::InputOptions input;
    RunThreads threads;
    bool newest = false, every_frame = false;  ///< of live inputs; by default: keeps_to_newest()
    bool track = false;
    std::string zones;  ///< file
    OutputOptions output;
    ServeInputs serve_inputs = ServeInputs::none;
    std::string manifest;      ///< file: its units are done in place of inputs
    std::string shard, claim;  ///< i/n or auto; folder: which of them
    double claim_timeout_s = 60;
    bool resume = false;
    double grace_s = 20;   ///< of what is done unit by unit: from SIGTERM on
    std::string settings;  ///< those that are set, as print_settings() has them
    std::string report_json, report_html, trace, metrics;
    std::string metrics_port;  ///< [HOST:]PORT
    std::string fail_device;   ///< "cuda:1@500,cuda:2@90": for tests, see docs/usage.md
    /// Whether live inputs keep to their newest frames: by default where somebody acts on what comes out as it comes.
    bool keeps_to_newest() const {
        return newest || (!every_frame && !(output.mqtt.empty() && output.kafka.empty() && output.webhook.empty() &&
                                            output.serve.empty()));
    }
    /// Whether what is done is left so that no other run does it again, and another can go on with it.
    bool by_units() const { return resume || !manifest.empty(); }
    bool follows() const { return track || !zones.empty(); }
    /// Whether inputs come and go while the run lasts.
    bool has_more_inputs() const { return !watch_list.empty() || serve_inputs != ServeInputs::none; }
    std::string config;  ///< file of options, read before they are parsed
    bool print_config = false;
    bool report = false, quiet = false, verbose = false;

    /// Adds every option, the help text and the version. The object must stay where it is until parsing is over.
    void add_to(CLI::App& app);
};

/// For add_settings(): of yolo-run.
void check_alone(const std::vector<std::string>& arguments);

/// The hook for "DEVICE@PICTURES": that device fails once it has run so many pictures. Throws Error(usage).
std::function<void(const std::string&, std::int64_t)> parse_fail_device(const std::string& text);

}  // namespace convoy::tools
