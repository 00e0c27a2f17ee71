// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <convoy/media/give_up.h>
#include <convoy/media/image.h>

namespace convoy::media {

/// read_image() of a file's bytes, which what is thrown calls `name`, of `most_pixels` at most.
Image decode_picture(const std::string& name, std::vector<std::uint8_t> bytes, std::int64_t most_pixels,
                     const GiveUp& give_up = {}, std::string* warning = nullptr);

}  // namespace convoy::media
