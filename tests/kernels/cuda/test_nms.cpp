// SPDX-License-Identifier: MIT
#include "kernels/nms.h"

#include <cmath>
#include <cstring>
#include <limits>
#include <numeric>

#include "tests/kernels/cuda/heads.h"
#include "tests/kernels/nms_scene.h"
#include "tests/support/catch.h"

using namespace convoy;
using kernels::BoxTransform;
using kernels::Candidates;
using kernels::DataType;
using kernels::Survivor;
using kernels::cuda::CandidateCapacity;
using test::DeviceBytes;
using test::DeviceCandidates;

namespace {

constexpr float kBeta = .6f;

/// Host memory that the device writes.
class PinnedBytes {
public:
    explicit PinnedBytes(std::size_t bytes) {
        test::cuda_ok(cudaHostAlloc(&data_, bytes, cudaHostAllocMapped));
        std::memset(data_, 0xff, bytes);
    }
    ~PinnedBytes() { cudaFreeHost(data_); }
    PinnedBytes(const PinnedBytes&) = delete;
    PinnedBytes& operator=(const PinnedBytes&) = delete;
    void* data() const { return data_; }

private:
    void* data_ = nullptr;
};

/// Lists `c` as picture `picture` of host memory laid out for the device, in an order that depends on `seed`.
void store(const Candidates& c, void* memory, CandidateCapacity capacity, int n, int picture, std::uint64_t seed) {
    const auto to = kernels::cuda::candidate_picture(memory, capacity, n, picture);
    to.counts[0] = int(c.boxes.size()), to.counts[1] = int(c.probs.size());
    if (to.counts[0] > capacity.boxes || to.counts[1] > capacity.probs) return;
    std::vector<std::size_t> boxes(c.boxes.size());
    std::iota(boxes.begin(), boxes.end(), 0);
    const auto shuffle = [&](std::uint64_t by) {
        const auto keys = test::random_floats(boxes.size(), by);
        std::sort(boxes.begin(), boxes.end(), [&](std::size_t a, std::size_t b) { return keys[a] < keys[b]; });
    };
    std::vector<int> first(c.boxes.size());
    shuffle(seed);
    int next = 0;
    for (std::size_t i : boxes) {
        first[i] = next;
        for (std::size_t at = c.first_prob[i]; at < c.first_prob[i + 1]; ++at) to.probs[next++] = c.probs[at];
    }
    shuffle(seed + 1);
    for (std::size_t slot = 0; slot < boxes.size(); ++slot) {
        const std::size_t i = boxes[slot];
        const Candidates::Box& b = c.boxes[i];
        to.boxes[slot] = {
            int(3 * i + 1), b.x, b.y, b.w, b.h, c.objectness[i], first[i], int(c.first_prob[i + 1] - c.first_prob[i])};
    }
}

/// What the device left for a picture, against cpu::nms on the same candidates: the same survivors in the same order.
std::size_t check(const void* survivors, CandidateCapacity capacity, int n, int picture, const Candidates& c,
                  int classes, NmsKind kind, float threshold) {
    std::vector<Survivor> expected, actual = {{99, 99, 99}};
    kernels::cpu::nms(c, classes, kind, kBeta, threshold, expected);
    Candidates boxes;
    REQUIRE(kernels::cuda::read_survivors(survivors, capacity, n, picture, classes, boxes, actual));
    REQUIRE(actual.size() == expected.size());
    for (std::size_t i = 0; i < actual.size(); ++i) {
        const Candidates::Box &a = boxes.boxes[actual[i].candidate], &e = c.boxes[expected[i].candidate];
        INFO("place " << i << ": box " << boxes.objectness[actual[i].candidate] << " class " << actual[i].class_id
                      << ", expected box " << c.objectness[expected[i].candidate] << " class " << expected[i].class_id);
        REQUIRE(boxes.objectness[actual[i].candidate] == c.objectness[expected[i].candidate]);
        REQUIRE(actual[i].class_id == expected[i].class_id);
        REQUIRE(actual[i].prob == expected[i].prob);
        REQUIRE(std::memcmp(&a, &e, sizeof a) == 0);
    }
    return actual.size();
}

/// The scenes as the pictures of one batch.
std::size_t check(const std::vector<Candidates>& scenes, int classes, CandidateCapacity capacity, NmsKind kind,
                  float threshold) {
    const int n = int(scenes.size());
    std::vector<char> host(kernels::cuda::candidate_bytes(capacity, n));
    for (int i = 0; i < n; ++i) store(scenes[std::size_t(i)], host.data(), capacity, n, i, std::uint64_t(i) + 5);
    const DeviceBytes candidates = test::upload(host);
    const PinnedBytes survivors(kernels::cuda::survivor_bytes(capacity, n));
    kernels::cuda::nms(candidates.data(), capacity, n, n, classes, kind, kBeta, threshold, survivors.data(), nullptr);
    test::cuda_ok(cudaDeviceSynchronize());
    std::size_t kept = 0;
    for (int i = 0; i < n; ++i) {
        INFO("picture " << i << ", " << scenes[std::size_t(i)].boxes.size() << " boxes, " << classes
                        << " classes, kind " << int(kind) << ", threshold " << threshold);
        kept += check(survivors.data(), capacity, n, i, scenes[std::size_t(i)], classes, kind, threshold);
    }
    return kept;
}

}  // namespace

