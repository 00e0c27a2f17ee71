// SPDX-License-Identifier: MIT
//
// Boxes paired by overlap: island by island as if it were one problem.
#include <random>

#include "tests/support/catch.h"
#include "tools/analysis/association.h"

using namespace convoy::analysis;

namespace {

std::vector<Candidate> boxes(std::mt19937& random, std::size_t count, double side, int classes) {
    std::vector<Candidate> out;
    for (std::size_t i = 0; i < count; ++i) {
        const double x = random() % unsigned(side), y = random() % unsigned(side);
        const double w = 20 + random() % 60, h = 20 + random() % 60;
        out.push_back({{x, y, x + w, y + h}, int(random() % unsigned(classes))});
    }
    return out;
}

}  // namespace

TEST_CASE("IoU of boxes by hand") {
    const Corners a{0, 0, 4, 2};
    CHECK(iou(a, a) == 1);
    CHECK(iou(a, {2, 0, 6, 2}) == Approx(4. / 12));
    CHECK(iou(a, {4, 0, 6, 2}) == 0);  // they touch
    CHECK(iou(a, {1, 1, 1, 1}) == 0);
    CHECK(iou(a, {9, 9, 10, 10}) == 0);
    CHECK(iou({0, 0, 3e38, 3e38}, {0, 0, 3e38, 1.5e38}) == Approx(.5));
    CHECK(iou({4, 2, 0, 0}, a) == 0);  // a filter may predict a height below 0
}

TEST_CASE("pairs are those of one problem over all boxes") {
    std::mt19937 random(3);
    Association association;
    Assignment assignment;
    for (const auto& [count, side, classes] :
         {std::tuple{5u, 100., 1}, {40u, 300., 1}, {40u, 300., 3}, {150u, 400., 2}, {1u, 50., 1}}) {
        const std::vector<Candidate> tracks = boxes(random, count, side, classes);
        const std::vector<Candidate> detections = boxes(random, count + count / 3, side, classes);
        const double min_iou = .2;
        std::vector<double> weights;
        for (const Candidate& t : tracks)
            for (const Candidate& d : detections)
                weights.push_back(t.class_id == d.class_id ? iou(t.at, d.at) - min_iou : 0);
        double best = 0;
        const std::vector<int> whole = assignment.solve(weights, int(tracks.size()), int(detections.size()));
        for (std::size_t t = 0; t < tracks.size(); ++t)
            if (whole[t] >= 0) best += weights[t * detections.size() + std::size_t(whole[t])];

        const std::vector<int> paired = association.pair(tracks, detections, min_iou);
        REQUIRE(paired.size() == detections.size());
        double sum = 0;
        std::vector<char> taken(tracks.size());
        for (std::size_t d = 0; d < detections.size(); ++d) {
            if (paired[d] < 0) continue;
            CHECK_FALSE(taken[std::size_t(paired[d])]++);
            const double weight = weights[std::size_t(paired[d]) * detections.size() + d];
            CHECK(weight > 0);
            sum += weight;
        }
        INFO(count << " boxes in " << side << ", worst " << sum - best);
        CHECK(sum == Approx(best).epsilon(1e-12));
        CHECK((count == 1 || best > 0));
    }
    CHECK(association.pair({}, {}, .2).empty());
}
