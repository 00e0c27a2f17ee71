// SPDX-License-Identifier: MIT
#include "kernels/yolo_decode.h"

#include <cmath>
#include <limits>
#include <vector>

#include "tests/support/catch.h"
#include "tests/support/random.h"

using namespace convoy;
using kernels::BoxTransform;
using kernels::Candidates;
using kernels::YoloHead;
using test::OwnedTensor;

namespace {

/// Darknet's own way: the whole layer planar and activated in place, then boxes, then their correction.
class LiteralLayer {
public:
    LiteralLayer(const YoloHead& head, kernels::ConstTensor x, int n)
        : head_(head), w_(x.w), h_(x.h), entries_(5 + head.classes), anchors_(int(head.anchors.size() / 2)) {
        data_.resize(std::size_t(anchors_) * entries_ * w_ * h_);
        for (int a = 0; a < anchors_; ++a)
            for (int e = 0; e < entries_; ++e)
                for (int i = 0; i < w_ * h_; ++i) at(a, e, i) = x.at(n, i / w_, i % w_)[a * entries_ + e];
        for (int a = 0; a < anchors_; ++a)
            for (int e = 0; e < entries_; ++e)
                for (int i = 0; i < w_ * h_; ++i) {
                    float& v = at(a, e, i);
                    if (!head.new_coords && e != 2 && e != 3) v = float(1. / (1. + std::exp(double(-v))));
                    if (e < 2) v = v * head.scale_x_y + float(-0.5 * (head.scale_x_y - 1));
                }
    }

    struct Detection {
        Candidates::Box box;
        float objectness;
        std::vector<float> prob;  // by class, 0 where not over the threshold
    };

    std::vector<Detection> detections(float threshold, const BoxTransform& t) {
        std::vector<Detection> out;
        for (int i = 0; i < w_ * h_; ++i)
            for (int a = 0; a < anchors_; ++a) {
                const float objectness = at(a, 4, i);
                if (!(objectness > threshold)) continue;
                Detection d{box(a, i), objectness, std::vector<float>(head_.classes)};
                for (int c = 0; c < head_.classes; ++c) {
                    const float prob = objectness * at(a, 5 + c, i);
                    d.prob[c] = prob > threshold ? prob : 0;
                }
                correct(d.box, t);
                out.push_back(d);
            }
        return out;
    }

private:
    float& at(int anchor, int entry, int i) { return data_[(std::size_t(anchor) * entries_ + entry) * w_ * h_ + i]; }

    Candidates::Box box(int a, int i) {
        const int column = i % w_, row = i / w_;
        Candidates::Box b;
        b.x = (column + at(a, 0, i)) / w_;
        b.y = (row + at(a, 1, i)) / h_;
        if (head_.new_coords) {
            b.w = at(a, 2, i) * at(a, 2, i) * 4 * head_.anchors[2 * a] / head_.net_w;
            b.h = at(a, 3, i) * at(a, 3, i) * 4 * head_.anchors[2 * a + 1] / head_.net_h;
        } else {
            b.w = float(std::exp(double(at(a, 2, i))) * head_.anchors[2 * a] / head_.net_w);
            b.h = float(std::exp(double(at(a, 3, i))) * head_.anchors[2 * a + 1] / head_.net_h);
        }
        return b;
    }

    void correct(Candidates::Box& b, const BoxTransform& t) {
        const int net_w = t.placement.net_w, net_h = t.placement.net_h, new_w = t.placement.w, new_h = t.placement.h;
        b.x = float((b.x - (net_w - new_w) / 2. / net_w) / ((float)new_w / net_w));
        b.y = float((b.y - (net_h - new_h) / 2. / net_h) / ((float)new_h / net_h));
        b.w *= (float)net_w / new_w;
        b.h *= (float)net_h / new_h;
        b.x *= t.width;
        b.w *= t.width;
        b.y *= t.height;
        b.h *= t.height;
    }

