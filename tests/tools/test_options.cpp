// SPDX-License-Identifier: MIT
#include "tools/options.h"

#include <CLI/CLI.hpp>
#include <algorithm>

#include <convoy/load.h>
#include "tests/support/catch.h"
#include "tests/support/contains.h"
#include "tests/support/data.h"
#include "tests/tools/child.h"
#include "tools/option_values.h"

using namespace convoy;
using namespace convoy::tools;
using test::contains;

namespace {

struct Parsed {
    CLI::App app{"", "yolo-run"};
    RunOptions options;
    explicit Parsed(std::vector<std::string> arguments) {
        options.add_to(app);
        std::reverse(arguments.begin(), arguments.end());  // CLI11 takes them from the back
        app.parse(arguments);
    }
};

std::string parse_error(const std::vector<std::string>& arguments) {
    try {
        Parsed parsed(arguments);
    } catch (const CLI::ParseError& error) {
        return error.what();
    }
    return "parsed";
}

template <typename F>
std::string usage_error(F&& f) {
    try {
        f();
    } catch (const Error& error) {
        return error.kind() == ErrorKind::usage ? error.what() : std::string("of another kind: ") + error.what();
    }
    return "no error";
}

Network named_network(std::vector<std::string> names) {
    const std::string filters = std::to_string(3 * (5 + names.size()));
    Network network = parse_network(
        "[net]\nwidth=32\nheight=32\nchannels=3\n[convolutional]\nfilters=" + filters +
            "\nsize=1\nstride=1\nactivation=linear\n[yolo]\nmask=0,1,2\nanchors=1,1, 2,2, 3,3\nnum=3\nclasses=" +
            std::to_string(names.size()) + "\n",
        "test.cfg");
    network.names = std::move(names);
    return network;
}

}  // namespace

TEST_CASE("decoders of the GPU and of the CPU beside it", "[options]") {
    const auto threads = [](const char* text) { return Parsed({"--decoders", text, "a.mp4"}).options.threads; };
    CHECK((threads("5").decoders == 5 && threads("5").cpu_decoders == 0));
    CHECK((threads("gpu:6").decoders == 6 && threads("gpu:6").cpu_decoders == 0));
    CHECK((threads("cpu:3").decoders == 0 && threads("cpu:3").cpu_decoders == 3));
    CHECK((threads("gpu:8,cpu:4").decoders == 8 && threads("gpu:8,cpu:4").cpu_decoders == 4));
    CHECK(threads("gpu:8,cpu:0").cpu_decoders == -1);
    for (const char* wrong : {"0", "-1", "x", "gpu:0", "gpu:", "cpu:-1", "tpu:3", "gpu:8;cpu:4", "2000"})
        CHECK_THROWS_AS(threads(wrong), CLI::ValidationError);
}

TEST_CASE("without options the documented defaults hold") {
    const Parsed parsed({"a.mp4"});
    const RunOptions& o = parsed.options;
    CHECK(o.inputs == std::vector<std::string>{"a.mp4"});
    CHECK(o.model.is_demo());
    CHECK(o.engine.detect.confidence == .25f);
    CHECK(o.engine.detect.nms == .45f);
    CHECK(o.engine.detect.max_boxes == 0);
    CHECK(o.engine.detect.fit == Fit::letterbox);
    CHECK(o.engine.detect.resize == Resize::bilinear);
    CHECK(o.engine.device == "auto");
    CHECK(o.engine.precision == Precision::automatic);
    CHECK(o.engine.batch_norm == BatchNormFormula::alexeyab);
    CHECK(o.output.none());
    CHECK(o.input.frames == 0);
}

