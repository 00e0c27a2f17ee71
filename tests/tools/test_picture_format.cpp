// SPDX-License-Identifier: MIT
//
// What a picture file is, its bytes say. ffmpeg makes and decodes the files that are compared with.
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <string_view>

#include <convoy/media/image.h>
#include <convoy/media/input.h>
#include <convoy/media/source.h>
#include "tests/support/catch.h"
#include "tests/tools/media_files.h"

using namespace convoy;
using namespace convoy::test;
using media::Image;

namespace {

/// The pixels that ffmpeg itself decodes.
Bytes ffmpeg_rgb(const std::string& path) {
    return output_of("ffmpeg -v error -i '" + path + "' -frames:v 1 -f rawvideo -pix_fmt rgb24 -");
}

int frames_of(const std::string& path) {
    const auto source = media::open_source(path);
    int frames = 0;
    while (source->next()) ++frames;
    return frames;
}

void append_number(Bytes& to, std::size_t value, int size, bool little) {
    for (int i = 0; i < size; ++i) to.push_back(std::uint8_t(value >> 8 * (little ? i : size - 1 - i)));
}

/// A TIFF directory that says how a picture is turned: what EXIF is.
Bytes exif(int orientation) {
    Bytes b = {'I', 'I', 42, 0, 8, 0, 0, 0, 1, 0};
    append_number(b, 0x0112, 2, true), append_number(b, 3, 2, true), append_number(b, 1, 4, true);
    append_number(b, std::size_t(orientation), 4, true), append_number(b, 0, 4, true);
    return b;
}

/// A PNG with an eXIf chunk behind its header; its sum is 0, and nobody looks.
Bytes turned_png(Bytes png, int orientation) {
    Bytes chunk;
    const Bytes content = exif(orientation);
    append_number(chunk, content.size(), 4, false);
    for (const char c : std::string_view("eXIf")) chunk.push_back(std::uint8_t(c));
    chunk.insert(chunk.end(), content.begin(), content.end());
    append_number(chunk, 0, 4, false);
    png.insert(png.begin() + 33, chunk.begin(), chunk.end());
    return png;
}

/// A simple WebP as an extended one of 64x48 with an EXIF chunk.
Bytes turned_webp(const Bytes& webp, int orientation) {
    Bytes out(webp.begin(), webp.begin() + 12);
    for (const char c : std::string_view("VP8X\x0a\0\0\0\x08\0\0\0\x3f\0\0\x2f\0\0", 18))
        out.push_back(std::uint8_t(c));
    out.insert(out.end(), webp.begin() + 12, webp.end());
    for (const char c : std::string_view("EXIF")) out.push_back(std::uint8_t(c));
    const Bytes content = exif(orientation);
    append_number(out, content.size(), 4, true);
    out.insert(out.end(), content.begin(), content.end());
    Bytes size;
    append_number(size, out.size() - 8, 4, true);
    std::copy(size.begin(), size.end(), out.begin() + 4);
    return out;
}

/// A TIFF whose first directory gets one more entry, in the order of their tags: a copy of it at the end of the file.
Bytes turned_tiff(Bytes tiff, int orientation) {
    const auto number = [&](std::size_t at, int size) {
        std::size_t value = 0;
        for (int i = size; i-- > 0;) value = value << 8 | tiff[at + std::size_t(i)];
        return value;
    };
    const std::size_t directory = number(4, 4), entries = number(directory, 2);
    Bytes copy;
    append_number(copy, entries + 1, 2, true);
    const auto begin = tiff.begin() + std::ptrdiff_t(directory) + 2;
    copy.insert(copy.end(), begin, begin + std::ptrdiff_t(entries * 12));
    std::size_t before = 0;
    while (before < entries && number(directory + 2 + before * 12, 2) < 0x0112) ++before;
    const Bytes one = exif(orientation);
    copy.insert(copy.begin() + 2 + std::ptrdiff_t(before * 12), one.begin() + 10, one.begin() + 22);
    append_number(copy, 0, 4, true);  // no directory follows
    Bytes at;
    append_number(at, tiff.size(), 4, true);
    std::copy(at.begin(), at.end(), tiff.begin() + 4);
    tiff.insert(tiff.end(), copy.begin(), copy.end());
    return tiff;
}

}  // namespace

