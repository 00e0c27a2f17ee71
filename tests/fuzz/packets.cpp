// SPDX-License-Identifier: MIT
//
// Any bytes as a stream of packets (packet_bytes.h), cut and decoded.
#include <convoy/error.h>
#include "tests/fuzz/packet_bytes.h"
#include "tests/fuzz/packet_count.h"
#include "tools/media/in/hand_out.h"
#include "tools/media/in/video_reader.h"

extern "C" {
#include <libavutil/log.h>
}

namespace {

using namespace convoy::fuzz;
using namespace convoy::media;

constexpr std::int64_t kMostRead = 64;  // of one input: many more take their time, and no other way

void decode(VideoReader& reader, std::shared_ptr<const convoy::Segment> segment) {
    reader.open(std::move(segment));
    while (const auto frame = reader.next())
        require(frame->owner && frame->pixels.width > 0 && frame->pixels.height > 0);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static PacketCount count("packets");
    av_log_set_level(AV_LOG_QUIET);
    Bytes bytes(data, size);
    const VideoStreamPtr stream = take_stream(bytes);
    PacketBytes packets(bytes);
    Segmenter segmenter(stream, [&](AVPacket& packet) { return packets.count() < kMostRead && packets.read(packet); });
    try {
        VideoReader reader(stream, {});
        while (auto run = segmenter.next()) {
            if (run->closed()) {
                decode(reader, run->segment);
                continue;
            }
            HandOut parts(segmenter, std::move(*run), 1, false);
            while (!parts.ended()) decode(reader, parts.next());
        }
    } catch (const convoy::Error&) {  // says what is wrong with it
    }
    count.add(std::size_t(packets.count()));
    return 0;
}
