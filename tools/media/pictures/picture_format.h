// SPDX-License-Identifier: MIT
//
// What the bytes of a file say of the picture in it, whatever its name is.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "tools/media/pictures/orientation.h"

namespace convoy::media {

enum class PictureFormat {
    none,  ///< no picture that is known by its first bytes
    jpeg,  ///< libjpeg's
    png,
    gif,  ///< stb_image's, which read other formats as well
    webp,
    tiff,
    heif,
    other,      ///< one more that libav knows
    animation,  ///< several pictures one after the other, a video: GIF, APNG
    animated_webp,
    motion_jpeg,
    container,  ///< no picture but something that libav knows
};

/// The format of a file that begins with these bytes; nothing when more of them are needed to tell. `whole`: there are
/// no more.
std::optional<PictureFormat> picture_format(std::span<const std::uint8_t> head, bool whole);

/// The same of a file, of which no more is read than that takes; `none` where it is no regular file, or unreadable.
PictureFormat picture_format(const std::string& path);

/// How many pictures a TIFF has side by side, reduced copies not counted. 1 where it does not tell.
int tiff_pages(std::span<const std::uint8_t> file);

/// The orientation that a PNG, WebP or TIFF states; 1 when it states none.
Orientation stored_orientation(std::span<const std::uint8_t> file, PictureFormat format);

/// Gives a PNG that has all of its pixels the end marker that it lacks. Whether it lacked that.
bool mend_png_end(std::vector<std::uint8_t>& file);

}  // namespace convoy::media
