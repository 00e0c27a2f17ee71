// SPDX-License-Identifier: MIT
#include "tools/fleet/claims.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <optional>
#include <random>
#include <system_error>
#include <utility>
#include <vector>

#include <convoy/error.h>
#include "tools/fleet/unit_files.h"
#include "tools/media/files.h"

namespace fs = std::filesystem;

namespace convoy::fleet {
namespace {

constexpr double kLeastTimeout_s = 1, kMostInterval_s = 5;
constexpr int kTouches = 6;  // in a timeout, so that a few may fail

class File {
public:
    explicit File(int fd) : fd_(fd) {}
    ~File() {
        if (fd_ >= 0) ::close(fd_);
    }
    File(const File&) = delete;
    File& operator=(const File&) = delete;
    operator int() const { return fd_; }  // NOLINT: as one

private:
    int fd_;
};

/// What stands in a claim, and its stamp. Over NFS only a file that was just opened is sure to be as the server has it.
struct Look {
    std::string text;
    double time_s = 0;
    bool operator==(const Look&) const = default;
};

double seconds(const timespec& time) { return double(time.tv_sec) + double(time.tv_nsec) * 1e-9; }

std::optional<Look> look_at(const std::string& path, bool touch_if = false, const std::string& own = {}) {
    const File file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
    struct stat state {};
    // Somebody else's, who lets nobody read it, or no file: it has a stamp all the same.
    if (file < 0 ? ::lstat(path.c_str(), &state) != 0 : ::fstat(file, &state) != 0) return std::nullopt;
    std::string text(4096, '\0');
    const ssize_t size = file < 0 ? 0 : ::read(file, text.data(), text.size());
    text.resize(std::size_t(std::max<ssize_t>(size, 0)));
    if (touch_if && text == own) ::futimens(file, nullptr);
    return Look{std::move(text), seconds(state.st_mtim)};
}

std::string boot() {
    std::string id;
    std::ifstream("/proc/sys/kernel/random/boot_id") >> id;
    return id;
}

/// Whole or not at all. 0, or errno.
int create(const std::string& path, const std::string& text) {
    const File file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666));
    if (file < 0) return errno;
    if (::write(file, text.data(), text.size()) == ssize_t(text.size())) return 0;
    const int code = errno ? errno : ENOSPC;
    ::unlink(path.c_str());
    return code;
}

}  // namespace

std::string host_name() {
    char name[256] = {};
    ::gethostname(name, sizeof name - 1);
    return name;
}

std::string process_word() {
    static const std::string word = fmt::format("{:x}-{:08x}", ::getpid(), std::random_device()());
    return word;
}

Claims::Claims(std::string folder, std::chrono::duration<double> timeout)
    : folder_(std::move(folder)),
      timeout_s_(timeout.count()),
      interval_(std::min(timeout.count() / kTouches, kMostInterval_s)),
      own_(nlohmann::json{{"host", host_name()}, {"pid", ::getpid()}, {"boot", boot()}, {"word", process_word()}}
               .dump() +
           "\n"),
      word_(process_word()) {
    if (!(timeout_s_ >= kLeastTimeout_s)) throw Error(ErrorKind::usage, "claims need a timeout of a second or more");
    std::error_code error;
    fs::create_directories(folder_, error);
    if (error) throw Error(ErrorKind::output, fmt::format("cannot create the folder {}: {}", folder_, error.message()));
    file_system_time_s(folder_);
    thread_ = std::jthread([this](std::stop_token stop) { touch_all(std::move(stop)); });
}

Claims::~Claims() {
    thread_.request_stop();
    thread_.join();
    std::vector<std::string> names;
    for (const auto& [name, own] : held_) names.push_back(name);
    for (const std::string& name : names) release(name);
}

std::string Claims::path_of(const std::string& name) const { return folder_ + "/" + name + ".claim"; }

double file_system_time_s(const std::string& folder) {
    static std::atomic<int> asked = 0;
    const std::string path = fmt::format("{}/.now-{}-{}", folder.empty() ? "." : folder, process_word(), asked++);
    if (const int code = create(path, "\n")) media::throw_output(path, media::system_message(code));
    const std::optional<Look> look = look_at(path);
    ::unlink(path.c_str());
    if (!look) media::throw_output(path, "it cannot be read back");
    return look->time_s;
}

