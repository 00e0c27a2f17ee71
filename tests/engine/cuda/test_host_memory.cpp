// SPDX-License-Identifier: MIT
//
// Page-locked memory, and pictures on their way through it.
#include <cstring>
#include <thread>

#include "engine/cuda/pinned_pool.h"
#include "engine/cuda/upload_ring.h"
#include "tests/kernels/picture.h"
#include "tests/support/catch.h"
#include "tests/support/cuda.h"

using namespace convoy;
using namespace convoy::test;

namespace {

constexpr std::size_t kMiB = std::size_t(1) << 20;

std::size_t free_on_device() {
    std::size_t free = 0, total = 0;
    cuda_ok(cudaMemGetInfo(&free, &total));
    return free;
}

/// The first byte of the picture on the device that is not the host's, "plane, row, column"; empty when all are.
std::string difference(const PixelView& host, const PixelView& device, cudaStream_t stream) {
    cuda_ok(cudaStreamSynchronize(stream));
    for (int plane : {0, 1}) {
        if (!host.plane[plane]) continue;
        const bool rgb = host.format == PixelFormat::rgb8;
        const std::size_t pitch = std::size_t(host.pitch[plane]);
        const std::size_t row = std::size_t(rgb ? 3 * host.width : plane ? (host.width + 1) / 2 * 2 : host.width);
        const std::size_t rows = std::size_t(plane ? (host.height + 1) / 2 : host.height);
        const std::vector<std::uint8_t> there = download<std::uint8_t>(device.plane[plane], (rows - 1) * pitch + row);
        for (std::size_t y = 0; y < rows; ++y)
            for (std::size_t x = 0; x < row; ++x)
                if (there[y * pitch + x] != host.plane[plane][y * pitch + x])
                    return std::to_string(plane) + ", " + std::to_string(y) + ", " + std::to_string(x);
    }
    return "";
}

}  // namespace

TEST_CASE("GPU: page-locked buffers are parts of slabs, used again and freed by trim() alone", "[cuda]") {
    REQUIRE_GPU();
    PinnedPool pool(0, std::make_shared<Patience>("cuda:0"));
    const std::byte* first = nullptr;
    {
        const std::shared_ptr<std::byte> a = pool.take(kMiB);
        first = a.get();
        std::memset(a.get(), 1, kMiB);
    }
    CHECK(pool.bytes() == kMiB);
    CHECK(pool.take(kMiB / 2).get() == first);  // another size in the same memory
    std::vector<std::shared_ptr<std::byte>> many;
    for (int i = 0; i < 6; ++i) {
        many.push_back(pool.take(kMiB));
        std::memset(many.back().get(), i, kMiB);
    }
    for (int i = 0; i < 6; ++i)
        CHECK((many[std::size_t(i)].get()[0] == std::byte(i) && many[std::size_t(i)].get()[kMiB - 1] == std::byte(i)));
    const std::size_t grown = pool.bytes();
    CHECK(grown >= 6 * kMiB);
    CHECK(grown <= 12 * kMiB);
    pool.trim();
    CHECK(pool.bytes() >= 6 * kMiB);             // what is in use stays
    std::jthread([&] { many.clear(); }).join();  // by a thread that knows no GPU
    pool.trim();
    CHECK(pool.bytes() == 0);
    CHECK(pool.take(100 * kMiB));
}

TEST_CASE("GPU: page-locked buffers may outlive their pool", "[cuda]") {
    REQUIRE_GPU();
    std::shared_ptr<std::byte> left;
    {
        PinnedPool pool(0, std::make_shared<Patience>("cuda:0"));
        left = pool.take(kMiB);
    }
    std::memset(left.get(), 2, kMiB);
}

TEST_CASE("GPU: pictures of any size reach the device byte by byte", "[cuda]") {
    REQUIRE_GPU();
    cuda_ok(cudaSetDevice(0));
    Patience patience("cuda:0");
    const CudaStream stream = make_stream();
    UploadRing ring(stream.get(), patience);
    struct Size {
        PixelFormat format;
        int width, height;
    };
    // One piece; several, with an end inside of a row; more than is kept; small again.
    for (const Size& size :
         {Size{PixelFormat::nv12, 321, 241}, Size{PixelFormat::rgb8, 37, 5}, Size{PixelFormat::nv12, 1919, 1081},
          Size{PixelFormat::nv12, 5000, 3001}, Size{PixelFormat::rgb8, 2000, 1501}, Size{PixelFormat::rgb8, 6000, 4001},
          Size{PixelFormat::nv12, 9001, 6001}, Size{PixelFormat::rgb8, 64, 64}}) {
        INFO(size.width << "x" << size.height << (size.format == PixelFormat::rgb8 ? " RGB" : " NV12"));
        RandomPicture picture(size.format, size.width, size.height, 16, 1);
        for (int repeat = 0; repeat < 2; ++repeat) {
            const PixelView device = ring.upload(picture.view());
            REQUIRE(device.on_device);
            CHECK(difference(picture.view(), device, stream.get()) == "");
        }
    }
}

TEST_CASE("GPU: pictures that are copied faster than they come share one piece of locked memory", "[cuda]") {
    REQUIRE_GPU();
    cuda_ok(cudaSetDevice(0));
    Patience patience("cuda:0");
    const CudaStream stream = make_stream();
    UploadRing ring(stream.get(), patience);
    RandomPicture picture(PixelFormat::nv12, 641, 479, 0, 1);
    std::size_t of_first = 0;
    for (int i = 0; i < 8; ++i) {
        ring.upload(picture.view());
        cuda_ok(cudaStreamSynchronize(stream.get()));
        if (i == 0) of_first = ring.host_bytes();
        CHECK(ring.host_bytes() == of_first);
    }
    REQUIRE(of_first > 0);
}

TEST_CASE("GPU: a row of large pictures takes the memory of a few", "[cuda]") {
    REQUIRE_GPU();
    cuda_ok(cudaSetDevice(0));
    Patience patience("cuda:0");
    const CudaStream stream = make_stream();
    UploadRing ring(stream.get(), patience);
    RandomPicture picture(PixelFormat::rgb8, 7000, 5000, 0, 1);
    const std::size_t bytes = picture.bytes(0).size();
    REQUIRE(bytes > UploadRing::kMostKept);
    std::size_t before = 0;
    for (int i = 0; i < 12; ++i) {
        ring.upload(picture.view());
        if (i % 2) ring.done();
        if (i == 0) before = free_on_device();
        CHECK(free_on_device() + 2 * bytes >= before);
    }
}
