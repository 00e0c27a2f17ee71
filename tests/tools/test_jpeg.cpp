// SPDX-License-Identifier: MIT
#include "tools/media/pictures/jpeg.h"

#include <malloc.h>

#include <atomic>
#include <cstdlib>
#include <new>

#include "tests/support/catch.h"
#include "tests/tools/media_files.h"

using namespace convoy;
using namespace convoy::test;

namespace {

std::atomic<std::size_t> largest_block = SIZE_MAX;  // that this program gets by `new`

/// So much that a picture's pixels find no room, for a while.
struct LittleMemory {
    explicit LittleMemory(std::size_t most) { largest_block = most; }
    ~LittleMemory() { largest_block = SIZE_MAX; }
};

std::size_t bytes_in_use() {
    const struct mallinfo2 info = mallinfo2();
    return info.uordblks + info.hblkhd;
}

}  // namespace

void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
    return size > largest_block ? nullptr : std::malloc(size ? size : 1);
}
void* operator new(std::size_t size) {
    void* p = operator new(size, std::nothrow);
    if (!p) throw std::bad_alloc();
    return p;
}
void operator delete(void* p) noexcept { std::free(p); }
void operator delete(void* p, std::size_t) noexcept { std::free(p); }

TEST_CASE("a picture for which there is no room leaves nothing behind", "[jpeg]") {
    const TempFolder folder;
    media::write_image(folder / "p.jpg", synthetic(1024, 768, 3));
    const Bytes file = read_bytes(folder / "p.jpg");
    const auto decode = [&](std::size_t room) {
        const LittleMemory little(room);
        int width = 0, height = 0;
        Bytes rgb;
        std::string reason;
        return media::decode_jpeg(file, width, height, rgb, reason);
    };
    CHECK(decode(SIZE_MAX));
    CHECK_THROWS_AS(decode(1 << 20), std::bad_alloc);
    const std::size_t before = bytes_in_use();
    for (int i = 0; i < 100; ++i) CHECK_THROWS_AS(decode(1 << 20), std::bad_alloc);
    const std::size_t after = bytes_in_use();
    CAPTURE(before, after);
    CHECK(after < before + 100'000);  // the decoder of one such picture takes as much
}

TEST_CASE("a damaged picture leaves nothing behind", "[jpeg]") {
    const TempFolder folder;
    media::write_image(folder / "p.jpg", synthetic(256, 192, 3));
    Bytes file = read_bytes(folder / "p.jpg");
    for (std::size_t i = 0; i + 1 < file.size(); ++i)
        if (file[i] == 0xff && file[i + 1] == 0xc4) file[i + 4] = 0xff;  // tables of codes that cannot be
    int width = 0, height = 0;
    Bytes rgb;
    std::string reason;
    CHECK_FALSE(media::decode_jpeg(file, width, height, rgb, reason));
    const std::size_t before = bytes_in_use();
    for (int i = 0; i < 100; ++i) CHECK_FALSE(media::decode_jpeg(file, width, height, rgb, reason));
    CHECK(bytes_in_use() < before + 100'000);
    CHECK_FALSE(reason.empty());
}
