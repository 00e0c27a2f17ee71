// SPDX-License-Identifier: MIT
//
// Raw activations of every head and picture to lists of candidates, in one launch. A thread tests the objectness of one
// box, which is all that most boxes cost; the warps of a block then share its few survivors, a lane per class. They go
// over the classes twice, first to count: so a block asks once for room in the lists of its picture.
#include "kernels/yolo_decode.h"

#include <cuda_fp16.h>

#include <cfloat>

#include "kernels/cuda/check.h"
#include "kernels/cuda/launch.cuh"
#include "kernels/cuda/post/candidates.cuh"
#include "kernels/cuda/ptx/griddepcontrol.cuh"

namespace convoy::kernels::cuda {
namespace {

constexpr int kThreads = 256, kWarps = kThreads / 32;
constexpr int kMaxHeads = 8, kMaxAnchors = 16;  // of one head

struct Head {
    const void* x;  // (N, h, w, anchors·(numbers + classes))
    DataType type;
    int h, w, pitch, classes, anchors, numbers, spacing;
    int first;  // order of its first box
    HeadKind kind;
    bool new_coords, softmax;
    float scale_x_y, shift, net_w, net_h, point;
    float anchor[2 * kMaxAnchors];  // w, h, w, h …

    __device__ float at(std::size_t i) const {
        return type == DataType::fp16 ? __half2float(static_cast<const __half*>(x)[i])
                                      : static_cast<const float*>(x)[i];
    }
    __device__ float probability(float t) const { return new_coords ? t : 1.f / (1.f + expf(-t)); }
};

struct Heads {
    Head head[kMaxHeads];
    int count, boxes;
};

/// One box of a picture, and where its numbers start.
struct Place {
    int head, row, column, anchor;
    std::size_t entry;

    __device__ Place(const Heads& heads, int picture, int order) : head(0) {
        while (head + 1 < heads.count && order >= heads.head[head + 1].first) ++head;
        const Head& h = heads.head[head];
        const int cell = (order - h.first) / h.anchors;
        anchor = (order - h.first) % h.anchors;
        row = cell / h.w;
        column = cell % h.w;
        entry = (std::size_t(picture) * h.h * h.w + cell) * h.pitch + std::size_t(anchor) * (h.numbers + h.classes);
    }
};

/// In fractions of the network's input (get_yolo_box).
__device__ Candidates::Box network_box(const Head& head, const Place& place) {
    const int step = head.spacing;
    const float x = head.probability(head.at(place.entry)), y = head.probability(head.at(place.entry + step));
    const float w = head.at(place.entry + 2 * step), h = head.at(place.entry + 3 * step);
    const float aw = head.anchor[2 * place.anchor], ah = head.anchor[2 * place.anchor + 1];
    Candidates::Box b = {(float(place.column) + (x * head.scale_x_y + head.shift)) / float(head.w),
                         (float(place.row) + (y * head.scale_x_y + head.shift)) / float(head.h),
                         (head.new_coords ? w * w * 4 : expf(w)) * aw / head.net_w,
                         (head.new_coords ? h * h * 4 : expf(h)) * ah / head.net_h};
    b.x += head.point * b.w;
    b.y += head.point * b.h;
    return b;
}

/// What the classes of a box have in common; every lane of a warp gets the same.
struct ClassScale {
    float certain = 1.f, largest = 0.f, sum = 1.f;

