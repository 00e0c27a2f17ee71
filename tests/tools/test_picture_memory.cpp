// SPDX-License-Identifier: MIT
//
// What decoding a picture takes is known before, so that a folder of large ones does not fill the memory.
#include <malloc.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <climits>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <thread>

#include <jpeglib.h>  // needs <cstdio> before it

#include <convoy/media/input.h>
#include "engine/run/scheduler.h"
#include "tests/engine/fake_backend.h"
#include "tests/support/catch.h"
#include "tests/tools/media_files.h"

using namespace convoy;
using namespace convoy::test;
using media::Image;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kSanitized = true;
#else
constexpr bool kSanitized = false;
#endif

namespace {

constexpr int kWidth = 3200, kHeight = 2400;
constexpr std::size_t kRgb = std::size_t(kWidth) * kHeight * 3;

std::string text(std::initializer_list<int> bytes) { return {bytes.begin(), bytes.end()}; }

/// An APP1 segment that says how a picture is turned.
std::string exif(int orientation) {
    std::string s = text({'E', 'x', 'i', 'f', 0, 0, 'M', 'M', 0, 42, 0, 0, 0, 8, 0, 1});
    return s + text({0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, orientation, 0, 0, 0, 0, 0, 0});
}

struct Marker {
    int number;
    std::string content;
};

Bytes jpeg_of(const Image& image, bool progressive, const std::vector<Marker>& markers) {
    jpeg_compress_struct info = {};
    jpeg_error_mgr errors = {};
    info.err = jpeg_std_error(&errors);
    jpeg_create_compress(&info);
    unsigned char* data = nullptr;
    unsigned long size = 0;
    jpeg_mem_dest(&info, &data, &size);
    info.image_width = JDIMENSION(image.width);
    info.image_height = JDIMENSION(image.height);
    info.input_components = 3;
    info.in_color_space = JCS_RGB;
    jpeg_set_defaults(&info);  // 4:2:0
    if (progressive) jpeg_simple_progression(&info);
    jpeg_start_compress(&info, TRUE);
    for (const Marker& m : markers)
        jpeg_write_marker(&info, JPEG_APP0 + m.number, reinterpret_cast<const JOCTET*>(m.content.data()),
                          unsigned(m.content.size()));
    while (info.next_scanline < info.image_height) {
        auto* row = const_cast<JSAMPROW>(image.row(int(info.next_scanline)));
        jpeg_write_scanlines(&info, &row, 1);
    }
    jpeg_finish_compress(&info);
    jpeg_destroy_compress(&info);
    Bytes out(data, data + size);
    std::free(data);
    return out;
}

Bytes with_header(const std::string& header, const Bytes& pixels) {
    Bytes out(header.begin(), header.end());
    out.insert(out.end(), pixels.begin(), pixels.end());
    return out;
}

struct Picture {
    std::string name;
    std::size_t expected;  // beside the file
};

/// One of each kind, all of kWidth x kHeight.
std::vector<Picture> all_kinds(const TempFolder& folder) {
    const Image image = synthetic(kWidth, kHeight, 7);
    const std::vector<Marker> large(20, {2, std::string(65000, 'x')});
    std::vector<Marker> turned = large;
    turned.push_back({1, exif(6)});
    std::vector<Picture> all;
    const auto put = [&](const std::string& name, const Bytes& bytes, std::size_t expected) {
        write_bytes(folder / name, bytes);
        all.push_back({name, expected});
    };
    put("plain.jpg", jpeg_of(image, false, {}), kRgb);
    put("large_segments.jpg", jpeg_of(image, false, large), kRgb);
    put("turned.jpg", jpeg_of(image, false, turned), 2 * kRgb);
    put("upright.jpg", jpeg_of(image, false, {{1, exif(1)}}), kRgb);
    put("progressive.jpg", jpeg_of(image, true, {}), 2 * kRgb);  // two bytes a sample, half of the colours left out
    const std::string tga =
        text({0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, kWidth & 255, kWidth >> 8, kHeight & 255, kHeight >> 8, 24, 0});
    put("x.tga", with_header(tga, image.rgb), 2 * kRgb);
    media::write_image(folder / "x.bmp", image);
    all.push_back({"x.bmp", 2 * kRgb});
    media::write_image(folder / "x.png", image);
    all.push_back({"x.png", kRgb * 5 / 2});
    output_of("ffmpeg -v error -y -i " + folder.path() + "/x.bmp " + folder.path() + "/x.gif");
    if (has_ffmpeg()) all.push_back({"x.gif", kRgb * 4});
    return all;
}

std::size_t bytes_of(const std::string& path) { return media::open_input(path)->next_segment()->bytes(); }

std::size_t size_of(const std::string& path) { return std::size_t(std::filesystem::file_size(path)); }

/// The most memory that a process of its own has in use while it runs `f`.
std::size_t peak_of(const std::function<void()>& f) {
    ::malloc_trim(0);  // what lies about from earlier would not count
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        f();
        ::_exit(0);
    }
    rusage usage = {};
    int state = 0;
    REQUIRE(::wait4(child, &state, 0, &usage) == child);
    REQUIRE(state == 0);
    return std::size_t(usage.ru_maxrss) * 1024;
}

