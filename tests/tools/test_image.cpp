// SPDX-License-Identifier: MIT
#include <convoy/media/image.h>

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <tuple>

#include "tests/support/catch.h"
#include "tests/tools/media_files.h"
#include "tools/media/limits.h"
#include "tools/media/pictures/orientation.h"

using namespace convoy;
using namespace convoy::test;
using media::Image;

namespace {

/// A JPEG with an EXIF orientation put in behind its start marker.
Bytes with_orientation(const Bytes& jpeg, int orientation, bool little) {
    std::string app1(
        "\xff\xe1\0\x22"
        "Exif\0\0",
        10);
    app1 += little ? "II" : "MM";
    const auto put = [&](unsigned value, int size) {
        for (int i = 0; i < size; ++i) app1 += char(value >> 8 * (little ? i : size - 1 - i));
    };
    put(42, 2), put(8, 4), put(1, 2);  // header, offset of the directory, one entry
    put(0x0112, 2), put(3, 2), put(1, 4), put(unsigned(orientation), 2), put(0, 2), put(0, 4);
    Bytes out = jpeg;
    out.insert(out.begin() + 2, app1.begin(), app1.end());
    return out;
}

/// Left top, right top, left bottom, right bottom: which of red, green, blue, white is there.
std::string corners(const Image& image) {
    std::string out;
    for (const int y : {image.height / 4, image.height * 3 / 4})
        for (const int x : {image.width / 4, image.width * 3 / 4}) {
            const std::uint8_t* p = image.row(y) + x * 3;
            out += p[0] > 128 && p[1] > 128 ? 'w' : p[0] > 128 ? 'r' : p[1] > 128 ? 'g' : 'b';
        }
    return out;
}

Image four_colours(int w, int h) {
    Image image{w, h, Bytes(std::size_t(w) * h * 3)};
    for (int y = 0; y < h; ++y)
        for (int x = 0; x < w; ++x) {
            const int which = (y >= h / 2) * 2 + (x >= w / 2);
            for (int c = 0; c < 3; ++c) image.row(y)[x * 3 + c] = which == 3 || which == c ? 255 : 0;
        }
    return image;
}

}  // namespace

TEST_CASE("pictures survive writing and reading", "[image]") {
    const TempFolder folder;
    for (const auto& [w, h] : {std::pair{1, 1}, {17, 5}, {64, 48}, {301, 203}}) {
        const Image image = synthetic(w, h, 3);
        for (const char* name : {"a.png", "a.bmp", "A.PNG"}) {
            media::write_image(folder / name, image);
            const Image back = media::read_image(folder / name);
            CAPTURE(name, w, h);
            CHECK(back.width == w);
            CHECK(back.height == h);
            CHECK(back.rgb == image.rgb);
        }
        media::write_image(folder / "a.jpeg", image);
        CHECK(psnr(media::read_image(folder / "a.jpeg"), image) > 35);
        CHECK(media::read_image_size(folder / "a.jpeg").width == w);
    }
    CHECK(folder.names() == std::vector<std::string>{"A.PNG", "a.bmp", "a.jpeg", "a.png"});
}

