// SPDX-License-Identifier: MIT
#include "tools/c_api/results.h"

#include <cstddef>
#include <limits>
#include <memory>

#include "tools/c_api/guard.h"

namespace convoy::c_api {
namespace {

// Members that every version of the struct has.
constexpr std::size_t kPicture = offsetof(convoy_picture, release_data) + sizeof(void*);

/// Calls it once, when nobody holds the pixels any more. What it throws has nowhere to go.
struct Release {
    void (*call)(void*);
    void* data;
    void operator()(const void*) const noexcept {
        try {
            call(data);
        } catch (...) {
        }
    }
};

int row_bytes(int width, int per_pixel) {
    if (width < 1 || width > std::numeric_limits<int>::max() / per_pixel) return 0;  // the engine refuses the size
    return width * per_pixel;
}

}  // namespace

Frame frame_of(const convoy_picture* given) {
    const auto picture = known_part(given, kPicture, "picture");
    Frame frame;
    if (picture.release)
        frame.owner = std::shared_ptr<const void>(picture.plane[0], Release{picture.release, picture.release_data});
    PixelView& pixels = frame.pixels;
    pixels.format = picture.format == CONVOY_NV12 ? PixelFormat::nv12 : PixelFormat::rgb8;
    pixels.matrix = picture.matrix == CONVOY_BT601 ? ColorMatrix::bt601 : ColorMatrix::bt709;
    pixels.range = picture.range == CONVOY_FULL_RANGE ? ColorRange::full : ColorRange::limited;
    const auto known = [](std::int32_t value) { return value == 0 || value == 1; };
    if (!known(picture.format) || !known(picture.matrix) || !known(picture.range))
        throw Error(ErrorKind::usage, "picture: format, matrix and range must be constants of <convoy/convoy.h>");
    pixels.width = picture.width, pixels.height = picture.height;
    pixels.on_device = picture.on_device != 0;
    const bool nv12 = pixels.format == PixelFormat::nv12;
    const int rows[] = {row_bytes(picture.width, nv12 ? 1 : 3), row_bytes(picture.width / 2 + picture.width % 2, 2)};
    for (int i = 0; i < (nv12 ? 2 : 1); ++i) {
        pixels.plane[i] = static_cast<const std::uint8_t*>(picture.plane[i]);
        pixels.pitch[i] = picture.pitch[i] != 0 ? picture.pitch[i] : rows[i];
    }
    frame.cuda_stream = picture.cuda_stream;
    frame.stream = picture.stream, frame.index = picture.index, frame.time_s = picture.time_s;
    return frame;
}

void assign(convoy_result& to, const Result& from) {
    to.detections.clear();
    for (const Detection& d : from.detections)
        to.detections.push_back({d.class_id, d.confidence, d.box.x, d.box.y, d.box.w, d.box.h, d.track});
    to.width = from.frame.pixels.width, to.height = from.frame.pixels.height;
    to.stream = from.frame.stream, to.index = from.frame.index, to.time_s = from.frame.time_s;
    to.latency_ms = from.latency_ms, to.not_finite = from.not_finite;
}

}  // namespace convoy::c_api

std::size_t convoy_result_count(const convoy_result* result) { return result ? result->detections.size() : 0; }

const convoy_detection* convoy_result_detections(const convoy_result* result) {
    return result && !result->detections.empty() ? result->detections.data() : nullptr;
}

int convoy_result_size(const convoy_result* result, int* width, int* height) {
    return convoy::c_api::guarded([&] {
        convoy::c_api::zeroed(width, height);
        *width = convoy::c_api::needed(result, "result").width, *height = result->height;
        return int(CONVOY_OK);
    });
}

std::int32_t convoy_result_stream(const convoy_result* result) { return result ? result->stream : 0; }
std::int64_t convoy_result_index(const convoy_result* result) { return result ? result->index : 0; }
double convoy_result_time(const convoy_result* result) { return result ? result->time_s : 0; }
double convoy_result_latency(const convoy_result* result) { return result ? result->latency_ms : 0; }
std::int64_t convoy_result_not_finite(const convoy_result* result) { return result ? result->not_finite : 0; }
void convoy_result_destroy(convoy_result* result) { delete result; }
