// SPDX-License-Identifier: MIT
#pragma once

#include <set>
#include <string>
#include <vector>

namespace convoy::media {

/// The files that libav may read on behalf of a local HLS playlist: its parts, keys and further playlists, and what
/// those name. Empty for whatever is none.
std::vector<std::string> playlist_files(const std::string& path);

/// Those of them that have sound alone, beside the video's, in their normal form.
std::set<std::string> separate_sound_files(const std::string& path);

}  // namespace convoy::media
