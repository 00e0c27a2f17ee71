// SPDX-License-Identifier: MIT
#pragma once

#include <memory>
#include <string>

#include "engine/segment.h"
#include "tools/media/demuxer.h"

namespace convoy::media {

/// A camera or a stream from the network: one endless segment, whose reader connects to it, and again when it drops
/// out.
class LiveInput : public Input {
public:
    LiveInput(const std::string& path, double give_up_s, CancelFlag cancelled);
    /// Nothing but its name: what else there is to know, only the reader learns.
    const InputInfo& info() const override { return info_; }
    std::shared_ptr<const Segment> next_segment() override;
    std::unique_ptr<SegmentReader> make_reader(const DecodeTarget& target) override;
    void cancel() override { *cancelled_ = true; }

private:
    InputInfo info_;
    double give_up_s_;
    CancelFlag cancelled_;
    bool given_ = false;
};

}  // namespace convoy::media
