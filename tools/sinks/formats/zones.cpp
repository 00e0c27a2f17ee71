// SPDX-License-Identifier: MIT
//
// What happened in zones and at lines, of one input: over time, visit by visit, and in all.
#include <optional>
#include <utility>

#include "tools/analysis/zone_text.h"
#include "tools/analysis/zones.h"
#include "tools/sinks/formats/record_format.h"

namespace convoy::tools {
namespace {

class ZoneFormat : public RecordFormat {
public:
    enum class Of { counts, visits, totals };

    ZoneFormat(Of what, const FormatNames& names) : what_(what), counter_(*names.zones, names.classes, {}, outputs()) {}

    std::string begin() override {
        return what_ == Of::counts   ? analysis::counts_csv_header()
               : what_ == Of::visits ? analysis::visits_csv_header()
                                     : std::string();
    }
    std::string frame(const FrameOutput& frame) override {
        if (!frame.result.frame.undecodable) counter_.update(frame.result);
        return std::exchange(lines_, {});
    }
    void end(const Write& write) override {
        counter_.finish();
        write(what_ == Of::totals ? analysis::totals_json(counter_) : std::exchange(lines_, {}));
    }

private:
    analysis::ZoneCounter::Outputs outputs() {
        analysis::ZoneCounter::Outputs outputs;
        if (what_ == Of::counts)
            outputs.row = [this](const analysis::CountRow& row) { lines_ += analysis::counts_csv_line(counter_, row); };
        if (what_ == Of::visits)
            outputs.visit = [this](const analysis::Visit& visit) {
                lines_ += analysis::visits_csv_line(counter_, visit);
            };
        return outputs;
    }

    const Of what_;
    analysis::ZoneCounter counter_;
    std::string lines_;
};

}  // namespace

std::unique_ptr<RecordFormat> zone_counts_format(const FormatNames& names) {
    return std::make_unique<ZoneFormat>(ZoneFormat::Of::counts, names);
}
std::unique_ptr<RecordFormat> zone_visits_format(const FormatNames& names) {
    return std::make_unique<ZoneFormat>(ZoneFormat::Of::visits, names);
}
std::unique_ptr<RecordFormat> zone_totals_format(const FormatNames& names) {
    return std::make_unique<ZoneFormat>(ZoneFormat::Of::totals, names);
}

}  // namespace convoy::tools
