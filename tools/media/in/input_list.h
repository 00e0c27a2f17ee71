// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace convoy::media {

/// The inputs that a text file lists, one a line: paths, from the working directory or else from the file's folder, or
/// addresses. Blank lines and white space around them do not count, nor does a byte order mark. Of a .data file of
/// Darknet's, the list that its `valid` names. Nothing where the file is no such list: a binary one, one that is not
/// called .txt, .list, .lst or .data, or one that says nothing. Throws Error(input) for one without a line
/// that is an address or a path of something that exists. `outright`: it is one whatever it is called and says. `files`
/// gets what was read: the list, and the .data file that names it.
std::optional<std::vector<std::string>> read_input_list(const std::string& path, bool outright,
                                                        std::vector<std::string>& files);

struct ListLine {
    std::size_t number;  ///< from 1 on
    std::string path;
};

/// The lines of a list, whatever it is called, that say something; none of an empty one. Paths as above. Throws
/// Error(input) where it cannot be read or is no text.
std::vector<ListLine> read_list_lines(const std::string& path);

}  // namespace convoy::media
