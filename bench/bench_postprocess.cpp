// SPDX-License-Identifier: MIT
//
// convoy-bench postprocess: raw heads in device memory to surviving boxes on the host, for few and for many candidates.
#include <cuda_fp16.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <random>

#include "bench/commands.h"
#include "bench/gpu_harness.h"
#include "engine/bind.h"
#include "engine/cuda/backend_cuda.h"

namespace convoy::bench {
namespace {

namespace k = kernels::cuda;
using kernels::DataType;

constexpr int kBoxValues = 5;  // x, y, w, h, objectness
constexpr int kObjectness = 4;
constexpr float kNo = -8, kYes = 3;  // logits: .0003 and .95
constexpr int kNeighbours = 5;       // candidates side by side, as around a real object

/// The heads of a batch: noise in the boxes, and objects in groups of neighbouring cells of one class.
struct Heads {
    std::vector<DeviceBuffer> memory;
    std::vector<k::DeviceHead> heads;

    Heads(const Plan& plan, DataType type, int batch, int candidates) {
        const std::vector<Head> all = heads_of(plan);
        for (std::size_t i = 0; i < all.size(); ++i) {
            const Shape shape = plan.graph.tensors[all[i].tensor].shape;
            const int pitch = kernels::padded_channels(shape.c, type);
            const int share = candidates / int(all.size()) + (int(i) < candidates % int(all.size()));
            const std::vector<float> values = activations(all[i].decode, shape, pitch, batch, share, unsigned(i));
            memory.push_back(upload(values, type));
            heads.push_back({all[i].decode, {memory.back().data(), type, batch, shape.h, shape.w, shape.c, pitch}});
        }
    }

    static std::vector<float> activations(const kernels::YoloHead& head, const Shape& shape, int pitch, int batch,
                                          int candidates, unsigned seed) {
        std::mt19937 random(seed);
        const auto noise = [&] { return float(random() >> 8) * 0x1p-23f - 1; };
        const int values = kBoxValues + head.classes, anchors = shape.c / values, cells = shape.h * shape.w;
        std::vector<float> out(std::size_t(batch) * cells * pitch);
        for (float& v : out) v = noise();
        for (int cell = 0; cell < batch * cells; ++cell)
            for (int a = 0; a < anchors; ++a) {
                float* box = &out[std::size_t(cell) * pitch + std::size_t(a) * values];
                box[kObjectness] = kNo;
                for (int c = 0; c < head.classes; ++c) box[kBoxValues + c] += kNo;
            }
        for (int n = 0; n < batch; ++n)
            for (int i = 0, first = 0, of_class = 0; i < std::min(candidates, cells * anchors); ++i) {
                if (i % kNeighbours == 0)
                    first = int(random() % unsigned(cells)), of_class = int(random() % unsigned(head.classes));
                const int cell = (first + i % kNeighbours) % cells;
                float* box =
                    &out[(std::size_t(n) * cells + cell) * pitch + std::size_t(i) / kNeighbours % anchors * values];
                box[kObjectness] = box[kBoxValues + of_class] = kYes;
            }
        return out;
    }

    static DeviceBuffer upload(const std::vector<float>& values, DataType type) {
        std::vector<__half> half(type == DataType::fp16 ? values.size() : 0);
        for (std::size_t i = 0; i < half.size(); ++i) half[i] = __float2half_rn(values[i]);
        const void* host = half.empty() ? static_cast<const void*>(values.data()) : half.data();
        DeviceBuffer out(values.size() * kernels::size_of(type), "head");
        cuda_check(cudaMemcpy(out.data(), host, out.bytes(), cudaMemcpyHostToDevice), "upload");
        return out;
    }
};

}  // namespace

nlohmann::json bench_postprocess(const BenchOptions& options) {
    GpuHarness harness(choose_gpu(options.engine));
    const DetectOptions& detect = options.engine.detect;
    const Precision precision = cuda_precision(options.engine.precision, harness.device().ordinal);
    const DataType type = k::storage(math_of(precision));
    const Network network = options.model.load(false);
    const Plan plan = compile(network, cuda_compile_options(options.engine, precision));
    std::vector<int> batches = {1, 32};
    if (options.engine.max_batch > 0) batches = {options.engine.max_batch};

    fmt::print("{}: heads of a {}x{} network with {} classes\n", harness.device().name, plan.input.w, plan.input.h,
               plan.classes);
    nlohmann::json cases = nlohmann::json::array();
    const k::CandidateCapacity capacity;
    for (const int batch : batches)
        for (const int wanted : {50, 2000}) {
            const Heads heads(plan, type, batch, wanted);
            const kernels::BoxTransform transform{
                kernels::place(detect.fit, plan.input.w, plan.input.h, plan.input.w, plan.input.h), plan.input.w,
                plan.input.h};
            const std::vector<kernels::BoxTransform> host(std::size_t(batch), transform);
            const DeviceBuffer transforms(host.size() * sizeof(host[0]), "transforms");
            cuda_check(cudaMemcpy(transforms.data(), host.data(), transforms.bytes(), cudaMemcpyHostToDevice),
                       "upload");
            const DeviceBuffer candidates(k::candidate_bytes(capacity, batch), "candidates");
            const PinnedBuffer survivors(k::survivor_bytes(capacity, batch));

            const auto decode = [&](cudaStream_t stream) {
                k::clear_candidates(batch, candidates.data(), stream);
                k::yolo_decode(heads.heads, detect.confidence,
                               reinterpret_cast<const kernels::BoxTransform*>(transforms.data()), capacity, batch,
                               batch, candidates.data(), stream);
            };
            const auto nms = [&](cudaStream_t stream) {
                k::nms(candidates.data(), capacity, batch, batch, plan.classes, plan.nms_kind, plan.beta_nms,
                       detect.nms, survivors.data(), stream);
            };
            // Decode comes first in every round, so that suppression always finds its candidates.
            const auto both = [&](cudaStream_t stream) { decode(stream), nms(stream); };
            const std::vector<GpuSamples> samples =
                harness.measure({decode, nms, both}, options.warmup, options.passes);

            kernels::Candidates boxes;
            std::vector<kernels::Survivor> out;
            if (!k::read_survivors(survivors.data(), capacity, batch, 0, plan.classes, boxes, out))
                throw Error(ErrorKind::unsupported, "the candidates did not fit, so there is nothing to time");
            fmt::print(
                "batch {:<3} {:>5} candidates, {:>4} left: decode {:>7.1f} us, nms {:>7.1f} us, "
                "both {:>7.1f} us (iqr {:.1f}%), {:.2f} us a picture\n",
                batch, wanted, out.size(), samples[0].median(), samples[1].median(), samples[2].median(),
                100 * samples[2].spread(), samples[2].median() / batch);
            for (std::size_t i = 0; i < samples.size(); ++i) {
                nlohmann::json entry = samples[i].json();
                entry.update({{"name", fmt::format("{} batch {} candidates {}", std::array{"decode", "nms", "both"}[i],
                                                   batch, wanted)},
                              {"survivors_of_first", out.size()},
                              {"us_per_picture", samples[i].median() / batch}});
                cases.push_back(std::move(entry));
            }
        }
    nlohmann::json out = harness.facts(network, precision);
    out.update({{"bench", "postprocess"}, {"cases", cases}});
    return out;
}

}  // namespace convoy::bench
