// SPDX-License-Identifier: MIT
#include "tools/settings.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <map>

#include "tests/support/catch.h"
#include "tests/support/contains.h"
#include "tests/support/data.h"
#include "tests/tools/child.h"
#include "tools/options.h"
#include "tools/settings_file.h"

using namespace convoy;
using namespace convoy::tools;
using test::contains;

namespace {

/// A command line with an environment.
struct Parsed {
    CLI::App app{"", "yolo-run"};
    RunOptions options;
    explicit Parsed(std::vector<std::string> arguments, const std::map<std::string, std::string>& variables = {}) {
        options.add_to(app);
        add_settings(
            app, arguments,
            [&](const char* name) {
                const auto found = variables.find(name);
                return found == variables.end() ? nullptr : found->second.c_str();
            },
            check_alone);
        std::reverse(arguments.begin(), arguments.end());
        app.parse(arguments);
    }
};

class Configs {
public:
    std::string file(const std::string& text) const {
        test::write_file(folder_ / "c.toml", text);
        return folder_ / "c.toml";
    }
    std::string error(const std::string& text, const std::map<std::string, std::string>& variables = {}) const {
        try {
            Parsed({"a.mp4", "--config", file(text)}, variables);
        } catch (const std::exception& error) {
            return error.what();
        }
        return "parsed";
    }

private:
    test::TemporaryFolder folder_;
};

/// For each option a value that it takes, not the default.
const std::map<std::string, std::vector<std::string>> kValues = {
    {"model", {"my models/yolo#3"}},
    {"cfg", {"m.cfg"}},
    {"weights", {"m.weights"}},
    {"names", {"m \"x\".names"}},
    {"size", {"608x352"}},
    {"resize", {"darknet"}},
    {"batch-norm", {"opencv"}},
    {"confidence", {".25,person=.4,traffic light=.3"}},
    {"nms", {"0.6"}},
    {"classes", {"person,traffic light"}},
    {"min-size", {"12.5"}},
    {"ignore-regions", {"0,0,640,80", "10%,0%,50%,20%"}},
    {"tiles", {"3x2+whole"}},
    {"max-boxes", {"200"}},
    {"frames", {"7"}},
    {"every", {"5"}},
    {"start", {"1:30"}},
    {"stop", {"1:00:02.5"}},
    {"stream", {"2"}},
    {"zones", {"C:\\zones.json"}},
    {"blur", {"person,3"}},
    {"device", {"cuda:0,2"}},
    {"precision", {"fp16"}},
    {"replicate", {"copy"}},
    {"tuning-cache", {"cache"}},
    {"gpu-memory", {"4G"}},
    {"batch", {"8"}},
    {"threads", {"3"}},
    {"at-once", {"4"}},
    {"decoders", {"gpu:8,cpu:0"}},
    {"encoders", {"6"}},
    {"max-latency", {"12.5"}},
    {"give-up", {"3"}},
    {"encoder", {"x264"}},
    {"codec", {"hevc"}},
    {"preset", {"medium"}},
    {"crf", {"18"}},
    {"quality", {"80"}},
    {"labels", {"name"}},
    {"jsonl", {"-"}},
    {"mqtt", {"mqtt://broker/a b"}},
    {"mqtt-queue", {"3"}},
    {"kafka", {"kafka://broker/boxes"}},
    {"kafka-queue", {"3"}},
    {"serve", {"[::1]:8080"}},
    {"serve-inputs", {"addresses"}},
};

std::vector<std::string> value_of(const CLI::Option& option) {
    const auto found = kValues.find(option.get_lnames().front());
    return found != kValues.end() ? found->second : std::vector<std::string>{"some file"};
}

}  // namespace

TEST_CASE("the options of MQTT and Kafka reach their fields") {
    for (const std::string name : {"--mqtt", "--kafka"}) {
        const std::string address = name.substr(2) + "://broker/t";
        const Parsed parsed({"a.mp4", name, address, "--zones", "z", name + "-events", name + "-queue", "3"});
        const OutputOptions& o = parsed.options.output;
        CHECK(o.mqtt + o.kafka == address);
        CHECK((o.mqtt_events + o.kafka_events == 1 && o.mqtt_queue_mib + o.kafka_queue_mib == 16 + 3));
    }
}

