// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include <convoy/error.h>
#include "engine/cuda/patience.h"
#include "engine/run/device_worker.h"

namespace convoy::test {

/// A device that finds one box in each picture, of a class that the picture's first two bytes tell.
class FakeBackend : public Backend {
public:
    explicit FakeBackend(int max_batch) : max_batch_(max_batch) {}
    std::unique_ptr<Slot> make_slot() override { return std::make_unique<FakeSlot>(*this); }
    std::unique_ptr<DecoderSeat> make_seat(const std::string& name) override {
        return std::make_unique<FakeSeat>(*this, name);
    }
    std::optional<ReadySeat> take_ready_seat(std::chrono::milliseconds wait) override {
        {
            const std::lock_guard lock(mutex_);
            if (!ready.empty()) {
                ReadySeat seat = std::move(ready.front());
                ready.pop_front();
                return seat;
            }
        }
        if (!never_ready) return ReadySeat{};
        std::this_thread::sleep_for(wait);
        return std::nullopt;
    }
    void keep_ready_seat(ReadySeat seat) override {
        const std::lock_guard lock(mutex_);
        ready.push_back(std::move(seat));
    }
    std::string description() const override { return "fake"; }
    bool alive() override { return !dead && !patience.exhausted(); }
    bool hangs() const override { return patience.exhausted(); }

    std::vector<int> batches() const {
        const std::lock_guard lock(mutex_);
        return batches_;
    }
    std::deque<ReadySeat> ready;
    bool never_ready = false;  // one more, which takes longer than the run
    std::atomic<int> running{0}, most_at_once{0};
    std::atomic<bool> dead{false};
    std::atomic<int> fail_release{-1};     // the seats' so many-th release, counted down
    bool die_at_release = false;           // with that release
    int fail_picture = -1, fail_run = -1;  // the picture's number; the run's, counted from 0
    int die_at_run = -1;                   // from this run on the device is dead
    int hang_at_run = -1;                  // this run never ends
    Patience patience{"fake", std::chrono::milliseconds(50)};
    bool die_silently = false;          // that run seems to go well, with wrong results
    std::chrono::microseconds work{0};  // a batch takes
    std::int64_t not_finite = 0;        // boxes of each picture
    bool endless_boxes = false;         // so many that they are never sorted out …
    bool endless_once = false;          // … but once
    std::atomic<bool> collecting{false};
    bool endless_network = false;  // which only a stop ends
    std::atomic<bool> computing{false};
    std::atomic<int> sought{0};        // times that a layer was looked for
    std::atomic<int> copied{0};        // frames, to the host
    int gpu = 0;                       // its seats' target
    std::atomic<bool> strange{false};  // a frame lay in another device's memory

