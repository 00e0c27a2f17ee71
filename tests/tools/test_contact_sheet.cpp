// SPDX-License-Identifier: MIT
#include <convoy/media/contact_sheet.h>

#include <algorithm>
#include <numeric>

#include "tests/support/catch.h"
#include "tests/tools/media_files.h"

using namespace convoy;
using namespace convoy::test;
using media::ContactSheet;
using media::Image;
using media::SheetPart;

namespace {

Image grey(int w, int h, std::uint8_t value) { return {w, h, Bytes(std::size_t(w) * h * 3, value)}; }

/// A picture that says which one it is: 16 bits in two colours.
Image numbered(int n) {
    Image image = grey(32, 16, 0);
    for (std::size_t i = 0; i < image.rgb.size(); i += 3)
        image.rgb[i] = std::uint8_t(n >> 8), image.rgb[i + 1] = std::uint8_t(n), image.rgb[i + 2] = 77;
    return image;
}

/// The numbers on a sheet of 4 x 3 tiles of 32 x 16 pixels.
std::vector<int> numbers_on(const Image& sheet) {
    std::vector<int> numbers;
    for (int y = 0; y < sheet.height; ++y)
        for (int x = 0; x + 1 < sheet.width; ++x) {
            const std::uint8_t* p = sheet.row(y) + x * 3;
            const auto is_tile = [&](int dx, int dy) {
                return x + dx >= 0 && y + dy >= 0 && sheet.row(y + dy)[(x + dx) * 3 + 2] == 77;
            };
            if (is_tile(0, 0) && !is_tile(-1, 0) && !is_tile(0, -1)) numbers.push_back(p[0] << 8 | p[1]);
        }
    return numbers;
}

/// Fills parts of these lengths, the last first or all at once, and appends them in order.
Image sheet_of(const std::vector<int>& lengths, std::vector<std::string>* captions = nullptr, bool at_once = false) {
    ContactSheet sheet(4, 3, 32);
    std::vector<SheetPart> parts;
    for (std::size_t i = 0; i < lengths.size(); ++i) parts.push_back(sheet.begin_part());
    std::vector<int> firsts(lengths.size());
    std::exclusive_scan(lengths.begin(), lengths.end(), firsts.begin(), 0);
    const int longest = *std::max_element(lengths.begin(), lengths.end());
    if (at_once) {
        for (int n = 0; n < longest; ++n)
            for (std::size_t i = 0; i < lengths.size(); ++i)
                if (n < lengths[i]) parts[i].add(numbered(firsts[i] + n));
    } else {
        for (std::size_t i = lengths.size(); i-- > 0;)
            for (int n = 0; n < lengths[i]; ++n) parts[i].add(numbered(firsts[i] + n));
    }
    for (std::size_t i = 0; i < lengths.size(); ++i) {
        REQUIRE(parts[i].size() == lengths[i]);
        sheet.append(parts[i], 0, lengths[i], [&](std::int64_t n) {
            if (captions) captions->push_back(std::to_string(firsts[i] + n));
            return "";
        });
    }
    return sheet.render();
}

/// Twelve different ones in order, each near its place.
void check_even(const std::vector<int>& shown, int total) {
    CAPTURE(total, shown);
    REQUIRE(int(shown.size()) == std::min(total, 12));
    const double step = double(total - 1) / double(std::max<std::size_t>(shown.size() - 1, 1));
    for (std::size_t i = 0; i < shown.size(); ++i) {
        CAPTURE(i);
        CHECK(std::abs(shown[i] - double(i) * step) <= step / 2);
        if (i > 0) CHECK(shown[i] > shown[i - 1]);
    }
}

}  // namespace

TEST_CASE("pixels that are not square become so, and no picture gets too large by it", "[image]") {
    const Image image = synthetic(72, 58, 1);
    const auto size = [&](int w, int h) {
        const Image square = media::with_square_pixels(image, w, h);
        CHECK(square.is_whole());
        return std::pair(square.width, square.height);
    };
    CHECK(size(16, 15) == std::pair(77, 58));
    CHECK(size(64, 45) == std::pair(102, 58));
    CHECK(size(8, 9) == std::pair(72, 65));
    CHECK(media::with_square_pixels(image, 3, 3).rgb == image.rgb);
    CHECK(size(1000000, 1) == std::pair(16384, 1));
    CHECK(size(1, 1000000) == std::pair(1, 16384));
    for (const int bad : {0, -1}) {
        CHECK(error_of([&] { media::with_square_pixels(image, bad, 1); }).kind() == ErrorKind::usage);
        CHECK(error_of([&] { media::with_square_pixels(image, 1, bad); }).kind() == ErrorKind::usage);
    }
    CHECK(error_of([&] { media::with_square_pixels({}, 4, 3); }).kind() == ErrorKind::usage);
    const Image back = media::with_square_pixels(media::with_square_pixels(image, 2, 1), 1, 2);
    CHECK(back.width == 144);
    CHECK(back.height == 116);
}

