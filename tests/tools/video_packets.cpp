// SPDX-License-Identifier: MIT
#include "tests/tools/video_packets.h"

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <stdexcept>

#include "tests/tools/media_files.h"
#include "tools/media/av_handles.h"

namespace convoy::test {

std::vector<Packet> packets_of(const std::string& path) {
    AVFormatContext* raw = nullptr;
    if (avformat_open_input(&raw, path.c_str(), nullptr, nullptr) < 0) throw std::runtime_error("cannot open " + path);
    const media::DemuxerPtr demuxer(raw);
    const media::PacketPtr packet(av_packet_alloc());
    std::vector<Packet> packets;
    for (; av_read_frame(raw, packet.get()) >= 0; av_packet_unref(packet.get())) {
        if (raw->streams[packet->stream_index]->codecpar->codec_type != AVMEDIA_TYPE_VIDEO) continue;
        const double base = av_q2d(raw->streams[packet->stream_index]->time_base);
        packets.push_back(
            {double(packet->pts) * base, double(packet->dts) * base, (packet->flags & AV_PKT_FLAG_KEY) != 0});
    }
    return packets;
}

std::vector<double> shown_times(const std::vector<Packet>& packets) {
    std::vector<double> times;
    for (const Packet& packet : packets) times.push_back(packet.pts_s);
    std::sort(times.begin(), times.end());
    for (double& time : times) time -= packets.empty() ? 0 : times.front() * (&time != &times.front());
    if (!times.empty()) times.front() = 0;
    return times;
}

std::string decoding_faults(const std::string& path) {
    static const bool installed = has_ffmpeg();
    if (!installed) return "not installed";
    // Without the options times that vary are rounded to a steady rate, and it says so.
    const Bytes said = output_of("{ ffmpeg -v error -i '" + path +
                                 "' -fps_mode passthrough -enc_time_base 1:90000 -f null - 2>&1 || echo failed; }");
    return {said.begin(), said.end()};
}

int decoded_frames(const std::string& path) {
    static const bool installed = has_ffmpeg();
    if (!installed) return -1;
    const Bytes said = output_of(
        "ffprobe -v error -count_frames -select_streams v -show_entries stream=nb_read_frames "
        "-of csv=p=0 '" +
        path + "'");
    return std::atoi(std::string(said.begin(), said.end()).c_str());
}

}  // namespace convoy::test
