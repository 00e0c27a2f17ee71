// SPDX-License-Identifier: MIT
//
// Frames in pieces through devices that are not there: a tile's number is that of its frame and its place.
#include <numeric>
#include <set>

#include "engine/run/submit_queue.h"
#include "tests/engine/fake_input.h"
#include "tests/support/catch.h"
#include "tests/support/in_time.h"

using namespace convoy;
using namespace convoy::test;

namespace {

constexpr int kWidth = 8, kHeight = 12;

struct Tiles {
    int columns, rows;
    bool whole;
    TileOptions options() const { return {columns, rows, 0, whole}; }
    int count() const { return options().count(); }
};

const Tiles kTiles[] = {{1, 1, false}, {2, 1, false}, {2, 2, true}, {4, 3, false}};

// The numbers of a frame's tiles; the whole frame has that of the first one, and is the same thing.
std::set<int> numbers_of(int frame, const Tiles& tiles) {
    std::set<int> numbers;
    for (int row = 0; row < tiles.rows; ++row)
        for (int column = 0; column < tiles.columns; ++column)
            numbers.insert(frame + row * (kHeight / tiles.rows) * kWidth + column * (kWidth / tiles.columns));
    return numbers;
}

std::set<int> numbers_in(const Result& result) {
    std::set<int> numbers;
    for (const Detection& d : result.detections) numbers.insert(d.class_id);
    CHECK(numbers.size() == result.detections.size());
    return numbers;
}

int pictures_of(const std::vector<std::unique_ptr<DeviceWorker>>& workers) {
    std::int64_t pictures = 0;
    for (const auto& worker : workers) pictures += worker->report().pictures;
    return int(pictures);
}

Script large(std::vector<int> segments) {
    Script script;
    script.segments = std::move(segments);
    script.width = kWidth, script.height = kHeight;
    return script;
}

}  // namespace

TEST_CASE("frames in tiles come in order, one result each, whatever the devices and the batch", "[tiles][submit]") {
    const NumberedPictures pictures;
    for (const Tiles& tiles : kTiles)
        for (int devices : {1, 2, 3})
            for (int batch : {1, 3, 5, 16})
                for (int frames : {1, 7, 60}) {
                    INFO(tiles.count() << " pictures a frame, " << devices << " devices, batch " << batch);
                    FakeDevices fake(devices, batch, 2, -1, tiles.options());
                    SubmitQueue queue(fake.workers, 40);
                    std::thread producer([&] {
                        for (int i = 0; i < frames; ++i) queue.submit(pictures.frame(i, kWidth, kHeight));
                        queue.finish();
                    });
                    int seen = 0;
                    while (const std::optional<Result> r = queue.next()) {
                        REQUIRE(r->frame.index == seen);
                        REQUIRE(numbers_in(*r) == numbers_of(seen, tiles));
                        CHECK(r->latency_ms > 0);
                        ++seen;
                    }
                    producer.join();
                    CHECK(seen == frames);
                    CHECK(pictures_of(fake.workers) == frames * tiles.count());
                    std::int64_t counted = 0;
                    for (const auto& worker : fake.workers) counted += worker->report().frames;
                    CHECK(counted == frames);
                    if (devices > 1) continue;
                    CHECK(fake.workers[0]->latency().count == std::size_t(frames));
                    const std::vector<int> batches = fake.backends[0]->batches();
                    for (std::size_t b = 0; b + 1 < batches.size(); ++b) CHECK(batches[b] == batch);
                }
}

TEST_CASE("a frame that is flushed goes whole, over as many batches as it takes", "[tiles][submit]") {
    const NumberedPictures pictures;
    const Tiles tiles{4, 3, true};
    FakeDevices fake(1, 5, 2, -1, tiles.options());
    SubmitQueue queue(fake.workers, 4);
    for (int i : {7, 90}) {
        queue.submit(pictures.frame(i, kWidth, kHeight));
        queue.flush();
        CHECK(numbers_in(*queue.next()) == numbers_of(i, tiles));
    }
    CHECK(fake.backends[0]->batches() == std::vector<int>{5, 5, 3, 5, 5, 3});
}

TEST_CASE("two frames that nobody flushes are room enough for one thread", "[tiles][submit]") {
    const NumberedPictures pictures;
    const Tiles tiles{4, 3, false};
    FakeDevices fake(1, 8, 2, -1, tiles.options());
    SubmitQueue queue(fake.workers, 2);
    for (int i = 0; i < 20; ++i) {
        queue.submit(pictures.frame(i, kWidth, kHeight));
        if (i > 0) CHECK(queue.next()->frame.index == i - 1);  // hangs if what a frame has begun is never full
    }
}

