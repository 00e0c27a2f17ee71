// SPDX-License-Identifier: MIT
#include "engine/plan/passes.h"

#include <cmath>
#include <map>

#include <convoy/load.h>
#include "engine/plan/graph.h"
#include "tests/support/catch.h"

using namespace convoy;

namespace {

const char* const kResidual = R"([net]
width=32
height=32
channels=3
[convolutional]
batch_normalize=1
filters=8
size=3
stride=1
pad=1
activation=leaky
[convolutional]
batch_normalize=1
filters=4
size=1
stride=1
pad=1
activation=mish
[convolutional]
filters=8
size=3
stride=1
pad=1
activation=leaky
[shortcut]
from=-3
activation=relu
)";

Network residual(const std::string& more = "") {
    Network n = parse_network(kResidual + more, "residual.cfg");
    randomize_weights(n, 1);
    return n;
}

std::map<std::string, int> census(const Graph& g) {
    std::map<std::string, int> out;
    for (const Node& n : g.nodes) ++out[n.name()];
    return out;
}

Graph rewritten(const Network& n, bool conv_takes_pitch = false, int alignment = 1) {
    Graph g = lower(n);
    run_passes(g, {{.conv_takes_pitch = conv_takes_pitch, .channel_alignment = alignment}, BatchNormFormula::alexeyab});
    return g;
}

}  // namespace

TEST_CASE("lowering is one node a step", "[passes]") {
    const Network n = residual();
    const Graph g = lower(n);
    verify(g);
    CHECK(census(g) ==
          std::map<std::string, int>{{"input", 1}, {"conv", 3}, {"batchnorm", 2}, {"activation", 3}, {"add", 1}});
    CHECK(g.layer_output.size() == 4);
}

TEST_CASE("a residual block becomes three convolutions", "[passes]") {
    const Network n = residual();
    const Graph g = rewritten(n);
    CHECK(census(g) == std::map<std::string, int>{{"input", 1}, {"conv", 3}});
    const ConvOp& last = std::get<ConvOp>(g.nodes.back().op);
    CHECK(last.residual);
    CHECK(last.activation == Activation::leaky);
    CHECK(last.after_residual == Activation::relu);
    CHECK(g.nodes.back().inputs.size() == 2);
    CHECK(g.layer_output[2] == kNoTensor);  // the sum's first term is nowhere in memory any more
    CHECK(g.layer_output[3] == g.nodes.back().output);
}

TEST_CASE("batch norm is folded in double by each formula", "[passes]") {
    const Network n = residual();
    const auto& layer = std::get<ConvolutionalLayer>(n.layers[0].kind);
    for (BatchNormFormula formula :
         {BatchNormFormula::alexeyab, BatchNormFormula::pjreddie, BatchNormFormula::opencv}) {
        Graph g = lower(n);
        fold_batchnorm(g, {{}, formula});
        const ConvOp& conv = std::get<ConvOp>(g.nodes[1].op);
        for (int k = 0; k < 8; ++k) {
            const double var = layer.variances[k];
            const double sd = formula == BatchNormFormula::alexeyab   ? std::sqrt(var + 1e-5)
                              : formula == BatchNormFormula::pjreddie ? std::sqrt(var) + 1e-6
                                                                      : std::sqrt(var + 1e-6);
            CHECK(conv.scale[k] == layer.scales[k] / sd);
            CHECK(conv.bias[k] == float(layer.biases[k] - layer.means[k] * (layer.scales[k] / sd)));
        }
    }
}