TEST_CASE("every option reaches its field") {
    const Parsed parsed({"--cfg",
                         "m.cfg",
                         "--weights",
                         "m.weights",
                         "--names",
                         "m.names",
                         "--size",
                         "608x352",
                         "--stretch",
                         "--resize",
                         "darknet",
                         "--batch-norm",
                         "pjreddie",
                         "--confidence",
                         ".5",
                         "--nms",
                         "0.6",
                         "--classes",
                         "person,car",
                         "--nms-agnostic",
                         "--min-size",
                         "12",
                         "--ignore-regions",
                         "0,0,640,80",
                         "--ignore-regions",
                         "10%, 0%,50%,20%",
                         "--tile-overlap",
                         "0.25",
                         "--tiles",
                         "3x2+whole",
                         "--max-boxes",
                         "200",
                         "--frames",
                         "7",
                         "--every",
                         "5",
                         "--start",
                         "1:30",
                         "--stop",
                         "1:00:02.5",
                         "--stream",
                         "2",
                         "--deinterlace",
                         "--device",
                         "cuda:0,2",
                         "--precision",
                         "fp16",
                         "--batch",
                         "8",
                         "--threads",
                         "3",
                         "--jsonl",
                         "-",
                         "--csv",
                         "b.csv",
                         "--coco",
                         "b.json",
                         "--mot",
                         "mot/",
                         "--cvat",
                         "b.xml",
                         "--label-studio",
                         "l.json",
                         "--yolo",
                         "labels",
                         "--crops",
                         "crops",
                         "--video",
                         "v.mp4",
                         "--pictures",
                         "p",
                         "--contact-sheet",
                         "c.jpg",
                         "--report",
                         "--report-json",
                         "r.json",
                         "--trace",
                         "t.json",
                         "--metrics",
                         "m.prom",
                         "--at-once",
                         "4",
                         "--decoders",
                         "5",
                         "--encoders",
                         "6",
                         "--max-latency",
                         "12.5",
                         "--give-up",
                         "3",
                         "--encoder",
                         "x264",
                         "--preset",
                         "medium",
                         "--crf",
                         "18",
                         "-q",
                         "a.mp4",
                         "b.jpg"});
    const RunOptions& o = parsed.options;
    CHECK(o.inputs == std::vector<std::string>{"a.mp4", "b.jpg"});
    CHECK(o.model.cfg == "m.cfg");
    CHECK(o.model.weights == "m.weights");
    CHECK(o.model.names == "m.names");
    CHECK(o.model.size == "608x352");
    CHECK_FALSE(o.model.is_demo());
    CHECK(o.engine.detect.fit == Fit::stretch);
    CHECK(o.engine.detect.resize == Resize::darknet);
    CHECK(o.engine.batch_norm == BatchNormFormula::pjreddie);
    CHECK(o.detection.confidence == ".5");
    CHECK(o.engine.detect.nms == .6f);
    CHECK(o.engine.detect.nms_across_classes);
    CHECK(o.engine.detect.min_size == 12);
    REQUIRE(o.engine.detect.ignored.size() == 2);
    CHECK((o.engine.detect.ignored[0].box.w == 640 && !o.engine.detect.ignored[0].share));
    CHECK((o.engine.detect.ignored[1].box.x == .1f && o.engine.detect.ignored[1].share));
    CHECK(o.detection.classes == "person,car");
    CHECK((o.engine.detect.tiles.columns == 3 && o.engine.detect.tiles.rows == 2 && o.engine.detect.tiles.whole));
    CHECK(o.engine.detect.tiles.overlap == .25f);
    CHECK(o.engine.detect.max_boxes == 200);
    CHECK(o.input.frames == 7);
    CHECK(o.input.every == 5);
    CHECK(o.input.start_s == 90);
    CHECK(o.input.stop_s == 3602.5);
    CHECK(o.input.stream == 2);
    CHECK(o.input.deinterlace);
    CHECK(o.engine.device == "cuda:0,2");
    CHECK(o.engine.precision == Precision::fp16);
    CHECK(o.engine.max_batch == 8);
    CHECK(o.engine.threads == 3);
    CHECK(o.output.jsonl == "-");
    CHECK(o.output.csv == "b.csv");
    CHECK(o.output.coco == "b.json");
    CHECK(o.output.mot == "mot/");
    CHECK(o.output.cvat == "b.xml");
    CHECK(o.output.label_studio == "l.json");
    CHECK(o.output.yolo == "labels");
    CHECK(o.output.crops == "crops");
    CHECK(o.output.video == "v.mp4");
    CHECK(o.output.pictures == "p");
    CHECK(o.output.contact_sheet == "c.jpg");
    CHECK(o.report);
    CHECK(o.report_json == "r.json");
    CHECK(o.trace == "t.json");
    CHECK(o.metrics == "m.prom");
    CHECK(o.at_once == 4);
    CHECK(o.threads.decoders == 5);
    CHECK(o.threads.work_threads == 6);
    CHECK(o.engine.max_latency_ms == 12.5);
    CHECK(o.input.give_up_s == 3);
    CHECK(int(o.output.encoding.encoder) == int(media::EncoderChoice::x264));
    CHECK(o.output.encoding.preset == "medium");
    CHECK(o.output.encoding.crf == 18);
    CHECK(o.quiet);
}

