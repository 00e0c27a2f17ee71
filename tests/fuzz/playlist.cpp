// SPDX-License-Identifier: MIT
//
// Any text as a playlist, with a clip beside it behind a zero, and as what is told of a file that is none. Nothing out
// of its folder is read: the first clip lies in the folder above as well, for playlists that have none of their own.
#include "tests/fuzz/read_input.h"
#include "tools/media/reach.h"

using namespace convoy::fuzz;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const Scratch folder;
    static const bool inside = std::filesystem::create_directory(folder.path("in"));
    static PacketCount packets("playlist");
    static bool outside = false;
    require(inside);
    Bytes bytes(data, size);
    const std::string text = bytes.text(), clip = bytes.rest();
    (void)convoy::media::Reach("").why_not({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
    folder.write("in/clip.ts", clip);
    if (!clip.empty() && !outside) {
        folder.write("up.ts", clip);
        outside = true;
    }
    const std::size_t before = packets.count();
    // One that goes on is asked for again and again.
    read_input(folder.write("in/fuzz.m3u8", text + "\n#EXT-X-ENDLIST\n"), packets);
    require(!clip.empty() || packets.count() == before || text.find("data:") != text.npos);
    return 0;
}
