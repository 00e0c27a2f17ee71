// SPDX-License-Identifier: MIT
#include "darknet_loader/layer_parsers.h"

namespace convoy {

LayerKind parse_convolutional(SectionReader& section) {
    ConvolutionalLayer conv;
    section.require("filters");
    conv.filters = section.integer("filters", 1, 1, kMaxCount);
    conv.size = section.integer("size", 1, 1, kMaxWindow);
    const int stride = section.integer("stride", 1, 1, kMaxWindow);
    conv.stride_x = section.integer("stride_x", stride, 1, kMaxWindow);
    conv.stride_y = section.integer("stride_y", stride, 1, kMaxWindow);
    conv.padding = section.integer("padding", 0, 0, kMaxWindow);
    if (section.flag("pad")) conv.padding = conv.size / 2;
    conv.dilation = section.integer("dilation", 1, 1, kMaxWindow);
    if (conv.size == 1) conv.dilation = 1;
    if (conv.dilation > 1) {
        // Darknet sizes the output as if undilated, so only "same" padding is consistent there.
        if (2 * conv.padding != conv.size - 1)
            section.fail(ErrorKind::unsupported, "dilation", "needs an odd size and padding of size/2 (pad=1)");
        conv.padding *= conv.dilation;
    }
    conv.groups = section.integer("groups", 1, 1, kMaxCount);
    if (conv.filters % conv.groups != 0)
        section.fail(
            ErrorKind::model, "groups",
            "is " + std::to_string(conv.groups) + ", which does not divide filters=" + std::to_string(conv.filters));
    conv.activation = section.activation(Activation::logistic);
    // Cross-iteration batch norm and plain batch norm are the same at inference.
    const bool normalized = section.integer("batch_normalize", 0, 0, 2) != 0;
    conv.batch_normalize = section.flag("cbn") || normalized;

    conv.antialiasing = section.integer("antialiasing", 0, 0, 2);
    conv.xnor = section.flag("xnor");
    if (conv.xnor) conv.groups = 1;  // as Darknet does
    section.flag("bin_output");      // cfg_parser.cpp
    if (!section.text("share_index", "").empty()) {
        const std::vector<int> owners = section.earlier_layers("share_index");
        if (owners.size() != 1)
            section.fail(ErrorKind::model, "share_index",
                         "names " + std::to_string(owners.size()) + " layers, not one");
        conv.share = owners.front();
    }
    for (const char* key : {"binary", "sway", "rotate", "stretch", "stretch_sway", "flipped", "reverse", "coordconv"})
        section.expect_neutral(key);
    section.ignore({"angle", "assisted_excitation", "dot", "grad_centr", "stream", "wait_stream"});
    return conv;
}

}  // namespace convoy
