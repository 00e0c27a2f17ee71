// SPDX-License-Identifier: MIT
//
// The headers (H.264 and HEVC parameter sets) that a decoder must have been given before it meets a packet.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "tools/media/av_handles.h"
#include "tools/media/in/nal_units.h"

namespace convoy::media {

/// What a decoder takes before the first packet.
struct DecoderHeaders {
    std::shared_ptr<const std::vector<std::uint8_t>> extradata;  ///< the container's
    std::vector<std::uint8_t> in_band;  ///< NAL units, framed as in the packets, that came later and differ
    int length_size = 0;                ///< how packets frame NAL units: NalUnits

    bool same_as(const DecoderHeaders& other) const {
        return *extradata == *other.extradata && in_band == other.in_band && length_size == other.length_size;
    }
};

/// Follows a stream's headers packet by packet.
class ParameterSets {
public:
    /// `extradata` as the container states it.
    ParameterSets(AVCodecID codec, ByteSpan extradata);

    /// The container has switched to other headers.
    void replace(ByteSpan extradata);
    /// A NAL unit of the stream, any.
    void see(ByteSpan unit);
    int length_size() const { return length_size_; }
    /// All that hold now.
    template <typename Visit>
    void each(Visit visit) const {
        for (const auto& [key, bytes] : current_) visit(ByteSpan(bytes));
    }
    /// As they stand now. The same object until they change.
    std::shared_ptr<const DecoderHeaders> headers();

private:
    using Key = std::pair<int, unsigned>;  // NAL unit type, id; in this order they depend on each other
    using Sets = std::map<Key, std::vector<std::uint8_t>>;

    /// Whether `unit` is one to keep, and as what.
    bool key_of(ByteSpan unit, Key& key) const;
    void take(Sets& sets, ByteSpan unit) const;
    void read_configuration(ByteSpan record);

    AVCodecID codec_;
    int length_size_ = 0;
    std::shared_ptr<const std::vector<std::uint8_t>> extradata_;
    Sets stated_, current_;  // by the extradata; with what came in packets
    std::shared_ptr<const DecoderHeaders> headers_;
};

}  // namespace convoy::media
