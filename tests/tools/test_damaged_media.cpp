// SPDX-License-Identifier: MIT
//
// Videos that were cut, overwritten or flipped: never a crash, never a hang, every loss accounted for.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <sstream>

#include <convoy/media/source.h>
#include "tests/support/catch.h"
#include "tests/tools/media_files.h"

using namespace convoy;
using namespace convoy::test;

namespace {

struct Outcome {
    std::int64_t frames = 0, damaged = 0;
    std::string first_damage;
    bool refused = false;
};

Outcome decode_all(const std::string& path, std::int64_t most = 1 << 20) {
    Outcome out;
    try {
        const auto source = media::open_source(path, {1});  // one thread: what is damaged is told exactly
        while (out.frames < most) {
            const auto frame = source->next();
            if (!frame) break;
            CHECK(frame->index == out.frames++);
            CHECK(std::isfinite(frame->time_s));
        }
        out.damaged = source->damaged();
        out.first_damage = source->first_damage();
    } catch (const Error& error) {
        CHECK(error.kind() == ErrorKind::input);
        CHECK(std::string(error.what()).find(path) != std::string::npos);
        out.refused = true;
    }
    CHECK(out.first_damage.empty() == (out.damaged == 0));
    return out;
}

std::size_t media_data_of(const Bytes& file) {
    const std::string name = "mdat";
    return std::size_t(std::search(file.begin(), file.end(), name.begin(), name.end()) - file.begin()) + 4;
}

class Random {
public:
    explicit Random(std::uint32_t seed) : state_(seed * 2654435761u + 1) {}
    std::size_t below(std::size_t n) {
        state_ = state_ * 6364136223846793005u + 1442695040888963407u;
        return std::size_t(state_ >> 33) % n;
    }

private:
    std::uint64_t state_;
};

/// Where a file's packets of pictures begin, in order.
std::vector<std::size_t> packet_places(const std::string& path) {
    const Bytes text =
        output_of("ffprobe -v error -select_streams v -show_entries packet=pos -of csv=p=0 '" + path + "'");
    std::istringstream lines(std::string(text.begin(), text.end()));
    std::vector<std::size_t> places;
    for (std::string line; std::getline(lines, line);) places.push_back(std::stoul(line));
    return places;
}

}  // namespace

TEST_CASE("a container that states its size, or its last packet's, is seen to be cut, beside sound, too", "[damage]") {
    const TempFolder folder;
    for (const std::string name : {"whole.mkv", "whole.webm", "whole.asf", "whole.wmv", "whole.flv"})
        for (const bool sound : {false, true}) {
            const std::string codecs = name == "whole.webm"  ? "-c:v libvpx -deadline realtime -c:a libopus "
                                       : name == "whole.flv" ? "-c:v flv -c:a aac "
                                                             : "-c:v msmpeg4 -c:a wmav2 ";
            const std::string second = sound ? "-f lavfi -i sine=d=3.5 " : "";
            const std::string path = folder / name;
            CAPTURE(name, sound);
            if (!make_video("-f lavfi -i testsrc2=size=96x64:rate=25:duration=3 " + second + codecs, path)) continue;
            CHECK(decode_all(path).damaged == 0);
            const Bytes whole = read_bytes(path);
            for (const std::size_t lost : {std::size_t(1), std::size_t(5), whole.size() / 8, whole.size() / 2}) {
                if (name == "whole.flv" && lost > 5) continue;  // it may be between two packets
                CAPTURE(lost);
                write_bytes(folder / ("cut-" + name), Bytes(whole.begin(), whole.end() - std::ptrdiff_t(lost)));
                const Outcome cut = decode_all(folder / ("cut-" + name));
                CHECK(cut.damaged > 0);
                // Or its last picture is the first damage.
                CHECK((lost > 1 || cut.first_damage.find("cut short") != std::string::npos));
            }
        }
}

