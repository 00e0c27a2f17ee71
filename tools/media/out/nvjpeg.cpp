// SPDX-License-Identifier: MIT
#include "tools/media/out/nvjpeg.h"

#include <dlfcn.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <initializer_list>
#include <iterator>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>

#include "tools/media/out/nvjpeg_api.h"
#include "tools/media/pictures/jpeg_planes.h"

namespace convoy::media {
namespace {

using Clock = std::chrono::steady_clock;
constexpr auto kPatience = std::chrono::seconds(10);

/// Stays loaded until the process ends: what holds CUDA state does not survive an unloading.
void* open_library(std::initializer_list<const char*> names) {
    std::string why;
    for (const char* name : names) {
        if (void* library = dlopen(name, RTLD_NOW | RTLD_LOCAL)) return library;
        if (why.empty()) why = dlerror();
    }
    throw std::runtime_error(why);
}

template <typename Function>
void find(void* library, const char* name, Function*& function) {
    function = reinterpret_cast<Function*>(dlsym(library, name));
    if (!function) throw std::runtime_error(std::string("no ") + name + " in the library");
}

CudaDriverApi open_driver() {
    void* const library = open_library({"libcuda.so.1"});
    CudaDriverApi api{};
    find(library, "cuInit", api.init);
    find(library, "cuDeviceGet", api.device);
    find(library, "cuDevicePrimaryCtxRetain", api.retain);
    find(library, "cuDevicePrimaryCtxRelease_v2", api.release);
    find(library, "cuCtxPushCurrent_v2", api.push);
    find(library, "cuCtxPopCurrent_v2", api.pop);
    find(library, "cuStreamCreateWithPriority", api.stream_create);
    find(library, "cuStreamDestroy_v2", api.stream_destroy);
    find(library, "cuStreamQuery", api.stream_query);
    find(library, "cuMemAlloc_v2", api.device_alloc);
    find(library, "cuMemFree_v2", api.device_free);
    find(library, "cuMemHostAlloc", api.host_alloc);
    find(library, "cuMemFreeHost", api.host_free);
    find(library, "cuMemcpyHtoDAsync_v2", api.upload);
    find(library, "cuGetErrorString", api.error_text);
    return api;
}

NvJpegApi open_nvjpeg() {
    void* const library = open_library({"libnvjpeg.so.13", "libnvjpeg.so.12", "libnvjpeg.so.11", "libnvjpeg.so"});
    NvJpegApi api{};
    find(library, "nvjpegCreateSimple", api.create);
    find(library, "nvjpegDestroy", api.destroy);
    find(library, "nvjpegEncoderStateCreate", api.state_create);
    find(library, "nvjpegEncoderStateDestroy", api.state_destroy);
    find(library, "nvjpegEncoderParamsCreate", api.params_create);
    find(library, "nvjpegEncoderParamsDestroy", api.params_destroy);
    find(library, "nvjpegEncoderParamsSetQuality", api.set_quality);
    find(library, "nvjpegEncoderParamsSetSamplingFactors", api.set_sampling);
    find(library, "nvjpegEncodeYUV", api.encode_yuv);
    find(library, "nvjpegEncodeImage", api.encode_image);
    find(library, "nvjpegEncodeRetrieveBitstream", api.retrieve);
    return api;
}

}  // namespace

struct NvJpegGpu::Impl {
    CudaDriverApi driver = open_driver();
    NvJpegApi nvjpeg = open_nvjpeg();
    int device = 0;
    void* context = nullptr;
    void* handle = nullptr;

