// SPDX-License-Identifier: MIT
//
// What a run hands to Python: frames, and the ends of inputs.
#pragma once

#include <memory>
#include <string>
#include <variant>

#include <convoy/media/image.h>
#include <convoy/run.h>
#include "python/bindings/bindings.h"

namespace convoy::python {

/// Pixels that a frame keeps for Python: a copy, since those of the engine are counted and few.
struct Pixels {
    std::variant<media::Nv12Image, media::Image> image;

    explicit Pixels(const PixelView& view);
    PixelView view() const;
};

struct RunFrame {
    int input = 0;
    std::shared_ptr<const std::string> path;
    Result result;
    std::shared_ptr<const Pixels> pixels;
};

struct RunEnd {
    int input = 0;
    std::string path;
    InputEnd end;
};

void bind_frames(nb::module_& module);

}  // namespace convoy::python
