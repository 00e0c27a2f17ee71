// SPDX-License-Identifier: MIT
#include "tools/eval/pr_curves.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <optional>

#include "tools/message.h"

namespace convoy::eval {
namespace {

constexpr int kWidth = 960, kHeight = 600;
constexpr int kLeft = 70, kTop = 60, kPlotWidth = 590, kPlotHeight = 470;
constexpr int kLegendLeft = kLeft + kPlotWidth + 24, kLegendStep = 22;
constexpr double kLevel = 2.5;            // pixels between curves that are the same
constexpr std::size_t kNamed = 5;         // best and worst classes that are drawn in colour
constexpr std::size_t kLongestName = 22;  // characters that fit into the legend
constexpr const char* kBestColors[kNamed] = {"#1b7837", "#2166ac", "#00868b", "#5aae61", "#4393c3"};
constexpr const char* kWorstColors[kNamed] = {"#b2182b", "#d6604d", "#e08214", "#9e3d8f", "#8c510a"};

/// XML has neither control characters nor bytes that are no UTF-8.
std::string escaped(const std::string& text) {
    std::string out;
    for (const char c : tools::printable(text)) {
        if (c == '&')
            out += "&amp;";
        else if (c == '<')
            out += "&lt;";
        else if (c == '>')
            out += "&gt;";
        else
            out += c;
    }
    return out;
}

/// At most kLongestName characters of UTF-8.
std::string shortened(const std::string& name) {
    std::size_t characters = 0;
    for (std::size_t i = 0; i < name.size(); ++i)
        if ((static_cast<unsigned char>(name[i]) & 0xc0) != 0x80 && characters++ == kLongestName)
            return name.substr(0, i) + "…";
    return name;
}

class Drawing {
public:
    explicit Drawing(const std::string& title) {
        print(R"(<svg xmlns="http://www.w3.org/2000/svg" width="{0}" height="{1}" viewBox="0 0 {0} {1}" )"
              R"(font-family="DejaVu Sans, Helvetica, Arial, sans-serif" font-size="13" fill="#222">)"
              "\n<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n",
              kWidth, kHeight);
        print("<text x=\"{}\" y=\"34\" font-size=\"17\">{}</text>\n", kLeft, escaped(title));
    }

    void axes() {
        for (int i = 0; i <= 10; ++i) {
            const double share = i / 10., px = x(share), py = y(share);
            print("<path d=\"M{:.1f} {}V{}M{} {:.1f}H{}\" stroke=\"#eeeeee\"/>\n", px, kTop, kTop + kPlotHeight, kLeft,
                  py, kLeft + kPlotWidth);
            print("<text x=\"{:.1f}\" y=\"{}\" text-anchor=\"middle\">{:.1f}</text>\n", px, kTop + kPlotHeight + 20,
                  share);
            print("<text x=\"{}\" y=\"{:.1f}\" text-anchor=\"end\">{:.1f}</text>\n", kLeft - 8, py + 4.5, share);
        }
        print("<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" fill=\"none\" stroke=\"#555\"/>\n", kLeft, kTop,
              kPlotWidth, kPlotHeight);
        print("<text x=\"{}\" y=\"{}\" text-anchor=\"middle\">recall</text>\n", kLeft + kPlotWidth / 2,
              kTop + kPlotHeight + 46);
        print("<text transform=\"translate({} {}) rotate(-90)\" text-anchor=\"middle\">precision</text>\n", kLeft - 44,
              kTop + kPlotHeight / 2);
    }

    // To the last recall that is reached, where a dot shows that it ends: further lines would all lie on the axis.
    // `level`: where curves would cover each other, one that much lower.
    void curve(const Curve& curve, const std::string& stroke, int level = 0) {
        std::size_t end = kRecalls;
        while (end > 0 && curve[end - 1] <= 0) --end;
        if (end == 0) return;
        const auto across = [&](std::size_t r) { return x(double(r) / (kRecalls - 1)); };
        const auto down = [&](std::size_t r) { return y(curve[r]) + kLevel * level; };
        print("<polyline fill=\"none\" stroke-linejoin=\"round\" {} points=\"", stroke);
        for (std::size_t r = 0; r < end; ++r) print("{}{:.1f},{:.1f}", r ? " " : "", across(r), down(r));
        print("\"/>\n");
        if (end < kRecalls)
            print("<circle fill=\"none\" cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"2\" {}/>\n", across(end - 1), down(end - 1),
                  stroke);
    }