    __device__ ClassScale(const Head& head, std::size_t entry, int lane) {
        if (head.kind == HeadKind::gaussian) {
            const auto uncertain = [&](int i) { return head.probability(head.at(entry + i)); };
            certain = 1.f - (uncertain(1) + uncertain(3) + uncertain(5) + uncertain(7)) / 4.f;
        }
        if (!head.softmax) return;
        largest = -FLT_MAX;
        for (int k = lane; k < head.classes; k += 32) largest = fmaxf(largest, head.at(entry + head.numbers + k));
        for (int step = 16; step > 0; step /= 2) largest = fmaxf(largest, __shfl_xor_sync(~0u, largest, step));
        sum = 0;
        for (int k = lane; k < head.classes; k += 32) sum += expf(head.at(entry + head.numbers + k) - largest);
        for (int step = 16; step > 0; step /= 2) sum += __shfl_xor_sync(~0u, sum, step);
    }
    __device__ float of(const Head& head, float raw) const {
        return head.softmax ? expf(raw - largest) / sum : head.probability(raw) * certain;
    }
};

/// To source pixels (correct_yolo_boxes), with its mix of float and double.
__device__ Candidates::Box source_box(Candidates::Box b, const BoxTransform& t) {
    const Placement& p = t.placement;
    b.x = float((b.x - (p.net_w - p.w) / 2. / p.net_w) / (float(p.w) / float(p.net_w)));
    b.y = float((b.y - (p.net_h - p.h) / 2. / p.net_h) / (float(p.h) / float(p.net_h)));
    b.w *= float(p.net_w) / float(p.w);
    b.h *= float(p.net_h) / float(p.h);
    return {b.x * float(t.width), b.y * float(t.height), b.w * float(t.width), b.h * float(t.height)};
}

/// Leaves the picture to the host, which counts boxes with numbers that are NaN or infinite: as if its lists ran over.
__device__ void leave_to_host(const CandidatePicture& out, CandidateCapacity capacity) {
    atomicMax(&out.counts[1], capacity.probs + 1);
}

/// A box over the threshold.
struct Found {
    int order;
    float objectness;
    int first_prob, probs;  // first_prob counted from the block's own
};

__global__ void __launch_bounds__(kThreads)
    decode(const __grid_constant__ Heads heads, float threshold, const BoxTransform* transforms,
           CandidateCapacity capacity, CandidatePicture first) {
    griddepcontrol_launch_dependents();
    __shared__ Found found[kThreads];
    __shared__ int box_count, prob_count, first_box, first_prob;
    const int picture = int(blockIdx.y), order = int(blockIdx.x) * kThreads + int(threadIdx.x);
    const int warp = int(threadIdx.x) / 32, lane = int(threadIdx.x) % 32;
    const CandidatePicture out = picture_of(first, capacity, picture);

    if (threadIdx.x == 0) box_count = prob_count = 0;
    __syncthreads();
    griddepcontrol_wait();
    if (order < heads.boxes) {
        const Place place(heads, picture, order);
        const Head& head = heads.head[place.head];
        const float objectness = head.probability(head.at(place.entry + head.numbers - 1));
        if (head.kind == HeadKind::detection ? fabsf(objectness) > 0 : objectness > threshold)
            found[atomicAdd(&box_count, 1)] = {order, objectness, 0, 0};
        else if (isnan(objectness))
            leave_to_host(out, capacity);
    }
    __syncthreads();
    const int boxes = box_count;
    if (boxes == 0) return;

        // One piece of code for counting and writing, so that both see the same bits.
#pragma unroll 1
    for (int pass = 0; pass < 2; ++pass) {
        const bool writing = pass == 1;
        for (int i = warp; i < boxes; i += kWarps) {
            Found& box = found[i];
            const Place place(heads, picture, box.order);
            const Head& head = heads.head[place.head];
            const ClassScale scale(head, place.entry, lane);
            int count = 0;
#pragma unroll 4
            for (int start = 0; start < head.classes; start += 32) {
                const int k = start + lane;
                const float prob =
                    k < head.classes ? box.objectness * scale.of(head, head.at(place.entry + head.numbers + k)) : 0.f;
                const bool hit = k < head.classes && prob > threshold;
                if (!isfinite(prob)) leave_to_host(out, capacity);
                const unsigned hits = __ballot_sync(~0u, hit);
                const int at = first_prob + box.first_prob + count + __popc(hits & ((1u << lane) - 1));
                if (writing && hit && at < capacity.probs) out.probs[at] = {k, prob};
                count += __popc(hits);
            }
            if (lane != 0) continue;
            if (!writing) {
                box.probs = count;
                box.first_prob = atomicAdd(&prob_count, count);
            } else if (first_box + i < capacity.boxes) {
                const Candidates::Box b = source_box(network_box(head, place), transforms[picture]);
                if (!isfinite(b.x) || !isfinite(b.y) || !isfinite(b.w) || !isfinite(b.h)) leave_to_host(out, capacity);
                out.boxes[first_box + i] = {box.order, b.x, b.y, b.w, b.h, box.objectness, first_prob + box.first_prob,
                                            count};
            }
        }
        __syncthreads();
        if (!writing && threadIdx.x == 0) {
            first_box = atomicAdd(&out.counts[0], boxes);
            first_prob = atomicAdd(&out.counts[1], prob_count);
        }
        __syncthreads();
    }
}

Heads make_heads(const std::vector<DeviceHead>& list) {
    if (list.size() > kMaxHeads)
        throw std::runtime_error("yolo_decode: " + std::to_string(list.size()) + " heads, but at most " +
                                 std::to_string(kMaxHeads) + " are supported");
    Heads heads{};
    for (const DeviceHead& d : list) {
        const int anchors = int(d.head.anchors.size() / 2);
        if (anchors > kMaxAnchors)
            throw std::runtime_error("yolo_decode: " + std::to_string(anchors) + " anchors in a head, but at most " +
                                     std::to_string(kMaxAnchors) + " are supported");
        Head& h = heads.head[heads.count++];
        h = {d.x.data,
             d.x.type,
             d.x.h,
             d.x.w,
             d.x.pitch,
             d.head.classes,
             anchors,
             d.head.numbers(),
             d.head.spacing(),
             heads.boxes,
             d.head.kind,
             d.head.new_coords,
             d.head.softmax,
             d.head.scale_x_y,
             float(-0.5 * (d.head.scale_x_y - 1)),
             float(d.head.net_w),
             float(d.head.net_h),
             d.head.point,
             {}};
        for (int i = 0; i < 2 * anchors; ++i) h.anchor[i] = d.head.anchors[i];
        heads.boxes += d.x.h * d.x.w * anchors;
    }
    return heads;
}

/// The counters of all pictures come first, so that one memset clears them; what follows stays aligned to a box.
std::size_t counter_bytes(int n) {
    const std::size_t bytes = std::size_t(n) * 2 * sizeof(int), whole = sizeof(CandidateBox);
    return (bytes + whole - 1) / whole * whole;
}

}  // namespace

std::size_t candidate_bytes(CandidateCapacity capacity, int n) {
    return counter_bytes(n) +
           std::size_t(n) * (capacity.boxes * sizeof(CandidateBox) + capacity.probs * sizeof(Candidates::ClassProb));
}

CandidatePicture candidate_picture(void* memory, CandidateCapacity capacity, int n, int picture) {
    auto* boxes = reinterpret_cast<CandidateBox*>(static_cast<char*>(memory) + counter_bytes(n));
    auto* probs = reinterpret_cast<Candidates::ClassProb*>(boxes + std::size_t(n) * capacity.boxes);
    return {static_cast<int*>(memory) + 2 * picture, boxes + std::size_t(picture) * capacity.boxes,
            probs + std::size_t(picture) * capacity.probs};
}

void clear_candidates(int n, void* memory, Stream stream) {
    check(cudaMemsetAsync(memory, 0, counter_bytes(n), stream), "clear_candidates");
}

void yolo_decode(const std::vector<DeviceHead>& heads, float threshold, const BoxTransform* transforms,
                 CandidateCapacity capacity, int n, int count, void* memory, Stream stream) {
    const Heads all = make_heads(heads);
    if (all.boxes == 0 || count == 0) return;
    const dim3 grid((all.boxes + kThreads - 1) / kThreads, count);
    launch_dependent(decode, grid, kThreads, 0, stream, 1, all, threshold, transforms, capacity,
                     candidate_picture(memory, capacity, n, 0));
}

}  // namespace convoy::kernels::cuda
