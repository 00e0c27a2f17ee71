// SPDX-License-Identifier: MIT
#include <convoy/error.h>
#include "engine/run/submit_queue.h"

#include <atomic>

#include "tests/engine/fake_backend.h"
#include "tests/support/catch.h"
#include "tests/support/in_time.h"

using namespace convoy;
using test::FakeDevices;
using test::NumberedPictures;

namespace {

constexpr int kCapacity = 40;

int number_of(const std::optional<Result>& r) { return r->detections.at(0).class_id; }

}  // namespace

TEST_CASE("results come in order, one per frame, whatever the devices and the batch", "[submit]") {
    const NumberedPictures pictures;
    for (int devices : {1, 2, 3})
        for (int batch : {1, 3, 8})
            for (int slots : {1, 3})
                for (int frames : {0, 1, 7, 100}) {
                    INFO(devices << " devices, batch " << batch << ", slots " << slots << ", frames " << frames);
                    FakeDevices fake(devices, batch, slots);
                    SubmitQueue queue(fake.workers, kCapacity);
                    std::thread producer([&] {
                        for (int i = 0; i < frames; ++i) queue.submit(pictures.frame(i));
                        queue.finish();
                    });
                    int seen = 0;
                    while (const std::optional<Result> r = queue.next()) {
                        REQUIRE(r->frame.index == seen);
                        REQUIRE(number_of(r) == seen);
                        ++seen;
                    }
                    producer.join();
                    CHECK(seen == frames);
                    for (const test::FakeBackend* backend : fake.backends) CHECK(backend->most_at_once <= 1);
                    if (devices == 1) {
                        const std::vector<int> batches = fake.backends[0]->batches();
                        for (std::size_t b = 0; b + 1 < batches.size(); ++b) CHECK(batches[b] == batch);
                    }
                }
}

TEST_CASE("a queue can be finished and used again", "[submit]") {
    const NumberedPictures pictures;
    FakeDevices fake(2);
    SubmitQueue queue(fake.workers, kCapacity);
    for (int round = 0; round < 3; ++round) {
        for (int i = 0; i < 5; ++i) queue.submit(pictures.frame(i));
        queue.finish();
        int seen = 0;
        while (queue.next()) ++seen;
        CHECK(seen == 5);
    }
}

TEST_CASE("flush runs a batch that is not full", "[submit]") {
    const NumberedPictures pictures;
    FakeDevices fake(1, 8);
    SubmitQueue queue(fake.workers, kCapacity);
    for (int i : {42, 43}) {
        queue.submit(pictures.frame(i));
        queue.flush();
        CHECK(number_of(queue.next()) == i);
    }
}

TEST_CASE("a frame does not wait longer than the latency bound for its batch", "[submit]") {
    const NumberedPictures pictures;
    FakeDevices fake(1, 8, 2, 5);
    SubmitQueue queue(fake.workers, kCapacity);
    queue.submit(pictures.frame(9));
    CHECK(number_of(queue.next()) == 9);  // hangs if the bound is not kept
    CHECK(fake.backends[0]->batches() == std::vector<int>{1});
}

TEST_CASE("a bad picture costs its own frame only", "[submit]") {
    const NumberedPictures pictures;
    FakeDevices fake(1);
    fake.backends[0]->fail_picture = 2;
    SubmitQueue queue(fake.workers, kCapacity);
    for (int i = 0; i < 6; ++i) queue.submit(pictures.frame(i));
    queue.finish();
    for (int i = 0; i < 6; ++i) {
        if (i == 2)
            CHECK_THROWS_AS(queue.next(), Error);
        else
            CHECK(queue.next()->frame.index == i);
    }
    CHECK_FALSE(queue.next().has_value());
}

TEST_CASE("a failing batch surfaces for each of its frames and the next batch runs", "[submit]") {
    const NumberedPictures pictures;
    FakeDevices fake(1, 2);
    fake.backends[0]->fail_run = 1;
    SubmitQueue queue(fake.workers, kCapacity);
    for (int i = 0; i < 6; ++i) queue.submit(pictures.frame(i));
    queue.finish();
    for (int i = 0; i < 6; ++i) {
        if (i == 2 || i == 3)
            CHECK_THROWS_AS(queue.next(), Error);
        else
            CHECK(queue.next()->frame.index == i);
    }
    CHECK_FALSE(queue.next().has_value());
}

