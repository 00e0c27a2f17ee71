// SPDX-License-Identifier: MIT
//
// What libav does not see in two plain kinds of pictures.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace convoy::media {

/// Whether run-length coded pixels of a BMP (RLE8, RLE4) are missing at its end. False for all else.
bool lacks_runs_of_bmp(std::span<const std::uint8_t> file);

/// A black-and-white PAM, with or without an alpha channel, becomes a grey one of the same look: libav expects eight
/// pixels to the byte, of which a PAM has one. Nothing happens to all else.
void mend_black_and_white_pam(std::vector<std::uint8_t>& file);

}  // namespace convoy::media
