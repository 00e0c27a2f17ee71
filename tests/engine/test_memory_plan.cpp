// SPDX-License-Identifier: MIT
#include "engine/plan/memory_plan.h"

#include <algorithm>
#include <ctime>

#include <convoy/load.h>
#include "engine/plan/compile.h"
#include "tests/support/catch.h"
#include "tests/support/data.h"

using namespace convoy;

namespace {

// Blocks that are alive together must not overlap; this is the whole contract, checked by brute force.
void check_disjoint(const MemoryPlan& plan) {
    for (std::size_t a = 0; a < plan.blocks.size(); ++a)
        for (std::size_t b = a + 1; b < plan.blocks.size(); ++b) {
            const MemoryPlan::Block &x = plan.blocks[a], &y = plan.blocks[b];
            if (x.bytes == 0 || y.bytes == 0 || x.home != y.home) continue;
            const bool together = x.home == MemoryPlan::Home::slot || (x.first <= y.last && y.first <= x.last);
            const bool overlap = x.offset < y.offset + y.bytes && y.offset < x.offset + x.bytes;
            INFO("blocks " << a << " and " << b);
            REQUIRE_FALSE((together && overlap));
        }
    for (const MemoryPlan::Block& b : plan.blocks) {
        REQUIRE(b.offset % MemoryPlan::kAlignment == 0);
        REQUIRE(b.offset + b.bytes <= (b.home == MemoryPlan::Home::slot ? plan.slot_bytes : plan.arena_bytes));
    }
}

bool any_pair(const kernels::ConvProblem&, const kernels::ConvProblem&) { return true; }

// What a node reads is alive, and so is what a kernel reads that computes it and the one before it.
void check_alive(const Plan& plan) {
    check_disjoint(plan.memory);
    const auto& nodes = plan.graph.nodes;
    const auto check = [&](TensorId t, int node) {
        INFO("node " << node << " reads " << plan.graph.tensors[std::size_t(t)].name);
        REQUIRE(plan.memory.block(t).first <= node);
        REQUIRE(plan.memory.block(t).last >= node);
    };
    for (std::size_t i = 0; i < nodes.size(); ++i)
        for (TensorId t : nodes[i].inputs) check(t, int(i));
    for (const ConvPairNodes& pair : plan.pairs) {
        const Node &first = nodes[std::size_t(pair.first)], &second = nodes[std::size_t(pair.second)];
        const TensorId x = first.inputs[0];
        check(x, pair.second);
        if (second.inputs.size() > 1) REQUIRE(second.inputs[1] == x);
        // Slices of one tensor lie beside each other.
        if (plan.memory.places[x].root != plan.memory.places[second.output].root)
            REQUIRE(plan.memory.block_of[plan.memory.places[x].root] !=
                    plan.memory.block_of[plan.memory.places[second.output].root]);
    }
}

}  // namespace

TEST_CASE("live tensors never share memory, for every cfg", "[memory]") {
    for (const std::string& cfg : test::all_cfgs()) {
        INFO(cfg);
        const Network network = load_network(cfg);
        for (bool pitch : {false, true})
            for (int batch : {1, 3}) {
                CompileOptions options;
                options.passes.traits = {
                    .conv_takes_pitch = pitch, .conv_upsamples = pitch, .channel_alignment = pitch ? 8 : 1};
                options.max_batch = batch;
                options.passes.traits.may_be_pair = any_pair;
                check_alive(compile(network, options));
                options.passes.traits.may_be_pair = nullptr;
                const Plan plan = compile(network, options);
                check_disjoint(plan.memory);
                check_alive(plan);
                CHECK(plan.memory.arena_bytes < plan.memory.unshared_bytes);
            }
    }
}

