// SPDX-License-Identifier: MIT
#include "engine/cuda/picture_group.h"

#include <algorithm>
#include <utility>

namespace convoy {
namespace k = kernels::cuda;

PictureGroup::PictureGroup(CudaBackend& backend, const kernels::DeviceTensor& input, int most, cudaStream_t stream,
                           std::string track)
    : backend_(backend), input_(input), stream_(stream), trail_(backend, std::move(track)) {
    for (int i = 0; i < most; ++i) written_.push_back(make_event());
}

std::shared_ptr<PictureGroup::Launch> PictureGroup::add(int first, std::span<const k::PlacedPicture> pictures,
                                                        cudaStream_t written_on) {
    const std::lock_guard lock(mutex_);
    const std::size_t last = std::size_t(first) + pictures.size() - 1;
    cuda_check(cudaEventRecord(written_[last].get(), written_on), "cudaEventRecord");
    if (!launch_) next_launch();
    for (const k::PlacedPicture& picture : pictures) added_.push_back({first++, picture, written_on});
    return launch_;
}

void PictureGroup::launch() {
    const std::lock_guard lock(mutex_);
    if (added_.empty()) return;
    try {
        enqueue();
    } catch (...) {
        error_ = std::current_exception();
    }
    added_.clear();
    std::exchange(launch_, nullptr)->enqueued = true;
}

void PictureGroup::enqueue() {
    // Pictures of one stream are written one after the other; a thread's own stream has one name for many.
    std::vector<cudaStream_t> waited_for;
    for (auto added = added_.rbegin(); added != added_.rend(); ++added) {
        if (std::find(waited_for.begin(), waited_for.end(), added->written_on) != waited_for.end()) continue;
        if (added->written_on != cudaStreamPerThread) waited_for.push_back(added->written_on);
        cuda_check(cudaStreamWaitEvent(stream_, written_[std::size_t(added->place)].get(), 0), "cudaStreamWaitEvent");
    }
    std::sort(added_.begin(), added_.end(), [](const Added& a, const Added& b) { return a.place < b.place; });
    trail_.start(stream_);
    for (std::size_t first = 0, end = 0; first < added_.size(); first = end) {
        std::vector<k::PlacedPicture> pictures;  // in places next to each other
        for (; end < added_.size() && added_[end].place - added_[first].place == int(end - first); ++end)
            pictures.push_back(added_[end].picture);
        kernels::DeviceTensor y = input_;
        y.n = int(pictures.size());
        y.data = static_cast<std::byte*>(y.data) +
                 std::size_t(added_[first].place) * input_.pixels() * std::size_t(y.pitch) * kernels::size_of(y.type);
        try {
            k::preprocess(pictures.data(), y.n, backend_.detect().resize, y, stream_);
        } catch (const std::runtime_error& e) {
            throw Error(ErrorKind::device, std::string("preprocessing failed on the GPU: ") + e.what());
        }
    }
    trail_.stop(stream_, "preprocess");
    cuda_check(cudaEventRecord(launch_->done.get(), stream_), "cudaEventRecord");
}

void PictureGroup::check() {
    const std::lock_guard lock(mutex_);
    if (error_) std::rethrow_exception(std::exchange(error_, nullptr));
}

void PictureGroup::drop() {
    const std::lock_guard lock(mutex_);
    error_ = nullptr;
    if (added_.empty()) return;
    added_.clear();
    std::exchange(launch_, nullptr)->enqueued = true;  // of nothing: an event that was not recorded has happened
}

void PictureGroup::collect_spans() {
    const std::lock_guard lock(mutex_);
    trail_.collect(true);
}

void PictureGroup::next_launch() {
    const auto unused =
        std::find_if(launches_.begin(), launches_.end(), [](const auto& l) { return l.use_count() == 1; });
    launch_ = unused != launches_.end() ? *unused : launches_.emplace_back(std::make_shared<Launch>());
    launch_->enqueued = false;
}

}  // namespace convoy
