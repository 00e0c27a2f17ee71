// SPDX-License-Identifier: MIT
#include <fmt/core.h>

#include <algorithm>
#include <cstddef>
#include <cstring>

#include <convoy/media/image_converter.h>
#include "python/bindings/bindings.h"

namespace convoy::python {
namespace {

using Array = nb::ndarray<nb::ro>;
constexpr int kLegacyStream = 1;  // CUDA's default stream, by the number that DLPack and the driver give it

/// One detection as numpy sees it: convoy.DETECTION.
struct Row {
    float x, y, w, h, score;
    std::int32_t class_id;
    std::int64_t track;
};
static_assert(sizeof(Row) == 32 && offsetof(Row, class_id) == 20 && offsetof(Row, track) == 24);

// A producer of CUDA memory orders what it has written before the stream that it is told.
nb::object with_stream(nb::handle picture) {
    if (!nb::hasattr(picture, "__dlpack_device__") || !nb::hasattr(picture, "__dlpack__")) return nb::borrow(picture);
    const nb::object device = picture.attr("__dlpack_device__")();
    if (nb::cast<int>(nb::int_(device[0])) != nb::device::cuda::value) return nb::borrow(picture);
    nb::dict arguments;
    arguments["stream"] = kLegacyStream;
    return picture.attr("__dlpack__")(**arguments);
}

std::string shape_of(const Array& array) {
    std::string text;
    for (std::size_t i = 0; i < array.ndim(); ++i) text += fmt::format("{}{}", i ? ", " : "", array.shape(i));
    return array.ndim() == 1 ? "(" + text + ",)" : "(" + text + ")";
}

std::string dtype_of(const Array& array) {
    static constexpr const char* kKinds[] = {"int", "uint", "float", "handle", "bfloat", "complex", "bool"};
    const auto dtype = array.dtype();
    return dtype.code < std::size(kKinds) ? fmt::format("{}{}", kKinds[dtype.code], dtype.bits) : "another type";
}

Array import(nb::handle picture) {
    Array array;
    const nb::object object = with_stream(picture);
    if (!nb::try_cast(object, array)) {
        const auto text = [](nb::handle what) { return nb::cast<std::string>(nb::str(what)); };
        if (nb::hasattr(picture, "dtype"))
            throw nb::type_error(
                fmt::format("a frame is uint8 of the shape (height, width, 3), RGB; this is an array of {}",
                            text(picture.attr("dtype")))
                    .c_str());
        if (nb::hasattr(picture, "__dlpack__")) picture.attr("__dlpack__")();  // its own error says why
        throw nb::type_error(fmt::format("a frame is a numpy array, or has __dlpack__; this is a {}",
                                         text(nb::handle(picture.type()).attr("__name__")))
                                 .c_str());
    }
    const bool has_shape = array.ndim() == 3 && array.shape(2) == 3 && array.shape(0) > 0 && array.shape(1) > 0;
    if (!has_shape || array.dtype() != nb::dtype<std::uint8_t>())
        throw nb::value_error(fmt::format("a frame is uint8 of the shape (height, width, 3), RGB; this is {} of the "
                                          "shape {}",
                                          dtype_of(array), shape_of(array))
                                  .c_str());
    constexpr std::size_t kMostSide = 1 << 28;
    if (std::max(array.shape(0), array.shape(1)) > kMostSide)
        throw nb::value_error(fmt::format("a frame of the shape {} is too large", shape_of(array)).c_str());
    return array;
}

void check_device(const Array& array, const PyEngine& engine) {
    if (array.device_type() != nb::device::cuda::value)
        throw nb::value_error(fmt::format("a frame lies in host memory or on an NVIDIA GPU; this is on DLPack's device "
                                          "type {}",
                                          array.device_type())
                                  .c_str());
    const std::vector<int> gpus = engine.engine().gpus();
    if (engine.engine().devices() != 1 || gpus.empty() || gpus.front() != array.device_id())
        throw nb::value_error(
            fmt::format("the frame is on GPU {0}, and the engine is {1}: a frame in device memory needs "
                        "Engine(device=\"cuda:{0}\"); or hand over frame.cpu()",
                        array.device_id(), engine.engine().description())
                .c_str());
}

std::shared_ptr<const void> reference_to(Array array, const PyEngine& engine) {
    const auto held = std::make_shared<std::list<Array>>();
    held->push_back(std::move(array));
    return {held.get(), [held, unneeded = engine.unneeded](const void*) { unneeded->add(*held); }};
}

// Channels the other way round, rows upside down, or planes: what the engine does not read.
std::shared_ptr<std::vector<std::uint8_t>> copy_pixels(const Array& array) {
    const std::size_t height = array.shape(0), width = array.shape(1);
    const std::int64_t row = array.stride(0), column = array.stride(1), channel = array.stride(2);
    auto copy = std::make_shared<std::vector<std::uint8_t>>(height * width * 3);
    std::uint8_t* to = copy->data();
    for (std::size_t y = 0; y < height; ++y) {
        const std::uint8_t* from = static_cast<const std::uint8_t*>(array.data()) + std::int64_t(y) * row;
        for (std::size_t x = 0; x < width; ++x, from += column)
            for (int c = 0; c < 3; ++c) *to++ = from[c * channel];
    }
    return copy;
}

}  // namespace

Frame frame_of(nb::handle picture, const PyEngine& engine, bool keep) {
    Array array = import(picture);
    const int height = int(array.shape(0)), width = int(array.shape(1));
    const bool in_rows = array.stride(2) == 1 && array.stride(1) == 3 && array.stride(0) >= 3 * std::int64_t(width) &&
                         array.stride(0) <= std::numeric_limits<int>::max();
    if (array.device_type() != nb::device::cpu::value) {
        check_device(array, engine);
        if (!in_rows)
            throw nb::value_error(
                "a frame in device memory must have its pixels one behind the other: hand over frame.contiguous()");
        Frame frame = rgb_frame(array.data(), width, height, int(array.stride(0)));
        frame.pixels.on_device = true;
        frame.cuda_stream = reinterpret_cast<void*>(std::uintptr_t(kLegacyStream));
        frame.owner = reference_to(std::move(array), engine);
        return frame;
    }
    if (!in_rows) {
        auto copy = copy_pixels(array);
        return rgb_frame(copy->data(), width, height, 0, copy);
    }
    Frame frame = rgb_frame(array.data(), width, height, int(array.stride(0)));
    if (keep) frame.owner = reference_to(std::move(array), engine);
    return frame;
}

nb::object array_of(const std::vector<Detection>& detections) {
    const std::size_t bytes = detections.size() * sizeof(Row);
    const nb::object memory = nb::steal(PyByteArray_FromStringAndSize(nullptr, Py_ssize_t(bytes)));
    if (!memory) throw nb::python_error();
    char* to = PyByteArray_AsString(memory.ptr());
    for (const Detection& d : detections) {
        const Row row = {d.box.x, d.box.y, d.box.w, d.box.h, d.confidence, d.class_id, d.track};
        std::memcpy(to, &row, sizeof row);
        to += sizeof row;
    }
    const nb::object dtype = nb::module_::import_("convoy._types").attr("DETECTION");
    return nb::module_::import_("numpy").attr("ndarray")(nb::make_tuple(detections.size()), dtype, memory);
}

nb::object rgb_array_of(const PixelView& pixels) {
    auto image = std::make_unique<media::Image>();
    {
        const WithoutGil without_gil;
        media::ImageConverter().convert(pixels, *image);
    }
    const std::size_t shape[] = {std::size_t(image->height), std::size_t(image->width), 3};
    std::uint8_t* data = image->rgb.data();
    const nb::capsule owner(image.release(), [](void* held) noexcept { delete static_cast<media::Image*>(held); });
    return nb::cast(nb::ndarray<nb::numpy, std::uint8_t>(data, 3, shape, owner));
}

}  // namespace convoy::python
