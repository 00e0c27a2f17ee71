// SPDX-License-Identifier: MIT
#include "tools/media/in/parameter_sets.h"

#include <algorithm>
#include <charconv>
#include <string_view>

namespace convoy::media {
namespace {

constexpr int kH264Sei = 6, kH264Sps = 7, kH264Pps = 8;
constexpr int kHevcVps = 32, kHevcSps = 33, kHevcPps = 34;
// Real ones have some dozens of bytes, and every packet that waits may hold other ones.
constexpr std::size_t kLargestSet = 1 << 12, kMostSets = 1 << 16;

/// Encoders before this build of x264 have mistakes that decoders imitate, once they have read the number.
constexpr int kFaultlessX264 = 151;

/// Whether the unit is the message of such an x264.
bool is_old_x264(ByteSpan sei) {
    const std::string_view text(reinterpret_cast<const char*>(sei.data()), std::min<std::size_t>(sei.size(), 64));
    constexpr std::string_view kName = "x264 - core ";
    const std::size_t at = text.find(kName);
    if (at == text.npos) return false;
    int build = kFaultlessX264;
    std::from_chars(text.data() + at + kName.size(), text.data() + text.size(), build);
    return build < kFaultlessX264;
}

unsigned hevc_sps_id(ByteSpan unit) {
    NalBits bits(unit, 2);
    bits.skip(4);
    const unsigned sub_layers = bits.bits(3);
    bits.skip(1 + 96);  // profile_tier_level of the highest sub-layer
    unsigned profiles = 0, levels = 0;
    for (unsigned i = 0; i < sub_layers; ++i) {
        profiles += bits.bits(1);
        levels += bits.bits(1);
    }
    if (sub_layers > 0) bits.skip(int(8 - sub_layers) * 2);
    bits.skip(int(profiles * 88 + levels * 8));
    return bits.golomb();
}

}  // namespace

ParameterSets::ParameterSets(AVCodecID codec, ByteSpan extradata) : codec_(codec) { replace(extradata); }

bool ParameterSets::key_of(ByteSpan unit, Key& key) const {
    if (unit.size() < 3 || unit.size() > kLargestSet) return false;
    if (codec_ == AV_CODEC_ID_H264) {
        key = {unit[0] & 31, 0};
        if (key.first == kH264Sps) key.second = NalBits(unit, 4).golomb();
        if (key.first == kH264Pps) key.second = NalBits(unit, 1).golomb();
        return key.first == kH264Sps || key.first == kH264Pps || (key.first == kH264Sei && is_old_x264(unit));
    }
    if (codec_ != AV_CODEC_ID_HEVC || (unit[0] & 1) || unit[1] >> 3) return false;  // other layers are not decoded
    key = {unit[0] >> 1 & 63, 0};
    if (key.first == kHevcVps) key.second = NalBits(unit, 2).bits(4);
    if (key.first == kHevcSps) key.second = hevc_sps_id(unit);
    if (key.first == kHevcPps) key.second = NalBits(unit, 2).golomb();
    return key.first >= kHevcVps && key.first <= kHevcPps;
}

void ParameterSets::take(Sets& sets, ByteSpan unit) const {
    Key key;
    if (!key_of(unit, key) || key.second > 255) return;
    while (!unit.empty() && unit.back() == 0) unit = unit.first(unit.size() - 1);  // Annex B's trailing zeros
    sets[key].assign(unit.begin(), unit.end());
}

void ParameterSets::replace(ByteSpan extradata) {
    extradata_ = std::make_shared<std::vector<std::uint8_t>>(extradata.begin(), extradata.end());
    stated_.clear();
    length_size_ = 0;
    if (codec_ == AV_CODEC_ID_H264 || codec_ == AV_CODEC_ID_HEVC) read_configuration(extradata);
    current_ = stated_;
    headers_.reset();
}

/// avcC (ISO/IEC 14496-15, 5.3.3) and hvcC (8.3.3), told from Annex B as libav does.
void ParameterSets::read_configuration(ByteSpan record) {
    const bool avc = codec_ == AV_CODEC_ID_H264;
    const std::size_t head = avc ? 6 : 23;
    const bool annex_b = record.size() >= 3 && !record[0] && !record[1] && record[2] <= 1;
    if (record.size() < head || annex_b || (avc && record[0] != 1)) {
        NalUnits units(record, 0);
        for (ByteSpan unit = units.next(); !unit.empty(); unit = units.next()) take(stated_, unit);
        return;
    }
    length_size_ = (record[avc ? 4 : 21] & 3) + 1;
    std::size_t at = avc ? 5 : 22;
    int arrays = avc ? 2 : record[at++];
    while (arrays-- > 0 && at < record.size()) {
        const auto number = [&] {
            const unsigned value = at + 2 <= record.size() ? unsigned(record[at] << 8 | record[at + 1]) : 0;
            at = std::min(at + 2, record.size());
            return value;
        };
        unsigned count = 0;
        if (avc) {
            count = record[at++] & (arrays == 1 ? 31u : 255u);
        } else {
            ++at;
            count = number();
        }
        for (; count > 0 && at < record.size(); --count) {
            const std::size_t claimed = number(), size = std::min(claimed, record.size() - at);
            take(stated_, record.subspan(at, size));
            at += size;
        }
    }
}

void ParameterSets::see(ByteSpan unit) {
    Key key;
    if (!key_of(unit, key)) return;
    Sets seen;
    take(seen, unit);
    for (auto& [id, bytes] : seen) {
        const auto known = current_.find(id);
        if (known != current_.end() && known->second == bytes) continue;
        std::size_t held = bytes.size();
        for (const auto& [other, kept] : current_) held += kept.size();
        if (held > kMostSets) continue;
        current_[id] = std::move(bytes);
        headers_.reset();
    }
}

std::shared_ptr<const DecoderHeaders> ParameterSets::headers() {
    if (headers_) return headers_;
    auto made = std::make_shared<DecoderHeaders>();
    made->extradata = extradata_;
    made->length_size = length_size_;
    // One that replaces another makes decoders drop those that build on it, so all are told again.
    if (current_ != stated_)
        for (const auto& [key, bytes] : current_) {
            if (length_size_ == 0) made->in_band.insert(made->in_band.end(), {0, 0, 0, 1});
            for (int i = length_size_ - 1; i >= 0; --i) made->in_band.push_back(std::uint8_t(bytes.size() >> 8 * i));
            made->in_band.insert(made->in_band.end(), bytes.begin(), bytes.end());
        }
    headers_ = std::move(made);
    return headers_;
}

}  // namespace convoy::media
