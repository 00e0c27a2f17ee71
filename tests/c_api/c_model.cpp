// SPDX-License-Identifier: MIT
#include "tests/c_api/c_model.h"

#include <cstddef>
#include <cstdio>
#include <utility>

#include <convoy/media/source.h>
#include "tests/support/catch.h"
#include "tests/tools/child.h"

namespace convoy::test {
namespace {

constexpr const char* kSide = "192";

}  // namespace

std::string model_file(const std::string& ending) { return source_file("models/yolov3-quarter." + ending); }

CEngine make_c_engine(const std::vector<std::pair<const char*, const char*>>& more) {
    convoy_options* options = nullptr;
    REQUIRE(convoy_options_create(&options) == CONVOY_OK);
    REQUIRE(convoy_options_set(options, "size", kSide) == CONVOY_OK);
    REQUIRE(convoy_options_set(options, "device", "cpu") == CONVOY_OK);
    for (const auto& [name, value] : more) REQUIRE(convoy_options_set(options, name, value) == CONVOY_OK);
    convoy_engine* engine = nullptr;
    const int status = convoy_engine_create(&engine, model_file("cfg").c_str(), model_file("weights").c_str(),
                                            source_file("models/coco.names").c_str(), options);
    INFO(convoy_last_error());
    REQUIRE(status == CONVOY_OK);
    convoy_options_destroy(options);
    return CEngine(engine);
}

Engine make_engine(const EngineOptions& options) {
    LoadOptions load;
    load.width = load.height = std::stoi(kSide);
    EngineOptions on_cpu = options;
    on_cpu.device = "cpu";
    return Engine(load_network(model_file("cfg"), model_file("weights"), {}, load), on_cpu);
}

std::vector<media::Image> frames_of_clip(int count) {
    const auto source = media::open_source(source_file("models/pedestrians.mp4"));
    std::vector<media::Image> images;
    for (int i = 0; i < count; ++i) {
        const auto frame = source->next();
        REQUIRE(frame);
        const PixelView& p = frame->pixels;
        media::Image& image = images.emplace_back(media::Image{p.width, p.height, {}});
        for (int y = 0; y < p.height; ++y) {
            const std::uint8_t* row = p.plane[0] + std::ptrdiff_t(y) * p.pitch[0];
            image.rgb.insert(image.rgb.end(), row, row + std::ptrdiff_t(3) * p.width);
        }
    }
    return images;
}

convoy_picture picture_of(const media::Image& image) {
    convoy_picture picture{};
    picture.struct_size = sizeof picture;
    picture.width = image.width, picture.height = image.height;
    picture.plane[0] = image.rgb.data();
    return picture;
}

std::string numbers_of(float confidence, float x, float y, float w, float h) {
    char text[128];
    std::snprintf(text, sizeof text, "%.9g %.9g %.9g %.9g %.9g", double(confidence), double(x), double(y), double(w),
                  double(h));
    return text;
}

std::string lines_of(const convoy_result& result) {
    std::string lines;
    const convoy_detection* d = convoy_result_detections(&result);
    for (std::size_t i = 0; i < convoy_result_count(&result); ++i)
        lines +=
            std::to_string(d[i].class_id) + " " + numbers_of(d[i].confidence, d[i].x, d[i].y, d[i].w, d[i].h) + "\n";
    return lines;
}

std::string lines_of(const std::vector<Detection>& detections) {
    std::string lines;
    for (const Detection& d : detections)
        lines += std::to_string(d.class_id) + " " + numbers_of(d.confidence, d.box.x, d.box.y, d.box.w, d.box.h) + "\n";
    return lines;
}

}  // namespace convoy::test
