// SPDX-License-Identifier: MIT
//
// What a cfg may say to no effect: it loads, with a warning where one is due, and with --strict it does not.
#include "tests/loader/support.h"

using namespace convoy;
using namespace convoy::test;

namespace {

// Lines 1 to 4; what follows begins on line 5.
const std::string kNet = "[net]\nwidth=64\nheight=64\nchannels=3\n";
const std::string kConv = kNet + "[convolutional]\nfilters=8\n";

const ConvolutionalLayer& conv_of(const Network& network) {
    return std::get<ConvolutionalLayer>(network.layers.front().kind);
}

/// The one warning of `cfg`, which must be the error that strict reading gives.
std::string only_warning(const std::string& cfg) {
    const Network network = parse_network(cfg, "net.cfg");
    INFO(cfg);
    REQUIRE(network.warnings.size() == 1);
    LoadOptions strict;
    strict.strict = true;
    const auto error = error_of([&] { parse_network(cfg, "net.cfg", strict); });
    REQUIRE(error);
    CHECK(error->kind() == ErrorKind::model);
    CHECK(error->what() == network.warnings.front());
    return network.warnings.front();
}

bool names(const std::string& message, std::initializer_list<const char*> parts) {
    INFO(message);
    for (const char* part : parts) {
        INFO(part);
        CHECK(message.find(part) != message.npos);
    }
    return true;
}

void check_silent(const std::string& cfg) {
    INFO(cfg);
    LoadOptions strict;
    strict.strict = true;
    CHECK(parse_network(cfg, "net.cfg", strict).warnings.empty());
}

}  // namespace

TEST_CASE("what follows # or ; behind a value is a comment", "[warnings]") {
    const std::string cfg = kConv +
                            "size=3 #(2+5)*3\npad=1;same\nactivation=leaky#[yolo]\n[route]\nlayers = 0 ###P6\n"
                            "[conv]\nfilters = 4 ; \xc3\xa4 = b\n";
    const Network network = parse_network(cfg, "net.cfg");
    CHECK(conv_of(network).size == 3);
    CHECK(conv_of(network).padding == 1);
    CHECK(conv_of(network).activation == Activation::leaky);
    CHECK(std::get<RouteLayer>(network.layers[1].kind).layers == std::vector<int>{0});
    CHECK(network.layers[2].out.c == 4);
    check_silent(cfg);
}

TEST_CASE("of a key that is given twice the first counts", "[warnings]") {
    const std::string twice = kConv + "size=3\nfilters=9\npad=1\n";
    CHECK(conv_of(parse_network(twice, "net.cfg")).filters == 8);
    names(only_warning(twice), {"net.cfg:8: [convolutional] (layer 0) key 'filters' is '9'", "line 6", "'8'"});
    names(only_warning("[net]\nwidth=64\nheight=64\nchannels=3\nwidth=96\n[avgpool]\n"),
          {"net.cfg:5: [net] key 'width' is '96'", "line 2", "'64'"});
    check_silent(kConv + "filters=8\n");
    check_silent("[net]\nbatch=1\nsubdivisions=1\nbatch=64\nsubdivisions=8\n" + kNet.substr(6) + "[avgpool]\n");
    CHECK(cfg_error(kConv + "filters=8\nfilters=x\nsize=0\n").find("'size'") != std::string::npos);
}

TEST_CASE("a key that only training reads is no matter, one that nobody knows is a warning", "[warnings]") {
    check_silent(kNet + "momentum=.9\nlearning_rate=1\npolicy=steps\n[avgpool]\n");
    names(only_warning(kNet + "max_epochs=3\n[avgpool]\n"), {"net.cfg:5: [net] key 'max_epochs'", "not known"});
    names(only_warning(kNet + "[avgpool]\nsize=2\n"), {"net.cfg:6: [avgpool] (layer 0) key 'size'", "not known"});
    const std::string head = kNet + "[conv]\nfilters=6\n[yolo]\nclasses=1\nanchors=1,2\n";
    check_silent(head + "uc_normalizer=0.07\n");
    names(only_warning(head + "beta1=0.6\n"), {"net.cfg:10: [yolo] (layer 1) key 'beta1'"});
}

TEST_CASE("a training key without a value, and a comma behind the last anchor, are no matter", "[warnings]") {
    check_silent(kNet + "policy=\nsteps= # later\n[conv]\nfilters=6\n[yolo]\nclasses=1\nanchors=1,2,\nmap=\n");
    const std::string head = kNet + "[conv]\nfilters=6\n[yolo]\nclasses=1\n";
    CHECK(cfg_error(head + "anchors=1,2,,\n").find("'anchors' is ''") != std::string::npos);
    CHECK(cfg_error(head + "anchors=,\n").find("'anchors' is ''") != std::string::npos);
    CHECK(cfg_error(head + "anchors=\n").find("'anchors' has no value") != std::string::npos);
}

TEST_CASE("a network that takes pictures of other channels than there are says so", "[warnings]") {
    const std::string net = "[net]\nwidth=64\nheight=64\nchannels=";
    names(only_warning(net + "4\n[avgpool]\n"), {"net.cfg:4: [net] key 'channels' is 4", "3 colours"});
    check_silent(net + "1\n[avgpool]\n");
}

TEST_CASE("more anchors than num: the first count", "[warnings]") {
    const std::string cfg = kNet + "[conv]\nfilters=6\n[yolo]\nclasses=1\nanchors=1,2, 3,4\n";
    CHECK(std::get<YoloLayer>(parse_network(cfg, "net.cfg").layers[1].kind).anchors.size() == 1);
    names(only_warning(cfg), {"net.cfg:9: [yolo] (layer 1) key 'anchors'", "4 numbers", "num=1", "first 2"});
}

TEST_CASE("a key that looks like a misspelt one is an error that says what was meant", "[warnings]") {
    for (const auto& [key, meant] : {std::pair{"activaton", "activation"},
                                     {"Size", "size"},
                                     {"batch_normalise", "batch_normalize"},
                                     {"strides", "stride"},
                                     {"fliters", "filters"}}) {
        const std::string message = cfg_error(kConv + key + "=1\n");
        names(message, {"net.cfg:7: [convolutional] (layer 0) key", key, "did you mean", meant});
    }
    // More than two letters apart: another word.
    names(only_warning(kConv + "padding_mode=1\n"), {"'padding_mode'"});
}

TEST_CASE("a file full of what nobody knows is no cfg", "[warnings]") {
    std::string cfg = kConv;
    for (int i = 0; i < 20000; ++i) cfg += "word" + std::to_string(100000 + i) + "=1\n";
    names(cfg_error(cfg), {"net.cfg", "is no cfg"});
}
