// SPDX-License-Identifier: MIT
#include "engine/pipeline.h"

#include "engine/postprocess.h"

namespace convoy {

Pipeline::Pipeline(Backend& backend, const DetectOptions& detect, int max_batch, int slots, double max_latency_ms)
    : backend_(backend),
      detect_(detect),
      max_batch_(max_batch),
      max_latency_ms_(max_latency_ms),
      requests_(max_batch),
      free_(slots),
      ready_(slots + 1),
      done_(slots + 1),
      outcomes_(std::size_t(max_batch) * slots + 1) {
    for (int i = 0; i < slots; ++i) {
        slots_.push_back(backend.make_slot());
        free_.push(slots_.back().get());
    }
    try {
        threads_.emplace_back([this] { preprocess_loop(); });
        threads_.emplace_back([this] { network_loop(); });
        threads_.emplace_back([this] { postprocess_loop(); });
    } catch (...) {
        cancel();
        throw;
    }
}

Pipeline::~Pipeline() { cancel(); }

void Pipeline::cancel() {
    requests_.cancel();
    free_.cancel();
    ready_.cancel();
    done_.cancel();
    outcomes_.cancel();
    for (std::thread& t : threads_) t.join();
    threads_.clear();
}

void Pipeline::submit(Frame frame) { requests_.push(Arrival{std::move(frame), Clock::now(), nullptr}); }
void Pipeline::flush() { requests_.push(Flush{}); }
void Pipeline::finish() { requests_.push(Finish{}); }

std::optional<Result> Pipeline::next() {
    std::optional<Outcome> outcome = outcomes_.pop();
    if (!outcome || outcome->end) return std::nullopt;
    if (outcome->error) std::rethrow_exception(outcome->error);
    return std::move(outcome->result);
}

std::vector<StageStats> Pipeline::stats() const {
    std::vector<StageStats> all = {preprocess_clock_.stats(), network_clock_.stats(), postprocess_clock_.stats()};
    for (StageStats& more : backend_.stats()) all.push_back(std::move(more));
    return all;
}

int Pipeline::capacity() const { return int(max_batch_ * (2 * slots_.size() + 1)); }

// Fills slots; a batch goes on when it is full, when it has waited long enough, or on flush and finish.
void Pipeline::preprocess_loop() {
    Batch batch;
    while (true) {
        std::optional<Request> request;
        if (!batch.arrivals.empty() && max_latency_ms_ >= 0) {
            const auto wait = std::chrono::duration<double, std::milli>(max_latency_ms_);
            request =
                requests_.pop_until(batch.arrivals.front().at + std::chrono::duration_cast<Clock::duration>(wait));
            if (!request) {
                if (requests_.closed() || !launch(batch)) return;
                continue;
            }
        } else {
            request = requests_.pop();
            if (!request) return;
        }
        if (auto* arrival = std::get_if<Arrival>(&*request)) {
            if (!preprocess(batch, std::move(*arrival))) return;
            if (batch.arrivals.size() == max_batch_ && !launch(batch)) return;
        } else {
            if (!launch(batch)) return;
            if (std::holds_alternative<Finish>(*request) && !ready_.push({})) return;
        }
    }
}

bool Pipeline::preprocess(Batch& batch, Arrival arrival) {
    if (!batch.slot) {
        std::optional<Slot*> slot = free_.pop();
        if (!slot) return false;
        batch.slot = *slot;
    }
    const StageClock::Scope timed(preprocess_clock_);
    try {
        batch.slot->preprocess(int(batch.arrivals.size()), arrival.frame.pixels);
    } catch (...) {
        arrival.error = std::current_exception();
    }
    batch.arrivals.push_back(std::move(arrival));
    return true;
}

bool Pipeline::launch(Batch& batch) {
    if (batch.arrivals.empty()) return true;
    return ready_.push(std::exchange(batch, Batch{}));
}

void Pipeline::network_loop() {
    while (std::optional<Batch> batch = ready_.pop()) {
        if (batch->slot) {
            try {
                batch->slot->run(int(batch->arrivals.size()));
            } catch (...) {
                for (Arrival& a : batch->arrivals) a.error = std::current_exception();
            }
        }
        if (!done_.push(std::move(*batch))) return;
    }
}

void Pipeline::postprocess_loop() {
    while (std::optional<Batch> batch = done_.pop())
        if (!postprocess(*batch)) return;
}

bool Pipeline::postprocess(Batch& batch) {
    if (!batch.slot) {
        Outcome end;
        end.end = true;
        return outcomes_.push(std::move(end));
    }
    try {
        network_clock_.add(batch.slot->wait());
    } catch (...) {
        for (Arrival& a : batch.arrivals) a.error = std::current_exception();
    }
    std::vector<Outcome> outcomes(batch.arrivals.size());
    for (std::size_t i = 0; i < outcomes.size(); ++i) {
        const StageClock::Scope timed(postprocess_clock_);
        Arrival& arrival = batch.arrivals[i];
        Outcome& out = outcomes[i];
        out.result.frame = std::move(arrival.frame);
        out.error = arrival.error;
        if (out.error) continue;
        try {
            batch.slot->collect(int(i), out.result.detections);
            finish_detections(detect_, out.result.frame.pixels.width, out.result.frame.pixels.height,
                              out.result.detections);
        } catch (...) {
            out.error = std::current_exception();
        }
        out.result.latency_ms = std::chrono::duration<double, std::milli>(Clock::now() - arrival.at).count();
    }
    // The slot is free before its results are taken, so that a slow reader does not hold the network up.
    if (!free_.push(batch.slot)) return false;
    for (Outcome& out : outcomes)
        if (!outcomes_.push(std::move(out))) return false;
    return true;
}

}  // namespace convoy