TEST_CASE("every block lies at the lowest offset that is free while it lives, the largest placed first", "[memory]") {
    std::vector<Network> networks;
    for (const std::string& cfg : test::all_cfgs()) networks.push_back(load_network(cfg));
    // Many tensors that live long, side by side: each way down is joined on the way up.
    const auto conv = [](int filters) {
        return "[convolutional]\nfilters=" + std::to_string(filters) + "\nsize=1\nstride=1\npad=1\nactivation=leaky\n";
    };
    constexpr int kDepth = 40;
    std::string joined = "[net]\nwidth=8\nheight=8\nchannels=3\n";
    for (int i = 0; i < kDepth; ++i) joined += conv(1 + i * 7 % 5);
    for (int i = kDepth; i-- > 0;) joined += "[route]\nlayers=-1," + std::to_string(i) + "\n" + conv(1 + i % 3);
    networks.push_back(parse_network(joined, "joined.cfg"));

    for (const Network& network : networks) {
        INFO(network.cfg_path);
        const MemoryPlan plan = compile(network, {}).memory;
        std::vector<const MemoryPlan::Block*> placed;
        for (const MemoryPlan::Block& b : plan.blocks)
            if (b.home == MemoryPlan::Home::arena && b.bytes > 0) placed.push_back(&b);
        std::stable_sort(placed.begin(), placed.end(),
                         [](const auto* a, const auto* b) { return a->bytes > b->bytes; });
        for (std::size_t i = 0; i < placed.size(); ++i) {
            const MemoryPlan::Block& b = *placed[i];
            const auto fits = [&](std::size_t offset) {
                return std::none_of(placed.begin(), placed.begin() + std::ptrdiff_t(i), [&](const auto* other) {
                    return other->first <= b.last && b.first <= other->last && other->offset < offset + b.bytes &&
                           offset < other->offset + other->bytes;
                });
            };
            REQUIRE(fits(b.offset));
            for (std::size_t j = 0; j < i; ++j) {  // a lower place would begin at 0 or where another ends
                const std::size_t end = placed[j]->offset + placed[j]->bytes;
                if (end < b.offset) REQUIRE_FALSE(fits(end));
            }
            if (b.offset > 0) REQUIRE_FALSE(fits(0));
        }
    }
}

TEST_CASE("keep_all gives every tensor memory of its own", "[memory]") {
    CompileOptions options;
    options.keep_all = true;
    const Plan plan = compile(load_network(test::source_dir() + "/models/yolov3-quarter.cfg"), options);
    CHECK(plan.memory.arena_bytes == plan.memory.unshared_bytes);
    for (std::size_t a = 0; a < plan.memory.blocks.size(); ++a)
        for (std::size_t b = a + 1; b < plan.memory.blocks.size(); ++b) {
            const auto &x = plan.memory.blocks[a], &y = plan.memory.blocks[b];
            if (x.home == y.home && x.bytes && y.bytes)
                REQUIRE((x.offset + x.bytes <= y.offset || y.offset + y.bytes <= x.offset));
        }
}

TEST_CASE("a residual that dies gives its memory to the sum", "[memory]") {
    const Plan plan = compile(load_network(test::source_dir() + "/models/yolov3-quarter.cfg"), {});
    int shared = 0, residuals = 0;
    for (const Node& node : plan.graph.nodes) {
        const auto* conv = std::get_if<ConvOp>(&node.op);
        if (!conv || !conv->residual) continue;
        ++residuals;
        shared += plan.memory.block_of[node.output] == plan.memory.block_of[node.inputs[1]];
    }
    CHECK(residuals == 23);
    CHECK(shared == 23);  // in yolov3 no residual is read again
}

TEST_CASE("pitches are whole vectors, the input's a pixel of four", "[memory]") {
    const char* cfg =
        "[net]\nwidth=6\nheight=4\nchannels=3\n[convolutional]\nfilters=20\nsize=3\nstride=1\npad=1\n"
        "activation=leaky\n[convolutional]\nfilters=8\nsize=1\nstride=1\npad=1\nactivation=linear\n";
    CompileOptions options;
    options.passes.traits = {.conv_takes_pitch = true, .channel_alignment = 8, .element_bytes = 2};
    options.max_batch = 2;
    const Plan plan = compile(parse_network(cfg, "x.cfg"), options);
    const auto pitch = [&](int node) { return plan.memory.pitch.at(std::size_t(plan.graph.nodes[node].output)); };
    CHECK(pitch(0) == 4);
    CHECK(pitch(1) == 24);
    CHECK(pitch(2) == 8);
    CHECK(plan.memory.block(plan.graph.nodes[1].output).bytes == 2 * 2 * 24 * 24);
}

