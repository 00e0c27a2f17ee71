// SPDX-License-Identifier: MIT
//
// What libavfilter does for recordings: deinterlacing as ffmpeg does it, and HDR that looks as it did before it was
// HDR.
#include <cmath>
#include <optional>

#include <convoy/media/input.h>
#include "tests/support/catch.h"
#include "tests/tools/media_files.h"
#include "tools/media/pictures/filter_graph.h"
#include "tools/media/pictures/tone_mapper.h"

using namespace convoy;
using namespace convoy::test;

namespace {

bool lacks(const std::string& obstacle) {
    if (obstacle.empty()) return false;
    WARN("skipped: " << obstacle);
    return true;
}

std::vector<Frame> frames_of(Input& input) {
    const auto reader = input.make_reader({});
    std::vector<Frame> frames;
    while (const auto segment = input.next_segment()) {
        reader->open(segment);
        while (std::optional<Frame> frame = reader->next()) frames.push_back(std::move(*frame));
        CHECK(reader->notes().damaged == 0);
    }
    return frames;
}

media::InputOptions deinterlaced() {
    media::InputOptions options;
    options.deinterlace = true;
    return options;
}

/// The first plane's first byte that differs from ffmpeg's, in words; empty when all are the same.
std::string difference(const std::vector<Frame>& frames, const Bytes& nv12) {
    std::size_t at = 0;
    for (std::size_t i = 0; i < frames.size(); ++i) {
        const PixelView& p = frames[i].pixels;
        for (int plane = 0; plane < 2; ++plane)
            for (int y = 0; y < (plane ? p.height / 2 : p.height); ++y)
                for (int x = 0; x < p.width; ++x, ++at)
                    if (at >= nv12.size() || p.plane[plane][std::ptrdiff_t(y) * p.pitch[plane] + x] != nv12[at])
                        return "frame " + std::to_string(i) + ", plane " + std::to_string(plane) + ", x " +
                               std::to_string(x) + ", y " + std::to_string(y);
    }
    return at == nv12.size() ? "" : "ffmpeg has more frames";
}

double mean(const media::Image& image) {
    double sum = 0;
    for (const std::uint8_t value : image.rgb) sum += value;
    return sum / double(image.rgb.size());
}

}  // namespace

TEST_CASE("interlaced pictures are made whole as ffmpeg does it, progressive ones stay", "[filter]") {
    if (lacks(media::FilterGraph::obstacle({"bwdif"}))) return;
    const TempFolder folder;
    const std::string source = "-f lavfi -i testsrc2=size=160x128:rate=50:duration=1.6 ";
    for (const bool interlaced : {true, false}) {
        const std::string path = folder / (interlaced ? "interlaced.mkv" : "progressive.mkv");
        CAPTURE(path);
        if (!make_video(
                source +
                    (interlaced ? "-vf tinterlace=interleave_top,fieldorder=tff -flags +ildct+ilme " : "-vf fps=25 ") +
                    "-c:v libx264 -preset veryfast -pix_fmt yuv420p -g 100 -color_range tv ",
                path))
            return;
        const auto ffmpeg = [&](const std::string& filter) {
            return output_of("ffmpeg -v error -threads 1 -i '" + path + "' " + filter +
                             " -fps_mode passthrough -f rawvideo -pix_fmt nv12 -");
        };
        const auto plain = media::open_input(path), whole = media::open_input(path, deinterlaced());
        const std::vector<Frame> as_stored = frames_of(*plain), frames = frames_of(*whole);
        REQUIRE(frames.size() == 40);
        REQUIRE(as_stored.size() == 40);
        for (std::size_t i = 0; i < frames.size(); ++i) CHECK(frames[i].time_s == as_stored[i].time_s);
        CHECK(difference(as_stored, ffmpeg("")) == "");
        CHECK(difference(frames, ffmpeg("-vf bwdif=mode=send_frame:deint=interlaced")) == "");
        CHECK((difference(frames, ffmpeg("")) == "") == !interlaced);
        CHECK((plain->remark().find("combed") != std::string::npos) == interlaced);
        CHECK((whole->remark() == "deinterlaced") == interlaced);
    }
}

TEST_CASE("deinterlacing loses no frame where the size changes or the packets begin late", "[filter]") {
    if (lacks(media::FilterGraph::obstacle({"bwdif"}))) return;
    const TempFolder folder;
    const auto make = [&](const std::string& size, const std::string& more, const std::string& name) {
        return make_video(
            "-f lavfi -i testsrc2=size=" + size + ":rate=25:duration=2 -c:v mpeg2video -g 10 -bf 2 " + more,
            folder / name);
    };
    if (!make("160x128", "-flags +ildct+ilme", "a.ts") || !make("96x64", "", "b.ts")) return;
    Bytes both = read_bytes(folder / "a.ts");
    const Bytes second = read_bytes(folder / "b.ts");
    both.insert(both.end(), second.begin(), second.end());
    write_bytes(folder / "both.ts", both);
    const std::vector<Frame> plain = frames_of(*media::open_input(folder / "both.ts")),
                             frames = frames_of(*media::open_input(folder / "both.ts", deinterlaced()));
    REQUIRE(plain.size() >= 98);  // MPEG-2's decoder may drop what leads into the second
    REQUIRE(frames.size() == plain.size());
    for (std::size_t i = 0; i < frames.size(); ++i) {
        CHECK(frames[i].pixels.width == plain[i].pixels.width);
        CHECK(frames[i].undecodable == plain[i].undecodable);
    }
}

TEST_CASE("PQ and HLG come out as bright as what they were made of", "[filter]") {
    if (lacks(media::ToneMapper::obstacle())) return;
    const TempFolder folder;
    const media::Image sdr = synthetic(128, 96, 3);
    media::write_image(folder / "sdr.png", sdr);
    for (const std::string transfer : {"smpte2084", "arib-std-b67"}) {
        const std::string path = folder / (transfer + ".mkv");
        // Diffuse white has 203 cd/m².
        const std::string linear =
            "format=gbrp,zscale=tin=bt709:min=gbr:pin=bt709:rin=full:t=linear:npl=203:m=gbr:p=bt709:r=full,";
        if (!make_video("-i '" + folder / "sdr.png" + "' -vf '" + linear +
                            "format=gbrpf32le,zscale=tin=linear:pin=bt709:min=gbr:p=bt2020:t=" + transfer +
                            ":npl=203:m=bt2020nc:r=limited,format=yuv420p10le' -c:v libx265 -x265-params "
                            "log-level=none:crf=4 -color_primaries bt2020 -colorspace bt2020nc -color_trc " +
                            transfer,
                        path))
            return;
        const auto input = media::open_input(path);
        CHECK(input->remark() == "HDR, tone-mapped to SDR");
        const std::vector<Frame> frames = frames_of(*input);
        REQUIRE(frames.size() == 1);
        const media::Image image = copy_of(frames[0]);
        // Mobius' curve leaves dark and middle tones as they are, and takes at most a fifth off the brightest.
        CAPTURE(transfer, mean(image), mean(sdr), psnr(image, sdr));
        CHECK(psnr(image, sdr) > 24);
        CHECK(std::fabs(mean(image) - mean(sdr)) < 12);
    }
}

TEST_CASE("what libavfilter has not is named", "[filter]") {
    CHECK(media::FilterGraph::obstacle({"no_such_filter"}).find("libavfilter") != std::string::npos);
}