    void check(int code, const char* what) const {
        if (code == 0) return;
        const char* text = nullptr;
        if (driver.error_text(code, &text) != 0 || !text) text = "an unknown error";
        throw std::runtime_error(std::string(what) + ": " + text);
    }
    void check_nvjpeg(int code, const char* what) const {
        static constexpr const char* kReasons[] = {"",
                                                   "it is not initialized",
                                                   "an invalid parameter",
                                                   "a bad JPEG",
                                                   "this JPEG is not supported",
                                                   "no memory was left",
                                                   "the GPU has failed",
                                                   "this GPU is not supported",
                                                   "an internal error",
                                                   "it is not implemented"};
        if (code == 0) return;
        const bool known = code > 0 && std::size_t(code) < std::size(kReasons);
        throw std::runtime_error(std::string(what) + ": " + (known ? kReasons[code] : std::to_string(code)));
    }
};

namespace {

/// The GPU's context is current as long as this lives; then the caller's is again.
class Current {
public:
    Current(const CudaDriverApi& driver, void* context) : driver_(driver) {
        if (driver.push(context) != 0) throw std::runtime_error("the GPU's context cannot be used");
    }
    ~Current() {
        void* ours = nullptr;
        static_cast<void>(driver_.pop(&ours));
    }
    Current(const Current&) = delete;
    Current& operator=(const Current&) = delete;

private:
    const CudaDriverApi& driver_;
};

}  // namespace

NvJpegGpu::NvJpegGpu(int gpu) : impl_(std::make_unique<Impl>()) {
    Impl& g = *impl_;
    g.check(g.driver.init(0), "cuInit");
    g.check(g.driver.device(&g.device, gpu), "cuDeviceGet");
    g.check(g.driver.retain(&g.context, g.device), "cuDevicePrimaryCtxRetain");
    try {
        const Current current(g.driver, g.context);
        g.check_nvjpeg(g.nvjpeg.create(&g.handle), "nvjpegCreateSimple");
    } catch (...) {
        static_cast<void>(g.driver.release(g.device));
        throw;
    }
}

NvJpegGpu::~NvJpegGpu() {
    try {
        const Current current(impl_->driver, impl_->context);
        static_cast<void>(impl_->nvjpeg.destroy(impl_->handle));
    } catch (const std::runtime_error&) {  // it went with a context that has failed
    }
    static_cast<void>(impl_->driver.release(impl_->device));
}

struct NvJpegEncoder::Impl {
    explicit Impl(std::shared_ptr<const NvJpegGpu> of) : owner(std::move(of)), gpu(*owner->impl_) {}
    ~Impl();
    void create();
    void reserve(std::size_t bytes);
    void wait();
    NvJpegImage upload(const PixelView& picture);

