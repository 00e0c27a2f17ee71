// SPDX-License-Identifier: MIT
//
// Pictures by detect, submit and next, from several threads, beside the C++ engine's own results.
#include <algorithm>
#include <atomic>
#include <cstdint>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "tests/c_api/c_model.h"
#include "tests/support/catch.h"
#include "tests/support/in_time.h"

using namespace convoy;
using namespace convoy::test;

namespace {

std::vector<std::string> wanted_of(const std::vector<media::Image>& images, const EngineOptions& options = {}) {
    Engine engine = make_engine(options);
    std::vector<std::string> wanted;
    for (const media::Image& image : images)
        wanted.push_back(lines_of(engine.detect(rgb_frame(image.rgb.data(), image.width, image.height))));
    return wanted;
}

}  // namespace

TEST_CASE("pictures are submitted from several threads and come out once each, all pixels let go of") {
    constexpr int kThreads = 3, kEach = 4;
    const std::vector<media::Image> images = frames_of_clip(kThreads * kEach);
    const std::vector<std::string> wanted = wanted_of(images);
    REQUIRE(std::any_of(wanted.begin(), wanted.end(), [](const auto& lines) { return !lines.empty(); }));
    std::atomic<int> released = 0;
    CEngine engine = make_c_engine();
    std::vector<std::thread> threads;
    for (int t = 0; t < kThreads; ++t)
        threads.emplace_back([&, t] {
            for (int i = 0; i < kEach; ++i) {
                convoy_picture picture = picture_of(images[std::size_t(t * kEach + i)]);
                picture.stream = t, picture.index = i, picture.time_s = i / 8.;
                picture.release = [](void* count) { ++*static_cast<std::atomic<int>*>(count); };
                picture.release_data = &released;
                if (convoy_submit(engine.get(), &picture) != CONVOY_OK) std::abort();
            }
        });
    std::thread last([&] {
        for (std::thread& thread : threads) thread.join();
        convoy_finish(engine.get());
    });
    std::vector<std::int64_t> next(kThreads, 0);
    in_time("the results", [&] {
        convoy_result* result = nullptr;
        while (convoy_next(engine.get(), &result) == CONVOY_OK) {
            const CResult owned(result);
            const auto stream = std::size_t(convoy_result_stream(result));
            CHECK(convoy_result_index(result) == next[stream]++);
            CHECK(convoy_result_time(result) == double(convoy_result_index(result)) / 8);
            CHECK(convoy_result_latency(result) > 0);
            CHECK(convoy_result_not_finite(result) == 0);
            CHECK(lines_of(*result) == wanted[stream * kEach + std::size_t(convoy_result_index(result))]);
        }
    });
    last.join();
    CHECK(next == std::vector<std::int64_t>(kThreads, kEach));
    CHECK(released == kThreads * kEach);
}

TEST_CASE("options that say which boxes come out do what those of C++ do") {
    const media::Image image = frames_of_clip(1)[0];
    const std::string all = wanted_of({image})[0];
    const auto found = [&](const std::vector<std::pair<const char*, const char*>>& options) {
        const CEngine engine = make_c_engine(options);
        const convoy_picture picture = picture_of(image);
        convoy_result* result = nullptr;
        REQUIRE(convoy_detect(engine.get(), &picture, &result) == CONVOY_OK);
        const CResult owned(result);
        return lines_of(*result);
    };
    EngineOptions wanted;
    const auto wanted_now = [&] { return wanted_of({image}, wanted)[0]; };
    SECTION("regions to ignore") {
        wanted.detect.ignored = {{{700, 0, 60.5f, 100}, false}, {{.25f, .25f, .125f, .5f}, true}};
        const char* const text = "700,0,60.5,100;25%,25%,12.5%,50%";
        CHECK(found({{"ignore-regions", text}}) == wanted_now());
        CHECK(wanted_now() != all);
        CHECK(found({{"ignore-regions", text}, {"ignore-regions", ""}}) == all);
    }
    SECTION("thresholds of classes") {
        wanted.detect.confidence = .1f;
        wanted.detect.class_confidence.assign(80, .1f);
        wanted.detect.class_confidence[0] = .9f;
        CHECK(found({{"confidence", ".1,person=.9"}}) == wanted_now());
        CHECK(wanted_now() != all);
        CHECK(found({{"confidence", ".1,person=.9"}, {"confidence", ".25"}}) == all);
    }
    SECTION("whose batch norm") {
        wanted.batch_norm = BatchNormFormula::pjreddie;
        CHECK(found({{"batch-norm", "pjreddie"}}) == wanted_now());
        CHECK(wanted_now() != all);
    }
    SECTION("how weights get to further GPUs, of which there are none here") {
        CHECK(found({{"replicate", "copy"}}) == all);
    }
}

