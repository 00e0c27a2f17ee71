// SPDX-License-Identifier: MIT
#include "tools/media/out/jpeg_encoders.h"

#include <stdexcept>
#include <utility>

#include "tools/media/files.h"
#include "tools/media/pictures/jpeg.h"

namespace convoy::media {
namespace {

constexpr int kMostPixels = 65500;  // each way, to libjpeg

void check(const std::string& path, const PixelView& p, int quality) {
    const auto refuse = [&](const char* why) { throw_output(path, why, ErrorKind::usage); };
    if (quality < 1 || quality > 100) refuse("the quality of a JPEG is 1 to 100");
    if (p.on_device) refuse("a picture to be encoded must lie in host memory; copy it from the GPU first");
    const bool nv12 = p.format == PixelFormat::nv12;
    if (p.width <= 0 || p.height <= 0 || !p.plane[0] || (nv12 && !p.plane[1])) refuse("the picture has no pixels");
    if (p.width > kMostPixels || p.height > kMostPixels) refuse("a JPEG has at most 65500 pixels each way");
    if (p.pitch[0] < p.width * (nv12 ? 1 : 3) || (nv12 && p.pitch[1] < (p.width + 1) / 2 * 2))
        refuse("the rows of the picture are longer than the bytes between them");
}

}  // namespace

PixelView view_of(const Image& image) {
    PixelView view;
    view.plane[0] = image.rgb.data();
    view.pitch[0] = image.width * 3;
    view.width = image.width;
    view.height = image.height;
    return view;
}

struct JpegEncoders::Gpu {
    int number = 0, busy = 0;
    std::mutex opening;
    std::shared_ptr<const NvJpegGpu> gpu;
    std::vector<std::unique_ptr<NvJpegEncoder>> idle;
    bool failed = false;
};

JpegEncoders::JpegEncoders(const std::vector<int>& gpus) {
    for (const int number : gpus) {
        gpus_.push_back(std::make_unique<Gpu>());
        gpus_.back()->number = number;
    }
}

JpegEncoders::~JpegEncoders() = default;

/// The GPU with the least to do.
JpegEncoders::Gpu* JpegEncoders::take_gpu() {
    const std::lock_guard lock(mutex_);
    Gpu* least = nullptr;
    for (const auto& gpu : gpus_)
        if (!gpu->failed && (!least || gpu->busy < least->busy)) least = gpu.get();
    if (least) ++least->busy;
    return least;
}

/// Throws std::runtime_error where that GPU cannot encode.
std::shared_ptr<const NvJpegGpu> JpegEncoders::open(Gpu& gpu) {
    // No std::call_once: under ThreadSanitizer what throws within it leaves the others waiting.
    const std::lock_guard lock(gpu.opening);
    if (!gpu.gpu) gpu.gpu = std::make_shared<NvJpegGpu>(gpu.number);
    return gpu.gpu;
}

/// What take_gpu() has taken. `failure`: why the GPU is not asked again.
void JpegEncoders::give_back(Gpu& gpu, std::unique_ptr<NvJpegEncoder> encoder, const std::string& failure) {
    const std::lock_guard lock(mutex_);
    --gpu.busy;
    if (encoder) gpu.idle.push_back(std::move(encoder));
    if (failure.empty()) return;
    gpu.failed = true;
    if (tally_.why_cpu.empty()) tally_.why_cpu = "cuda:" + std::to_string(gpu.number) + ": " + failure;
}

bool JpegEncoders::has_gpu() {
    while (Gpu* gpu = take_gpu()) {
        std::string failure;
        try {
            open(*gpu);
        } catch (const std::runtime_error& error) {
            failure = error.what();
        }
        give_back(*gpu, nullptr, failure);
        if (failure.empty()) return true;
    }
    return false;
}

bool JpegEncoders::encode_on(Gpu& gpu, const PixelView& picture, int quality, std::vector<std::uint8_t>& file) {
    std::unique_ptr<NvJpegEncoder> encoder;
    std::string failure;
    try {
        const std::shared_ptr<const NvJpegGpu> opened = open(gpu);
        {
            const std::lock_guard lock(mutex_);
            if (!gpu.idle.empty()) {
                encoder = std::move(gpu.idle.back());
                gpu.idle.pop_back();
            }
        }
        if (!encoder) encoder = std::make_unique<NvJpegEncoder>(opened);
        encoder->encode(picture, quality, file);
    } catch (const std::runtime_error& error) {
        failure = error.what();
        encoder.reset();
    }
    give_back(gpu, std::move(encoder), failure);
    if (!failure.empty()) return false;
    const std::lock_guard lock(mutex_);
    ++tally_.on_gpu;
    return true;
}

std::vector<std::uint8_t> JpegEncoders::encode(const std::string& path, const PixelView& picture, int quality) {
    check(path, picture, quality);
    std::vector<std::uint8_t> file;
    while (Gpu* gpu = take_gpu())
        if (encode_on(*gpu, picture, quality, file)) return file;
    std::string reason;
    if (!encode_jpeg(picture, quality, file, reason)) throw_output(path, "libjpeg says: " + reason);
    const std::lock_guard lock(mutex_);
    ++tally_.on_cpu;
    return file;
}

JpegEncoders::Tally JpegEncoders::tally() const {
    const std::lock_guard lock(mutex_);
    return tally_;
}

std::string describe(const JpegEncoders::Tally& tally) {
    if (tally.on_cpu == 0) return std::to_string(tally.on_gpu) + " JPEGs by nvJPEG";
    const std::string cpu = std::to_string(tally.on_cpu) + " JPEGs by libjpeg on the CPU" +
                            (tally.why_cpu.empty() ? "" : " (" + tally.why_cpu + ")");
    return tally.on_gpu == 0 ? cpu : std::to_string(tally.on_gpu) + " JPEGs by nvJPEG, " + cpu;
}

}  // namespace convoy::media
