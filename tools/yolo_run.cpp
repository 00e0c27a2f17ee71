// SPDX-License-Identifier: MIT
//
// yolo-run: videos and pictures in; boxes out, as records, annotated video or pictures.
#include <fmt/core.h>
#include <unistd.h>
#include <CLI/CLI.hpp>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <iterator>
#include <memory>
#include <optional>

#include <convoy/media/image.h>
#include <convoy/media/run_inputs.h>
#include "engine/before_batch.h"
#include "tools/conclude.h"
#include "tools/exit_status.h"
#include "tools/interrupt.h"
#include "tools/media/files.h"
#include "tools/message.h"
#include "tools/metrics.h"
#include "tools/options.h"
#include "tools/process_limits.h"
#include "tools/run_pipeline.h"
#include "tools/serve_pictures.h"
#include "tools/serving.h"
#include "tools/settings.h"
#include "tools/start_run.h"
#include "tools/tune_kernels.h"
#include "tools/unit_plan.h"
#include "tools/unit_run.h"
#include "tools/visible_gpus.h"
#include "tools/watch_list.h"

namespace convoy::tools {
namespace {

std::vector<std::string> reports_of(const RunOptions& options) {
    return {options.report_json, options.report_html, options.trace, options.metrics};
}

media::FileClaims also_read(const RunOptions& options, const std::vector<std::string>& lists) {
    media::FileClaims claims;
    options.model.claim(claims);
    if (!options.zones.empty()) claims.reads(options.zones, "the zones");
    if (!options.config.empty()) claims.reads(options.config, "the file of options");
    for (const std::string& list : lists) claims.reads(list, "a list of inputs");
    if (!options.watch_list.empty()) claims.reads(options.watch_list, "the list of inputs that come and go");
    return claims;
}

// Recordings get the same bits whatever shares their batch; for live inputs and a bound on latency small batches count.
void prepare(RunOptions& options, const std::vector<std::string>& inputs) {
    options.engine.same_bits = options.engine.max_latency_ms < 0 && !options.has_more_inputs() &&
                               std::none_of(inputs.begin(), inputs.end(), media::is_live);
    // A camera may be at an address of HTTP as well.
    options.engine.throughput = options.engine.same_bits && std::none_of(inputs.begin(), inputs.end(), media::is_url);
}

// Where the cores encode, a run is longer and a second GPU's decoders spare them work: it pays for half as many frames.
std::int64_t weight_of_frame(const OutputOptions& output) {
    return !output.video.empty() && output.encoding.encoder != media::EncoderChoice::jpeg ? 2 : 1;
}

// A short job is done sooner without a second GPU, and sooner still where CUDA does not know of one.
void hide_other_gpus(const RunOptions& options, const media::RunInputs& inputs) {
    const int gpus = count_visible_gpus();
    std::error_code error;
    const bool opens_at_once = std::filesystem::is_regular_file(inputs.paths().front(), error);
    if (gpus < 2 || options.engine.device != "auto" || !opens_at_once) return;
    const std::int64_t frames = inputs.expected_frames(),
                       worth = gpus_worth_starting(frames * options.engine.detect.tiles.count() *
                                                   weight_of_frame(options.output));
    if (frames == 0 || worth >= gpus) return;
    show_first_gpus(int(worth));
    if (options.engine.notice)
        options.engine.notice(fmt::format("{} of {} GPUs {} started: {} {} done sooner without the others", worth, gpus,
                                          worth == 1 ? "is" : "are", frames, frames == 1 ? "frame is" : "frames are"));
}

// Zones that would count nothing without a word.
void warn_of_idle_zones(const analysis::Zones& zones, const std::vector<std::string>& inputs, const Network& network,
                        const std::vector<int>& kept) {
    const auto pictures = std::count_if(inputs.begin(), inputs.end(), media::is_picture);
    if (pictures > 0)
        message("yolo-run: warning: --zones: nothing is followed or counted in pictures, of which there {} {}",
                pictures == 1 ? "is" : "are", pictures);
    const auto is_kept = [&](const std::string& name) {
        return std::any_of(kept.begin(), kept.end(), [&](int id) {
            return std::size_t(id) < network.names.size() && network.names[std::size_t(id)] == name;
        });
    };
    const auto check = [&](const analysis::ZoneSubject& subject) {
        if (!kept.empty() && !subject.classes.empty() &&
            std::none_of(subject.classes.begin(), subject.classes.end(), is_kept))
            message("yolo-run: warning: {}: \"{}\" counts nothing, since --classes leaves its classes out", zones.path,
                    subject.name);
    };
    std::for_each(zones.zones.begin(), zones.zones.end(), check);
    std::for_each(zones.lines.begin(), zones.lines.end(), check);
}

// What the list names now comes behind `paths`.
void begin_to_watch(std::optional<WatchList>& watch, const RunOptions& options, std::vector<std::string>& paths) {
    watch.emplace(
        options.watch_list, [](const std::string& sentence) { message("yolo-run: warning: {}", sentence); },
        [quiet = options.quiet](const std::string& sentence) {
            if (!quiet) message("yolo-run: {}", sentence);
        });
    for (std::string& path : watch->read()) paths.push_back(std::move(path));
    if (paths.empty())
        throw Error(ErrorKind::usage, fmt::format("--watch-list {}: it names no input to begin with; write a line into "
                                                  "it, or name an INPUT",
                                                  options.watch_list));
}

int run(RunOptions& options) {
    if (!options.trace.empty()) options.engine.trace = std::make_shared<Trace>();
    const auto begin = Trace::Clock::now();
    install_interrupt_handler();
    if (options.by_units()) grant_grace(options.grace_s, kTryAgain);
    if (options.inputs.empty() && options.watch_list.empty() && options.manifest.empty())
        return options.output.serve.empty() ? tune_kernels(options) : serve_pictures(options, also_read(options, {}));
    print_what_libav_says(options.verbose);
    media::ExpandedInputs expanded;
    if (!options.inputs.empty()) expanded = media::expand_inputs(options.inputs);
    std::optional<WatchList> watch;
    const int watched_from = int(expanded.paths.size());
    if (!options.watch_list.empty()) begin_to_watch(watch, options, expanded.paths);
    for (const std::string& sentence : expanded.left_out) message("yolo-run: warning: {}", sentence);
    std::optional<UnitPlan> work;
    if (options.by_units()) {
        work = plan_units(options, expanded, reports_of(options), also_read(options, expanded.lists));
        expanded = work->inputs;
        if (expanded.paths.empty()) {
            if (!options.quiet) message("yolo-run: of {} nothing is this machine's", options.manifest);
            return leave(kSuccess);
        }
    }
    const std::vector<std::string>& inputs = expanded.paths;
    std::vector<std::string> names;  // as outputs are called, and sentences say
    std::transform(inputs.begin(), inputs.end(), std::back_inserter(names), media::without_passwords);
    OutputPlan plan =
        work ? plan_of_units(options)
             : plan_outputs(options.output, names, reports_of(options), also_read(options, expanded.lists));
    if (!options.metrics.empty()) check_metrics_path(options.metrics);
    Serving serving(options.output.serve, options.metrics_port, std::getenv("CONVOY_TOKEN"));
    HeldOutputs held(
        [&] { return work ? claim_records(options, *work) : claim_outputs(plan, names, reports_of(options)); });
    const std::vector<std::string> replaced = to_be_replaced(plan);
    if (!options.zones.empty())
        plan.drawing.zones = std::make_shared<analysis::Zones>(analysis::read_zones(options.zones));
    prepare(options, inputs);
    media::RunInputs run_inputs(expanded, options.input, options.at_once);
    if (!options.has_more_inputs() && !work) run_inputs.open_first(options.engine, options.threads);
    if (options.engine.expected_frames)
        options.engine.expected_frames = [frames = options.engine.expected_frames,
                                          weight = weight_of_frame(options.output)] { return frames() * weight; };
    Network network = load_network(options);
    if (options.engine.trace)
        options.engine.trace->add("host", "command", "load the model", begin, Trace::Clock::now());
    plan.drawing.blurred = options.detection.blurred(network);
    std::optional<Follower> follower;
    if (options.follows()) follower.emplace(plan.drawing.zones, network.names);
    if (const auto& zones = plan.drawing.zones)
        warn_of_idle_zones(*zones, inputs, network, options.engine.detect.classes);
    if (!options.has_more_inputs() && !work) hide_other_gpus(options, run_inputs);
    Engine engine = make_engine(network, options);
    if (options.engine.tuning == Tuning::measured && (CompleteOnInterrupt::requested() || draining())) {
        message("{}", kMeasuringStopped);
        held.release();
        return leave(draining() ? kTryAgain : kInterrupted);
    }
    tell_if_nothing_is_measured(engine, options);
    if (!options.fail_device.empty()) call_before_batches(engine, parse_fail_device(options.fail_device));
    network.weights_storage.reset();  // the engine holds what it needs
    if (!options.quiet) greet("yolo-run", options.model, network, engine);
    RunSummary summary;
    std::vector<std::string> outputs, errors;
    std::optional<UnitRun::Tally> tally;
    {
        const CompleteOnInterrupt completing;
        plan.encoding.gpus = engine.gpus();
        Sinks sinks = make_sinks(plan, network.names, interrupt_is_overdue);
        std::optional<UnitRun> units;
        Progress progress(STDERR_FILENO, options.quiet);
        if (work) {
            units.emplace(work_of(options, std::move(*work), engine, network.names),
                          [&progress](const std::string& text) { progress.message("yolo-run: " + text); });
            sinks.records.push_back(units->sink(network.names));
        }
        const bool counts = !options.metrics.empty() || !options.metrics_port.empty() || !options.output.serve.empty();
        GpuSensors sensors(counts ? engine.gpus() : std::vector<int>());
        Metrics metrics({engine.description(), network.names, [&] { return engine.stats(); },
                         [brokers = sinks.brokers] {
                             std::vector<BrokerTally> tallies;
                             for (const auto& broker : brokers) tallies.push_back(broker->tally());
                             return tallies;
                         },
                         [hook = sinks.webhook] { return hook ? std::optional(hook->tally()) : std::nullopt; },
                         [&] { return serving.tally(); }, [&] { return sensors.read(); }});
        std::optional<MetricsFile> metrics_file;
        if (!options.metrics.empty()) metrics_file.emplace(options.metrics, metrics);
        start_serving(serving, options, engine, network.names, plan.drawing, metrics);
        struct Stop {
            Serving& serving;
            ~Stop() { serving.stop(); }
        } const stop{serving};  // before what it asks
        RunThreads threads = run_inputs.threads(engine, options.threads);
        // Frames on their way to a GPU that encodes them keep the cores busy.
        if (threads.cpu_decoders == 0 && sinks.jpegs && sinks.jpegs->has_gpu()) threads.cpu_decoders = -1;
        PipelineOptions pipeline{run_inputs, network.names, plan.drawing, threads, follower ? &*follower : nullptr};
        pipeline.charts = !options.report_html.empty();
        pipeline.metrics = counts ? &metrics : nullptr;
        pipeline.serving = &serving;
        pipeline.newest = options.keeps_to_newest();
        pipeline.give_up = interrupt_is_overdue;
        media::OutputLocks of_later_inputs;
        pipeline.name_outputs = [&](const std::vector<std::string>& all) {
            name_outputs(plan, *sinks.names, all, of_later_inputs);
        };
        pipeline.goes_on = options.has_more_inputs();
        if (watch) {
            pipeline.feeds = [&](RunningInputs& running) { watch->follow(running, watched_from); };
            pipeline.ends = [&] { watch->stop(); };
        }
        if (units) units->attach(pipeline);
        summary = run_pipeline(engine, pipeline, sinks, progress, completing.requested());
        if (units) tally = units->tally();
        outputs = outputs_of(sinks);
        errors = write_reports(options, summary, engine, network.names, plan.drawing.blurred, outputs);
        serving.stop();
        if (metrics_file)
            if (const std::string error = metrics_file->close(); !error.empty()) errors.push_back(error);
    }
    held.release();
    list_outputs(options, outputs, replaced);
    return leave(conclude(options, summary, engine, errors, tally));
}

// A scheduler is to know whether it helps to try again, here or elsewhere.
int run_units(RunOptions& options) {
    try {
        return run(options);
    } catch (const Error& error) {
        if (error.kind() != ErrorKind::output && error.kind() != ErrorKind::device) throw;
        print_error("yolo-run", error.what());
        return error.kind() == ErrorKind::output ? kTryAgain : kUnfit;
    }
}

}  // namespace
}  // namespace convoy::tools

int main(int argc, char** argv) {
    using namespace convoy::tools;
    share_heaps();
    raise_file_limit();
    return run_command("yolo-run", argc, argv, [](CLI::App& app, std::vector<std::string>& arguments) {
        auto options = std::make_shared<RunOptions>();
        options->add_to(app);
        add_settings(
            app, arguments, [](const char* name) { return std::getenv(name); }, check_alone);
        return [options, &app] {
            options->settings = print_settings(app);
            if (!options->print_config) return options->by_units() ? run_units(*options) : run(*options);
            print_result(options->settings);
            return int(kSuccess);
        };
    });
}