TEST_CASE("a second batch norm is not folded over the first", "[passes]") {
    const Network n = residual();
    Graph g = lower(n);
    const Node first = g.nodes[2];
    REQUIRE(std::holds_alternative<BatchNormOp>(first.op));
    const TensorId between = first.output, out = g.add_tensor("again", g.tensors[between].shape);
    const std::vector<double> scale = [&] {
        Graph alone = g;
        fold_batchnorm(alone, {});
        return std::get<ConvOp>(alone.nodes[1].op).scale;
    }();
    g.nodes[3].inputs = {out};
    g.nodes.insert(g.nodes.begin() + 3, Node{first.op, {between}, out, 0});
    fold_batchnorm(g, {});
    verify(g);
    CHECK(census(g)["batchnorm"] == 1);
    CHECK(std::get<ConvOp>(g.nodes[1].op).scale == scale);
    CHECK(g.nodes[2].inputs == std::vector<TensorId>{between});
}

TEST_CASE("a [batchnorm] behind another layer stays, and that layer's output with it", "[passes]") {
    const std::string first = "[net]\nwidth=32\nheight=32\nchannels=3\n";
    const std::string conv = "[convolutional]\nfilters=8\nsize=3\npad=1\nactivation=linear\n";
    const std::string pool = "[maxpool]\nsize=2\nstride=2\nantialiasing=1\n";
    for (const std::string& before :
         {conv, conv + "antialiasing=1\n", conv + "stride=2\nantialiasing=2\nbatch_normalize=1\n", conv + pool})
        for (const bool has_weights : {false, true}) {
            INFO(before << has_weights);
            Network n = parse_network(first + before + "[batchnorm]\n" + conv, "x.cfg");
            if (has_weights) randomize_weights(n, 1);
            const Graph g = rewritten(n);
            CHECK(census(g)["batchnorm"] == 1);
            for (const TensorId t : g.layer_output) CHECK(t != kNoTensor);
        }
}

TEST_CASE("a convolution that is read elsewhere keeps its own output", "[passes]") {
    // The route reads layer 2, so its output must exist beside the sum.
    const Graph g = rewritten(residual("[route]\nlayers=-2,-1\n"));
    CHECK(g.layer_output[2] != kNoTensor);
    CHECK(census(g)["add"] == 1);
}

TEST_CASE("shortcuts of different channel counts stay additions", "[passes]") {
    const std::string shortcut = "[shortcut]\nfrom=-3\nactivation=linear\n";
    const Graph g = rewritten(parse_network(kResidual + shortcut, "x.cfg"));
    CHECK(census(g)["add"] == 1);  // 8 channels + the 4 of layer 1
}

TEST_CASE("an upsample writes into its slice, a convolution only where it can", "[passes]") {
    const std::string tail =
        "[maxpool]\nsize=2\nstride=2\n[upsample]\nstride=2\n[route]\nlayers=-1,-3\n"
        "[convolutional]\nfilters=4\nsize=1\nstride=1\npad=1\nactivation=linear\n";
    const Network n = residual(tail);
    const Graph cpu = rewritten(n), cuda = rewritten(n, true, 8);
    const auto is_slice = [&](const Graph& g, int layer) {
        return g.tensors[g.layer_output[layer]].slice_of == g.layer_output[6];
    };
    CHECK(is_slice(cpu, 5));
    CHECK_FALSE(is_slice(cpu, 3));
    CHECK(census(cpu)["concat"] == 1);
    CHECK(is_slice(cuda, 5));
    CHECK(is_slice(cuda, 3));
    CHECK(census(cuda)["concat"] == 0);
    CHECK(rewritten(n, true, 16).tensors[0].slice_of == kNoTensor);
    CHECK(census(rewritten(n, true, 16))["concat"] == 1);  // channel 8 is no multiple of 16
}

