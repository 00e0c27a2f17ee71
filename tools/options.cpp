// SPDX-License-Identifier: MIT
#include "tools/options.h"

#include <fmt/format.h>

#include <cmath>
#include <limits>
#include <map>
#include <optional>
#include <set>
#include <string_view>
#include <tuple>

#include <convoy/error.h>
#include <convoy/version.h>
#include "tools/choice_option.h"
#include "tools/fleet_options.h"
#include "tools/option_values.h"
#include "tools/serve/listen_socket.h"
#include "tools/short_help.h"
#include "tools/sinks/formats/jsonl.h"

namespace convoy::tools {
namespace {

constexpr const char* kExamples = R"(Examples:
  yolo-run street.mp4                     annotated video in runs/, with the demo model
  yolo-run --model yolov3 street.mp4 --jsonl boxes.jsonl --video boxes.mp4
  yolo-run --model yolov3 holiday/ --classes person,dog --pictures found/
)";

// What a beginner needs; --help-all has the rest.
const std::set<std::string> kFirst = {"model", "confidence", "classes", "track", "zones",    "blur",     "device",
                                      "jsonl", "csv",        "video",   "crops", "pictures", "help-all", "report"};

std::string positive(const std::string& text) {
    return parse_number<std::int64_t>(text).value_or(0) > 0 ? "" : "'" + text + "' is no whole number above 0";
}

/// What `check` throws, without the option that it begins with; "" if it does not.
template <typename Check>
std::string complaint_of(std::string_view option, Check check) {
    try {
        check();
    } catch (const Error& error) {
        return std::string(error.what()).substr(option.size());
    }
    return "";
}

const char* no_environment(const char*) { return nullptr; }

std::string kafka_address(const std::string& text) {
    return complaint_of("--kafka: ", [&] { kafka_target(text, no_environment); });
}

std::string mqtt_address(const std::string& text) {
    return complaint_of("--mqtt: ", [&] { mqtt_target(text, no_environment); });
}

std::string webhook_address(const std::string& text) {
    return complaint_of("--webhook: ", [&] { webhook_target(text, no_environment); });
}

std::string listens_at(const std::string& text) {
    return complaint_of(" ", [&] { listen_address("", text); });
}

std::string port_if_one(const std::string& text) { return names_port(text) ? listens_at(text) : ""; }

/// Seconds of "90", "1:30" or "1:02:03.5".
double parse_time(const char* option, const std::string& text) {
    double seconds = 0;
    std::size_t parts = 0, start = 0;
    for (bool last = false; !last; ++parts) {
        const std::size_t colon = text.find(':', start);
        last = colon == std::string::npos;
        const double part =
            parse_number<double>(std::string_view(text).substr(start, last ? text.npos : colon - start)).value_or(-1);
        const bool too_many = parts > 0 && part >= 60;  // minutes, seconds
        if (!(part >= 0 && part < 1e9) || too_many || parts > 2 || (!last && part != std::floor(part)))
            throw CLI::ValidationError(option, "'" + text + "' is no time: seconds, or h:mm:ss");
        seconds = 60 * seconds + part;
        start = colon + 1;
    }
    return seconds;
}

void add_reading_options(CLI::App& app, RunOptions& options) {
    const std::string group = "Which frames";
    app.add_option("--frames", options.input.frames, "stop each input after N frames")
        ->type_name("N")
        ->check(positive)
        ->group(group);
    app.add_option("--every", options.input.every, "only every N-th frame; the others are not run")
        ->type_name("N")
        ->check(positive)
        ->group(group);
    const auto time = [&](const char* name, double& target, const char* help) {
        app.add_option_function<std::string>(
               name, [name, &target](const std::string& text) { target = parse_time(name, text); }, help)
            ->type_name("S|[h:]mm:ss")
            ->group(group);
    };
    time("--start", options.input.start_s, "leave out what lies before this time in the recording");
    time("--stop", options.input.stop_s, "leave out what lies from this time on");
    app.add_option("--stream", options.input.stream,
                   "of several video streams in an input, read number N, from 0 (default: the one that is marked as "
                   "the default, else the largest)")
        ->type_name("N")
        ->check(CLI::Range(0, std::numeric_limits<int>::max()).description(""))
        ->group(group);
    app.add_flag("--deinterlace", options.input.deinterlace,
                 "make whole pictures of interlaced ones, on the CPU, before anything is looked for in them")
        ->group(group);
}

RunThreads parse_decoders(const std::string& text, RunThreads threads) {
    const auto number = [&](std::string_view part, int least) {
        const int n = parse_number<int>(std::string(part)).value_or(-1);
        if (n < least || n > 1024)
            throw CLI::ValidationError("--decoders", "'" + text +
                                                         "' is neither N nor gpu:N,cpu:M, where N is 1 to 1024 and "
                                                         "M may be 0");
        return n;
    };
    constexpr std::string_view kGpu = "gpu:", kCpu = "cpu:";
    if (text.find(':') == text.npos) {
        threads.decoders = number(text, 1);
        return threads;
    }
    for (std::string_view rest = text; !rest.empty();) {
        const std::string_view part = rest.substr(0, rest.find(','));
        rest.remove_prefix(std::min(part.size() + 1, rest.size()));
        if (part.starts_with(kGpu)) {
            threads.decoders = number(part.substr(kGpu.size()), 1);
        } else {
            const int helpers = number(part.starts_with(kCpu) ? part.substr(kCpu.size()) : "", 0);
            threads.cpu_decoders = helpers == 0 ? -1 : helpers;
        }
    }
    return threads;
}

void add_run_options(CLI::App& app, RunOptions& options) {
    const std::string group = "Where it runs";
    const auto number = [&](const char* name, int& target, const std::string& help) {
        app.add_option(name, target, help)->type_name("N")->check(CLI::Range(1, 1024).description(""))->group(group);
    };
    app.add_option("--watch-list", options.watch_list,
                   "inputs that come and go: a text file with a path or address on each line, looked at while the run "
                   "lasts, which is until it is interrupted")
        ->type_name("FILE")
        ->group(group);
    number("--at-once", options.at_once,
           "recordings that are read side by side, their records mixed (default: one after the other, in order)");
    app.add_option_function<std::string>(
           "--decoders",
           [&options](const std::string& text) { options.threads = parse_decoders(text, options.threads); },
           "threads per device that decode: N, or gpu:N,cpu:M for those by the GPU's decoders and those on the CPU "
           "beside "
           "them (default: 8 on a GPU and what cores there are beside them, 2 on a CPU)")
        ->type_name("N|gpu:N,cpu:M")
        ->group(group);
    number("--encoders", options.threads.work_threads, "CPU threads that draw and encode (default: all cores)");
    app.add_option("--max-latency", options.engine.max_latency_ms,
                   "longest that a frame waits for its batch, in ms (default: until the batch is full)")
        ->type_name("MS")
        ->check(CLI::Range(0., 1e6).description(""))
        ->group(group);
    CLI::Option* const newest =
        app.add_flag("--newest", options.newest,
                     "cameras and streams: what comes faster than it is done is dropped and counted, so that no result "
                     "gets old (default with --mqtt, --kafka, --webhook and --serve)")
            ->group(group);
    app.add_flag("--no-newest", options.every_frame, "every frame of cameras and streams, however late")
        ->excludes(newest)
        ->group(group);
    app.add_option("--give-up", options.input.give_up_s,
                   "how long a camera or stream may be silent before it has ended (default: 60)")
        ->type_name("S")
        ->check(CLI::Range(0., 1e9).description(""))
        ->group(group);
    app.add_option("--fail-device", options.fail_device)->group("");  // for tests
}

void add_output_options(CLI::App& app, RunOptions& options) {
    const std::string group = "Results (default: an annotated video or picture per input in runs/)";
    OutputOptions& output = options.output;
    const auto records = [&](const char* name, std::string& target, const std::string& help) {
        app.add_option(name, target, help)->type_name("FILE|DIR/|-")->group(group);
    };
    records("--jsonl", output.jsonl, "one JSON record a frame; - is standard output, a folder gets a file per input");
    records("--csv", output.csv, "one line a box, for spreadsheets and data frames");
    records("--coco", output.coco, "COCO annotations with scores (JSON)");
    records("--mot", output.mot, "MOTChallenge text, a file per input");
    records("--cvat", output.cvat, "CVAT's XML of pictures, or of one video");
    records("--zone-counts", output.zone_counts,
            "with --zones: counts in each zone and over each line by the second (CSV), a file per input");
    records("--zone-visits", output.zone_visits,
            "with --zones: who was in a zone from when to when (CSV), a file per input");
    records("--zone-totals", output.zone_totals, "with --zones: all counts of an input (JSON), a file per input");
    records("--label-studio", output.label_studio, "Label Studio's tasks with predictions (JSON)");
    app.add_option("--yolo", output.yolo, "YOLO labels: a text file per picture and frame, and the classes' names")
        ->type_name("DIR")
        ->group(group);
    app.add_option("--crops", output.crops, "what is in the boxes, cut out, by class; of a track its best sight alone")
        ->type_name("DIR")
        ->group(group);
    app.add_option("--video", output.video,
                   "annotated video: .mp4, .mkv or .mov, of --encoder jpeg .mkv or .avi; a folder gets one per input")
        ->type_name("FILE|DIR/")
        ->group(group);
    app.add_option("--overlay", output.overlay,
                   "boxes as subtitles, no picture encoded: .mkv with a copy of the recording, .ass without; a folder "
                   "gets an .mkv per input")
        ->type_name("FILE|DIR/")
        ->group(group);
    app.add_option("--pictures", output.pictures, "one annotated picture a frame")->type_name("DIR")->group(group);
    app.add_option("--contact-sheet", output.contact_sheet, "twelve frames on one picture: .jpg, .png or .bmp")
        ->type_name("FILE")
        ->group(group);
    app.add_option("--serve", output.serve,
                   "over HTTP a page with what is found, POST /detect for a picture's record, GET /metrics; without "
                   "inputs until it is "
                   "interrupted; the token is CONVOY_TOKEN's in the environment, else a line says it")
        ->type_name("[HOST:]PORT")
        ->check(listens_at)
        ->group(group);
    add_choice(app, "--serve-inputs", options.serve_inputs,
               Choices<ServeInputs>{
                   {"none", ServeInputs::none}, {"addresses", ServeInputs::addresses}, {"all", ServeInputs::all}},
               "with --serve: inputs come and go over HTTP until the run is interrupted, for whoever has the token: "
               "streams by their addresses alone, or all, files and cameras of this machine, too")
        ->group(group);
    app.add_option("--mqtt", output.mqtt,
                   "publish each frame's JSON record to this topic; user and password: CONVOY_MQTT_USER and "
                   "CONVOY_MQTT_PASSWORD in the environment")
        ->type_name("mqtt[s]://HOST[:PORT]/TOPIC")
        ->check(mqtt_address)
        ->group(group);
    app.add_flag("--mqtt-events", output.mqtt_events,
                 "with --mqtt and --zones: publish only who enters or leaves a zone or crosses a line")
        ->group(group);
    app.add_option("--mqtt-queue", output.mqtt_queue_mib,
                   "with --mqtt: MiB of messages that wait for a slow broker before the oldest are dropped (default: "
                   "16)")
        ->type_name("MIB")
        ->check(CLI::Range(1, 4096).description(""))
        ->group(group);
    app.add_option("--kafka", output.kafka,
                   "the same to a topic of Kafka, keyed by input; user and password: CONVOY_KAFKA_USER and "
                   "CONVOY_KAFKA_PASSWORD in the environment")
        ->type_name("kafka[s]://HOST[:PORT]/TOPIC")
        ->check(kafka_address)
        ->group(group);
    app.add_flag("--kafka-events", output.kafka_events, "as --mqtt-events, of --kafka")->group(group);
    app.add_option("--kafka-queue", output.kafka_queue_mib, "as --mqtt-queue, of --kafka (default: 16)")
        ->type_name("MIB")
        ->check(CLI::Range(1, 4096).description(""))
        ->group(group);
    app.add_option("--webhook", output.webhook,
                   "with --zones: post each event, who enters or leaves a zone or crosses a line, as JSON to this "
                   "address; a secret header: CONVOY_WEBHOOK_HEADER in the environment")
        ->type_name("http[s]://HOST/…")
        ->check(webhook_address)
        ->group(group);
    add_choice<media::EncoderChoice>(
        app, "--encoder", output.encoding.encoder,
        {{"auto", media::EncoderChoice::automatic},
         {"x264", media::EncoderChoice::x264},
         {"nvenc", media::EncoderChoice::nvenc},
         {"jpeg", media::EncoderChoice::jpeg}},
        "who encodes videos (default: auto: a GPU's encoder for what is one part, such as a "
        "camera, else x264 or x265 on all cores); jpeg: Motion JPEG by the GPU, .avi or "
        ".mkv, and the pictures of --pictures")
        ->group(group);
    app.add_option("--quality", output.encoding.quality,
                   "with --encoder jpeg: 1 is the worst, 100 the best (default: 90)")
        ->type_name("1..100")
        ->check(CLI::Range(1, 100).description(""))
        ->group(group);
    add_choice<media::VideoCodec>(app, "--codec", output.encoding.codec,
                                  {{"h264", media::VideoCodec::h264}, {"hevc", media::VideoCodec::hevc}},
                                  "what videos are encoded as (default: h264)")
        ->group(group);
    const std::vector<std::string> presets = {"ultrafast", "superfast", "veryfast", "faster",  "fast",
                                              "medium",    "slow",      "slower",   "veryslow"};
    app.add_option("--preset", output.encoding.preset,
                   "presets of x264 and x265: how much work it takes to make a video small (default: veryfast)")
        ->type_name(fmt::format("{}", fmt::join(presets, "|")))
        ->check(CLI::IsMember(presets).description(""))
        ->group(group);
    app.add_option("--crf", output.encoding.crf,
                   "quality of a video: 0 is the best, 51 the worst (default: 23, for hevc 28)")
        ->type_name("0..51")
        ->check(CLI::Range(0, 51).description(""))
        ->group(group);
    add_choice<media::LabelStyle>(
        app, "--labels", output.drawing.labels,
        {{"none", media::LabelStyle::none}, {"name", media::LabelStyle::name}, {"full", media::LabelStyle::full}},
        "what stands at a box: nothing, its class, or its confidence as well (default: full)")
        ->group(group);
    app.add_flag(
           "!--no-latency", output.drawing.latency,
           "no milliseconds in the corner of pictures and in JSON records, which are the same from run to run then")
        ->group(group);
    const std::string manners = "Messages";
    app.add_flag("--quiet,-q", options.quiet, "nothing but errors and warnings")->group(manners);
    app.add_flag("--verbose,-v", options.verbose, "messages of the video libraries, too")->group(manners);
    app.add_flag("--report", options.report, "where the time went, stage by stage")->group(manners);
    const auto no_dash = [](const std::string& path) {
        return path == "-" ? std::string(
                                 "'-' is no file here: standard output takes the paths of what was made; "
                                 "name a file")
                           : "";
    };
    const auto file = [&](const char* name, std::string& target, const char* help) {
        app.add_option(name, target, help)->type_name("FILE")->check(no_dash)->group(manners);
    };
    file("--report-json", options.report_json, "the same as JSON");
    file("--report-html", options.report_html, "the same as a page to look at, with what was found where and when");
    file("--trace", options.trace, "what ran where and when, for ui.perfetto.dev");
    app.add_option_function<std::string>(
           "--metrics",
           [&options](const std::string& text) { (names_port(text) ? options.metrics_port : options.metrics) = text; },
           "what was done so far, for Prometheus: a file for node_exporter's textfile collector, every two seconds, or "
           "where GET /metrics is answered")
        ->type_name("FILE|[HOST:]PORT")
        ->check(no_dash)
        ->check(port_if_one)
        ->group(manners);
}

void add_config_options(CLI::App& app, RunOptions& options) {
    const std::string group = "Options from elsewhere";
    app.add_option(
           "--config", options.config,
           "take options from this file, a line each: confidence = 0.4; CONVOY_CONFIDENCE=.4 in the environment "
           "goes before it, and the command line before both")
        ->type_name("FILE")
        ->configurable(false)
        ->group(group);
    app.add_flag("--print-config", options.print_config, "print the options that are set as such a file, and end")
        ->configurable(false)
        ->group(group);
}

void add_following_options(CLI::App& app, RunOptions& options) {
    const std::string group = "Things that move";
    app.add_flag("--track", options.track, "follow things from frame to frame: each has a number in all results")
        ->group(group);
    app.add_option("--zones", options.zones,
                   "count what is in zones and crosses lines, which this JSON file names; tracks, too")
        ->type_name("FILE")
        ->group(group);
    app.add_option("--blur", options.detection.blur,
                   "make what is in boxes of these classes unrecognisable in pictures and videos")
        ->type_name("person,3")
        ->group(group);
}

// Whoever asks for blurred pictures wants no others.
void check_following_options(const RunOptions& options) {
    const OutputOptions& output = options.output;
    const auto needs_zones = [&](const char* name, const std::string& path) {
        if (!path.empty() && options.zones.empty()) throw CLI::ValidationError(name, "needs --zones FILE");
    };
    needs_zones("--zone-counts", output.zone_counts);
    needs_zones("--zone-visits", output.zone_visits);
    needs_zones("--zone-totals", output.zone_totals);
    needs_zones("--webhook", output.webhook);
    for (const auto& [events, address, name] : {std::tuple{output.mqtt_events, output.mqtt, std::string("--mqtt")},
                                                {output.kafka_events, output.kafka, std::string("--kafka")}}) {
        if (!events) continue;
        if (address.empty())
            throw CLI::ValidationError(name + "-events", fmt::format("needs {} {}://HOST/TOPIC", name, name.substr(2)));
        if (options.zones.empty())
            throw CLI::ValidationError(name + "-events", "needs --zones FILE: it tells of zones and lines");
    }
    if (options.detection.blur.empty()) return;
    if (!output.overlay.empty())
        throw CLI::ValidationError("--blur", "cannot go with --overlay, which shows the recording as it is");
    if (!output.crops.empty())
        throw CLI::ValidationError("--blur", "cannot go with --crops, which shows what is in boxes as it is");
}

// Options of one encoder that another would pass over in silence.
void check_encoder_options(const CLI::App& app, const RunOptions& options) {
    const bool jpeg = options.output.encoding.encoder == media::EncoderChoice::jpeg;
    const auto refuse = [&](const char* name, const char* why) {
        if (app.count(name) > 0) throw CLI::ValidationError(name, why);
    };
    if (!jpeg) return refuse("--quality", "is for --encoder jpeg; other encoders have --crf");
    for (const char* name : {"--codec", "--preset"}) refuse(name, "is not for --encoder jpeg, which makes Motion JPEG");
    refuse("--crf", "is not for --encoder jpeg, which has --quality");
}

}  // namespace