TEST_CASE("every option can be printed, read back and set by the environment", "[settings]") {
    const Configs configs;
    const Parsed none({"a.mp4"});
    const std::set<std::string> of_fleets = {"manifest", "shard", "claim", "claim-timeout", "resume", "grace"};
    int tried = 0;
    for (const CLI::Option* option : none.app.get_options()) {
        if (!is_setting(*option)) continue;
        const std::string name = option->get_lnames().front();
        // What needs another option is tried below.
        if (name == "quality" || name == "tile-overlap" || name.starts_with("zone-") || name == "mqtt-events" ||
            name == "kafka-events" || name == "webhook" || name == "serve-inputs" || name == "fail-device" ||
            of_fleets.contains(name))
            continue;
        INFO("--" << name);
        const bool is_flag = option->get_expected_min() == 0;
        std::vector<std::string> arguments = {"a.mp4"};
        std::string joined;
        for (const std::string& value : is_flag ? std::vector<std::string>{""} : value_of(*option)) {
            arguments.push_back(is_flag ? "--" + name : "--" + name + "=" + value);
            joined += (joined.empty() ? "" : ";") + value;
        }
        const Parsed given(arguments);
        const std::string text = print_settings(given.app);
        CHECK(std::count(text.begin(), text.end(), '\n') == 1);
        const Parsed read({"a.mp4", "--config", configs.file(text)});
        CHECK(print_settings(read.app) == text);
        CHECK(read.app.get_option("--" + name)->results() == given.app.get_option("--" + name)->results());
        const Parsed in_environment({"a.mp4"}, {{variable_of(name), is_flag ? "on" : joined}});
        CHECK(print_settings(in_environment.app) == text);
        CHECK(in_environment.app.get_option("--" + name)->results() == given.app.get_option("--" + name)->results());
        ++tried;
    }
    CHECK(tried > 50);
}

