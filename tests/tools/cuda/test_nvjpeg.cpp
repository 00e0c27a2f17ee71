// SPDX-License-Identifier: MIT
//
// JPEGs that nvJPEG has made hold the picture, and what of it is declared by us is what NVIDIA declares.
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>
#include <type_traits>
#include <vector>

#include "tests/support/catch.h"
#include "tests/support/cuda.h"
#include "tests/tools/jpeg_check.h"
#include "tools/media/out/jpeg_encoders.h"
#include "tools/media/out/nvjpeg.h"
#include "tools/media/out/nvjpeg_api.h"

#include <cuda.h>
#if __has_include(<nvjpeg.h>)
#include <nvjpeg.h>
#define CONVOY_HAS_NVJPEG_HEADER
#endif

using namespace convoy;
using namespace convoy::test;
using media::JpegEncoders;

namespace {

/// Both are passed alike: pointers, or numbers of one size.
template <typename A, typename B>
constexpr bool same_value = sizeof(A) == sizeof(B) && std::is_pointer_v<A> == std::is_pointer_v<B> &&
                            (std::is_integral_v<A> || std::is_enum_v<A>) ==
                                (std::is_integral_v<B> || std::is_enum_v<B>);

template <typename A, typename B>
constexpr bool same_call = false;
template <typename R, typename... As, typename S, typename... Bs>
constexpr bool same_call<R (*)(As...), S (*)(Bs...)> = [] {
    if constexpr (sizeof...(As) == sizeof...(Bs))
        return same_value<R, S> && (same_value<As, Bs> && ...);
    else
        return false;
}();

#define SAME_CALL(table, member, function) static_assert(same_call<decltype(table::member), decltype(&(function))>)

SAME_CALL(media::CudaDriverApi, init, cuInit);
SAME_CALL(media::CudaDriverApi, device, cuDeviceGet);
SAME_CALL(media::CudaDriverApi, retain, cuDevicePrimaryCtxRetain);
SAME_CALL(media::CudaDriverApi, release, cuDevicePrimaryCtxRelease);
SAME_CALL(media::CudaDriverApi, push, cuCtxPushCurrent);
SAME_CALL(media::CudaDriverApi, pop, cuCtxPopCurrent);
SAME_CALL(media::CudaDriverApi, stream_create, cuStreamCreateWithPriority);
SAME_CALL(media::CudaDriverApi, stream_destroy, cuStreamDestroy);
SAME_CALL(media::CudaDriverApi, stream_query, cuStreamQuery);
SAME_CALL(media::CudaDriverApi, device_alloc, cuMemAlloc);
SAME_CALL(media::CudaDriverApi, device_free, cuMemFree);
SAME_CALL(media::CudaDriverApi, host_alloc, cuMemHostAlloc);
SAME_CALL(media::CudaDriverApi, host_free, cuMemFreeHost);
SAME_CALL(media::CudaDriverApi, upload, cuMemcpyHtoDAsync);
SAME_CALL(media::CudaDriverApi, error_text, cuGetErrorString);
static_assert(media::kNonBlocking == CU_STREAM_NON_BLOCKING && media::kCudaNotReady == CUDA_ERROR_NOT_READY);

#ifdef CONVOY_HAS_NVJPEG_HEADER
SAME_CALL(media::NvJpegApi, create, nvjpegCreateSimple);
SAME_CALL(media::NvJpegApi, destroy, nvjpegDestroy);
SAME_CALL(media::NvJpegApi, state_create, nvjpegEncoderStateCreate);
SAME_CALL(media::NvJpegApi, state_destroy, nvjpegEncoderStateDestroy);
SAME_CALL(media::NvJpegApi, params_create, nvjpegEncoderParamsCreate);
SAME_CALL(media::NvJpegApi, params_destroy, nvjpegEncoderParamsDestroy);
SAME_CALL(media::NvJpegApi, set_quality, nvjpegEncoderParamsSetQuality);
SAME_CALL(media::NvJpegApi, set_sampling, nvjpegEncoderParamsSetSamplingFactors);
SAME_CALL(media::NvJpegApi, encode_yuv, nvjpegEncodeYUV);
SAME_CALL(media::NvJpegApi, encode_image, nvjpegEncodeImage);
SAME_CALL(media::NvJpegApi, retrieve, nvjpegEncodeRetrieveBitstream);
static_assert(media::kNvJpeg420 == NVJPEG_CSS_420 && media::kNvJpegRgbInterleaved == NVJPEG_INPUT_RGBI);
static_assert(sizeof(media::NvJpegImage) == sizeof(nvjpegImage_t) &&
              offsetof(media::NvJpegImage, pitch) == offsetof(nvjpegImage_t, pitch));
#endif

/// GPU 0 for JPEGs; null, with a note, where there is no nvJPEG.
std::shared_ptr<const media::NvJpegGpu> open_gpu() {
    try {
        return std::make_shared<media::NvJpegGpu>(0);
    } catch (const std::runtime_error& error) {
        if (std::string(error.what()).find("libnvjpeg") == std::string::npos) throw;
        WARN("skipped: " << error.what());
        return nullptr;
    }
}

}  // namespace