TEST_CASE("every option is in docs/usage.md") {
    const std::string page = test::read_file(test::source_dir() + "/docs/usage.md");
    const Parsed parsed({"a.mp4"});
    for (const CLI::Option* option : parsed.app.get_options())
        for (const std::string& name : option->get_lnames()) {
            INFO("--" << name);
            if (!option->get_group().empty()) CHECK(contains(page, "`--" + name));
        }
}

TEST_CASE("--help is short, --help-all has every option") {
    const Parsed parsed({"a.mp4"});
    const std::string first = parsed.app.help(), all = parsed.app.help("", CLI::AppFormatMode::All);
    CHECK(std::count(first.begin(), first.end(), '\n') <= 30);
    for (const char* name : {"--model STEM", "--jsonl FILE", "--video FILE", "--help-all", "--zones", "--blur"})
        CHECK(contains(first, name));
    CHECK_FALSE(contains(first, "--max-latency"));
    for (const CLI::Option* option : parsed.app.get_options())
        for (const std::string& name : option->get_lnames())
            if (!option->get_group().empty()) CHECK(contains(all, "--" + name));
}

TEST_CASE("JPEGs have a quality of their own") {
    const Parsed parsed({"a.mp4", "--encoder", "jpeg", "--quality", "75"});
    CHECK(int(parsed.options.output.encoding.encoder) == int(media::EncoderChoice::jpeg));
    CHECK(parsed.options.output.encoding.quality == 75);
}

TEST_CASE("--tune does without an input") {
    CHECK(Parsed({"--tune"}).options.inputs.empty());
    CHECK(Parsed({"--tune"}).options.engine.tuning == Tuning::measured);
    CHECK(Parsed({"a.mp4"}).options.engine.tuning == Tuning::remembered);
}

