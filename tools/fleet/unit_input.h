// SPDX-License-Identifier: MIT
//
// A unit's frames: first those whose records were kept, which nobody decodes again, then those that follow them.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>
#include <vector>

#include <convoy/media/input.h>
#include <convoy/segment.h>
#include "tools/fleet/record_checkpoint.h"

namespace convoy::fleet {

/// How much of an input its readers have read, from any threads. Several may read a segment one after the other.
class ReadFrames {
public:
    void of_segment(std::size_t number, std::int64_t frames) {
        const std::lock_guard lock(mutex_);
        frames_[number] = frames;
    }
    void cut(std::size_t segments) {
        const std::lock_guard lock(mutex_);
        segments_ = segments, ended_ = true;
    }
    /// Whether the input has come to its end, and had so many frames.
    bool are_all(std::int64_t frames) const;

private:
    mutable std::mutex mutex_;
    std::map<std::size_t, std::int64_t> frames_;  // by segment
    std::size_t segments_ = 0;
    bool ended_ = false;
};

/// Another input, called `label`, with the frames of `kept` in front. These come as undecodable frames of their size
/// and stamp, which no device works on: what is told of them is for whoever gets the results to put in. So numbers,
/// times and whatever else grows from frame to frame is as if they had been decoded.
class UnitInput : public Input {
public:
    struct Shared;  ///< what readers need

    /// `rest` gives what follows `kept`, which may be empty. `info` is that of the whole.
    UnitInput(std::unique_ptr<Input> rest, InputInfo info, std::shared_ptr<const std::vector<KeptRecord>> kept,
              std::shared_ptr<ReadFrames> read);

    const InputInfo& info() const override { return info_; }
    std::shared_ptr<const Segment> next_segment() override;
    SegmentNotes notes() const override { return rest_->notes(); }
    std::string remark() const override { return rest_->remark(); }
    double last_frame_s() const override { return rest_->last_frame_s(); }
    std::unique_ptr<SegmentReader> make_reader(const DecodeTarget& target) override;
    bool adopt_reader(SegmentReader& reader) override;

private:
    std::shared_ptr<Input> rest_;
    const InputInfo info_;
    const std::shared_ptr<const std::vector<KeptRecord>> kept_;
    const std::shared_ptr<ReadFrames> read_;
    std::size_t replayed_ = 0, segments_ = 0;
    bool rest_begun_ = false;
};

/// Opens a unit at `location` where `kept` ends. Nothing where that is not found: then it must begin anew. Throws what
/// media::open_input() throws.
std::unique_ptr<Input> open_behind(const std::string& location, const media::InputOptions& options,
                                   const std::vector<KeptRecord>& kept, std::stop_token cancel);

/// An input without frames.
std::unique_ptr<Input> no_input();

}  // namespace convoy::fleet
