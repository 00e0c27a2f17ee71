// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include <convoy/detection.h>
#include <convoy/media/draw.h>
#include "tools/serve/http_server.h"

namespace convoy::tools {

/// Pictures of a run's inputs for those who watch it: JPEGs of the newest frames, made by a thread of its own while
/// somebody waits for one, or watches a stream of them, five a second of an input at most. At most one frame of an
/// input is kept for that. From any thread.
class LivePictures {
public:
    static constexpr int kMostWide = 960;  ///< pixels

    /// `blurred`: classes whose boxes are made unrecognisable.
    explicit LivePictures(std::vector<std::string> class_names, std::vector<int> blurred = {});
    ~LivePictures();
    LivePictures(const LivePictures&) = delete;
    LivePictures& operator=(const LivePictures&) = delete;

    /// Answers with the next picture of that input, or one that is as good as new and not that of frame `after`, as
    /// image/jpeg: the frame's record is its comment, and the frame's number in a header. 204 when none came.
    void ask(int input, std::int64_t after, HttpAnswer answer);
    /// The same without an end, with boxes, labels and outlines drawn in.
    void watch(int input, HttpAnswer answer);
    /// Its streams end.
    void end(int input);
    /// RunObserver::wants_picture(): once for each picture.
    bool wants(int input);
    /// A result that has its pixels.
    void take(int input, const Result& result, std::shared_ptr<const std::string> record,
              std::vector<media::Outline> outlines);

private:
    using Clock = std::chrono::steady_clock;
    struct Waiter {
        Clock::time_point since;
        HttpAnswer answer;
    };
    struct Viewed {
        std::deque<Waiter> waiters = {};
        std::vector<std::unique_ptr<HttpStream>> streams = {};
        Clock::time_point asked = {};  // when wants() said so last
        bool wanted = false;           // that frame has not come
        HttpReply newest = {};
        std::int64_t frame = -1;  // of that
        Clock::time_point made = {};
    };
    struct Job {
        int input;
        Frame frame;
        std::vector<Detection> detections;
        std::shared_ptr<const std::string> record;
        std::vector<media::Outline> outlines;
    };
    struct Made {
        std::optional<HttpReply> reply;  // with the record
        HttpPart drawn;                  // null for none
    };

    void run(const std::stop_token& stop);
    Made pictures_of(const Job& job, bool plain, bool drawn);
    void answer(Viewed& viewed, const HttpReply& reply);
    void forget(Clock::time_point now);

    const std::vector<int> blurred_;
    media::Annotator annotator_;    // the thread's
    std::atomic<int> waiting_ = 0;  // and watching
    std::mutex mutex_;
    std::condition_variable_any changed_;
    std::map<int, Viewed> viewed_;
    std::deque<Job> jobs_;
    std::jthread thread_;
};

}  // namespace convoy::tools