TEST_CASE("what needs another option has it from any layer", "[settings]") {
    const Configs configs;
    const std::vector<std::string> command = {"a.mp4",     "--tiles", "3x2",    "--zones",        "z",
                                              "--encoder", "jpeg",    "--mqtt", "mqtt://broker/t"};
    for (const auto& [name, value] : std::map<std::string, std::string>{{"tile-overlap", "0.5"},
                                                                        {"zone-counts", R"("c.csv")"},
                                                                        {"zone-totals", R"("t.json")"},
                                                                        {"mqtt-events", "true"},
                                                                        {"webhook", R"("https://host/hook")"},
                                                                        {"quality", "80"}}) {
        INFO(name);
        const std::string line = name + " = " + value + "\n";
        std::vector<std::string> with_file = command;
        with_file.insert(with_file.end(), {"--config", configs.file(line)});
        CHECK(contains(print_settings(Parsed(with_file).app), line));
        const std::string bare = value[0] == '"' ? value.substr(1, value.size() - 2) : value;
        CHECK(contains(print_settings(Parsed(command, {{variable_of(name), bare}}).app), line));
    }
    const Parsed fleet({"--jsonl", "out/", "--config", configs.file("manifest = \"work.tsv\"\nclaim-timeout = 5\n")},
                       {{"CONVOY_CLAIM", "claims"}, {"CONVOY_GRACE", "3"}});
    CHECK(fleet.options.manifest == "work.tsv");
    CHECK(fleet.options.claim == "claims");
    CHECK(fleet.options.claim_timeout_s == 5);
    CHECK(fleet.options.grace_s == 3);
    CHECK(Parsed({"a.mp4", "--jsonl", "b.jsonl"}, {{"CONVOY_RESUME", "on"}}).options.by_units());
    CHECK(Parsed({"--jsonl", "out/", "--shard", "2/8"}, {{"CONVOY_MANIFEST", "w"}}).options.shard == "2/8");
    CHECK(configs.error("shard = \"1/2\"\n") == "--shard: needs --manifest FILE");
    CHECK(configs.error("resume = true\n") == "--resume: needs --jsonl FILE or --jsonl DIR/");
    CHECK(configs.error("grace = 3\n") == "--grace: needs --manifest FILE or --resume");
    CHECK(Parsed({"a.mp4", "--config", configs.file("tile-overlap = 0.5\ntiles = \"3x2\"\n")})
              .options.engine.detect.tiles.overlap == .5f);
    CHECK(configs.error("tile-overlap = 0.5\n") == "--tile-overlap requires --tiles");
    CHECK(configs.error("tile-overlap = 2\ntiles = \"3x2\"\n").starts_with(configs.file("") + ":1: --tile-overlap: "));
}

TEST_CASE("the command line goes before the environment, and that before the file", "[settings]") {
    const Configs configs;
    const std::string file = configs.file("crf = 1\nnms = 0.1 # and no more\nmax-boxes = 7\n");
    const Parsed all({"a.mp4", "--config", file, "--crf", "3"}, {{"CONVOY_CRF", "2"}, {"CONVOY_NMS", "0.2"}});
    CHECK(all.options.output.encoding.crf == 3);
    CHECK(all.options.engine.detect.nms == .2f);
    CHECK(all.options.engine.detect.max_boxes == 7);
    const Parsed named({"a.mp4", "--crf=3"}, {{"CONVOY_CONFIG", file}, {"CONVOY_NMS", ""}});
    CHECK(named.options.output.encoding.crf == 3);
    CHECK(named.options.engine.detect.nms == .1f);
    CHECK(named.options.config == file);
}

TEST_CASE("what is turned off above stays off, and what excludes another takes it away", "[settings]") {
    const Configs configs;
    const std::string file = configs.file(
        "track = true\nstretch = true\ncfg = \"m.cfg\"\nweights = \"m.weights\"\n"
        "no-latency = true\nquiet = false\n");
    const Parsed plain({"a.mp4", "--config", file});
    CHECK((plain.options.track && !plain.options.output.drawing.latency && !plain.options.quiet));
    CHECK(plain.options.model.cfg == "m.cfg");
    const Parsed above({"a.mp4", "--config", file, "--model", "other", "--letterbox"}, {{"CONVOY_TRACK", "no"}});
    CHECK_FALSE(above.options.track);
    CHECK(above.options.model.cfg.empty());
    CHECK(above.options.engine.detect.fit == Fit::letterbox);
    CHECK_FALSE(Parsed({"a.mp4", "--track=false", "--config", file}).options.track);
    // Not an option, although it looks like one.
    CHECK(Parsed({"--config", file, "--", "--track=false"}).options.track);
}

TEST_CASE("what is wrong in a file is said with its line", "[settings]") {
    const Configs configs;
    const std::pair<const char*, const char*> cases[] = {
        {"\n# x\nconfidense = 0.4", "c.toml:3: there is no option 'confidense'; did you mean 'confidence'?"},
        {"xyzzy = 1", "c.toml:1: there is no option 'xyzzy'"},
        {"crf = 18\nnms = 0.4\ncrf = 19", "c.toml:3: 'crf' has a value already, in line 1"},
        {"crf = 99", "c.toml:1: --crf"},
        {"confidence = \".5,person=2\"", "--confidence: '2' is not between 0 and 1"},
        {"track = 1.5", "'track' is true or false"},
        {"jsonl = true", "'jsonl' takes a value, not true or false"},
        {"jsonl = \"\"", "'jsonl' has an empty value"},
        {"jsonl = [\"a\", \"b\"]", "'jsonl' takes one value"},
        {"jsonl = boxes.jsonl", "'boxes.jsonl' must stand in \"quotes\""},
        {"jsonl = \"a", "lacks its closing \""},
        {"jsonl = \"a\\q\"", "write \\\\ for one"},
        {"jsonl = \"\"\"a\"\"\"", "several lines"},
        {"crf = 018", "'018' must stand"},
        {"crf 18", "expected '='"},
        {"crf = 18 nms = 0.4", "goes on behind it"},
        {"crf =", "expected a value"},
        {"[model]\nname = 1", "c.toml:1: tables are not known"},
        {"ignore-regions = [\"1,2,3,4\"", "lacks its ']'"},
        {"ignore-regions = []", "the list is empty"},
        {"config = \"x\"", "'config' stands on the command line alone"},
        {"help = true", "'help' stands on the command line alone"},
        {"= 3", "expected an option's name"},
    };
    for (const auto& [text, part] : cases) {
        const std::string error = configs.error(text);
        INFO("expected '" << part << "' in: " << error);
        CHECK(contains(error, part));
    }
    CHECK(contains(configs.error("", {{"CONVOY_CRF", "99"}}), "CONVOY_CRF: --crf"));
    CHECK(contains(configs.error("", {{"CONVOY_TRACK", "maybe"}}), "CONVOY_TRACK: 'track' is true or false"));
    CHECK_THROWS_AS(Parsed({"a.mp4", "--config", "no-such.toml"}), Error);
    CHECK_THROWS_AS(Parsed({"a.mp4", "--config", "/"}), Error);
}

TEST_CASE("values come through TOML as they were", "[settings]") {
    std::string bytes;
    for (int c = 1; c < 128; ++c) bytes += char(c);
    for (const std::string& text :
         {bytes, std::string("é 漢字"), std::string("a#b"), std::string("12"), std::string("-1.5e3"), std::string("01"),
          std::string("true"), std::string("\\"), std::string("'\""), std::string(".5")})
        CHECK(parse_settings("a = " + toml_value(text) + "\r\n", "x").at(0).values.at(0) == text);
    const auto parsed =
        parse_settings("\xef\xbb\xbf'a' = [ \"x\", # one\n 'y\\', 3,\n]\nb = \"\\u00e9\\U0001F600\"", "x");
    CHECK(parsed.at(0).values == std::vector<std::string>{"x", "y\\", "3"});
    CHECK(parsed.at(1).values.at(0) == "é😀");
    CHECK(parsed.at(1).where == "x:4");
}