void RunOptions::add_to(CLI::App& app) {
    app.description("Finds objects in videos and pictures with a YOLO model in Darknet's format.");
    app.footer(kExamples);
    add_short_help(app, kFirst);
    app.set_version_flag("--version",
                         fmt::format("yolo-run {} (JSON Lines records: version {})", CONVOY_VERSION, kRecordVersion));
    app.add_option(
           "INPUT", inputs,
           "videos, pictures, folders of them, cameras (/dev/video0), addresses (rtsp://…); none with --tune or "
           "--serve alone")
        ->type_name("")
        ->configurable(false);
    app.callback([this, &app] {
        if (print_config) return;
        check_encoder_options(app, *this);
        check_following_options(*this);
        check_fleet_options(app, *this);
        if (app.count("--stop") > 0 && input.stop_s <= input.start_s)
            throw CLI::ValidationError("--stop", "must be later than --start");
        output.more_inputs = has_more_inputs();
        if (serve_inputs != ServeInputs::none && output.serve.empty())
            throw CLI::ValidationError("--serve-inputs", "needs --serve [HOST:]PORT");
        if (serve_inputs != ServeInputs::none && inputs.empty() && watch_list.empty())
            throw CLI::ValidationError("--serve-inputs", "needs an INPUT or a --watch-list to begin with");
        if (inputs.empty() && watch_list.empty() && manifest.empty() && engine.tuning != Tuning::measured &&
            output.serve.empty())
            throw CLI::RequiredError("INPUT");
    });
    model.add_to(app);
    add_preprocess_options(app, engine);
    detection.add_to(app, engine.detect);
    add_reading_options(app, *this);
    add_following_options(app, *this);
    add_device_options(app, engine);
    add_run_options(app, *this);
    add_output_options(app, *this);
    add_fleet_options(app, *this);
    add_config_options(app, *this);
}

void check_alone(const std::vector<std::string>& arguments) {
    CLI::App app;
    RunOptions options;
    options.add_to(app);
    app.callback({});  // what looks at several options together
    for (CLI::Option* option : app.get_options({}))
        for (CLI::Option* other : option->get_needs()) option->remove_needs(other);
    app.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));
}

std::function<void(const std::string&, std::int64_t)> parse_fail_device(const std::string& text) {
    if (text.empty()) return {};
    std::map<std::string, std::int64_t> most;  // pictures of each device
    for (const std::string& part : parts_of(text)) {
        const std::size_t at = std::min(part.find('@'), part.size());
        const auto after = parse_number<std::int64_t>(part.substr(std::min(at + 1, part.size())));
        if (!after) throw Error(ErrorKind::usage, fmt::format("--fail-device {}: expected DEVICE@PICTURES,...", text));
        most[part.substr(0, at)] = *after;
    }
    return [most](const std::string& device, std::int64_t pictures) {
        const auto found = most.find(device);
        if (found != most.end() && pictures >= found->second)
            throw Error(ErrorKind::device, device + " was made to fail by --fail-device");
    };
}

}  // namespace convoy::tools
