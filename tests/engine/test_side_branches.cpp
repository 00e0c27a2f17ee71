// SPDX-License-Identifier: MIT
#include "engine/plan/side_branches.h"

#include <algorithm>
#include <string>

#include <convoy/load.h>
#include "engine/plan/compile.h"
#include "tests/support/catch.h"
#include "tests/support/data.h"

using namespace convoy;

namespace {

Plan plan_of(const Network& network) {
    CompileOptions options;
    options.passes.traits = {
        .conv_takes_pitch = true, .conv_upsamples = true, .side_branches = true, .channel_alignment = 8};
    return compile(network, options);
}

/// What a branch writes is read in it alone, and whatever it touches is nobody else's until the end.
void check_branches(const Plan& plan) {
    const auto& nodes = plan.graph.nodes;
    int before = -1;
    for (const NodeRange& branch : plan.side_branches) {
        INFO("nodes " << branch.first << " to " << branch.last);
        REQUIRE(branch.first > before);
        REQUIRE(branch.last > branch.first);
        REQUIRE(std::size_t(branch.last) + 1 < nodes.size());
        REQUIRE(std::holds_alternative<YoloOp>(nodes[std::size_t(branch.last)].op));
        before = branch.last;
        for (std::size_t i = 0; i < nodes.size(); ++i) {
            const bool inside = int(i) >= branch.first && int(i) <= branch.last;
            for (TensorId t : nodes[i].inputs) {
                if (inside) REQUIRE(plan.memory.block(t).last == int(nodes.size()));
                for (int written = branch.first; !inside && written < branch.last; ++written)
                    REQUIRE(plan.graph.place(t).root != nodes[std::size_t(written)].output);
            }
            if (!inside || nodes[i].output == kNoTensor) continue;
            const MemoryPlan::Block& y = plan.memory.block(nodes[i].output);
            REQUIRE(y.first == int(i));  // nobody's before
            REQUIRE(y.last == int(nodes.size()));
        }
    }
}

std::vector<NodeRange> branches_of(const std::string& layers) {
    const Plan plan = plan_of(parse_network("[net]\nwidth=16\nheight=16\nchannels=3\n" + layers, "x.cfg"));
    check_branches(plan);
    return plan.side_branches;
}

}  // namespace

TEST_CASE("a side branch is its own reader, and its tensors stay until the end, for every cfg", "[memory]") {
    int found = 0;
    for (const std::string& cfg : test::all_cfgs()) {
        INFO(cfg);
        const Plan plan = plan_of(load_network(cfg));
        check_branches(plan);
        found += int(plan.side_branches.size());
    }
    CHECK(found >= 2);  // the tree alone has these two
    // Two of yolov3's three heads, each with a 3x3 and a 1x1.
    const Plan plan = plan_of(load_network(test::source_dir() + "/models/yolov3-quarter.cfg"));
    REQUIRE(plan.side_branches.size() == 2);
    for (const NodeRange& branch : plan.side_branches) CHECK(branch.last - branch.first == 2);
}

TEST_CASE("a side branch begins behind what others read", "[memory]") {
    const auto conv = [](int filters) {
        return "[convolutional]\nfilters=" + std::to_string(filters) + "\nsize=1\nstride=1\npad=1\nactivation=leaky\n";
    };
    const std::string yolo = "[yolo]\nanchors=9,9\nclasses=2\nnum=1\n";
    const auto route = [](const char* layers) { return std::string("[route]\nlayers=") + layers + "\n"; };
    using Ranges = std::vector<NodeRange>;
    // Node 0 is the input; routes of one layer are no nodes.
    CHECK(branches_of(conv(8) + conv(9) + conv(7) + yolo).empty());
    CHECK(branches_of(conv(8) + conv(9) + conv(7) + yolo + route("0") + conv(7) + yolo) == Ranges{{2, 4}});
    CHECK(branches_of(conv(8) + conv(9) + conv(7) + yolo + route("1") + conv(7) + yolo) == Ranges{{3, 4}});
    // What the head reads is read by others, too, or lies in a tensor with something else.
    CHECK(branches_of(conv(8) + conv(7) + yolo + route("1") + conv(7) + yolo).empty());
    CHECK(branches_of(conv(8) + conv(8) + conv(7) + yolo + route("0,1") + conv(7) + yolo) == Ranges{{3, 4}});
    // Heads alone behind it: nothing to run beside.
    CHECK(branches_of(conv(8) + conv(7) + yolo + route("1") + yolo).empty());
    // Two, one after the other.
    CHECK(branches_of(conv(8) + conv(7) + yolo + route("0") + conv(7) + yolo + route("0") + conv(7) + yolo) ==
          Ranges{{2, 3}, {4, 5}});
}
