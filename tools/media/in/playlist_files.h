// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <vector>

namespace convoy::media {

/// The files that libav may read on behalf of a local HLS playlist: its parts, keys and further playlists, and what
/// those name. Empty for whatever is none.
std::vector<std::string> playlist_files(const std::string& path);

}  // namespace convoy::media