TEST_CASE("a residual that the convolution also reads a part of keeps its memory", "[memory]") {
    const char* cfg =
        "[net]\nwidth=8\nheight=8\nchannels=3\n[convolutional]\nfilters=16\nsize=3\nstride=1\npad=1\n"
        "activation=leaky\n[route]\nlayers=-1\ngroups=2\ngroup_id=1\n[convolutional]\nfilters=16\nsize=3\n"
        "stride=1\npad=1\nactivation=leaky\n[shortcut]\nfrom=-3\nactivation=linear\n";
    CompileOptions options;
    options.passes.traits = {.conv_takes_pitch = true, .channel_alignment = 8};
    const Plan plan = compile(parse_network(cfg, "x.cfg"), options);
    const Node& last = plan.graph.nodes.back();
    REQUIRE(std::get<ConvOp>(last.op).residual);
    REQUIRE(plan.graph.place(last.inputs[0]).root == last.inputs[1]);
    CHECK(plan.memory.block_of[std::size_t(last.output)] != plan.memory.block_of[std::size_t(last.inputs[1])]);
}

TEST_CASE("plans of 40,000 layers take seconds, whatever is joined with what", "[memory]") {
    constexpr int kLayers = 40000, kHalf = kLayers / 2;
    const std::string conv = "[conv]\nfilters=1\n";
    const auto from = [](int layer) { return "[shortcut]\nfrom=" + std::to_string(layer) + "\n"; };
    std::string row, mirrored, joined, nested = conv + "[max]\n", split = "[conv]\nfilters=2\n", list = "0";
    for (int i = 0; i < kLayers; ++i) row += conv;
    for (int i = 0; i < kHalf; ++i) mirrored += conv;
    for (int i = kHalf; i-- > 0;) mirrored += from(i);  // all are alive in the middle
    for (int i = 1; i < kLayers; ++i) list.append(",").append(std::to_string(i));
    joined = row + "[route]\nlayers=" + list + "\n";
    for (int i = 0; i < kHalf; ++i) nested += "[route]\nlayers=-1,0\n[max]\n";  // where possible, slices of slices
    for (int i = 0; i < kLayers / 3; ++i) split += "[max]\n[route]\nlayers=-1,-1\n[route]\nlayers=-1\ngroups=2\n";
    const std::pair<const char*, std::string*> all[] = {
        {"a row", &row}, {"mirrored", &mirrored}, {"joined", &joined}, {"nested", &nested}, {"split", &split}};
    for (const auto& [name, layers] : all) {
        INFO(name);
        const Network network =
            parse_network("[net]\nwidth=8\nheight=8\nchannels=3\n" + *layers +
                              "[conv]\nfilters=7\nactivation=linear\n[yolo]\nanchors=9,9\nclasses=2\nnum=1\n",
                          "large.cfg");
        for (bool pitch : {false, true}) {
            CompileOptions options;
            options.passes.traits = {
                .conv_takes_pitch = pitch, .conv_upsamples = pitch, .channel_alignment = pitch ? 8 : 1};
            const std::clock_t start = std::clock();
            compile(network, options);
            CHECK(double(std::clock() - start) / CLOCKS_PER_SEC < 6);
        }
    }
}

