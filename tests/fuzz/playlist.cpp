// SPDX-License-Identifier: MIT
//
// Any text as a playlist, with a clip beside it behind a zero, and as what is told of a file that is none. Nothing out
// of its folder may be opened.
#include "tests/fuzz/read_input.h"
#include "tools/media/reach.h"

using namespace convoy::fuzz;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const Scratch folder;
    static PacketCount packets("playlist");
    Bytes bytes(data, size);
    const std::string text = bytes.text();
    (void)convoy::media::Reach("").why_not({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
    folder.write("clip.ts", bytes.rest());
    // One that goes on is asked for again and again.
    read_input(folder.write("fuzz.m3u8", text + "\n#EXT-X-ENDLIST\n"), packets);
    return 0;
}
