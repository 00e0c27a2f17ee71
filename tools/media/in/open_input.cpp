// SPDX-License-Identifier: MIT
#include <algorithm>
#include <iterator>

#include <convoy/media/image.h>
#include <convoy/media/input.h>
#include "tools/media/files.h"
#include "tools/media/in/camera.h"
#include "tools/media/in/live_input.h"
#include "tools/media/in/picture_input.h"
#include "tools/media/in/video_input.h"
#include "tools/media/pictures/filter_graph.h"
#include "tools/media/pictures/picture_format.h"

namespace convoy::media {

bool is_live(const std::string& path) {
    static constexpr const char* kProtocols[] = {"rtsp",  "rtsps", "rtspt", "rtmp", "rtmps", "rtmpt",
                                                 "rtmpe", "srt",   "rist",  "udp",  "rtp",   "srtp",
                                                 "tcp",   "tls",   "mmsh",  "mmst", "unix",  "rtspu"};
    if (!is_url(path)) return is_camera(path);
    const std::string protocol = path.substr(0, path.find("://"));
    return std::any_of(std::begin(kProtocols), std::end(kProtocols), [&](const char* p) { return protocol == p; });
}

bool is_address(const std::string& path) { return is_url(path); }

std::unique_ptr<Input> open_input(const std::string& path, const InputOptions& options, std::stop_token cancel) {
    if (options.frames < 0 || options.threads < 0 || !(options.give_up_s >= 0) || !(options.start_s >= 0) ||
        !(options.stop_s >= 0) || options.every < 1)
        throw Error(ErrorKind::usage, "'" + without_passwords(path) +
                                          "': frames, threads and seconds of InputOptions must not be negative, and "
                                          "every must be at least 1");
    if (options.stop_s > 0 && !(options.stop_s > options.start_s))
        throw Error(ErrorKind::usage, "'" + without_passwords(path) + "': InputOptions stop before they start");
    if (!is_url(path) && picture_format(path) == PictureFormat::animated_webp)
        throw Error(
            ErrorKind::unsupported,
            "'" + path + "' is an animated WebP, which FFmpeg cannot decode; convert it to GIF, APNG or a video");
    const std::string obstacle = options.deinterlace ? FilterGraph::obstacle({"bwdif"}) : "";
    if (!obstacle.empty())
        throw Error(ErrorKind::unsupported, "'" + without_passwords(path) + "' cannot be deinterlaced: " + obstacle);
    if (is_picture(path) && !is_url(path)) return std::make_unique<PictureInput>(path, cancel);
    if (!is_live(path)) {
        auto demuxer =
            std::make_unique<Demuxer>(path, cancel, nullptr, Demuxer::silence_of(options.give_up_s), options.stream);
        if (demuxer->is_recording()) return std::make_unique<VideoInput>(std::move(demuxer), cancel, options);
    }
    return std::make_unique<LiveInput>(path, options, cancel);
}

}  // namespace convoy::media
