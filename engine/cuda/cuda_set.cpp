// SPDX-License-Identifier: MIT
//
// One plan on several GPUs: weights packed and sent once, kernels chosen once for each kind of GPU.
#include <functional>
#include <map>
#include <numeric>
#include <thread>
#include <utility>

#include "engine/cuda/backend_cuda.h"
#include "engine/cuda/replicate.h"
#include "engine/stage.h"
#include "engine/start_thread.h"

namespace convoy {
namespace {

class SetBuilder {
public:
    SetBuilder(PackedPlan packed, const DetectOptions& detect, const std::vector<int>& gpus, const CudaOptions& options)
        : packed_(std::move(packed)), detect_(detect), gpus_(gpus), options_(options), backends_(gpus.size()) {
        set_.failures.resize(gpus.size());
        options_.precision = packed_.precision;
    }

    CudaSet build() {
        take_weights();
        replicate_weights();
        bind_all();
        for (auto& backend : backends_) set_.backends.push_back(std::move(backend));
        return std::move(set_);
    }

private:
    TraceScope traced(std::size_t i, const char* name) const {
        return {options_.trace, "cuda:" + std::to_string(gpus_[i]), "start", name};
    }

    // What goes wrong with one GPU does not concern the others.
    void on(std::size_t i, const std::function<void()>& step) {
        try {
            step();
        } catch (const Error& error) {
            if (first_error_.empty()) set_.error_kind = error.kind();
            set_.failures[i] = first_error_ = error.what();
            backends_[i].reset();
        }
    }

    // The same step on several GPUs, side by side.
    void on_each(const std::vector<std::size_t>& which, const std::function<void(std::size_t)>& step) {
        std::vector<std::exception_ptr> errors(which.size());
        {
            std::vector<std::jthread> threads;
            for (std::size_t n = 0; n < which.size(); ++n)
                start_thread(threads, [&, n] {
                    try {
                        step(which[n]);
                    } catch (...) {
                        errors[n] = std::current_exception();
                    }
                });
        }
        for (std::size_t n = 0; n < which.size(); ++n)
            if (errors[n]) on(which[n], [&] { std::rethrow_exception(errors[n]); });
    }

    void take_weights() {
        std::vector<std::size_t> all(gpus_.size());
        std::iota(all.begin(), all.end(), std::size_t(0));
        on_each(all, [this](std::size_t i) {
            const TraceScope scope = traced(i, "context and libraries");
            backends_[i] = std::make_unique<CudaBackend>(gpus_[i], packed_.plan, detect_, options_);
            backends_[i]->begin_early_readers(options_);
            backends_[i]->take_weights(packed_.weights);
        });
    }

    void replicate_weights() {
        std::vector<Replica> replicas;
        std::vector<std::size_t> whose;
        for (std::size_t i = 0; i < backends_.size(); ++i) {
            if (!backends_[i]) continue;
            replicas.push_back({backends_[i]->device(), backends_[i]->weights().data(), &backends_[i]->patience()});
            whose.push_back(i);
        }
        const TraceScope scope(options_.trace, "host", "start", "send the weights");
        const Replicated done = replicate(replicas, cuda_copies(packed_.weights.bytes(), options_.replication));
        packed_.weights = {};
        set_.replication = done.how;
        set_.replication_s = done.seconds;
        for (std::size_t i = 0; i < replicas.size(); ++i)
            if (!done.failures[i].empty()) on(whose[i], [&] { throw Error(ErrorKind::device, done.failures[i]); });
    }

    // The first of each kind measures, if that must be; the others, side by side, take what is known then.
    void bind_all() {
        std::map<std::string, TuningCache> caches;
        std::map<std::size_t, TuningCache> known;  // by GPU
        std::vector<std::size_t> others;
        for (std::size_t i = 0; i < gpus_.size(); ++i) {
            if (!backends_[i]) continue;
            const std::string key = backends_[i]->tuning_key(options_);
            if (const auto found = caches.find(key); found != caches.end()) {
                known.emplace(i, found->second);
                others.push_back(i);
                continue;
            }
            TuningCache cache(options_.tuning_cache, key);
            if (backends_[i]->to_measure(options_, cache) + backends_[i]->pairs_to_measure(options_, cache) == 0) {
                known.emplace(i, caches.emplace(key, cache).first->second);
                others.push_back(i);
                continue;
            }
            on(i, [&] { backends_[i]->bind(options_, cache); });
            if (backends_[i]) caches.emplace(key, std::move(cache));
        }
        on_each(others, [&](std::size_t i) { backends_[i]->bind(options_, known.at(i)); });
    }

    PackedPlan packed_;
    const DetectOptions& detect_;
    const std::vector<int>& gpus_;
    CudaOptions options_;
    std::vector<std::unique_ptr<CudaBackend>> backends_;
    std::string first_error_;
    CudaSet set_;
};

}  // namespace

std::shared_ptr<PackedPlan> cuda_pack(Plan plan, Precision precision, Trace* trace,
                                      const std::function<void()>& memory_is_there) {
    if (!plan.weights_storage)
        throw Error(ErrorKind::model, "the network was loaded without weights: name its .weights file");
    const TraceScope traced(trace, "host", "start", "pack the weights");
    PackedWeights weights = pack_weights(plan, math_of(precision), memory_is_there);
    plan.weights_storage.reset();  // unmapped once the network is gone, too
    return std::make_shared<PackedPlan>(PackedPlan{std::move(plan), precision, std::move(weights)});
}

int max_batch_of(const PackedPlan& packed) { return packed.plan.max_batch; }

CudaSet make_cuda_backends(std::shared_ptr<PackedPlan> packed, const DetectOptions& detect,
                           const std::vector<int>& gpus, const CudaOptions& options) {
    return SetBuilder(std::move(*packed), detect, gpus, options).build();
}

}  // namespace convoy
