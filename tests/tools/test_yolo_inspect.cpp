// SPDX-License-Identifier: MIT
//
// yolo-inspect as its users meet it.
#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "tests/support/catch.h"
#include "tests/support/contains.h"
#include "tests/support/data.h"
#include "tests/tools/child.h"

using namespace convoy;
using nlohmann::json;
using test::contains;
using test::Finished;
using test::TemporaryFolder;

namespace {

Finished inspect(const std::vector<std::string>& arguments) {
    const TemporaryFolder folder;
    return test::run("yolo-inspect", arguments, folder.path());
}

std::string demo() { return test::source_file("models/yolov3-quarter"); }

json inspect_json(std::vector<std::string> arguments) {
    arguments.push_back("--json");
    const Finished finished = inspect(arguments);
    INFO(finished.err);
    REQUIRE(finished.status == 0);
    return json::parse(finished.out);
}

}  // namespace

TEST_CASE("totals are those that Darknet prints and that the weights files hold") {
    struct Known {
        const char *cfg, *size;
        std::size_t parameters;
        double bflops;
    };
    // Parameters: from the sizes of the published files. BFLOPs: as on the page that publishes the models.
    for (const Known& known : {Known{"yolov3", "416", 62001757, 65.86}, Known{"yolov3-tiny", "416", 8858734, 5.56},
                               Known{"yolov3-spp", "608", 63052381, 141.45}}) {
        const std::string cfg = test::data_or_skip(std::string("cfgs/") + known.cfg + ".cfg");
        if (cfg.empty()) return;
        INFO(known.cfg);
        const json found = inspect_json({cfg, "--size", known.size});
        CHECK(found["parameters"] == known.parameters);
        CHECK(std::fabs(double(found["bflops"]) - known.bflops) <= .005);
        CHECK(found["memory"]["weights_bytes"] == 4 * known.parameters);
    }
}

TEST_CASE("JSON is JSON, whatever the bytes of a name") {
    const TemporaryFolder folder;
    const std::string cfg = folder / "caf\xe9.cfg";
    std::filesystem::copy_file(demo() + ".cfg", cfg);
    CHECK(contains(inspect_json({cfg})["cfg"], "caf\xef\xbf\xbd.cfg"));
}

TEST_CASE("every layer has its line, its shapes and its cost") {
    const json found = inspect_json({demo()});
    REQUIRE(found["layers"].size() == 107);
    CHECK(found["input"] == json({3, 416, 416}));
    const json& first = found["layers"][0];  // 8 filters of 3 x 3 x 3, with batch norm
    CHECK(first["type"] == "convolutional");
    CHECK(first["output"] == json({8, 416, 416}));
    CHECK(first["parameters"] == 8 * 27 + 4 * 8);
    CHECK(double(first["bflops"]) == 2. * 27 * 8 * 416 * 416 / 1e9);
    CHECK(found["layers"][4]["inputs"] == json({3, 1}));
    CHECK(found["layers"][82]["type"] == "yolo");
    const json& memory = found["memory"];
    CHECK(memory["arena_bytes"] < memory["unshared_bytes"]);

    const Finished table = inspect({demo()});
    CHECK(table.status == 0);
    CHECK(test::lines_of(table.out).size() == 1 + 107 + 1 + 1);
    CHECK(contains(table.out, "416 x 416 x 3      -> 416 x 416 x 8"));
}

TEST_CASE("inputs and heads grow with the batch; weights and the arena of a picture do not") {
    const json one = inspect_json({demo()})["memory"], four = inspect_json({demo(), "--batch", "4"})["memory"];
    CHECK(one["weights_bytes"] == four["weights_bytes"]);
    CHECK(one["arena_bytes"] == four["arena_bytes"]);
    CHECK(std::size_t(four["slot_bytes"]) >= 4 * std::size_t(one["slot_bytes"]) * 9 / 10);
}

TEST_CASE("weights are not needed") {
    const TemporaryFolder folder;
    test::write_file(folder / "only.cfg", test::read_file(demo() + ".cfg"));
    CHECK(test::run("yolo-inspect", {"only.cfg"}, folder.path()).status == 0);
    CHECK(test::run("yolo-inspect", {"only.cfg", "--passes"}, folder.path()).status == 0);
}

TEST_CASE("every stage of the graph is shown, alone and with the others") {
    const json stages = inspect_json({demo(), "--passes"})["stages"];
    REQUIRE(stages.size() >= 3);
    CHECK(stages[0]["name"] == "lowered");
    std::size_t before = stages[0]["nodes"].size();
    for (const json& stage : stages) {  // no pass adds nodes
        CHECK(stage["nodes"].size() <= before);
        before = stage["nodes"].size();
        const std::string name = stage["name"];
        const Finished text = inspect({demo(), "--stage", name});
        CHECK(test::lines_of(text.out).size() == 1 + stage["nodes"].size());
    }
    CHECK(inspect_json({demo(), "--stage", "final"})["nodes"] == stages.back()["nodes"]);
    for (const json& node : stages.back()["nodes"]) CHECK(node["op"] != "batchnorm");
}

TEST_CASE("Graphviz gets a node per layer or per node of a stage") {
    const auto arrows = [](const std::string& dot) {
        std::size_t count = 0;
        for (std::size_t at = 0; (at = dot.find(" -> ", at)) != std::string::npos; ++at) ++count;
        return count;
    };
    const Finished layers = inspect({demo(), "--dot"});
    CHECK(layers.status == 0);
    CHECK(layers.out.rfind("digraph", 0) == 0);
    CHECK(arrows(layers.out) == 107 + 23 + 2);  // 23 shortcuts and 2 routes have two inputs
    const Finished graph = inspect({demo(), "--stage", "final", "--dot"});
    CHECK(graph.out.rfind("digraph", 0) == 0);
    CHECK(arrows(graph.out) > 70);
}

TEST_CASE("wrong usage and bad data end with the right status and a sentence") {
    const auto check = [](const std::vector<std::string>& arguments, int status, const std::string& part) {
        const Finished finished = inspect(arguments);
        INFO("'" << part << "' in: " << finished.err);
        CHECK(finished.status == status);
        CHECK(contains(finished.err, "yolo-inspect: error: "));
        CHECK(contains(finished.err, part));
        CHECK(finished.out.empty());
    };
    check({demo(), "--stage", "nonsense"}, 2, "lowered");
    check({demo(), "--json", "--dot"}, 2, "--dot");
    check({demo(), "--size", "415"}, 2, "multiple of 32");
    check({"/nonexistent.cfg"}, 1, "/nonexistent.cfg");
    const TemporaryFolder folder;
    test::write_file(folder / "bad.cfg", "[net]\nwidth=32\nheight=32\nchannels=3\n[convolutional]\nfilers=3\n");
    check({folder / "bad.cfg"}, 1, "filers");
}