    void legend_heading(const std::string& text) {
        legend_y_ += 10;
        print("<text x=\"{}\" y=\"{}\" fill=\"#666\">{}</text>\n", kLegendLeft, legend_y_ + 4, escaped(text));
        legend_y_ += kLegendStep;
    }

    void legend(const std::string& name, std::optional<double> ap50, const std::string& stroke) {
        print("<path d=\"M{} {}h26\" {}/>\n", kLegendLeft, legend_y_, stroke);
        print("<text x=\"{}\" y=\"{}\">{}</text>\n", kLegendLeft + 34, legend_y_ + 4, escaped(shortened(name)));
        if (ap50)
            print("<text x=\"{}\" y=\"{}\" text-anchor=\"end\">{:.1f}</text>\n", kWidth - 16, legend_y_ + 4,
                  100 * *ap50);
        legend_y_ += kLegendStep;
    }

    std::string finish() && { return std::move(svg_ += "</svg>\n"); }

private:
    static double x(double recall) { return kLeft + recall * kPlotWidth; }
    static double y(double precision) { return kTop + (1 - precision) * kPlotHeight; }

    template <typename... Args>
    void print(const char* format, const Args&... args) {
        fmt::format_to(std::back_inserter(svg_), fmt::runtime(format), args...);
    }

    std::string svg_;
    int legend_y_ = kTop + 8;
};

std::string stroke(const char* color, const char* width, bool dashed = false) {
    return fmt::format("stroke=\"{}\" stroke-width=\"{}\"{}", color, width, dashed ? " stroke-dasharray=\"6 4\"" : "");
}

}  // namespace

std::string pr_curves_svg(const Dataset& dataset, const Scores& scores, const std::string& title) {
    std::vector<std::size_t> order;  // classes that have a curve, best first
    for (std::size_t i = 0; i < scores.categories.size(); ++i)
        if (scores.categories[i].ap50 != kAbsent) order.push_back(i);
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
        return scores.categories[a].ap50 > scores.categories[b].ap50;
    });
    const std::size_t best = std::min(kNamed, order.size()), worst = std::min(kNamed, order.size() - best);

    Drawing out(title);
    out.axes();
    for (std::size_t i = best; i < order.size() - worst; ++i)
        out.curve(scores.categories[order[i]].curve50, stroke("#c4c4c4", "1"));
    out.legend_heading("AP50, %");
    if (!order.empty()) out.legend(fmt::format("mean of {} classes", order.size()), scores.ap50, stroke("#111", "3.5"));
    const auto named = [&](std::size_t first, std::size_t count, const char* const* colors, bool dashed) {
        for (std::size_t i = 0; i < count; ++i) {
            const std::size_t c = order[first + i];
            int same = 0;
            for (std::size_t j = 0; j < i; ++j)
                same += scores.categories[order[first + j]].curve50 == scores.categories[c].curve50;
            out.curve(scores.categories[c].curve50, stroke(colors[i], "1.8", dashed), same);
            out.legend(dataset.categories[c].name, scores.categories[c].ap50, stroke(colors[i], "1.8", dashed));
        }
    };
    if (best) out.legend_heading("best");
    named(0, best, kBestColors, false);
    if (worst) out.legend_heading("worst");
    named(order.size() - worst, worst, kWorstColors, true);
    if (order.size() > best + worst) {
        out.legend_heading("");
        out.legend(fmt::format("{} more classes", order.size() - best - worst), std::nullopt, stroke("#c4c4c4", "1"));
    }
    if (!order.empty()) out.curve(scores.curve50, stroke("#111", "3.5"));
    return std::move(out).finish();
}

}  // namespace convoy::eval