/// Bytes that this process has read from anywhere.
std::size_t bytes_read() {
    std::ifstream io("/proc/self/io");
    std::string key;
    std::size_t value = 0;
    while (io >> key >> value)
        if (key == "rchar:") return value;
    return 0;
}

}  // namespace

TEST_CASE("a picture's segment says what decoding it takes", "[picture]") {
    const TempFolder folder;
    for (const Picture& picture : all_kinds(folder)) {
        INFO(picture.name);
        const std::size_t file = size_of(folder / picture.name), bytes = bytes_of(folder / picture.name);
        CHECK(bytes == picture.expected + file);
        if (kSanitized) continue;
        const std::size_t before = peak_of([] {});
        const std::size_t peak = peak_of([&] { media::read_image(folder / picture.name); }) - before;
        CAPTURE(bytes, file, peak);
        CHECK(double(peak) < 1.25 * double(bytes) + 2e6);  // the C library keeps some of what was freed
        CHECK(double(peak) > .5 * double(bytes));
    }
}

TEST_CASE("only a picture's header is read before it is decoded", "[picture]") {
    const TempFolder folder;
    const std::size_t before_any = bytes_read();
    if (before_any == 0) {
        WARN("skipped: this system does not count what a process reads");
        return;
    }
    for (const Picture& picture : all_kinds(folder)) {
        INFO(picture.name);
        const std::string path = folder / picture.name;
        const std::size_t expected = bytes_of(path) - size_of(path);
        std::filesystem::resize_file(path, std::size_t(1) << 30);  // a hole behind it
        const std::size_t before = bytes_read();
        const std::size_t bytes = bytes_of(path);
        // Only what follows its picture tells that a GIF has no second one.
        const bool gif = picture.name == std::string("x.gif");
        CHECK(bytes_read() - before < (gif ? 10'000'000u : 2'000'000u));
        if (picture.name != "x.png") CHECK(bytes - size_of(path) == expected);
    }
}

TEST_CASE("what is no picture takes nothing and is its reader's to refuse", "[picture]") {
    const TempFolder folder;
    write_bytes(folder / "text.jpg", {'n', 'o'});
    Bytes cut = jpeg_of(synthetic(64, 48, 1), false, {});
    cut.resize(30);
    write_bytes(folder / "cut.jpg", cut);
    write_bytes(folder / "huge.ppm", with_header("P6 60000 60000 255\n", {}));
    for (const char* name : {"text.jpg", "cut.jpg", "huge.ppm"}) {
        INFO(name);
        const auto input = media::open_input(folder / name);
        const auto segment = input->next_segment();
        CHECK(segment->bytes() == 0);
        const auto reader = input->make_reader({});
        reader->open(segment);
        CHECK(error_of([&] { reader->next(); }).kind() == ErrorKind::input);
    }
}

