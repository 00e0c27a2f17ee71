// SPDX-License-Identifier: MIT
//
// Misuse, and callbacks that do not behave: nothing but a status and a sentence comes of it.
#include <atomic>
#include <chrono>
#include <cstring>
#include <functional>
#include <future>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "tests/c_api/c_model.h"
#include "tests/support/catch.h"
#include "tests/support/in_time.h"
#include "tests/tools/child.h"

using namespace convoy;
using namespace convoy::test;

namespace {

bool says(const std::string& words) { return std::string(convoy_last_error()).find(words) != std::string::npos; }

struct Told {
    int frames = 0, stop_at = -1;
    bool throws = false;
    std::string error, path;
    std::function<void()> at_frame;
};

int frame(void* data, const convoy_result*) {
    auto& told = *static_cast<Told*>(data);
    ++told.frames;
    if (told.throws) throw std::runtime_error("the disk is full");
    if (told.at_frame) told.at_frame();
    return told.frames == told.stop_at;
}

void end(void* data, int, const char* path, std::int64_t frames, const char* error) {
    auto& told = *static_cast<Told*>(data);
    told.path = path, told.error = error;
    CHECK(frames == told.frames);
}

convoy_callbacks callbacks_of(Told& told) { return {sizeof(convoy_callbacks), &told, nullptr, frame, end}; }

int run_clip(convoy_engine* engine, Told& told) {
    const std::string clip = source_file("models/pedestrians.mp4");
    const char* const inputs[] = {clip.c_str()};
    const convoy_callbacks callbacks = callbacks_of(told);
    return convoy_run(engine, inputs, 1, &callbacks);
}

}  // namespace

TEST_CASE("null handles are a usage error with a sentence, or nothing") {
    convoy_engine* engine = nullptr;
    convoy_result* result = nullptr;
    int width = 1, height = 1;
    CHECK(convoy_options_create(nullptr) == CONVOY_ERROR_USAGE);
    CHECK(convoy_options_set(nullptr, "device", "cpu") == CONVOY_ERROR_USAGE);
    CHECK(convoy_engine_create(nullptr, "a", "b", nullptr, nullptr) == CONVOY_ERROR_USAGE);
    CHECK(convoy_engine_create(&engine, nullptr, "b", nullptr, nullptr) == CONVOY_ERROR_USAGE);
    CHECK(says("cfg must not be NULL"));
    CHECK(convoy_detect(nullptr, nullptr, &result) == CONVOY_ERROR_USAGE);
    CHECK(convoy_detect_file(nullptr, "a", &result) == CONVOY_ERROR_USAGE);
    CHECK(convoy_next(nullptr, &result) == CONVOY_ERROR_USAGE);
    for (const auto call : {convoy_flush, convoy_finish, convoy_cancel, convoy_resume, convoy_stop})
        CHECK(call(nullptr) == CONVOY_ERROR_USAGE);
    CHECK(convoy_run(nullptr, nullptr, 1, nullptr) == CONVOY_ERROR_USAGE);
    CHECK(convoy_engine_input_size(nullptr, &width, &height) == CONVOY_ERROR_USAGE);
    CHECK(width == 0);
    CHECK(height == 0);
    height = 1;
    CHECK(convoy_engine_input_size(nullptr, nullptr, &height) == CONVOY_ERROR_USAGE);
    CHECK(height == 0);
    CHECK(convoy_class_count(nullptr) == -1);
    CHECK(convoy_class_name(nullptr, 0) == nullptr);
    CHECK(convoy_engine_capacity(nullptr) == -1);
    CHECK(std::string(convoy_engine_description(nullptr)).empty());
    CHECK(convoy_result_count(nullptr) == 0);
    CHECK(convoy_result_detections(nullptr) == nullptr);
    CHECK(convoy_engine_destroy(nullptr) == CONVOY_OK);
    convoy_options_destroy(nullptr);
    convoy_result_destroy(nullptr);
}