    YoloHead head_;
    int w_, h_, entries_, anchors_;
    std::vector<float> data_;
};

void check_equal(const Candidates& actual, const std::vector<LiteralLayer::Detection>& expected) {
    REQUIRE(actual.boxes.size() == expected.size());
    REQUIRE(actual.objectness.size() == expected.size());
    REQUIRE(actual.first_prob.size() == expected.size() + 1);
    for (std::size_t i = 0; i < expected.size(); ++i) {
        const Candidates::Box &a = actual.boxes[i], &e = expected[i].box;
        INFO("box " << i << ": " << a.x << ' ' << a.y << ' ' << a.w << ' ' << a.h << ", expected " << e.x << ' ' << e.y
                    << ' ' << e.w << ' ' << e.h);
        REQUIRE((a.x == e.x && a.y == e.y && a.w == e.w && a.h == e.h));
        REQUIRE(actual.objectness[i] == expected[i].objectness);
        std::size_t at = actual.first_prob[i];
        for (int c = 0; c < int(expected[i].prob.size()); ++c)
            if (expected[i].prob[c] > 0) {
                REQUIRE(at < actual.first_prob[i + 1]);
                REQUIRE(actual.probs[at].class_id == c);
                REQUIRE(actual.probs[at++].prob == expected[i].prob[c]);
            }
        REQUIRE(at == actual.first_prob[i + 1]);
    }
}

BoxTransform transform(Fit fit, int width, int height, const YoloHead& head) {
    return {kernels::place(fit, width, height, head.net_w, head.net_h), width, height};
}

YoloHead make_head(int classes, int anchors, bool new_coords, float scale) {
    YoloHead head;
    head.classes = classes;
    head.anchors = std::vector<float>{10, 13.5f, 156, 198, 373, 326};
    head.anchors.resize(std::size_t(anchors) * 2);
    head.new_coords = new_coords;
    head.scale_x_y = scale;
    head.net_w = 416, head.net_h = 320;
    return head;
}

}  // namespace

TEST_CASE("yolo_decode: Darknet's numbers, bit for bit and in its order") {
    std::size_t boxes = 0;
    for (int classes : {1, 3, 80})
        for (int anchors : {1, 3})
            for (bool new_coords : {false, true})
                for (float scale : {1.f, 1.05f, 2.f}) {
                    const YoloHead head = make_head(classes, anchors, new_coords, scale);
                    OwnedTensor x(3, 10, 13, anchors * (5 + classes), anchors * (5 + classes) + 3);
                    x.fill_random(std::uint64_t(classes), new_coords ? 0.f : -4.f, new_coords ? 1.f : 3.f);
                    for (float threshold : {.001f, .25f, .7f})
                        for (const BoxTransform& t :
                             {transform(Fit::letterbox, 768, 576, head), transform(Fit::letterbox, 427, 640, head),
                              transform(Fit::stretch, 333, 500, head)}) {
                            Candidates out;
                            kernels::cpu::yolo_decode(head, x.view(), 1, threshold, t, out);
                            check_equal(out, LiteralLayer(head, x.view(), 1).detections(threshold, t));
                            boxes += out.boxes.size();
                        }
                }
    CHECK(boxes > 10000);
}

TEST_CASE("yolo_decode appends head after head, and clear() makes room again") {
    const YoloHead coarse = make_head(4, 3, false, 1), fine = make_head(4, 2, false, 1.1f);
    OwnedTensor a(1, 5, 5, 27), b(1, 10, 10, 18);
    a.fill_random(1, -3, 3);
    b.fill_random(2, -3, 3);
    const BoxTransform t = transform(Fit::letterbox, 640, 480, coarse);
    Candidates out;
    for (int round = 0; round < 2; ++round) {
        out.clear();
        kernels::cpu::yolo_decode(coarse, a.view(), 0, .25f, t, out);
        kernels::cpu::yolo_decode(fine, b.view(), 0, .25f, t, out);
        auto expected = LiteralLayer(coarse, a.view(), 0).detections(.25f, t);
        for (auto& d : LiteralLayer(fine, b.view(), 0).detections(.25f, t)) expected.push_back(d);
        check_equal(out, expected);
    }
}

