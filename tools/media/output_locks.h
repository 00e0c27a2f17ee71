// SPDX-License-Identifier: MIT
//
// Names that one run writes to and no other meanwhile.
#pragma once

#include <string>
#include <vector>

namespace convoy::media {

/// Output files that are this run's as long as it lives: the system lets go of them however it ends. In each of their
/// folders all runs share a file .convoy.lock, a byte of which stands for each name; the last one removes it. Where a
/// file system knows no locks, or the folder takes no file, nothing is held and nothing refused. What processes of this
/// host that are gone have left of a file unfinished is removed when that is taken.
class OutputLocks {
public:
    OutputLocks() = default;
    ~OutputLocks() { release(); }
    OutputLocks(OutputLocks&& other) noexcept { swap(other); }
    OutputLocks& operator=(OutputLocks&& other) noexcept {
        swap(other);
        return *this;
    }

    /// Creates a folder and those above it. release() removes those that are empty then. Throws Error(output).
    void make_folder(const std::string& path);
    /// Holds the file that `path` stands for; false where another run does. Pipes and devices are nobody's.
    [[nodiscard]] bool take(const std::string& path);
    /// The same, but throws Error(output) where another run does.
    void require(const std::string& path);
    /// Lets go of all. May be called from a signal handler, in place of the destructor.
    void release() noexcept;

private:
    struct Folder {
        std::string path, file;  // that of the locks
        int fd;
        std::vector<std::string> unfinished;  // what other processes may have left
    };

    const Folder* enter(const std::string& path);
    void swap(OutputLocks& other) noexcept;

    std::vector<Folder> folders_;
    std::vector<std::string> made_;  // folders
    std::vector<int> files_;         // that are locked themselves
};

}  // namespace convoy::media
