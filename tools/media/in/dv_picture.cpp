// SPDX-License-Identifier: MIT
#include "tools/media/in/dv_picture.h"

namespace convoy::media {
namespace {

/// Of blocks of 80 bytes, each of which begins with its kind (the upper three bits) and number.
constexpr std::size_t kHeader = 0, kSubcode = 80, kAuxiliary = 240, kMark = 3;
constexpr int kMarks = 3;

int marks_of(FileView bytes) {
    if (bytes.size() < kAuxiliary + kMark) return 0;
    const auto is = [&](std::size_t at, int kind) {
        return bytes[at] >> 5 == kind && (bytes[at + 1] & 0xf) == 7 && bytes[at + 2] == 0;
    };
    return is(kHeader, 0) + is(kSubcode, 1) + is(kAuxiliary, 2);
}

}  // namespace

bool is_dv_picture(FileView bytes) { return marks_of(bytes) >= kMarks - 1; }

bool has_dv_picture(const std::string& path, std::int64_t from) {
    constexpr std::size_t kBlock = 1 << 20;
    std::ifstream file(path, std::ios::binary);
    for (;; from += std::int64_t(kBlock)) {
        const std::size_t wanted = kBlock + kAuxiliary + kMark - 1;
        const FileBytes bytes = read_at(file, from, wanted);
        for (std::size_t i = 0; i < bytes.size(); ++i)
            if (bytes[i] == 0x1f && marks_of(FileView(bytes).subspan(i)) == kMarks) return true;
        if (bytes.size() < wanted) return false;
    }
}

}  // namespace convoy::media