TEST_CASE("nvJPEG's files hold the picture, of any size, format and quality", "[nvjpeg]") {
    REQUIRE_GPU();
    const auto gpu = open_gpu();
    if (!gpu) return;
    media::NvJpegEncoder encoder(gpu);
    for (const auto& [w, h] :
         {std::pair{1920, 1080}, {1, 1}, {2, 2}, {7, 9}, {16, 16}, {33, 31}, {101, 67}, {641, 481}})
        for (const TestPicture& p : test_pictures(w, h))
            for (const int quality : {50, 90, 100}) {
                CAPTURE(w, h, p.name, quality);
                Bytes file;
                encoder.encode(p.view, quality, file);
                CHECK(jpeg_fault(file, p.view) == "");
            }
}

TEST_CASE("several threads encode at once on one GPU, each picture as alone", "[nvjpeg]") {
    REQUIRE_GPU();
    if (!open_gpu()) return;
    constexpr int kThreads = 16, kRounds = 20;
    const auto picture = [](int i) { return synthetic(320 + 3 * i, 241, i); };
    std::vector<Bytes> alone;
    {
        JpegEncoders one({0});
        for (int i = 0; i < kThreads; ++i) alone.push_back(one.encode("x.jpg", media::view_of(picture(i)), 90));
        CHECK(one.tally().on_gpu == kThreads);
    }
    JpegEncoders encoders({0});
    std::vector<int> wrong(kThreads);
    {
        std::vector<std::jthread> threads;
        for (int i = 0; i < kThreads; ++i)
            threads.emplace_back([&, i] {
                const media::Image image = picture(i);
                for (int round = 0; round < kRounds; ++round)
                    wrong[std::size_t(i)] +=
                        encoders.encode("x.jpg", media::view_of(image), 90) != alone[std::size_t(i)];
            });
    }
    CHECK(wrong == std::vector<int>(kThreads));
    const JpegEncoders::Tally tally = encoders.tally();
    CHECK(tally.on_gpu == kThreads * kRounds);
    CHECK(tally.on_cpu == 0);
    CHECK(tally.why_cpu == "");
}

TEST_CASE("encoding leaves the caller's context and device as they were", "[nvjpeg]") {
    REQUIRE_GPU();
    const TestPicture p = std::move(test_pictures(64, 48)[1]);
    using GetCurrent = int (*)(void**);
    void* found = nullptr;
    cudaDriverEntryPointQueryResult result{};
    cuda_ok(cudaGetDriverEntryPointByVersion("cuCtxGetCurrent", &found, 12000, cudaEnableDefault, &result));
    const auto current = [&] {
        void* context = nullptr;
        REQUIRE(reinterpret_cast<GetCurrent>(found)(&context) == 0);
        return context;
    };
    std::thread([&] {
        void* const none = current();
        CHECK(none == nullptr);
        JpegEncoders({0}).encode("x.jpg", p.view, 90);
        CHECK(current() == none);
        cuda_ok(cudaSetDevice(0));
        cuda_ok(cudaFree(nullptr));
        void* const ours = current();
        CHECK(ours != nullptr);
        JpegEncoders({0}).encode("x.jpg", p.view, 90);
        CHECK(current() == ours);
        cuda_ok(cudaFree(nullptr));  // the runtime still works in it
    }).join();
}

TEST_CASE("several GPUs share the pictures", "[nvjpeg][multi-gpu]") {
    REQUIRE_GPUS(2);
    if (!open_gpu()) return;
    JpegEncoders encoders({0, 1});
    std::vector<std::jthread> threads;
    const std::vector<TestPicture> pictures = test_pictures(320, 241);
    std::vector<std::string> faults(pictures.size());
    for (std::size_t i = 0; i < pictures.size(); ++i)
        threads.emplace_back([&, i] {
            for (int round = 0; round < 20 && faults[i].empty(); ++round)
                faults[i] = jpeg_fault(encoders.encode("x.jpg", pictures[i].view, 90), pictures[i].view);
        });
    threads.clear();
    for (const std::string& fault : faults) CHECK(fault == "");
    CHECK(encoders.tally().on_cpu == 0);
}

TEST_CASE("a GPU that is not there leaves the pictures to one that is", "[nvjpeg]") {
    REQUIRE_GPU();
    if (!open_gpu()) return;
    JpegEncoders encoders({1000, 0});
    const TestPicture p = std::move(test_pictures(64, 48)[0]);
    for (int i = 0; i < 3; ++i) CHECK(jpeg_fault(encoders.encode("x.jpg", p.view, 90), p.view) == "");
    CHECK(encoders.tally().on_gpu == 3);
    CHECK(encoders.tally().why_cpu.starts_with("cuda:1000: "));
}