TEST_CASE("a bad tile costs its own frame only, and so does a failing batch", "[tiles][submit]") {
    const NumberedPictures pictures;
    const Tiles tiles{2, 1, false};
    for (bool bad_picture : {true, false}) {
        FakeDevices fake(1, 4, 2, -1, tiles.options());
        if (bad_picture)
            fake.backends[0]->fail_picture = 400 + kWidth / 2;  // the second tile of the third frame
        else
            fake.backends[0]->fail_run = 1;
        SubmitQueue queue(fake.workers, 40);
        for (int i = 0; i < 6; ++i) queue.submit(pictures.frame(200 * i, kWidth, kHeight));
        queue.finish();
        for (int i = 0; i < 6; ++i) {
            if (i == 2 || (i == 3 && !bad_picture))
                CHECK_THROWS_AS(queue.next(), Error);
            else
                CHECK(numbers_in(*queue.next()) == numbers_of(200 * i, tiles));
        }
        CHECK_FALSE(queue.next().has_value());
    }
}

TEST_CASE("a frame of which a device that fails has some tiles goes to another", "[tiles][submit]") {
    const NumberedPictures pictures;
    const Tiles tiles{4, 3, false};
    for (int at : {0, 1, 2, 5})
        for (bool silently : {false, true}) {
            FakeDevices fake(2, 5, 2, -1, tiles.options());
            fake.backends[0]->die_at_run = at;
            fake.backends[0]->die_silently = silently;
            fake.backends[1]->work = std::chrono::milliseconds(1);
            SubmitQueue queue(fake.workers, 8);
            std::thread producer([&] {
                for (int i = 0; i < 40; ++i) queue.submit(pictures.frame(i, kWidth, kHeight));
                queue.finish();
            });
            for (int i = 0; i < 40; ++i) {
                const std::optional<Result> r = queue.next();
                REQUIRE(r);
                CHECK(r->frame.index == i);
                CHECK(numbers_in(*r) == numbers_of(i, tiles));
            }
            CHECK_FALSE(queue.next());
            producer.join();
        }
}

TEST_CASE("cancelling leaves nothing of a frame whose tiles are half placed", "[tiles][submit]") {
    const NumberedPictures pictures;
    const Tiles tiles{4, 3, false};
    for (int wait_us : {0, 300, 2000, 5000}) {
        FakeDevices fake(2, 5, 2, -1, tiles.options());
        for (FakeBackend* backend : fake.backends) backend->work = std::chrono::milliseconds(2);
        const auto frames = std::make_shared<FrameCount>();
        {
            SubmitQueue queue(fake.workers, 8);
            std::thread producer([&] {
                for (int i = 0;; ++i) {
                    Frame frame = pictures.frame(i, kWidth, kHeight);
                    frame.owner = FrameCount::one_more(frames);
                    if (!queue.submit(std::move(frame))) return;
                }
            });
            std::this_thread::sleep_for(std::chrono::microseconds(wait_us));
            queue.cancel();
            CHECK_FALSE(queue.next());
            producer.join();
        }
        CHECK(frames->living == 0);
    }
}

TEST_CASE("a frame that has lost a tile is lost, whatever comes of its last one", "[tiles][submit]") {
    const NumberedPictures pictures;
    FakeDevices fake(1, 5, 2, -1, Tiles{3, 3, false}.options());
    FakeBackend& backend = *fake.backends[0];
    backend.endless_boxes = backend.endless_once = true;
    SubmitQueue queue(fake.workers, 8);
    std::thread producer([&] {
        for (int i = 0; queue.submit(pictures.frame(i, kWidth, kHeight)); ++i) {
        }
    });
    // The first frame's other tiles are through the network, too.
    while (!backend.collecting || backend.batches().size() < 2) std::this_thread::yield();
    queue.cancel();
    CHECK_FALSE(queue.next());
    producer.join();
}

TEST_CASE("a run counts frames as frames and tiles as pictures, on any devices", "[tiles][scheduler]") {
    for (const Tiles& tiles : kTiles)
        for (int devices : {1, 2})
            for (auto [draws, orders] : {std::pair{false, false}, {true, false}, {true, true}}) {
                INFO(tiles.count() << " pictures a frame, " << devices << " devices, draws " << draws);
                FakeDevices fake(devices, 5, 2, -1, tiles.options());
                const Script script = large({5, 1, 9, 30});
                Recorder recorder(1);
                recorder.draws = draws, recorder.orders = orders;
                int wrong = 0;
                recorder.on_result = [&](int, Result& result) {
                    wrong += numbers_in(result) != numbers_of(int(result.frame.index), tiles);
                    wrong += result.frame.pixels.width != kWidth || result.frame.pixels.height != kHeight;
                };
                const std::atomic<bool> stop = false;
                const RunReport report =
                    Scheduler(fake.workers, {run_input(script)}, recorder, stop, few_threads()).run();
                CHECK(wrong == 0);
                CHECK(recorder.inputs[0].numbers == numbers_from(0, 45));
                CHECK(recorder.sound());
                CHECK(report.latency.count == 45);
                std::int64_t frames = 0, in_batches = 0, pictures = 0;
                for (const DeviceReport& d : report.devices) {
                    frames += d.frames, pictures += d.pictures;
                    for (std::size_t n = 0; n < d.batch_counts.size(); ++n)
                        in_batches += std::int64_t(n) * d.batch_counts[n];
                }
                CHECK(frames == 45);
                CHECK(pictures == 45 * tiles.count());
                CHECK(in_batches == pictures);
                CHECK(script.frames->living == 0);
            }
}