TEST_CASE("a wrong argument is refused with its name in the message") {
    const std::vector<std::pair<std::vector<std::string>, std::string>> cases = {
        {{}, "INPUT"},
        {{"--quiet"}, "INPUT"},
        {{"a.mp4", "--tune", "--no-autotune"}, "--tune"},
        {{"a.mp4", "--confidense", ".5"}, "--confidense"},
        {{"a.mp4", "--confidence", "0"}, "--confidence"},
        {{"a.mp4", "--confidence", "1.5"}, "--confidence"},
        {{"a.mp4", "--confidence", "nan"}, "--confidence"},
        {{"a.mp4", "--confidence", "often"}, "--confidence"},
        {{"a.mp4", "--confidence", ".5,person=2"}, "--confidence: '2' is not between 0 and 1"},
        {{"a.mp4", "--confidence", ".5,"}, "--confidence"},
        {{"a.mp4", "--confidence", "=.5"}, "--confidence: '=.5' lacks a class"},
        {{"a.mp4", "--nms", "-1"}, "--nms"},
        {{"a.mp4", "--min-size", "-1"}, "--min-size"},
        {{"a.mp4", "--ignore-regions", "1,2,3"}, "--ignore-regions: '1,2,3': expected X,Y,W,H"},
        {{"a.mp4", "--ignore-regions", "1,2,3,0"}, "no area"},
        {{"a.mp4", "--ignore-regions", "1%,2,3,4"}, "either all"},
        {{"a.mp4", "--ignore-regions", "-1,2,3,4"}, "0 or more"},
        {{"a.mp4", "--ignore-regions", "nan,2,3,4"}, "0 or more"},
        {{"a.mp4", "--tiles", "3"}, "--tiles: '3' is neither COLUMNSxROWS"},
        {{"a.mp4", "--tiles", "3x"}, "--tiles"},
        {{"a.mp4", "--tiles", "x2"}, "--tiles"},
        {{"a.mp4", "--tiles", "0x2"}, "--tiles"},
        {{"a.mp4", "--tiles", "3x33"}, "each is 1 to 32"},
        {{"a.mp4", "--tiles", "3x2+half"}, "--tiles"},
        {{"a.mp4", "--tiles", ""}, "--tiles"},
        {{"a.mp4", "--tile-overlap", ".2"}, "--tile-overlap"},
        {{"a.mp4", "--tiles", "3x2", "--tile-overlap", ".95"}, "--tile-overlap"},
        {{"a.mp4", "--max-boxes", "0"}, "--max-boxes: Value 0 not in range"},
        {{"a.mp4", "--frames", "-3"}, "--frames"},
        {{"a.mp4", "--blur", "person", "--overlay", "o.mkv"}, "--blur: cannot go with --overlay"},
        {{"a.mp4", "--blur", "person", "--crops", "o"}, "--blur: cannot go with --crops"},
        {{"a.mp4", "--zone-counts", "c.csv"}, "--zone-counts: needs --zones"},
        {{"a.mp4", "--zone-visits", "c.csv"}, "--zone-visits: needs --zones"},
        {{"a.mp4", "--zone-totals", "c.json"}, "--zone-totals: needs --zones"},
        {{"a.mp4", "--stream", "-1"}, "--stream: Value -1 not in range"},
        {{"a.mp4", "--report-json", "-"}, "--report-json: '-' is no file"},
        {{"a.mp4", "--report-html", "-"}, "--report-html: '-' is no file"},
        {{"a.mp4", "--trace", "-"}, "--trace: '-' is no file"},
        {{"a.mp4", "--metrics", "-"}, "--metrics: '-' is no file"},
        {{"a.mp4", "--webhook", "http://host/"}, "--webhook: needs --zones FILE"},
        {{"a.mp4", "--mqtt", "broker/topic"}, "--mqtt: the address begins with neither"},
        {{"a.mp4", "--mqtt", "mqtt://me:secret@broker/topic"}, "--mqtt: user and password do not stand in the address"},
        {{"a.mp4", "--mqtt", "mqtt://broker/t", "--mqtt-queue", "0"}, "--mqtt-queue"},
        {{"a.mp4", "--mqtt-events", "--zones", "z.json"}, "--mqtt-events: needs --mqtt"},
        {{"a.mp4", "--mqtt", "mqtt://broker/t", "--mqtt-events", "--track"}, "--mqtt-events: needs --zones"},
        {{"a.mp4", "--every", "0"}, "--every"},
        {{"a.mp4", "--start", "1:60"}, "--start: '1:60' is no time"},
        {{"a.mp4", "--start", "-1"}, "--start"},
        {{"a.mp4", "--start", "1:2:3:4"}, "--start"},
        {{"a.mp4", "--start", ""}, "--start"},
        {{"a.mp4", "--start", "1.5:00"}, "--start"},
        {{"a.mp4", "--start", "nan"}, "--start"},
        {{"a.mp4", "--start", "9", "--stop", "9"}, "--stop: must be later than --start"},
        {{"a.mp4", "--stop", "0"}, "--stop: must be later than --start"},
        {{"a.mp4", "--batch", "0"}, "--batch"},
        {{"a.mp4", "--threads", "two"}, "--threads"},
        {{"a.mp4", "--precision", "fp8"}, "--precision"},
        {{"a.mp4", "--preset", "quick"}, "--preset"},
        {{"a.mp4", "--crf", "52"}, "--crf"},
        {{"a.mp4", "--codec", "vp9"}, "h264|hevc"},
        {{"a.mp4", "--quality", "80"}, "--quality: is for --encoder jpeg"},
        {{"a.mp4", "--encoder", "x264", "--quality", "80"}, "--quality: is for --encoder jpeg"},
        {{"a.mp4", "--encoder", "jpeg", "--quality", "0"}, "--quality"},
        {{"a.mp4", "--encoder", "jpeg", "--quality", "101"}, "--quality"},
        {{"a.mp4", "--encoder", "jpeg", "--crf", "20"}, "--crf: is not for --encoder jpeg"},
        {{"a.mp4", "--encoder", "jpeg", "--codec", "h264"}, "--codec: is not for --encoder jpeg"},
        {{"a.mp4", "--encoder", "jpeg", "--preset", "fast"}, "--preset: is not for --encoder jpeg"},
        {{"a.mp4", "--resize", "cubic"}, "bilinear|darknet"},
        {{"a.mp4", "--batch-norm", "none"}, "alexeyab|pjreddie|opencv"},
        {{"a.mp4", "--letterbox", "--stretch"}, "--stretch"},
        {{"a.mp4", "--model", "m", "--cfg", "m.cfg"}, "--cfg"},
        {{"a.mp4", "--jsonl"}, "--jsonl"},
    };
    for (const auto& [arguments, part] : cases) {
        const std::string error = parse_error(arguments);
        INFO("expected '" << part << "' in: " << error);
        CHECK(contains(error, part));
        const std::size_t colon = error.find(": ");
        if (colon != std::string::npos) CHECK_FALSE(contains(error.substr(colon), error.substr(0, colon + 2)));
    }
}