TEST_CASE("where the last picture is marked off, its lack is seen, and room behind it is no damage", "[damage]") {
    const TempFolder folder;
    const std::string kinds[][2] = {
        {"x.gif", "-c:v gif"}, {"x.ivf", "-c:v libvpx -deadline realtime"}, {"x.mjpeg", ""}, {"x.flv", "-c:v flv"}};
    for (const auto& [name, codec] : kinds) {
        CAPTURE(name);
        const std::string path = folder / name;
        if (!make_video("-f lavfi -i testsrc2=size=96x64:rate=10:duration=1 " + codec, path)) continue;
        const Bytes whole = read_bytes(path);
        const Outcome all = decode_all(path);
        CHECK(all.frames == 10);
        CHECK(all.damaged == 0);
        Bytes roomy = whole;
        roomy.resize(whole.size() + 100000);
        write_bytes(path, roomy);
        CHECK(decode_all(path).frames == 10);
        CHECK(decode_all(path).damaged == 0);
        write_bytes(path, Bytes(whole.begin(), whole.end() - 1));
        const Outcome cut = decode_all(path);
        CAPTURE(cut.first_damage);
        CHECK(cut.damaged == 1);
        CHECK(cut.first_damage.find("cut short") != std::string::npos);
    }
}

TEST_CASE("what tells where its units end is seen to be cut, and nothing behind its end is taken for a lack",
          "[damage]") {
    const TempFolder folder;
    const std::string small = "-f lavfi -i testsrc2=size=96x64:rate=25:duration=1 ";
    const std::string pal = "-f lavfi -i testsrc2=size=720x576:rate=25:duration=1 ";
    const std::string roq = "-f lavfi -i testsrc2=size=128x64:rate=30:duration=1 ";
    const std::string sound = "-f lavfi -i sine=d=1.3:r=48000 ";
    const std::string dv = "-c:v dvvideo -pix_fmt yuv420p -f dv ", vp8 = "-c:v libvpx -deadline realtime -f ogg ";
    const std::string av1 = "-c:v libaom-av1 -cpu-used 8 -usage realtime -f obu ";
    struct Kind {
        std::string name, arguments;
        int frames = 25;
        bool can_be_cut = true, takes_rubbish = true, takes_zeros = takes_rubbish;
    };
    const Kind kinds[] = {
        {"x.y4m", small + "-pix_fmt yuv420p"},
        {"x.dv", pal + dv},
        {"s.dv", pal + sound + dv + "-ac 2"},
        {"x.ogv", small + "-c:v libtheora"},
        {"s.ogv", small + sound + "-c:v libtheora -c:a libvorbis"},
        {"vp8.ogv", small + vp8},
        {"x.obu", small + av1},
        {"x.gxf", pal + "-c:v mpeg2video"},
        {"s.gxf", pal + sound + "-c:v mpeg2video"},
        {"x.roq", roq + "-c:v roqvideo", 30},
        {"s.roq", roq + "-f lavfi -i sine=d=1:r=22050 -c:v roqvideo -c:a roq_dpcm", 30},
        {"x.flm", small + "-pix_fmt rgba -f filmstrip", 25, false, false},
        {"x.flv", small + "-c:v flv"},
        {"s.flv", small + sound + "-c:v flv -c:a aac"},
        {"x.mjpeg", small},
        {"x.nut", small + "-c:v mpeg4", 25, false, false, true},
    };
    for (const auto& [name, arguments, frames, can_be_cut, takes_rubbish, takes_zeros] : kinds) {
        const std::string path = folder / name;
        CAPTURE(name);
        if (!make_video(arguments, path)) continue;
        const Bytes whole = read_bytes(path);
        const auto check_whole = [&](const Outcome& all) {
            INFO(all.first_damage);
            CHECK(all.frames == frames);
            CHECK(all.damaged == 0);
        };
        check_whole(decode_all(path));
        if (takes_zeros) {
            Bytes more = whole;
            more.resize(whole.size() + 100000);
            write_bytes(path, more);
            check_whole(decode_all(path));
        }
        if (takes_rubbish) {
            Bytes more = whole;
            Random random(7);
            for (int i = 0; i < 100000; ++i) more.push_back(std::uint8_t(random.below(256)));
            write_bytes(path, more);
            check_whole(decode_all(path));
        }
        for (const std::size_t lost : {std::size_t(1), std::size_t(15)}) {
            if (!can_be_cut) continue;
            CAPTURE(lost);
            write_bytes(path, Bytes(whole.begin(), whole.end() - std::ptrdiff_t(lost)));
            const Outcome cut = decode_all(path);
            CAPTURE(cut.first_damage);
            CHECK(cut.damaged > 0);
            // Or its last picture is the first damage.
            CHECK((lost > 1 || cut.first_damage.find("cut short") != std::string::npos));
        }
    }
}

