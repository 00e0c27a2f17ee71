// SPDX-License-Identifier: MIT
#include "kernels/yolo_decode.h"

#include <cmath>
#include <limits>

#include "tests/kernels/cuda/heads.h"
#include "tests/support/catch.h"

using namespace convoy;
using kernels::BoxTransform;
using kernels::Candidates;
using kernels::DataType;
using kernels::cuda::CandidateBox;
using kernels::cuda::CandidateCapacity;
using test::DeviceBytes;
using test::DeviceCandidates;
using test::Heads;
using test::make_head;

namespace {

/// A probability is a product of two quotients 1/(1 + exp(-t)): eight roundings, exp's own included.
const double kProbBound = 8 * std::ldexp(1., -24);

bool near(double a, double b, double bound) { return std::fabs(a - b) <= bound; }

/// Whether a value may be on either side of the threshold.
bool in_doubt(float value, float threshold) { return near(value, threshold, kProbBound * std::fabs(threshold)); }

/// Counts what is settled beyond doubt, so that a test can tell that it saw something.
struct Seen {
    int boxes = 0, probs = 0;
};

/// `all` lists every box and class of the picture, as the CPU does with a threshold below any value.
Seen check(const DeviceCandidates& actual, const Candidates& all, float threshold, const BoxTransform& t,
           double prob_bound = kProbBound) {
    // A position is a sum of numbers up to the picture's size, a size a product of four with exp's error.
    const double place = 16 * std::ldexp(1., -24) * std::max(t.width, t.height) *
                         std::max(double(t.placement.net_w) / t.placement.w, double(t.placement.net_h) / t.placement.h);
    const double size = 10 * std::ldexp(1., -24);
    Seen seen;
    std::size_t at = 0;
    for (std::size_t i = 0; i < all.boxes.size(); ++i) {
        INFO("box " << i << " with objectness " << all.objectness[i] << ", threshold " << threshold);
        const bool listed = at < actual.boxes.size() && actual.boxes[at].order == int(i);
        if (listed != (all.objectness[i] > threshold)) REQUIRE(in_doubt(all.objectness[i], threshold));
        if (!listed) continue;
        const CandidateBox& box = actual.boxes[at++];
        const Candidates::Box& e = all.boxes[i];
        INFO("is " << box.x << ' ' << box.y << ' ' << box.w << ' ' << box.h << ", expected " << e.x << ' ' << e.y << ' '
                   << e.w << ' ' << e.h);
        REQUIRE(near(box.x, e.x, place));
        REQUIRE(near(box.y, e.y, place));
        REQUIRE(near(box.w, e.w, size * e.w));
        REQUIRE(near(box.h, e.h, size * e.h));
        REQUIRE(near(box.objectness, all.objectness[i], kProbBound * all.objectness[i]));
        ++seen.boxes;
        int p = box.first_prob;
        const int end = box.first_prob + box.probs;
        REQUIRE((p >= 0 && std::size_t(end) <= actual.probs.size()));
        for (std::size_t j = all.first_prob[i]; j < all.first_prob[i + 1]; ++j) {
            const Candidates::ClassProb& prob = all.probs[j];
            const bool found = p < end && actual.probs[std::size_t(p)].class_id == prob.class_id;
            if (found != (prob.prob > threshold)) REQUIRE(near(prob.prob, threshold, prob_bound * threshold));
            if (!found) continue;
            REQUIRE(near(actual.probs[std::size_t(p++)].prob, prob.prob, prob_bound * prob.prob));
            ++seen.probs;
        }
        REQUIRE(p == end);
    }
    REQUIRE(at == actual.boxes.size());
    return seen;
}

}  // namespace

