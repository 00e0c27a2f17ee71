// SPDX-License-Identifier: MIT
#include <numeric>

#include "darknet_loader/layer_parsers.h"

namespace convoy {
namespace {

constexpr int kMaxAnchors = 1024;

std::vector<Anchor> parse_anchors(SectionReader& section, int num) {
    section.require("anchors");
    const std::vector<float> sides = section.reals("anchors");
    if (sides.empty()) return std::vector<Anchor>(std::size_t(num));  // finish() reports the missing key
    if (sides.size() < 2 * std::size_t(num))
        section.fail(ErrorKind::model, "anchors",
                     "lists " + std::to_string(sides.size()) + " numbers, but num=" + std::to_string(num) + " needs " +
                         std::to_string(2 * num) + ": a width and a height each");
    if (sides.size() > 2 * std::size_t(num))
        section.warn("anchors", "lists " + std::to_string(sides.size()) +
                                    " numbers, of which num=" + std::to_string(num) + " takes the first " +
                                    std::to_string(2 * num) + ", as Darknet does; remove the others, or correct num");
    std::vector<Anchor> anchors;
    for (std::size_t i = 0; i < 2 * std::size_t(num); i += 2) {
        if (!(sides[i] > 0 && sides[i + 1] > 0))
            section.fail(ErrorKind::model, "anchors",
                         "number " + std::to_string(i / 2) + " has no area; both sides must be positive");
        anchors.push_back({sides[i], sides[i + 1]});
    }
    return anchors;
}

std::vector<int> parse_mask(SectionReader& section, int num) {
    std::vector<int> mask = section.integers("mask");
    if (mask.empty()) {
        mask.resize(std::size_t(num));
        std::iota(mask.begin(), mask.end(), 0);
    }
    for (const int index : mask)
        if (index < 0 || index >= num)
            section.fail(ErrorKind::model, "mask",
                         "names anchor " + std::to_string(index) + ", but num=" + std::to_string(num) +
                             " allows 0 to " + std::to_string(num - 1));
    return mask;
}

/// nms_kind and beta_nms; greedynms has Darknet's fixed exponent whatever beta_nms says (AlexeyAB box.c, box_diou).
void parse_nms(SectionReader& section, YoloLayer& yolo) {
    const std::string_view kind = section.text("nms_kind", "default");
    const float beta = section.real("beta_nms", yolo.beta_nms, 0.f, 1e6f);
    if (kind == "default") return;
    yolo.nms_kind = NmsKind::diou;
    if (kind == "diounms")
        yolo.beta_nms = beta;
    else if (kind == "cornersnms")
        section.fail(ErrorKind::unsupported, "nms_kind", "is cornersnms, which is not implemented");
    else if (kind != "greedynms")
        section.fail(ErrorKind::model, "nms_kind", "is " + quote(kind) + "; it must be default, greedynms or diounms");
}

/// What [yolo] and [Gaussian_yolo] have in common.
void parse_common(SectionReader& section, YoloLayer& yolo) {
    yolo.classes = section.integer("classes", 20, 1, kMaxCount);
    const int num = section.integer("num", 1, 1, kMaxAnchors);
    yolo.anchors = parse_anchors(section, num);
    yolo.mask = parse_mask(section, num);
    yolo.scale_x_y = section.real("scale_x_y", 1.f, 0.f, 1e6f);
    parse_nms(section, yolo);
    section.ignore({"cls_normalizer",
                    "counters_per_class",
                    "delta_normalizer",
                    "dets_for_show",
                    "dets_for_track",
                    "embedding_layer",
                    "focal_loss",
                    "ignore_thresh",
                    "iou_loss",
                    "iou_normalizer",
                    "iou_thresh",
                    "iou_thresh_kind",
                    "jitter",
                    "label_smooth_eps",
                    "map",
                    "max",
                    "max_delta",
                    "obj_normalizer",
                    "objectness_smooth",
                    "random",
                    "resize",
                    "show_details",
                    "sim_thresh",
                    "track_ciou_norm",
                    "track_history_size",
                    "truth_thresh",
                    "uc_normalizer"});
}

}  // namespace

LayerKind parse_yolo(SectionReader& section) {
    YoloLayer yolo;
    yolo.new_coords = section.flag("new_coords");
    parse_common(section, yolo);
    return yolo;
}

LayerKind parse_gaussian_yolo(SectionReader& section) {
    GaussianYoloLayer yolo;
    parse_common(section, yolo);
    const std::string_view point = section.text("yolo_point", "center");
    if (point == "left_top")
        yolo.point = 1;
    else if (point == "right_bottom")
        yolo.point = -1;
    else if (point != "center")
        section.fail(ErrorKind::model, "yolo_point",
                     "is " + quote(point) + "; it must be center, left_top or right_bottom");
    return yolo;
}

LayerKind parse_region(SectionReader& section) {
    RegionLayer region;
    region.classes = section.integer("classes", 20, 1, kMaxCount);
    const int num = section.integer("num", 1, 1, kMaxAnchors);
    region.anchors = parse_anchors(section, num);
    region.mask.resize(std::size_t(num));
    std::iota(region.mask.begin(), region.mask.end(), 0);
    region.softmax = section.flag("softmax");
    section.expect_neutral("coords", 4);
    section.expect_neutral("background");
    region.tree = section.text("tree", "");
    region.tree_line = section.line_of("tree");
    if (section.integer("classfix", 0, -kMaxCount, kMaxCount) == -1)
        section.fail(ErrorKind::unsupported, "classfix",
                     "is -1, by which Darknet leaves out boxes of an objectness below 0.5; that is not implemented");
    section.ignore({"absolute", "bias_match", "class_scale", "coord_scale", "focal_loss", "jitter", "log", "map",
                    "mask_scale", "max", "noobject_scale", "object_scale", "random", "rescore", "resize", "sqrt",
                    "thresh"});
    return region;
}

LayerKind parse_detection(SectionReader& section) {
    DetectionLayer detection;
    detection.classes = section.integer("classes", 1, 1, kMaxCount);
    const int num = section.integer("num", 1, 1, kMaxAnchors);
    detection.anchors.assign(std::size_t(num), Anchor{.25f, .25f});  // (2 t)² · 1/4
    detection.mask.resize(std::size_t(num));
    std::iota(detection.mask.begin(), detection.mask.end(), 0);
    detection.new_coords = true;
    detection.side = section.integer("side", 7, 1, kMaxWindow);
    detection.softmax = section.flag("softmax");
    section.require("coords");
    section.expect_neutral("coords", 4);
    section.require("sqrt");
    section.expect_neutral("sqrt", 1);
    section.expect_neutral("reorg");
    section.ignore({"class_scale", "coord_scale", "forced", "jitter", "max", "noobject_scale", "object_scale", "random",
                    "rescore", "resize"});
    return detection;
}

}  // namespace convoy