TEST_CASE("what stands behind AV1 without a container costs no picture, and those behind a hole are said", "[damage]") {
    const TempFolder folder;
    const std::string path = folder / "x.obu";
    if (!make_video("-f lavfi -i testsrc2=size=96x64:rate=25:duration=1 -c:v libaom-av1 -cpu-used 8 -usage realtime",
                    path))
        return;
    const Bytes whole = read_bytes(path);
    // The same as temporal units of one frame unit each: Annex B.
    const auto number = [](std::size_t n) {
        Bytes bytes;
        for (; n > 127; n >>= 7) bytes.push_back(std::uint8_t(n | 128));
        bytes.push_back(std::uint8_t(n));
        return bytes;
    };
    const auto append = [](Bytes& to, const Bytes& bytes) { to.insert(to.end(), bytes.begin(), bytes.end()); };
    Bytes annex_b, frame, without_delimiters;
    const auto end_frame = [&] {
        if (frame.empty()) return;
        Bytes unit = number(frame.size());
        append(unit, frame);
        append(annex_b, number(unit.size()));
        append(annex_b, unit);
        frame.clear();
    };
    for (std::size_t at = 0; at < whole.size();) {
        const auto begin = std::ptrdiff_t(at);
        const std::uint8_t head = whole[at++];
        std::size_t size = 0;
        for (int shift = 0;; shift += 7) {
            size |= std::size_t(whole[at] & 127) << shift;
            if (!(whole[at++] & 128)) break;
        }
        if (head >> 3 == 2) end_frame();
        if (head >> 3 != 2)
            append(without_delimiters, Bytes(whole.begin() + begin, whole.begin() + std::ptrdiff_t(at + size)));
        append(frame, number(1 + size));
        frame.push_back(head & ~2);
        append(frame, Bytes(whole.begin() + std::ptrdiff_t(at), whole.begin() + std::ptrdiff_t(at + size)));
        at += size;
    }
    end_frame();
    write_bytes(path, without_delimiters);
    CHECK(std::string(error_of([&] { media::open_source(path); }).what()).find("temporal delimiters") !=
          std::string::npos);
    Random random(3);
    for (const Bytes& all : {whole, annex_b}) {
        CAPTURE(all == whole);
        const auto outcome_of = [&](const Bytes& behind, const Bytes& then) {
            Bytes bytes = all;
            append(bytes, behind);
            append(bytes, then);
            write_bytes(path, bytes);
            return decode_all(path);
        };
        Bytes rubbish;
        for (int i = 0; i < 5000; ++i) rubbish.push_back(std::uint8_t(random.below(256)));
        rubbish[0] = 0x80;  // no unit of either kind
        const std::string text = "# written by a camera\n";
        for (const Bytes& behind : {Bytes(1), Bytes(10), Bytes(5000), rubbish, Bytes(text.begin(), text.end())}) {
            const Outcome outcome = outcome_of(behind, {});
            CAPTURE(behind.size(), outcome.first_damage);
            CHECK((outcome.frames == 25 && outcome.damaged == 0));
        }
        const Outcome joined = outcome_of({}, all), apart = outcome_of(Bytes(5000), all);
        CHECK((joined.frames == 50 && joined.damaged == 0));
        CHECK((apart.frames == 25 && apart.damaged == 1));
        CHECK(apart.first_damage.find("none of AV1") != std::string::npos);
    }
}

