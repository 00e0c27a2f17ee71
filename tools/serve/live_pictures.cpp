// SPDX-License-Identifier: MIT
#include "tools/serve/live_pictures.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <exception>
#include <string_view>
#include <utility>

#include <convoy/error.h>
#include <convoy/media/draw.h>
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

std::vector<std::uint8_t> small_jpeg(const PixelView& pixels, const std::vector<Detection>& found,
                                     const std::vector<int>& blurred) {
    std::vector<std::uint8_t> file;
    std::string reason;
    const auto encode = [&](const PixelView& view) {
        if (!media::encode_jpeg(view, kQuality, file, reason)) throw Error(ErrorKind::output, reason);
    };
    if (pixels.format == PixelFormat::nv12) {
        media::Nv12Image picture;
        media::copy_nv12(pixels, picture);
        encode(shown(std::move(picture), found, blurred).view());
    } else {
        media::Image picture;
        media::ImageConverter().convert(pixels, picture);
        picture = shown(std::move(picture), found, blurred);
        encode(rgb_frame(picture.rgb.data(), picture.width, picture.height).pixels);
    }
    return file;
}

}  // namespace

LivePictures::LivePictures(std::vector<int> blurred)
    : blurred_(std::move(blurred)), thread_([this](const std::stop_token& stop) { run(stop); }) {}

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

bool LivePictures::wants(int input) {
    if (waiting_ == 0) return false;
    const auto now = Clock::now();
    const std::lock_guard lock(mutex_);
    const auto found = viewed_.find(input);
    if (found == viewed_.end() || found->second.waiters.empty()) return false;
    Viewed& viewed = found->second;
    if (now - viewed.made < kBetween || (viewed.wanted && now - *viewed.wanted < kPatience)) return false;
    viewed.wanted = now;
    return true;
}

void LivePictures::take(int input, const Result& result, std::shared_ptr<const std::string> record) {
    {
        const std::lock_guard lock(mutex_);
        const auto found = viewed_.find(input);
        if (found == viewed_.end()) return;
        if (result.frame.undecodable) {  // these pixels are another frame's
            found->second.wanted.reset();
            return;
        }
        jobs_.push_back({input, result.frame, result.detections, std::move(record)});
    }
    changed_.notify_one();
}

HttpReply LivePictures::picture_of(const Job& job) const try {
    HttpReply reply{200, "image/jpeg",
                    with_comment(small_jpeg(job.frame.pixels, job.detections, blurred_), *job.record)};
    reply.headers = {{"Convoy-Frame", fmt::format("{}", job.frame.index)}};
    return reply;
} catch (const std::exception& error) {
    return error_reply(500, error.what());
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
    std::erase_if(viewed_, [&](const auto& v) {
        return v.second.waiters.empty() && now - v.second.made > kPatience &&
               (!v.second.wanted || now - *v.second.wanted > kPatience);
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
            lock.unlock();
            HttpReply reply = picture_of(job);
            lock.lock();
            Viewed& viewed = viewed_[job.input];
            viewed.wanted.reset();
            viewed.made = Clock::now();
            viewed.newest = std::move(reply);
            viewed.frame = job.frame.index;
            answer(viewed, viewed.newest);
        }
        forget(Clock::now());
    }
}

}  // namespace convoy::tools