    static int number(const PixelView& p) { return p.plane[0][0] + 256 * p.plane[0][1]; }

private:
    struct FakeSeat : DecoderSeat {
        FakeSeat(FakeBackend& b, const std::string& name) : DecoderSeat(name), backend(b) {}
        DecodeTarget target() const override { return {backend.gpu, nullptr, nullptr}; }
        void to_host(Frame& frame) override {
            frame.pixels.on_device = false;
            ++backend.copied;
        }
        void release() override {
            if (backend.fail_release < 0 || backend.fail_release-- != 0) return;
            if (backend.die_at_release) backend.dead = true;
            throw Error(ErrorKind::device, "the fake seat does not let go");
        }
        FakeBackend& backend;
    };
    struct FakeSlot : Slot {
        explicit FakeSlot(FakeBackend& b) : backend(b), numbers(std::size_t(b.max_batch_)) {}
        void preprocess(int first, const Frame& frame, std::span<const Area> areas, DecoderSeat&) override {
            for (const Area& area : areas) {
                const PixelView picture = view_of(frame.pixels, area);
                const int owner = picture.plane[0][2] - 1;  // of numbered pictures that have one
                if (frame.pixels.on_device && owner >= 0 && owner != backend.gpu) backend.strange = true;
                if (number(picture) == backend.fail_picture) throw Error(ErrorKind::input, "bad picture");
                numbers.at(std::size_t(first++)) = number(picture);
            }
        }
        void run(int count, const std::atomic<bool>* stop = nullptr) override {
            backend.most_at_once = std::max<int>(backend.most_at_once, ++backend.running);
            int run = 0;
            {
                const std::lock_guard lock(backend.mutex_);
                run = int(backend.batches_.size());
                backend.batches_.push_back(count);
            }
            if (backend.work.count()) std::this_thread::sleep_for(backend.work);
            --backend.running;
            if (backend.die_at_run >= 0 && run >= backend.die_at_run) backend.dead = true;
            if (backend.dead && backend.die_silently) std::fill(numbers.begin(), numbers.end(), -1);
            if (backend.dead && !backend.die_silently) throw Error(ErrorKind::device, "the fake device has died");
            hangs = hangs || run == backend.hang_at_run;
            if (run == backend.fail_run) throw Error(ErrorKind::device, "a batch was lost");
            backend.computing = true;
            while (backend.endless_network && !*stop) std::this_thread::sleep_for(std::chrono::milliseconds(1));
            given_up = backend.endless_network;
        }
        std::optional<double> wait() override {
            if (given_up) return std::nullopt;
            backend.patience.wait("the network", [&] { return !hangs; });
            return double(backend.work.count()) * 1e-3;
        }
        std::optional<std::int64_t> collect(int index, std::vector<Detection>& out,
                                            const std::atomic<bool>& stop) override {
            backend.collecting = true;
            while (backend.endless_boxes && !stop) std::this_thread::sleep_for(std::chrono::milliseconds(1));
            if (backend.endless_boxes) {
                backend.endless_boxes = !backend.endless_once;
                return std::nullopt;
            }
            out = {{numbers.at(std::size_t(index)), .5f, {0, 0, 1, 1}}};
            return backend.not_finite;
        }
        std::string first_not_finite(int index) override {
            ++backend.sought;
            return "layer " + std::to_string(numbers.at(std::size_t(index)));
        }
        FakeBackend& backend;
        std::vector<int> numbers;
        bool hangs = false, given_up = false;
    };
    const int max_batch_;
    mutable std::mutex mutex_;
    std::vector<int> batches_;
};

/// Pictures that know their number: a pixel, or larger, whose pixels are those of the next ones: the tile that begins
/// at (x, y) has the number of the picture + y · width + x.
class NumberedPictures {
public:
    /// In the memory of device `gpu`, if that is told.
    explicit NumberedPictures(int count = 4096, int gpu = -1) : bytes_(std::size_t(count) * 3) {
        for (int i = 0; i < count; ++i) {
            bytes_[std::size_t(i) * 3 + 2] = std::uint8_t(gpu + 1);
            bytes_[std::size_t(i) * 3] = std::uint8_t(i % 256);
            bytes_[std::size_t(i) * 3 + 1] = std::uint8_t(i / 256);
        }
    }
    Frame frame(int i, int width = 1, int height = 1) const {
        Frame f = rgb_frame(&bytes_[std::size_t(i) * 3], width, height);
        f.index = i;
        return f;
    }

private:
    std::vector<std::uint8_t> bytes_;
};

/// Devices for an engine without one; `backends` are looked into from outside.
struct FakeDevices {
    std::vector<FakeBackend*> backends;
    std::vector<std::unique_ptr<DeviceWorker>> workers;

    explicit FakeDevices(int count, int max_batch = 4, int slots = 2, double max_latency_ms = -1,
                         const TileOptions& tiles = {}) {
        for (int i = 0; i < count; ++i) {
            auto backend = std::make_unique<FakeBackend>(max_batch);
            backends.push_back(backend.get());
            WorkerOptions options;
            options.name = "fake:" + std::to_string(i);
            options.detect.tiles = tiles;
            options.max_batch = max_batch;
            options.slots = slots;
            options.max_latency_ms = max_latency_ms;
            workers.push_back(std::make_unique<DeviceWorker>(std::move(backend), options));
        }
    }
};

}  // namespace convoy::test