TEST_CASE("what is no picture of DV costs its place, and those that are lost with it are said", "[damage]") {
    const TempFolder folder;
    const std::string path = folder / "x.dv";
    if (!make_video("-f lavfi -i testsrc2=size=720x576:rate=25:duration=1 -c:v dvvideo -pix_fmt yuv420p -f dv", path))
        return;
    const Bytes whole = read_bytes(path);
    const std::size_t frame = whole.size() / 25, at = 7 * frame;
    const auto outcome_of = [&](Bytes bytes) {
        bytes.resize(bytes.size() + 3 * frame + 1000);  // room
        write_bytes(path, bytes);
        return decode_all(path);
    };
    const auto check = [&](const Outcome& all, std::int64_t frames, std::int64_t damaged) {
        CAPTURE(all.frames, all.damaged, all.first_damage);
        CHECK((all.frames == frames && all.damaged == damaged));
    };
    check(outcome_of(whole), 25, 0);
    Bytes bytes = whole;
    bytes[at + 1] = 0;  // one mark of three
    check(outcome_of(bytes), 25, 0);
    bytes[at + 81] = 0;
    check(outcome_of(bytes), 24, 1);
    // libav goes on where a smaller picture would end, and may find none any more.
    std::fill_n(bytes.begin() + std::ptrdiff_t(at), 2 * frame, std::uint8_t(0));
    Bytes longer = whole;
    longer.insert(longer.begin() + std::ptrdiff_t(at), 100000, 0);
    for (const Bytes& holed : {bytes, longer}) {
        const Outcome all = outcome_of(holed);
        CAPTURE(all.frames, all.first_damage);
        CHECK((all.frames >= 7 && all.frames < 25 && all.damaged > 0));
        CHECK(all.first_damage.find("none of DV") != std::string::npos);
    }
}

TEST_CASE("a cut between two packets is seen where the file says how much there is", "[damage]") {
    const TempFolder folder;
    const std::string small = "-f lavfi -i testsrc2=size=96x64:rate=10:duration=4 ", sound = "-f lavfi -i sine=d=4 ";
    const std::string kinds[][2] = {
        {"x.apng", small + "-f apng"}, {"vp8.ivf", small + "-c:v libvpx -deadline realtime"},
        {"x.flv", small + "-c:v flv"}, {"s.flv", small + sound + "-c:v flv -c:a mp3 -ar 44100"},
        {"x.swf", small + "-c:v flv"}, {"x.mxf", small + "-r 25 -c:v mpeg2video"},
    };
    for (const auto& [name, arguments] : kinds) {
        const std::string path = folder / name;
        CAPTURE(name);
        if (!make_video(arguments, path)) continue;
        const std::vector<std::size_t> begins = packet_places(path);
        REQUIRE(begins.size() >= 40);
        const Bytes whole = read_bytes(path);
        for (const std::size_t room : {0, 50000}) {
            Bytes more = whole;
            more.resize(whole.size() + room);
            write_bytes(path, more);
            const Outcome all = decode_all(path);
            CAPTURE(room, all.first_damage);
            CHECK(all.frames == std::int64_t(begins.size()));
            CHECK(all.damaged == 0);
        }
        for (const std::size_t packets : {begins.size() / 2, begins.size() - 3}) {
            write_bytes(path, Bytes(whole.begin(), whole.begin() + std::ptrdiff_t(begins[packets])));
            const Outcome cut = decode_all(path);
            CAPTURE(packets, cut.first_damage);
            CHECK(cut.frames == std::int64_t(packets));
            CHECK(cut.damaged == 1);
            CHECK(cut.first_damage.find("cut short") != std::string::npos);
        }
        // A stream that was only copied may have kept what was said of another file.
        const std::string key = "filesize";
        Bytes stale = whole;
        const auto size = std::search(stale.begin(), stale.end(), key.begin(), key.end());
        if (size == stale.end()) continue;
        size[key.size() + 2] += 1;
        write_bytes(path, stale);
        CHECK(decode_all(path).damaged == 0);
    }
}

