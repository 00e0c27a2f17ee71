// SPDX-License-Identifier: MIT
//
// Any bytes as the labels of a picture in a YOLO dataset: either boxes inside of it, or a convoy::Error.
#include <convoy/error.h>
#include <convoy/media/image.h>
#include "tests/fuzz/input.h"
#include "tools/eval/yolo_dataset.h"

namespace {

using namespace convoy::fuzz;

constexpr int kWidth = 4, kHeight = 3;

class Folder : public Scratch {
public:
    Folder() { convoy::media::write_image(path("a.bmp"), {kWidth, kHeight, std::vector<std::uint8_t>(36)}); }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const Folder folder;
    folder.write("a.txt", {reinterpret_cast<const char*>(data), size});
    try {
        const auto dataset = convoy::eval::read_yolo_dataset(folder.path(""), {{1, "person"}, {2, "car"}, {3, "dog"}});
        require(dataset.pictures.size() == 1 && dataset.pictures[0].width == kWidth);
        for (const convoy::eval::Annotation& a : dataset.annotations)
            require(a.category < 3 && a.picture == 0 && a.box.w >= 0 && a.box.w <= kWidth && a.box.h >= 0 &&
                    a.box.h <= kHeight && a.box.x >= -kWidth / 2. && a.box.x <= kWidth);
    } catch (const convoy::Error&) {  // says what is wrong with it
    }
    return 0;
}