TEST_CASE("a route of a route, in which a part is copied, lies in the outer one", "[passes]") {
    // The inner one's second part would begin at channel 16 + 12 of the outer one, which is no multiple of 8.
    const auto conv = [](int filters) {
        return "[convolutional]\nfilters=" + std::to_string(filters) + "\nsize=1\nstride=1\npad=1\nactivation=leaky\n";
    };
    const Network n = parse_network("[net]\nwidth=8\nheight=8\nchannels=3\n" + conv(12) + conv(8) +
                                        "[route]\nlayers=-2,-1\n" + conv(16) + "[route]\nlayers=-1,-2\n" + conv(4),
                                    "x.cfg");
    const Graph g = rewritten(n, true, 8);
    const auto lies_at = [&](int layer) { return g.place(g.layer_output[layer]); };
    for (int layer : {0, 2, 3}) CHECK(lies_at(layer).root == g.layer_output[4]);
    CHECK(lies_at(0).channel_offset == 16);
    CHECK(lies_at(2).channel_offset == 16);
    CHECK(lies_at(3).channel_offset == 0);
    CHECK(lies_at(1).root == g.layer_output[1]);
    CHECK(census(g)["concat"] == 1);
}

TEST_CASE("a group of a route is read in place where convolutions can", "[passes]") {
    const std::string tail =
        "[route]\nlayers=-1\ngroups=2\ngroup_id=1\n"
        "[convolutional]\nfilters=4\nsize=1\nstride=1\npad=1\nactivation=linear\n";
    const Network n = residual(tail);
    CHECK(census(rewritten(n))["slice"] == 1);
    const Graph g = rewritten(n, true, 4);
    CHECK(census(g)["slice"] == 0);
    CHECK(g.tensors[g.layer_output[4]].channel_offset == 4);
}

TEST_CASE("the same layer twice in one route is copied", "[passes]") {
    const Graph g = rewritten(residual("[maxpool]\nsize=2\nstride=2\n[route]\nlayers=-1,-1\n"), true, 1);
    CHECK(census(g)["concat"] == 1);
}

TEST_CASE("what no head needs is dropped", "[passes]") {
    const std::string tail =
        "[convolutional]\nfilters=18\nsize=1\nstride=1\npad=1\nactivation=linear\n"
        "[yolo]\nclasses=1\nnum=3\nanchors=1,1,2,2,3,3\nmask=0,1,2\n[route]\nlayers=0\n[maxpool]\nsize=2\nstride=2\n";
    const Graph g = rewritten(residual(tail));
    CHECK(census(g)["maxpool"] == 0);
    CHECK(g.layer_output.back() == kNoTensor);
    CHECK(census(g)["yolo"] == 1);
}

TEST_CASE("a 2x upsample goes into the convolution before it where the backend can store so", "[passes]") {
    const auto net = [](const std::string& tail) {
        return parse_network(
            "[net]\nwidth=8\nheight=8\nchannels=3\n[convolutional]\nfilters=8\nsize=1\nstride=1\npad=1\n"
            "activation=leaky\n" +
                tail + "[convolutional]\nfilters=4\nsize=1\nstride=1\npad=1\nactivation=linear\n",
            "x.cfg");
    };
    const auto upsamples = [&](const std::string& tail, bool can) {
        const Network n = net(tail);
        Graph g = lower(n);
        run_passes(g, {{.conv_takes_pitch = true, .conv_upsamples = can}, BatchNormFormula::alexeyab});
        CHECK(g.tensors[g.layer_output.back()].shape.h == 16);
        return census(g)["upsample"];
    };
    CHECK(upsamples("[upsample]\nstride=2\n", false) == 1);
    CHECK(upsamples("[upsample]\nstride=2\n", true) == 0);
    CHECK(upsamples("[upsample]\nstride=2\nscale=2\n", true) == 1);
    // A convolution that is read before it is enlarged stays as it is.
    CHECK(upsamples("[upsample]\nstride=2\n[route]\nlayers=-2\n[upsample]\nstride=2\n[route]\nlayers=-1,-3\n", true) ==
          2);
    const Network n = net("[upsample]\nstride=2\n");
    Graph g = lower(n);
    run_passes(g, {{.conv_takes_pitch = true, .conv_upsamples = true}, BatchNormFormula::alexeyab});
    CHECK(std::get<ConvOp>(g.nodes[1].op).upsample == 2);
    CHECK(print(g).find("+upsample 2") != std::string::npos);
}
