// SPDX-License-Identifier: MIT
#pragma once

#include <memory>
#include <string>

#include "tools/media/source.h"

namespace convoy::media {

std::unique_ptr<Source> open_picture(const std::string& path);
std::unique_ptr<Source> open_video(const std::string& path, const SourceOptions& options);

/// Whether a path is left to libav's protocols, e.g. rtsp://camera/1.
inline bool is_url(const std::string& path) { return path.find("://") != std::string::npos; }

}  // namespace convoy::media
