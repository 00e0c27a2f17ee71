// SPDX-License-Identifier: MIT
#include "tests/tools/awkward_videos.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <system_error>

#include "tests/support/catch.h"
#include "tests/tools/turn_video.h"
#include "tools/media/av_handles.h"

namespace convoy::test {
namespace {

struct Recipe {
    std::string name;
    std::string arguments;  // of ffmpeg, before the output; $N: the path of another file
    Cut cut = Cut::many;
    bool damaged = false, nv12 = true;
};

std::string source(int frames, const std::string& size = "160x120") {
    return "-f lavfi -i testsrc2=size=" + size + ":rate=25:duration=" + std::to_string(frames / 25) + " ";
}

std::string x264(const std::string& parameters) {
    return "-c:v libx264 -preset veryfast -pix_fmt yuv420p -x264-params scenecut=0:" + parameters + " ";
}

std::string x265(const std::string& parameters) {
    return "-c:v libx265 -preset ultrafast -pix_fmt yuv420p -x265-params log-level=none:pools=1:bframes=3:" +
           parameters + " ";
}

/// In this order: later ones copy from earlier ones.
std::vector<Recipe> recipes(const TempFolder& folder) {
    const auto copy = [&](const char* from) { return "-i '" + folder / from + "' -c copy "; };
    const std::string gop60 = x264("keyint=60:bframes=3:b-pyramid=normal"), small = "96x64",
                      hevc = "176x144";  // NVDEC's least for HEVC
    return {
        {"closed.mp4", source(250) + gop60},
        {"closed.ts", copy("closed.mp4")},
        {"closed.h264", copy("closed.mp4") + "-bsf:v h264_mp4toannexb "},
        {"closed.avi", copy("closed.mp4") + "-bsf:v h264_mp4toannexb ", Cut::one},   // knows decoding times only
        {"wrong_stamps.mp4", "-r 25 -i '" + folder / "closed.h264" + "' -c copy "},  // decoding times for showing times
        {"strict_pyramid.mkv", source(250) + x264("keyint=50:bframes=7:b-pyramid=strict:b-adapt=0:ref=5")},
        {"all_idr.mp4", source(250) + x264("keyint=1")},
        {"slices.mp4", source(250) + x264("keyint=48:slices=4")},
        {"open_gop.mkv", source(750, small) + x264("keyint=30:open-gop=1:bframes=3"), Cut::handed_out},
        {"one_keyframe.mp4", source(750, small) + x264("keyint=infinite"), Cut::handed_out},
        {"short.mp4", source(100) + x264("keyint=infinite"), Cut::one},
        {"far_keyframes.mp4",
         source(1500, small) + x264("keyint=infinite") + "-force_key_frames 'expr:lt(n,120)*not(mod(n,60))+eq(n,850)' ",
         Cut::some_of_each},
        {"variable_rate.mkv", source(250) + "-vf settb=1/1000,setpts=3000+N*20+N*N -fps_mode vfr " + gop60},
        {"late_start.mkv", copy("closed.mp4") + "-output_ts_offset 7.123 "},
        {"negative_start.mp4", copy("closed.mp4") + "-output_ts_offset -0.5 -avoid_negative_ts disabled "},
        {"edit_list.mp4", "-ss 3.3 " + copy("closed.mp4")},
        {"interlaced.mp4", source(250) + "-flags +ildct+ilme " + x264("keyint=60:interlaced=1")},
        {"ten_bits.mkv", source(250) + "-c:v libx264 -preset veryfast -pix_fmt yuv420p10le -g 60 ", Cut::many, false,
         false},
        {"full_range.mp4", source(250) + "-vf scale=out_range=pc -color_range pc " + gop60},
        {"bt2020.mp4", source(250) + "-colorspace bt2020nc " + gop60, Cut::many, false, false},
        {"bt709.mp4", source(250) + "-colorspace bt709 " + gop60},
        {"cropped.mp4",
         source(250) + gop60 + "-bsf:v h264_metadata=crop_left=6:crop_top=4:crop_right=2:crop_bottom=10 "},
        {"hevc_open.mkv", source(250, hevc) + x265("keyint=30:open-gop=1")},
        {"hevc_open_b.mp4",
         source(250, hevc) + x265("keyint=40:open-gop=1:rc-lookahead=12:bframes=6:b-adapt=0:b-pyramid=1")},
        {"hevc_open_b.ts", copy("hevc_open_b.mp4")},
        {"hevc_cut.mkv", "-ss 3 " + copy("hevc_open_b.mp4")},
        {"hevc_small.mp4", source(250) + x265("keyint=50:min-keyint=50:open-gop=0")},
        {"hevc_closed.mp4", source(250, hevc) + x265("keyint=50:min-keyint=50:open-gop=0")},
        {"hevc_radl.mp4", source(250, hevc) + x265("keyint=50:min-keyint=50:open-gop=0:radl=2")},
        {"hevc_closed.ts", copy("hevc_closed.mp4")},
        {"hevc_closed.hevc", copy("hevc_closed.mp4") + "-bsf:v hevc_mp4toannexb "},
        {"vp8.webm",
         source(250) + "-c:v libvpx -g 60 -deadline realtime -cpu-used 8 -auto-alt-ref 1 -lag-in-frames 10 "},
        {"vp9.webm",
         source(250, "322x242") + "-c:v libvpx-vp9 -g 60 -deadline realtime -cpu-used 8 -lag-in-frames 10 "},
        {"vp9_odd.webm", source(250, "321x243") + "-c:v libvpx-vp9 -g 60 -deadline realtime -cpu-used 8 "},
        {"av1.mp4", source(250) + "-c:v libsvtav1 -preset 12 -g 60 "},
        {"jpeg.avi", source(125) + "-c:v mjpeg -q:v 5 "},
        {"prores.mov", source(125) + "-c:v prores_ks ", Cut::many, false, false},
        {"odd_444.mkv", source(250, "321x243") + "-c:v libx264 -pix_fmt yuv444p -g 60 -preset veryfast ", Cut::many,
         false, false},
        {"palette.avi", source(125) + "-c:v rawvideo -pix_fmt pal8 ", Cut::handed_out, false, false},
        {"mpeg4.avi", source(250) + "-c:v mpeg4 -bf 2 -g 30 ", Cut::handed_out},
        {"mpeg2.ts", source(250) + "-c:v mpeg2video -bf 2 -g 15 ", Cut::handed_out},
        {"small.ts", source(150, "112x80") + gop60},
        {"small.mp4", source(150, "112x80") + gop60},
        {"no_first_keyframe.mkv", copy("closed.mp4") + "-bsf:v noise=drop='lt(n\\,7)' ", Cut::many, true},
        {"holes.mkv", copy("closed.mp4") + "-bsf:v noise=drop='eq(mod(n\\,47)\\,31)' ", Cut::many, true},
    };
}

/// Whether the libav at hand, which need not be the ffmpeg's, has what reading it takes.
bool readable(const std::string& path) {
    AVFormatContext* raw = nullptr;
    if (avformat_open_input(&raw, path.c_str(), nullptr, nullptr) < 0) return false;
    const media::DemuxerPtr demuxer(raw);
    const AVCodec* decoder = nullptr;
    return avformat_find_stream_info(raw, nullptr) >= 0 &&
           av_find_best_stream(raw, AVMEDIA_TYPE_VIDEO, -1, -1, &decoder, 0) >= 0;
}

/// Collects videos that were made, and says which had to be left out nevertheless.
class Collection {
public:
    explicit Collection(const TempFolder& folder) : folder_(folder) {}