TEST_CASE("options are checked when they are set, classes when there is a model") {
    convoy_options* options = nullptr;
    REQUIRE(convoy_options_create(&options) == CONVOY_OK);
    CHECK(convoy_options_set(options, "confidnce", ".4") == CONVOY_ERROR_USAGE);
    CHECK(says("no option 'confidnce'"));
    CHECK(says("confidence"));
    for (const auto& [name, value] : std::vector<std::pair<const char*, const char*>>{{"confidence", "1"},
                                                                                      {"confidence", "nan"},
                                                                                      {"confidence", ""},
                                                                                      {"confidence", ".4,person"},
                                                                                      {"confidence", ".4,=.2"},
                                                                                      {"batch-norm", "torch"},
                                                                                      {"replicate", "mpi"},
                                                                                      {"ignore-regions", "1,2,3"},
                                                                                      {"ignore-regions", "1,2,3,0"},
                                                                                      {"ignore-regions", "1,2,3,4%"},
                                                                                      {"ignore-regions", "1,2,3,4;x"},
                                                                                      {"batch", "-1"},
                                                                                      {"batch", "2x"},
                                                                                      {"size", "608x"},
                                                                                      {"tiles", "3"},
                                                                                      {"tiles", "33x1"},
                                                                                      {"strict", "1"},
                                                                                      {"fit", "crop"},
                                                                                      {"every", "0"},
                                                                                      {"start", "-1"},
                                                                                      {"precision", "fp8"}}) {
        INFO(name << " = " << value);
        CHECK(convoy_options_set(options, name, value) == CONVOY_ERROR_USAGE);
        CHECK(says(std::string("the option '") + name + "': '"));
    }
    CHECK(convoy_options_set(options, "size", "608x33") == CONVOY_ERROR_USAGE);
    CHECK(says("the option 'size': 33 is no multiple of 32"));
    for (const auto& [name, value] :
         std::vector<std::pair<const char*, const char*>>{{"precision", "fp32"},
                                                          {"batch", "4"},
                                                          {"threads", "1"},
                                                          {"max-latency", "20.5"},
                                                          {"same-bits", "yes"},
                                                          {"libraries", "no"},
                                                          {"tuning", "fixed"},
                                                          {"tuning-cache", ""},
                                                          {"gpu-memory", "4000000000"},
                                                          {"confidence", ".4"},
                                                          {"nms", "0.5"},
                                                          {"nms-agnostic", "yes"},
                                                          {"min-size", "8"},
                                                          {"max-boxes", "9"},
                                                          {"fit", "stretch"},
                                                          {"resize", "darknet"},
                                                          {"tiles", "2x2+whole"},
                                                          {"tile-overlap", "0.1"},
                                                          {"size", "224x192"},
                                                          {"strict", "no"},
                                                          {"every", "2"},
                                                          {"frames", "3"},
                                                          {"start", "0"},
                                                          {"stop", "2"},
                                                          {"stream", "-1"},
                                                          {"give-up", "3"},
                                                          {"deinterlace", "no"},
                                                          {"device", "cpu"},
                                                          {"classes", "person,7"},
                                                          {"replicate", "copy"},
                                                          {"batch-norm", "opencv"},
                                                          {"confidence", ".4,person=.3,7=.2"},
                                                          {"ignore-regions", ""},
                                                          {"ignore-regions", "0,0,9,9.5;10%,0%,50%,20%"}}) {
        INFO(name << " = " << value << ": " << convoy_last_error());
        CHECK(convoy_options_set(options, name, value) == CONVOY_OK);
    }
    convoy_engine* engine = nullptr;
    const std::string cfg = model_file("cfg"), weights = model_file("weights"),
                      names = source_file("models/coco.names");
    REQUIRE(convoy_engine_create(&engine, cfg.c_str(), weights.c_str(), names.c_str(), options) == CONVOY_OK);
    int width = 0, height = 0;
    CHECK(convoy_engine_input_size(engine, &width, &height) == CONVOY_OK);
    CHECK((width == 224 && height == 192));
    CHECK(convoy_class_count(engine) == 80);
    CHECK(std::string(convoy_class_name(engine, 0)) == "person");
    CHECK(convoy_class_name(engine, 80) == nullptr);
    CHECK(std::string(convoy_engine_description(engine)).find("cpu") == 0);
    CHECK(convoy_engine_destroy(engine) == CONVOY_OK);

    REQUIRE(convoy_options_set(options, "classes", "person,unicorn") == CONVOY_OK);
    CHECK(convoy_engine_create(&engine, cfg.c_str(), weights.c_str(), names.c_str(), options) == CONVOY_ERROR_USAGE);
    CHECK(engine == nullptr);
    CHECK(says("the option 'classes'"));
    CHECK(says("unicorn"));
    REQUIRE(convoy_options_set(options, "classes", "") == CONVOY_OK);
    REQUIRE(convoy_options_set(options, "confidence", ".4,persn=.3") == CONVOY_OK);
    CHECK(convoy_engine_create(&engine, cfg.c_str(), weights.c_str(), names.c_str(), options) == CONVOY_ERROR_USAGE);
    CHECK(says("the option 'confidence': the model has no class 'persn'; did you mean: person?"));
    convoy_options_destroy(options);
}