TEST_CASE("grey, alpha and text formats become RGB", "[image]") {
    const TempFolder folder;
    const std::string grey = "P5 2 1 255\n\x07\xc8";
    write_bytes(folder / "g.pgm", Bytes(grey.begin(), grey.end()));
    CHECK(media::read_image(folder / "g.pgm").rgb == Bytes{7, 7, 7, 200, 200, 200});
    const std::string grey_16 = std::string("P5\n2 1\n65535\n") + '\x07' + '\x7f' + '\xc8' + '\0';
    write_bytes(folder / "g16.pgm", Bytes(grey_16.begin(), grey_16.end()));
    const Bytes high = media::read_image(folder / "g16.pgm").rgb;
    REQUIRE(high.size() == 6);
    for (int i = 0; i < 6; ++i) CHECK(std::abs(high[std::size_t(i)] - (i < 3 ? 7 : 199)) <= 1);
    for (const auto& [depth, most, type, data] : {std::tuple{1, 255, "GRAYSCALE", std::string("\x07\xc8")},
                                                  {2, 255, "GRAYSCALE_ALPHA", "\x07\xff\xc8\xff"},
                                                  {1, 65535, "GRAYSCALE", std::string("\x07\x00\xc8\x00", 4)},
                                                  {3, 255, "RGB", "\x07\x07\x07\xc8\xc8\xc8"}}) {
        INFO(type << " up to " << most);
        const std::string pam = "P7\nWIDTH 2\nHEIGHT 1\nDEPTH " + std::to_string(depth) + "\nMAXVAL " +
                                std::to_string(most) + "\nTUPLTYPE " + type + "\nENDHDR\n" + data;
        write_bytes(folder / "any name", Bytes(pam.begin(), pam.end()));
        CHECK(media::is_picture(folder / "any name"));
        const Bytes rgb = media::read_image(folder / "any name").rgb;
        REQUIRE(rgb.size() == 6);
        for (int i = 0; i < 6; ++i) CHECK(std::abs(rgb[std::size_t(i)] - (i < 3 ? 7 : 200)) <= 1);
    }
    Bytes bmp = {'B', 'M', 62, 0, 0, 0, 0, 0, 0, 0, 54, 0, 0, 0, 40, 0, 0, 0, 1, 0, 0, 0};  // 1x2, from the top down
    bmp.insert(bmp.end(), {0xfe, 0xff, 0xff, 0xff, 1, 0, 24, 0});
    bmp.resize(54, 0);
    bmp.insert(bmp.end(), {10, 20, 30, 0, 40, 50, 60, 0});  // blue, green, red
    write_bytes(folder / "down.bmp", bmp);
    CHECK(media::read_image(folder / "down.bmp").rgb == Bytes{30, 20, 10, 60, 50, 40});
    CHECK(media::read_image_memory(folder / "down.bmp") > 0);
    Bytes tga(22, 0);  // uncompressed, 1x1, 32 bits: blue, green, red, alpha
    tga[2] = 2, tga[12] = 1, tga[14] = 1, tga[16] = 32;
    tga[18] = 10, tga[19] = 20, tga[20] = 30;
    write_bytes(folder / "a.tga", tga);
    CHECK(media::read_image(folder / "a.tga").rgb == Bytes{30, 20, 10});
}

TEST_CASE("EXIF orientation is applied", "[image]") {
    const TempFolder folder;
    media::write_image(folder / "plain.jpg", four_colours(64, 32));
    const Bytes plain = read_bytes(folder / "plain.jpg");
    // EXIF: where the stored first row and first column are to be seen.
    const std::pair<int, const char*> expected[] = {{1, "rgbw"}, {2, "grwb"}, {3, "wbgr"}, {4, "bwrg"}, {5, "rbgw"},
                                                    {6, "brwg"}, {7, "wgbr"}, {8, "gwrb"}, {0, "rgbw"}, {9, "rgbw"}};
    for (const auto& [orientation, look] : expected)
        for (const bool little : {true, false}) {
            CAPTURE(orientation, little);
            write_bytes(folder / "turned.jpg", with_orientation(plain, orientation, little));
            const Image image = media::read_image(folder / "turned.jpg");
            CHECK(corners(image) == look);
            const bool swapped = orientation >= 5 && orientation <= 8;
            CHECK(image.width == (swapped ? 32 : 64));
            const auto size = media::read_image_size(folder / "turned.jpg");
            CHECK(size.width == image.width);
            CHECK(size.height == image.height);
        }
}

TEST_CASE("a display matrix names an orientation", "[image]") {
    const auto of = [](int a, int b, int c, int d) {
        const std::int32_t matrix[9] = {a << 16, b * 65536, 0, c * 65536, d * 65536, 0, 0, 0, 1 << 30};
        return media::from_display_matrix(matrix);
    };
    CHECK(media::from_display_matrix(nullptr) == 1);
    CHECK(of(1, 0, 0, 1) == 1);
    CHECK(of(1, 0, 0, -1) == 4);
    CHECK(of(0, 1, -1, 0) == 6);
    CHECK(of(0, -1, 1, 0) == 8);
    CHECK(of(0, 1, 1, 0) == 5);
}