TEST_CASE("yolo_decode: both thresholds are strict, and a box with no class over it is listed") {
    YoloHead head = make_head(2, 1, true, 1);                      // new_coords: the numbers are what they are
    const float cells[] = {.5f, .5f, .5f, .5f, .25f, 1,     1,     // objectness at the threshold
                           .5f, .5f, .5f, .5f, .5f,  .5f,   .25f,  // one product at the threshold, one under it
                           .5f, .5f, .5f, .5f, .5f,  .505f, .495f};
    Candidates out;
    kernels::cpu::yolo_decode(head, {cells, 1, 1, 3, 7, 7}, 0, .25f, transform(Fit::stretch, 100, 100, head), out);
    REQUIRE(out.boxes.size() == 2);
    CHECK(out.first_prob == std::vector<std::size_t>{0, 0, 1});
    CHECK(out.probs[0].class_id == 0);
}

TEST_CASE("yolo_decode: boxes with NaN or infinite numbers are not listed, but counted") {
    const float nan = std::numeric_limits<float>::quiet_NaN(), inf = std::numeric_limits<float>::infinity();
    const YoloHead head = make_head(3, 3, false, 1);
    OwnedTensor x(1, 4, 4, 24);
    for (float bad : {nan, inf, -inf}) {
        Candidates out;
        x.fill(bad);
        kernels::cpu::yolo_decode(head, x.view(), 0, .25f, transform(Fit::letterbox, 64, 48, head), out);
        CHECK(out.boxes.empty());
        CHECK(out.probs.empty());
        CHECK(out.not_finite == (bad == -inf ? 0u : 48u));  // an objectness of exp(-inf) is 0
        out.clear();
        CHECK(out.not_finite == 0);
    }
}

TEST_CASE("yolo_decode: one number that is not finite takes its box away and no other") {
    const float nan = std::numeric_limits<float>::quiet_NaN(), inf = std::numeric_limits<float>::infinity();
    const int entries = 8;
    for (HeadKind kind : {HeadKind::yolo, HeadKind::region, HeadKind::detection})
        for (float bad : {nan, inf, 1e30f})
            for (int entry = 0; entry < entries; ++entry) {
                YoloHead head = make_head(3, 2, kind == HeadKind::detection, 1);
                head.kind = kind;
                head.softmax = kind == HeadKind::region;
                OwnedTensor x(1, 3, 3, 2 * entries);
                x.fill(.7f);
                const BoxTransform t = transform(Fit::letterbox, 64, 48, head);
                Candidates whole, actual;
                kernels::cpu::yolo_decode(head, x.view(), 0, .1f, t, whole);
                REQUIRE(whole.boxes.size() == 18);
                const std::size_t box = 7;
                x.view().pixel(box / 2)[entries + entry] = bad;
                kernels::cpu::yolo_decode(head, x.view(), 0, .1f, t, actual);
                INFO("kind " << int(kind) << ", entry " << entry << ", " << bad);
                REQUIRE(actual.boxes.size() + actual.not_finite == 18);
                // A logistic takes any number but NaN; so does a softmax the largest float.
                const bool squashes = bad != nan && bad == bad && kind != HeadKind::detection;
                const bool size = entry == 2 || entry == 3;
                if (!std::isnan(bad) && kind == HeadKind::yolo) CHECK(actual.not_finite == (size ? 1u : 0u));
                if (std::isnan(bad)) CHECK(actual.not_finite == 1);
                if (std::isinf(bad) && !squashes) CHECK(actual.not_finite == 1);
                for (const Candidates::Box& b : actual.boxes) CHECK(std::isfinite(b.x + b.y + b.w + b.h));
                for (const Candidates::ClassProb& p : actual.probs) CHECK(std::isfinite(p.prob));
                if (actual.not_finite == 0) continue;
                for (std::size_t i = 0; i < actual.boxes.size(); ++i) {
                    const std::size_t from = i < box ? i : i + 1;
                    CHECK(actual.boxes[i].x == whole.boxes[from].x);
                    CHECK(actual.boxes[i].w == whole.boxes[from].w);
                    CHECK(actual.first_prob[i + 1] - actual.first_prob[i] ==
                          whole.first_prob[from + 1] - whole.first_prob[from]);
                }
            }
}