TEST_CASE("cuda yolo_decode: the CPU's boxes and classes, from none to nearly all") {
    REQUIRE_GPU();
    const std::vector<float> three = {10, 13.5f, 156, 198, 373, 326}, two = {33, 23, 81, 82};
    const int n = 3, count = 2;
    const std::vector<BoxTransform> transforms = test::transforms(n);
    const DeviceBytes on_device = test::upload(transforms);
    Seen seen;
    for (DataType type : test::kTypes)
        for (int classes : {1, 3, 80, 100})
            for (bool new_coords : {false, true})
                for (float scale : {1.f, 1.05f}) {
                    const float low = new_coords ? 0.f : -4.f, high = new_coords ? 1.f : 3.f;
                    Heads heads;
                    heads.add(make_head(classes, three, new_coords, scale), type, n, 5, 7, low, high);
                    heads.add(make_head(classes, two, new_coords, 1), type, n, 10, 14, low, high);
                    heads.add(make_head(classes, {5, 9}, new_coords, scale), type, n, 1, 1, low, high);
                    const CandidateCapacity capacity = {400, 40000};
                    for (float threshold : {.0005f, .25f, .7f, 1.f}) {
                        INFO("type " << int(type) << ", " << classes << " classes, new_coords " << new_coords);
                        const DeviceBytes memory(kernels::cuda::candidate_bytes(capacity, n));
                        kernels::cuda::clear_candidates(n, memory.data(), nullptr);
                        kernels::cuda::yolo_decode(heads.device(), threshold,
                                                   static_cast<const BoxTransform*>(on_device.data()), capacity, n,
                                                   count, memory.data(), nullptr);
                        for (int i = 0; i < count; ++i) {
                            const DeviceCandidates actual(memory.data(), capacity, n, i);
                            const Candidates all = heads.on_host(i, -1.f, transforms[std::size_t(i)]);
                            REQUIRE(all.boxes.size() == 386);
                            REQUIRE(actual.boxes_found == int(actual.boxes.size()));
                            REQUIRE(actual.probs_found == int(actual.probs.size()));
                            const Seen now = check(actual, all, threshold, transforms[std::size_t(i)]);
                            seen.boxes += now.boxes, seen.probs += now.probs;
                        }
                    }
                }
    CHECK(seen.boxes > 10000);
    CHECK(seen.probs > 100000);
}

TEST_CASE("cuda yolo_decode: gaussian heads and regions, beside one another") {
    REQUIRE_GPU();
    const int n = 2;
    const std::vector<BoxTransform> transforms = test::transforms(n);
    const DeviceBytes on_device = test::upload(transforms);
    // 1 less a mean of quotients, down to 0.03; or a quotient of a sum of exponentials, whose exponents reach 8.
    const double bound = 512 * std::ldexp(1., -24);
    Seen seen;
    for (DataType type : test::kTypes)
        for (int classes : {1, 20, 100}) {
            Heads heads;
            for (float point : {0.f, .5f, -.5f}) {
                kernels::YoloHead head = make_head(classes, {5, 9, 3, 4}, false, point == 0 ? 1.f : 1.1f);
                head.kind = HeadKind::gaussian;
                head.point = point;
                heads.add(head, type, n, 5, 7, -3, 3);
            }
            for (bool softmax : {false, true}) {
                kernels::YoloHead head = make_head(classes, {.2f, .1f, .3f, .3f, .1f, .2f});
                head.kind = HeadKind::region;
                head.softmax = softmax;
                head.net_w = 7, head.net_h = 5;
                heads.add(head, type, n, 5, 7, -3, 3);
            }
            const CandidateCapacity capacity = {500, 50000};
            for (float threshold : {.001f, .1f}) {
                INFO("type " << int(type) << ", " << classes << " classes, threshold " << threshold);
                const DeviceBytes memory(kernels::cuda::candidate_bytes(capacity, n));
                kernels::cuda::clear_candidates(n, memory.data(), nullptr);
                kernels::cuda::yolo_decode(heads.device(), threshold,
                                           static_cast<const BoxTransform*>(on_device.data()), capacity, n, n,
                                           memory.data(), nullptr);
                for (int i = 0; i < n; ++i) {
                    const BoxTransform& t = transforms[std::size_t(i)];
                    const Seen now = check(DeviceCandidates(memory.data(), capacity, n, i), heads.on_host(i, -1.f, t),
                                           threshold, t, bound);
                    seen.boxes += now.boxes, seen.probs += now.probs;
                }
            }
        }
    CHECK(seen.boxes > 2000);
    CHECK(seen.probs > 10000);
}

