// SPDX-License-Identifier: MIT
//
// Who does what, where machines share a folder and nothing else.
#pragma once

#include <chrono>
#include <condition_variable>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

namespace convoy::fleet {

/// Names that one process of all that share a folder holds at a time, as files NAME.claim in it. Each is made at once
/// with all that stands in it (host, process, a word of its own) and touched every few seconds by a thread. One that
/// was not touched for as long as `timeout` is stale, and others may take it over: so a machine that died loses its
/// names.
///
/// Time is the file system's own, as the stamps of its files tell it: clocks of machines do not matter. Any file system
/// will do where link() or O_EXCL, and rename(), are atomic: NFS, Lustre, GPFS and local ones. From any threads.
class Claims {
public:
    /// Creates the folder. Throws Error(output) where it cannot be written to, Error(usage) for a timeout under a
    /// second.
    Claims(std::string folder, std::chrono::duration<double> timeout);
    /// Lets go of all that is held.
    ~Claims();
    Claims(const Claims&) = delete;
    Claims& operator=(const Claims&) = delete;

    /// Whether `name` is this process's from now on; false where somebody else holds it. `from` gets who has held a
    /// stale claim that was taken over, as Holder::who; "" where there was none. Throws Error(output).
    bool take(const std::string& name, std::string* from = nullptr);
    /// Whether it is so still, by what stands in the folder now: who was suspended for long finds it lost.
    bool holds(const std::string& name);
    /// Nothing happens to what is not held.
    void release(const std::string& name);
    struct Holder {
        std::string who;       ///< for people: "host gpu3, process 4711"
        double touched_s = 0;  ///< when that was heard of last: seconds since 1970, as now_s()
    };
    /// Who holds `name`; nothing where nobody does.
    std::optional<Holder> holder(const std::string& name) const;
    /// What the folder's file system takes for now. Throws Error(output).
    double now_s() const;
    /// How long nothing is heard of a claim until it is stale.
    std::chrono::duration<double> timeout() const { return std::chrono::duration<double>(timeout_s_); }
    /// How long to wait before one asks again for what others hold.
    std::chrono::duration<double> interval() const { return interval_; }

private:
    std::string path_of(const std::string& name) const;
    bool make(const std::string& path);
    bool is_stale(const std::string& path) const;
    bool take_over(const std::string& name, std::string& from);
    bool is_own(const std::string& name, bool touch) const;
    void touch_all(std::stop_token stop);

    const std::string folder_;
    const double timeout_s_;
    const std::chrono::duration<double> interval_;
    const std::string own_;   // what stands in this process's claims
    const std::string word_;  // of it alone, for names of files
    std::mutex mutex_;
    std::map<std::string, bool> held_;  // whether it is still this process's, as far as the thread has seen
    int made_ = 0;                      // files, for their names
    std::condition_variable_any changed_;
    std::jthread thread_;
};

/// A text that no other process has: of the host, the process, the boot and chance.
std::string process_word();
/// For people and records.
std::string host_name();

/// What the file system of a folder takes for now: the stamp of a file that is made there and removed. Seconds since
/// 1970. Throws Error(output).
double file_system_time_s(const std::string& folder);

}  // namespace convoy::fleet
