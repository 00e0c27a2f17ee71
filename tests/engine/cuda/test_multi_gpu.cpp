// SPDX-License-Identifier: MIT
//
// Whole inputs on one GPU and on all of them.
#include <algorithm>
#include <span>

#include "engine/cuda/replicate.h"
#include "kernels/cuda/dynamic_library.h"
#include "tests/engine/cuda/scene_input.h"
#include "tests/support/catch.h"

using namespace convoy;
using namespace convoy::test;

namespace {

EngineOptions same_bits(const std::string& device) {
    EngineOptions options = on(device, Precision::fp16);
    options.same_bits = true;
    return options;
}

bool same_everywhere(const SceneObserver& a, const SceneObserver& b) {
    if (a.found.size() != b.found.size()) return false;
    for (std::size_t i = 0; i < a.found.size(); ++i)
        if (!same(a.found[i], b.found[i], 0, 0)) return false;
    return true;
}

/// Bytes from GPU 0 to all others, compared there; says how they came.
std::string replicate_everywhere(Replication how) {
    std::vector<std::uint8_t> bytes(12'345'678);
    for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = std::uint8_t(i * 7 + i / 1000);
    Patience patience("all of them");
    std::vector<DeviceBytes> memory;
    std::vector<Replica> replicas;
    for (int gpu = 0; gpu < gpu_count(); ++gpu) {
        cuda_ok(cudaSetDevice(gpu));
        memory.emplace_back(bytes.size());
        replicas.push_back({gpu, memory.back().data(), &patience});
    }
    cuda_ok(cudaSetDevice(0));
    const Replicated done = replicate(replicas, cuda_copies(std::as_bytes(std::span(bytes)), how));
    for (int gpu = 0; gpu < gpu_count(); ++gpu) {
        cuda_ok(cudaSetDevice(gpu));
        CHECK(done.failures[std::size_t(gpu)].empty());
        CHECK(download<std::uint8_t>(memory[std::size_t(gpu)].data(), bytes.size()) == bytes);
    }
    return done.how;
}

}  // namespace

TEST_CASE("GPU: whole inputs give the same bits on one GPU and on all, by any number of decoders", "[cuda]") {
    REQUIRE_GPU();
    const Network network = demo();
    SceneObserver expected;
    {
        Engine engine(network, same_bits("cuda:0"));
        run_scenes(engine, expected, 7, 11, 1);
        REQUIRE(expected.found.size() == 77);
        CHECK(std::any_of(expected.found.begin(), expected.found.end(), [](const auto& f) { return !f.empty(); }));
    }
    for (const char* device : {"cuda:0", "cuda", "auto"})
        for (int decoders : {1, 5}) {
            Engine engine(network, same_bits(device));
            INFO(engine.description() << ", " << decoders << " decoders");
            if (std::string(device) != "cuda:0") CHECK(engine.devices() == gpu_count());
            for (bool pixels : {false, true}) {
                SceneObserver observer(pixels);
                const RunReport report = run_scenes(engine, observer, 7, 11, decoders);
                CHECK(same_everywhere(observer, expected));
                CHECK(observer.on_host);
                std::int64_t frames = 0;
                for (const DeviceReport& d : report.devices) frames += d.frames;
                CHECK(frames == 77);
            }
        }
}

TEST_CASE("GPU: frames in device memory reach the host with the bytes that they had", "[cuda]") {
    REQUIRE_GPU();
    const Network network = demo();
    EngineOptions cpu = on("cpu", Precision::fp32);
    Engine on_cpu(network, cpu), on_gpu(network, same_bits("cuda"));
    SceneObserver expected(true), observer(true);
    run_scenes(on_cpu, expected, 4, 10, 2);
    run_scenes(on_gpu, observer, 4, 10, 3);
    CHECK(observer.sums == expected.sums);
}

