// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string>

#include "tools/media/in/file_bytes.h"

namespace convoy::media {

/// Whether a picture of DV begins there. One that is damaged may have lost some of its marks.
bool is_dv_picture(FileView bytes);

/// Whether a whole one, or a part of it, begins somewhere in the file from there on.
bool has_dv_picture(const std::string& path, std::int64_t from);

}  // namespace convoy::media
