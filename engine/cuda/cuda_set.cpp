// SPDX-License-Identifier: MIT
//
// One plan on several GPUs: weights packed and sent once, kernels chosen once for each kind of GPU.
#include <functional>
#include <map>
#include <thread>
#include <utility>

#include "engine/cuda/backend_cuda.h"
#include "engine/cuda/replicate.h"
#include "engine/stage.h"

namespace convoy {
namespace {

class SetBuilder {
public:
    SetBuilder(Plan plan, const DetectOptions& detect, const std::vector<int>& gpus, const CudaOptions& options)
        : plan_(std::move(plan)), detect_(detect), gpus_(gpus), options_(options), backends_(gpus.size()) {
        set_.failures.resize(gpus.size());
    }

    CudaSet build() {
        if (!plan_.weights_storage)
            throw Error(ErrorKind::model, "the network was loaded without weights: name its .weights file");
        take_weights();
        replicate_weights();
        bind_all();
        for (auto& backend : backends_) set_.backends.push_back(std::move(backend));
        return std::move(set_);
    }

private:
    TraceScope step(std::size_t i, const char* name) const {
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

    void take_weights() {
        const kernels::cuda::Math math = math_of(cuda_precision(options_.precision, gpus_.front()));
        {
            const TraceScope traced(options_.trace, "host", "start", "pack the weights");
            packed_ = pack_weights(plan_, math);
        }
        plan_.weights_storage.reset();  // unmapped once the network is gone, too
        for (std::size_t i = 0; i < gpus_.size(); ++i)
            on(i, [&] {
                const TraceScope traced = step(i, "context and libraries");
                backends_[i] = std::make_unique<CudaBackend>(gpus_[i], plan_, detect_, options_);
                backends_[i]->take_weights(packed_);
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
        const TraceScope traced(options_.trace, "host", "start", "send the weights");
        const Replicated done = replicate(replicas, cuda_copies(packed_.bytes, options_.replication));
        packed_ = {};
        set_.replication = done.how;
        set_.replication_s = done.seconds;
        for (std::size_t i = 0; i < replicas.size(); ++i)
            if (!done.failures[i].empty()) on(whose[i], [&] { throw Error(ErrorKind::device, done.failures[i]); });
    }

    // The first of each kind measures, if that must be; the others, side by side, take what is known then.
    void bind_all() {
        std::map<std::string, TuningCache> caches;
        std::vector<std::pair<std::size_t, TuningCache>> others;
        for (std::size_t i = 0; i < gpus_.size(); ++i) {
            if (!backends_[i]) continue;
            const std::string key = backends_[i]->tuning_key(options_);
            if (const auto known = caches.find(key); known != caches.end()) {
                others.emplace_back(i, known->second);
                continue;
            }
            TuningCache cache(options_.tuning_cache, key);
            if (backends_[i]->is_remembered(options_, cache)) {
                others.emplace_back(i, caches.emplace(key, cache).first->second);
                continue;
            }
            on(i, [&] { backends_[i]->bind(options_, cache); });
            if (backends_[i]) caches.emplace(key, std::move(cache));
        }
        std::vector<std::jthread> threads;
        for (auto& [i, cache] : others)
            threads.emplace_back(
                [this, at = i, &known = cache] { on_other(at, [&] { backends_[at]->bind(options_, known); }); });
    }

    // From several threads: each has its own GPU, the first error is found afterwards.
    void on_other(std::size_t i, const std::function<void()>& step) {
        try {
            step();
        } catch (const std::exception& error) {
            set_.failures[i] = error.what();
            backends_[i].reset();
        }
    }

    Plan plan_;
    const DetectOptions& detect_;
    const std::vector<int>& gpus_;
    const CudaOptions& options_;
    PackedWeights packed_;
    std::vector<std::unique_ptr<CudaBackend>> backends_;
    std::string first_error_;
    CudaSet set_;
};

}  // namespace

CudaSet make_cuda_backends(Plan plan, const DetectOptions& detect, const std::vector<int>& gpus,
                           const CudaOptions& options) {
    return SetBuilder(std::move(plan), detect, gpus, options).build();
}

}  // namespace convoy