TEST_CASE("cuda nms: the CPU's survivors in the CPU's order, ties and all") {
    REQUIRE_GPU();
    struct {
        int classes;
        std::vector<test::Scene> scenes;
    } const batches[] = {
        {1, {{1, 1, 1.f, 100, 100, 1}, {2, 1, 1.f, 1, 10, 2}, {60, 1, .9f, 1000, 100, 3}, {500, 1, 0.f, 10, 100, 4}}},
        {80, {{60, 80, .03f, 1000, 100, 4}, {90, 80, .5f, 1000, 300, 5}, {100, 80, 1.f, 3, 100, 6}}},
        {5, {{300, 5, .3f, 4, 120, 7}, {900, 5, .9f, 50, 120, 8}, {1500, 5, 1.f, 1 << 20, 900, 9}}},
        {20, {{300, 20, .05f, 2, 60, 8}, {150, 3, 1.f, 1, 80, 9}, {4000, 20, .1f, 20, 500, 10}}},
    };
    std::size_t kept = 0, carried = 0;
    for (const auto& batch : batches) {
        std::vector<Candidates> scenes;
        for (const test::Scene& s : batch.scenes) scenes.push_back(test::make_candidates(s));
        for (NmsKind kind : {NmsKind::iou, NmsKind::diou})
            for (float threshold : {.2f, .45f, .6f}) {
                kept += check(scenes, batch.classes, {4096, 8192}, kind, threshold);
                for (const Candidates& c : scenes) carried += c.probs.size();
            }
    }
    CHECK(kept > 10000);
    CHECK(carried > kept + 10000);  // much was suppressed
}

TEST_CASE("cuda nms: lists filled to the last entry, of one class and of many, and capacities that are no power of 2") {
    REQUIRE_GPU();
    CHECK(check({test::make_candidates({4096, 1, 1.f, 1000, 400, 1})}, 1, {4096, 4096}, NmsKind::iou, .45f) > 100);
    CHECK(check({test::make_candidates({1000, 3, 1.f, 7, 400, 2})}, 3, {1000, 3000}, NmsKind::iou, .45f) > 100);
    CHECK(check({test::make_candidates({100, 81, 1.f, 1000, 100, 3})}, 81, {100, 8100}, NmsKind::diou, .45f) > 100);
    CHECK(check({test::make_candidates({257, 1, 1.f, 1, 100, 4})}, 1, {257, 257}, NmsKind::iou, .3f) > 10);
    CHECK(check({test::make_candidates({30, 2000, .05f, 9, 100, 5})}, 2000, {30, 8192}, NmsKind::iou, .3f) > 10);
}

TEST_CASE("cuda nms: no candidates, and candidates without a class") {
    REQUIRE_GPU();
    CHECK(check({Candidates{}, test::make_candidates({20, 4, 0.f, 1, 50, 1})}, 4, {64, 64}, NmsKind::iou, .45f) == 0);
}

TEST_CASE("cuda nms: suppression is strict, by the stronger box, and does not reach through a suppressed one") {
    REQUIRE_GPU();
    Candidates c;
    c.boxes = {{10, 10, 20, 10}, {20, 10, 20, 10}, {30, 10, 20, 10}};
    c.objectness = {0, 1, 2};
    c.probs = {{0, .9f}, {0, .8f}, {0, .7f}};
    c.first_prob = {0, 1, 2, 3};
    CHECK(check({c}, 1, {4, 4}, NmsKind::iou, 100.f / 300.f) == 3);
    CHECK(check({c}, 1, {4, 4}, NmsKind::iou, .33f) == 2);
}

TEST_CASE("cuda nms: boxes that are empty, inside out or as large as floats can be") {
    REQUIRE_GPU();
    const float strange[] = {0.f, -20.f, 1e-30f, 1e20f, std::numeric_limits<float>::max()};
    Candidates c = test::make_candidates({400, 6, .9f, 5, 60, 1});
    const auto r = test::random_floats(1600, 3, 0, 15);
    for (std::size_t i = 0; i < 1600; ++i) {
        float* fields[] = {&c.boxes[i / 4].x, &c.boxes[i / 4].y, &c.boxes[i / 4].w, &c.boxes[i / 4].h};
        if (r[i] < 5) *fields[i % 4] = strange[int(r[i])];
    }
    check({c}, 6, {400, 4000}, NmsKind::iou, .45f);
    check({c}, 6, {400, 4000}, NmsKind::diou, .45f);
}

