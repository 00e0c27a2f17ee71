// SPDX-License-Identifier: MIT
//
// What the tests of the C interface share: the demo model, and what C++ finds with it.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <convoy/convoy.h>
#include <convoy/media/image.h>
#include <convoy/convoy.hpp>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define CONVOY_SANITIZED
#endif

namespace convoy::test {

struct DestroyEngine {
    void operator()(convoy_engine* engine) const { convoy_engine_destroy(engine); }
};
struct DestroyResult {
    void operator()(convoy_result* result) const { convoy_result_destroy(result); }
};
using CEngine = std::unique_ptr<convoy_engine, DestroyEngine>;
using CResult = std::unique_ptr<convoy_result, DestroyResult>;

std::string model_file(const std::string& ending);
/// The demo model by the C interface, small and on the CPU; a failed test where it cannot be had.
CEngine make_c_engine(const std::vector<std::pair<const char*, const char*>>& options = {});
/// The same by the C++ interface.
Engine make_engine(const EngineOptions& options = {});

/// The first `count` frames of the shipped clip.
std::vector<media::Image> frames_of_clip(int count);
/// An RGB picture; `image` must outlive it.
convoy_picture picture_of(const media::Image& image);

/// As the examples print numbers: nine digits tell every float from its neighbours.
std::string numbers_of(float confidence, float x, float y, float w, float h);
std::string lines_of(const convoy_result& result);
std::string lines_of(const std::vector<Detection>& detections);

}  // namespace convoy::test