TEST_CASE("a cut amid the sound, or behind a fragment's pictures, is seen, and a hole in a GIF", "[damage]") {
    const TempFolder folder;
    const std::string source = "-f lavfi -i testsrc2=size=96x64:rate=25:duration=2 -f lavfi -i sine=d=2:r=48000 ";
    const std::string kinds[][2] = {
        {"x.avi", source + "-c:v mpeg4 -c:a pcm_alaw"},
        {"fragments.mp4", source + "-c:v mpeg4 -g 10 -c:a aac -movflags +frag_keyframe+empty_moov"},
    };
    for (const auto& [name, arguments] : kinds) {
        const std::string path = folder / name;
        if (!make_video(arguments, path)) continue;
        const Bytes whole = read_bytes(path);
        CHECK(decode_all(path).damaged == 0);
        for (int percent = 30; percent < 90; percent += 2) {
            write_bytes(path, Bytes(whole.begin(), whole.begin() + std::ptrdiff_t(whole.size()) * percent / 100));
            const Outcome cut = decode_all(path);
            CAPTURE(name, percent, cut.frames, cut.first_damage);
            CHECK(cut.damaged > 0);
        }
    }
    const std::string path = folder / "x.gif";
    if (!make_video("-f lavfi -i testsrc2=size=96x64:rate=10:duration=2", path)) return;
    Bytes bytes = read_bytes(path);
    CHECK(decode_all(path).frames == 20);
    bytes.erase(bytes.begin() + std::ptrdiff_t(bytes.size()) / 3, bytes.begin() + std::ptrdiff_t(bytes.size()) / 2);
    write_bytes(path, bytes);
    CHECK(decode_all(path).frames < 20);
    CHECK(decode_all(path).damaged > 0);
}

TEST_CASE("a video that is cut short gives what it has and says so", "[damage]") {
    const TempFolder folder;
    const Bytes whole = read_bytes(clip());
    std::int64_t before = 0;
    for (const double part : {.1, .4, .8, .999}) {
        write_bytes(folder / "cut.mp4",
                    Bytes(whole.begin(), whole.begin() + std::ptrdiff_t(double(whole.size()) * part)));
        const Outcome cut = decode_all(folder / "cut.mp4");
        CAPTURE(part, cut.frames, cut.first_damage);
        CHECK_FALSE(cut.refused);
        CHECK(cut.frames > before);
        CHECK(cut.frames <= 240);
        CHECK(cut.damaged > 0);
        before = cut.frames;
    }
    write_bytes(folder / "cut.mp4", Bytes(whole.begin(), whole.begin() + 1000));
    CHECK(decode_all(folder / "cut.mp4").refused);
}

TEST_CASE("sound that goes on behind the picture, or begins late, is no damage", "[damage]") {
    const TempFolder folder;
    const std::string video = "-f lavfi -i testsrc=s=96x64:r=25:d=2 ", sound = "-f lavfi -i sine=d=7 ";
    const std::string codecs[][2] = {{".mp4", "-c:v mpeg4 -c:a aac"},         {".mov", "-c:v mpeg4 -c:a aac"},
                                     {".mkv", "-c:v mpeg4 -c:a aac"},         {".avi", "-c:v mpeg4 -c:a mp2"},
                                     {".flv", "-c:v flv -c:a mp3 -ar 44100"}, {".asf", "-c:v mpeg4 -c:a mp2"},
                                     {".ts", "-c:v mpeg2video -c:a mp2"}};
    for (const auto& [ending, codec] : codecs)
        for (const std::string late : {"", "-itsoffset 4 "}) {
            const std::string path = folder / "x" + ending;
            if (!make_video(video + late + sound + codec, path)) return;
            const Outcome whole = decode_all(path);
            INFO(path << late << ": " << whole.first_damage);
            CHECK(whole.frames >= 50);
            CHECK(whole.damaged == 0);
        }
    if (!make_video("-f lavfi -i testsrc=s=96x64:r=25:d=8 -c:v mpeg4", folder / "x.avi")) return;
    const Bytes whole = read_bytes(folder / "x.avi");
    write_bytes(folder / "cut.avi", Bytes(whole.begin(), whole.begin() + std::ptrdiff_t(whole.size() / 2)));
    CHECK(decode_all(folder / "cut.avi").damaged > 0);
}

