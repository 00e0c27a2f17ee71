// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <convoy/segment.h>
#include "tools/media/av_handles.h"
#include "tools/media/in/video_stream.h"
#include "tools/media/pictures/filter_graph.h"

namespace convoy::media {

struct DecoderOptions {
    int threads = 1;              ///< 0 lets libav choose; with one, damage has the same outcome every time
    bool frame_threads = true;    ///< of several threads, whether some work on later frames; each holds one back
    AVBufferRef* cuda = nullptr;  ///< NVDEC on this device (cuda_device()) where it can, else the CPU
    int reorder_depth = 0;        ///< H.264: frames that are held back at least, to come out in order
    bool inside_gop = false;      ///< the packets begin between two keyframes: see Decoder::undecodable()
    bool deinterlace = false;     ///< interlaced pictures become whole ones; on the CPU only
    /// When what has such a time stamp is shown, in the times that people are told; as a rule the stamp's seconds.
    std::function<double(std::int64_t)> time_of = {};
    bool stay_open = false;  ///< end without flushing where the codec lets us, though it is not NVDEC's: for tests
};

/// Whether libav marks this codec's keyframes reliably, packets and pictures both.
bool marks_keyframes(AVCodecID codec);

/// A libav decoder with what it says of damage put into words.
class Decoder {
public:
    /// The next packet; null at the end.
    using Feed = std::function<const AVPacket*()>;

    /// `extradata` in place of the stream's own. Throws Error(input) when libav refuses.
    Decoder(VideoStreamPtr stream, std::span<const std::uint8_t> extradata, const DecoderOptions& options);
    Decoder(const Decoder&) = delete;
    Decoder& operator=(const Decoder&) = delete;

    /// The next picture in presentation order, valid until the next call, or null at the end. Takes as many packets as
    /// that needs. Notes packets and pictures that cannot be decoded, and pictures that are damaged in part.
    AVFrame* next(const Feed& feed, SegmentNotes& notes);
    /// Whether the last picture is one before the first that can be known: it is that one, with its own time stamp. So
    /// what lies between the begin of a recording and its first keyframe keeps its places, whatever the codec's decoder
    /// makes of it: nothing, or grey with moving blots.
    bool undecodable() const { return undecodable_; }
    /// Goes on with another stream: same_kind().
    void move_to(VideoStreamPtr stream) { stream_ = std::move(stream); }
    /// Ready for other packets of the stream, after next() has returned null. `length_size`: see NalUnits.
    void begin(int reorder_depth, int length_size, bool inside_gop);

    /// Forgets all that it has decoded: only between begin() and the first packet.
    void forget();

    /// Whether it was decided that the pictures so far are decoded by the GPU, or by the CPU.
    bool on_gpu() const { return on_gpu_; }
    bool on_cpu() const { return on_cpu_; }
    /// Whether it can decode without a GPU: of AV1, NVDEC's part in libav cannot.
    bool has_software() const { return has_software_; }
    /// Why by the CPU although there is a GPU, a few words.
    const std::string& why_cpu() const { return why_cpu_; }
    /// What libav said last when something could not be decoded; 0 when nothing did.
    int last_error() const { return last_error_; }
    /// Whether all that could not be decoded so far was the packets' fault.
    bool is_sound() const { return sound_; }

private:
    static AVPixelFormat choose_format(AVCodecContext* context, const AVPixelFormat* formats);
    int receive();
    AVFrame* next_known(const Feed& feed, SegmentNotes& notes);
    bool is_known() const;
    void find_places();
    bool push(const Feed& feed, SegmentNotes& notes);
    void send(const AVPacket* packet, SegmentNotes& notes);
    void note_error(int code);
    bool can_stay_open() const;
    void forget_order();
    double seconds(std::int64_t stamp) const { return time_of_ ? time_of_(stamp) : stream_->seconds(stamp); }

    VideoStreamPtr stream_;
    std::function<double(std::int64_t)> time_of_;
    CodecPtr context_;
    FramePtr picture_{av_frame_alloc()};
    PacketPtr end_of_sequence_;
    int length_size_ = 0;
    bool stay_open_, has_software_ = true, on_gpu_ = false, on_cpu_, gpu_offered_ = false;
    bool ending_ = false, draining_ = false, gave_picture_ = false, sound_ = true;
    // Where it deinterlaces:
    bool deinterlace_, filter_ended_ = false;
    std::optional<FilterGraph> filter_;
    FramePtr of_next_filter_{av_frame_alloc()};  // of another size or format than the pictures inside
    // Of packets that begin inside a GOP:
    bool knows_ = true, undecodable_ = false;
    FramePtr first_known_{av_frame_alloc()};
    std::vector<std::int64_t> places_;  // time stamps, until the first known picture is there of all packets
    std::size_t next_place_ = 0, unknown_ = 0;
    std::string why_cpu_;
    int last_error_ = 0, drain_errors_ = 0;
    double time_s_;  // of the last packet
};

}  // namespace convoy::media
