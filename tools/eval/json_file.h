// SPDX-License-Identifier: MIT
//
// JSON files with errors that a person can act on.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "tools/eval/dataset.h"

namespace convoy::eval {

/// Parses the file; members called one of `skip` are dropped at once, so that outlines cost no memory.
/// Throws Error(input) with file, line and column.
nlohmann::json read_json(const std::string& path, std::initializer_list<std::string_view> skip = {});

/// The array called `key` of the file's top object. Throws Error(input) when it is missing.
const nlohmann::json& array_member(const nlohmann::json& root, const char* key, const std::string& path);

/// One object of an array. Every accessor throws Error(input) naming file, array, index and key.
class Record {
public:
    /// `path` and `array` must outlive the record.
    Record(const nlohmann::json& object, const std::string& path, const char* array, std::size_t index);

    bool has(const char* key) const { return object_.contains(key); }
    std::int64_t integer(const char* key) const;
    int pixels(const char* key) const;  ///< of a side; not negative
    double number(const char* key) const;
    std::string text(const char* key) const;
    Box box(const char* key) const;  ///< [x, y, width, height]

    /// Error(input) with the record's place before `sentence`.
    [[noreturn]] void fail(const std::string& sentence) const;

private:
    const nlohmann::json& at(const char* key) const;

    const nlohmann::json& object_;
    const std::string& path_;
    const char* array_;
    std::size_t index_;
};

}  // namespace convoy::eval
