// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <vector>

#include "kernels/yolo_decode.h"

namespace convoy::kernels::cpu {

/// Boxes by their edges, so that those that overlap one of them much are found without a look at all: a tree that is
/// split where the boxes lie furthest apart, the widest range of their four edges first.
class BoxTree {
public:
    using Index = std::uint32_t;  ///< into the boxes

    /// Overlaps are IoU over `threshold`, strict and >= 0. The boxes are finite.
    BoxTree(const std::vector<Candidates::Box>& boxes, float threshold);
    /// Appends every other box that overlaps box `a`, in no particular order.
    void find(Index a, std::vector<Index>& out) const;
    /// Darknet's box_iou.
    float iou(Index a, Index b) const;
    /// Width and height of the smallest box around both.
    struct Size {
        float w, h;
    };
    Size around(Index a, Index b) const;

private:
    struct Edges {
        float left, right, top, bottom, area;
    };
    struct Node {
        Edges hull;           // of all its boxes, with their smallest area
        float width, height;  // their largest
        Index begin, end;     // places of a leaf's boxes; of other nodes none
        Index skip;           // the next node that is not below this one
    };

    static float overlap(const Edges& a, const Edges& b);
    Node node_of(Index begin, Index end) const;
    void build(Index begin, Index end);
    bool may_overlap(const Edges& a, const Node& node) const;

    const float threshold_;
    std::vector<Edges> edges_;  // by box
    std::vector<Index> order_;  // by place, leaf by leaf: the boxes that can overlap others at all
    std::vector<float> left_, right_, top_, bottom_, area_;  // by place
    std::vector<Node> nodes_;                                // each before those below it
};

}  // namespace convoy::kernels::cpu
