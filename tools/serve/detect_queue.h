// SPDX-License-Identifier: MIT
#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include <convoy/detection.h>
#include <convoy/run.h>
#include "tools/serve/http_server.h"
#include "tools/sinks/formats/text.h"

namespace convoy::tools {

/// Pictures that are posted, as one input of a run: decoded by its threads, in batches with all else that is under way.
/// Each is answered with its record, or with why there is none. From any thread.
class DetectQueue {
public:
    struct Limits {
        std::size_t pictures = 256;                   ///< that have no answer yet
        std::int64_t pixels = std::int64_t(1) << 26;  ///< of a picture, at most
        int least_width = 1, least_height = 1;        ///< of a picture: its tiles need so many pixels
    };
    struct Tally {
        std::int64_t answered = 0;  ///< with a record
        std::int64_t refused = 0;   ///< since too many had no answer yet
        std::int64_t damaged = 0;   ///< pictures that cannot be read
        std::int64_t waiting = 0;   ///< for an answer
    };

    /// `readers`: how many threads of the run will decode.
    DetectQueue(const std::vector<std::string>& class_names, int readers)
        : DetectQueue(class_names, readers, Limits()) {}
    DetectQueue(const std::vector<std::string>& class_names, int readers, const Limits& limits);
    ~DetectQueue();
    DetectQueue(const DetectQueue&) = delete;
    DetectQueue& operator=(const DetectQueue&) = delete;

    /// POST /detect
    void post(HttpRequest request, HttpAnswer answer);
    /// Ends when close() was called and all is answered. Once; must not outlive the queue.
    RunInput input();
    /// RunObserver::result() of that input.
    void result(Result& result);
    /// What comes from now on is refused.
    void close();
    Tally tally() const;

private:
    struct Picture;
    class PictureSegment;
    class Reader;
    class QueuedInput;

    std::shared_ptr<const Segment> next(const std::stop_token& cancel);
    Frame decode(const Picture& picture, const std::stop_token& cancel) const;
    void fail(Picture& picture, HttpReply reply);
    void forget_failed();

    const ClassTexts classes_;
    const std::size_t readers_;
    const Limits limits_;
    mutable std::mutex mutex_;
    std::condition_variable_any changed_;
    std::deque<std::shared_ptr<Picture>> waiting_, handed_;  // out, in the order in which their results come
    bool closed_ = false;
    Tally tally_;
};

}  // namespace convoy::tools
