// SPDX-License-Identifier: MIT
//
// NCCL's only job: the weights from one GPU to the others. Its few functions are declared here, as they have been since
// NCCL 2.0, so that building needs no header of it.
#include <memory>

#include "engine/cuda/handles.h"
#include "engine/cuda/replicate.h"
#include "kernels/cuda/dynamic_library.h"

namespace convoy {
namespace {

struct NcclComm;
constexpr int kNcclSuccess = 0, kNcclBytes = 0;

struct Nccl {
    kernels::cuda::DynamicLibrary library{"libnccl.so.2", "libnccl.so"};
    int (*init_all)(NcclComm** comms, int count, const int* devices) = nullptr;
    int (*destroy)(NcclComm* comm) = nullptr;
    int (*abort)(NcclComm* comm) = nullptr;
    int (*broadcast)(const void* from, void* to, std::size_t count, int type, int root, NcclComm* comm,
                     cudaStream_t stream) = nullptr;
    int (*group_start)() = nullptr;
    int (*group_end)() = nullptr;
    const char* (*error_string)(int result) = nullptr;

    Nccl() {
        if (!library) throw std::runtime_error(library.error());
        library.find("ncclCommInitAll", init_all);
        library.find("ncclCommDestroy", destroy);
        library.find("ncclCommAbort", abort);
        library.find("ncclBroadcast", broadcast);
        library.find("ncclGroupStart", group_start);
        library.find("ncclGroupEnd", group_end);
        library.find("ncclGetErrorString", error_string);
    }
    void check(int result) const {
        if (result != kNcclSuccess) throw std::runtime_error(error_string(result));
    }
};

/// A communicator for each GPU.
class Communicators {
public:
    Communicators(const Nccl& nccl, const std::vector<int>& gpus) : nccl_(nccl), comms_(gpus.size()) {
        nccl_.check(nccl_.init_all(comms_.data(), int(gpus.size()), gpus.data()));
    }
    ~Communicators() {
        for (NcclComm* comm : comms_) static_cast<void>(done_ ? nccl_.destroy(comm) : nccl_.abort(comm));
    }
    Communicators(const Communicators&) = delete;
    Communicators& operator=(const Communicators&) = delete;
    NcclComm* operator[](std::size_t i) const { return comms_[i]; }
    /// All that was asked of them has been done: otherwise they are not waited for at their end.
    void set_done() { done_ = true; }

private:
    const Nccl& nccl_;
    std::vector<NcclComm*> comms_;
    bool done_ = false;
};

}  // namespace

std::string nccl_broadcast(const std::vector<Replica>& replicas, std::size_t bytes) {
    try {
        const Nccl nccl;
        const DeviceScope keeps_the_callers_context(replicas.front().gpu);
        std::vector<int> gpus;
        for (const Replica& replica : replicas) gpus.push_back(replica.gpu);
        Communicators comms(nccl, gpus);
        std::vector<CudaStream> streams;
        for (const Replica& replica : replicas) {
            const DeviceScope scope(replica.gpu);
            streams.push_back(make_stream());
        }
        nccl.check(nccl.group_start());
        for (std::size_t i = 0; i < replicas.size(); ++i) {
            const DeviceScope scope(replicas[i].gpu);
            nccl.check(nccl.broadcast(replicas.front().data, replicas[i].data, bytes, kNcclBytes, 0, comms[i],
                                      streams[i].get()));
        }
        nccl.check(nccl.group_end());
        for (std::size_t i = 0; i < replicas.size(); ++i) {
            const DeviceScope scope(replicas[i].gpu);
            wait_for(*replicas[i].patience, streams[i].get(), "ncclBroadcast");
        }
        comms.set_done();
        return {};
    } catch (const std::runtime_error& e) {
        return e.what();
    }
}

}  // namespace convoy
