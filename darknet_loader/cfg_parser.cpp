// SPDX-License-Identifier: MIT
#include "darknet_loader/cfg_parser.h"

#include "darknet_loader/layer_parsers.h"

namespace convoy {
namespace {

struct LayerParser {
    std::string_view name;
    LayerKind (*parse)(SectionReader&);
};

constexpr LayerParser kParsers[] = {
    {"convolutional", parse_convolutional},
    {"conv", parse_convolutional},
    {"shortcut", parse_shortcut},
    {"route", parse_route},
    {"upsample", parse_upsample},
    {"maxpool", parse_maxpool},
    {"max", parse_maxpool},
    {"avgpool", parse_avgpool},
    {"avg", parse_avgpool},
    {"local_avgpool", parse_local_avgpool},
    {"local_avg", parse_local_avgpool},
    {"reorg", parse_reorg},
    {"reorg3d", parse_reorg3d},
    {"sam", parse_sam},
    {"scale_channels", parse_scale_channels},
    {"activation", parse_activation},
    {"softmax", parse_softmax},
    {"soft", parse_softmax},
    {"batchnorm", parse_batchnorm},
    {"connected", parse_connected},
    {"conn", parse_connected},
    {"local", parse_local},
    {"crop", parse_crop},
    {"dropout", parse_dropout},
    {"yolo", parse_yolo},
    {"region", parse_region},
    {"Gaussian_yolo", parse_gaussian_yolo},
    {"detection", parse_detection},
};

struct OtherSection {
    std::string_view name, why;
};

constexpr std::string_view kRecurrent =
    "is a recurrent layer: its output depends on the pictures before, which here are worked on in any order";
constexpr std::string_view kNotImplemented = "is a Darknet layer that is not implemented";

constexpr OtherSection kOtherSections[] = {
    {"conv_lstm", kRecurrent},
    {"crnn", kRecurrent},
    {"gru", kRecurrent},
    {"history", kRecurrent},
    {"lstm", kRecurrent},
    {"rnn", kRecurrent},
    {"contrastive",
     "is a layer of Darknet's tracker, which is not implemented; detections do without it: remove it "
     "and what only it reads"},
    {"cost", kNotImplemented},
    {"deconv", kNotImplemented},
    {"deconvolutional", kNotImplemented},
    {"empty", kNotImplemented},
    {"implicit", kNotImplemented},
    {"iseg", kNotImplemented},
    {"l2norm", kNotImplemented},
    {"logistic", kNotImplemented},
    {"lrn", kNotImplemented},
    {"normalization", kNotImplemented},
    {"silence", kNotImplemented}};

bool is_net(const CfgSection& section) { return section.name == "net" || section.name == "network"; }

[[noreturn]] void fail(ErrorKind kind, const CfgSection& section, const std::string& path, const std::string& what) {
    throw Error(kind, path + ":" + std::to_string(section.line) + ": section [" + section.name + "] " + what);
}

void parse_net(const CfgSection& section, const std::string& path, Network& network) {
    SectionReader net(section, path, -1, network.warnings);
    for (const char* key : {"width", "height", "channels"}) net.require(key);
    network.input.w = net.integer("width", 1, 1, kMaxCount);
    network.input.h = net.integer("height", 1, 1, kMaxCount);
    network.input.c = net.integer("channels", 1, 1, kMaxCount);
    network.channels_line = net.line_of("channels");
    if (std::string why = network.input_error(); !why.empty()) network.warnings.push_back(std::move(why));
    network.letter_box = net.flag("letter_box");
    if (network.letter_box) network.letter_box_line = net.line_of("letter_box");
    if (net.integer("time_steps", 1, 0, kMaxCount) > 1)
        net.fail(ErrorKind::unsupported, "time_steps",
                 "makes this a recurrent network or a tracker, whose boxes depend on the pictures before; here "
                 "pictures are worked on in any order");
    net.ignore({"B1",
                "B2",
                "adam",
                "adversarial_lr",
                "angle",
                "aspect",
                "attention",
                "augment_speed",
                "badlabels_rejection_percentage",
                "batch",
                "blur",
                "burn_in",
                "center",
                "clip",
                "contrastive",
                "contrastive_color",
                "contrastive_jit_flip",
                "cutmix",
                "decay",
                "dynamic_minibatch",
                "ema_alpha",
                "eps",
                "equidistant_point",
                "exposure",
                "flip",
                "gamma",
                "gaussian_noise",
                "hue",
                "inputs",
                "label_smooth_eps",
                "learning_rate",
                "learning_rate_min",
                "loss_scale",
                "max_batches",
                "max_chart_loss",
                "max_crop",
                "max_ratio",
                "min_crop",
                "min_ratio",
                "mixup",
                "momentum",
                "mosaic",
                "mosaic_bound",
                "notruth",
                "num_sigmas_reject_badlabels",
                "optimized_memory",
                "policy",
                "power",
                "random",
                "resize_step",
                "saturation",
                "scale",
                "scales",
                "seq_scales",
                "sequential_subdivisions",
                "sgdr_cycle",
                "sgdr_mult",
                "show_receptive_field",
                "step",
                "steps",
                "subdivisions",
                "track",
                "try_fix_nan",
                "unsupervised",
                "use_cuda_graph",
                "weights_reject_freq",
                "workspace_size_limit_MB"});
    net.finish();
}

[[noreturn]] void unknown_section(const CfgSection& section, const std::string& path) {
    for (const OtherSection& other : kOtherSections)
        if (section.name == other.name) fail(ErrorKind::unsupported, section, path, std::string(other.why));
    std::vector<std::string_view> names;
    for (const LayerParser& parser : kParsers) names.push_back(parser.name);
    fail(ErrorKind::model, section, path, "is not known" + suggestion(section.name, names));
}

Layer parse_layer(const CfgSection& section, const std::string& path, int index, std::vector<std::string>& warnings) {
    for (const LayerParser& parser : kParsers)
        if (section.name == parser.name) {
            SectionReader reader(section, path, index, warnings);
            Layer layer{parser.parse(reader), {}, {}, section.line};
            // Layers whose weights are not in the file would shift all that follow.
            for (const char* key : {"dontload", "dontloadscales", "numload"}) reader.expect_neutral(key);
            reader.ignore({"burnin_update", "clip", "dont_update", "dontsave", "learning_rate", "onlyforward", "smooth",
                           "stopbackward", "train_only_bn", "truth"});
            reader.finish();
            return layer;
        }
    unknown_section(section, path);
}

/// The owner of the weights instead of another that shares them; its batch norm, too, as Darknet has it.
void share(const Network& network, ConvolutionalLayer& conv, const CfgSection& section, const std::string& path) {
    const auto* owner = std::get_if<ConvolutionalLayer>(&network.layers[std::size_t(conv.share)].kind);
    if (!owner)
        fail(ErrorKind::model, section, path,
             "names layer " + std::to_string(conv.share) + " in share_index, which is no [convolutional] layer");
    conv.batch_normalize = owner->batch_normalize;
    if (owner->share >= 0) conv.share = owner->share;
}

/// Layers whose output counts as it is: of one that [convolutional] layers with xnor read, Darknet takes the signs.
std::vector<bool> read_as_they_are(const Network& network) {
    std::vector<bool> read(network.layers.size(), false);
    for (std::size_t i = 0; i < network.layers.size(); ++i) {
        const LayerKind& kind = network.layers[i].kind;
        std::vector<int> from;
        if (const auto* route = std::get_if<RouteLayer>(&kind)) from = route->layers;
        if (const auto* shortcut = std::get_if<ShortcutLayer>(&kind)) from = {shortcut->from.front()};  // as in Darknet
        if (const auto* sam = std::get_if<SamLayer>(&kind)) from = {sam->from};
        if (const auto* scale = std::get_if<ScaleChannelsLayer>(&kind)) from = {scale->from};
        if (!from.empty() && !std::holds_alternative<RouteLayer>(kind)) from.push_back(int(i) - 1);
        for (const int layer : from) read[std::size_t(layer)] = true;
    }
    return read;
}

/// With bin_output a binarised layer that is not read as it is has no activation in Darknet (calculate_binary_weights).
void leave_activations_out(Network& network, const std::vector<CfgSection>& sections, const std::string& path) {
    const std::vector<bool> read = read_as_they_are(network);
    for (std::size_t i = 0; i < network.layers.size(); ++i)
        if (auto* conv = std::get_if<ConvolutionalLayer>(&network.layers[i].kind);
            conv && conv->xnor && !read[i] &&
            SectionReader(sections[i + 1], path, int(i), network.warnings).flag("bin_output"))
            conv->activation = Activation::linear;
}

}  // namespace

Network parse_sections(const std::vector<CfgSection>& sections, const std::string& path) {
    if (!is_net(sections.front()))
        fail(ErrorKind::model, sections.front(), path, "comes first, but a cfg begins with [net]");
    if (sections.size() == 1) fail(ErrorKind::model, sections.front(), path, "is followed by no layer");
    Network network;
    network.cfg_path = path;
    parse_net(sections.front(), path, network);
    for (std::size_t i = 1; i < sections.size(); ++i) {
        if (is_net(sections[i]))
            fail(ErrorKind::model, sections[i], path, "is there twice; only the first section is [net]");
        network.layers.push_back(parse_layer(sections[i], path, int(i) - 1, network.warnings));
        if (auto* conv = std::get_if<ConvolutionalLayer>(&network.layers.back().kind); conv && conv->share >= 0)
            share(network, *conv, sections[i], path);
    }
    leave_activations_out(network, sections, path);
    return network;
}

}  // namespace convoy
