// SPDX-License-Identifier: MIT
//
// How far a run has come: one living line on a terminal, a plain line now and then elsewhere.
#pragma once

#include <chrono>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>

namespace convoy::tools {

struct ProgressState {
    std::string input;             ///< the file that is being worked on
    std::size_t input_number = 1;  ///< counted from 1
    std::size_t inputs = 1;
    std::int64_t frame = 0;            ///< frames of this input that are done
    std::int64_t frames_of_input = 0;  ///< 0 when unknown
    std::int64_t total_frames = 0;     ///< frames of all inputs that are done
    double fraction = 0;               ///< of the whole run that is done; <= 0 when unknown
    double elapsed_s = 0;
    bool steady = true;  ///< as much time for a fraction as for another: how long it lasts follows from the two above
    double left_s = -1;  ///< else that, until all is done; < 0: unknown
};

/// "street.mp4  120/240 frames  45.2 frames/s  ETA 0:03", with [2/5] when there are several inputs.
std::string progress_text(const ProgressState& state);

/// The same with a bar, at most `columns` wide; what does not fit is left out, the bar first, then the name.
std::string progress_line(const ProgressState& state, int columns);

/// "0:03", "12:34", "1:02:03".
std::string format_duration(double seconds);

/// Shows states on a descriptor, such as standard error's, from one thread; messages come from any. Whatever nobody
/// takes is dropped.
class Progress {
public:
    Progress(int fd, bool quiet);
    ~Progress();
    Progress(const Progress&) = delete;
    Progress& operator=(const Progress&) = delete;

    /// Whether it is time for the next update; cheap.
    bool due() const;
    void update(const ProgressState& state);
    /// Prints a line for good, above the living line; not when quiet.
    void message(const std::string& line);
    /// The same, quiet or not.
    void error(const std::string& line);

private:
    void clear();

    const int fd_;
    const bool quiet_, terminal_;
    std::mutex mutex_;  // of the living line
    bool shown_ = false;
    std::chrono::steady_clock::time_point next_;
};

}  // namespace convoy::tools