    void add(const Recipe& recipe) {
        const std::string path = folder_ / recipe.name;
        if (readable(path))
            videos.push_back({recipe.name, path, recipe.cut, recipe.damaged, recipe.nv12});
        else
            WARN("skipped: this libav cannot read " << recipe.name);
    }

    /// Adds what `splice` makes of the bytes of other files, if these are there.
    void add_spliced(const Recipe& recipe, const std::vector<std::string>& of,
                     const std::function<Bytes(const std::vector<Bytes>&)>& splice) {
        std::vector<Bytes> parts;
        for (const std::string& name : of) parts.push_back(read_bytes(folder_ / name));
        if (std::any_of(parts.begin(), parts.end(), [](const Bytes& part) { return part.empty(); })) {
            WARN("skipped: nothing to make " << recipe.name << " of");
            return;
        }
        write_bytes(folder_ / recipe.name, splice(parts));
        add(recipe);
    }

    std::vector<AwkwardVideo> videos;

private:
    const TempFolder& folder_;
};

Bytes joined(const std::vector<Bytes>& parts) {
    Bytes bytes;
    for (const Bytes& part : parts) bytes.insert(bytes.end(), part.begin(), part.end());
    return bytes;
}

/// Those that no ffmpeg makes: of others, by the byte or by libav.
void add_made_of_others(const TempFolder& folder, Collection& collection) {
    constexpr std::ptrdiff_t kTsPacket = 188;
    collection.add_spliced({"turned.mp4", "", Cut::many, false, false}, {"closed.mp4"}, [&](const auto&) {
        turn_video(folder / "closed.mp4", folder / "turned.mp4", 90);
        return read_bytes(folder / "turned.mp4");
    });
    collection.add_spliced({"two_sizes.ts", ""}, {"closed.ts", "small.ts"}, joined);
    make_video("-i '" + folder / "small.mp4" + "' -c copy -bsf:v h264_mp4toannexb", folder / "small.h264");
    collection.add_spliced({"two_sizes.h264", ""}, {"closed.h264", "small.h264"}, joined);
    collection.add_spliced({"two_sizes.flv", ""}, {"closed.mp4", "small.mp4"}, [&](const auto&) {
        const std::string list = "ffconcat version 1.0\nfile closed.mp4\nfile small.mp4\nfile closed.mp4\n";
        write_bytes(folder / "two_sizes.txt", Bytes(list.begin(), list.end()));
        make_video("-f concat -i '" + folder / "two_sizes.txt" + "' -c copy", folder / "two_sizes.flv");
        return read_bytes(folder / "two_sizes.flv");
    });
    collection.add_spliced({"begins_inside.ts", "", Cut::many, true}, {"closed.ts"},
                           [](const auto& parts) { return Bytes(parts[0].begin() + 90 * kTsPacket, parts[0].end()); });
    collection.add_spliced({"lost_packets.ts", "", Cut::many, true}, {"closed.ts"}, [](const auto& parts) {
        Bytes lossy;
        auto at = parts[0].begin();
        for (int n = 0; parts[0].end() - at >= kTsPacket; at += kTsPacket, ++n)
            if (n % 211 != 150) lossy.insert(lossy.end(), at, at + kTsPacket);
        return lossy;
    });
}

}  // namespace

std::vector<AwkwardVideo> make_awkward_videos(const TempFolder& folder) {
    Collection collection(folder);
    const char* ready = std::getenv("CONVOY_AWKWARD_VIDEOS");
    for (const Recipe& recipe : recipes(folder)) {
        const std::string path = folder / recipe.name;
        std::error_code none;
        const std::filesystem::path kept = std::filesystem::path(ready ? ready : "") / recipe.name;
        if (!ready || !std::filesystem::copy_file(kept, path, none)) {
            if (!make_video("-threads 1 " + recipe.arguments, path)) continue;
            if (ready) std::filesystem::copy_file(path, kept, none);
        }
        collection.add(recipe);
    }
    add_made_of_others(folder, collection);
    return collection.videos;
}

}  // namespace convoy::test
