// SPDX-License-Identifier: MIT
//
// A GPU that fails in the middle of a run. A program of its own: the GPU is lost to the process.
#include <atomic>

#include "tests/engine/cuda/poison.h"
#include "tests/engine/cuda/scene_input.h"
#include "tests/support/catch.h"

using namespace convoy;
using namespace convoy::test;

namespace {

constexpr int kSegments = 20, kFrames = 12;

EngineOptions failing(const std::string& device, const std::string& victim, int gpu, int after) {
    EngineOptions options = on(device, Precision::fp16);
    options.same_bits = true;
    options.before_batch = [=, done = std::make_shared<std::atomic<bool>>(false)](const std::string& name,
                                                                                  std::int64_t pictures) {
        if (name == victim && pictures >= after && !done->exchange(true)) poison(gpu);
    };
    return options;
}

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

TEST_CASE("GPU: when one of several fails the others finish: no frame lost or doubled", "[cuda]") {
    REQUIRE_GPU();
    int count = 0;
    cuda_ok(cudaGetDeviceCount(&count));
    if (count < 2) {
        WARN("skipped: needs two GPUs");
        return;
    }
    const Network network = demo();
    SceneObserver expected;
    {
        Engine engine(network, failing("cuda:0", "", 0, 0));
        run_scenes(engine, expected, kSegments, kFrames, 2);
    }
    const std::string last = "cuda:" + std::to_string(count - 1);
    Engine engine(network, failing("cuda", last, count - 1, 16));
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

TEST_CASE("GPU: when the only one fails the run ends with what CUDA says, and the program goes on", "[cuda]") {
    REQUIRE_GPU();
    {
        Engine engine(demo(), failing("cuda:0", "cuda:0", 0, 8));
        SceneObserver observer;
        try {
            run_scenes(engine, observer, kSegments, kFrames, 2);
            FAIL("no error");
        } catch (const Error& error) {
            INFO(error.what());
            CHECK(int(error.kind()) == int(ErrorKind::device));
            CHECK(std::string(error.what()).find("CUDA") != std::string::npos);
        }
        CHECK(observer.found.size() < std::size_t(kSegments * kFrames));
        std::vector<Scene> pictures = scenes();
        CHECK_THROWS_AS(engine.detect(pictures[0].frame()), Error);
    }
    // The GPU is lost to this process; all else goes on.
    Engine engine(demo(), on("cpu", Precision::fp32));
    std::vector<Scene> pictures = scenes();
    CHECK_NOTHROW(engine.detect(pictures[0].frame()));
}