TEST_CASE("a frame's tiles count its pixels once", "[tiles][scheduler]") {
    const Tiles tiles{4, 3, true};
    FakeDevices fake(1, 4, 2, -1, tiles.options());
    const Script script = large(std::vector<int>(6, 20));
    Recorder recorder(1);
    recorder.draws = true;
    recorder.work_time = std::chrono::microseconds(500);
    SchedulerOptions options = few_threads();
    options.pixel_bytes = std::size_t(6) * kWidth * kHeight * 3;
    const std::atomic<bool> stop = false;
    Scheduler(fake.workers, {run_input(script)}, recorder, stop, options).run();
    CHECK(recorder.inputs[0].worked == numbers_from(0, 120));
    // Six in the works, and one that each reading thread has decoded meanwhile.
    CHECK(script.frames->most <= 6 + options.decoders);
    CHECK(script.frames->most >= 4);
}

TEST_CASE("a device that fails in the middle of a frame's tiles costs no frame of a run", "[tiles][scheduler]") {
    const Tiles tiles{4, 3, false};
    for (int at : {0, 3, 4, 10})
        for (bool draws : {false, true}) {
            FakeDevices fake(2, 5, 2, -1, tiles.options());
            fake.backends[0]->die_at_run = at;
            Script script = large(std::vector<int>(12, 7));
            script.frame_time = std::chrono::microseconds(200);
            Recorder recorder(1);
            recorder.draws = draws;
            int wrong = 0;
            recorder.on_result = [&](int, Result& result) {
                wrong += numbers_in(result) != numbers_of(int(result.frame.index), tiles);
            };
            const std::atomic<bool> stop = false;
            const RunReport report = Scheduler(fake.workers, {run_input(script)}, recorder, stop, few_threads()).run();
            CHECK(wrong == 0);
            CHECK(recorder.inputs[0].numbers == numbers_from(0, 84));
            CHECK(report.failure.empty());
            CHECK(recorder.sound());
        }
}

TEST_CASE("a run that is stopped in the middle of a frame's tiles ends soon and without gaps", "[tiles][scheduler]") {
    const Tiles tiles{4, 3, false};
    for (SegmentKind kind : {SegmentKind::closed, SegmentKind::endless})
        for (std::size_t stop_at : {1, 10, 37}) {
            FakeDevices fake(2, 5, 2, -1, tiles.options());
            for (FakeBackend* backend : fake.backends) backend->work = std::chrono::microseconds(500);
            Script script = large(std::vector<int>(100, 10));
            script.kind = kind;
            Recorder recorder(1);
            std::atomic<bool> stop = false;
            recorder.on_result = [&](int, Result& result) {
                CHECK(numbers_in(result) == numbers_of(int(result.frame.index), tiles));
                if (recorder.inputs[0].numbers.size() >= stop_at) stop = true;
            };
            const auto start = std::chrono::steady_clock::now();
            const RunReport report = Scheduler(fake.workers, {run_input(script)}, recorder, stop, few_threads()).run();
            CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(20));  // on a busy machine, too
            const std::size_t seen = recorder.inputs[0].numbers.size();
            CHECK(report.stopped);
            CHECK((seen >= stop_at && seen < 1000));
            CHECK(recorder.inputs[0].numbers == numbers_from(0, int(seen)));
            CHECK(script.frames->living == 0);
        }
}

TEST_CASE("a frame that is too small for its tiles is its input's error", "[tiles][scheduler]") {
    FakeDevices fake(1, 5, 2, -1, {5, 2, .2f, false});
    Recorder recorder(2);
    const std::atomic<bool> stop = false;
    Scheduler(fake.workers, {run_input(large({3}), 0), run_input(large({3}), 1)}, recorder, stop, few_threads()).run();
    for (const Recorder::Seen& seen : recorder.inputs) {
        REQUIRE(seen.end);
        CHECK(seen.end->frames == 0);
        CHECK(seen.end->error.find("is 8x12, too small for 5x2 tiles") != std::string::npos);
    }
}
