// SPDX-License-Identifier: MIT
//
// The parts of a playlist, as they are opened: libav passes over what is missing of them and says nothing.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "tools/media/av_handles.h"

namespace convoy::media {

/// Whether an address names a list, and no part: one of several, maybe.
bool is_list_name(std::string_view url);

/// An address of a file as people name it.
std::string without_file(std::string url);

/// How far into a file a part of it goes that libav is about to open; 0 where it takes all.
std::int64_t end_of_range(const AVDictionary* options);

/// "a part of it, 7.ts, is empty": of a part that libav has opened with this outcome; empty where nothing is missing.
std::string lack_of_part(const std::string& url, int code, AVIOContext* io, std::int64_t end_of_range);
/// The same of a part of which that is known; empty where `lack` is.
std::string lack_of_part(const std::string& url, const std::string& lack);

}  // namespace convoy::media