TEST_CASE("every format that libav reads is a picture, whatever its name", "[image][format]") {
    const TempFolder folder;
    media::write_image(folder / "from.png", synthetic(64, 48, 3));
    int made = 0;
    for (const char* name : {"a.webp", "a.tif", "a.jp2", "a.pcx", "a.sgi", "a.dpx", "a.qoi", "a.bmp", "a.ppm"}) {
        if (!make_video("-i '" + (folder / "from.png") + "' -frames:v 1", folder / name)) continue;
        ++made;
        for (const char* other : {"x.jpg", "x.mp4", "x"}) {
            CAPTURE(name, other);
            std::filesystem::copy_file(folder / name, folder / other);
            CHECK(media::is_picture(folder / other));
            CHECK_FALSE(media::open_input(folder / other)->info().is_video);
            const Image image = media::read_image(folder / other);
            CHECK(image.width == 64);
            CHECK(image.height == 48);
            CHECK(media::read_image_size(folder / other).width == 64);
            // Chroma may be interpolated in another way; no pixel may be another colour.
            CHECK(psnr(image, Image{64, 48, ffmpeg_rgb(folder / name)}) > 30);
            std::filesystem::remove(folder / other);
        }
    }
    CHECK(made > (has_ffmpeg() ? 4 : -1));
}

TEST_CASE("grey pictures that libav reads have all of the range", "[image][format]") {
    const TempFolder folder;
    media::write_image(folder / "from.png", synthetic(64, 48, 3));
    for (const char* format : {"gray", "gray16le"}) {
        if (!make_video("-i '" + (folder / "from.png") + "' -frames:v 1 -pix_fmt " + format, folder / "g.tif")) return;
        CHECK(psnr(media::read_image(folder / "g.tif"), Image{64, 48, ffmpeg_rgb(folder / "g.tif")}) > 45);
    }
}

TEST_CASE("a video that is called a picture is a video", "[image][format]") {
    const TempFolder folder;
    std::filesystem::copy_file(clip(), folder / "clip.jpg");
    CHECK_FALSE(media::is_picture(folder / "clip.jpg"));
    CHECK(frames_of(folder / "clip.jpg") == 240);
}

TEST_CASE("animations and Motion JPEG are videos", "[image][format]") {
    const TempFolder folder;
    const std::string five = "-f lavfi -i testsrc=size=64x48:rate=5:duration=1 ";
    for (const char* name : {"a.gif", "a.apng", "a.mjpeg"}) {
        if (!make_video(five, folder / name)) continue;
        for (const char* other : {"x.jpg", "x.png", "x"}) {
            CAPTURE(name, other);
            std::filesystem::copy_file(folder / name, folder / other);
            CHECK_FALSE(media::is_picture(folder / other));
            CHECK(media::open_input(folder / other)->info().is_video);
            CHECK(frames_of(folder / other) == 5);
            std::filesystem::remove(folder / other);
        }
    }
    if (make_video(five + "-frames:v 1", folder / "still.gif")) CHECK(media::is_picture(folder / "still.gif"));
}

TEST_CASE("an animated WebP is no picture, and what libav lacks for it is said", "[image][format]") {
    const TempFolder folder;
    if (!make_video("-f lavfi -i testsrc=size=64x48:rate=5:duration=1 -c:v libwebp_anim", folder / "a.webp")) return;
    CHECK_FALSE(media::is_picture(folder / "a.webp"));
    const Error error = error_of([&] { media::open_input(folder / "a.webp"); });
    CHECK(error.kind() == ErrorKind::unsupported);
    CHECK(std::string(error.what()).find("an animated WebP") != std::string::npos);
}

TEST_CASE("a TIFF says that it has more pages", "[image][format]") {
    const TempFolder folder;
    if (!make_video("-f lavfi -i testsrc=size=64x48:rate=5:duration=1 -frames:v 1", folder / "a.tif")) return;
    std::string warning = "something";
    media::read_image(folder / "a.tif", {}, &warning);
    CHECK(warning.empty());
    Bytes tiff = read_bytes(folder / "a.tif");
    const std::size_t directory = tiff[4] | tiff[5] << 8 | tiff[6] << 16, entries = tiff[directory];
    const Bytes page(tiff.begin() + std::ptrdiff_t(directory),
                     tiff.begin() + std::ptrdiff_t(directory + 6 + entries * 12));
    Bytes at;
    append_number(at, tiff.size(), 4, true);
    std::copy(at.begin(), at.end(), tiff.begin() + std::ptrdiff_t(directory + 2 + entries * 12));
    tiff.insert(tiff.end(), page.begin(), page.end());
    write_bytes(folder / "two.tif", tiff);
    CHECK(media::read_image(folder / "two.tif", {}, &warning).width == 64);
    CHECK(warning == "it has 2 pages, of which only the first is read");
    std::copy(at.begin(), at.end(), tiff.end() - 4);  // the second one's next is itself
    write_bytes(folder / "circle.tif", tiff);
    CHECK(media::read_image(folder / "circle.tif", {}, &warning).width == 64);
    CHECK(std::stoul(warning.substr(warning.find_first_of("123456789"))) <= tiff.size() / page.size());
}