// A block of one kernel reads its neighbours' pixels while others write theirs.
TEST_CASE("what the first of a pair reads stays until the second is computed, whose output lies elsewhere",
          "[memory]") {
    const Network network = load_network(test::source_dir() + "/models/yolov3-quarter.cfg");
    CompileOptions options;
    const auto in_place = [](const Plan& plan) {
        return std::count_if(plan.graph.nodes.begin(), plan.graph.nodes.end(), [&](const Node& node) {
            const auto* conv = std::get_if<ConvOp>(&node.op);
            return conv && conv->residual && plan.memory.block_of[node.output] == plan.memory.block_of[node.inputs[1]];
        });
    };
    const Plan apart = compile(network, options);
    CHECK(apart.pairs.empty());
    options.passes.traits.may_be_pair = [](const kernels::ConvProblem& a, const kernels::ConvProblem&) {
        return a.k <= 16;
    };
    const Plan plan = compile(network, options);
    // The first layer with the next; residual blocks of 8 channels between, then two of 16.
    REQUIRE(plan.pairs.size() == 4);
    int residuals = 0;
    for (const ConvPairNodes& pair : plan.pairs) {
        const Node &first = plan.graph.nodes[std::size_t(pair.first)],
                   &second = plan.graph.nodes[std::size_t(pair.second)];
        INFO(pair.first << " and " << pair.second);
        CHECK(first.output == second.inputs[0]);
        CHECK(std::get<ConvOp>(first.op).k <= 16);
        const MemoryPlan::Block &x = plan.memory.block(first.inputs[0]), &y = plan.memory.block(second.output);
        CHECK(x.last >= pair.second);
        CHECK((x.home != y.home || x.offset + x.bytes <= y.offset || y.offset + y.bytes <= x.offset));
        residuals += std::get<ConvOp>(second.op).residual;
    }
    CHECK(residuals == 3);
    CHECK(in_place(plan) == in_place(apart) - 3);
    CHECK(plan.memory.arena_bytes == apart.memory.arena_bytes);  // the first layer's output is the largest
    options.keep_all = true;
    CHECK(compile(network, options).pairs.empty());
}

TEST_CASE("a pair's tensor between is read by nobody else, and its residual is what it begins with", "[memory]") {
    const auto conv = [](int filters, int size) {
        return "[convolutional]\nfilters=" + std::to_string(filters) + "\nsize=" + std::to_string(size) +
               "\nstride=1\npad=1\nactivation=leaky\n";
    };
    const auto shortcut = [](int from) { return "[shortcut]\nfrom=" + std::to_string(from) + "\nactivation=linear\n"; };
    const auto pairs = [](const std::string& layers, bool may = true) {
        const Network network = parse_network("[net]\nwidth=8\nheight=8\nchannels=3\n" + layers, "x.cfg");
        CompileOptions options;
        options.passes.traits = {
            .conv_takes_pitch = true, .conv_upsamples = true, .may_be_pair = may ? any_pair : nullptr};
        return compile(network, options).pairs.size();
    };
    const std::string pool = "[maxpool]\nsize=2\nstride=2\n", block = conv(8, 1) + conv(16, 3);
    CHECK(pairs(conv(16, 3) + pool + block) == 1);
    CHECK(pairs(conv(16, 3) + pool + block, false) == 0);
    CHECK(pairs(conv(16, 3) + block + shortcut(-3)) == 1);  // the first layer is read by the shortcut, too
    CHECK(pairs(conv(16, 3) + pool + conv(16, 1) + pool + block + shortcut(-3)) == 1);
    CHECK(pairs(conv(16, 3) + pool + conv(16, 1) + block + shortcut(-3) + conv(16, 3) + shortcut(-5)) == 1);
    CHECK(pairs(conv(16, 3) + pool + block + "[route]\nlayers=-1,-2\n" + conv(4, 1)) == 0);
    CHECK(pairs(conv(16, 3) + pool + conv(8, 1) + "[upsample]\nstride=2\n" + conv(16, 3)) == 0);
    CHECK(pairs(conv(8, 3) + conv(8, 3) + conv(8, 3)) == 2);  // the middle one belongs to both
    // The second's residual is read by nobody's first; behind groups or before them; what is stored 2x2 times.
    CHECK(pairs(conv(16, 3) + pool + conv(16, 1) + block + shortcut(-4)) == 1);
    const std::string groups = "[convolutional]\nfilters=16\nsize=3\nstride=1\npad=1\ngroups=2\nactivation=leaky\n";
    CHECK(pairs(conv(16, 3) + pool + conv(8, 1) + groups) == 0);
    CHECK(pairs(conv(16, 3) + pool + groups + conv(8, 1)) == 0);
    CHECK(pairs(conv(16, 3) + pool + block + "[upsample]\nstride=2\n") == 0);
    // Half of what is between is read by another.
    CHECK(pairs(conv(16, 3) + pool + conv(16, 1) + conv(16, 3) + "[route]\nlayers=-2\ngroups=2\ngroup_id=1\n" +
                conv(8, 1) + "[route]\nlayers=-1,-3\n" + conv(4, 1)) == 0);
}