TEST_CASE("a picture that is being decoded can be given up", "[picture]") {
    const TempFolder folder;
    const Image image = synthetic(640, 480, 7);
    write_bytes(folder / "plain.jpg", jpeg_of(image, false, {}));
    write_bytes(folder / "progressive.jpg", jpeg_of(image, true, {}));
    media::write_image(folder / "p.png", image);
    struct Case {
        const char* name;
        int asked;   // at least, while it is decoded
        int before;  // so often before the last time it is given up
    };
    for (const Case& c : {Case{"plain.jpg", 480, 240}, {"progressive.jpg", 480 + 100, 500}, {"p.png", 1, 0}}) {
        INFO(c.name);
        int asked = 0;
        const auto read = [&](int until) {
            asked = 0;
            return media::read_image(folder / c.name, [&, until] { return ++asked >= until; });
        };
        CHECK(read(INT_MAX).rgb == media::read_image(folder / c.name).rgb);
        const int in_all = asked, until = in_all - c.before;
        CHECK(in_all > c.asked);
        const Error error = error_of([&] { read(until); });
        CHECK(error.kind() == ErrorKind::input);
        CHECK(std::string(error.what()).find(std::string(c.name) + "' was given up while it was decoded") !=
              std::string::npos);
        CHECK(asked <= until + 1);
    }
}

namespace {

/// Pictures that are alive somewhere, and how many were at most.
struct Living {
    std::atomic<int> now{0}, most{0};
};

/// A picture that takes its time, and is counted as long as its pixels are there.
class SlowPicture : public Input {
public:
    SlowPicture(std::unique_ptr<Input> input, Living& living) : input_(std::move(input)), living_(living) {}
    const InputInfo& info() const override { return input_->info(); }
    std::shared_ptr<const Segment> next_segment() override { return input_->next_segment(); }
    std::unique_ptr<SegmentReader> make_reader(const DecodeTarget& target) override {
        return std::make_unique<Reader>(input_->make_reader(target), living_);
    }

private:
    class Reader : public SegmentReader {
    public:
        Reader(std::unique_ptr<SegmentReader> reader, Living& living) : reader_(std::move(reader)), living_(living) {}
        void open(std::shared_ptr<const Segment> segment) override { reader_->open(std::move(segment)); }
        std::optional<Frame> next() override {
            std::optional<Frame> frame = reader_->next();
            if (!frame) return frame;
            const int now = ++living_.now;
            for (int most = living_.most; now > most && !living_.most.compare_exchange_weak(most, now);) {
            }
            frame->owner = {frame->owner.get(),
                            [held = frame->owner, &living = living_](const void*) { --living.now; }};
            std::this_thread::sleep_for(std::chrono::milliseconds(10));
            return frame;
        }
        SegmentNotes notes() const override { return reader_->notes(); }

    private:
        std::unique_ptr<SegmentReader> reader_;
        Living& living_;
    };

    std::unique_ptr<Input> input_;
    Living& living_;
};

struct CountResults : RunObserver {
    void result(int, Result&) override { ++results; }
    int results = 0;
};

}  // namespace

TEST_CASE("a run decodes no more pictures at once than the bound on memory allows", "[picture]") {
    constexpr int kPictures = 60, kDecoders = 8;
    const TempFolder folder;
    media::write_image(folder / "p.bmp", synthetic(200, 150, 5));
    const std::size_t each = 2 * 200 * 150 * 3 + size_of(folder / "p.bmp");
    for (const int lanes : {1, 3}) {
        Living living;
        std::vector<RunInput> inputs;
        for (int i = 0; i < kPictures; ++i)
            inputs.push_back({[&](std::stop_token cancel) {
                                  auto picture = media::open_input(folder / "p.bmp", {}, cancel);
                                  return std::make_unique<SlowPicture>(std::move(picture), living);
                              },
                              i % lanes});
        FakeDevices fake(1);
        SchedulerOptions options;
        options.decoders = kDecoders;
        options.segment_bytes = 2 * each;
        CountResults observer;
        const std::atomic<bool> stop = false;
        Scheduler(fake.workers, inputs, observer, stop, options).run();
        CHECK(observer.results == kPictures);
        // A lane goes on as long as the bound is not exceeded, and the first of each lane always.
        CHECK(living.most <= 2 + lanes);
        CHECK(living.most >= 2);
        CHECK(living.now == 0);
    }
}