TEST_CASE("cuda nms: a picture whose candidates overflowed is told apart from the others") {
    REQUIRE_GPU();
    const Candidates few = test::make_candidates({20, 3, .5f, 50, 100, 1}),
                     boxes = test::make_candidates({65, 3, .2f, 50, 100, 2}),
                     probs = test::make_candidates({60, 3, 1.f, 50, 100, 3});
    const CandidateCapacity capacity = {64, 128};
    const int n = 4;
    std::vector<char> host(kernels::cuda::candidate_bytes(capacity, n));
    store(few, host.data(), capacity, n, 0, 1);
    store(boxes, host.data(), capacity, n, 1, 2);
    store(probs, host.data(), capacity, n, 2, 3);
    store(few, host.data(), capacity, n, 3, 4);
    const DeviceBytes candidates = test::upload(host);
    const PinnedBytes survivors(kernels::cuda::survivor_bytes(capacity, n));
    kernels::cuda::nms(candidates.data(), capacity, n, 3, 3, NmsKind::iou, kBeta, .45f, survivors.data(), nullptr);
    test::cuda_ok(cudaDeviceSynchronize());
    Candidates out;
    std::vector<Survivor> list;
    check(survivors.data(), capacity, n, 0, few, 3, NmsKind::iou, .45f);
    CHECK_FALSE(kernels::cuda::read_survivors(survivors.data(), capacity, n, 1, 3, out, list));
    CHECK_FALSE(kernels::cuda::read_survivors(survivors.data(), capacity, n, 2, 3, out, list));
    CHECK(kernels::cuda::survivor_picture(survivors.data(), capacity, n, 3).counts[0] == -1);  // not asked for
}

// As the default capacity is on 7.5.
TEST_CASE("cuda nms: more probabilities than a block can sort are an overflow, and fewer are none") {
    REQUIRE_GPU();
    const Candidates few = test::make_candidates({20, 3, .5f, 50, 100, 1}),
                     many = test::make_candidates({8000, 6, 1.f, 50, 100, 2});
    const CandidateCapacity capacity = {8000, 1 << 16};  // 720 KB
    REQUIRE(many.probs.size() > 1 << 15);                // 360 KB
    const int n = 2;
    std::vector<char> host(kernels::cuda::candidate_bytes(capacity, n));
    store(few, host.data(), capacity, n, 0, 1);
    store(many, host.data(), capacity, n, 1, 2);
    const DeviceBytes candidates = test::upload(host);
    const PinnedBytes survivors(kernels::cuda::survivor_bytes(capacity, n));
    kernels::cuda::nms(candidates.data(), capacity, n, n, 6, NmsKind::iou, kBeta, .45f, survivors.data(), nullptr);
    test::cuda_ok(cudaDeviceSynchronize());
    Candidates out;
    std::vector<Survivor> list;
    check(survivors.data(), capacity, n, 0, few, 6, NmsKind::iou, .45f);
    CHECK_FALSE(kernels::cuda::read_survivors(survivors.data(), capacity, n, 1, 6, out, list));
}

TEST_CASE("cuda nms: on what cuda yolo_decode found, with the ties that fp16 makes") {
    REQUIRE_GPU();
    const int n = 3;
    const std::vector<BoxTransform> transforms = test::transforms(n);
    const DeviceBytes on_device = test::upload(transforms);
    for (DataType type : test::kTypes)
        for (float threshold : {.05f, .4f}) {
            test::Heads heads;
            for (int side : {13, 26}) heads.add(test::make_head(12, {60, 80, 90, 50}), type, n, side, side, -6, 1);
            const CandidateCapacity capacity;
            const DeviceBytes memory(kernels::cuda::candidate_bytes(capacity, n));
            const PinnedBytes survivors(kernels::cuda::survivor_bytes(capacity, n));
            // The second time finds the counters of the first.
            for (int round = 0; round < 2; ++round) {
                kernels::cuda::clear_candidates(n, memory.data(), nullptr);
                kernels::cuda::yolo_decode(heads.device(), threshold,
                                           static_cast<const BoxTransform*>(on_device.data()), capacity, n, n,
                                           memory.data(), nullptr);
                kernels::cuda::nms(memory.data(), capacity, n, n, 12, NmsKind::iou, kBeta, .45f, survivors.data(),
                                   nullptr);
                test::cuda_ok(cudaDeviceSynchronize());
                for (int i = 0; i < n; ++i) {
                    const Candidates found = DeviceCandidates(memory.data(), capacity, n, i).list();
                    CHECK(check(survivors.data(), capacity, n, i, found, 12, NmsKind::iou, .45f) > 10);
                }
            }
        }
}

TEST_CASE("cuda nms: capacities beyond its 16-bit indices are an error that says so") {
    REQUIRE_GPU();
    const auto nms = [](CandidateCapacity capacity, int classes) {
        kernels::cuda::nms(nullptr, capacity, 1, 1, classes, NmsKind::iou, kBeta, .45f, nullptr, nullptr);
    };
    CHECK_THROWS_AS(nms({1 << 17, 100}, 1), std::runtime_error);
    CHECK_THROWS_AS(nms({100, 1 << 17}, 1), std::runtime_error);
    CHECK_THROWS_AS(nms({100, 100}, 1 << 16), std::runtime_error);
}
