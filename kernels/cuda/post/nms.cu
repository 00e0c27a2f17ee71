// SPDX-License-Identifier: MIT
//
// Non-maximum suppression, a block per picture. All class probabilities are sorted at once in shared memory: by class,
// then strongest first, then by Darknet's order, so that the order in which the candidates came does not matter. A
// class is then a stretch of the sorted list and goes to one warp, or to the whole block when it is long. What is left
// is written to host memory, whole words side by side.
#include "kernels/nms.h"

#include "kernels/cuda/launch.cuh"
#include "kernels/cuda/post/candidates.cuh"
#include "kernels/cuda/ptx/griddepcontrol.cuh"

namespace convoy::kernels::cuda {
namespace {

constexpr int kThreads = 1024, kWarps = kThreads / 32;
constexpr int kLongClass = 256;  // from here on a class occupies the whole block
constexpr int kMaxProbs = 1 << 16, kMaxBoxes = 1 << 16, kMaxClasses = (1 << 16) - 1;  // 16 bits each
constexpr int kMaxLong = kMaxProbs / kLongClass;

/// class << 48 | ~probability << 16 | index into the probabilities: sorts by class, strongest first.
using Key = unsigned long long;
constexpr Key kPad = ~Key(0);

__device__ int class_of(Key key) { return int(key >> 48); }
__device__ int prob_of(Key key) { return int(key & 0xffff); }

struct Rule {
    NmsKind kind;
    float beta, threshold;
};

struct Box {
    float x, y, w, h;
};

__device__ __noinline__ float distance_term(const Box& a, const Box& b, float diagonal, float beta) {
    const float dx = a.x - b.x, dy = a.y - b.y;
    const float distance = __fadd_rn(__fmul_rn(dx, dx), __fmul_rn(dy, dy));
    return float(pow(double(distance / diagonal), double(beta)));
}

/// Whether the stronger box `a` suppresses `b`: cpu::nms operation by operation, each product rounded.
__device__ __forceinline__ bool suppresses(const Box& a, const Box& b, const Rule& rule) {
    const float a_left = a.x - a.w / 2, a_right = a.x + a.w / 2, a_top = a.y - a.h / 2, a_bottom = a.y + a.h / 2;
    const float b_left = b.x - b.w / 2, b_right = b.x + b.w / 2, b_top = b.y - b.h / 2, b_bottom = b.y + b.h / 2;
    const float w = (a_right < b_right ? a_right : b_right) - (a_left > b_left ? a_left : b_left);
    const float h = (a_bottom < b_bottom ? a_bottom : b_bottom) - (a_top > b_top ? a_top : b_top);
    const float both = w < 0 || h < 0 ? 0.f : __fmul_rn(w, h);
    const float either = __fadd_rn(__fmul_rn(a.w, a.h), __fmul_rn(b.w, b.h)) - both;
    const float iou = both == 0 || either == 0 ? 0.f : __fdiv_rn(both, either);
    if (!(iou > rule.threshold) || rule.kind == NmsKind::iou) return iou > rule.threshold;
    const float outer_w = fmaxf(a_right, b_right) - fminf(a_left, b_left);
    const float outer_h = fmaxf(a_bottom, b_bottom) - fminf(a_top, b_top);
    const float diagonal = __fadd_rn(__fmul_rn(outer_w, outer_w), __fmul_rn(outer_h, outer_h));
    return diagonal == 0 || iou - distance_term(a, b, diagonal, rule.beta) > rule.threshold;
}

__device__ __forceinline__ Box broadcast(const Box& b, int lane) {
    return {__shfl_sync(~0u, b.x, lane), __shfl_sync(~0u, b.y, lane), __shfl_sync(~0u, b.w, lane),
            __shfl_sync(~0u, b.h, lane)};
}

/// One picture's candidates and the shared memory that goes with them.
struct Lists {
    CandidatePicture from;
    Key* keys;               // sorted
    unsigned short* owner;   // by probability: its box
    unsigned char* removed;  // by probability

    __device__ Box box(int prob) const {
        const CandidateBox& b = from.boxes[owner[prob]];
        return {b.x, b.y, b.w, b.h};
    }

    /// For equal probabilities p and q of one class: the classes before it decide, the last of them first (the
    /// repeated stable sorts of do_nms_sort), then the order of the boxes.
    __device__ bool stands_before(int p, int q) const {
        const CandidateBox &a = from.boxes[owner[p]], &b = from.boxes[owner[q]];
        for (;; --p, --q) {
            if (q == b.first_prob) return p > a.first_prob || a.order < b.order;
            if (p == a.first_prob) return false;
            const Candidates::ClassProb s = from.probs[p - 1], t = from.probs[q - 1];
            if (s.class_id != t.class_id) return s.class_id > t.class_id;
            if (s.prob != t.prob) return s.prob > t.prob;
        }
    }

