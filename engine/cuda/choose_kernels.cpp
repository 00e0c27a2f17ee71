// SPDX-License-Identifier: MIT
//
// Which kernel computes each convolution of a plan: what is remembered, what is measured now, the rest by rule.
#include <algorithm>
#include <bit>
#include <iterator>
#include <utility>

#include "engine/cuda/backend_resources.h"
#include "engine/cuda/slot_cuda.h"

namespace convoy {
namespace k = kernels::cuda;
namespace {

using Clock = std::chrono::steady_clock;
// A plan of cuDNN takes so long to make, behind a lock that GPUs share: 26 took 1.2 s, on two GPUs 2.2. And so long to
// restore.
constexpr double kPlanUs = 90'000, kKeptPlanUs = 10'000;
constexpr std::chrono::seconds kTellAgain{5};

// Tells people how far measuring has got.
class MeasuringProgress {
public:
    MeasuringProgress(const std::function<void(const std::string&)>& notice, std::string device, std::size_t all)
        : notice_(notice), device_(std::move(device)), all_(all) {}

    /// One more is about to be measured.
    void next() {
        const auto now = Clock::now();
        if (notice_ && (done_ == 0 || now - told_ >= kTellAgain)) {
            const double left_s = std::chrono::duration<double>(now - start_).count() /
                                  double(std::max(done_, std::size_t(1))) * double(all_ - std::min(done_, all_));
            notice_("measuring which kernels are the fastest for this network on " + device_ + ": " +
                    (done_ == 0 ? std::to_string(all_) + " convolutions, which takes a minute or two, once"
                                : std::to_string(done_) + " of " + std::to_string(all_) + " convolutions, about " +
                                      std::to_string(int(left_s) + 1) + " s left"));
            told_ = now;
        }
        ++done_;
    }

private:
    const std::function<void(const std::string&)>& notice_;
    const std::string device_;
    const std::size_t all_;
    std::size_t done_ = 0;
    const Clock::time_point start_ = Clock::now();
    Clock::time_point told_;
};

}  // namespace

// Of a kernel, in bytes. A power of two where it is limited, since what is remembered belongs to it.
std::size_t CudaBackend::max_workspace(const CudaOptions& options) const {
    if (options.memory_limit == 0) return Autotuner::kMaxWorkspace;
    const std::size_t taken = cuda_memory(plan_, precision_, kGpuSlots).at_start(Autotuner::device_bytes(device_));
    const std::size_t left = options.memory_limit - std::min(taken, options.memory_limit);
    return std::min(Autotuner::kMaxWorkspace, std::bit_floor(left));
}

std::string CudaBackend::tuning_key(const CudaOptions& options) const {
    const std::size_t workspace = max_workspace(options);
    return device_.name + ", " + std::to_string(device_.caps.multiprocessors) + " multiprocessors, " +
           device_.versions + ", " + (options.libraries ? resources_->libraries->description() : "no libraries") +
           (workspace < Autotuner::kMaxWorkspace ? ", workspace " + std::to_string(workspace) : "") + ", code for " +
           std::to_string(device_.caps.compiled_for) + ", kernels " + k::kernels_revision();
}

// The largest batch and a single picture try every row; what lies between, behind them here, of the libraries' rows
// only those that won there.
std::vector<CudaBackend::Wanted> CudaBackend::wanted() const {
    std::vector<Wanted> all;
    const auto add = [&](int node, int batch, bool few_rows) {
        const k::Conv conv = cuda_conv(plan_, plan_.graph.nodes[std::size_t(node)], math_of(precision_), batch);
        auto found = std::find_if(all.begin(), all.end(), [&](const Wanted& w) { return w.problem.conv == conv; });
        if (found == all.end()) found = all.insert(all.end(), Wanted{{conv, few_rows}, {}});
        found->uses.push_back({node, batch});
    };
    for (int node : nodes_of<ConvOp>(plan_.graph)) {
        add(node, batches_.back(), false);
        if (batches_.size() > 1) add(node, batches_.front(), false);
    }
    for (int node : nodes_of<ConvOp>(plan_.graph))
        for (std::size_t i = 1; i + 1 < batches_.size(); ++i) add(node, batches_[i], true);
    return all;
}

std::size_t CudaBackend::to_measure(const CudaOptions& options, TuningCache& cache) const {
    if (options.tuning != Tuning::measured) return 0;
    const std::vector<Wanted> all = wanted();
    return std::size_t(
        std::count_if(all.begin(), all.end(), [&](const Wanted& w) { return !Autotuner::known(cache, w.problem); }));
}

// Whether the libraries' kernels save more time in so many frames than it takes to make them ready.
bool CudaBackend::libraries_pay(const CudaOptions& options, TuningCache& cache,
                                const std::vector<Wanted>& wanted) const {
    if (options.expected_frames == 0 || options.tuning != Tuning::remembered || !options.libraries) return true;
    double saved_us = 0;  // per batch
    double plans_us = 0;
    for (const Wanted& w : wanted) {
        const TuningCache::Entry* entry = Autotuner::known(cache, w.problem);
        if (!entry || !Autotuner::is_library(entry->row)) continue;
        const TuningCache::Entry* ours = Autotuner::known_ours(cache, w.problem.conv);
        if (!ours) return true;
        plans_us += cache.has_plan(to_string(w.problem.conv), entry->row) ? kKeptPlanUs : kPlanUs;
        if (w.problem.conv.problem.n == batches_.back())
            saved_us += double(w.uses.size()) * (double(ours->us) - double(entry->us));
    }
    return double(options.expected_frames) / plan_.max_batch * saved_us >= plans_us;
}

// Before the arena is taken, so that the tensors of the tuner do not come on top.
void CudaBackend::choose_kernels(const CudaOptions& options, Autotuner& tuner, TuningCache& cache) {
    std::vector<Bound>& kernels = resources_->kernels;
    const std::vector<Wanted> all = wanted();
    for (std::size_t i = 0; i < all.size(); ++i)
        for (const auto& use : all[i].uses) resources_->launches[use] = i;
    if (!libraries_pay(options, cache, all)) {
        tuner.take_ours();
        notes_.push_back("kernels of our own alone: for " + std::to_string(options.expected_frames) +
                         " pictures it would take longer to make those of the libraries ready than they save");
    }
    if (options.tuning != Tuning::fixed) {
        std::vector<Autotuner::Problem> problems;
        for (const Wanted& w : all) problems.push_back(w.problem);
        tuner.prepare_known(problems);
    }
    MeasuringProgress progress(options.notice, device_.name, to_measure(options, cache));
    std::size_t by_rule = 0;
    const auto choose = [&](const Wanted& w) -> Autotuner::Contest {
        if (options.tuning != Tuning::fixed)
            if (Autotuner::Choice known = tuner.recall(w.problem); known.kernel) return {std::move(known), {}};
        if (options.tuning == Tuning::measured && !tuner.stopped()) {
            std::vector<std::string> library_rows;
            if (w.problem.few_rows)
                for (int batch : {batches_.front(), batches_.back()})
                    library_rows.push_back(bound_to(w.uses.front().first, batch).choice.row);
            progress.next();
            Autotuner::Contest contest = tuner.measure(w.problem, library_rows);
            static_cast<void>(cache.save());  // what is found survives; bind() says it if it does not
            if (contest.winner.kernel) return contest;
        }
        ++by_rule;
        return {tuner.choose_fixed(w.problem.conv), {}};
    };
    for (const Wanted& w : all)
        with_layer_name(plan_.graph.nodes[std::size_t(w.uses.front().first)], "the GPU", [&] {
            Autotuner::Contest contest = choose(w);
            kernels.push_back(
                {w.problem.conv, std::move(contest.winner), std::move(contest.others), std::move(contest.problem)});
        });
    if (by_rule > 0 && options.tuning != Tuning::fixed)
        notes_.push_back(std::to_string(by_rule) + " of " + std::to_string(all.size()) +
                         " convolutions have a kernel by rule, since nothing is remembered of them on " + device_.name +
                         ": measure them once (yolo-run --tune), and the network is faster");
}

// Batches that are not full, with the same bits: kernels of ours add up a picture's products in the same order whatever
// the number of pictures. Those of a library need not; where one was chosen, every batch is computed as a full one.
void CudaBackend::bind_smaller_batches(const Autotuner& tuner) {
    constexpr int kHalvings = 3;  // below that tiles are too few for the GPU, and a batch is hardly faster
    std::vector<Bound>& kernels = resources_->kernels;
    if (std::any_of(kernels.begin(), kernels.end(), [](const Bound& b) { return Autotuner::is_library(b.choice.row); }))
        return;
    const auto full = resources_->launches;
    const std::size_t count = kernels.size();
    for (int i = 1; i <= kHalvings && plan_.max_batch >> i > 0; ++i) {
        const int batch = plan_.max_batch >> i;
        std::vector<Bound> smaller;
        for (std::size_t k = 0; k < count; ++k) {
            k::Conv conv = kernels[k].conv;
            conv.problem.n = batch;
            smaller.push_back({conv, tuner.prepare(conv, kernels[k].choice.row), {}, {}});
            if (!smaller.back().choice.kernel) return;
        }
        for (const ConvPairNodes& nodes : plan_.pairs)
            if (const BoundPair* pair = pair_to(nodes.second, plan_.max_batch); pair && pair->nodes == nodes)
                bind_pair(nodes, batch, pair->row);  // what supports a batch supports a smaller one
        for (const auto& [use, kernel] : full) resources_->launches[{use.first, batch}] = kernels.size() + kernel;
        std::move(smaller.begin(), smaller.end(), std::back_inserter(kernels));
        batches_.insert(batches_.begin(), batch);
    }
}

// So that they are quick to make at the next start.
void CudaBackend::keep_plans(const TuningCache& cache) {
    for (const Bound& bound : resources_->kernels) {
        const std::string plan = bound.choice.kernel->serialized();
        if (plan.empty()) continue;
        const std::string trouble = cache.keep_plan(to_string(bound.conv), bound.choice.row, plan);
        if (!trouble.empty()) return notes_.push_back(trouble);
    }
}

std::string CudaBackend::kernel_choice() const {
    std::string all = std::to_string(device_.caps.compiled_for) + '\n';
    for (const Bound& bound : resources_->kernels) all += to_string(bound.conv) + ' ' + bound.choice.row + '\n';
    for (const auto& [use, bound] : resources_->pairs) all += to_string(bound.pair) + ' ' + bound.row + '\n';
    return hash_text(all).substr(0, 8);
}

const CudaBackend::Bound& CudaBackend::bound_to(int node, int batch) const {
    return resources_->kernels[resources_->launches.at({node, batch})];
}

double CudaBackend::peak_flops() const {
    TuningCache none("", "");
    return Autotuner(device_, *resources_->libraries, none, compute_stream(), *patience_, true)
        .peak_flops(math_of(precision_));
}

}  // namespace convoy