TEST_CASE("--size takes multiples of 32") {
    const auto error_for = [](const std::string& size) {
        ModelOptions model;
        model.stem = "no-such-model";
        model.size = size;
        return usage_error([&] { model.load(); });
    };
    CHECK(contains(error_for("417"), "the nearest that are: 416 and 448"));
    CHECK(contains(error_for("608x350"), "350"));
    for (const char* size : {"0", "-416", "416x", "x416", "4 16", "416x416x3", "big", "99999999999999999999"}) {
        INFO(size);
        CHECK(contains(error_for(size), "expected one side (416) or WxH"));
    }
}

TEST_CASE("half a model is a usage error") {
    ModelOptions model;
    model.cfg = "m.cfg";
    CHECK(contains(usage_error([&] { model.load(); }), "--weights"));
    model.cfg.clear();
    model.weights = "m.weights";
    CHECK(contains(usage_error([&] { model.load(); }), "--cfg"));
}

TEST_CASE("a model that is not there, or another program's, says what to do") {
    const test::TemporaryFolder folder;
    const auto complaint = [](const std::string& stem) -> std::string {
        ModelOptions model;
        model.stem = stem;
        try {
            model.load();
        } catch (const Error& error) {
            CHECK(error.kind() == ErrorKind::model);
            return error.what();
        }
        return "";
    };
    const std::string none = complaint(folder / "yolov3");
    CHECK(contains(none, "yolov3.cfg and no "));
    CHECK(contains(none, "yolov3.weights; docs/models.md (Get a model)"));
    test::write_file(folder / "half.cfg", "[net]\n");
    CHECK(contains(complaint(folder / "half"), "there is no " + (folder / "half.weights")));
    // The beginnings of files that PyTorch, ONNX, TensorFlow Lite, Keras, TensorRT and safetensors write.
    const std::pair<const char*, std::string> files[] = {
        {"a PyTorch model", std::string("PK\x03\x04", 4) + std::string(26, '\0') + "best/data.pkl"},
        {"an ONNX model", std::string("\x08\x08\x12\x07pytorch\x1a\x05", 13)},
        {"a TensorFlow Lite model", std::string("\x1c\0\0\0TFL3\0\0\0\0", 12)},
        {"a Keras model", std::string("\x89HDF\r\n\x1a\n\0", 9)},
        {"a TensorRT engine", "ftrt...."},
        {"a safetensors file", std::string("\x40\0\0\0\0\0\0\0{\"a\":{\"dtype\":\"F32\"}}", 30)}};
    for (const auto& [what, bytes] : files)
        for (const char* name : {"x.pt", "y.weights", "z"}) {
            INFO(what << " called " << name);
            test::write_file(folder / name, bytes);
            CHECK(contains(complaint(folder / name), what));
        }
    CHECK(contains(complaint(folder / "z"), "Convoy runs Darknet models"));
}

