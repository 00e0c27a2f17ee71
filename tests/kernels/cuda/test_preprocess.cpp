// SPDX-License-Identifier: MIT
#include "kernels/preprocess.h"

#include <cmath>
#include <deque>
#include <optional>

#include "tests/kernels/cuda/device_slice.h"
#include "tests/kernels/picture.h"
#include "tests/support/catch.h"
#include "tests/support/compare.h"

using namespace convoy;
using kernels::DataType;
using test::DeviceBytes;
using test::OwnedTensor;
using test::RandomPicture;

namespace {

/// Pictures on the host and, byte for byte, on the device.
class Pictures {
public:
    RandomPicture& add(PixelFormat format, int width, int height, int gap) {
        host_.emplace_back(format, width, height, gap, host_.size() + 1);
        return host_.back();
    }
    /// A part of it that is read where it lies.
    void add_area(PixelFormat format, const Area& area, int gap) {
        add(format, test::kAreaFrame[0], test::kAreaFrame[1], gap);
        areas_.resize(host_.size());
        areas_.back() = area;
    }
    int count() const { return int(host_.size()); }

    /// One launch for all into one image more than there are pictures; every image against the CPU's.
    void check(Fit fit, int net_h, int net_w, Resize resize, DataType type) {
        std::vector<kernels::cuda::PlacedPicture> placed;
        for (std::size_t i = 0; i < host_.size(); ++i) placed.push_back(upload(i, fit, net_w, net_h));
        const std::size_t image = std::size_t(net_h) * net_w * 4;
        const DeviceBytes memory(image * (host_.size() + 1) * size_of(type));
        kernels::cuda::preprocess(placed.data(), count(), resize,
                                  {memory.data(), type, count() + 1, net_h, net_w, 3, 4}, nullptr);
        const std::vector<float> y = test::download_as_float(type, memory.data(), image * (host_.size() + 1));
        for (std::size_t i = 0; i < host_.size(); ++i) {
            const PixelView v = area_of(i, host_[i].view());
            OwnedTensor expected(1, net_h, net_w, 3);
            kernels::cpu::preprocess(v, placed[i].placement, resize, expected.view());
            const float* actual = &y[i * image];
            // The same operations in the same order: fp32 has the same bits.
            const bool half = type == DataType::fp16;
            const auto same =
                test::compare({actual, 1, net_h, net_w, 3, 4}, expected.view(), half ? test::absolute_bound(type) : 0,
                              half ? test::relative_bound(type, 0) : 0);
            INFO("picture " << i << " of format " << int(v.format) << ", " << v.width << 'x' << v.height << " to "
                            << net_w << 'x' << net_h << ", fit " << int(fit) << ", resize " << int(resize) << ", type "
                            << int(type) << ": " << same.message);
            CHECK(same.ok);
            bool zero = true;
            for (std::size_t at = 3; at < image; at += 4) zero = zero && actual[at] == 0;
            CHECK(zero);
        }
        bool intact = true;
        for (std::size_t at = host_.size() * image; at < y.size(); ++at) intact = intact && std::isnan(y[at]);
        CHECK(intact);
    }

private:
    PixelView area_of(std::size_t i, const PixelView& v) const {
        return i < areas_.size() && areas_[i] ? view_of(v, *areas_[i]) : v;
    }
    kernels::cuda::PlacedPicture upload(std::size_t i, Fit fit, int net_w, int net_h) {
        RandomPicture& picture = host_[i];
        PixelView v = picture.view();
        for (int plane = 0; plane < (v.format == PixelFormat::nv12 ? 2 : 1); ++plane) {
            device_.push_back(test::upload(picture.bytes(plane)));
            v.plane[plane] = static_cast<const std::uint8_t*>(device_.back().data());
        }
        v = area_of(i, v);
        return {v, kernels::place(fit, v.width, v.height, net_w, net_h)};
    }

    std::deque<RandomPicture> host_;  // a picture's view points into it
    std::deque<DeviceBytes> device_;
    std::vector<std::optional<Area>> areas_;  // of the pictures that are read in part
};

const int kSizes[][2] = {{768, 576}, {97, 61}, {61, 97}, {1, 1}, {1, 9}, {9, 1}, {2, 2}, {3, 5}, {64, 96}, {301, 2}};

}  // namespace

TEST_CASE("cuda preprocess: a batch of every format, size, matrix and range in one call") {
    REQUIRE_GPU();
    Pictures pictures;
    for (const auto& size : kSizes) {
        pictures.add(PixelFormat::rgb8, size[0], size[1], 5);
        int gap = 2;  // even and odd pitches
        for (ColorMatrix matrix : {ColorMatrix::bt601, ColorMatrix::bt709})
            for (ColorRange range : {ColorRange::limited, ColorRange::full}) {
                RandomPicture& added = pictures.add(PixelFormat::nv12, size[0], size[1], gap++);
                added.view().matrix = matrix;
                added.view().range = range;
            }
    }
    REQUIRE(pictures.count() > 32);  // more than one launch
    for (DataType type : test::kTypes)
        for (Resize resize : {Resize::bilinear, Resize::darknet})
            for (Fit fit : {Fit::letterbox, Fit::stretch}) {
                pictures.check(fit, 64, 64, resize, type);
                pictures.check(fit, 96, 32, resize, type);
                pictures.check(fit, 37, 61, resize, type);
            }
}

TEST_CASE("cuda preprocess: areas of frames, each in place, in one call") {
    REQUIRE_GPU();
    Pictures pictures;
    int gap = 4;  // even and odd pitches
    for (PixelFormat format : {PixelFormat::rgb8, PixelFormat::nv12})
        for (const Area& area : test::kAreas) pictures.add_area(format, area, gap++);
    for (DataType type : test::kTypes)
        for (Resize resize : {Resize::bilinear, Resize::darknet})
            for (Fit fit : {Fit::letterbox, Fit::stretch}) {
                pictures.check(fit, 64, 96, resize, type);
                pictures.check(fit, 61, 37, resize, type);
            }
}

TEST_CASE("cuda preprocess: video frames to a network's size") {
    REQUIRE_GPU();
    Pictures pictures;
    pictures.add(PixelFormat::nv12, 1920, 1080, 128);
    pictures.add(PixelFormat::rgb8, 640, 427, 0);
    for (DataType type : test::kTypes)
        for (Resize resize : {Resize::bilinear, Resize::darknet}) {
            pictures.check(Fit::letterbox, 416, 416, resize, type);
            pictures.check(Fit::stretch, 320, 608, resize, type);
        }
}

TEST_CASE("cuda preprocess: the last row where float rounding leaves Darknet short of it") {
    REQUIRE_GPU();
    int found = 0;
    for (int source = 50; source < 800 && found < 3; source += 7)
        for (int out = 32; out < 420 && found < 3; out += 13) {
            const float last = float(out - 1) * (float(source - 1) / float(out - 1));
            if (last >= float(source - 1)) continue;
            ++found;
            Pictures pictures;
            pictures.add(PixelFormat::rgb8, 40, source, 1);
            pictures.check(Fit::stretch, out, 32, Resize::darknet, DataType::fp32);
        }
    CHECK(found == 3);
}
