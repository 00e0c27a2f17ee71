// SPDX-License-Identifier: MIT
#include "python/bindings/run_items.h"

namespace convoy::python {

Pixels::Pixels(const PixelView& view) {
    if (view.format == PixelFormat::nv12) {
        media::copy_nv12(view, image.emplace<media::Nv12Image>());
        return;
    }
    media::Image& rgb = image.emplace<media::Image>();
    rgb.width = view.width, rgb.height = view.height;
    for (int y = 0; y < view.height; ++y) {
        const std::uint8_t* row = view.plane[0] + std::int64_t(y) * view.pitch[0];
        rgb.rgb.insert(rgb.rgb.end(), row, row + std::int64_t(3) * view.width);
    }
}

PixelView Pixels::view() const {
    if (const auto* nv12 = std::get_if<media::Nv12Image>(&image)) return nv12->view();
    const auto& rgb = std::get<media::Image>(image);
    return rgb_frame(rgb.rgb.data(), rgb.width, rgb.height).pixels;
}

namespace {

nb::object image_of(const RunFrame& frame) {
    if (!frame.pixels)
        throw nb::attribute_error("a frame has its pixels only if the run was asked for them: pixels=True");
    return rgb_array_of(frame.pixels->view());
}

void bind_frame(nb::module_& module) {
    nb::class_<RunFrame>(module, "Frame", "One frame of a run, and what was found on it.", nb::dynamic_attr())
        .def_ro("input", &RunFrame::input, "Which of the run's inputs it belongs to, counted from 0.")
        .def_prop_ro(
            "path", [](const RunFrame& f) { return text_of(*f.path); }, "That input's name; passwords are ***.")
        .def_prop_ro(
            "index", [](const RunFrame& f) { return f.result.frame.index; }, "Its number in its input, from 0 on.")
        .def_prop_ro(
            "time_s", [](const RunFrame& f) { return f.result.frame.time_s; }, "Seconds after the first frame.")
        .def_prop_ro(
            "pts_s", [](const RunFrame& f) { return f.result.frame.pts_s; },
            "The container's own stamp, seconds; NaN where it has none.")
        .def_prop_ro(
            "wall_time_s", [](const RunFrame& f) { return f.result.frame.wall_time_s; },
            "Of a live input, when it was taken: seconds since 1970; else NaN.")
        .def_prop_ro(
            "width", [](const RunFrame& f) { return f.result.frame.pixels.width; }, "Pixels, upright.")
        .def_prop_ro(
            "height", [](const RunFrame& f) { return f.result.frame.pixels.height; }, "Pixels, upright.")
        .def_prop_ro(
            "latency_ms", [](const RunFrame& f) { return f.result.latency_ms; },
            "From decoded to detections, milliseconds.")
        .def_prop_ro(
            "undecodable", [](const RunFrame& f) { return f.result.frame.undecodable; },
            "A place before a recording's first keyframe, which no decoder can know: nothing is detected on it.")
        .def_prop_ro(
            "not_finite", [](const RunFrame& f) { return f.result.not_finite; },
            "Boxes left out since they are NaN or infinite.")
        .def_prop_ro(
            "detections", [](const RunFrame& f) { return array_of(f.result.detections); },
            nb::sig("def detections(self) -> numpy.ndarray"),
            "A new structured array of convoy.DETECTION, in Darknet's order.")
        .def_prop_ro("image", &image_of, nb::sig("def image(self) -> numpy.ndarray"),
                     "Its pixels, RGB, a new array (height, width, 3), where the run was started with pixels=True.")
        .def("__len__", [](const RunFrame& f) { return f.result.detections.size(); })
        .def("__repr__", [](const RunFrame& f) {
            return text_of("<convoy.Frame " + std::to_string(f.result.frame.index) + " of " + *f.path + ", " +
                           std::to_string(f.result.detections.size()) + " detections>");
        });
}

void bind_end(nb::module_& module) {
    nb::class_<RunEnd>(module, "InputEnd", "How an input of a run ended.")
        .def_ro("input", &RunEnd::input, "Which of the run's inputs, counted from 0.")
        .def_prop_ro("path", [](const RunEnd& e) { return text_of(e.path); })
        .def_prop_ro("frames", [](const RunEnd& e) { return e.end.frames; })
        .def_prop_ro(
            "damaged", [](const RunEnd& e) { return e.end.damaged; },
            "Packets and frames that could not be decoded, frames that were in part.")
        .def_prop_ro("first_damage", [](const RunEnd& e) { return text_of(e.end.first_damage); })
        .def_prop_ro(
            "first_not_finite", [](const RunEnd& e) { return text_of(e.end.first_not_finite); },
            "The first layer whose output had such numbers.")
        .def_prop_ro("undecodable", [](const RunEnd& e) { return e.end.undecodable; })
        .def_prop_ro("not_finite", [](const RunEnd& e) { return e.end.not_finite; })
        .def_prop_ro(
            "error", [](const RunEnd& e) { return text_of(e.end.error); },
            "Why it could not be opened or read to its end; empty when it could.")
        .def_prop_ro(
            "remark", [](const RunEnd& e) { return text_of(e.end.remark); },
            "How it was read where that is not usual.");
}

}  // namespace

void bind_frames(nb::module_& module) {
    bind_frame(module);
    bind_end(module);
}

}  // namespace convoy::python