TEST_CASE("orientation counts in every format that carries it", "[image][format]") {
    const TempFolder folder;
    Image image{64, 48, Bytes(64 * 48 * 3, 20)};
    for (int y = 0; y < 24; ++y) std::fill_n(image.row(y), 32 * 3, std::uint8_t(230));  // the left top is white
    media::write_image(folder / "a.png", image);
    std::vector<std::pair<std::string, Bytes (*)(const Bytes&)>> files = {
        {"a.png", [](const Bytes& b) { return turned_png(b, 6); }}};
    const std::string from = "-i '" + (folder / "a.png") + "' -frames:v 1";
    if (make_video(from, folder / "a.webp"))
        files.push_back({"a.webp", [](const Bytes& b) { return turned_webp(b, 6); }});
    if (make_video(from, folder / "a.tif"))
        files.push_back({"a.tif", [](const Bytes& b) { return turned_tiff(b, 6); }});
    for (const auto& [name, turn] : files) {
        CAPTURE(name);
        write_bytes(folder / "turned", turn(read_bytes(folder / name)));
        const Image turned = media::read_image(folder / "turned");
        CHECK(turned.width == 48);
        CHECK(turned.height == 64);
        CHECK(media::read_image_size(folder / "turned").width == 48);
        CHECK(turned.row(16)[36 * 3] > 200);  // the right top, after a quarter turn clockwise
        CHECK(turned.row(16)[12 * 3] < 60);
        CHECK(turned.row(48)[36 * 3] < 60);
    }
}

TEST_CASE("a picture that lacks only its end marker is read, with a warning", "[image][format]") {
    const TempFolder folder;
    const Image image = synthetic(160, 120, 1);
    for (const auto& [name, longest] : {std::pair{"a.jpg", 2}, {"a.png", 16}}) {
        media::write_image(folder / name, image);
        const Image whole = media::read_image(folder / name);
        const Bytes bytes = read_bytes(folder / name);
        for (int cut = 1; cut <= longest; ++cut) {
            CAPTURE(name, cut);
            write_bytes(folder / "cut", Bytes(bytes.begin(), bytes.end() - cut));
            std::string warning;
            CHECK(media::read_image(folder / "cut", {}, &warning).rgb == whole.rgb);
            CHECK(warning.find("end marker is missing") != std::string::npos);
            const auto input = media::open_input(folder / "cut");
            const auto reader = input->make_reader({});
            reader->open(input->next_segment());
            CHECK(reader->next());
            CHECK(reader->notes().damaged == 1);
        }
        write_bytes(folder / "cut", Bytes(bytes.begin(), bytes.end() - 400));
        CHECK(std::string(error_of([&] { media::read_image(folder / "cut"); }).what()).find("copy it again") !=
              std::string::npos);
    }
}

TEST_CASE("folders hold what their files are, and say what was left out", "[image][format]") {
    const TempFolder folder;
    media::write_image(folder / "1.png", synthetic(16, 16, 1));
    std::filesystem::rename(folder / "1.png", folder / "picture.dat");
    std::filesystem::copy_file(clip(), folder / "recording");
    const std::string text = "hello\n";
    for (const char* name : {"notes.txt", "b.json"}) write_bytes(folder / name, Bytes(text.begin(), text.end()));
    write_bytes(folder / "c.heic", {0, 0, 0, 16, 'f', 't', 'y', 'p', 'h', 'e', 'i', 'c', 0, 0, 0, 0});
    std::filesystem::create_symlink("nowhere.mp4", folder / "link.mp4");
    std::filesystem::create_symlink("circle.mp4", folder / "circle.mp4");
    std::filesystem::create_directory(folder / "more");
    REQUIRE(::mkfifo((folder / "pipe.mp4").c_str(), 0600) == 0);
    const auto [inputs, refused, left_out, lists] = media::expand_inputs({folder.path()});
    CHECK(inputs == std::vector<std::string>{folder / "picture.dat", folder / "recording"});
    REQUIRE(left_out.size() == 5);
    CHECK(left_out[0].find("c.heic") != std::string::npos);
    CHECK(left_out[0].find("convert it") != std::string::npos);
    CHECK(left_out[1].find("2 files are left out") != std::string::npos);
    CHECK(left_out[1].find("b.json, notes.txt") != std::string::npos);
    CHECK(left_out[2].find("1 folder is left out, since only what is directly inside counts: more") !=
          std::string::npos);
    CHECK(left_out[3].find("2 links are left out, to nothing: circle.mp4, link.mp4") != std::string::npos);
    CHECK(left_out[4].find("left out, to be named itself: pipe.mp4") != std::string::npos);
    CHECK(error_of([&] { media::read_image(folder / "c.heic"); }).kind() == ErrorKind::unsupported);
}
