// SPDX-License-Identifier: MIT
#include "tools/media/in/nal_units.h"

#include <algorithm>
#include <limits>

namespace convoy::media {
namespace {

/// The offset behind the next 00 00 01, or the size.
std::size_t behind_start_code(ByteSpan bytes, std::size_t from) {
    std::size_t at = from;
    while (at + 3 <= bytes.size()) {
        const std::uint8_t third = bytes[at + 2];
        if (third == 1 && bytes[at] == 0 && bytes[at + 1] == 0) return at + 3;
        at += third == 0 ? 1 : 3;  // none can begin at the two bytes before another value
    }
    return bytes.size();
}

}  // namespace

NalUnits::NalUnits(ByteSpan bytes, int length_size) : rest_(bytes), length_size_(length_size) {
    if (length_size_ == 0) rest_ = rest_.subspan(behind_start_code(rest_, 0));
}

ByteSpan NalUnits::next() {
    while (!rest_.empty()) {
        const ByteSpan unit = length_size_ > 0 ? next_after_length() : next_after_start_code();
        if (!unit.empty()) return unit;
    }
    return {};
}

ByteSpan NalUnits::next_after_length() {
    const auto head = std::size_t(length_size_);
    std::uint64_t length = 0;
    for (std::size_t i = 0; i < std::min(head, rest_.size()); ++i) length = length << 8 | rest_[i];
    rest_ = rest_.subspan(std::min(head, rest_.size()));
    const ByteSpan unit = rest_.first(std::size_t(std::min<std::uint64_t>(length, rest_.size())));
    rest_ = rest_.subspan(unit.size());
    return unit;
}

ByteSpan NalUnits::next_after_start_code() {
    const std::size_t end = behind_start_code(rest_, 0);
    const bool last = end == rest_.size() && !(end >= 3 && rest_[end - 1] == 1 && !rest_[end - 2] && !rest_[end - 3]);
    const ByteSpan unit = rest_.first(last ? end : end - 3);
    rest_ = rest_.subspan(end);
    return unit;
}

unsigned NalBits::bit() {
    if (at_ >= unit_.size()) {
        at_ = unit_.size() + 1;
        return 0;
    }
    if (bit_ == 0 && zeros_ >= 2 && unit_[at_] == 3 && at_ + 1 < unit_.size()) {
        ++at_;
        zeros_ = 0;
    }
    const unsigned value = unit_[at_] >> (7 - bit_) & 1u;
    if (++bit_ == 8) {
        zeros_ = unit_[at_] == 0 ? zeros_ + 1 : 0;
        bit_ = 0;
        ++at_;
    }
    return value;
}

unsigned NalBits::bits(int count) {
    unsigned value = 0;
    while (count-- > 0) value = value << 1 | bit();
    return value;
}

void NalBits::skip(int count) {
    while (count-- > 0) bit();
}

unsigned NalBits::golomb() {
    int zeros = 0;
    while (bit() == 0)
        if (++zeros > 31) return std::numeric_limits<std::uint32_t>::max();
    return (1u << zeros) - 1 + bits(zeros);
}

}  // namespace convoy::media
