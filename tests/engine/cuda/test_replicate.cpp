// SPDX-License-Identifier: MIT
//
// Who gets the weights from whom, on GPUs that are made up: none is needed.
#include "engine/cuda/replicate.h"

#include <convoy/error.h>
#include "tests/support/catch.h"

using namespace convoy;

namespace {

constexpr int kGpus = 4;

[[noreturn]] void refuse(const char* what, int gpu) {
    throw Error(ErrorKind::device, std::string(what) + " gpu " + std::to_string(gpu));
}

/// GPUs of which some refuse what the host sends, what another one sends, or to send: a bit for each.
struct Machine {
    unsigned no_host = 0, no_peer = 0, no_send = 0;
    bool filled[kGpus] = {};
    int host_copies = 0, peer_copies = 0;

    std::vector<Replica> replicas() {
        std::vector<Replica> out;
        for (int gpu = 0; gpu < kGpus; ++gpu) out.push_back({gpu, &filled[gpu], nullptr});
        return out;
    }
    ReplicaCopies copies() {
        ReplicaCopies out;
        out.from_host = [this](const Replica& to) {
            if (no_host >> to.gpu & 1) refuse("the host cannot reach", to.gpu);
            *static_cast<bool*>(to.data) = true;
            ++host_copies;
        };
        out.from_gpu = [this](const Replica& from, const Replica& to) {
            if (no_send >> from.gpu & 1) refuse("nothing leaves", from.gpu);
            if (no_peer >> to.gpu & 1) refuse("no other reaches", to.gpu);
            *static_cast<bool*>(to.data) = *static_cast<const bool*>(from.data);
            ++peer_copies;
        };
        return out;
    }
};

}  // namespace

TEST_CASE("replicate: the host sends once, to the first", "[replicate]") {
    Machine machine;
    const Replicated done = replicate(machine.replicas(), machine.copies());
    CHECK(done.how == "by copies");
    CHECK(done.failures == std::vector<std::string>(kGpus));
    CHECK(machine.host_copies == 1);
    CHECK(machine.peer_copies == kGpus - 1);
    for (bool filled : machine.filled) CHECK(filled);
}

TEST_CASE("replicate: whatever fails, who can be reached is, and who cannot is told why", "[replicate]") {
    constexpr unsigned kAll = 1u << kGpus;
    for (unsigned no_host = 0; no_host < kAll; ++no_host)
        for (unsigned no_peer = 0; no_peer < kAll; ++no_peer)
            for (unsigned no_send = 0; no_send < kAll; ++no_send) {
                Machine machine{no_host, no_peer, no_send};
                const Replicated done = replicate(machine.replicas(), machine.copies());
                REQUIRE(done.failures.size() == kGpus);
                for (int gpu = 0; gpu < kGpus; ++gpu) {
                    INFO("gpu " << gpu << ", refused: host " << no_host << ", peer " << no_peer << ", to send "
                                << no_send << ": " << done.failures[std::size_t(gpu)]);
                    REQUIRE(done.failures[std::size_t(gpu)].empty() == machine.filled[gpu]);
                    if (!(no_host >> gpu & 1)) REQUIRE(machine.filled[gpu]);
                    if (!machine.filled[gpu])
                        REQUIRE(done.failures[std::size_t(gpu)] == "the host cannot reach gpu " + std::to_string(gpu));
                }
            }
}

TEST_CASE("replicate: the next one is the source where the first has nothing, or does not give it", "[replicate]") {
    Machine no_first{.no_host = 1};
    const Replicated done = replicate(no_first.replicas(), no_first.copies());
    CHECK(done.failures[0] == "the host cannot reach gpu 0");
    CHECK(no_first.host_copies == 1);
    CHECK(no_first.peer_copies == kGpus - 2);

    Machine mute{.no_send = 1};
    CHECK(replicate(mute.replicas(), mute.copies()).failures == std::vector<std::string>(kGpus));
    CHECK(mute.host_copies == 2);  // to the second, which serves the rest
    CHECK(mute.peer_copies == kGpus - 2);
}

TEST_CASE("replicate: a broadcast starts from the first that has the bytes", "[replicate]") {
    Machine machine{.no_host = 1};
    ReplicaCopies copies = machine.copies();
    std::vector<int> reached;
    copies.broadcast = [&](const std::vector<Replica>& replicas) {
        for (const Replica& replica : replicas) reached.push_back(replica.gpu);
    };
    const Replicated done = replicate(machine.replicas(), copies);
    CHECK(done.how == "by ncclBroadcast");
    CHECK(reached == std::vector{1, 2, 3});
    CHECK_FALSE(done.failures[0].empty());
    CHECK(machine.filled[1]);
}

TEST_CASE("replicate: nothing is said of how where there are no others", "[replicate]") {
    Machine machine;
    std::vector<Replica> one = machine.replicas();
    one.resize(1);
    CHECK(replicate(one, machine.copies()).how.empty());
    CHECK(machine.filled[0]);
    CHECK(replicate({}, machine.copies()).failures.empty());
}
