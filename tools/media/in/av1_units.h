// SPDX-License-Identifier: MIT
//
// AV1 without a container: its units one behind the other (low overhead), or temporal units with their sizes (Annex B).
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "tools/media/in/file_bytes.h"

namespace convoy::media {

/// Bytes of what begins with `head`; nothing where that is no such unit. A header that `head` cuts short belongs to a
/// unit that is longer than `head`.
std::optional<std::int64_t> size_of_obu(FileView head);
std::optional<std::int64_t> size_of_temporal_unit(FileView head);

/// Where the row of units ends before the file does, and whether pictures follow what stands there.
struct RowEnd {
    std::int64_t at;
    bool has_more;
};

/// Nothing where the file is no AV1 without a container, or has units up to its end.
std::optional<RowEnd> early_end_of_av1(const std::string& path);

/// Whether a file begins with a sequence and a picture, but not with the unit that tells pictures apart: libav needs
/// it.
bool lacks_delimiters_of_av1(const std::string& path);

}  // namespace convoy::media
