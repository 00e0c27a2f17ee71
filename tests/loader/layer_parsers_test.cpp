// SPDX-License-Identifier: MIT
//
// What each key becomes, and Darknet's defaults.
#include "darknet_loader/layer_parsers.h"

#include "tests/loader/support.h"

using namespace convoy;
using namespace convoy::test;

namespace {

/// The only layer of a 64×64×8 network, `before` standing before it.
template <class Kind>
Kind parse(const std::string& section, const std::string& before = "") {
    const Network network =
        parse_network("[net]\nwidth=64\nheight=64\nchannels=8\n" + before + section + "\n", "net.cfg");
    return std::get<Kind>(network.layers.back().kind);
}

}  // namespace

TEST_CASE("[convolutional]: defaults and aliases", "[layers]") {
    const auto conv = parse<ConvolutionalLayer>("[conv]\nfilters=2");
    CHECK(conv.filters == 2);
    CHECK(conv.size == 1);
    CHECK(conv.stride_x == 1);
    CHECK(conv.stride_y == 1);
    CHECK(conv.padding == 0);
    CHECK(conv.dilation == 1);
    CHECK(conv.groups == 1);
    CHECK_FALSE(conv.batch_normalize);
    CHECK(conv.activation == Activation::logistic);
}

TEST_CASE("[convolutional]: pad=1 is size/2 and overrides padding", "[layers]") {
    CHECK(parse<ConvolutionalLayer>("[conv]\nfilters=2\nsize=5\npadding=1").padding == 1);
    CHECK(parse<ConvolutionalLayer>("[conv]\nfilters=2\nsize=5\npadding=1\npad=0").padding == 1);
    CHECK(parse<ConvolutionalLayer>("[conv]\nfilters=2\nsize=5\npadding=1\npad=1").padding == 2);
    CHECK(parse<ConvolutionalLayer>("[conv]\nfilters=2\nsize=1\npad=1").padding == 0);
    CHECK(parse<ConvolutionalLayer>("[conv]\nfilters=2\nsize=4\npad=1").padding == 2);
}

TEST_CASE("[convolutional]: strides, groups, batch norm, dilation", "[layers]") {
    const auto strided = parse<ConvolutionalLayer>("[conv]\nfilters=2\nstride=3\nstride_y=2");
    CHECK(strided.stride_x == 3);
    CHECK(strided.stride_y == 2);
    CHECK(parse<ConvolutionalLayer>("[conv]\nfilters=8\ngroups=8").groups == 8);
    CHECK(parse<ConvolutionalLayer>("[conv]\nfilters=8\nbatch_normalize=1").batch_normalize);
    CHECK(parse<ConvolutionalLayer>("[conv]\nfilters=8\ncbn=1").batch_normalize);
    const auto dilated = parse<ConvolutionalLayer>("[conv]\nfilters=8\nsize=3\npad=1\ndilation=4");
    CHECK(dilated.dilation == 4);
    CHECK(dilated.padding == 4);
    CHECK(parse<ConvolutionalLayer>("[conv]\nfilters=8\nsize=1\ndilation=4").dilation == 1);
}

TEST_CASE("[convolutional]: bin_output leaves the activation out, where no layer reads it as it is", "[layers]") {
    const std::string plain = "[conv]\nfilters=8\nactivation=leaky\n", bits = plain + "xnor=1\n",
                      out = bits + "bin_output=1\n";
    const auto activation = [&](const std::string& first, const std::string& rest) {
        const std::string net = "[net]\nwidth=64\nheight=64\nchannels=8\n";
        return std::get<ConvolutionalLayer>(parse_network(net + first + rest, "net.cfg").layers[0].kind).activation;
    };
    CHECK(activation(out, plain) == Activation::linear);
    CHECK(activation(out, bits) == Activation::linear);
    CHECK(activation(out, "[maxpool]\nsize=2\n" + bits + "[shortcut]\nfrom=-2\n") == Activation::linear);
    CHECK(activation(bits, bits) == Activation::leaky);
    CHECK(activation(bits + "bin_output=0\n", bits) == Activation::leaky);
    CHECK(activation(plain + "bin_output=1\n", bits) == Activation::leaky);
    for (const char* reader : {"[route]\nlayers=0,1\n", "[shortcut]\nfrom=0\n", "[sam]\nfrom=0\n"})
        CHECK(activation(out, bits + reader) == Activation::leaky);
    CHECK(activation(out, "[shortcut]\nfrom=-1\n") == Activation::leaky);
    CHECK(activation(out, "[avgpool]\n[scale_channels]\nfrom=0\n") == Activation::leaky);
}

TEST_CASE("activations", "[layers]") {
    for (const Activation a : kActivations) {
        INFO(to_string(a));
        CHECK(parse<ConvolutionalLayer>(std::string("[conv]\nfilters=8\nactivation=") + to_string(a)).activation == a);
    }
    const std::string conv = "[conv]\nfilters=8\n";
    CHECK(parse<ShortcutLayer>("[shortcut]\nfrom=-1", conv).activation == Activation::linear);
    CHECK(parse<ShortcutLayer>("[shortcut]\nfrom=-1\nactivation=leaky", conv).activation == Activation::leaky);
}

