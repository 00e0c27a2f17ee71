// SPDX-License-Identifier: MIT
#include "kernels/nms.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numeric>

#include "kernels/cpu/box_tree.h"
#include "kernels/cpu/list_survivors.h"

namespace convoy::kernels::cpu {
namespace {

using Index = BoxTree::Index;

constexpr std::size_t kKept = std::size_t(1) << 25;  // neighbours that are remembered at most: 128 MiB
constexpr std::size_t kLong = std::size_t(1) << 16;  // probabilities; fewer are done before anybody minds
constexpr std::size_t kBetweenLooks = 256;           // of a class

/// For each box the others that it suppresses. A row is found when it is first asked for and then serves every class:
/// overlap does not depend on the class, and a box may carry all of them.
class Neighbours {
public:
    Neighbours(const std::vector<Candidates::Box>& boxes, NmsKind kind, float beta, float threshold)
        : boxes_(boxes), kind_(kind), beta_(beta), threshold_(threshold), tree_(boxes, threshold), rows_(boxes.size()) {
        known_.resize(boxes.size());
    }

    /// Until the next call.
    const std::vector<Index>& of(Index a) {
        if (known_[a]) return rows_[a];
        found_.clear();
        tree_.find(a, found_);
        // DIoU is never more than IoU, so the power is only taken where IoU already says yes.
        if (kind_ != NmsKind::iou) std::erase_if(found_, [&](Index b) { return !(diou(a, b) > threshold_); });
        if (kept_ + found_.size() > kKept) return found_;
        kept_ += found_.size();
        known_[a] = true;
        return rows_[a] = found_;
    }

private:
    float diou(Index a, Index b) const {
        const auto [w, h] = tree_.around(a, b);
        const float diagonal = w * w + h * h;
        const float overlap = tree_.iou(a, b);
        if (diagonal == 0) return overlap;
        const float dx = boxes_[a].x - boxes_[b].x, dy = boxes_[a].y - boxes_[b].y;
        return overlap - float(std::pow(double((dx * dx + dy * dy) / diagonal), double(beta_)));
    }

    const std::vector<Candidates::Box>& boxes_;
    NmsKind kind_;
    float beta_, threshold_;
    BoxTree tree_;
    std::vector<Index> found_;
    std::vector<unsigned char> known_;      // by box
    std::vector<std::vector<Index>> rows_;  // by box
    std::size_t kept_ = 0;                  // in all rows
};

/// One class probability of one box.
struct Entry {
    float prob;
    Index candidate;
    std::size_t at;  // in Candidates::probs
};

/// What Darknet's repeated stable sorts make of the boxes, which are sorted on class after class.
struct Order {
    std::vector<Entry> entries;        // class by class, each as it is when it is sorted on that class
    std::vector<std::size_t> begin;    // by class; one more for the end
    std::vector<std::int64_t> places;  // by box: after the last class, the smaller the earlier
};

/// Sorted on a class, the boxes that have it come before all others, which stay as they were. Ends early once stopped.
template <typename Stopped>
Order sorted(const Candidates& c, int classes, const Stopped& stopped) {
    Order order{std::vector<Entry>(c.probs.size()), std::vector<std::size_t>(std::size_t(classes) + 1),
                std::vector<std::int64_t>(c.boxes.size())};
    for (const Candidates::ClassProb& p : c.probs) ++order.begin[std::size_t(p.class_id) + 1];
    std::partial_sum(order.begin.begin(), order.begin.end(), order.begin.begin());
    std::vector<std::size_t> next = order.begin;
    for (std::size_t i = 0; i < c.boxes.size(); ++i)
        for (std::size_t at = c.first_prob[i]; at < c.first_prob[i + 1]; ++at)
            order.entries[next[std::size_t(c.probs[at].class_id)]++] = {c.probs[at].prob, Index(i), at};
    std::vector<std::int64_t>& places = order.places;
    std::iota(places.begin(), places.end(), std::int64_t(0));
    std::int64_t front = 0;
    for (std::size_t k = 0; k < std::size_t(classes) && !stopped(); ++k) {
        const auto begin = order.entries.begin() + std::ptrdiff_t(order.begin[k]),
                   end = order.entries.begin() + std::ptrdiff_t(order.begin[k + 1]);
        std::sort(begin, end, [&](const Entry& a, const Entry& b) {
            return a.prob != b.prob ? a.prob > b.prob : places[a.candidate] < places[b.candidate];
        });
        front -= end - begin;
        for (auto entry = begin; entry != end; ++entry) places[entry->candidate] = front + (entry - begin);
    }
    return order;
}

void list(const Candidates& candidates, const std::vector<std::int64_t>& places, const std::vector<unsigned char>& kept,
          std::vector<Survivor>& out) {
    std::vector<Index> order;
    for (Index i = 0; i < candidates.boxes.size(); ++i)
        if (std::count(kept.begin() + std::ptrdiff_t(candidates.first_prob[i]),
                       kept.begin() + std::ptrdiff_t(candidates.first_prob[i + 1]), 1))
            order.push_back(i);
    std::sort(order.begin(), order.end(), [&](Index a, Index b) { return places[a] < places[b]; });
    out.clear();
    for (Index i : order)
        for (std::size_t at = candidates.first_prob[i]; at < candidates.first_prob[i + 1]; ++at)
            if (kept[at]) out.push_back({i, candidates.probs[at].class_id, candidates.probs[at].prob});
}

}  // namespace

bool nms(const Candidates& candidates, int classes, NmsKind kind, float beta, float threshold,
         std::vector<Survivor>& out, const std::atomic<bool>* stop) {
    const auto stopped = [&] { return stop && candidates.probs.size() >= kLong && *stop; };
    if (stopped()) return false;
    Neighbours neighbours(candidates.boxes, kind, beta, threshold);
    std::vector<unsigned char> kept(candidates.probs.size());
    // From 1, strongest first; 0: not in the class, or suppressed.
    std::vector<std::size_t> rank(candidates.boxes.size());
    const Order order = sorted(candidates, classes, stopped);
    for (std::size_t k = 0; k < std::size_t(classes); ++k) {
        const std::size_t begin = order.begin[k], end = order.begin[k + 1];
        for (std::size_t i = begin; i < end; ++i) rank[order.entries[i].candidate] = i - begin + 1;
        for (std::size_t i = begin; i < end; ++i) {
            if (i % kBetweenLooks == 0 && stopped()) return false;
            const Entry& entry = order.entries[i];
            const std::size_t own = rank[entry.candidate];
            if (own == 0) continue;
            kept[entry.at] = true;
            for (Index other : neighbours.of(entry.candidate))
                if (rank[other] > own) rank[other] = 0;
        }
        for (std::size_t i = begin; i < end; ++i) rank[order.entries[i].candidate] = 0;
    }
    list(candidates, order.places, kept, out);
    return true;
}

void list_survivors(const Candidates& candidates, int classes, const std::vector<unsigned char>& kept,
                    std::vector<Survivor>& out) {
    list(candidates, sorted(candidates, classes, [] { return false; }).places, kept, out);
}

}  // namespace convoy::kernels::cpu
