// SPDX-License-Identifier: MIT
//
// Which convolutions behind each other one kernel computes: what is remembered, what is measured now, the rest by rule.
#include <algorithm>
#include <stdexcept>
#include <utility>

#include "engine/cuda/backend_resources.h"
#include "kernels/conv_pair.h"

namespace convoy {
namespace k = kernels::cuda;
namespace {

constexpr const char* kApart = "apart";  // in the tuning cache

std::vector<const k::ConvPairCandidate*> rows_for(const k::ConvPair& pair, const k::DeviceCaps& caps) {
    std::vector<const k::ConvPairCandidate*> rows;
    for (const k::ConvPairCandidate& row : k::conv_pair_candidates())
        if (row.supports(pair, caps)) rows.push_back(&row);
    return rows;
}

}  // namespace

const CudaBackend::BoundPair* CudaBackend::pair_to(int node, int batch) const {
    const auto found = resources_->pairs.find({node, batch});
    return found == resources_->pairs.end() ? nullptr : &found->second;
}

const CudaBackend::BoundPair* CudaBackend::pair_from(int node, int batch) const {
    const auto found = resources_->inside.find({node, batch});
    return found == resources_->inside.end() ? nullptr : pair_to(found->second, batch);
}

bool CudaBackend::bind_pair(ConvPairNodes nodes, int batch, const std::string& row) {
    // A node between two pairs goes with the one before.
    if (pair_to(nodes.first, batch) || pair_from(nodes.second, batch)) return false;
    const k::ConvPair pair = cuda_pair(plan_, nodes, math_of(precision_), batch);
    for (const k::ConvPairCandidate* candidate : rows_for(pair, device_.caps)) {
        if (candidate->name != row) continue;
        resources_->pairs[{nodes.second, batch}] = {nodes, pair, row, candidate->prepare(pair, device_.caps)};
        resources_->inside[{nodes.first, batch}] = nodes.second;
        return true;
    }
    return false;
}

// Those that agree with the oracle, and that CUDA does not refuse. A device that one has broken ends everything.
std::vector<std::string> CudaBackend::sound_rows(const std::vector<const k::ConvPairCandidate*>& rows,
                                                 const k::ConvPair& pair) const {
    ConvCheck first(pair.first, device_.caps, *resources_->libraries, compute_stream(), *patience_);
    ConvCheck second(first, pair.second, device_.caps, *resources_->libraries);
    const auto is_sound = [&](const k::ConvPairCandidate& row) {
        try {
            return second.judge(*row.prepare(pair, device_.caps), first).fault.empty();
        } catch (const std::runtime_error&) {
            wait_for(*patience_, compute_stream(), "a kernel that is checked");  // throws what the device says
            return false;
        }
    };
    std::vector<std::string> sound;
    for (const k::ConvPairCandidate* row : rows)
        if (is_sound(*row)) sound.push_back(row->name);
    return sound;
}

void CudaBackend::unbind_pair(ConvPairNodes nodes, int batch) {
    resources_->pairs.erase({nodes.second, batch});
    resources_->inside.erase({nodes.first, batch});
}

std::size_t CudaBackend::pairs_to_measure(const CudaOptions& options, TuningCache& cache) const {
    if (options.tuning != Tuning::measured) return 0;
    std::size_t count = 0;
    for (int batch : batches_)
        for (const ConvPairNodes& nodes : plan_.pairs) {
            const k::ConvPair pair = cuda_pair(plan_, nodes, math_of(precision_), batch);
            count += !rows_for(pair, device_.caps).empty() && !cache.find(to_string(pair));
        }
    return count;
}

// Before the arena is taken, so that the check's tensors do not come on top.
void CudaBackend::choose_pairs(const CudaOptions& options, const Autotuner& tuner, TuningCache& cache) {
    std::vector<UntriedPair>& untried = resources_->untried;
    const auto choose = [&](const ConvPairNodes& nodes, int batch) {
        const k::ConvPair pair = cuda_pair(plan_, nodes, math_of(precision_), batch);
        const std::vector<const k::ConvPairCandidate*> rows = rows_for(pair, device_.caps);
        if (rows.empty()) return;
        if (options.tuning != Tuning::fixed)
            if (const TuningCache::Entry* known = cache.find(to_string(pair))) {
                bind_pair(nodes, batch, known->row);  // or they are apart
                return;
            }
        if (options.tuning != Tuning::measured || tuner.stopped()) {
            if (const char* row = k::fixed_pair_choice(pair, device_.caps)) bind_pair(nodes, batch, row);
            return;
        }
        auto found = std::find_if(untried.begin(), untried.end(), [&](const auto& u) { return u.pair == pair; });
        if (found == untried.end()) {
            found = untried.insert(found, {pair, batch, {}, {}});
            found->rows = sound_rows(rows, cuda_pair(plan_, nodes, math_of(precision_), checked_batch(batch)));
        }
        found->uses.push_back(nodes);
    };
    for (int batch : batches_)
        for (const ConvPairNodes& nodes : plan_.pairs)
            with_layer_name(plan_.graph.nodes[std::size_t(nodes.second)], "the GPU", [&] { choose(nodes, batch); });
}

// In the network, as the runners-up of single convolutions are: what a pair spares another layer may have found in the
// L2.
void CudaBackend::refine_pairs(const Autotuner& tuner, TuningCache& cache) {
    if (resources_->untried.empty()) return;
    const DeviceBuffer slot = noisy_slot();
    for (const UntriedPair& untried : std::exchange(resources_->untried, {})) {
        const auto bind_all = [&](const std::string& row) {
            bool any = false;
            for (const ConvPairNodes& nodes : untried.uses) any |= bind_pair(nodes, untried.batch, row);
            return any;
        };
        if (tuner.stopped()) {
            const char* row = k::fixed_pair_choice(untried.pair, device_.caps);
            if (row && std::find(untried.rows.begin(), untried.rows.end(), row) != untried.rows.end()) bind_all(row);
            continue;
        }
        double best = time_network(slot.data(), untried.batch);
        std::string winner = kApart;
        bool tried = untried.rows.empty();
        for (const std::string& row : untried.rows) {
            if (!bind_all(row)) continue;  // its neighbours are taken
            tried = true;
            if (const double us = time_network(slot.data(), untried.batch); us < kGain * best) {
                best = us;
                winner = row;
            }
            for (const ConvPairNodes& nodes : untried.uses) unbind_pair(nodes, untried.batch);
        }
        bind_all(winner);
        if (tried) cache.put(to_string(untried.pair), {winner, float(best)});
    }
}

void CudaBackend::enqueue_pair(int second, std::byte* slot, int batch, cudaStream_t stream, bool backwards) const {
    const BoundPair& bound = *pair_to(second, batch);
    const std::byte* weights = resources_->weights.data();
    const auto bias = [&](int node) {
        return reinterpret_cast<const float*>(weights + resources_->constants.at(node).bias);
    };
    k::ConvPairPointers p;
    p.x = view(plan_.graph.nodes[std::size_t(bound.nodes.first)].inputs[0], slot, batch).data;
    p.first_weights = weights + resources_->constants.at(bound.nodes.first).weights;
    p.first_bias = bias(bound.nodes.first);
    p.second_weights = weights + resources_->constants.at(second).weights;
    p.second_bias = bias(second);
    p.y = view(plan_.graph.nodes[std::size_t(second)].output, slot, batch).data;
    p.backwards = backwards;
    bound.kernel->launch(p, stream);
}

}  // namespace convoy
