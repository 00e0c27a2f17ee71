// SPDX-License-Identifier: MIT
#include "tools/media/in/frame_numbers.h"

#include <algorithm>
#include <array>

namespace convoy::media {
namespace {

int signed_golomb(NalBits& bits) {
    const unsigned code = bits.golomb();
    return code & 1 ? int(code / 2 + 1) : -int(code / 2);
}

void skip_scaling_list(NalBits& bits, int size) {
    int last = 8, next = 8;
    for (int i = 0; i < size && !bits.past_end(); ++i) {
        if (next != 0) next = int((unsigned(last) + unsigned(signed_golomb(bits))) & 255u);
        if (next != 0) last = next;
    }
}

}  // namespace

bool FrameNumbers::see(ByteSpan unit) {
    constexpr int kSlice = 1, kIdrSlice = 5, kSequenceSet = 7, kPictureSet = 8;
    if (unit.size() < 3) return false;
    const int type = unit[0] & 31;
    if (type == kSequenceSet) see_sequence(unit);
    if (type == kPictureSet) {
        NalBits bits(unit, 1);
        const unsigned id = bits.golomb(), sequence = bits.golomb();
        if (id < 256 && sequence < 32) sequence_of_picture_set_[id] = sequence;
    }
    if (type != kSlice && type != kIdrSlice) return false;

    NalBits bits(unit, 1);
    bits.golomb();  // first_mb_in_slice
    bits.golomb();  // slice_type
    const auto set = sequence_of_picture_set_.find(bits.golomb());
    const auto sequence = set == sequence_of_picture_set_.end() ? sequences_.end() : sequences_.find(set->second);
    if (sequence == sequences_.end()) {
        known_ = false;
        return false;
    }
    if (sequence->second.separate_planes) bits.skip(2);
    const unsigned number = bits.bits(sequence->second.bits);
    const unsigned next = (reference_ + 1) % (1u << sequence->second.bits);
    const bool missing = known_ && type != kIdrSlice && number != number_ && number != reference_ && number != next;
    number_ = number;
    if (unit[0] & 0x60) reference_ = number;
    known_ = true;
    return missing;
}

/// ITU-T H.264, 7.3.2.1.1.
void FrameNumbers::see_sequence(ByteSpan unit) {
    constexpr std::array<unsigned, 13> kWithChroma = {100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135};
    NalBits bits(unit, 1);
    const unsigned profile = bits.bits(8);
    bits.skip(16);
    const unsigned id = bits.golomb();
    Sequence sequence;
    if (std::find(kWithChroma.begin(), kWithChroma.end(), profile) != kWithChroma.end()) {
        const unsigned chroma = bits.golomb();
        if (chroma == 3) sequence.separate_planes = bits.bits(1);
        bits.golomb();  // bit depths
        bits.golomb();
        bits.skip(1);
        const bool scaling = bits.bits(1);
        for (int i = 0; scaling && i < (chroma == 3 ? 12 : 8); ++i)
            if (bits.bits(1)) skip_scaling_list(bits, i < 6 ? 16 : 64);
    }
    const unsigned bits_less_4 = bits.golomb();
    if (id > 31 || bits_less_4 > 12 || bits.past_end()) return;
    sequence.bits = int(bits_less_4) + 4;
    sequences_[id] = sequence;
}

}  // namespace convoy::media