    __device__ bool before(Key a, Key b) const {
        if (a >> 16 != b >> 16 || a == b) return a < b;
        return stands_before(prob_of(a), prob_of(b));
    }

    /// Bitonic, `count` a power of two. Steps of up to 32 stay within the 64 keys of one warp.
    __device__ void sort(int count) const {
        for (int size = 2; size <= count; size *= 2)
            for (int step = size / 2; step > 0; step /= 2) {
                for (int pair = int(threadIdx.x); pair < count / 2; pair += kThreads) {
                    const int i = 2 * pair - (pair & (step - 1)), j = i + step;
                    const Key a = keys[i], b = keys[j];
                    const bool ascending = (i & size) == 0;
                    if (before(b, a) == ascending) {
                        keys[i] = b;
                        keys[j] = a;
                    }
                }
                if (step > 32 || (step == 1 && size > 32))
                    __syncthreads();
                else
                    __syncwarp();
            }
        __syncthreads();
    }

    /// The first of `count` sorted keys whose class is not below `k`.
    __device__ int first_of(int k, int count) const {
        int low = 0;
        for (int high = count; low < high;) {
            const int middle = (low + high) / 2;
            if (class_of(keys[middle]) < k)
                low = middle + 1;
            else
                high = middle;
        }
        return low;
    }