namespace {

using Detection = LiteralLayer::Detection;

float squashed(float t) { return float(1. / (1. + std::exp(double(-t)))); }

void to_source(Candidates::Box& b, const BoxTransform& t) {
    const kernels::Placement& p = t.placement;
    b.x = float((b.x - (p.net_w - p.w) / 2. / p.net_w) / ((float)p.w / p.net_w)) * t.width;
    b.y = float((b.y - (p.net_h - p.h) / 2. / p.net_h) / ((float)p.h / p.net_h)) * t.height;
    b.w = b.w * ((float)p.net_w / p.w) * t.width;
    b.h = b.h * ((float)p.net_h / p.h) * t.height;
}

/// get_gaussian_yolo_detections and get_gaussian_yolo_box (gaussian_yolo_layer.c).
std::vector<Detection> gaussian_detections(const YoloHead& head, kernels::ConstTensor x, float threshold,
                                           const BoxTransform& t) {
    std::vector<Detection> out;
    const float scale = head.scale_x_y, shift = float(-0.5 * (scale - 1));
    for (int i = 0; i < x.h * x.w; ++i)
        for (std::size_t a = 0; a < head.anchors.size() / 2; ++a) {
            const float* p = x.pixel(std::size_t(i)) + a * std::size_t(9 + head.classes);
            const auto xy = [&](int k) { return squashed(p[k]) * scale + shift; };
            const float objectness = squashed(p[8]);
            if (objectness <= threshold) continue;
            Candidates::Box b;
            b.w = float(std::exp(double(p[4])) * head.anchors[2 * a] / head.net_w);
            b.h = float(std::exp(double(p[6])) * head.anchors[2 * a + 1] / head.net_h);
            b.x = (float(i % x.w) + xy(0)) / float(x.w) + head.point * b.w;
            b.y = (float(i / x.w) + xy(2)) / float(x.h) + head.point * b.h;
            to_source(b, t);
            // scale_x_y is of the means alone: scal_add_cpu goes over the first of the two planes.
            const double uncertain = (squashed(p[1]) + squashed(p[3]) + squashed(p[5]) + squashed(p[7])) / 4.0;
            Detection d{b, objectness, {}};
            for (int c = 0; c < head.classes; ++c) {
                const float prob = float(objectness * squashed(p[9 + c]) * (1.0 - uncertain));
                d.prob.push_back(prob > threshold ? prob : 0);
            }
            out.push_back(d);
        }
    return out;
}

/// get_region_detections and get_region_box (region_layer.c).
std::vector<Detection> region_detections(const YoloHead& head, kernels::ConstTensor x, float threshold,
                                         const BoxTransform& t) {
    std::vector<Detection> out;
    for (int i = 0; i < x.h * x.w; ++i)
        for (std::size_t a = 0; a < head.anchors.size() / 2; ++a) {
            const float* p = x.pixel(std::size_t(i)) + a * std::size_t(5 + head.classes);
            const float scale = squashed(p[4]);
            if (!(scale > threshold)) continue;
            Candidates::Box b;
            b.x = (float(i % x.w) + squashed(p[0])) / float(x.w);
            b.y = (float(i / x.w) + squashed(p[1])) / float(x.h);
            b.w = float(std::exp(double(p[2])) * head.anchors[2 * a] / x.w);
            b.h = float(std::exp(double(p[3])) * head.anchors[2 * a + 1] / x.h);
            to_source(b, t);
            std::vector<float> classes(p + 5, p + 5 + head.classes);
            double sum = 0;
            for (float v : classes) sum += std::exp(double(v));
            Detection d{b, scale, {}};
            for (float v : classes) {
                const float prob = scale * (head.softmax ? float(std::exp(double(v)) / sum) : squashed(v));
                d.prob.push_back(prob > threshold ? prob : 0);
            }
            out.push_back(d);
        }
    return out;
}

/// Within a few roundings; a probability so close to the threshold may be on either side of it.
void check_near(const Candidates& actual, const std::vector<Detection>& expected, float threshold) {
    const auto close = [](float a, float b) { return std::fabs(a - b) <= 2e-6f * (1 + std::fabs(b)); };
    REQUIRE(actual.boxes.size() == expected.size());
    for (std::size_t i = 0; i < expected.size(); ++i) {
        INFO("box " << i);
        const Candidates::Box &a = actual.boxes[i], &e = expected[i].box;
        REQUIRE((close(a.x, e.x) && close(a.y, e.y) && close(a.w, e.w) && close(a.h, e.h)));
        REQUIRE(close(actual.objectness[i], expected[i].objectness));
        std::vector<float> found(expected[i].prob.size(), 0.f);
        for (std::size_t at = actual.first_prob[i]; at < actual.first_prob[i + 1]; ++at)
            found[std::size_t(actual.probs[at].class_id)] = actual.probs[at].prob;
        for (std::size_t c = 0; c < found.size(); ++c)
            if (std::fabs(found[c] + expected[i].prob[c] - threshold) > 1e-6f)
                REQUIRE(close(found[c], expected[i].prob[c]));
    }
}

}  // namespace