TEST_CASE("pictures that cannot be read are named", "[image]") {
    const TempFolder folder;
    media::write_image(folder / "good.jpg", synthetic(160, 120, 1));
    media::write_image(folder / "good.png", synthetic(160, 120, 1));
    const auto refuse = [&](const std::string& path, const std::string& reason) {
        const Error error = error_of([&] { media::read_image(path); });
        CAPTURE(error.what());
        CHECK(error.kind() == ErrorKind::input);
        CHECK(std::string(error.what()).find(path) != std::string::npos);
        CHECK(std::string(error.what()).find(reason) != std::string::npos);
    };
    refuse(folder / "none.jpg", "does not exist");
    refuse(folder.path(), "is a folder");
    write_bytes(folder / "empty.png", {});
    refuse(folder / "empty.png", "empty");
    write_bytes(folder / "text.jpg", Bytes(500, 'x'));
    refuse(folder / "text.jpg", "no picture");
    for (const char* name : {"good.jpg", "good.png"}) {
        const Bytes whole = read_bytes(folder / name);
        for (const double part : {.3, .6, .95}) {
            const std::string cut = folder / (std::string("cut-") + name);
            write_bytes(cut, Bytes(whole.begin(), whole.begin() + std::ptrdiff_t(double(whole.size()) * part)));
            refuse(cut, "copy it again");
        }
    }
    const std::string cut = "P6\n3 2\n255\nabcdefghijklmnopq";
    write_bytes(folder / "cut.ppm", Bytes(cut.begin(), cut.end()));
    refuse(folder / "cut.ppm", "copy it again");
    write_bytes(folder / "cut.tga", {0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 1, 0, 24, 0, 9, 9, 9});
    refuse(folder / "cut.tga", "copy it again");
    const std::string huge = "P6 60000 60000 255\n";
    write_bytes(folder / "huge.ppm", Bytes(huge.begin(), huge.end()));
    refuse(folder / "huge.ppm", "damaged");
}

TEST_CASE("a few bytes that claim to be a very large picture are refused before it is decoded", "[image]") {
    STATIC_REQUIRE(media::most_pixels(0) == media::kFreePixels);
    STATIC_REQUIRE(media::most_pixels(20000) == 20000 * media::kPixelsToTheByte);
    STATIC_REQUIRE(media::most_pixels(std::uint64_t(1) << 40) == media::kMaxPixels);
    const TempFolder folder;
    const auto claim = [&](const std::string& name, Bytes bytes, std::size_t at, bool little, int pixels) {
        for (const std::size_t side : {at, at + 4})
            for (std::size_t i = 0; i < 4; ++i)
                bytes[side + i] = std::uint8_t(unsigned(pixels) >> 8 * (little ? i : 3 - i));
        write_bytes(folder / name, bytes);
        return std::string(error_of([&] { media::read_image(folder / name); }).what());
    };
    for (const std::string name : {"a.bmp", "a.png"}) {
        CAPTURE(name);
        media::write_image(folder / name, synthetic(40, 30, 1));
        const Bytes whole = read_bytes(folder / name);
        const bool is_bmp = name == "a.bmp";
        const std::string error = claim(name, whole, is_bmp ? 18 : 16, is_bmp, 16000);
        CAPTURE(error);
        CHECK(error.find("claims to be 16000x16000 pixels") != std::string::npos);
        CHECK(error.find("at most 67108864 pixels can be read of " + std::to_string(whole.size()) + " bytes") !=
              std::string::npos);
    }
    Bytes no_rows = read_bytes(folder / "a.bmp");
    for (const std::size_t i : {22, 23, 24, 25}) no_rows[i] = i == 25 ? 0x80 : 0;  // -2^31
    no_rows[18] = 40, no_rows[19] = 0;
    write_bytes(folder / "a.bmp", no_rows);
    CHECK(media::read_image_memory(folder / "a.bmp") == 0);
    CHECK(error_of([&] { media::read_image(folder / "a.bmp"); }).kind() == ErrorKind::input);
    // QOI: libav decodes it, and knows the size from there.
    Bytes qoi = {'q', 'o', 'i', 'f', 0, 0, 0, 0, 0, 0, 0, 0, 3, 0};
    qoi.insert(qoi.end(), 500, 0xfd);  // repeats the pixel before 62 times
    const std::string error = claim("a.qoi", qoi, 4, false, 16000);
    CAPTURE(error);
    CHECK(error.find("too many for 514 bytes") != std::string::npos);
    CHECK(claim("a.qoi", qoi, 4, false, 65536).find("too many for 514 bytes") != std::string::npos);
}

