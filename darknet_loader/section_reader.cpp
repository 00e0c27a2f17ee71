// SPDX-License-Identifier: MIT
#include "darknet_loader/section_reader.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <type_traits>

namespace convoy {
namespace {

std::string shown(float value) {
    char text[40];
    return {text, std::to_chars(text, text + sizeof text, value).ptr};
}

}  // namespace

SectionReader::SectionReader(const CfgSection& section, const std::string& path, int layer,
                             std::vector<std::string>& warnings)
    : section_(section), path_(path), layer_(layer), warnings_(warnings) {}

std::string SectionReader::where(int line) const {
    const std::string layer = layer_ < 0 ? "" : " (layer " + std::to_string(layer_) + ")";
    return path_ + ":" + std::to_string(line) + ": [" + section_.name + "]" + layer + " ";
}

int SectionReader::line_of(const char* key) const {
    for (const CfgEntry& entry : section_.entries)
        if (entry.key == key) return entry.line;
    return section_.line;
}

std::string SectionReader::of_key(const char* key) const { return where(line_of(key)) + "key '" + key + "' "; }

void SectionReader::fail(ErrorKind kind, const char* key, const std::string& what) const {
    throw Error(kind, of_key(key) + what);
}

void SectionReader::warn(const char* key, const std::string& what) { warn(of_key(key) + what); }

const CfgEntry* SectionReader::find(const char* key) {
    read_.push_back(key);
    for (const CfgEntry& entry : section_.entries)
        if (entry.key == key) {
            if (entry.value.empty()) fail(ErrorKind::model, key, "has no value; give it one or remove the line");
            return &entry;
        }
    return nullptr;
}

template <class Number>
Number SectionReader::number(const char* key, std::string_view value) const {
    std::string_view digits = value;
    if (digits.size() > 1 && digits[0] == '+' && digits[1] != '-') digits.remove_prefix(1);
    Number result{};
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), result);
    bool whole = error == std::errc() && end == digits.data() + digits.size();
    if constexpr (std::is_floating_point_v<Number>) whole = whole && std::isfinite(result);
    if (!whole) {
        const char* type = std::is_floating_point_v<Number> ? "a number" : "a whole number";
        fail(ErrorKind::model, key, "is " + quote(value) + ", which is not " + type + " of a usable size");
    }
    return result;
}

template <class Number>
std::vector<Number> SectionReader::numbers(const char* key) {
    std::vector<Number> out;
    const CfgEntry* entry = find(key);
    for (std::size_t start = 0; entry && start <= entry->value.size();) {
        if (std::is_floating_point_v<Number> && start > 0 && start == entry->value.size()) break;  // anchors=1,2,
        const std::size_t comma = std::min(entry->value.find(',', start), entry->value.size());
        out.push_back(number<Number>(key, std::string_view(entry->value).substr(start, comma - start)));
        start = comma + 1;
    }
    return out;
}

std::vector<int> SectionReader::integers(const char* key) { return numbers<int>(key); }
std::vector<float> SectionReader::reals(const char* key) { return numbers<float>(key); }

int SectionReader::integer(const char* key, int fallback, int low, int high) {
    const CfgEntry* entry = find(key);
    if (!entry) return fallback;
    const int value = number<int>(key, entry->value);
    if (value < low || value > high)
        fail(
            ErrorKind::model, key,
            "is " + std::to_string(value) + "; it must be from " + std::to_string(low) + " to " + std::to_string(high));
    return value;
}

float SectionReader::real(const char* key, float fallback, float low, float high) {
    const CfgEntry* entry = find(key);
    if (!entry) return fallback;
    const float value = number<float>(key, entry->value);
    if (value < low || value > high)
        fail(ErrorKind::model, key, "is " + entry->value + "; it must be from " + shown(low) + " to " + shown(high));
    return value;
}

std::string_view SectionReader::text(const char* key, std::string_view fallback) {
    const CfgEntry* entry = find(key);
    return entry ? std::string_view(entry->value) : fallback;
}

