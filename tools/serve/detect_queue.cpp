// SPDX-License-Identifier: MIT
#include "tools/serve/detect_queue.h"

#include <fmt/core.h>

#include <algorithm>
#include <limits>
#include <new>
#include <optional>
#include <stop_token>
#include <utility>

#include <convoy/error.h>
#include "tools/media/in/picture_input.h"
#include "tools/media/pictures/picture_bytes.h"
#include "tools/sinks/formats/jsonl.h"

namespace convoy::tools {
namespace {

constexpr int kLongestSide = 32768;       // of a frame, in an engine
constexpr std::size_t kMostTogether = 8;  // pictures that one thread decodes before it takes others

std::string name_of(const HttpRequest& request) {
    const auto named = request.arguments.find("name");
    if (named != request.arguments.end()) return named->second;
    return request.file_name.empty() ? "picture" : request.file_name;
}

}  // namespace

/// What becomes of it is decided once, even where a second device reads its segment again.
struct DetectQueue::Picture {
    Picture(std::string its_name, std::vector<std::uint8_t> bytes, HttpAnswer its_answer)
        : name(std::move(its_name)), body(std::move(bytes)), answer(std::move(its_answer)) {}
    const std::string name;
    const std::vector<std::uint8_t> body;
    HttpAnswer answer;
    bool failed = false;  // it gives no frame; guarded by the queue's mutex
};

class DetectQueue::PictureSegment : public Segment {
public:
    explicit PictureSegment(std::vector<std::shared_ptr<Picture>> its_pictures) : pictures(std::move(its_pictures)) {
        for (const auto& picture : pictures) bytes_ += picture->body.size();
    }
    std::size_t bytes() const override { return bytes_; }
    std::int64_t frames() const override { return std::int64_t(pictures.size()); }

    const std::vector<std::shared_ptr<Picture>> pictures;

private:
    std::size_t bytes_ = 0;
};

class DetectQueue::Reader : public SegmentReader {
public:
    Reader(DetectQueue& queue, std::stop_token cancel) : queue_(queue), cancel_(std::move(cancel)) {}

    void open(std::shared_ptr<const Segment> segment) override {
        segment_ = std::dynamic_pointer_cast<const PictureSegment>(segment);
        next_ = 0;
        if (!segment_) throw Error(ErrorKind::usage, "a segment of another input was given to a reader of pictures");
    }

    std::optional<Frame> next() override {
        while (segment_ && next_ < segment_->pictures.size() && !cancel_.stop_requested())
            if (std::optional<Frame> frame = frame_of(*segment_->pictures[next_++])) return frame;
        segment_.reset();
        return std::nullopt;
    }

    SegmentNotes notes() const override { return {}; }

private:
    std::optional<Frame> frame_of(Picture& picture) {
        HttpReply reply;
        try {
            return queue_.decode(picture, cancel_);
        } catch (const Error& error) {
            reply = error_reply(400, error.what());
        } catch (const std::bad_alloc&) {
            reply = error_reply(503, "there is no memory for this picture");
        }
        if (!cancel_.stop_requested()) queue_.fail(picture, std::move(reply));
        return std::nullopt;
    }

