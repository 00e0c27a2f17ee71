// SPDX-License-Identifier: MIT
#include "tests/tools/awkward_videos.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <system_error>

#include "tests/support/catch.h"

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
        {"closed.avi", copy("closed.mp4") + "-bsf:v h264_mp4toannexb ", Cut::one},  // knows decoding times only
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
        {"turned.mp4", copy("closed.mp4") + "-metadata:s:v rotate=90 ", Cut::many, false, false},
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

Bytes joined(const std::string& a, const std::string& b) {
    Bytes bytes = read_bytes(a);
    const Bytes more = read_bytes(b);
    bytes.insert(bytes.end(), more.begin(), more.end());
    return bytes;
}

/// Those that are made of others by the byte.
void make_spliced(const TempFolder& folder, std::vector<AwkwardVideo>& videos) {
    constexpr std::size_t kTsPacket = 188;
    const auto add = [&](const std::string& name, const Bytes& bytes, bool damaged) {
        write_bytes(folder / name, bytes);
        videos.push_back({name, folder / name, Cut::many, damaged, true});
    };
    add("two_sizes.ts", joined(folder / "closed.ts", folder / "small.ts"), false);
    output_of("ffmpeg -y -i '" + folder / "small.mp4" + "' -c copy -bsf:v h264_mp4toannexb '" + folder / "small.h264" +
              "'");
    add("two_sizes.h264", joined(folder / "closed.h264", folder / "small.h264"), false);
    const std::string list = "ffconcat version 1.0\nfile closed.mp4\nfile small.mp4\nfile closed.mp4\n";
    add("two_sizes.ffconcat", Bytes(list.begin(), list.end()), false);
    const Bytes whole = read_bytes(folder / "closed.ts");
    add("begins_inside.ts", Bytes(whole.begin() + 90 * kTsPacket, whole.end()), true);
    Bytes lossy;
    for (std::size_t at = 0, n = 0; at + kTsPacket <= whole.size(); at += kTsPacket, ++n)
        if (n % 211 != 150)
            lossy.insert(lossy.end(), whole.begin() + std::ptrdiff_t(at),
                         whole.begin() + std::ptrdiff_t(at + kTsPacket));
    add("lost_packets.ts", lossy, true);
}

}  // namespace

std::vector<AwkwardVideo> make_awkward_videos(const TempFolder& folder) {
    std::vector<AwkwardVideo> videos;
    const char* ready = std::getenv("CONVOY_AWKWARD_VIDEOS");
    for (const Recipe& recipe : recipes(folder)) {
        const std::string path = folder / recipe.name;
        std::error_code none;
        const std::filesystem::path kept = std::filesystem::path(ready ? ready : "") / recipe.name;
        if (!ready || !std::filesystem::copy_file(kept, path, none)) {
            output_of("ffmpeg -y -threads 1 " + recipe.arguments + "'" + path + "'");
            if (ready) std::filesystem::copy_file(path, kept, none);
        }
        if (std::filesystem::exists(path) && std::filesystem::file_size(path) > 0)
            videos.push_back({recipe.name, path, recipe.cut, recipe.damaged, recipe.nv12});
        else
            WARN("left out: this ffmpeg cannot make " << recipe.name);
    }
    make_spliced(folder, videos);
    return videos;
}

}  // namespace convoy::test