/// False where there is one.
bool Claims::make(const std::string& path) {
    const std::string fresh = fmt::format("{}/.new-{}-{}", folder_, word_, made_++);
    if (const int code = create(fresh, own_)) media::throw_output(fresh, media::system_message(code));
    const int code = ::link(fresh.c_str(), path.c_str()) == 0 ? 0 : errno;
    struct stat state {};
    // Over NFS a link may have been made though the answer was lost.
    const bool made = code == 0 || (::stat(fresh.c_str(), &state) == 0 && state.st_nlink == 2);
    ::unlink(fresh.c_str());
    if (made) return true;
    if (code == EEXIST) return false;
    if (code != EPERM && code != ENOTSUP && code != ENOSYS && code != EMLINK)
        media::throw_output(path, media::system_message(code));
    const int plain = create(path, own_);  // a file system without hard links
    if (plain != 0 && plain != EEXIST) media::throw_output(path, media::system_message(plain));
    return plain == 0;
}

bool Claims::is_stale(const std::string& path) const {
    const double now_s = file_system_time_s(folder_);
    const std::optional<Look> look = look_at(path);
    return look && now_s - look->time_s > timeout_s_;
}

/// Makes a claim in the place of a stale one. One process does so at a time, or it would move away what another has
/// just made: that it is at it is a claim, too, and stale if it died there.
bool Claims::take_over(const std::string& name, std::string& from) {
    const std::string path = path_of(name);
    if (!is_stale(path)) return false;
    if (const std::optional<Holder> other = holder(name)) from = other->who;
    const std::string turn = path + ".turn", aside = fmt::format("{}/.stale-{}-{}", folder_, word_, made_++);
    if (!make(turn)) {
        if (is_stale(turn) && std::rename(turn.c_str(), aside.c_str()) == 0) ::unlink(aside.c_str());
        return false;  // until one asks again
    }
    const bool mine = is_stale(path) && std::rename(path.c_str(), aside.c_str()) == 0;
    std::remove(aside.c_str());
    const bool made = mine && make(path);
    ::unlink(turn.c_str());
    return made;
}

bool Claims::take(const std::string& name, std::string* from) {
    const std::lock_guard lock(mutex_);
    if (held_.contains(name)) return false;
    std::string stale;
    if (!make(path_of(name)) && !take_over(name, stale)) return false;
    if (from) *from = stale;
    return held_[name] = true;
}

bool Claims::is_own(const std::string& name, bool touch) const {
    const std::optional<Look> look = look_at(path_of(name), touch, own_);
    return look && look->text == own_;
}

bool Claims::holds(const std::string& name) {
    const std::lock_guard lock(mutex_);
    const auto held = held_.find(name);
    if (held == held_.end()) return false;
    return held->second = held->second && is_own(name, false);
}

void Claims::release(const std::string& name) {
    const std::lock_guard lock(mutex_);
    if (held_.erase(name) > 0 && is_own(name, false)) ::unlink(path_of(name).c_str());
}

std::optional<Claims::Holder> Claims::holder(const std::string& name) const {
    const std::optional<Look> look = look_at(path_of(name));
    if (!look) return std::nullopt;
    const auto json = nlohmann::json::parse(look->text, nullptr, false);
    if (!json.is_object()) return Holder{"somebody", look->time_s};
    return Holder{fmt::format("host {}, process {}", member(json, "host", std::string("?")), member(json, "pid", 0)),
                  look->time_s};
}

double Claims::now_s() const { return file_system_time_s(folder_); }

void Claims::touch_all(std::stop_token stop) {
    std::unique_lock lock(mutex_);
    while (!changed_.wait_for(lock, stop, interval_, [&] { return stop.stop_requested(); })) {
        // A disk that hangs must not keep others from asking what is theirs.
        std::vector<std::string> names;
        for (const auto& [name, own] : held_)
            if (own) names.push_back(name);
        lock.unlock();
        for (const std::string& name : names) is_own(name, true);
        lock.lock();
    }
}

}  // namespace convoy::fleet