TEST_CASE("yolo_decode: a gaussian head's boxes, and what it is certain of") {
    std::size_t boxes = 0;
    for (int classes : {1, 10})
        for (float point : {0.f, .5f, -.5f})
            for (float scale : {1.f, 1.2f}) {
                YoloHead head = make_head(classes, 3, false, scale);
                head.kind = HeadKind::gaussian;
                head.point = point;
                OwnedTensor x(1, 9, 7, 3 * (9 + classes));
                x.fill_random(std::uint64_t(classes), -3, 3);
                const BoxTransform t = transform(Fit::letterbox, 500, 333, head);
                for (float threshold : {.005f, .3f}) {
                    Candidates out;
                    kernels::cpu::yolo_decode(head, x.view(), 0, threshold, t, out);
                    check_near(out, gaussian_detections(head, x.view(), threshold, t), threshold);
                    boxes += out.boxes.size();
                }
            }
    CHECK(boxes > 1000);
}

TEST_CASE("yolo_decode: a region's anchors are in cells, and its classes go through a softmax") {
    std::size_t boxes = 0;
    for (int classes : {1, 20})
        for (bool softmax : {false, true}) {
            YoloHead head = make_head(classes, 3, false, 1);
            head.anchors = {.57f, .68f, 1.87f, 2.06f, 9.8f, 9.2f};
            head.kind = HeadKind::region;
            head.softmax = softmax;
            OwnedTensor x(1, 9, 7, 3 * (5 + classes));
            x.fill_random(std::uint64_t(classes), -3, 3);
            const BoxTransform t = transform(Fit::letterbox, 333, 500, head);
            head.net_w = 7, head.net_h = 9;
            for (float threshold : {.005f, .3f}) {
                Candidates out;
                kernels::cpu::yolo_decode(head, x.view(), 0, threshold, t, out);
                check_near(out, region_detections(head, x.view(), threshold, t), threshold);
                boxes += out.boxes.size();
            }
        }
    CHECK(boxes > 500);
}

