// SPDX-License-Identifier: MIT
#include "tools/eval/eval_report.h"

#include <fmt/format.h>

#include <iterator>

namespace convoy::eval {
namespace {

struct Row {
    const char* key;      ///< in JSON
    const char* meaning;  ///< in the table
    double Scores::*value;
};

constexpr Row kRows[] = {
    {"AP", "IoU .50:.95", &Scores::ap},
    {"AP50", "IoU .50", &Scores::ap50},
    {"AP75", "IoU .75", &Scores::ap75},
    {"APsmall", "area up to 32x32 pixels", &Scores::ap_small},
    {"APmedium", "area up to 96x96", &Scores::ap_medium},
    {"APlarge", "area above", &Scores::ap_large},
    {"AR1", "best detection of a class a picture", &Scores::ar1},
    {"AR10", "best 10", &Scores::ar10},
    {"AR100", "best 100", &Scores::ar100},
    {"ARsmall", "area up to 32x32 pixels", &Scores::ar_small},
    {"ARmedium", "area up to 96x96", &Scores::ar_medium},
    {"ARlarge", "area above", &Scores::ar_large},
};

std::string percent(double value) { return value == kAbsent ? "-" : fmt::format("{:.3f}", 100 * value); }

nlohmann::ordered_json share(double value) {
    return value == kAbsent ? nlohmann::ordered_json() : nlohmann::ordered_json(value);
}

}  // namespace

std::string scores_text(const Dataset& dataset, const Scores& scores) {
    std::string out;
    const auto print = [&](const auto& format, const auto&... args) {
        fmt::format_to(std::back_inserter(out), fmt::runtime(format), args...);
    };
    for (const Row& row : kRows) print("{:<9}{:>8}  {}\n", row.key, percent(scores.*row.value), row.meaning);

    std::size_t width = 5, absent = 0;
    for (const Category& c : dataset.categories) width = std::max(width, c.name.size());
    print("\n{:<{}}  objects  detections      AP    AP50    AP75   AR100\n", "class", width);
    for (std::size_t i = 0; i < dataset.categories.size(); ++i) {
        const CategoryScores& c = scores.categories[i];
        if (c.ap == kAbsent)
            ++absent;
        else
            print("{:<{}}{:>9}{:>12}{:>8}{:>8}{:>8}{:>8}\n", dataset.categories[i].name, width, c.objects, c.detections,
                  percent(c.ap), percent(c.ap50), percent(c.ap75), percent(c.recall));
    }
    if (absent) print("{} of {} classes have no objects here and no score\n", absent, dataset.categories.size());
    return out;
}

nlohmann::ordered_json scores_json(const Dataset& dataset, const Scores& scores) {
    nlohmann::ordered_json out;
    for (const Row& row : kRows) out[row.key] = share(scores.*row.value);
    out["classes"] = nlohmann::ordered_json::array();
    for (std::size_t i = 0; i < dataset.categories.size(); ++i) {
        const CategoryScores& c = scores.categories[i];
        out["classes"].push_back({{"category_id", dataset.categories[i].id},
                                  {"name", dataset.categories[i].name},
                                  {"objects", c.objects},
                                  {"detections", c.detections},
                                  {"AP", share(c.ap)},
                                  {"AP50", share(c.ap50)},
                                  {"AP75", share(c.ap75)},
                                  {"AR100", share(c.recall)}});
    }
    return out;
}

}  // namespace convoy::eval
