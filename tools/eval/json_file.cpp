// SPDX-License-Identifier: MIT
#include "tools/eval/json_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>

#include <convoy/error.h>

namespace convoy::eval {

using nlohmann::json;

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
    if (!value.is_number_integer()) fail(fmt::format("has {} as \"{}\"; it must be an integer", value.dump(), key));
    return value.get<std::int64_t>();
}

double Record::number(const char* key) const {
    const json& value = at(key);
    if (!value.is_number()) fail(fmt::format("has {} as \"{}\"; it must be a number", value.dump(), key));
    return value.get<double>();
}

std::string Record::text(const char* key) const {
    const json& value = at(key);
    if (!value.is_string()) fail(fmt::format("has {} as \"{}\"; it must be a string", value.dump(), key));
    return value.get<std::string>();
}

Box Record::box(const char* key) const {
    const json& value = at(key);
    if (!value.is_array() || value.size() != 4 ||
        !std::all_of(value.begin(), value.end(), [](const json& v) { return v.is_number(); }))
        fail(fmt::format("has {} as \"{}\"; it must be [x, y, width, height]", value.dump(), key));
    return {value[0].get<double>(), value[1].get<double>(), value[2].get<double>(), value[3].get<double>()};
}

}  // namespace convoy::eval