TEST_CASE("the status tells what kind of error it is, each thread has its own message") {
    convoy_engine* engine = nullptr;
    CHECK(convoy_engine_create(&engine, source_file("README.md").c_str(), "none", nullptr, nullptr) ==
          CONVOY_ERROR_MODEL);
    CHECK(says("README.md"));
    std::thread([] { CHECK(std::string(convoy_last_error()).empty()); }).join();
    const CEngine made = make_c_engine();
    convoy_result* result = nullptr;
    CHECK(convoy_detect_file(made.get(), "none.jpg", &result) == CONVOY_ERROR_INPUT);
    CHECK(says("none.jpg"));
    const std::string endless(5000, 'n');
    CHECK(convoy_detect_file(made.get(), endless.c_str(), &result) == CONVOY_ERROR_INPUT);
    CHECK(std::strlen(convoy_last_error()) < 2048);
}

TEST_CASE("wrong sizes and formats of a picture are refused, and its pixels are let go of once") {
    const CEngine engine = make_c_engine();
    const media::Image image = frames_of_clip(1)[0];
    int released = 0;
    convoy_picture good = picture_of(image);
    good.release = [](void* data) { ++*static_cast<int*>(data); };
    good.release_data = &released;
    convoy_result* result = nullptr;
    const auto status = [&](auto change) {
        convoy_picture bad = good;
        change(bad);
        released = 0;
        result = reinterpret_cast<convoy_result*>(&bad);  // as from an earlier call
        const int of_call = convoy_detect(engine.get(), &bad, &result);
        CHECK(result == nullptr);
        CHECK(released == 1);
        return of_call;
    };
    CHECK(status([](auto& p) { p.width = 0; }) == CONVOY_ERROR_INPUT);
    CHECK(status([](auto& p) { p.width = 2147483647; }) == CONVOY_ERROR_INPUT);
    CHECK(status([](auto& p) { p.height = -4; }) == CONVOY_ERROR_INPUT);
    CHECK(status([](auto& p) { p.pitch[0] = 5; }) == CONVOY_ERROR_INPUT);
    CHECK(status([](auto& p) { p.plane[0] = nullptr; }) == CONVOY_ERROR_INPUT);
    CHECK(status([](auto& p) { p.format = CONVOY_NV12; }) == CONVOY_ERROR_INPUT);  // without chroma
    CHECK(status([](auto& p) { p.on_device = 1; }) == CONVOY_ERROR_INPUT);
    CHECK(status([](auto& p) { p.format = 2; }) == CONVOY_ERROR_USAGE);
    CHECK(status([](auto& p) { p.matrix = -1; }) == CONVOY_ERROR_USAGE);
    released = 0;
    CHECK(convoy_detect(nullptr, &good, &result) == CONVOY_ERROR_USAGE);
    CHECK(released == 1);

    convoy_picture small = good;
    small.struct_size = 8;
    CHECK(convoy_detect(engine.get(), &small, &result) == CONVOY_ERROR_USAGE);
    CHECK(says("struct_size"));
    struct {
        convoy_picture known;
        int unknown[2];
    } newer{good, {0, 0}};
    newer.known.struct_size = sizeof newer;
    REQUIRE(convoy_detect(engine.get(), &newer.known, &result) ==
            CONVOY_OK);  // a newer program that asks for nothing new
    convoy_result_destroy(result);
    newer.unknown[1] = 1;
    CHECK(convoy_detect(engine.get(), &newer.known, &result) == CONVOY_ERROR_UNSUPPORTED);
    good.release = [](void*) { throw std::runtime_error("nobody can be told"); };
    REQUIRE(convoy_detect(engine.get(), &good, &result) == CONVOY_OK);
    convoy_result_destroy(result);
}