TEST_CASE("submit blocks at capacity until results are taken", "[submit]") {
    const NumberedPictures pictures;
    FakeDevices fake(2, 2);
    SubmitQueue queue(fake.workers, kCapacity);
    std::atomic<int> submitted{0};
    std::thread producer([&] {
        for (int i = 0; i < 200; ++i) {
            queue.submit(pictures.frame(i));
            ++submitted;
        }
        queue.finish();
    });
    while (submitted < kCapacity) std::this_thread::yield();
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    CHECK(submitted == kCapacity);
    int seen = 0;
    while (queue.next()) ++seen;
    producer.join();
    CHECK(seen == 200);
}

TEST_CASE("frames of a device that dies are done by the others, none lost or doubled", "[submit]") {
    const NumberedPictures pictures;
    for (int dies_at : {0, 1, 5})
        for (int repeat = 0; repeat < 5; ++repeat) {
            FakeDevices fake(3, 4);
            fake.backends[1]->die_at_run = dies_at;
            for (test::FakeBackend* backend : fake.backends) backend->work = std::chrono::microseconds(200);
            SubmitQueue queue(fake.workers, kCapacity);
            constexpr int kMost = 4096;  // a busy machine may give the device few batches for a while
            int submitted = 0;
            std::thread producer([&] {
                for (; submitted < 300 || (!fake.workers[1]->failed() && submitted < kMost); ++submitted)
                    queue.submit(pictures.frame(submitted));
                queue.finish();
            });
            int seen = 0;
            while (const std::optional<Result> r = queue.next()) {
                REQUIRE(r->frame.index == seen);
                REQUIRE(number_of(r) == seen);
                ++seen;
            }
            producer.join();
            CHECK(seen == submitted);
            CHECK(fake.workers[1]->failed());
            CHECK_FALSE(fake.workers[1]->failure().empty());
        }
}

TEST_CASE("what a device that dies had last is flushed on another, whoever places it there", "[submit]") {
    const NumberedPictures pictures;
    test::in_time("a queue with a device that dies", [&] {
        for (int round = 0; round < 300; ++round) {
            FakeDevices fake(2, 4, 1);
            fake.backends[1]->die_at_run = 0;
            SubmitQueue queue(fake.workers, kCapacity);
            const int frames = 5 + round % 8;
            for (int i = 0; i < frames; ++i) queue.submit(pictures.frame(i));
            queue.finish();
            int seen = 0;
            while (queue.next()) ++seen;
            CHECK(seen == frames);
        }
    });
}

TEST_CASE("when no device is left, every call says so", "[submit]") {
    const NumberedPictures pictures;
    FakeDevices fake(2, 2);
    for (test::FakeBackend* backend : fake.backends) backend->die_at_run = 1;
    SubmitQueue queue(fake.workers, kCapacity);
    std::atomic<bool> refused{false};
    std::thread producer([&] {
        try {
            for (int i = 0; i < 100; ++i) queue.submit(pictures.frame(i));
        } catch (const Error& error) {
            refused = error.kind() == ErrorKind::device;
        }
    });
    int errors = 0, results = 0;
    for (int i = 0; i < 50; ++i) {
        try {
            results += queue.next().has_value();
        } catch (const Error& error) {
            CHECK(error.kind() == ErrorKind::device);
            ++errors;
        }
    }
    producer.join();
    CHECK(refused);
    CHECK(errors > 0);
    CHECK(results + errors == 50);
}

TEST_CASE("a queue ends at once with frames in flight and a blocked submitter gone", "[submit]") {
    const NumberedPictures pictures;
    for (int round = 0; round < 20; ++round) {
        FakeDevices fake(2, 2);
        for (test::FakeBackend* backend : fake.backends) backend->work = std::chrono::milliseconds(1);
        SubmitQueue queue(fake.workers, kCapacity);
        for (int i = 0; i < 30; ++i) queue.submit(pictures.frame(i));
    }
    SUCCEED("no hang");
}

