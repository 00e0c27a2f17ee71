// SPDX-License-Identifier: MIT
#pragma once

#include <string>

#include "tools/media/av_handles.h"

namespace convoy::media {

/// Whether a path names one of Linux's video devices.
inline bool is_camera(const std::string& path) { return path.rfind("/dev/video", 0) == 0; }

/// libav's reader of video devices, from libavdevice, which is loaded when it is first wanted and stays: few need it,
/// and it brings dozens of libraries along. Throws Error(unsupported) that names the package when it is not installed.
const AVInputFormat* camera_format();

}  // namespace convoy::media
