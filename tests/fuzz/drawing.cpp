// SPDX-License-Identifier: MIT
//
// Any names and boxes, drawn, as subtitles and on a terminal. Bytes: the size of the picture, names, each behind its
// length, boxes.
#include <nlohmann/json.hpp>
#include <vector>

#include <convoy/media/draw.h>
#include "tests/fuzz/input.h"
#include "tools/media/out/ass.h"
#include "tools/message.h"

namespace {

using namespace convoy;
using namespace convoy::fuzz;

struct Shown {
    explicit Shown(Bytes bytes) : width(1 + int(bytes.number())), height(1 + int(bytes.number())) {
        labels = media::LabelStyle(bytes.number() % 3);
        for (unsigned count = bytes.number() % 5; count > 0; --count) names.push_back(bytes.text(bytes.number()));
        while (!bytes.empty()) {
            Detection d;
            d.class_id = int(bytes.number() % 8);
            for (float* value : {&d.confidence, &d.box.x, &d.box.y, &d.box.w, &d.box.h}) *value = bytes.real();
            detections.push_back(d);
        }
    }
    int width, height;
    media::LabelStyle labels;
    std::vector<std::string> names;
    std::vector<Detection> detections;
};

void draw(const Shown& input, const std::string& caption) {
    const auto pixels = std::size_t(input.width) * std::size_t(input.height);
    media::Annotator annotator(input.names, input.labels);
    media::Image image{input.width, input.height, std::vector<std::uint8_t>(3 * pixels)};
    annotator.annotate(image, input.detections, caption);
    media::Nv12Image nv12{input.width, input.height, ColorMatrix::bt709, ColorRange::limited, {}};
    nv12.bytes.resize(std::size_t(nv12.pitch()) * std::size_t(nv12.height + nv12.chroma_rows()));
    annotator.annotate(nv12, input.detections, caption);
}

void check_subtitles(const Shown& input) {
    const media::AssScript script(input.names, input.width, input.height, input.labels);
    const auto lines = [&](const media::AssScript& of) {
        const std::string header = of.header();
        return std::count(header.begin(), header.end(), '\n');
    };
    const auto more = lines(script) - lines({{}, input.width, input.height, input.labels});
    const auto most = 2 * std::ptrdiff_t(input.names.size());  // a class may be called "other"
    require(more <= most && more >= most - 2);
    int read_order = 0;
    const std::vector<std::string> events = script.events(input.detections, input.width, input.height, read_order);
    require(read_order == int(events.size()));
    for (const std::string& event : events) {
        require(event.find_first_of("\n\r") == event.npos);
        require(std::count(event.begin(), event.end(), '{') == std::count(event.begin(), event.end(), '}'));
        require(std::count(event.begin(), event.end(), '{') <= 2);
    }
}

void check_printable(const std::string& text) {
    const std::string shown = tools::printable(text);
    require(std::none_of(shown.begin(), shown.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; }));
    (void)nlohmann::json(shown).dump();  // throws for what is no UTF-8
    require(tools::printable(shown) == shown);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const Shown input(Bytes(data, size));
    draw(input, input.names.empty() ? "" : input.names[0]);
    check_subtitles(input);
    for (const std::string& name : input.names) check_printable(name);
    return 0;
}
