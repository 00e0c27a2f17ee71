// SPDX-License-Identifier: MIT
//
// CVAT's XML, version 1.1: of one video, or of pictures. Boxes that belong to a track are kept until that has ended;
// all others are written as they come.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>

#include "tools/sinks/formats/record_format.h"
#include "tools/sinks/formats/text.h"

namespace convoy::tools {
namespace {

constexpr std::int64_t kLost = 300;       // frames after which a track is not waited for any more
constexpr std::size_t kLongest = 10'000;  // sights; then it goes on as another element, so that memory is bounded

class CvatFormat : public RecordFormat {
public:
    explicit CvatFormat(const FormatNames& names) : classes_(names.classes, xml_text) {}

    std::string begin() override {
        return "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<annotations>\n<version>1.1</version>\n";
    }

    std::string frame(const FrameOutput& frame) override {
        const Frame& picture = frame.result.frame;
        last_ = picture.index;
        fmt::memory_buffer text;
        if (!std::exchange(has_meta_, true)) put_meta(text, frame.input.is_video ? &picture.pixels : nullptr);
        if (!frame.input.is_video || has_untracked(frame.result)) put_image(text, frame);
        for (const Detection& d : frame.result.detections)
            if (d.track > 0) see(text, d, picture.index);
        end_tracks(text, [&](const Track& track) { return picture.index - track.sights.back().frame > kLost; });
        return fmt::to_string(text);
    }

    void end(const Write& write) override {
        for (const auto& [id, track] : std::exchange(tracks_, {})) {
            fmt::memory_buffer text;
            put_track(text, id, track);
            write(fmt::to_string(text));
        }
        if (!has_meta_) {
            fmt::memory_buffer text;
            put_meta(text, nullptr);
            write(fmt::to_string(text));
        }
        write("</annotations>\n");
    }

private:
    struct Sight {
        std::int64_t frame = 0;
        Box box;
        float confidence = 0;
    };
    struct Track {
        int class_id = 0;
        std::vector<Sight> sights;
    };

    static bool has_untracked(const Result& result) {
        return std::any_of(result.detections.begin(), result.detections.end(),
                           [](const Detection& d) { return d.track <= 0; });
    }

    static std::string corners(const Box& box) {
        return fmt::format(R"(xtl="{}" ytl="{}" xbr="{}" ybr="{}" z_order="0")", box.x, box.y, double(box.x) + box.w,
                           double(box.y) + box.h);
    }

    static std::string attribute(float confidence) {
        return fmt::format("<attribute name=\"confidence\">{}</attribute>", confidence);
    }

    /// Readers of tracks want to know the size of a video's frames: that of the first.
    void put_meta(fmt::memory_buffer& text, const PixelView* video) const {
        fmt::format_to(fmt::appender(text), "<meta><task><mode>{}</mode><labels>\n",
                       video ? "interpolation" : "annotation");
        for (int c = 0; c < int(classes_.size()); ++c)
            fmt::format_to(fmt::appender(text), "<label><name>{}</name><attributes></attributes></label>\n",
                           classes_.of(c));
        fmt::format_to(fmt::appender(text), "</labels>");
        if (video)
            fmt::format_to(fmt::appender(text), "<original_size><width>{}</width><height>{}</height></original_size>",
                           video->width, video->height);
        fmt::format_to(fmt::appender(text), "</task></meta>\n");
    }

    /// What is on it and in no track. CVAT calls a video's frames frame_000012.
    void put_image(fmt::memory_buffer& text, const FrameOutput& frame) {
        const PixelView& pixels = frame.result.frame.pixels;
        const std::int64_t id = frame.input.is_video ? frame.result.frame.index : pictures_++;
        fmt::format_to(fmt::appender(text), "<image id=\"{}\" name=\"{}\" width=\"{}\" height=\"{}\">", id,
                       frame.input.is_video ? fmt::format("frame_{:06}", id) : xml_text(frame.input.path), pixels.width,
                       pixels.height);
        for (const Detection& d : frame.result.detections)
            if (d.track <= 0)
                fmt::format_to(fmt::appender(text), "\n<box label=\"{}\" source=\"auto\" occluded=\"0\" {}>{}</box>",
                               classes_.of(d.class_id), corners(d.box), attribute(d.confidence));
        fmt::format_to(fmt::appender(text), "</image>\n");
    }

    void see(fmt::memory_buffer& text, const Detection& d, std::int64_t frame) {
        Track& track = tracks_[d.track];
        if (track.sights.size() == kLongest) put_track(text, d.track, std::exchange(track, {}));
        track.class_id = d.class_id;
        track.sights.push_back({frame, d.box, d.confidence});
    }

    template <typename Ended>
    void end_tracks(fmt::memory_buffer& text, Ended ended) {
        for (auto track = tracks_.begin(); track != tracks_.end();) {
            if (ended(track->second)) {
                put_track(text, track->first, track->second);
                track = tracks_.erase(track);
            } else {
                ++track;
            }
        }
    }

    /// Every sight is a keyframe: where there is none, CVAT sees nothing instead of something between two.
    void put_track(fmt::memory_buffer& text, std::int64_t id, const Track& track) const {
        const auto put = [&](std::int64_t frame, const Sight& sight, int outside) {
            fmt::format_to(fmt::appender(text),
                           "<box frame=\"{}\" keyframe=\"1\" outside=\"{}\" occluded=\"0\" {}>{}</box>\n", frame,
                           outside, corners(sight.box), attribute(sight.confidence));
        };
        fmt::format_to(fmt::appender(text), "<track id=\"{}\" label=\"{}\" source=\"auto\">\n", id,
                       classes_.of(track.class_id));
        for (std::size_t i = 0; i < track.sights.size(); ++i) {
            const Sight& sight = track.sights[i];
            put(sight.frame, sight, 0);
            const std::int64_t next = i + 1 < track.sights.size() ? track.sights[i + 1].frame : last_ + 1;
            if (sight.frame + 1 < next) put(sight.frame + 1, sight, 1);
        }
        fmt::format_to(fmt::appender(text), "</track>\n");
    }

    ClassTexts classes_;
    bool has_meta_ = false;
    std::int64_t pictures_ = 0, last_ = 0;  // written; the number of the last frame
    std::map<std::int64_t, Track> tracks_;
};

}  // namespace

std::unique_ptr<RecordFormat> cvat_format(const FormatNames& names) { return std::make_unique<CvatFormat>(names); }

}  // namespace convoy::tools
