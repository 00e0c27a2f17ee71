// SPDX-License-Identifier: MIT
//
// The records of a unit under way are its checkpoint: each is in the file whole, and says all that what comes behind it
// depends on.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include <convoy/detection.h>
#include "tools/fleet/unit_files.h"
#include "tools/media/byte_stream.h"

namespace convoy::fleet {

/// A record of --jsonl, read back.
struct KeptRecord {
    double pts_s = 0;
    int width = 0, height = 0;
    bool undecodable = false;
    std::vector<Detection> detections;
};

/// What a run that was ended has left of a unit.
struct KeptRecords {
    std::vector<KeptRecord> records;
    std::string text;  ///< of them, to the byte
    /// Why a unit that was begun cannot go on and begins anew, for people: "the options have changed"; "" where there
    /// is nothing, or it goes on.
    std::string why_anew;
};

/// Reads the whole records of `files.partial` up to the first that is torn, or is not the next one of `input`, where
/// `files.state` agrees with what decides the result. Frames are numbered by `step`. What follows them is found again
/// by their stamps: without any, or where these go back, the unit begins anew.
KeptRecords read_kept(const UnitFiles& files, const nlohmann::json& deciding, const std::string& input,
                      std::int64_t step);

/// The file that a unit's records are appended to, at first those that were kept. It is a new one, so that whoever had
/// it before, and was only suspended, writes into nothing.
class Checkpoint {
public:
    /// `state` is what stands beside it. Throws Error(output).
    Checkpoint(UnitFiles files, const nlohmann::json& state, std::string_view kept);
    ~Checkpoint();
    Checkpoint(const Checkpoint&) = delete;
    Checkpoint& operator=(const Checkpoint&) = delete;

    /// A whole line. On its way to the file when this returns, and on the disk after five seconds at the latest, by one
    /// of the lines that follow. Throws Error(output).
    void append(std::string_view line);
    /// Onto the disk. Throws Error(output).
    void sync();
    /// All is written: the records get their name, then `done` with their size in `bytes`. Throws Error(output), and
    /// where the file is no longer the one that others see.
    void publish(nlohmann::json done);
    std::int64_t bytes() const { return bytes_; }

private:
    [[noreturn]] void fail(const std::string& reason) const;

    UnitFiles files_;
    std::unique_ptr<media::OutputStream> stream_;
    int fd_ = -1;  // the stream's file
    std::int64_t bytes_ = 0;
    std::chrono::steady_clock::time_point synced_;
};

}  // namespace convoy::fleet
