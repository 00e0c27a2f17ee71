// SPDX-License-Identifier: MIT
#pragma once

#include <memory>
#include <string>

#include <convoy/media/input.h>
#include <convoy/segment.h>
#include "tools/media/in/demuxer.h"

namespace convoy::media {

/// A camera or a stream from the network: one endless segment, whose reader connects to it, and again when it drops
/// out.
class LiveInput : public Input {
public:
    /// Of the options, when it is given up, and how many frames are wanted.
    LiveInput(const std::string& path, const InputOptions& options, std::stop_token cancel);
    /// Nothing but its name: what else there is to know, only the reader learns.
    const InputInfo& info() const override { return info_; }
    std::shared_ptr<const Segment> next_segment() override;
    std::unique_ptr<SegmentReader> make_reader(const DecodeTarget& target) override;

private:
    const std::string path_;
    InputInfo info_;
    const InputOptions options_;
    std::stop_token cancel_;
    bool given_ = false;
};

}  // namespace convoy::media
