// SPDX-License-Identifier: MIT
//
// H.264 and HEVC packets as the NAL units that they are made of (ITU-T H.264 and H.265, clause 7). Made for untrusted
// bytes: what is cut short reads as zeros, what cannot be is skipped.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace convoy::media {

using ByteSpan = std::span<const std::uint8_t>;

/// Takes NAL units from bytes, one after the other, without their start codes or lengths.
class NalUnits {
public:
    /// `length_size`: bytes of the length before each unit (avcC, hvcC: 1 to 4), 0 for start codes (Annex B).
    NalUnits(ByteSpan bytes, int length_size);
    /// The next unit that is not empty; an empty span at the end. Zeros behind it may be counted in.
    ByteSpan next();

private:
    ByteSpan next_after_length();
    ByteSpan next_after_start_code();

    ByteSpan rest_;
    int length_size_;
};

/// Reads the bits of a NAL unit, leaving out the bytes that keep start codes from arising inside it.
class NalBits {
public:
    /// Begins behind the first `skip` bytes (the unit's header).
    NalBits(ByteSpan unit, std::size_t skip) : unit_(unit), at_(skip) {}
    unsigned bits(int count);  ///< at most 32
    void skip(int count);
    unsigned golomb();  ///< ue(v); UINT32_MAX when it is longer than 32 bits
    bool past_end() const { return at_ > unit_.size(); }

private:
    unsigned bit();

    ByteSpan unit_;
    std::size_t at_;
    int bit_ = 0, zeros_ = 0;
};

}  // namespace convoy::media
