// SPDX-License-Identifier: MIT
#include "engine/pipeline.h"

#include <atomic>
#include <future>

#include "tests/support/catch.h"

using namespace convoy;

namespace {

// Detects in each picture one box whose class is the picture's first byte.
class FakeBackend : public Backend {
public:
    explicit FakeBackend(int max_batch) : max_batch_(max_batch) {}
    std::unique_ptr<Slot> make_slot() override { return std::make_unique<FakeSlot>(*this); }
    std::string description() const override { return "fake"; }

    std::atomic<int> runs{0}, running{0}, most_at_once{0};
    std::vector<int> batches;  // written by the network thread only
    int fail_picture = -1, fail_run = -1;
    std::chrono::milliseconds work{0};

private:
    struct FakeSlot : Slot {
        explicit FakeSlot(FakeBackend& b) : backend(b), bytes(b.max_batch_) {}
        void preprocess(int index, const PixelView& p) override {
            if (p.plane[0][0] == backend.fail_picture) throw Error(ErrorKind::input, "bad picture");
            bytes.at(index) = p.plane[0][0];
        }
        void run(int count) override {
            backend.most_at_once = std::max<int>(backend.most_at_once, ++backend.running);
            backend.batches.push_back(count);
            std::this_thread::sleep_for(backend.work);
            --backend.running;
            if (backend.runs++ == backend.fail_run) throw Error(ErrorKind::device, "device lost");
        }
        double wait() override { return double(backend.work.count()); }
        void collect(int index, std::vector<Detection>& out) override { out = {{bytes.at(index), .5f, {0, 0, 1, 1}}}; }
        FakeBackend& backend;
        std::vector<int> bytes;
    };
    int max_batch_;
};

struct Pictures {
    std::vector<std::uint8_t> bytes = std::vector<std::uint8_t>(256 * 3);
    Pictures() {
        for (int i = 0; i < 256; ++i) bytes[i * 3] = std::uint8_t(i);
    }
    Frame frame(int i) const {
        Frame f;
        f.pixels.plane[0] = &bytes[(i % 256) * 3];
        f.pixels.pitch[0] = 3;
        f.pixels.width = f.pixels.height = 1;
        f.index = i;
        return f;
    }
};

}  // namespace

TEST_CASE("results come in order, one per frame, whatever the batch", "[pipeline]") {
    const Pictures pictures;
    for (int batch : {1, 3, 8})
        for (int slots : {1, 2, 3})
            for (int frames : {0, 1, 7, 64}) {
                INFO("batch " << batch << ", slots " << slots << ", frames " << frames);
                FakeBackend backend(batch);
                Pipeline pipeline(backend, {}, batch, slots, -1);
                std::thread producer([&] {
                    for (int i = 0; i < frames; ++i) pipeline.submit(pictures.frame(i));
                    pipeline.finish();
                });
                int seen = 0;
                while (const std::optional<Result> r = pipeline.next()) {
                    REQUIRE(r->frame.index == seen);
                    REQUIRE(r->detections.at(0).class_id == seen % 256);
                    ++seen;
                }
                producer.join();
                CHECK(seen == frames);
                CHECK(backend.most_at_once <= 1);
                for (std::size_t b = 0; b + 1 < backend.batches.size(); ++b) CHECK(backend.batches[b] == batch);
            }
}

TEST_CASE("a pipeline can be finished and used again", "[pipeline]") {
    const Pictures pictures;
    FakeBackend backend(4);
    Pipeline pipeline(backend, {}, 4, 2, -1);
    for (int round = 0; round < 3; ++round) {
        for (int i = 0; i < 5; ++i) pipeline.submit(pictures.frame(i));
        pipeline.finish();
        int seen = 0;
        while (pipeline.next()) ++seen;
        CHECK(seen == 5);
    }
}

TEST_CASE("flush runs a batch that is not full", "[pipeline]") {
    const Pictures pictures;
    FakeBackend backend(8);
    Pipeline pipeline(backend, {}, 8, 2, -1);
    pipeline.submit(pictures.frame(42));
    pipeline.flush();
    CHECK(pipeline.next()->detections.at(0).class_id == 42);
}

TEST_CASE("a frame does not wait longer than the latency bound for its batch", "[pipeline]") {
    const Pictures pictures;
    FakeBackend backend(8);
    Pipeline pipeline(backend, {}, 8, 2, 5);
    pipeline.submit(pictures.frame(9));
    CHECK(pipeline.next()->detections.at(0).class_id == 9);  // hangs if the bound is not kept
    CHECK(backend.batches == std::vector<int>{1});
}

TEST_CASE("a bad picture costs its own frame only", "[pipeline]") {
    const Pictures pictures;
    FakeBackend backend(4);
    backend.fail_picture = 2;
    Pipeline pipeline(backend, {}, 4, 2, -1);
    for (int i = 0; i < 6; ++i) pipeline.submit(pictures.frame(i));
    pipeline.finish();
    for (int i = 0; i < 6; ++i) {
        if (i == 2)
            CHECK_THROWS_AS(pipeline.next(), Error);
        else
            CHECK(pipeline.next()->frame.index == i);
    }
    CHECK_FALSE(pipeline.next().has_value());
}

TEST_CASE("a failing batch surfaces for each of its frames and the next batch runs", "[pipeline]") {
    const Pictures pictures;
    FakeBackend backend(2);
    backend.fail_run = 1;
    Pipeline pipeline(backend, {}, 2, 2, -1);
    for (int i = 0; i < 6; ++i) pipeline.submit(pictures.frame(i));
    pipeline.finish();
    for (int i = 0; i < 6; ++i) {
        if (i == 2 || i == 3)
            CHECK_THROWS_AS(pipeline.next(), Error);
        else
            CHECK(pipeline.next()->frame.index == i);
    }
    CHECK_FALSE(pipeline.next().has_value());
}

TEST_CASE("submit blocks at capacity until results are taken", "[pipeline]") {
    const Pictures pictures;
    FakeBackend backend(2);
    Pipeline pipeline(backend, {}, 2, 2, -1);
    const int capacity = pipeline.capacity();
    std::atomic<int> submitted{0};
    std::thread producer([&] {
        for (int i = 0; i < 200; ++i) {
            pipeline.submit(pictures.frame(i));
            ++submitted;
        }
        pipeline.finish();
    });
    while (submitted < capacity) std::this_thread::yield();
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    CHECK(submitted < 2 * capacity + 4);
    int seen = 0;
    while (pipeline.next()) ++seen;
    producer.join();
    CHECK(seen == 200);
}

TEST_CASE("a pipeline ends at once with frames in flight and a blocked submitter gone", "[pipeline]") {
    const Pictures pictures;
    for (int round = 0; round < 20; ++round) {
        FakeBackend backend(2);
        backend.work = std::chrono::milliseconds(1);
        Pipeline pipeline(backend, {}, 2, 2, -1);
        for (int i = 0; i < 8; ++i) pipeline.submit(pictures.frame(i));
    }
    SUCCEED("no hang");
}