TEST_CASE("GPU: frames submitted one by one come back in order from all GPUs", "[cuda]") {
    REQUIRE_GPU();
    Engine one(demo(), same_bits("cuda:0")), all(demo(), same_bits("cuda"));
    std::vector<Scene> pictures = scenes();
    for (int round = 0; round < 2; ++round)
        for (int i = 0; i < 23; ++i) {
            const Frame frame = pictures[std::size_t(i) % pictures.size()].frame(i);
            one.submit(frame);
            all.submit(frame);
            if (i % 5 < 4) continue;
            one.finish();
            all.finish();
            while (const std::optional<Result> a = one.next()) {
                const std::optional<Result> b = all.next();
                REQUIRE(b);
                CHECK(a->frame.index == b->frame.index);
                CHECK(same(a->detections, b->detections, 0, 0));
            }
            CHECK_FALSE(all.next());
        }
}

TEST_CASE("GPU: tuned kernels give a picture the same bits in every place of a batch", "[cuda][slow]") {
    REQUIRE_GPU();
    EngineOptions options = same_bits("cuda:0");
    options.tuning = Tuning::measured;
    options.max_batch = 8;
    Engine engine(demo(), options);
    std::vector<Scene> pictures = scenes();
    std::vector<std::vector<Detection>> alone;
    for (Scene& scene : pictures) alone.push_back(engine.detect(scene.frame()));
    for (int shift = 0; shift < 8; ++shift) {
        for (int i = 0; i < 8; ++i) engine.submit(pictures[std::size_t(i + shift) % pictures.size()].frame(i));
        engine.finish();
        for (int i = 0; i < 8; ++i) {
            INFO("place " << i << ", shift " << shift);
            CHECK(same(engine.next()->detections, alone[std::size_t(i + shift) % alone.size()], 0, 0));
        }
        CHECK_FALSE(engine.next());
    }
}

TEST_CASE("GPU: weights reach the other GPUs to the byte by copies", "[cuda][multi-gpu]") {
    REQUIRE_GPUS(2);
    CHECK(replicate_everywhere(Replication::copy) == "by copies");
}

TEST_CASE("GPU: weights reach the other GPUs to the byte by NCCL", "[cuda][multi-gpu]") {
    REQUIRE_GPUS(2);
    if (const kernels::cuda::DynamicLibrary nccl{"libnccl.so.2", "libnccl.so"}; !nccl) SKIP_TEST_CASE(nccl.error());
    CHECK(replicate_everywhere(Replication::nccl) == "by ncclBroadcast");
}

TEST_CASE("GPU: memory that cannot be written is left out, and the others get their weights", "[cuda]") {
    REQUIRE_GPU();
    Patience patience("all of them");
    std::vector<std::uint8_t> bytes(1'234'567);
    for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = std::uint8_t(i * 11 + i / 1000);
    const ReplicaCopies copies = cuda_copies(std::as_bytes(std::span(bytes)), Replication::copy);
    for (std::size_t broken : {0, 1, 3}) {  // the first source, one that is a target alone, the last
        std::vector<DeviceBytes> memory;
        std::vector<Replica> replicas;
        for (std::size_t i = 0; i < 4; ++i) {  // on all GPUs in turn, on the only one four times
            const int gpu = int(i) % gpu_count();
            cuda_ok(cudaSetDevice(gpu));
            memory.emplace_back(bytes.size());
            replicas.push_back({gpu, i == broken ? nullptr : memory.back().data(), &patience});
        }
        cuda_ok(cudaSetDevice(0));
        const Replicated done = replicate(replicas, copies);
        CHECK(done.how == "by copies");
        for (std::size_t i = 0; i < 4; ++i) {
            INFO("replica " << i << ", broken " << broken << ": " << done.failures[i]);
            CHECK(done.failures[i].empty() == (i != broken));
            cuda_ok(cudaSetDevice(replicas[i].gpu));
            if (i != broken) CHECK(download<std::uint8_t>(replicas[i].data, bytes.size()) == bytes);
        }
        cuda_ok(cudaSetDevice(0));
        cuda_ok(cudaDeviceSynchronize());
    }
}
