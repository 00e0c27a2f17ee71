// SPDX-License-Identifier: MIT
//
// A GPU that does not answer any more. A program of its own: what lies on such a GPU is left there.
#include <condition_variable>
#include <mutex>
#include <optional>

#include "engine/before_batch.h"
#include "engine/cuda/patience.h"
#include "tests/engine/cuda/hang.h"
#include "tests/engine/cuda/scene_input.h"
#include "tests/support/catch.h"
#include "tests/support/in_time.h"

using namespace convoy;
using namespace convoy::test;

namespace {

constexpr int kSegments = 20, kFrames = 12;
constexpr std::chrono::seconds kLimit{90};  // several times Patience::kLeast

/// Hangs a GPU at its batch after so many pictures, once. All others wait for that: several could be done before it.
class Hangs {
public:
    std::unique_ptr<Engine> engine(const Network& network, const std::string& device, const std::string& victim,
                                   int gpu, int after) {
        EngineOptions options = on(device, Precision::fp16);
        options.same_bits = true;
        auto engine = std::make_unique<Engine>(network, options);
        call_before_batches(*engine, [=, this](const std::string& name, std::int64_t pictures) {
            std::unique_lock lock(mutex_);
            if (name == victim && pictures >= after && !hanging_) {
                hanging_.emplace(gpu);
                hangs_.notify_all();
            }
            if (name != victim) hangs_.wait_for(lock, kLimit / 4, [&] { return happened(); });
        });
        return engine;
    }
    bool happened() const { return hanging_.has_value(); }
    void end() { hanging_.reset(); }

private:
    std::mutex mutex_;
    std::condition_variable hangs_;
    std::optional<HangingGpu> hanging_;
};

SceneObserver expected_of(const Network& network, int segments = kSegments) {
    EngineOptions options = on("cuda:0", Precision::fp16);
    options.same_bits = true;
    Engine engine(network, options);
    SceneObserver expected;
    run_scenes(engine, expected, segments, kFrames, 2);
    return expected;
}

void check_begin(const SceneObserver& observer, const SceneObserver& expected) {
    REQUIRE(observer.found.size() <= expected.found.size());
    for (std::size_t i = 0; i < observer.found.size(); ++i) CHECK(same(observer.found[i], expected.found[i], 0, 0));
}

}  // namespace

TEST_CASE("GPU: when the only one hangs, the run ends whole, and the program goes on without it", "[cuda][slow]") {
    REQUIRE_GPU();
    const Network network = demo();
    const SceneObserver expected = expected_of(network);
    for (bool pixels : {false, true}) {
        Hangs hangs;
        auto engine = hangs.engine(network, "cuda:0", "cuda:0", 0, 16);
        SceneObserver observer(pixels);
        const RunReport report = in_time(
            "a run on a GPU that hangs",
            [&] { return run_scenes(*engine, observer, kSegments, kFrames, 3, SceneInput::Where::host); }, kLimit);
        INFO(report.failure);
        REQUIRE(hangs.happened());
        CHECK(report.failure.find("hangs") != std::string::npos);
        CHECK(observer.found.size() < expected.found.size());
        check_begin(observer, expected);
        std::vector<Scene> pictures = scenes();
        CHECK_THROWS_AS(in_time("detect() on it", [&] { return engine->detect(pictures[0].frame()); }), Error);
        in_time("its engine's end", [&] { engine.reset(); });
        Engine cpu(network, on("cpu", Precision::fp32));
        CHECK_NOTHROW(cpu.detect(pictures[0].frame()));
        hangs.end();
    }
}

TEST_CASE("GPU: frames that were submitted to one that hangs end with an error", "[cuda]") {
    REQUIRE_GPU();
    Hangs hangs;
    auto engine = hangs.engine(demo(), "cuda:0", "cuda:0", 0, 4);
    std::vector<Scene> pictures = scenes();
    int results = 0, errors = 0;
    in_time(
        "submit() and next() on a GPU that hangs",
        [&] {
            const auto submit = [&](int i) { engine->submit(pictures[std::size_t(i) % pictures.size()].frame(i)); };
            const auto next = [&] {
                try {
                    results += engine->next().has_value();
                } catch (const Error& error) {
                    errors += error.kind() == ErrorKind::device;
                }
            };
            for (int i = 0; i < 4; ++i) submit(i);
            engine->flush();
            for (int i = 0; i < 4; ++i) next();  // before the GPU hangs, however busy it is
            for (int i = 4; i < 12; ++i) submit(i);
            engine->finish();
            for (int i = 4; i < 12; ++i) next();
        },
        kLimit);
    CHECK(results == 4);
    CHECK(errors == 8);
    in_time("its engine's end", [&] { engine.reset(); });
    hangs.end();
}

TEST_CASE("GPU: when one of several hangs the others finish: no frame lost or doubled", "[cuda][multi-gpu]") {
    REQUIRE_GPUS(2);
    const int count = gpu_count(), segments = kSegments * count / 2;  // some for the last one, too
    const Network network = demo();
    const SceneObserver expected = expected_of(network, segments);
    const std::string last = "cuda:" + std::to_string(count - 1);
    for (bool pixels : {false, true}) {
        Hangs hangs;
        auto engine = hangs.engine(network, "cuda", last, count - 1, 4);
        SceneObserver observer(pixels);
        const RunReport report = in_time(
            "a run with a GPU that hangs",
            [&] { return run_scenes(*engine, observer, segments, kFrames, 4, SceneInput::Where::host); }, kLimit);
        REQUIRE(hangs.happened());
        CHECK(observer.found.size() == std::size_t(segments * kFrames));
        check_begin(observer, expected);
        CHECK(report.repeated_segments > 0);
        for (const DeviceReport& d : report.devices) {
            INFO(d.name << ": " << d.failure);
            CHECK((d.failure.find("hangs") != std::string::npos) == (d.name == last));
        }
        SceneObserver again;  // with what is left
        in_time("a run without it", [&] { return run_scenes(*engine, again, 3, kFrames, 4, SceneInput::Where::host); });
        CHECK(again.found.size() == std::size_t(3 * kFrames));
        in_time("the engine's end", [&] { engine.reset(); });
        hangs.end();
    }
}