TEST_CASE("a JPEG has no more scans than a picture needs", "[image]") {
    const TempFolder folder;
    // 64 x 64 grey pixels, progressive: the one code of each table is a 0, for no difference and for 64 empty blocks.
    Bytes head = {0xff, 0xd8, 0xff, 0xdb, 0, 67, 0};
    head.insert(head.end(), 64, 1);
    const auto append = [](Bytes& to, const Bytes& bytes) { to.insert(to.end(), bytes.begin(), bytes.end()); };
    append(head, {0xff, 0xc2, 0, 11, 8, 0, 64, 0, 64, 1, 1, 0x11, 0});
    append(head, {0xff, 0xc4, 0, 20, 0x00, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x00});
    append(head, {0xff, 0xc4, 0, 20, 0x10, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x60});
    append(head, {0xff, 0xda, 0, 8, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0});
    const auto with_scans = [&](int scans) {
        Bytes bytes = head;
        for (int i = 0; i < scans; ++i) append(bytes, {0xff, 0xda, 0, 8, 1, 1, 0, 1, 63, 0, 0x01});
        append(bytes, {0xff, 0xd9});
        write_bytes(folder / "scans.jpg", bytes);
        return folder / "scans.jpg";
    };
    const Image image = media::read_image(with_scans(300));
    CHECK((image.width == 64 && image.height == 64 && image.rgb[0] == 128));
    const Error error = error_of([&] { media::read_image(with_scans(501)); });
    CAPTURE(error.what());
    CHECK(std::string(error.what()).find("more scans than a picture needs") != std::string::npos);
}

TEST_CASE("a picture that is cut short anywhere is no grey or black rest", "[image]") {
    const TempFolder folder;
    for (const std::string name : {"a.bmp", "a.gif", "a.tga", "a.png", "a.ppm"}) {
        const std::string rle = name == "a.tga" ? " -rle 1" : "";
        if (!make_video("-f lavfi -i testsrc2=s=60x46 -frames:v 1" + rle, folder / name)) continue;
        const Bytes whole = read_bytes(folder / name);
        CHECK(media::read_image(folder / name).rgb.size() == 60 * 46 * 3);
        for (const double part : {.3, .6, .9}) {
            INFO(name << ", " << part);
            const std::string cut = folder / ("cut" + name.substr(1));
            write_bytes(cut, Bytes(whole.begin(), whole.begin() + std::ptrdiff_t(double(whole.size()) * part)));
            const Error error = error_of([&] { media::read_image(cut); });
            CHECK(std::string(error.what()).find("copy it again") != std::string::npos);
        }
    }
}

TEST_CASE("a run-length coded BMP is read whole, or said to be cut", "[image]") {
    const TempFolder folder;
    const auto write = [&](std::uint8_t bits, std::uint8_t compression, const Bytes& runs) {
        Bytes bmp = {'B', 'M', 0, 0, 0, 0, 0, 0, 0, 0, 62, 0, 0, 0, 40, 0, 0, 0, 6, 0, 0, 0, 2, 0, 0, 0, 1, 0, bits, 0};
        bmp.push_back(compression);
        bmp.resize(46, 0);
        bmp.insert(bmp.end(), {2, 0, 0, 0, 0, 0, 0, 0});           // two colours
        bmp.insert(bmp.end(), {0, 0, 0, 0, 0xff, 0xff, 0xff, 0});  // black, white
        bmp.insert(bmp.end(), runs.begin(), runs.end());
        bmp[2] = std::uint8_t(bmp.size());
        write_bytes(folder / "x.bmp", bmp);
    };
    constexpr std::uint8_t kRle8 = 1, kRle4 = 2;
    const Bytes rle8 = {6, 1, 0, 0, 0, 5, 0, 1,
                        0, 1, 0, 0, 1, 1, 0, 1};  // the row below, five pixels as they are, one run
    const Bytes rle4 = {6, 0x11, 0, 0, 0, 5, 0x01, 0x01, 0x00, 0, 1, 0x11, 0, 1};
    for (const auto& [bits, compression, runs] : {std::tuple(8, kRle8, rle8), std::tuple(4, kRle4, rle4)})
        for (std::size_t lost = 0; lost < runs.size(); ++lost) {
            CAPTURE(bits, lost);
            write(std::uint8_t(bits), compression, Bytes(runs.begin(), runs.end() - std::ptrdiff_t(lost)));
            if (lost > 2) {  // more than the mark of its end
                const Error error = error_of([&] { media::read_image(folder / "x.bmp"); });
                CHECK(std::string(error.what()).find("cut short") != std::string::npos);
                continue;
            }
            const Image image = media::read_image(folder / "x.bmp");
            REQUIRE(image.rgb.size() == 36);
            for (const int pixel : {0, 2, 4}) CHECK(image.rgb[std::size_t(pixel) * 3] == 0);
            for (const int pixel : {1, 3, 5, 6, 11}) CHECK(image.rgb[std::size_t(pixel) * 3] == 0xff);
        }
}

