// SPDX-License-Identifier: MIT
//
// What changes in zones and at lines, of one input: a JSON object a line.
#include <fmt/core.h>

#include <utility>

#include "tools/analysis/zones.h"
#include "tools/sinks/formats/record_format.h"
#include "tools/sinks/formats/text.h"

namespace convoy::tools {
namespace {

class ZoneEventsFormat : public RecordFormat {
public:
    explicit ZoneEventsFormat(const FormatNames& names)
        : classes_(names.classes, json_string), counter_(*names.zones, names.classes, {}, outputs()) {}

    std::string frame(const FrameOutput& frame) override {
        if (frame.result.frame.undecodable) return "";
        frame_ = &frame;
        counter_.update(frame.result);
        return std::exchange(lines_, {});
    }

private:
    analysis::ZoneCounter::Outputs outputs() {
        analysis::ZoneCounter::Outputs outputs;
        outputs.entry = [this](const analysis::Visit& visit) {
            add("enter", "zone", zone(visit), visit.track, visit.class_id, "");
        };
        outputs.visit = [this](const analysis::Visit& visit) {
            add("leave", "zone", zone(visit), visit.track, visit.class_id,
                fmt::format(",\"from_s\":{},\"to_s\":{}", visit.from_s, visit.to_s));
        };
        outputs.passage = [this](const analysis::LinePassage& passage) {
            add("cross", "line", counter_.zones().lines[passage.line].name, passage.track, passage.class_id,
                fmt::format(",\"direction\":\"{}\"", passage.in ? "in" : "out"));
        };
        return outputs;
    }

    const std::string& zone(const analysis::Visit& visit) const { return counter_.zones().zones[visit.zone].name; }

    void add(const char* event, const char* kind, const std::string& name, std::int64_t track, int class_id,
             const std::string& more) {
        lines_ += fmt::format(
            "{{\"input\":{},\"frame\":{},\"time_s\":{}{},\"event\":\"{}\",\"{}\":{},\"track\":{},\"class_id\":{},"
            "\"class\":{}{}}}\n",
            json_string(frame_->input.path), frame_->result.frame.index, frame_->result.frame.time_s,
            wall_time_member(frame_->result.frame), event, kind, json_string(name), track, class_id,
            classes_.of(class_id), more);
    }

    const ClassTexts classes_;
    analysis::ZoneCounter counter_;
    const FrameOutput* frame_ = nullptr;  // while it is looked at
    std::string lines_;
};

}  // namespace

std::unique_ptr<RecordFormat> zone_events_format(const FormatNames& names) {
    return std::make_unique<ZoneEventsFormat>(names);
}

}  // namespace convoy::tools