TEST_CASE("a callback can end a run, by what it returns, by convoy_stop() and by throwing") {
    const CEngine engine = make_c_engine();
    Told told;
    SECTION("returned") {
        told.stop_at = 3;
        CHECK(run_clip(engine.get(), told) == CONVOY_STOPPED);
        CHECK(told.frames == 3);
        CHECK(told.error.empty());
    }
    SECTION("stopped") {
        told.at_frame = [&] { convoy_stop(engine.get()); };
        CHECK(run_clip(engine.get(), told) == CONVOY_STOPPED);
        CHECK(told.frames >= 1);
        CHECK(told.frames < 240);
    }
    SECTION("thrown") {
        told.throws = true;
        CHECK(run_clip(engine.get(), told) == CONVOY_ERROR_CALLBACK);
        CHECK(says("'frame' threw: the disk is full"));
        CHECK(told.frames == 1);
    }
    SECTION("calls that do not belong there") {
        told.stop_at = 1;
        told.at_frame = [&] {
            CHECK(convoy_engine_destroy(engine.get()) == CONVOY_ERROR_USAGE);
            CHECK(says("convoy_run() goes on"));
            Told inner;
            CHECK(run_clip(engine.get(), inner) == CONVOY_ERROR_USAGE);
            convoy_result* result = nullptr;
            CHECK(convoy_next(engine.get(), &result) == CONVOY_ERROR_USAGE);
        };
        CHECK(run_clip(engine.get(), told) == CONVOY_STOPPED);
    }
    // Whatever came of it, the engine works on.
    Told after;
    after.stop_at = 2;
    CHECK(run_clip(engine.get(), after) == CONVOY_STOPPED);
    CHECK(after.frames == 2);
}

TEST_CASE("while a callback does not return, the run waits, and a stop waits for it") {
    const CEngine engine = make_c_engine();
    std::promise<void> entered, let_go;
    Told told;
    told.at_frame = [&] {
        if (told.frames > 1) return;
        entered.set_value();
        let_go.get_future().wait();
    };
    std::future<int> status = std::async(std::launch::async, [&] { return run_clip(engine.get(), told); });
    in_time("the first frame", [&] { entered.get_future().wait(); });
    CHECK(convoy_stop(engine.get()) == CONVOY_OK);
    CHECK(status.wait_for(std::chrono::milliseconds(300)) == std::future_status::timeout);
    CHECK(convoy_engine_destroy(engine.get()) == CONVOY_ERROR_USAGE);
    let_go.set_value();
    CHECK(in_time("the run", [&] { return status.get(); }) == CONVOY_STOPPED);
    CHECK(told.frames < 240);
}

TEST_CASE("a run of nothing, and of what cannot be read") {
    const CEngine engine = make_c_engine();
    const char* const inputs[] = {"none.mp4", nullptr};
    Told told;
    const convoy_callbacks callbacks = callbacks_of(told);
    CHECK(convoy_run(engine.get(), inputs, 0, &callbacks) == CONVOY_ERROR_USAGE);
    CHECK(convoy_run(engine.get(), inputs, 2, &callbacks) == CONVOY_ERROR_USAGE);
    convoy_callbacks old = callbacks;
    old.struct_size = 0;
    CHECK(convoy_run(engine.get(), inputs, 1, &old) == CONVOY_ERROR_USAGE);
    const std::string picture = source_file("docs/img/demo.jpg");
    const char* const mixed[] = {picture.c_str(), "none.mp4"};
    CHECK(convoy_run(engine.get(), mixed, 2, nullptr) == CONVOY_OK);
    Told of_missing;
    const convoy_callbacks only_end = {sizeof only_end, &of_missing, nullptr, nullptr,
                                       [](void* data, int, const char* path, std::int64_t, const char* error) {
                                           auto& all = *static_cast<Told*>(data);
                                           if (*error) all.path = path, all.error = error;
                                       }};
    CHECK(convoy_run(engine.get(), mixed, 2, &only_end) == CONVOY_OK);
    CHECK(of_missing.path == "none.mp4");
    CHECK(of_missing.error.find("none.mp4") != std::string::npos);
}
