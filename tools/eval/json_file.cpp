// SPDX-License-Identifier: MIT
#include "tools/eval/json_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <limits>

#include <convoy/error.h>

namespace convoy::eval {

using nlohmann::json;

namespace {

/// As a sentence names it. What is nested is not written: it may be as deep as the file is long.
std::string shown(const json& value) {
    constexpr std::size_t kMost = 80;  // bytes
    if (value.is_structured() &&
        std::any_of(value.begin(), value.end(), [](const json& v) { return v.is_structured(); }))
        return value.is_array() ? "a nested array" : "a nested object";
    std::string text = value.dump();
    if (text.size() <= kMost) return text;
    std::size_t end = kMost;
    while ((text[end] & 0xc0) == 0x80) --end;  // inside of a character
    return text.substr(0, end) + "…";
}

}  // namespace

json read_json(const std::string& path, std::initializer_list<std::string_view> skip) {
    std::ifstream file(path);
    if (!file) throw Error(ErrorKind::input, fmt::format("{}: cannot be opened", path));
    const auto keep = [&](int, json::parse_event_t event, json& value) {
        if (event != json::parse_event_t::key || !value.is_string()) return true;
        return std::find(skip.begin(), skip.end(), value.get_ref<const std::string&>()) == skip.end();
    };
    try {
        return json::parse(file, keep);
    } catch (const json::exception& e) {
        // "[json.exception.parse_error.101] parse error at line 1, column 5: …": the bracket is for programmers.
        const std::string text = e.what();
        const auto bracket = text.find("] ");
        const std::string sentence = bracket == std::string::npos ? text : text.substr(bracket + 2);
        throw Error(ErrorKind::input, fmt::format("{}: not valid JSON: {}", path, sentence));
    }
}

const json& array_member(const json& root, const char* key, const std::string& path) {
    if (!root.is_object())
        throw Error(ErrorKind::input, fmt::format("{}: COCO annotations are a JSON object with \"images\", "
                                                  "\"annotations\" and \"categories\"; this holds {} {}",
                                                  path, root.is_array() ? "an" : "a", root.type_name()));
    const auto found = root.find(key);
    if (found == root.end() || !found->is_array())
        throw Error(ErrorKind::input, fmt::format("{}: has no array \"{}\"; COCO annotations hold \"images\", "
                                                  "\"annotations\" and \"categories\"",
                                                  path, key));
    return *found;
}

Record::Record(const json& object, const std::string& path, const char* array, std::size_t index)
    : object_(object), path_(path), array_(array), index_(index) {
    if (!object.is_object()) fail("is not an object");
}

void Record::fail(const std::string& sentence) const {
    throw Error(ErrorKind::input, fmt::format("{}: {}[{}] {}", path_, array_, index_, sentence));
}

const json& Record::at(const char* key) const {
    const auto found = object_.find(key);
    if (found == object_.end()) fail(fmt::format("has no \"{}\"", key));
    return *found;
}

std::int64_t Record::integer(const char* key) const {
    const json& value = at(key);
    constexpr auto kMost = std::uint64_t(std::numeric_limits<std::int64_t>::max());
    if (!value.is_number_integer() || (value.is_number_unsigned() && value.get<std::uint64_t>() > kMost))
        fail(fmt::format("has {} as \"{}\"; it must be an integer", shown(value), key));
    return value.get<std::int64_t>();
}

int Record::pixels(const char* key) const {
    const std::int64_t value = integer(key);
    if (value < 0 || value > std::numeric_limits<int>::max())
        fail(fmt::format("has {} as \"{}\"; it must be a number of pixels", value, key));
    return int(value);
}

double Record::number(const char* key) const {
    const json& value = at(key);
    if (!value.is_number()) fail(fmt::format("has {} as \"{}\"; it must be a number", shown(value), key));
    return value.get<double>();
}

std::string Record::text(const char* key) const {
    const json& value = at(key);
    if (!value.is_string()) fail(fmt::format("has {} as \"{}\"; it must be a string", shown(value), key));
    return value.get<std::string>();
}

Box Record::box(const char* key) const {
    const json& value = at(key);
    if (!value.is_array() || value.size() != 4 ||
        !std::all_of(value.begin(), value.end(), [](const json& v) { return v.is_number(); }))
        fail(fmt::format("has {} as \"{}\"; it must be [x, y, width, height]", shown(value), key));
    return {value[0].get<double>(), value[1].get<double>(), value[2].get<double>(), value[3].get<double>()};
}

}  // namespace convoy::eval