Activation SectionReader::activation(Activation fallback) {
    const std::string_view name = text("activation", to_string(fallback));
    std::vector<std::string_view> names;
    for (const Activation a : kActivations) {
        if (name == to_string(a)) return a;
        names.push_back(to_string(a));
    }
    for (const Activation a : kChannelActivations)
        if (name == to_string(a)) return a;
    if (name == "revleaky") return Activation::leaky;  // only their gradients differ
    fail(ErrorKind::model, "activation",
         "is " + quote(name) + ", which Darknet does not know" + suggestion(name, names));
}

Activation SectionReader::plain_activation(Activation fallback) {
    const Activation a = activation(fallback);
    if (is_of_channels(a))
        fail(ErrorKind::unsupported, "activation",
             "is " + std::string(to_string(a)) + ", which is implemented for [convolutional] and [shortcut] alone");
    return a;
}

std::vector<int> SectionReader::earlier_layers(const char* key) {
    require(key);
    std::vector<int> layers = integers(key);
    for (int& index : layers) {
        const int given = index;
        if (given < 0) index += layer_;
        if (index >= 0 && index < layer_) continue;
        const std::string range = layer_ == 0 ? "there is no layer before this one"
                                              : "it must name an earlier layer: 0 to " + std::to_string(layer_ - 1) +
                                                    ", or -1 to -" + std::to_string(layer_);
        fail(ErrorKind::model, key, "names layer " + std::to_string(given) + "; " + range);
    }
    return layers;
}

void SectionReader::require(const char* key) {
    if (!find(key) && !missing_) missing_ = key;
}

void SectionReader::ignore(std::initializer_list<const char*> keys) {
    ignored_.insert(ignored_.end(), keys.begin(), keys.end());
}

void SectionReader::expect_neutral(const char* key, float neutral) {
    const CfgEntry* entry = find(key);
    if (entry && number<float>(key, entry->value) != neutral)
        fail(ErrorKind::unsupported, key,
             "is " + entry->value + ", whose effect is not implemented; only " + shown(neutral) + " is supported");
}

void SectionReader::finish() {
    constexpr std::size_t kMostEdits = 2;  // more than that is another word: uc_normalizer is no cls_normalizer
    warn_of_repeats();
    std::vector<std::string_view> known = read_;
    known.insert(known.end(), ignored_.begin(), ignored_.end());
    std::sort(known.begin(), known.end());
    for (const CfgEntry& entry : section_.entries) {
        if (std::binary_search(known.begin(), known.end(), std::string_view(entry.key))) continue;
        const std::string what = where(entry.line) + "key " + quote(entry.key) + " is not known here";
        const std::string meant = suggestion(entry.key, known, kMostEdits);
        if (!meant.empty()) throw Error(ErrorKind::model, what + meant);
        warn(what + " and has no effect; remove it, or correct it if it should have one");
    }
    if (missing_) fail(ErrorKind::model, missing_, "is missing; this section cannot do without it");
}

// Of keys that only training reads nobody needs to know.
void SectionReader::warn_of_repeats() {
    std::sort(read_.begin(), read_.end());
    for (const CfgEntry& again : section_.repeats) {
        if (!std::binary_search(read_.begin(), read_.end(), std::string_view(again.key))) continue;
        const CfgEntry& first = *std::find_if(section_.entries.begin(), section_.entries.end(),
                                              [&](const CfgEntry& entry) { return entry.key == again.key; });
        if (first.value != again.value)
            warn(where(again.line) + "key " + quote(again.key) + " is " + quote(again.value) + ", but line " +
                 std::to_string(first.line) + " says " + quote(first.value) +
                 " and counts, as in Darknet; keep one of them");
    }
}

void SectionReader::warn(std::string sentence) {
    constexpr std::size_t kMost = 10000;  // as many as no cfg of people's has
    if (warnings_.size() == kMost) throw Error(ErrorKind::model, path_ + ": is no cfg: too much in it is not known");
    warnings_.push_back(std::move(sentence));
}

}  // namespace convoy
