// SPDX-License-Identifier: MIT
#include "engine/cuda/autotune.h"

#include <algorithm>
#include <atomic>
#include <limits>
#include <sstream>
#include <stdexcept>
#include <thread>
#include <utility>

#include "engine/cores.h"
#include "engine/start_thread.h"

namespace convoy {
namespace k = kernels::cuda;
namespace {

constexpr std::size_t kFlushMultiple = 3;  // of the L2, so that nothing of the last run is left in it
constexpr int kFirstSamples = 3, kMoreSamples = 7;
constexpr const char* kOurs = "_ours";         // in the key: the fastest of our own
constexpr const char* kFewRows = "_few_rows";  // in the key: not every row took part
constexpr std::size_t kPreparing = 8;          // threads: more bring nothing
constexpr std::size_t kFinalists = 12, kOthers = 4;
constexpr float kFarBehind = 3, kStillInTheRace = 1.4f;  // of the fastest first median

float median(std::vector<float> values) {
    std::nth_element(values.begin(), values.begin() + std::ptrdiff_t(values.size() / 2), values.end());
    return values[values.size() / 2];
}

const char* math_name(k::Math math) { return math == k::Math::fp16 ? "fp16" : math == k::Math::tf32 ? "tf32" : "fp32"; }

const k::ConvCandidate* find_row(const std::string& name) {
    for (const k::ConvCandidate& row : k::conv_candidates())
        if (name == row.name) return &row;
    return nullptr;
}

}  // namespace

std::string to_string(const k::Conv& conv) {
    const kernels::ConvProblem& p = conv.problem;
    std::ostringstream out;
    out << math_name(conv.math) << "_n" << p.n << "_x" << p.h << 'x' << p.w << 'x' << p.c << "_k" << p.k << "_f" << p.r
        << 'x' << p.s << "_s" << p.stride_h << 'x' << p.stride_w << "_p" << p.pad_h << 'x' << p.pad_w << "_d"
        << p.dilation << "_g" << p.groups << "_a" << int(p.activation) << "_r" << p.residual << int(p.after_residual)
        << "_pitch" << conv.x_pitch << ',' << conv.y_pitch << ',' << conv.residual_pitch << "_u" << conv.upsample;
    return out.str();
}

std::string to_string(const k::ConvPair& pair) { return to_string(pair.first) + '+' + to_string(pair.second); }

ColdTimer::ColdTimer(std::size_t l2_bytes, cudaStream_t stream, Patience& patience)
    : stream_(stream),
      patience_(patience),
      flush_(kFlushMultiple * l2_bytes, "timer", &patience),
      start_(make_event(true)),
      stop_(make_event(true)) {}

std::vector<float> ColdTimer::run(int samples, const std::function<void(cudaStream_t)>& work) {
    std::vector<float> us;
    for (int i = 0; i < samples; ++i) {
        cuda_check(cudaMemsetAsync(flush_.data(), i, flush_.bytes(), stream_), "flush of the L2");
        cuda_check(cudaEventRecord(start_.get(), stream_), "cudaEventRecord");
        work(stream_);
        cuda_check(cudaEventRecord(stop_.get(), stream_), "cudaEventRecord");
        wait_for(patience_, stop_.get(), "a kernel that is timed", Patience::Manner::spin);
        float ms = 0;
        cuda_check(cudaEventElapsedTime(&ms, start_.get(), stop_.get()), "cudaEventElapsedTime");
        us.push_back(ms * 1e3f);
    }
    return us;
}

Autotuner::Autotuner(const DeviceInfo& device, const k::ConvLibraries& libraries, TuningCache& cache,
                     cudaStream_t stream, Patience& patience, bool libraries_compete, std::size_t max_workspace,
                     std::function<bool()> stop)
    : device_(device),
      libraries_(libraries),
      cache_(cache),
      stream_(stream),
      patience_(patience),
      libraries_compete_(libraries_compete),
      max_workspace_(max_workspace),
      stop_(std::move(stop)),
      timer_(device.caps.l2_bytes, stream, patience) {}

std::size_t Autotuner::device_bytes(const DeviceInfo& device) { return kFlushMultiple * device.caps.l2_bytes; }

Autotuner::Choice Autotuner::prepare(const k::Conv& conv, const std::string& row) const {
    const k::ConvCandidate* candidate = find_row(row);
    if (!candidate || !candidate->supports(conv, device_.caps)) return {};
    try {
        Choice choice{row, restore(conv, *candidate), 0};
        if (!choice.kernel) choice.kernel = candidate->prepare(conv, device_.caps, libraries_);
        if (choice.kernel && choice.kernel->workspace_bytes() > max_workspace_) return {};
        return choice;
    } catch (const std::runtime_error&) {
        return {};  // a library that cannot be used is as good as absent
    }
}

// Null where nothing serves that was kept.
std::unique_ptr<k::PreparedConv> Autotuner::restore(const k::Conv& conv, const k::ConvCandidate& candidate) const {
    if (!candidate.restore) return nullptr;
    const std::string plan = cache_.find_plan(to_string(conv), candidate.name);
    if (plan.empty()) return nullptr;
    try {
        return candidate.restore(conv, plan, libraries_);
    } catch (const std::runtime_error&) {
        return nullptr;
    }
}

const TuningCache::Entry* Autotuner::known(TuningCache& cache, const Problem& problem) {
    const TuningCache::Entry* entry = cache.find(to_string(problem.conv));
    return !entry && problem.few_rows ? cache.find(to_string(problem.conv) + kFewRows) : entry;
}

const TuningCache::Entry* Autotuner::known_ours(TuningCache& cache, const k::Conv& conv) {
    return cache.find(to_string(conv) + kOurs);
}

bool Autotuner::is_library(const std::string& row) {
    const k::ConvCandidate* candidate = find_row(row);
    return candidate && candidate->library;
}

const TuningCache::Entry* Autotuner::entry_for(const Problem& problem) const {
    const TuningCache::Entry* ours = ours_ ? known_ours(cache_, problem.conv) : nullptr;
    return ours ? ours : known(cache_, problem);
}

void Autotuner::prepare_known(const std::vector<Problem>& problems) {
    struct Job {
        const k::Conv* conv;
        std::string row;
        Choice choice = {};
        std::exception_ptr error = {};
    };
    std::vector<Job> jobs;
    for (const Problem& problem : problems)
        if (const TuningCache::Entry* entry = entry_for(problem)) jobs.push_back({&problem.conv, entry->row});
    std::atomic<std::size_t> next = 0;
    {
        std::vector<std::jthread> threads;
        const std::size_t cores = std::size_t(usable_cores());
        for (std::size_t t = 0; t < std::min({cores, jobs.size(), kPreparing}); ++t)
            start_thread(threads, [&] {
                for (std::size_t i = next++; i < jobs.size(); i = next++) try {
                        const DeviceScope scope(device_.ordinal);
                        jobs[i].choice = prepare(*jobs[i].conv, jobs[i].row);
                    } catch (...) {
                        jobs[i].error = std::current_exception();
                    }
            });
    }
    for (Job& job : jobs) {
        if (job.error) std::rethrow_exception(job.error);
        if (job.choice.kernel) ready_.insert_or_assign(job.row + ' ' + to_string(*job.conv), std::move(job.choice));
    }
}

Autotuner::Choice Autotuner::recall(const Problem& problem) {
    const TuningCache::Entry* entry = entry_for(problem);
    if (!entry) return {};
    const auto ready = ready_.find(entry->row + ' ' + to_string(problem.conv));
    Choice choice = ready == ready_.end() ? prepare(problem.conv, entry->row) : std::move(ready->second);
    if (ready != ready_.end()) ready_.erase(ready);
    choice.us = entry->us;
    return choice;
}

void Autotuner::remember(const std::string& problem, const Choice& choice) {
    cache_.put(problem, {choice.row, choice.us});
}

// Why a candidate does not serve; nothing when it does. One that CUDA or its library refuses is out; a device that it
// has broken ends everything.
std::string Autotuner::why_not(ConvCheck& check, const k::PreparedConv& kernel) const {
    try {
        return check.judge(kernel).fault;
    } catch (const std::runtime_error& refusal) {
        wait_for(patience_, stream_, "a kernel that is checked");  // throws what the device says
        return std::string("is refused: ") + refusal.what();
    }
}

// Microseconds a run among others like it, as in a network: the activations of the last layer are still in the L2, the
// weights are not, and one kernel's start may overlap the end of another.
float Autotuner::in_a_row(ConvCheck& check, const k::PreparedConv& kernel) {
    const CudaGraph graph = capture(stream_, [&](cudaStream_t stream) {
        for (int copy = 0; copy < ConvCheck::kCopies; ++copy) check.launch(kernel, stream, copy);
    });
    const auto run = [&](cudaStream_t stream) { cuda_check(cudaGraphLaunch(graph.get(), stream), "cudaGraphLaunch"); };
    return median(timer_.run(kMoreSamples, run)) / ConvCheck::kCopies;
}

// Those that serve, each with a first time; nothing when it is stopped.
std::vector<Autotuner::Choice> Autotuner::shortlist(const k::Conv& conv, ConvCheck& check,
                                                    const std::function<bool(const k::ConvCandidate&)>& takes_part) {
    std::vector<Choice> runners;
    std::string first_fault;  // the oracle's: it is the first of all rows
    float best = std::numeric_limits<float>::infinity();
    for (const k::ConvCandidate& row : k::conv_candidates()) {
        if (stopped()) return {};
        if (!takes_part(row)) continue;
        Choice choice = prepare(conv, row.name);
        if (!choice.kernel) continue;
        if (const std::string fault = why_not(check, *choice.kernel); !fault.empty()) {
            if (first_fault.empty()) first_fault = choice.row + ' ' + fault;
            continue;
        }
        const auto work = [&](cudaStream_t s) { check.launch(*choice.kernel, s); };
        choice.us = timer_.run(1, work)[0];
        if (choice.us < kFarBehind * best) choice.us = median(timer_.run(kFirstSamples, work));
        best = std::min(best, choice.us);
        runners.push_back(std::move(choice));
    }
    if (runners.empty()) throw std::runtime_error("no kernel computes this convolution as it should: " + first_fault);
    return runners;
}

Autotuner::Contest Autotuner::measure(const Problem& problem, const std::vector<std::string>& library_rows) {
    const k::Conv& conv = problem.conv;
    ConvCheck check(conv, device_.caps, libraries_, stream_, patience_);
    std::vector<Choice> runners = shortlist(conv, check, [&](const k::ConvCandidate& row) {
        return !row.library ||
               (libraries_compete_ && (!problem.few_rows || std::find(library_rows.begin(), library_rows.end(),
                                                                      row.name) != library_rows.end()));
    });
    if (runners.empty()) return {};
    std::sort(runners.begin(), runners.end(), [](const Choice& a, const Choice& b) { return a.us < b.us; });
    const auto is_ours = [](const Choice& c) { return !find_row(c.row)->library; };
    const auto best_of_ours = std::find_if(runners.begin(), runners.end(), is_ours);
    const float best = runners.front().us;
    std::vector<Choice> finalists;
    for (auto it = runners.begin(); it != runners.end(); ++it)
        if ((it->us <= kStillInTheRace * best && finalists.size() < kFinalists) || it == best_of_ours)
            finalists.push_back(std::move(*it));
    for (Choice& choice : finalists) choice.us = in_a_row(check, *choice.kernel);
    std::sort(finalists.begin(), finalists.end(), [](const Choice& a, const Choice& b) { return a.us < b.us; });

    if (const auto own = std::find_if(finalists.begin(), finalists.end(), is_ours); own != finalists.end())
        cache_.put(to_string(conv) + kOurs, {own->row, own->us});
    Contest contest{std::move(finalists.front()), {}, to_string(conv) + (problem.few_rows ? kFewRows : "")};
    bool ours = is_ours(contest.winner);
    for (auto it = finalists.begin() + 1; it != finalists.end(); ++it) {
        const bool first_of_ours = !ours && is_ours(*it);
        if (contest.others.size() < kOthers || first_of_ours) contest.others.push_back(std::move(*it));
        ours = ours || first_of_ours;
    }
    remember(contest.problem, contest.winner);
    return contest;
}

Autotuner::Choice Autotuner::choose_fixed(const k::Conv& conv) const {
    if (Choice choice = prepare(conv, k::fixed_choice(conv, device_.caps)); choice.kernel) return choice;
    // One that needs no more workspace than there may be; the plain kernel, the first, is many times as slow.
    for (const k::ConvCandidate& row : k::conv_candidates().subspan(1)) {
        if (row.library) continue;
        if (Choice choice = prepare(conv, row.name); choice.kernel) return choice;
    }
    return prepare(conv, k::conv_candidates().front().name);
}

double Autotuner::peak_flops(k::Math math) {
    k::Conv conv;
    conv.problem.h = 64, conv.problem.w = 128, conv.problem.c = conv.problem.k = 8192;
    conv.math = math;
    conv.x_pitch = conv.y_pitch = 8192;
    return conv.problem.flops() / measure({conv}).winner.us * 1e6;
}

}  // namespace convoy
