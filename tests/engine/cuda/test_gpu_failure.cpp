// SPDX-License-Identifier: MIT
//
// A GPU that fails in the middle of a run. A program of its own: the GPU is lost to the process.
#include <atomic>

#include "engine/before_batch.h"
#include "tests/engine/cuda/poison.h"
#include "tests/engine/cuda/scene_input.h"
#include "tests/support/catch.h"

using namespace convoy;
using namespace convoy::test;

namespace {

constexpr int kSegments = 20, kFrames = 12;

Engine with_hook(const Network& network, const std::string& device, const std::function<void()>& hook,
                 const std::string& victim = "", int after = 0) {
    EngineOptions options = on(device, Precision::fp16);
    options.same_bits = true;
    Engine engine(network, options);
    call_before_batches(engine, [=](const std::string& name, std::int64_t pictures) {
        if (hook && (victim.empty() || name == victim) && pictures >= after) hook();
    });
    return engine;
}

[[noreturn]] void fall_off_the_bus() { throw Error(ErrorKind::device, "the GPU has fallen off the bus"); }

}  // namespace

TEST_CASE("GPU: one that has no room at the start is left out, and the run tells", "[cuda]") {
    REQUIRE_GPU();
    int count = 0;
    cuda_ok(cudaGetDeviceCount(&count));
    cuda_ok(cudaSetDevice(count - 1));
    std::size_t free = 0, total = 0;
    cuda_ok(cudaMemGetInfo(&free, &total));
    {
        const DeviceBytes most(free - (std::size_t(40) << 20));
        EngineOptions options = on("cuda", Precision::fp32);
        options.max_batch = 32;
        cuda_ok(cudaSetDevice(0));
        if (count == 1) {
            try {
                Engine engine(demo(416), options);
                FAIL("no error");
            } catch (const Error& error) {
                CHECK(std::string(error.what()).find("no room") != std::string::npos);
            }
            return;
        }
        Engine engine(demo(416), options);
        CHECK(engine.devices() == count - 1);
        REQUIRE(engine.notes().size() == 1);
        CHECK(engine.notes()[0].find("no room") != std::string::npos);
        SceneObserver observer;
        const RunReport report = run_scenes(engine, observer, 5, kFrames, 2);
        CHECK(observer.found.size() == std::size_t(5 * kFrames));
        CHECK(report.devices.back().name == "cuda:" + std::to_string(count - 1));
        CHECK_FALSE(report.devices.back().failure.empty());
    }
}

TEST_CASE("GPU: when one of several fails the others finish: no frame lost or doubled", "[cuda][multi-gpu]") {
    REQUIRE_GPUS(2);
    const Network network = demo();
    SceneObserver expected;
    {
        Engine engine = with_hook(network, "cuda:0", {});
        run_scenes(engine, expected, kSegments, kFrames, 2);
        REQUIRE(expected.found.size() == std::size_t(kSegments * kFrames));
    }
    const std::string last = "cuda:" + std::to_string(gpu_count() - 1);
    Engine engine = with_hook(network, "cuda", fall_off_the_bus, last, 16);
    SceneObserver observer;
    const RunReport report = run_scenes(engine, observer, kSegments, kFrames, 4);
    REQUIRE(observer.found.size() == std::size_t(kSegments * kFrames));
    for (std::size_t i = 0; i < observer.found.size(); ++i) CHECK(same(observer.found[i], expected.found[i], 0, 0));
    CHECK(report.repeated_segments > 0);
    for (const DeviceReport& d : report.devices) {
        INFO(d.name << ": " << d.failure);
        CHECK(d.failure.empty() == (d.name != last));
    }
    CHECK(engine.description().find("failed") != std::string::npos);
    SceneObserver again;  // with what is left
    run_scenes(engine, again, 3, kFrames, 4);
    CHECK(again.found.size() == std::size_t(3 * kFrames));
}

// CUDA gives up a process, all GPUs of it, once a kernel has touched memory that it must not: nothing is left then.
TEST_CASE("GPU: after a fault in a kernel the run ends whole, and the program goes on without GPUs", "[cuda]") {
    REQUIRE_GPU();
    const Network network = demo();
    SceneObserver expected;
    {
        Engine engine = with_hook(network, "cuda:0", {});
        run_scenes(engine, expected, kSegments, kFrames, 2);
        REQUIRE(expected.found.size() == std::size_t(kSegments * kFrames));
    }
    {
        const auto once = std::make_shared<std::atomic<bool>>(false);
        Engine engine = with_hook(
            network, "cuda",
            [=] {
                if (!once->exchange(true)) poison(0);
            },
            "", 40);
        SceneObserver observer;
        const RunReport report = run_scenes(engine, observer, kSegments, kFrames, 2);
        INFO(report.failure);
        CHECK_FALSE(report.failure.empty());
        REQUIRE(observer.found.size() < expected.found.size());
        for (std::size_t i = 0; i < observer.found.size(); ++i) CHECK(same(observer.found[i], expected.found[i], 0, 0));
        std::vector<Scene> pictures = scenes();
        CHECK_THROWS_AS(engine.detect(pictures[0].frame()), Error);
        SceneObserver again;
        CHECK_THROWS_AS(run_scenes(engine, again, 1, 1, 1), Error);
    }
    Engine engine(demo(), on("cpu", Precision::fp32));
    std::vector<Scene> pictures = scenes();
    CHECK_NOTHROW(engine.detect(pictures[0].frame()));
}
