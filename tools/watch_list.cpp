// SPDX-License-Identifier: MIT
#include "tools/watch_list.h"

#include <fmt/core.h>
#include <sys/stat.h>

#include <filesystem>
#include <optional>
#include <system_error>
#include <utility>

#include <convoy/error.h>
#include <convoy/media/input.h>
#include "tools/media/in/input_list.h"

namespace convoy::tools {
namespace {

constexpr std::chrono::seconds kInterval{1};

/// "" where it may be one.
std::string why_no_input(const std::string& path) {
    if (media::is_address(path) || media::is_live(path)) return "";
    std::error_code error;
    if (std::filesystem::is_directory(path, error)) return "is a folder; name the files in it";
    return std::filesystem::exists(path, error) ? "" : "does not exist";
}

}  // namespace

WatchList::WatchList(std::string path, Tell warn, Tell note)
    : path_(std::move(path)), warn_(std::move(warn)), note_(std::move(note)) {}

WatchList::Look WatchList::look() const {
    struct stat state = {};
    if (::stat(path_.c_str(), &state) != 0) return {};
    return {state.st_ino, std::uintmax_t(state.st_size),
            std::uintmax_t(state.st_mtim.tv_sec) * 1'000'000'000 + std::uintmax_t(state.st_mtim.tv_nsec), true};
}

std::vector<std::string> WatchList::read() {
    read_ = look();
    std::set<std::string> warned, seen;
    std::vector<std::string> paths;
    for (const media::ListLine& line : media::read_list_lines(path_)) {
        if (line.path.starts_with('#')) continue;
        std::string why = why_no_input(line.path);
        if (why.empty() && !seen.insert(line.path).second) why = "stands there more than once";
        if (why.empty()) {
            paths.push_back(line.path);
            continue;
        }
        const std::string what = fmt::format("'{}' {}", media::without_passwords(line.path), why);
        if (warned.insert(what).second && !told_.contains(what))
            warn_(fmt::format("{}:{}: {}", path_, line.number, what));
    }
    told_ = std::move(warned);
    if (!running_) first_ = paths;
    return paths;
}

void WatchList::follow(RunningInputs& running, int first) {
    running_ = &running;
    for (const std::string& path : first_) open_[path] = first++;
    thread_ = std::jthread([this](std::stop_token stop) { run(std::move(stop)); });
}

void WatchList::stop() {
    if (!thread_.joinable()) return;
    thread_.request_stop();
    thread_.join();
}

// Editors write a new file and give it the name of the old one; others write into it, and may not be done yet: what has
// changed is read when it has been the same for an interval.
void WatchList::run(std::stop_token stop) {
    std::unique_lock lock(mutex_);
    std::optional<Look> changed;
    while (!changed_.wait_for(lock, stop, kInterval, [&] { return stop.stop_requested(); })) {
        const Look now = look();
        if (now == read_ || now != changed) {
            changed = now;
            continue;
        }
        try {
            apply(*running_);
        } catch (const Error& error) {  // what was read last stays
            read_ = now;
            warn_(error.what());
        }
    }
}

void WatchList::apply(RunningInputs& running) {
    const std::vector<std::string> paths = read();
    const std::set<std::string> wanted(paths.begin(), paths.end());
    std::erase_if(open_, [&](const auto& open) {
        if (wanted.contains(open.first)) return false;
        note_(fmt::format("{} is no longer in {} and ends", media::without_passwords(open.first), path_));
        running.end(open.second);
        return true;
    });
    std::erase_if(refused_, [&](const std::string& path) { return !wanted.contains(path); });
    for (const std::string& path : paths) {
        if (open_.contains(path)) continue;
        try {
            open_[path] = running.add(path);
            note_(fmt::format("{} has come into {}", media::without_passwords(path), path_));
        } catch (const Error& error) {
            open_.erase(path);
            if (refused_.insert(path).second) warn_(fmt::format("{}: {}", path_, error.what()));
        }
    }
}

}  // namespace convoy::tools