namespace {

/// Darknet's tree.c to the letter, over all classes: every class's probability, then the way from the roots.
int top_class(const std::vector<int>& parents, const float* raw) {
    std::vector<double> p(parents.size());
    for (std::size_t i = 0; i < p.size(); ++i) {
        double sum = 0;
        for (std::size_t k = 0; k < p.size(); ++k)
            if (parents[k] == parents[i]) sum += std::exp(double(raw[k]) - double(raw[i]));
        p[i] = 1 / sum * (parents[i] < 0 ? 1. : p[std::size_t(parents[i])]);  // hierarchy_predictions
    }
    double product = 1;
    for (int parent = -1;;) {  // hierarchy_top_prediction
        int best = -1;
        for (int k = 0; k < int(p.size()); ++k)
            if (parents[std::size_t(k)] == parent && (best < 0 || p[std::size_t(k)] > p[std::size_t(best)])) best = k;
        if (best < 0) return parent;
        const double next = product * p[std::size_t(best)];
        REQUIRE(std::fabs(next - .5) > 1e-5);  // or rounding would decide
        if (next <= .5) return parent < 0 ? best : parent;
        product = next;
        parent = best;
    }
}

}  // namespace

TEST_CASE("yolo_decode: a tree of classes is descended while that is likely") {
    int inner = 0, leaves = 0;
    for (const std::vector<int>& parents :
         {std::vector<int>{-1}, {-1, -1, -1}, {-1, 0, 1, 2}, {-1, -1, 0, 0, 1, 1, 1, 3, 4, 4}}) {
        YoloHead head = make_head(int(parents.size()), 3, false, 1);
        head.kind = HeadKind::region;
        head.tree = kernels::class_tree(parents);
        const int entries = 5 + head.classes;
        OwnedTensor x(1, 9, 7, 3 * entries);
        x.fill_random(parents.size(), -6, 6);
        const float threshold = .3f;
        Candidates out;
        kernels::cpu::yolo_decode(head, x.view(), 0, threshold, transform(Fit::letterbox, 333, 500, head), out);
        std::size_t box = 0;
        for (int i = 0; i < 9 * 7; ++i)
            for (int a = 0; a < 3; ++a) {
                const float* entry = x.view().pixel(std::size_t(i)) + a * entries;
                if (!(squashed(entry[4]) > threshold)) continue;
                REQUIRE(out.first_prob[box + 1] == box + 1);
                const int expected = top_class(parents, entry + 5);
                REQUIRE(out.probs[box].class_id == expected);
                REQUIRE(out.probs[box].prob == out.objectness[box]);
                (std::count(parents.begin(), parents.end(), expected) ? inner : leaves) += 1;
                ++box;
            }
        CHECK(box == out.boxes.size());
    }
    CHECK(inner > 20);
    CHECK(leaves > 100);
}

TEST_CASE("yolo_decode: a tree of NaN gives no class, and the box is counted") {
    YoloHead head = make_head(4, 1, false, 1);
    head.kind = HeadKind::region;
    head.tree = kernels::class_tree({-1, -1, 0, 0});
    OwnedTensor x(1, 1, 1, 9);
    x.fill(std::numeric_limits<float>::quiet_NaN());
    x.view().data[4] = 5;
    Candidates out;
    kernels::cpu::yolo_decode(head, x.view(), 0, .3f, transform(Fit::stretch, 64, 64, head), out);
    CHECK(out.probs.empty());
    CHECK(out.not_finite == 1);
    std::fill_n(x.view().data, 4, 0.f);  // the box is finite now; of the classes, one is NaN on the way
    std::fill_n(x.view().data + 5, 4, 0.f);
    x.view().data[5] = 9;
    x.view().data[8] = std::numeric_limits<float>::quiet_NaN();
    kernels::cpu::yolo_decode(head, x.view(), 0, .3f, transform(Fit::stretch, 64, 64, head), out);
    CHECK(out.probs.empty());
    CHECK(out.not_finite == 2);
}
