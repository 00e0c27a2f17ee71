// SPDX-License-Identifier: MIT
//
// .cfg text to sections of key and value, with the lines they stand on (AlexeyAB parser.c, read_cfg).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <convoy/error.h>

namespace convoy {

struct CfgEntry {
    std::string key, value;  ///< no white space in them; the key is not empty
    int line = 0;
};

struct CfgSection {
    std::string name;  ///< without brackets, as written
    int line = 0;
    std::vector<CfgEntry> entries;  ///< in order, every key once: the first counts (AlexeyAB option_list.c)
    std::vector<CfgEntry> repeats;  ///< what else is said of those keys
};

/// Splits a whole cfg. `path` is only used in messages. Throws Error(model) for what is not a cfg at all: no section,
/// bytes that no text has, a line that is neither section, comment nor key=value. What follows # or ; is a comment.
std::vector<CfgSection> read_cfg(std::string_view text, const std::string& path);

/// `text` in quotes and shortened, with unprintable bytes as \xNN: safe to put into a message.
std::string quote(std::string_view text);

/// The nearest of `known` to a misspelt `word` as "; did you mean 'x'?", or "" where none is near: at most a third of
/// its letters differ, and at most `most` of them.
std::string suggestion(std::string_view word, const std::vector<std::string_view>& known, std::size_t most = 40);

}  // namespace convoy