TEST_CASE("[shortcut] and [route]: relative indices become absolute", "[layers]") {
    const std::string convs = "[conv]\nfilters=8\n[conv]\nfilters=8\n[conv]\nfilters=8\n";
    CHECK(parse<ShortcutLayer>("[shortcut]\nfrom=-3, 1\nweights_type=none", convs).from == std::vector<int>{0, 1});
    const auto route = parse<RouteLayer>("[route]\nlayers = -1, 0, -2\ngroups=2\ngroup_id=1", convs);
    CHECK(route.layers == std::vector<int>{2, 0, 1});
    CHECK(route.groups == 2);
    CHECK(route.group_id == 1);
    CHECK(parse<RouteLayer>("[route]\nlayers=-1", convs).groups == 1);
}

TEST_CASE("[maxpool]: size defaults to stride, padding to size - 1", "[layers]") {
    const auto pool = parse<MaxpoolLayer>("[max]\nstride=3");
    CHECK(pool.size == 3);
    CHECK(pool.stride_x == 3);
    CHECK(pool.padding == 2);
    CHECK(parse<MaxpoolLayer>("[maxpool]\nsize=2").stride_y == 1);
    CHECK(parse<MaxpoolLayer>("[maxpool]\nsize=2\nstride=2\npadding=0").padding == 0);
    CHECK(parse<MaxpoolLayer>("[maxpool]\nsize=3\nstride=2\nstride_x=1").stride_x == 1);
}

TEST_CASE("[upsample], [dropout], [avg]", "[layers]") {
    CHECK(parse<UpsampleLayer>("[upsample]").stride == 2);
    CHECK(parse<UpsampleLayer>("[upsample]").scale == 1.f);
    CHECK(parse<UpsampleLayer>("[upsample]\nstride=4\nscale=.5").scale == .5f);
    CHECK(parse<DropoutLayer>("[dropout]").probability == .2f);
    parse<AvgpoolLayer>("[avg]");
}

TEST_CASE("[yolo]", "[layers]") {
    const std::string conv = "[conv]\nfilters=14\n", keys = "[yolo]\nclasses=2\nnum=2\nanchors=1.5,2, 3,4\n";
    const auto plain = parse<YoloLayer>(keys, conv);
    CHECK(plain.classes == 2);
    REQUIRE(plain.anchors.size() == 2);
    CHECK(plain.anchors[0].w == 1.5f);
    CHECK(plain.anchors[1].h == 4.f);
    CHECK(plain.mask == std::vector<int>{0, 1});
    CHECK(plain.scale_x_y == 1.f);
    CHECK_FALSE(plain.new_coords);
    CHECK(plain.nms_kind == NmsKind::iou);

    const auto greedy = parse<YoloLayer>(keys + "mask=1\nnew_coords=1\nscale_x_y=1.05\nnms_kind=greedynms\nbeta_nms=.9",
                                         "[conv]\nfilters=7\n");
    CHECK(greedy.mask == std::vector<int>{1});
    CHECK(greedy.new_coords);
    CHECK(greedy.scale_x_y == 1.05f);
    CHECK(greedy.nms_kind == NmsKind::diou);
    CHECK(greedy.beta_nms == .6f);  // greedynms has the exponent fixed in Darknet's source
    CHECK(parse<YoloLayer>(keys + "nms_kind=diounms\nbeta_nms=.9", conv).beta_nms == .9f);
    CHECK(parse<YoloLayer>(keys + "nms_kind=default\nbeta_nms=.9", conv).nms_kind == NmsKind::iou);
    CHECK(parse<YoloLayer>(keys + "max=5", conv).classes == 2);
}

TEST_CASE("[net]: letter_box, and training keys are known", "[layers]") {
    const std::string net =
        "[network]\nwidth=64\nheight=32\nchannels=3\nbatch=64\nsubdivisions=16\nlearning_rate=0.001\n"
        "policy=steps\nsteps=400000,450000\nscales=.1,.1\nmosaic=1\nhue=.1\nburn_in=1000\n";
    const Network network = parse_network(net + "letter_box=1\n[avgpool]\n", "net.cfg");
    CHECK(network.letter_box);
    CHECK(network.fit_warning(Fit::letterbox).empty());
    CHECK(network.fit_warning(Fit::stretch)
              .starts_with("net.cfg:" + std::to_string(network.letter_box_line) +
                           ": [net] key 'letter_box' is 1: the model was trained"));
    CHECK(network.input == Shape{3, 32, 64});
    CHECK_FALSE(parse_network(net + "[avgpool]\n", "net.cfg").letter_box);
    CHECK(parse_network(net + "[avgpool]\n", "net.cfg").fit_warning(Fit::stretch).empty());
    CHECK(network.classes() == 0);
    CHECK(network.weight_count() == 0);
}