TEST_CASE("cuda yolo_decode: a whole yolov3 at 416, a batch of it") {
    REQUIRE_GPU();
    const int n = 4;
    const std::vector<BoxTransform> transforms = test::transforms(n);
    const DeviceBytes on_device = test::upload(transforms);
    for (DataType type : test::kTypes) {
        Heads heads;
        for (int side : {13, 26, 52}) heads.add(make_head(80, {10, 13, 16, 30, 33, 23}), type, n, side, side, -7, 1);
        const CandidateCapacity capacity;
        const DeviceBytes memory(kernels::cuda::candidate_bytes(capacity, n));
        kernels::cuda::clear_candidates(n, memory.data(), nullptr);
        kernels::cuda::yolo_decode(heads.device(), .5f, static_cast<const BoxTransform*>(on_device.data()), capacity, n,
                                   n, memory.data(), nullptr);
        for (int i = 0; i < n; ++i) {
            const DeviceCandidates actual(memory.data(), capacity, n, i);
            REQUIRE(actual.boxes_found <= capacity.boxes);
            const BoxTransform& t = transforms[std::size_t(i)];
            CHECK(check(actual, heads.on_host(i, -1.f, t), .5f, t).probs > 200);
        }
    }
}

TEST_CASE("cuda yolo_decode: what does not fit is counted, and nothing is written beyond") {
    REQUIRE_GPU();
    const int n = 2;
    const std::vector<BoxTransform> transforms = test::transforms(n);
    const DeviceBytes on_device = test::upload(transforms);
    Heads heads;
    heads.add(make_head(20, {10, 13, 16, 30, 33, 23}), DataType::fp16, n, 13, 13, -2, 2);
    const Candidates all = heads.on_host(0, .2f, transforms[0]);
    for (const CandidateCapacity capacity :
         {CandidateCapacity{100, 50000}, CandidateCapacity{600, 1000}, CandidateCapacity{1, 1}}) {
        const DeviceBytes memory(kernels::cuda::candidate_bytes(capacity, n));
        kernels::cuda::clear_candidates(n, memory.data(), nullptr);
        kernels::cuda::yolo_decode(heads.device(), .2f, static_cast<const BoxTransform*>(on_device.data()), capacity, n,
                                   1, memory.data(), nullptr);
        const DeviceCandidates first(memory.data(), capacity, n, 0);
        CHECK(std::abs(first.boxes_found - int(all.boxes.size())) <= 2);  // a value in doubt or two
        CHECK(std::abs(first.probs_found - int(all.probs.size())) <= 2);
        CHECK((first.boxes_found > capacity.boxes || first.probs_found > capacity.probs));
        // The second picture's part was not asked for.
        const auto second = kernels::cuda::candidate_picture(memory.data(), capacity, n, 1);
        bool intact = true;
        for (unsigned char byte :
             test::download<unsigned char>(second.boxes, std::size_t(capacity.boxes) * sizeof(CandidateBox)))
            intact = intact && byte == 0xff;
        for (unsigned char byte :
             test::download<unsigned char>(second.probs, std::size_t(capacity.probs) * sizeof(Candidates::ClassProb)))
            intact = intact && byte == 0xff;
        CHECK(intact);
    }
}