TEST_CASE("a model's class names are found beside it") {
    const test::TemporaryFolder folder;
    const Network network = named_network(std::vector<std::string>(80, "x"));
    write_network(network, folder / "m.cfg", "");
    std::string coco;
    for (int i = 0; i < 80; ++i) coco += "class" + std::to_string(i) + "\n";
    ModelOptions model;
    model.stem = folder / "m.cfg";  // the suffix is taken off
    CHECK(model.load(false).names.empty());
    test::write_file(folder / "coco.names", coco);
    CHECK(model.load(false).names.at(79) == "class79");
    coco.replace(0, 6, "first_");
    test::write_file(folder / "m.names", coco);
    CHECK(model.load(false).names.at(0) == "first_");
}

TEST_CASE("thresholds of classes go beside that of the others") {
    const Network network = named_network({"person", "bicycle", "traffic light"});
    const auto detect = [&](const char* text) {
        DetectOptions options;
        Parsed({"--confidence", text, "a.mp4"}).options.detection.apply(network, options);
        return options;
    };
    CHECK(detect(".3").confidence == .3f);
    CHECK(detect(".3").class_confidence.empty());
    CHECK(detect("person=.4, 2=.1").confidence == .1f);
    CHECK(detect("person=.4, 2=.1").class_confidence == std::vector<float>{.4f, .25f, .1f});
    CHECK(detect("traffic light=.5,.6").confidence == .5f);
    CHECK(detect("traffic light=.5,.6").class_confidence == std::vector<float>{.6f, .6f, .5f});
    CHECK(contains(usage_error([&] { detect("persn=.5"); }), "--confidence: the model has no class 'persn'; did you"));
}

TEST_CASE("--blur takes no classes whose boxes are dropped") {
    const Network network = named_network({"person", "dont_show", "traffic light"});
    const auto blurred = [&](std::vector<std::string> arguments) {
        arguments.push_back("a.mp4");
        return Parsed(arguments).options.detection.blurred(network);
    };
    CHECK(blurred({}).empty());
    CHECK(blurred({"--blur", "person,2"}) == std::vector<int>{0, 2});
    CHECK(blurred({"--blur", "person", "--classes", "2,0"}) == std::vector<int>{0});
    CHECK(contains(usage_error([&] {
                       blurred({"--blur", "2,person", "--classes", "traffic light"});
                   }),
                   "--blur 2,person: --classes traffic light leaves class 0 out"));
    CHECK(contains(usage_error([&] { blurred({"--blur", "1"}); }), "class 1 dont_show"));
}

TEST_CASE("--classes takes names and ids") {
    const Network network = named_network({"person", "bicycle", "traffic light"});
    CHECK(parse_shown_classes("", network).empty());
    CHECK(parse_shown_classes("person", network) == std::vector<int>{0});
    CHECK(parse_shown_classes("person, traffic light ,\tbicycle", network) == std::vector<int>{0, 2, 1});
    CHECK(parse_shown_classes("traffic light,0,2", network) == std::vector<int>{2, 0});
    CHECK(contains(usage_error([&] { parse_shown_classes("persn", network); }), "did you mean: person?"));
    CHECK(contains(usage_error([&] { parse_shown_classes("light", network); }), "traffic light"));
    CHECK(contains(usage_error([&] { parse_shown_classes("person,aeroplane", network); }), "no class 'aeroplane'"));
    CHECK(contains(usage_error([&] { parse_shown_classes("person,", network); }), "no class ''"));
    CHECK(contains(usage_error([&] { parse_shown_classes("3", network); }), "0 to 2"));
    const Network hiding = named_network({"dont_show", "bicycle", "dont_show too"});
    CHECK(parse_shown_classes("0,bicycle", hiding) == std::vector<int>{0, 1});
    CHECK(
        contains(usage_error([&] { parse_shown_classes("0,dont_show too", hiding); }), "calls all of these dont_show"));
    CHECK(contains(usage_error([&] { parse_shown_classes("0", hiding); }), "calls this class dont_show"));
    Network nameless = network;
    nameless.names.clear();
    CHECK(parse_shown_classes("2", nameless) == std::vector<int>{2});
    CHECK(contains(usage_error([&] { parse_shown_classes("person", nameless); }), "give a file of names"));
}