TEST_CASE("lost packets are counted, frame by frame", "[damage]") {
    const TempFolder folder;
    Bytes broken = read_bytes(clip());
    std::fill(broken.begin() + 300000, broken.begin() + 340000, 0);
    write_bytes(folder / "hole.mp4", broken);
    const Outcome hole = decode_all(folder / "hole.mp4");
    CAPTURE(hole.frames, hole.damaged, hole.first_damage);
    CHECK(hole.frames < 240);
    CHECK(hole.frames + hole.damaged >= 240);
    CHECK(hole.first_damage.find("hole.mp4") != std::string::npos);
    if (!has_ffmpeg()) {
        WARN("skipped: the count of ffprobe, which is not installed");
        return;
    }
    const Bytes text = output_of(
        "ffprobe -v quiet -flags +output_corrupt -count_frames -select_streams v -show_entries stream=nb_read_frames "
        "-of default=nw=1:nk=1 '" +
        (folder / "hole.mp4") + "'");
    CHECK(hole.frames == std::stoll(std::string(text.begin(), text.end())));
}

TEST_CASE("flipped bits cost frames, never the run", "[damage]") {
    const TempFolder folder;
    const Bytes whole = read_bytes(clip());
    const std::size_t data = media_data_of(whole);
    for (const int flips : {1, 10, 100, 1000}) {
        Random random{std::uint32_t(flips)};
        Bytes broken = whole;
        for (int i = 0; i < flips; ++i)
            broken[data + random.below(broken.size() - data)] ^= std::uint8_t(1u << random.below(8));
        write_bytes(folder / "flip.mp4", broken);
        const Outcome outcome = decode_all(folder / "flip.mp4");
        CAPTURE(flips, outcome.frames, outcome.damaged);
        CHECK_FALSE(outcome.refused);
        CHECK(outcome.frames <= 240);
        CHECK(outcome.frames + outcome.damaged >= 240);  // no frame is lost without being counted
        if (flips >= 10) CHECK(outcome.damaged > 0);
    }
}

TEST_CASE("mutated headers never crash or hang the reader", "[damage]") {
    const TempFolder folder;
    const Bytes whole = read_bytes(clip());
    constexpr std::size_t kHead = 64 << 10;
    const auto start = std::chrono::steady_clock::now();
    int read = 0, refused = 0;
    for (std::uint32_t seed = 0; seed < 60; ++seed) {
        if (std::chrono::steady_clock::now() - start > std::chrono::seconds(60)) break;  // sanitizers are slow
        Random random(seed);
        Bytes broken(whole.begin(), whole.begin() + kHead);
        // Two of three aim at the index, which is the first 3.4 KB.
        const std::size_t range = seed % 3 ? media_data_of(whole) : kHead;
        for (std::uint32_t i = 0; i <= seed % 16; ++i) {
            const std::size_t at = random.below(range);
            if (random.below(4) == 0)
                broken[at] = random.below(2) ? 0xff : 0;
            else
                broken[at] ^= std::uint8_t(1u << random.below(8));
        }
        write_bytes(folder / "mutant.mp4", broken);
        const Outcome outcome = decode_all(folder / "mutant.mp4", 300);
        ++(outcome.refused ? refused : read);
    }
    CAPTURE(read, refused);
    CHECK(read > 0);
    CHECK(refused > 0);
}