TEST_CASE("detect may be called from several threads; NV12 and rows with gaps are read as C++ reads them") {
    const media::Image image = frames_of_clip(1)[0];
    const std::string wanted = wanted_of({image})[0];
    const CEngine engine = make_c_engine();
    std::vector<std::thread> threads;
    std::atomic<int> equal = 0;
    for (int t = 0; t < 3; ++t)
        threads.emplace_back([&] {
            const convoy_picture picture = picture_of(image);
            convoy_result* result = nullptr;
            if (convoy_detect(engine.get(), &picture, &result) == CONVOY_OK && lines_of(*result) == wanted) ++equal;
            convoy_result_destroy(result);
        });
    for (std::thread& thread : threads) thread.join();
    CHECK(equal == 3);

    const int pitch = 3 * image.width + 40;
    std::vector<std::uint8_t> gaps(std::size_t(pitch) * std::size_t(image.height), 99);
    for (int y = 0; y < image.height; ++y)
        std::copy_n(image.row(y), 3 * image.width, gaps.data() + std::size_t(y) * std::size_t(pitch));
    convoy_picture picture = picture_of(image);
    picture.plane[0] = gaps.data(), picture.pitch[0] = pitch;
    convoy_result* result = nullptr;
    REQUIRE(convoy_detect(engine.get(), &picture, &result) == CONVOY_OK);
    CHECK(lines_of(*result) == wanted);
    int width = 0, height = 0;
    CHECK(convoy_result_size(result, &width, &height) == CONVOY_OK);
    CHECK((width == image.width && height == image.height));
    convoy_result_destroy(result);

    // The red channel as luma, without colour.
    const int w = image.width, h = image.height;
    std::vector<std::uint8_t> luma, chroma(std::size_t(w) * std::size_t(h / 2), 128);
    for (std::size_t i = 0; i < image.rgb.size(); i += 3) luma.push_back(image.rgb[i]);
    Frame frame;
    frame.pixels = {
        PixelFormat::nv12, {luma.data(), chroma.data()}, {w, w}, w, h, ColorMatrix::bt601, ColorRange::full, false};
    Engine reference = make_engine();
    picture = {};
    picture.struct_size = sizeof picture, picture.format = CONVOY_NV12, picture.width = w, picture.height = h;
    picture.plane[0] = luma.data(), picture.plane[1] = chroma.data();
    picture.matrix = CONVOY_BT601, picture.range = CONVOY_FULL_RANGE;
    REQUIRE(convoy_detect(engine.get(), &picture, &result) == CONVOY_OK);
    CHECK(lines_of(*result) == lines_of(reference.detect(frame)));
    CHECK(convoy_result_count(result) > 0);
    convoy_result_destroy(result);
}

TEST_CASE("live pictures are dropped where there is no room, cancel lets everybody go, resume takes pictures again") {
    const media::Image image = frames_of_clip(1)[0];
    const CEngine engine = make_c_engine({{"batch", "1"}});
    const convoy_picture picture = picture_of(image);
    const int capacity = convoy_engine_capacity(engine.get());
    REQUIRE(capacity > 0);
    int taken = 0, status = CONVOY_OK;
    while ((status = convoy_try_submit(engine.get(), &picture)) == CONVOY_OK && taken <= capacity) ++taken;
    CHECK(status == CONVOY_FULL);
    CHECK(taken == capacity);
    convoy_result* result = nullptr;
    CHECK(convoy_detect(engine.get(), &picture, &result) == CONVOY_ERROR_USAGE);  // results are owed
    REQUIRE(convoy_flush(engine.get()) == CONVOY_OK);
    REQUIRE(convoy_next(engine.get(), &result) == CONVOY_OK);
    convoy_result_destroy(result);

    std::thread waiting([&] {
        while (convoy_submit(engine.get(), &picture) == CONVOY_OK) {
        }
    });
    CHECK(convoy_cancel(engine.get()) == CONVOY_OK);
    in_time("submit() after cancel()", [&] { waiting.join(); });
    CHECK(convoy_submit(engine.get(), &picture) == CONVOY_STOPPED);
    CHECK(convoy_next(engine.get(), &result) == CONVOY_END);
    CHECK(convoy_resume(engine.get()) == CONVOY_OK);
    CHECK(convoy_detect(engine.get(), &picture, &result) == CONVOY_OK);
    convoy_result_destroy(result);
}

TEST_CASE("results outlive their engine, and an engine its options and what is in flight") {
    const media::Image image = frames_of_clip(1)[0];
    int released = 0;
    CEngine engine = make_c_engine();
    convoy_picture picture = picture_of(image);
    picture.release = [](void* count) { ++*static_cast<int*>(count); };
    picture.release_data = &released;
    convoy_result* result = nullptr;
    REQUIRE(convoy_detect(engine.get(), &picture, &result) == CONVOY_OK);
    REQUIRE(convoy_submit(engine.get(), &picture) == CONVOY_OK);
    engine.reset();
    CHECK(released == 2);
    CHECK(lines_of(*result) == wanted_of({image})[0]);
    convoy_result_destroy(result);
}
