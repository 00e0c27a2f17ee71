// SPDX-License-Identifier: MIT
#include "tools/eval/detect.h"

#include <fmt/format.h>

#include "tools/media/in/picture_input.h"

namespace convoy::eval {
namespace {

Frame read_frame(const Picture& picture, std::size_t index, const std::atomic<bool>& stop) {
    auto image = std::make_shared<const media::Image>(media::read_image(picture.path, [&] { return stop.load(); }));
    if (picture.width > 0 && (image->width != picture.width || image->height != picture.height))
        throw Error(ErrorKind::input,
                    fmt::format("{}: is {}x{} pixels, its annotations are for {}x{}; is it the right picture?",
                                picture.path, image->width, image->height, picture.width, picture.height));
    Frame frame = media::frame_of(std::move(image));
    frame.index = std::int64_t(index);
    return frame;
}

}  // namespace

std::optional<std::vector<ScoredBox>> detect_pictures(
    Engine& engine, const Dataset& dataset, const std::vector<std::optional<std::size_t>>& category_of_class,
    const std::function<void(std::size_t done, const Result& result)>& after, const std::atomic<bool>& stop) {
    const std::size_t count = dataset.pictures.size();
    std::vector<ScoredBox> out;
    std::size_t submitted = 0;
    for (std::size_t done = 0; done < count; ++done) {
        // As far ahead as submit() does not block: the network works while the next pictures are decoded.
        while (submitted < count && submitted - done < std::size_t(engine.capacity())) {
            if (stop) return std::nullopt;
            try {
                engine.submit(read_frame(dataset.pictures[submitted], submitted, stop));
            } catch (const Error&) {
                if (stop) return std::nullopt;
                throw;
            }
            if (++submitted == count) engine.finish();
        }
        const std::optional<Result> result = engine.next();
        for (const Detection& d : result.value().detections)
            if (const auto category = category_of_class.at(std::size_t(d.class_id)))
                out.push_back({done, *category, {d.box.x, d.box.y, d.box.w, d.box.h}, d.confidence});
        after(done + 1, *result);
    }
    return out;
}

}  // namespace convoy::eval
