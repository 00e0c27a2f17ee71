// SPDX-License-Identifier: MIT
#include "tools/media/in/hand_out.h"

#include <optional>
#include <utility>

#include "tools/media/in/damage.h"

namespace convoy::media {

HandOut::HandOut(Segmenter& segmenter, PacketRun begin, int threads, bool deinterlace)
    : segmenter_(segmenter),
      run_(std::move(begin)),
      left_out_(run_.segment->left_out),
      decoder_(run_.segment->stream, *run_.segment->headers->extradata,
               {.threads = threads,
                .reorder_depth = run_.segment->reorder_depth,
                .inside_gop = run_.segment->inside_gop,
                .deinterlace = deinterlace}),
      maker_(run_.segment->stream) {}

const AVPacket* HandOut::next_packet() {
    while (at_ == run_.segment->packets.size()) {
        std::optional<PacketRun> next;
        if (run_.ends || !(next = segmenter_.next())) return nullptr;
        run_ = std::move(*next);
        left_out_.insert(left_out_.end(), run_.segment->left_out.begin(), run_.segment->left_out.end());
        at_ = 0;
    }
    return run_.segment->packets[at_++].get();
}

std::shared_ptr<FramePart> HandOut::next() {
    auto part = std::make_shared<FramePart>();
    while (!ended_ && part->frames.size() < kPartFrames && part->size < kPartBytes) {
        AVFrame* picture = decoder_.next([this] { return next_packet(); }, part->notes);
        if (!picture) {
            ended_ = true;
            break;
        }
        if (strike_off(left_out_, picture->pts)) continue;
        std::optional<Frame> frame = maker_.make(*picture);
        if (!frame) {
            note_unconvertible(part->notes, run_.segment->stream->path);
            continue;
        }
        frame->undecodable = decoder_.undecodable();
        const PixelView& p = frame->pixels;
        part->size += std::size_t(p.pitch[0]) * p.height + std::size_t(p.pitch[1]) * ((p.height + 1) / 2);
        part->frames.push_back(std::move(*frame));
    }
    return part;
}

}  // namespace convoy::media