TEST_CASE("a contact sheet shows evenly chosen pictures", "[sheet]") {
    for (const int total : {1, 5, 12, 13, 100, 1000}) {
        ContactSheet sheet(4, 3, 32);
        CHECK(sheet.empty());
        for (int i = 0; i < total; ++i) sheet.add(grey(64, 48, std::uint8_t(40 + i * 200 / total)), "");
        const Image image = sheet.render();
        const int columns = std::min(4, total), rows = (std::min(total, 12) + 3) / 4;
        CAPTURE(total, image.width, image.height);
        REQUIRE(image.width > columns * 32);
        REQUIRE(image.height > rows * 24);
        std::vector<int> tiles;
        for (int y = 0; y < rows; ++y)
            for (int x = 0; x < columns; ++x) {
                const int px = image.width * (2 * x + 1) / (2 * columns), py = (image.height - 6) / rows * y + 12;
                if (int(tiles.size()) < total) tiles.push_back(image.row(py)[px * 3]);
            }
        CHECK(std::is_sorted(tiles.begin(), tiles.end()));
        if (total < 12) continue;
        CHECK(tiles.front() <= 41);
        CHECK(tiles.back() >= 220 - 200 / 12);
        for (std::size_t i = 1; i < tiles.size(); ++i) CHECK(tiles[i] - tiles[i - 1] <= 2 * 200 / 11 + 2);
    }
    CHECK(ContactSheet(2, 2, 32).render().rgb.empty());
}

TEST_CASE("pictures of different shapes share a contact sheet", "[sheet]") {
    ContactSheet sheet(3, 2, 100);
    for (const auto& [w, h] : {std::pair{400, 100}, {1, 300}, {30, 30}, {1000, 1}})
        sheet.add(synthetic(w, h, 1), "a caption that is longer than its tile is wide");
    const Image image = sheet.render();
    CHECK(image.width > 300);
    CHECK(image.rgb.size() == std::size_t(image.width) * image.height * 3);
}

TEST_CASE("a sheet of parts is even, whatever the parts are", "[sheet]") {
    std::uint32_t random = 1;
    const auto below = [&](int n) { return int((random = random * 1664525 + 1013904223) >> 8) % n; };
    std::vector<std::vector<int>> rows = {{1000},
                                          {33, 1000},
                                          {1000, 33},
                                          {1, 1000, 1},
                                          {500, 500},
                                          {7, 1, 4},
                                          {300, 17, 5, 80},
                                          {49, 49, 49, 49},
                                          {1, 47, 1000},
                                          {2, 1, 2000},
                                          std::vector<int>(200, 1),
                                          std::vector<int>(13, 1)};
    for (int i = 0; i < 30; ++i) {
        rows.emplace_back();
        for (int n = 2 + below(40); n > 0; --n) rows.back().push_back(1 + below(i % 2 ? 20 : 400));
    }
    for (const std::vector<int>& lengths : rows) {
        CAPTURE(lengths);
        const Image sheet = sheet_of(lengths);
        check_even(numbers_on(sheet), std::accumulate(lengths.begin(), lengths.end(), 0));
        CHECK(sheet.rgb == sheet_of(lengths, nullptr, true).rgb);
    }
}

TEST_CASE("a sheet of one part is that of pictures added one by one", "[sheet]") {
    for (const int total : {1, 12, 49, 1000, 1537}) {
        ContactSheet sheet(4, 3, 32);
        for (int i = 0; i < total; ++i) sheet.add(numbered(i), "");
        CHECK(sheet_of({total}).rgb == sheet.render().rgb);
        CHECK(sheet_of(std::vector<int>(std::size_t(total), 1)).rgb == sheet.render().rgb);
        check_even(numbers_on(sheet.render()), total);
    }
}

TEST_CASE("a part that begins late scales little, and nothing else changes", "[sheet]") {
    const std::vector<int> lengths = {700, 90, 50, 50, 130, 1, 900};
    ContactSheet sheet(4, 3, 32);
    std::size_t kept = 0;
    for (int first = 0; const int length : lengths) {
        SheetPart part = sheet.begin_part();
        for (int n = 0; n < length; ++n) part.add(numbered(first + n));
        kept = part.kept();
        CHECK(kept <= 48);
        if (length == 50) CHECK(kept == 7);
        sheet.append(part, 0, length, [](std::int64_t) { return ""; });
        first += length;
    }
    CHECK(kept >= 24);  // the last is almost half of all
    CHECK(sheet.render().rgb == sheet_of(lengths).rgb);
}

TEST_CASE("captions are those of the pictures above them", "[sheet]") {
    std::vector<std::string> asked;
    const std::vector<int> shown = numbers_on(sheet_of({40, 3, 90}, &asked));
    for (const int n : shown) CHECK(std::find(asked.begin(), asked.end(), std::to_string(n)) != asked.end());
    CHECK(asked.size() < 120);  // most pictures are never wanted
}

TEST_CASE("a part that goes on may be appended in pieces", "[sheet]") {
    for (const int piece : {1, 5, 100}) {
        ContactSheet sheet(4, 3, 32);
        SheetPart part = sheet.begin_part();
        std::int64_t appended = 0;
        for (int n = 0; n < 1200; ++n) {
            part.add(numbered(n));
            // Lags behind, by more and more.
            for (; appended + piece + n / 3 <= part.size(); appended += piece)
                sheet.append(part, appended, piece, [](std::int64_t) { return ""; });
        }
        sheet.append(part, appended, part.size() - appended, [](std::int64_t) { return ""; });
        CAPTURE(piece);
        check_even(numbers_on(sheet.render()), 1200);
    }
}