TEST_CASE("a black-and-white PAM is one byte to the pixel", "[image]") {
    const TempFolder folder;
    const auto write = [&](const std::string& depth, const std::string& tuples, const Bytes& samples) {
        const std::string header =
            "P7\n# a comment\nWIDTH 9\nHEIGHT 2\nDEPTH " + depth + "\nMAXVAL 1\nTUPLTYPE " + tuples + "\nENDHDR\n";
        Bytes pam(header.begin(), header.end());
        pam.insert(pam.end(), samples.begin(), samples.end());
        write_bytes(folder / "x.pam", pam);
    };
    Bytes grey, with_alpha, expected;
    for (int i = 0; i < 18; ++i) {
        const bool is_white = i % 4 == 1;
        grey.push_back(is_white);
        with_alpha.insert(with_alpha.end(), {std::uint8_t(is_white), 1});
        expected.insert(expected.end(), 3, is_white ? 0xff : 0);
    }
    write("1", "BLACKANDWHITE", grey);
    CHECK(media::read_image(folder / "x.pam").rgb == expected);
    write("2", "BLACKANDWHITE_ALPHA", with_alpha);
    CHECK(media::read_image(folder / "x.pam").rgb == expected);
    grey.pop_back();
    write("1", "BLACKANDWHITE", grey);
    CHECK(error_of([&] { media::read_image(folder / "x.pam"); }).kind() == ErrorKind::input);
}

TEST_CASE("flipped bits never crash the picture reader", "[image]") {
    const TempFolder folder;
    for (const char* name : {"f.jpg", "f.png", "f.bmp"}) {
        media::write_image(folder / name, synthetic(97, 61, 5));
        const Bytes whole = read_bytes(folder / name);
        std::uint32_t random = 12345;
        int read = 0, refused = 0;
        for (int i = 0; i < 120; ++i) {
            Bytes broken = whole;
            for (int k = 0; k <= i % 8; ++k) {
                random = random * 1664525 + 1013904223;
                // Two of three hit the headers, where it hurts.
                const std::size_t range = i % 3 ? std::min<std::size_t>(200, whole.size()) : whole.size();
                broken[(random >> 8) % range] ^= std::uint8_t(1u << (random & 7));
            }
            write_bytes(folder / name, broken);
            try {
                const Image image = media::read_image(folder / name);
                CHECK(image.rgb.size() == std::size_t(image.width) * image.height * 3);
                ++read;
            } catch (const Error& error) {
                CHECK(error.kind() == ErrorKind::input);
                ++refused;
            }
        }
        CAPTURE(name, read, refused);
        CHECK(refused > 0);
        CHECK(read > 0);
    }
}

TEST_CASE("a picture is written whole or not at all", "[image]") {
    const TempFolder folder;
    const Image image = synthetic(20, 10, 0);
    CHECK(error_of([&] { media::write_image(folder / "none/a.png", image); }).kind() == ErrorKind::output);
    CHECK(error_of([&] { media::write_image(folder / "a.gif", image); }).kind() == ErrorKind::usage);
    CHECK(error_of([&] { media::write_image(folder / "a.png", Image{5, 5, {}}); }).kind() == ErrorKind::usage);
    std::filesystem::create_directory(folder / "folder.png");
    CHECK(error_of([&] { media::write_image(folder / "folder.png", image); }).kind() == ErrorKind::output);
    if (std::filesystem::exists("/dev/full")) {
        std::filesystem::create_symlink("/dev/full", folder / "full.png");
        const Error error = error_of([&] { media::write_image(folder / "full.png", image); });
        CHECK(error.kind() == ErrorKind::output);
        CHECK(std::filesystem::is_character_file("/dev/full"));
        std::filesystem::remove(folder / "full.png");
    }
    CHECK(folder.names() == std::vector<std::string>{"folder.png"});
}
