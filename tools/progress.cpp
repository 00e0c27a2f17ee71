// SPDX-License-Identifier: MIT
#include "tools/progress.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "tools/message.h"

namespace convoy::tools {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::chrono::milliseconds kTerminalPeriod{100}, kPlainPeriod{5000};
constexpr int kBarColumns = 20, kDefaultColumns = 80;

bool is_live_terminal(int fd) {
    const char* term = std::getenv("TERM");
    return isatty(fd) && !(term && std::strcmp(term, "dumb") == 0);
}

int terminal_columns(int fd) {
    winsize size = {};
    return ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : kDefaultColumns;
}

bool starts_character(char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }  // UTF-8

int columns_of(const std::string& text) { return int(std::count_if(text.begin(), text.end(), starts_character)); }

std::string first_columns(const std::string& text, int columns) {
    std::size_t end = 0;
    for (; end < text.size(); ++end)
        if (starts_character(text[end]) && columns-- <= 0) break;
    return text.substr(0, end);
}

std::string file_name(const ProgressState& state) {
    const std::string name = printable(std::filesystem::path(state.input).filename().string());
    return state.inputs > 1 ? fmt::format("[{}/{}] {}", state.input_number, state.inputs, name) : name;
}

// Everything but the name and the bar. Like the bar, frames are those of the whole run.
std::string figures(const ProgressState& state) {
    std::string text = state.inputs > 1 ? fmt::format("{} frames", state.total_frames)
                       : state.frames_of_input > 0
                           ? fmt::format("{}/{} frames", state.frame, std::max(state.frame, state.frames_of_input))
                           : fmt::format("{} frames", state.frame);
    if (state.elapsed_s <= 0) return text;
    text += fmt::format("  {:.1f} frames/s", double(state.total_frames) / state.elapsed_s);
    const double left_s = !state.steady ? state.left_s
                          : state.fraction > 0 && state.fraction <= 1
                              ? state.elapsed_s * (1 - state.fraction) / state.fraction
                              : -1;
    if (left_s >= 0) text += "  ETA " + format_duration(left_s);
    return text;
}

}  // namespace

std::string format_duration(double seconds) {
    const auto s = std::int64_t(seconds + .5);
    if (s < 3600) return fmt::format("{}:{:02}", s / 60, s % 60);
    return fmt::format("{}:{:02}:{:02}", s / 3600, s / 60 % 60, s % 60);
}

std::string progress_text(const ProgressState& state) { return file_name(state) + "  " + figures(state); }

std::string progress_line(const ProgressState& state, int columns) {
    const std::string name = file_name(state), numbers = figures(state);
    std::string bar;
    if (state.fraction > 0) {
        const int filled = int(std::min(state.fraction, 1.) * kBarColumns);
        bar = "  [" + std::string(filled, '#') + std::string(kBarColumns - filled, '.') + "]";
    }
    const int left = columns - columns_of(numbers) - 2;
    if (left >= columns_of(name) + columns_of(bar)) return name + bar + "  " + numbers;
    if (left > 0) return first_columns(name, left) + "  " + numbers;
    return first_columns(numbers, columns);
}

Progress::Progress(int fd, bool quiet)
    : fd_(fd),
      quiet_(quiet),
      terminal_(is_live_terminal(fd)),
      next_(Clock::now() + (terminal_ ? Clock::duration{} : kPlainPeriod)) {}

Progress::~Progress() { clear(); }

bool Progress::due() const { return !quiet_ && Clock::now() >= next_; }

void Progress::update(const ProgressState& state) {
    if (quiet_) return;
    next_ = Clock::now() + (terminal_ ? kTerminalPeriod : kPlainPeriod);
    const std::lock_guard lock(mutex_);
    if (terminal_) {
        // One column stays free: a line that fills the last one makes some terminals wrap.
        print_message(fmt::format("\r{}\x1b[K", progress_line(state, terminal_columns(fd_) - 1)), fd_);
        shown_ = true;
    } else {
        print_message(progress_text(state) + "\n", fd_);
    }
}

void Progress::message(const std::string& line) {
    if (!quiet_) error(line);
}

void Progress::error(const std::string& line) {
    const std::lock_guard lock(mutex_);
    clear();
    print_message(printable(line) + "\n", fd_);
}

void Progress::clear() {
    if (!shown_) return;
    print_message("\r\x1b[K", fd_);
    shown_ = false;
}

}  // namespace convoy::tools
