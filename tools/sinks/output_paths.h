// SPDX-License-Identifier: MIT
//
// Names of outputs: whether they can be written, and one for each input in a folder. Nothing here touches a file.
#pragma once

#include <functional>
#include <string>
#include <vector>

namespace convoy::tools {

/// Bytes that a picture's stem leaves for what follows it: "-000123.jpg" with more digits.
constexpr std::size_t kPictureOfVideo = 24;

/// Throws Error(output) unless `path` can be written. A file that is there is replaced by a new one, unless it is
/// written `in_place`.
void check_file(const std::string& path, bool in_place = false);

/// The same for a folder, which need not be there yet.
void check_folder(const std::string& path);

/// Throws Error(usage) unless the path ends in one of these.
void check_ending(const char* option, const std::string& path, const std::vector<std::string>& endings);

/// Whether an output is a folder: it ends in / or is one.
bool names_folder(const std::string& path);

/// `path` with a / at its end; nothing for the folder that one is in.
std::string as_folder(const std::string& path);

/// A path in the `folder` for an input: its stem, or stem-2, stem-3, …, the first that is not taken. A stem that leaves
/// no `room` for what follows is cut.
std::string free_stem(const std::string& folder, const std::string& input, std::size_t room,
                      const std::function<bool(const std::string&)>& is_taken);

/// One per input that no other input has.
std::vector<std::string> unique_stems(
    const std::string& folder, const std::vector<std::string>& inputs, std::size_t room,
    const std::function<bool(const std::string&)>& is_free = [](const std::string&) { return true; });

std::vector<std::string> with_ending(std::vector<std::string> names, const std::string& ending);

}  // namespace convoy::tools
