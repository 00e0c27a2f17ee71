// SPDX-License-Identifier: MIT
//
// Any bytes as a stream of packets (packet_bytes.h) to cut: all of them are in the pieces, in order.
#include "tools/media/in/segmenter.h"
#include "tests/fuzz/packet_bytes.h"
#include "tests/fuzz/packet_count.h"

using namespace convoy::fuzz;
using namespace convoy::media;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    Bytes bytes(data, size);
    static PacketCount count("segmenter");
    const VideoStreamPtr stream = take_stream(bytes);
    PacketBytes packets(bytes);
    Segmenter segmenter(stream, [&](AVPacket& packet) { return packets.read(packet); });
    std::int64_t seen = 0;
    bool open = false;
    while (const auto run = segmenter.next()) {
        require(run->begins != open);
        open = !run->ends;
        const PacketSegment& s = *run->segment;
        std::size_t total = 0;
        for (const PacketPtr& packet : s.packets) {
            require(packet->dts == ++seen);
            total += std::size_t(packet->size);
        }
        require(total >= s.size && s.reorder_depth >= 0 && s.reorder_depth <= 16);
        if (run->begins) require(s.headers && !s.packets.empty());
        if (run->closed()) require(s.packets.size() <= kMostPackets && total == s.size + s.headers->in_band.size());
    }
    count.add(std::size_t(seen));
    require(!open && seen == packets.count() && seen == segmenter.packets());
    return 0;
}
