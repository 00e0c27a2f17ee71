// SPDX-License-Identifier: MIT
#include "engine/cpu/backend_cpu.h"

#include <omp.h>

#include <algorithm>
#include <chrono>
#include <exception>
#include <latch>
#include <limits>
#include <thread>

#include "engine/cores.h"
#include "engine/plan/fold.h"
#include "engine/plan/kernel_problem.h"
#include "engine/stage.h"
#include "engine/start_thread.h"

namespace convoy {
namespace {

/// That so many can be had at once, or Error(device).
void require_threads(int count) {
    struct Release {  // whatever is thrown: before the threads are joined
        std::latch& latch;
        ~Release() { latch.count_down(); }
    };
    std::latch tried(1);
    std::vector<std::jthread> threads;
    const Release release{tried};
    for (int i = 0; i < count; ++i) start_thread(threads, [&] { tried.wait(); });
}

// OpenMP's thread count belongs to the calling thread: set here, put back at the end.
class OmpThreads {
public:
    /// Throws Error(device) where they cannot be had; OpenMP itself ends the process then.
    explicit OmpThreads(int threads) : before_(omp_get_max_threads()), dynamic_before_(omp_get_dynamic()) {
        if (threads > team_) require_threads(threads - 1);
        team_ = std::max(team_, threads);
        omp_set_num_threads(threads);
        omp_set_dynamic(0);  // some of oneDNN's kernels leave undone what missing threads would have done
    }
    ~OmpThreads() {
        omp_set_num_threads(before_);
        omp_set_dynamic(dynamic_before_);
    }
    OmpThreads(const OmpThreads&) = delete;
    OmpThreads& operator=(const OmpThreads&) = delete;