    /// The keys begin … end - 1 of one class, 32 at a time: these settle it among themselves, one to a lane, and then
    /// the survivors meet all weaker ones. BLOCK: every warp settles the same 32, and they share out the rest.
    template <bool BLOCK>
    __device__ void suppress(int begin, int end, const Rule& rule) const {
        const int lane = int(threadIdx.x) % 32, rank = BLOCK ? int(threadIdx.x) : lane;
        for (int tile = begin; tile < end; tile += 32) {
            const int own = tile + lane < end ? prob_of(keys[tile + lane]) : -1;
            bool alive = own >= 0 && !removed[own];
            const Box mine = alive ? box(own) : Box{};
            unsigned kept = 0;
            for (unsigned left = __ballot_sync(~0u, alive); left != 0;) {
                const int strongest = __ffs(int(left)) - 1;
                kept |= 1u << strongest;
                const Box a = broadcast(mine, strongest);
                if (alive && lane > strongest) alive = !suppresses(a, mine, rule);
                left = __ballot_sync(~0u, alive) & (~1u << strongest);
            }
            for (int j = tile + 32 + rank; j - lane < end; j += BLOCK ? kThreads : 32) {
                const int other = j < end ? prob_of(keys[j]) : -1;
                bool stays = other >= 0 && !removed[other];
                const bool tested = stays;
                const Box weaker = stays ? box(other) : Box{};
                for (unsigned left = kept; left != 0 && __any_sync(~0u, stays); left &= left - 1) {
                    const Box a = broadcast(mine, __ffs(int(left)) - 1);
                    if (stays) stays = !suppresses(a, weaker, rule);
                }
                if (tested && !stays) removed[other] = 1;
            }
            if constexpr (BLOCK)
                __syncthreads();
            else
                __syncwarp();
            // Only now, when every warp has read what was removed before.
            if (rank < 32 && own >= 0 && !alive) removed[own] = 1;
        }
    }
};

__host__ __device__ constexpr int power_of_two(int at_least) {
    int power = 1;
    while (power < at_least) power *= 2;
    return power;
}

__global__ void __launch_bounds__(kThreads)
    suppress_classes(CandidatePicture first, CandidateCapacity capacity, int room, int classes, Rule rule,
                     SurvivorPicture first_out) {
    griddepcontrol_launch_dependents();
    griddepcontrol_wait();
    extern __shared__ Key shared[];
    __shared__ int2 long_class[kMaxLong];
    __shared__ int long_count, entries;
    const int tid = int(threadIdx.x), warp = tid / 32, lane = tid % 32, picture = int(blockIdx.x);
    int* counts = first_out.counts + 2 * picture;
    Lists l{picture_of(first, capacity, picture), shared, nullptr, nullptr};
    l.owner = reinterpret_cast<unsigned short*>(shared + power_of_two(room));
    l.removed = reinterpret_cast<unsigned char*>(l.owner + room);
    const int boxes = l.from.counts[0], probs = l.from.counts[1];
    if (boxes > capacity.boxes || probs > room || probs == 0) {
        if (tid < 2) counts[tid] = tid == 1 && probs != 0;
        return;
    }

    const int padded = power_of_two(probs);
    if (tid == 0) long_count = entries = 0;
    for (int b = tid; b < boxes; b += kThreads) {
        const int begin = l.from.boxes[b].first_prob, end = begin + l.from.boxes[b].probs;
        for (int p = begin; p < end; ++p) {
            const Candidates::ClassProb prob = l.from.probs[p];
            l.keys[p] = Key(prob.class_id) << 48 | Key(~__float_as_uint(prob.prob)) << 16 | Key(p);
            l.owner[p] = static_cast<unsigned short>(b);
            l.removed[p] = 0;
        }
    }
    for (int p = probs + tid; p < padded; p += kThreads) l.keys[p] = kPad;
    __syncthreads();
    l.sort(padded);

    // A lane looks for one class, so that a warp finds 32 at once; then the warp takes one after the other.
    for (int base = warp; base < classes; base += kThreads) {
        const int k = base + lane * kWarps;
        const int begin = l.first_of(k, probs), end = l.first_of(k + 1, probs);
        for (unsigned left = __ballot_sync(~0u, begin < end); left != 0; left &= left - 1) {
            const int next = __ffs(int(left)) - 1;
            const int2 range = {__shfl_sync(~0u, begin, next), __shfl_sync(~0u, end, next)};
            if (range.y - range.x < kLongClass)
                l.suppress<false>(range.x, range.y, rule);
            else if (lane == 0)
                long_class[atomicAdd(&long_count, 1)] = range;
        }
    }
    __syncthreads();
    for (int i = 0; i < long_count; ++i) l.suppress<true>(long_class[i].x, long_class[i].y, rule);
    __syncthreads();

    auto* listed = reinterpret_cast<unsigned short*>(shared);  // the keys have done their work
    for (int b = tid; b < boxes; b += kThreads) {
        const int begin = l.from.boxes[b].first_prob, count = l.from.boxes[b].probs;
        int removed = 0;
        for (int i = 0; i < count; ++i) removed += l.removed[begin + i];
        if (removed == count) continue;
        const int to = atomicAdd(&entries, count);
        for (int i = 0; i < count; ++i) listed[to + i] = static_cast<unsigned short>(begin + i);
    }
    __syncthreads();
    constexpr int kBoxWords = sizeof(CandidateBox) / 4, kWords = sizeof(SurvivorPicture::Entry) / 4;
    int* out = reinterpret_cast<int*>(first_out.entries + std::size_t(picture) * capacity.probs);
    for (int i = tid; i < entries * kWords; i += kThreads) {
        const int p = listed[i / kWords], word = i % kWords;
        if (word < kBoxWords)
            out[i] = reinterpret_cast<const int*>(&l.from.boxes[l.owner[p]])[word];
        else if (word < kBoxWords + 2)
            out[i] = reinterpret_cast<const int*>(&l.from.probs[p])[word - kBoxWords];
        else
            out[i] = !l.removed[p];
    }
    if (tid < 2) counts[tid] = tid == 0 ? entries : 0;
}

void limit(const char* what, int value, int most) {
    if (value > most)
        throw std::runtime_error(std::string("nms: ") + what + " of " + std::to_string(value) + ", but at most " +
                                 std::to_string(most) + " is supported");
}

std::size_t shared_bytes(int probs) { return power_of_two(probs) * sizeof(Key) + std::size_t(probs) * 3; }

/// As many of `probs` as a block has shared memory for. Of the default capacity that is all, and half on 7.5.
int room_for(int probs) {
    int device = 0, bytes = 0;
    cudaFuncAttributes kernel;
    check(cudaGetDevice(&device), "nms");
    check(cudaDeviceGetAttribute(&bytes, cudaDevAttrMaxSharedMemoryPerBlockOptin, device), "nms");
    check(cudaFuncGetAttributes(&kernel, suppress_classes), "nms");
    while (shared_bytes(probs) + kernel.sharedSizeBytes > std::size_t(bytes)) probs = power_of_two(probs) / 2;
    return probs;
}

}  // namespace

void nms(const void* candidates, CandidateCapacity capacity, int n, int count, int classes, NmsKind kind, float beta,
         float threshold, void* survivors, Stream stream) {
    static_assert(sizeof(SurvivorPicture::Entry) == sizeof(CandidateBox) + sizeof(Candidates::ClassProb) + sizeof(int));
    limit("a capacity for boxes", capacity.boxes, kMaxBoxes);
    limit("a capacity for probabilities", capacity.probs, kMaxProbs);
    limit("a number of classes", classes, kMaxClasses);
    if (count == 0) return;
    const int room = room_for(capacity.probs);
    const std::size_t shared = shared_bytes(room);
    check(cudaFuncSetAttribute(suppress_classes, cudaFuncAttributeMaxDynamicSharedMemorySize, int(shared)),
          "nms: shared memory for the probabilities of a picture");
    launch_dependent(suppress_classes, count, kThreads, shared, stream, 1,
                     candidate_picture(const_cast<void*>(candidates), capacity, n, 0), capacity, room, classes,
                     Rule{kind, beta, threshold}, survivor_picture(survivors, capacity, n, 0));
}

}  // namespace convoy::kernels::cuda