TEST_CASE("nothing of a queue's frames is left when it is gone", "[submit]") {
    const NumberedPictures pictures;
    const auto owner = std::make_shared<int>();
    FakeDevices fake(2, 8);
    for (int repeat = 0; repeat < 300; ++repeat) {
        {
            SubmitQueue queue(fake.workers, kCapacity);
            for (int i = 0; i < 1 + repeat % 9; ++i) {
                Frame frame = pictures.frame(i);
                frame.owner = owner;
                queue.submit(std::move(frame));
            }
            std::this_thread::sleep_for(std::chrono::milliseconds(1));  // so that they are in a batch
        }
        REQUIRE(owner.use_count() == 1);
    }
}

TEST_CASE("a frame for which there is no room is left as it is", "[submit]") {
    const NumberedPictures pictures;
    FakeDevices fake(1, 2);
    SubmitQueue queue(fake.workers, 3);
    for (int i = 0; i < 3; ++i) CHECK(queue.submit(pictures.frame(i), false));
    Frame frame = pictures.frame(3);
    frame.owner = std::make_shared<int>();
    CHECK_FALSE(queue.submit(std::move(frame), false));
    CHECK(frame.owner);
    queue.flush();
    CHECK(number_of(queue.next()) == 0);
    CHECK(queue.submit(std::move(frame), false));
    CHECK_FALSE(frame.owner);
    queue.finish();
    for (int i = 1; i < 4; ++i) CHECK(number_of(queue.next()) == i);
    CHECK_FALSE(queue.next());
}

TEST_CASE("cancelling lets go of whoever waits and of all frames", "[submit]") {
    const NumberedPictures pictures;
    const auto owner = std::make_shared<int>();
    for (int round = 0; round < 50; ++round) {
        FakeDevices fake(2, 4);
        for (test::FakeBackend* backend : fake.backends) backend->work = std::chrono::milliseconds(1);
        SubmitQueue queue(fake.workers, kCapacity);
        std::atomic<int> refused{0};
        std::vector<std::thread> producers;
        for (int p = 0; p < 3; ++p)
            producers.emplace_back([&] {
                for (int i = 0;; ++i) {
                    Frame frame = pictures.frame(i);
                    frame.owner = owner;
                    if (!queue.submit(std::move(frame))) break;
                }
                ++refused;
            });
        std::thread consumer([&] {
            for (int i = 0; i < round && queue.next(); ++i) {
            }
            while (queue.next()) std::this_thread::sleep_for(std::chrono::milliseconds(5));  // slower than they are
        });
        std::this_thread::sleep_for(std::chrono::milliseconds(round % 5));
        queue.cancel();
        for (std::thread& thread : producers) thread.join();
        consumer.join();
        CHECK(refused == 3);
        CHECK_FALSE(queue.submit(pictures.frame(0)));
        CHECK_FALSE(queue.next());
    }
    CHECK(owner.use_count() == 1);
}

TEST_CASE("where what is not finite came from is looked for once, and counted every time", "[submit]") {
    const NumberedPictures pictures;
    FakeDevices fake(2, 3);
    for (test::FakeBackend* backend : fake.backends) backend->not_finite = 5;
    SubmitQueue queue(fake.workers, kCapacity);
    for (int i = 0; i < 20; ++i) queue.submit(pictures.frame(i));
    queue.finish();
    std::int64_t boxes = 0;
    int told = 0;
    while (const std::optional<Result> r = queue.next()) {
        boxes += r->not_finite;
        if (r->first_not_finite.empty()) continue;
        ++told;
        CHECK(r->first_not_finite == "layer " + std::to_string(number_of(r)));
    }
    CHECK(boxes == 100);
    CHECK(told == fake.backends[0]->sought + fake.backends[1]->sought);
    CHECK((told >= 1 && told <= 2));
    for (const test::FakeBackend* backend : fake.backends) CHECK(backend->sought <= 1);
}

TEST_CASE("a picture whose boxes, or whose network, take for ever is given up with all else", "[submit]") {
    const NumberedPictures pictures;
    for (const bool network : {false, true}) {
        FakeDevices fake(1, 3);
        test::FakeBackend& backend = *fake.backends[0];
        (network ? backend.endless_network : backend.endless_boxes) = true;
        SubmitQueue queue(fake.workers, kCapacity);
        for (int i = 0; i < 5; ++i) queue.submit(pictures.frame(i));
        queue.finish();
        while (network ? !backend.computing : !backend.collecting) std::this_thread::yield();
        queue.cancel();
        CHECK_FALSE(queue.next().has_value());
    }
}