TEST_CASE("cuda yolo_decode: a picture with NaN or infinite numbers is left to the host") {
    REQUIRE_GPU();
    const float nan = std::numeric_limits<float>::quiet_NaN(), inf = std::numeric_limits<float>::infinity();
    const std::vector<BoxTransform> transforms = test::transforms(1);
    const DeviceBytes on_device = test::upload(transforms);
    for (DataType type : test::kTypes)
        for (float bad : {nan, inf, -inf}) {
            const DeviceBytes x = test::upload_as(type, std::vector<float>(16 * 24, bad));
            const CandidateCapacity capacity;
            const DeviceBytes memory(kernels::cuda::candidate_bytes(capacity, 1));
            kernels::cuda::clear_candidates(1, memory.data(), nullptr);
            kernels::cuda::yolo_decode({{make_head(3, {1, 2, 3, 4, 5, 6}), {x.data(), type, 1, 4, 4, 24, 24}}}, .25f,
                                       static_cast<const BoxTransform*>(on_device.data()), capacity, 1, 1,
                                       memory.data(), nullptr);
            const DeviceCandidates found(memory.data(), capacity, 1, 0);
            if (bad == -inf)  // an objectness of exp(-inf) is 0
                CHECK(found.probs_found == 0);
            else
                CHECK(found.probs_found > capacity.probs);
        }
}

TEST_CASE("cuda yolo_decode: one number that is not finite is enough to leave a picture to the host") {
    REQUIRE_GPU();
    const float nan = std::numeric_limits<float>::quiet_NaN(), inf = std::numeric_limits<float>::infinity();
    const std::vector<BoxTransform> transforms = test::transforms(1);
    const DeviceBytes on_device = test::upload(transforms);
    const int entries = 8;
    for (HeadKind kind : {HeadKind::yolo, HeadKind::region, HeadKind::detection})
        for (DataType type : test::kTypes)
            for (float bad : {nan, inf})
                for (int entry = 0; entry < entries; ++entry) {
                    Heads heads;
                    kernels::YoloHead head = make_head(3, {1, 2, 3, 4}, kind == HeadKind::detection);
                    head.kind = kind;
                    head.softmax = kind == HeadKind::region;
                    std::vector<float> numbers(9 * 2 * entries, .7f);
                    numbers[std::size_t(5 * 2 * entries + entries + entry)] = bad;
                    Candidates on_host;
                    kernels::cpu::yolo_decode(head, {numbers.data(), 1, 3, 3, 2 * entries, 2 * entries}, 0, .1f,
                                              transforms[0], on_host);
                    const DeviceBytes x = test::upload_as(type, numbers);
                    const CandidateCapacity capacity;
                    const DeviceBytes memory(kernels::cuda::candidate_bytes(capacity, 1));
                    kernels::cuda::clear_candidates(1, memory.data(), nullptr);
                    kernels::cuda::yolo_decode({{head, {x.data(), type, 1, 3, 3, 2 * entries, 2 * entries}}}, .1f,
                                               static_cast<const BoxTransform*>(on_device.data()), capacity, 1, 1,
                                               memory.data(), nullptr);
                    INFO("kind " << int(kind) << ", type " << int(type) << ", entry " << entry << ", " << bad);
                    const DeviceCandidates found(memory.data(), capacity, 1, 0);
                    CHECK((found.probs_found > capacity.probs) == (on_host.not_finite > 0));
                }
}

TEST_CASE("cuda yolo_decode: more heads or anchors than there is room for is an error that says so") {
    REQUIRE_GPU();
    const auto decode = [](int heads, int anchors) {
        const kernels::cuda::DeviceHead head = {make_head(1, std::vector<float>(std::size_t(anchors) * 2, 1.f)), {}};
        kernels::cuda::yolo_decode(std::vector<kernels::cuda::DeviceHead>(std::size_t(heads), head), .5f, nullptr, {},
                                   1, 1, nullptr, nullptr);
    };
    CHECK_THROWS_AS(decode(9, 3), std::runtime_error);
    CHECK_THROWS_AS(decode(1, 17), std::runtime_error);
}
