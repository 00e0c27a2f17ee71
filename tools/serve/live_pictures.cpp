// SPDX-License-Identifier: MIT
#include "tools/serve/live_pictures.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <exception>
#include <string_view>
#include <utility>

#include <convoy/error.h>
#include <convoy/media/image.h>
#include <convoy/media/image_converter.h>
#include "tools/media/pictures/jpeg.h"
#include "tools/media/pictures/scale.h"

namespace convoy::tools {
namespace {

constexpr auto kBetween = std::chrono::milliseconds(200);  // pictures of an input
constexpr auto kPatience = std::chrono::seconds(2);        // for a frame
constexpr auto kLook = std::chrono::milliseconds(250);     // whether somebody has waited for long
constexpr int kQuality = 75;
constexpr std::size_t kLongestComment = 65533;

// Behind the first segment, as JFIF wants it; a comment that is longer than one can be takes several.
std::string with_comment(const std::vector<std::uint8_t>& jpeg, std::string_view text) {
    const std::size_t begin = 4 + std::size_t(jpeg.at(4) << 8 | jpeg.at(5));
    std::string file(jpeg.begin(), jpeg.begin() + std::ptrdiff_t(begin));
    for (; !text.empty(); text.remove_prefix(std::min(text.size(), kLongestComment))) {
        const std::string_view part = text.substr(0, kLongestComment);
        const std::size_t size = part.size() + 2;
        file += {'\xff', '\xfe', char(size >> 8), char(size & 0xff)};
        file += part;
    }
    return file.append(jpeg.begin() + std::ptrdiff_t(begin), jpeg.end());
}

// Made unrecognisable while it is large, so that nothing of it gets into what is beside it.
template <typename Picture>
Picture shown(Picture picture, const std::vector<Detection>& found, const std::vector<int>& blurred) {
    for (const Detection& d : found)
        if (std::count(blurred.begin(), blurred.end(), d.class_id)) media::pixelate(picture, d.box);
    if (picture.width <= LivePictures::kMostWide) return picture;
    const double scale = double(LivePictures::kMostWide) / picture.width;
    return media::scaled(picture, LivePictures::kMostWide, std::max(1, int(std::lround(picture.height * scale))));
}

std::vector<std::uint8_t> jpeg_of(const PixelView& view) {
    std::vector<std::uint8_t> file;
    std::string reason;
    if (!media::encode_jpeg(view, kQuality, file, reason)) throw Error(ErrorKind::output, reason);
    return file;
}

PixelView view_of(const media::Nv12Image& picture) { return picture.view(); }
PixelView view_of(const media::Image& picture) {
    return rgb_frame(picture.rgb.data(), picture.width, picture.height).pixels;
}

// Of a frame so many pixels wide, where they lie in the picture.
template <typename Picture>
void draw(media::Annotator& annotator, Picture& picture, int width, std::vector<Detection> found,
          std::vector<media::Outline> outlines) {
    const float scale = float(picture.width) / float(width);
    for (Detection& d : found) d.box.x *= scale, d.box.y *= scale, d.box.w *= scale, d.box.h *= scale;
    for (media::Outline& outline : outlines)
        for (media::Outline::Point& point : outline.points) point.x *= scale, point.y *= scale;
    annotator.annotate(picture, found, "", outlines);
}

}  // namespace

LivePictures::LivePictures(std::vector<std::string> class_names, std::vector<int> blurred)
    : blurred_(std::move(blurred)),
      annotator_(std::move(class_names)),
      thread_([this](const std::stop_token& stop) { run(stop); }) {}

LivePictures::~LivePictures() = default;

void LivePictures::ask(int input, std::int64_t after, HttpAnswer answer) {
    const auto now = Clock::now();
    {
        const std::lock_guard lock(mutex_);
        Viewed& viewed = viewed_[input];
        if (viewed.frame >= 0 && viewed.frame != after && now - viewed.made < kBetween) return answer(viewed.newest);
        viewed.waiters.push_back({now, std::move(answer)});
        ++waiting_;
    }
    changed_.notify_one();
}

void LivePictures::watch(int input, HttpAnswer answer) {
    {
        const std::lock_guard lock(mutex_);
        viewed_[input].streams.push_back(answer.stream());
        ++waiting_;
    }
    changed_.notify_one();
}

void LivePictures::end(int input) {
    const std::lock_guard lock(mutex_);
    const auto found = viewed_.find(input);
    if (found == viewed_.end()) return;
    waiting_ -= int(found->second.streams.size());
    found->second.streams.clear();
}

bool LivePictures::wants(int input) {
    if (waiting_ == 0) return false;
    const auto now = Clock::now();
    const std::lock_guard lock(mutex_);
    const auto found = viewed_.find(input);
    if (found == viewed_.end()) return false;
    Viewed& viewed = found->second;
    if (viewed.waiters.empty() && viewed.streams.empty()) return false;
    if (now - viewed.asked < kBetween || (viewed.wanted && now - viewed.asked < kPatience)) return false;
    viewed.wanted = true;
    viewed.asked = now;
    return true;
}

void LivePictures::take(int input, const Result& result, std::shared_ptr<const std::string> record,
                        std::vector<media::Outline> outlines) {
    {
        const std::lock_guard lock(mutex_);
        const auto found = viewed_.find(input);
        if (found == viewed_.end()) return;
        if (result.frame.undecodable) {  // these pixels are another frame's
            found->second.wanted = false;
            return;
        }
        jobs_.push_back({input, result.frame, result.detections, std::move(record), std::move(outlines)});
    }
    changed_.notify_one();
}

LivePictures::Made LivePictures::pictures_of(const Job& job, bool plain, bool drawn) try {
    Made made;
    const PixelView& pixels = job.frame.pixels;
    const auto make = [&](auto picture) {
        picture = shown(std::move(picture), job.detections, blurred_);
        if (plain)
            made.reply = {200,
                          "image/jpeg",
                          with_comment(jpeg_of(view_of(picture)), *job.record),
                          {{"Convoy-Frame", fmt::format("{}", job.frame.index)}}};
        if (!drawn) return;
        draw(annotator_, picture, pixels.width, job.detections, job.outlines);
        const std::vector<std::uint8_t> file = jpeg_of(view_of(picture));
        made.drawn = http_part("image/jpeg", {reinterpret_cast<const char*>(file.data()), file.size()});
    };
    if (pixels.format == PixelFormat::nv12) {
        media::Nv12Image picture;
        media::copy_nv12(pixels, picture);
        make(std::move(picture));
    } else {
        media::Image picture;
        media::ImageConverter().convert(pixels, picture);
        make(std::move(picture));
    }
    return made;
} catch (const std::exception& error) {
    return {error_reply(500, error.what()), nullptr};
}

void LivePictures::answer(Viewed& viewed, const HttpReply& reply) {
    for (Waiter& waiter : viewed.waiters) waiter.answer(reply);
    waiting_ -= int(viewed.waiters.size());
    viewed.waiters.clear();
}

// Who has waited for long, and what nobody asks for any more.
void LivePictures::forget(Clock::time_point now) {
    for (auto& [input, viewed] : viewed_)
        if (!viewed.waiters.empty() && now - viewed.waiters.front().since > kPatience) answer(viewed, {204, "", ""});
    for (auto& [input, viewed] : viewed_)
        waiting_ -= int(std::erase_if(viewed.streams, [](const auto& stream) { return !stream->is_open(); }));
    std::erase_if(viewed_, [&](const auto& v) {
        return v.second.waiters.empty() && v.second.streams.empty() && now - v.second.made > kPatience &&
               (!v.second.wanted || now - v.second.asked > kPatience);
    });
}

void LivePictures::run(const std::stop_token& stop) {
    std::unique_lock lock(mutex_);
    while (!stop.stop_requested()) {
        if (viewed_.empty())
            changed_.wait(lock, stop, [&] { return !viewed_.empty(); });
        else
            changed_.wait_for(lock, stop, kLook, [&] { return !jobs_.empty(); });
        while (!jobs_.empty() && !stop.stop_requested()) {
            const Job job = std::move(jobs_.front());
            jobs_.pop_front();
            const Viewed& by = viewed_[job.input];
            const bool watched = !by.streams.empty(), plain = !watched || !by.waiters.empty();
            lock.unlock();
            Made made = pictures_of(job, plain, watched);
            lock.lock();
            Viewed& viewed = viewed_[job.input];
            viewed.wanted = false;
            if (made.reply) {
                viewed.made = Clock::now();
                viewed.newest = std::move(*made.reply);
                viewed.frame = job.frame.index;
                answer(viewed, viewed.newest);
            }
            if (made.drawn)
                waiting_ -=
                    int(std::erase_if(viewed.streams, [&](const auto& stream) { return !stream->put(made.drawn); }));
        }
        forget(Clock::now());
    }
}

}  // namespace convoy::tools
