// SPDX-License-Identifier: MIT
#include "engine/plan/graph.h"

#include <algorithm>
#include <stdexcept>

#include <convoy/load.h>
#include "engine/plan/passes.h"
#include "tests/support/catch.h"
#include "tests/support/contains.h"
#include "tests/support/data.h"

using namespace convoy;
using test::contains;

namespace {

// input → conv → activation → yolo
Graph small() {
    Graph g;
    const TensorId x = g.add_tensor("input", {3, 8, 8}), a = g.add_tensor("a", {18, 8, 8}),
                   b = g.add_tensor("b", {18, 8, 8});
    ConvOp conv;
    conv.k = 18, conv.size = 3, conv.padding = 1;
    g.nodes = {{InputOp{}, {}, x, -1},
               {conv, {x}, a, 0},
               {ActivationOp{Activation::leaky}, {a}, b, 0},
               {YoloOp{}, {b}, kNoTensor, 1}};
    g.layer_output = {b, b};
    return g;
}

std::string failure(const Graph& g) {
    try {
        verify(g);
    } catch (const std::logic_error& e) {
        return e.what();
    }
    return "";
}

}  // namespace

TEST_CASE("a sound graph verifies", "[graph]") { CHECK(failure(small()) == ""); }

TEST_CASE("the verifier finds what a broken pass would leave", "[graph]") {
    Graph g = small();
    SECTION("wrong order") {
        std::swap(g.nodes[1], g.nodes[2]);
        CHECK(contains(failure(g), "reads a before it is written"));
    }
    SECTION("a tensor written twice") {
        g.nodes.push_back(g.nodes[2]);
        CHECK(contains(failure(g), "a second time"));
    }
    SECTION("a shape that does not follow from the operation") {
        std::get<ConvOp>(g.nodes[1].op).stride_x = 2;
        CHECK(contains(failure(g), "another shape"));
    }
    SECTION("a missing input") {
        g.nodes[2].inputs.clear();
        CHECK(contains(failure(g), "has no input"));
    }
    SECTION("a tensor that does not exist") {
        g.nodes[2].inputs = {99};
        CHECK(contains(failure(g), "does not exist"));
    }
    SECTION("a residual of another shape") {
        std::get<ConvOp>(g.nodes[1].op).residual = true;
        g.nodes[1].inputs.push_back(0);
        CHECK(contains(failure(g), "residual of another shape"));
    }
    SECTION("a bias of another length") {
        std::get<ConvOp>(g.nodes[1].op).bias = {1, 2};
        CHECK(contains(failure(g), "bias of another length"));
    }
    SECTION("a layer output that nobody writes") {
        g.layer_output[0] = g.add_tensor("lost", {1, 1, 1});
        CHECK(contains(failure(g), "never written"));
    }
    SECTION("a slice that leaves its tensor") {
        g.tensors[1].slice_of = g.add_tensor("whole", {20, 8, 8});
        g.tensors[1].channel_offset = 3;
        CHECK(contains(failure(g), "leaves whole"));
    }
    SECTION("slices that overlap") {
        const TensorId whole = g.add_tensor("whole", {30, 8, 8});
        g.tensors[1].slice_of = g.tensors[2].slice_of = whole;
        g.tensors[2].channel_offset = 10;
        CHECK(contains(failure(g), "writes over a"));
    }
    SECTION("a tensor that is written over its slice") {
        g.tensors[1].slice_of = 2;
        CHECK(contains(failure(g), "writes over a"));
    }
    SECTION("a concatenation that copies over what lies at another place") {
        // a lies at channel 18 of the sum, as whose first part it is copied.
        const TensorId joined = g.add_tensor("joined", {36, 8, 8});
        g.tensors[1].slice_of = joined;
        g.tensors[1].channel_offset = 18;
        g.nodes.push_back({ConcatOp{}, {1, 2}, joined, 1});
        CHECK(contains(failure(g), "writes over a"));
        g.nodes.back().inputs = {2, 1};
        CHECK(failure(g) == "");
    }
}

TEST_CASE("slices that cover a tensor write it", "[graph]") {
    Graph g = small();
    const TensorId whole = g.add_tensor("whole", {36, 8, 8});
    g.tensors[1].slice_of = g.tensors[2].slice_of = whole;
    g.tensors[2].channel_offset = 18;
    g.nodes[3].inputs = {whole};
    CHECK(failure(g) == "");
    CHECK(g.place(2).root == whole);
    CHECK(g.place(2).channel_offset == 18);
    const TensorId view = g.add_tensor("view", {4, 8, 8});
    g.tensors[view].slice_of = whole;
    g.tensors[view].channel_offset = 30;
    g.nodes[3].inputs = {view};
    CHECK(failure(g) == "");
    g.nodes.erase(g.nodes.begin() + 2);  // now half of it is never written
    CHECK(contains(failure(g), "before it is written"));
}

TEST_CASE("Uses names every tensor's writer and readers, as a search for each does", "[graph]") {
    const auto check = [](const Graph& g) {
        const Uses uses(g);
        REQUIRE(uses.producer.size() == g.tensors.size());
        REQUIRE(uses.readers.size() == g.tensors.size());
        for (TensorId t = 0; t < TensorId(g.tensors.size()); ++t) {
            int producer = -1;
            std::vector<int> readers;
            for (std::size_t i = 0; i < g.nodes.size(); ++i) {
                if (g.nodes[i].output == t) producer = int(i);
                if (std::count(g.nodes[i].inputs.begin(), g.nodes[i].inputs.end(), t)) readers.push_back(int(i));
            }
            REQUIRE(uses.producer[t] == producer);
            REQUIRE(uses.readers[t] == readers);
        }
    };
    Graph twice = small();
    twice.nodes.insert(twice.nodes.end() - 1, Node{AddOp{}, {2, 2}, twice.add_tensor("sum", {18, 8, 8}), 1});
    check(twice);
    for (const std::string& cfg : test::all_cfgs()) {
        const Network network = load_network(cfg);
        Graph g = lower(network);
        check(g);
        run_passes(g, {{.conv_takes_pitch = true, .conv_upsamples = true, .channel_alignment = 8}, {}});
        check(g);
    }
}

TEST_CASE("graphs print a line per node and as Graphviz", "[graph]") {
    const std::string text = print(small());
    CHECK(contains(text, "conv 3x3/1"));
    CHECK(contains(text, "activation leaky"));
    CHECK(contains(text, "8 x 8 x 18"));
    CHECK(std::count(text.begin(), text.end(), '\n') == 4);
    const std::string dot = print_dot(small());
    CHECK(contains(dot, "n0 -> n1"));
    CHECK(contains(dot, "n2 -> n3"));
}