    std::shared_ptr<const NvJpegGpu> owner;
    const NvJpegGpu::Impl& gpu;
    void *stream = nullptr, *state = nullptr, *params = nullptr;
    std::size_t room = 0;  // bytes of both:
    std::uint8_t* staging = nullptr;
    unsigned long long memory = 0;
    int quality = 0;
    bool hangs = false;
};

void NvJpegEncoder::Impl::create() {
    // Its short kernels would wait for the network's long ones.
    gpu.check(gpu.driver.stream_create(&stream, kNonBlocking, kFirst), "cuStreamCreateWithPriority");
    gpu.check_nvjpeg(gpu.nvjpeg.state_create(gpu.handle, &state, stream), "nvjpegEncoderStateCreate");
    gpu.check_nvjpeg(gpu.nvjpeg.params_create(gpu.handle, &params, stream), "nvjpegEncoderParamsCreate");
    gpu.check_nvjpeg(gpu.nvjpeg.set_sampling(params, kNvJpeg420, stream), "nvjpegEncoderParamsSetSamplingFactors");
}

NvJpegEncoder::Impl::~Impl() {
    try {
        const Current current(gpu.driver, gpu.context);
        if (stream) wait();
        if (params) static_cast<void>(gpu.nvjpeg.params_destroy(params));
        if (state) static_cast<void>(gpu.nvjpeg.state_destroy(state));
        if (memory) static_cast<void>(gpu.driver.device_free(memory));
        if (staging) static_cast<void>(gpu.driver.host_free(staging));
        if (stream) static_cast<void>(gpu.driver.stream_destroy(stream));
    } catch (const std::runtime_error&) {  // what a GPU that has failed may still use is left to it
    }
}

/// Polls, since a wait of CUDA's own would hold a core that other threads encode on, and need not end.
void NvJpegEncoder::Impl::wait() {
    if (hangs) throw std::runtime_error("the GPU hangs");
    const Clock::time_point start = Clock::now();
    auto pause = std::chrono::microseconds(20);
    for (;;) {
        const int code = gpu.driver.stream_query(stream);
        if (code == 0) return;
        if (code != kCudaNotReady) gpu.check(code, "encoding a JPEG");
        if (Clock::now() - start > kPatience) {
            hangs = true;
            throw std::runtime_error("the GPU has not encoded a JPEG for 10 s");
        }
        std::this_thread::sleep_for(pause);
        pause = std::min(pause * 5 / 4, std::chrono::microseconds(500));
    }
}

void NvJpegEncoder::Impl::reserve(std::size_t bytes) {
    if (bytes <= room) return;
    room = 0;
    if (memory) static_cast<void>(gpu.driver.device_free(std::exchange(memory, 0)));
    if (staging) static_cast<void>(gpu.driver.host_free(std::exchange(staging, nullptr)));
    gpu.check(gpu.driver.device_alloc(&memory, bytes), "memory for a picture on the GPU");
    void* host = nullptr;
    gpu.check(gpu.driver.host_alloc(&host, bytes, 0), "page-locked memory for a picture");
    staging = static_cast<std::uint8_t*>(host);
    room = bytes;
}

/// The picture on the GPU, once the stream has got there: three planes, or RGB.
NvJpegImage NvJpegEncoder::Impl::upload(const PixelView& picture) {
    NvJpegImage image{};
    auto* const device = reinterpret_cast<unsigned char*>(memory);
    std::size_t bytes = 0;
    if (picture.format == PixelFormat::nv12) {
        const JpegPlanes layout(picture.width, picture.height);
        to_jpeg_planes(picture, staging);
        for (int plane = 0; plane < 3; ++plane) {
            image.channel[plane] = device + layout.begin(plane);
            image.pitch[plane] = std::size_t(layout.pitch_of(plane));
        }
        bytes = layout.bytes();
    } else {
        image.channel[0] = device;
        image.pitch[0] = std::size_t(picture.width) * 3;
        bytes = image.pitch[0] * std::size_t(picture.height);
        for (int y = 0; y < picture.height; ++y)
            std::memcpy(staging + std::size_t(y) * image.pitch[0],
                        picture.plane[0] + std::ptrdiff_t(y) * picture.pitch[0], image.pitch[0]);
    }
    gpu.check(gpu.driver.upload(memory, staging, bytes, stream), "bringing a picture to the GPU");
    return image;
}

NvJpegEncoder::NvJpegEncoder(std::shared_ptr<const NvJpegGpu> gpu) : impl_(std::make_unique<Impl>(std::move(gpu))) {
    const Current current(impl_->gpu.driver, impl_->gpu.context);
    impl_->create();
}

NvJpegEncoder::~NvJpegEncoder() = default;

void NvJpegEncoder::encode(const PixelView& picture, int quality, std::vector<std::uint8_t>& file) {
    Impl& e = *impl_;
    const NvJpegApi& api = e.gpu.nvjpeg;
    void* const handle = e.gpu.handle;
    const int w = picture.width, h = picture.height;
    const Current current(e.gpu.driver, e.gpu.context);
    if (std::exchange(e.quality, quality) != quality)
        e.gpu.check_nvjpeg(api.set_quality(e.params, quality, e.stream), "nvjpegEncoderParamsSetQuality");
    e.reserve(std::max(JpegPlanes(w, h).bytes(), std::size_t(w) * std::size_t(h) * 3));
    const NvJpegImage image = e.upload(picture);
    if (picture.format == PixelFormat::nv12)
        e.gpu.check_nvjpeg(api.encode_yuv(handle, e.state, e.params, &image, kNvJpeg420, w, h, e.stream),
                           "nvjpegEncodeYUV");
    else
        e.gpu.check_nvjpeg(api.encode_image(handle, e.state, e.params, &image, kNvJpegRgbInterleaved, w, h, e.stream),
                           "nvjpegEncodeImage");
    e.wait();
    std::size_t length = 0;
    e.gpu.check_nvjpeg(api.retrieve(handle, e.state, nullptr, &length, e.stream), "nvjpegEncodeRetrieveBitstream");
    e.wait();
    file.resize(length);
    e.gpu.check_nvjpeg(api.retrieve(handle, e.state, file.data(), &length, e.stream), "nvjpegEncodeRetrieveBitstream");
    e.wait();
    file.resize(length);
}

}  // namespace convoy::media
