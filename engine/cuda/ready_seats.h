// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <semaphore>
#include <thread>
#include <vector>

#include "engine/backend.h"

namespace convoy {

class CudaBackend;

/// Seats whose readers have a decoder of the GPU's: made on threads of their own while the rest of a start goes on, and
/// kept from run to run. To make one takes a twentieth of a second, to take it apart no less, and the driver does one
/// after the other.
class ReadySeats {
public:
    using Make = std::function<std::unique_ptr<SegmentReader>(const DecodeTarget&)>;

    /// The backend outlives them.
    explicit ReadySeats(CudaBackend& backend) : backend_(backend) {}
    ~ReadySeats();
    ReadySeats(const ReadySeats&) = delete;
    ReadySeats& operator=(const ReadySeats&) = delete;
    /// Begins to make `count` of them, once.
    void begin(Make make, int count, Trace* trace);
    /// See Backend::take_ready_seat(); empty, too, where one could not be made.
    std::optional<ReadySeat> take(std::chrono::milliseconds wait);
    void keep(ReadySeat seat);
    /// No more are begun.
    void stop();

private:
    ReadySeat make(int number);

    CudaBackend& backend_;
    Make make_;
    Trace* trace_ = nullptr;
    std::counting_semaphore<> turn_{2};  // more at once would wait in the driver
    std::mutex mutex_;
    std::condition_variable changed_;
    std::deque<ReadySeat> ready_;
    int left_ = 0;  // that nobody has taken
    bool stopped_ = false;
    std::vector<std::thread> threads_;
};

}  // namespace convoy
