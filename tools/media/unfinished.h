// SPDX-License-Identifier: MIT
//
// Files and folders that outputs grow in: `.convoy-OUTPUT-HOST-BOOT-….part`, locked as long as their process lives.
#pragma once

#include <string>
#include <vector>

namespace convoy::media {

/// How the names begin that belong to the output file `output`, on this host since it was started.
std::string unfinished_prefix(const std::string& output);

/// Marks an open one as that of a living process, until it is closed; false when somebody is about to remove it.
bool keep_unfinished(int fd);

/// The names of those in a folder that processes of this host have left there.
std::vector<std::string> unfinished_in(const std::string& folder);

/// Whether such a name belongs to the output file.
bool is_unfinished_of(const std::string& name, const std::string& output);

/// Removes one, with what is in it, unless its process lives; whether it did.
bool remove_unfinished(const std::string& path);

/// The same for all in a folder: where outputs get their names one by one, nobody may ever write those again.
void remove_all_unfinished(const std::string& folder);

}  // namespace convoy::media
