// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include <convoy/media/image.h>
#include <convoy/types.h>
#include "tools/media/out/nvjpeg.h"

namespace convoy::media {

/// `--quality` where none is named: docs/usage.md has the table from which it was taken.
inline constexpr int kJpegQuality = 90;

/// A picture as a view of it, which it must outlive.
PixelView view_of(const Image& image);

/// JPEG files of pictures: by nvJPEG on the GPUs named, as many pictures at a time as threads bring, else by libjpeg on
/// the calling thread. GPUs are asked for at the first picture; one that cannot encode, or fails at it, is not asked
/// again: its picture and those that follow go to the others, or to the CPU. From any thread. Encoders are kept for the
/// next picture, since making one stops a GPU for milliseconds.
class JpegEncoders {
public:
    /// GPUs by CUDA's numbers; none: the CPU.
    explicit JpegEncoders(const std::vector<int>& gpus);
    ~JpegEncoders();
    /// Whether one of the GPUs can encode, which is asked for now.
    bool has_gpu();

    /// NV12 or RGB8 in host memory, 1 to 65535 pixels each way, to a baseline JPEG of `quality` 1 to 100, YCbCr 4:2:0.
    /// `path` is that of the file that it is for: what is thrown names it. Throws Error(usage) for an impossible
    /// picture or quality, Error(output) when libjpeg fails.
    std::vector<std::uint8_t> encode(const std::string& path, const PixelView& picture, int quality);

    /// Who has encoded so far.
    struct Tally {
        std::int64_t on_gpu = 0, on_cpu = 0;
        std::string why_cpu;  ///< why a GPU that was named did not encode; the first reason
    };
    Tally tally() const;

private:
    struct Gpu;
    Gpu* take_gpu();
    static std::shared_ptr<const NvJpegGpu> open(Gpu& gpu);
    void give_back(Gpu& gpu, std::unique_ptr<NvJpegEncoder> encoder, const std::string& failure);
    bool encode_on(Gpu& gpu, const PixelView& picture, int quality, std::vector<std::uint8_t>& file);

    mutable std::mutex mutex_;  // of all below
    std::vector<std::unique_ptr<Gpu>> gpus_;
    Tally tally_;
};

/// "1,200 JPEGs by nvJPEG", with those by libjpeg and why; for people.
std::string describe(const JpegEncoders::Tally& tally);

}  // namespace convoy::media