    /// Ends those that OpenMP keeps for the calling thread. While a process has more of them than cores, each sleeps at
    /// every barrier, and a network of thin layers takes twice as long.
    static void end_team() {
        // A caller's own stay: after a fork they would be waited for. By device it would load plugins for GPUs.
        if (team_ > 1 && omp_pause_resource_all(omp_pause_soft) == 0) team_ = 1;
    }

private:
    static inline thread_local int team_ = 1;  // that OpenMP keeps for the calling thread
    int before_, dynamic_before_;
};

/// What OpenMP gives of `asked` threads to a thread of ours: its environment may limit them.
int given_threads(int asked) {
    int given = 1;
    std::exception_ptr error;
    std::vector<std::jthread> own;  // whoever calls may be amid a parallel region, where there are none to be had
    start_thread(own, [&] {
        try {
            const OmpThreads scope(asked);
#pragma omp parallel
#pragma omp single
            given = omp_get_num_threads();
        } catch (...) {
            error = std::current_exception();
        }
    });
    own.clear();
    if (error) std::rethrow_exception(error);
    return given;
}

// Each lane has activations of its own, and more were never measured.
constexpr int kMaxLanes = 16;
// Where latency counts: more of them have fewer threads each, and a frame waits for more of them.
constexpr int kQuickLanes = 4;

/// Up to `most` lanes, so many that the fewest threads are left over.
int lane_count(int threads, int most) {
    const int lanes = std::min(threads, most), more_each = threads / lanes + 1, fewer = threads / more_each;
    return fewer * more_each > threads / lanes * lanes ? fewer : lanes;
}
int lane_count(int threads, const Plan& plan) { return lane_count(threads, std::min(plan.max_batch, kMaxLanes)); }

constexpr const char* kDevice = "the CPU";
constexpr std::size_t kWorthThreads = std::size_t(1) << 16;  // weights of a layer; fewer are packed before others wake

/// `asked`, or all cores. OpenMP has one team for a lone picture and one for each lane, beside the threads of a run.
int thread_count(int asked) {
    if (asked <= 0) return cpu_threads();
    require_threads(2 * asked - 1);
    return asked;
}

}  // namespace

HostBuffer::HostBuffer(std::size_t bytes) {
    const std::size_t a = MemoryPlan::kAlignment;
    data_.reset(static_cast<std::byte*>(std::aligned_alloc(a, std::max<std::size_t>(1, (bytes + a - 1) / a) * a)));
    if (!data_) throw std::bad_alloc();
}

BackendTraits cpu_traits(Precision precision) {
    return {.picture_at_a_time = true,
            .element_bytes = precision == Precision::bf16 ? sizeof(kernels::Bf16) : sizeof(float),
            .fp32_slots = true};
}

Precision cpu_precision(Precision asked) {
    if (asked == Precision::fp16 || asked == Precision::tf32)
        throw Error(ErrorKind::unsupported, "the CPU computes in fp32 or bf16; use one of these, or auto");
    const bool has_bf16 = kernels::cpu::has_bf16();
    if (asked == Precision::automatic) return has_bf16 ? Precision::bf16 : Precision::fp32;
    if (asked == Precision::bf16 && !has_bf16)
        throw Error(ErrorKind::unsupported,
                    "this CPU has no instructions for bf16 (AMX or AVX512-BF16); use precision fp32 or auto");
    return asked;
}

int cpu_threads() {
    for (int count = usable_cores();; count /= 2) try {
            return thread_count(count);
        } catch (const Error&) {
            if (count == 1) throw;
        }
}

int cpu_batch(int threads, std::int64_t frames) {
    const int given = thread_count(threads), many = lane_count(given, kMaxLanes);
    if (frames == 1) return 1;
    return frames >= many ? many : lane_count(given, kQuickLanes);
}

std::unique_ptr<Backend> make_cpu_backend(Plan plan, const DetectOptions& detect, int threads, Precision precision,
                                          Trace* trace, std::string name, bool same_bits) {
    return std::make_unique<CpuBackend>(std::move(plan), detect, threads, precision, trace, std::move(name), same_bits);
}

std::size_t cpu_memory(const Plan& plan, int threads) {
    return plan.memory.slot_bytes * std::size_t(kCpuSlots) +
           plan.memory.arena_bytes * std::size_t(lane_count(thread_count(threads), plan));
}

CpuBackend::CpuBackend(Plan plan, const DetectOptions& detect, int threads, Precision precision, Trace* trace,
                       std::string name, bool same_bits)
    : plan_(std::move(plan)),
      detect_(detect),
      precision_(precision),
      threads_(thread_count(threads)),
      wide_threads_(given_threads(threads_)),
      lane_threads_(std::min(wide_threads_, threads_ / lane_count(threads_, plan_))),
      same_bits_(same_bits),
      trace_(trace),
      name_(std::move(name)),
      lanes_(std::size_t(lane_count(threads_, plan_))),
      team_(int(lanes_.size())) {
    if (!plan_.weights_storage)
        throw Error(ErrorKind::model, "the network was loaded without weights: name its .weights file");
    struct EndTeam {  // another thread will run the network
        ~EndTeam() { OmpThreads::end_team(); }
    } const end;
    const OmpThreads scope(wide_threads_);
    for (std::size_t i = 0; i < plan_.graph.nodes.size(); ++i) {
        const Node& node = plan_.graph.nodes[i];
        if (const auto* conv = std::get_if<ConvOp>(&node.op))
            with_layer_name(node, kDevice, [&] { prepare(int(i), *conv); });
        if (const auto* bn = std::get_if<BatchNormOp>(&node.op)) prepare(int(i), *bn, plan_.batch_norm);
        if (const auto* local = std::get_if<LocalOp>(&node.op))
            locals_[local] = {{local->weights.begin(), local->weights.end()}, {local->bias.begin(), local->bias.end()}};
    }
    plan_.weights_storage.reset();  // all is packed; unmapped once the network is gone, too
    for (Lane& lane : lanes_) lane = {HostBuffer(plan_.memory.arena_bytes), HostBuffer(scratch_bytes_)};
}

CpuBackend::~CpuBackend() = default;

kernels::DataType CpuBackend::type_of(TensorId t) const {
    const bool in_slot = plan_.memory.block(t).home == MemoryPlan::Home::slot;
    return precision_ == Precision::bf16 && !in_slot ? kernels::DataType::bf16 : kernels::DataType::fp32;
}

CpuBackend::Kernels& CpuBackend::kernels_for(const kernels::ConvProblem& problem, kernels::cpu::ConvTypes types) {
    const auto found = kernels_.find({problem, types});
    if (found != kernels_.end()) return found->second;
    Kernels kernels{kernels::cpu::make_conv(problem, types), {}};
    if (lanes_.size() > 1) {
        const OmpThreads scope(lane_threads_);  // oneDNN prepares for the threads that it sees
        for (std::size_t lane = 0; lane < lanes_.size(); ++lane)
            kernels.narrow.push_back(kernels::cpu::make_conv(problem, types));
        scratch_bytes_ = std::max(scratch_bytes_, kernels.narrow[0]->scratch_bytes());
    }
    scratch_bytes_ = std::max(scratch_bytes_, kernels.wide->scratch_bytes());
    return kernels_.emplace(std::pair(problem, types), std::move(kernels)).first->second;
}

void CpuBackend::prepare(int node, const ConvOp& op) {
    const TensorId x = plan_.graph.nodes[node].inputs[0], y = plan_.graph.nodes[node].output;
    const kernels::ConvProblem problem = conv_problem(op, plan_.graph.tensors[x].shape, 1);
    Conv conv{kernels_for(problem, {type_of(x), type_of(y)}), {}, {}, op.bias};
    conv.bias.resize(op.k, 0.f);
    const OmpThreads scope(problem.weight_count() < kWorthThreads ? 1 : wide_threads_);
    const auto packed = [&](const kernels::cpu::Conv& kernel) {
        HostBuffer buffer(kernel.packed_bytes());
        kernel.pack(op.weights.data, op.scale.empty() ? nullptr : op.scale.data(), buffer.data());
        return buffer;
    };
    const auto& [wide, narrow] = conv.kernels;
    conv.wide_weights = packed(*wide);
    if (!narrow.empty() && !narrow[0]->shares_packing(*wide)) conv.narrow_weights = packed(*narrow[0]);
    convs_.emplace(node, std::move(conv));
}

void CpuBackend::prepare(int node, const BatchNormOp& op, BatchNormFormula formula) {
    const FoldedBatchNorm folded = fold(op, int(op.scales.count), formula);
    batchnorms_[node] = {std::vector<float>(folded.scale.begin(), folded.scale.end()), folded.bias};
}

std::size_t CpuBackend::working_bytes() const { return lanes_.size() * (plan_.memory.arena_bytes + scratch_bytes_); }

kernels::HostTensor CpuBackend::tensor(TensorId t, std::byte* slot, int picture, int lane) const {
    const Graph::Place place = plan_.memory.places[std::size_t(t)];
    const MemoryPlan::Block& block = plan_.memory.block(t);
    const Shape whole = plan_.graph.tensors[place.root].shape, s = plan_.graph.tensors[t].shape;
    const bool in_slot = block.home == MemoryPlan::Home::slot;
    std::byte* base = (in_slot ? slot : lanes_[lane].arena.data()) + block.offset;
    if (in_slot) base += std::size_t(picture) * whole.elements() * sizeof(float);
    return kernels::HostTensor{base, type_of(t), 1, s.h, s.w, whole.c, whole.c}.channels(place.channel_offset, s.c);
}

void CpuBackend::Patience::restart(const std::atomic<bool>* stop) {
    stop_ = stop;
    is_over_ = false;
    if (!stop || !*stop) asked_ = 0;
}

// What has been begun of an ordinary network is finished: its results are soon there.
bool CpuBackend::Patience::is_over() {
    constexpr std::chrono::milliseconds kLong{500};
    if (is_over_ || !stop_ || !*stop_) return is_over_;
    const auto now = LaneTeam::Clock::now().time_since_epoch();
    LaneTeam::Clock::rep asked = 0;
    if (asked_.compare_exchange_strong(asked, now.count())) return false;
    if (now - LaneTeam::Clock::duration(asked) > kLong) is_over_ = true;
    return is_over_;
}

void CpuBackend::run(CpuSlot& slot, int count) {
    std::byte* const memory = slot.memory();
    Patience& patience = slot.patience_;
    // oneDNN may add in another order where it has more threads.
    const bool is_lone = !same_bits_ && count == 1 && team_.idle();
    if (lanes_.size() == 1 || is_lone) {
        const OmpThreads scope(wide_threads_);
        team_.run_here(slot.batch_, count, [&](int i, int lane) { run_picture({memory, i, lane, true}, patience); });
        return;
    }
    team_.begin(slot.batch_, count, [this, memory, &patience](int i, int lane) {
        const OmpThreads scope(lane_threads_);
        run_picture({memory, i, lane, false}, patience);
    });
}

void CpuBackend::run_picture(const Place& place, Patience& patience) {
    const TraceScope traced(trace_, trace_ ? name_ : "", trace_ ? "lane " + std::to_string(place.lane) : "",
                            place.wide ? "picture, all threads" : "picture");
    if (place.picture == 0) patience.begin();
    for (std::size_t i = 0; i < plan_.graph.nodes.size() && !patience.is_over(); ++i)
        with_layer_name(plan_.graph.nodes[i], kDevice, [&] { run_node(int(i), place); });
}

void CpuBackend::run_layer(int node, std::byte* slot, int picture) {
    const OmpThreads scope(wide_threads_);
    run_node(node, {slot, picture, 0, true});
}

std::vector<double> CpuBackend::node_ms(std::byte* slot, int warmup, int passes) {
    using Clock = std::chrono::steady_clock;
    const OmpThreads scope(wide_threads_);
    std::vector<double> fastest(plan_.graph.nodes.size(), std::numeric_limits<double>::infinity());
    for (int pass = -warmup; pass < passes; ++pass)
        for (std::size_t i = 0; i < fastest.size(); ++i) {
            const auto start = Clock::now();
            run_node(int(i), {slot, 0, 0, true});
            const std::chrono::duration<double, std::milli> took = Clock::now() - start;
            if (pass >= 0) fastest[i] = std::min(fastest[i], took.count());
        }
    return fastest;
}

std::string CpuBackend::description() const {
    return std::string(precision_ == Precision::bf16 ? "cpu, bf16, " : "cpu, fp32, ") + std::to_string(threads_) +
           (threads_ == 1 ? " thread, " : " threads, ") + kernels::cpu::library_version();
}

std::unique_ptr<Slot> CpuBackend::make_slot() { return std::make_unique<CpuSlot>(*this); }
std::unique_ptr<DecoderSeat> CpuBackend::make_seat(const std::string& name) {
    return std::make_unique<DecoderSeat>(name);
}

}  // namespace convoy