    DetectQueue& queue_;
    const std::stop_token cancel_;
    std::shared_ptr<const PictureSegment> segment_;
    std::size_t next_ = 0;
};

class DetectQueue::QueuedInput : public Input {
public:
    QueuedInput(DetectQueue& queue, std::stop_token cancel) : queue_(queue), cancel_(std::move(cancel)) {
        info_.path = "POST /detect";
    }
    const InputInfo& info() const override { return info_; }
    std::shared_ptr<const Segment> next_segment() override { return queue_.next(cancel_); }
    std::unique_ptr<SegmentReader> make_reader(const DecodeTarget& /*target*/) override {
        return std::make_unique<Reader>(queue_, cancel_);
    }

private:
    DetectQueue& queue_;
    const std::stop_token cancel_;
    InputInfo info_;
};

DetectQueue::DetectQueue(const std::vector<std::string>& class_names, int readers, const Limits& limits)
    : classes_(class_names, json_string), readers_(std::size_t(std::max(readers, 1))), limits_(limits) {}

DetectQueue::~DetectQueue() = default;

void DetectQueue::post(HttpRequest request, HttpAnswer answer) {
    if (request.body.empty()) return answer(error_reply(400, "there is no picture in the request"));
    bool closed = false;
    {
        const std::lock_guard lock(mutex_);
        if (!closed_ && std::size_t(tally_.waiting) < limits_.pictures) {
            ++tally_.waiting;
            waiting_.push_back(std::make_shared<Picture>(name_of(request), std::move(request.body), std::move(answer)));
            changed_.notify_one();
            return;
        }
        ++tally_.refused;
        closed = closed_;
    }
    answer(error_reply(503, closed ? "the program ends" : "too many pictures are under way; try again in a second"));
}

RunInput DetectQueue::input() {
    RunInput input;
    input.open = [this](std::stop_token cancel) { return std::make_unique<QueuedInput>(*this, std::move(cancel)); };
    return input;
}

// As many at a time as leave each thread its share, so that few are decoded side by side and many in batches.
std::shared_ptr<const Segment> DetectQueue::next(const std::stop_token& cancel) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, cancel, [&] { return closed_ || !waiting_.empty(); });
    if (waiting_.empty() || cancel.stop_requested()) return nullptr;
    const std::size_t count = std::clamp<std::size_t>(waiting_.size() / readers_, 1, kMostTogether);
    const auto end = waiting_.begin() + std::ptrdiff_t(count);
    std::vector<std::shared_ptr<Picture>> pictures(waiting_.begin(), end);
    waiting_.erase(waiting_.begin(), end);
    handed_.insert(handed_.end(), pictures.begin(), pictures.end());
    return std::make_shared<PictureSegment>(std::move(pictures));
}

// Frames that the engine would refuse are refused here, since they would end the whole input there.
Frame DetectQueue::decode(const Picture& picture, const std::stop_token& cancel) const {
    media::Image image =
        media::decode_picture(picture.name, picture.body, limits_.pixels, [&] { return cancel.stop_requested(); });
    if (std::max(image.width, image.height) > kLongestSide || image.width < limits_.least_width ||
        image.height < limits_.least_height)
        throw Error(ErrorKind::input,
                    fmt::format("'{}' is {}x{} pixels; {}x{} to {} each way are taken", picture.name, image.width,
                                image.height, limits_.least_width, limits_.least_height, kLongestSide));
    return media::frame_of(std::make_shared<const media::Image>(std::move(image)));
}

void DetectQueue::fail(Picture& picture, HttpReply reply) {
    const std::lock_guard lock(mutex_);
    if (std::exchange(picture.failed, true)) return;
    ++tally_.damaged;
    --tally_.waiting;
    forget_failed();
    picture.answer(std::move(reply));
}

void DetectQueue::forget_failed() {
    while (!handed_.empty() && handed_.front()->failed) handed_.pop_front();
}

// Results come in the order in which pictures were handed out; of those that cannot be read there is none.
void DetectQueue::result(Result& result) {
    result.frame.index = 0;
    result.frame.time_s = 0;
    result.frame.pts_s = std::numeric_limits<double>::quiet_NaN();
    std::shared_ptr<Picture> picture;
    {
        const std::lock_guard lock(mutex_);
        forget_failed();
        if (handed_.empty()) return;
        picture = std::move(handed_.front());
        handed_.pop_front();
        --tally_.waiting;
        ++tally_.answered;
    }
    picture->answer({200, "application/json", json_record(json_string(picture->name), result, classes_) + "\n"});
}

void DetectQueue::close() {
    {
        const std::lock_guard lock(mutex_);
        closed_ = true;
    }
    changed_.notify_all();
}

DetectQueue::Tally DetectQueue::tally() const {
    const std::lock_guard lock(mutex_);
    return tally_;
}

}  // namespace convoy::tools
