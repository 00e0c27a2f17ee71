// SPDX-License-Identifier: MIT
#include "tools/media/files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <system_error>
#include <utility>

#include <convoy/media/input.h>
#include "tools/media/byte_stream.h"
#include "tools/media/unfinished.h"

namespace fs = std::filesystem;

namespace convoy::media {

void require_readable(const std::string& path) {
    const auto fail = [&](const std::string& what) { throw_input(path, what); };
    std::error_code code;
    const fs::file_status status = fs::status(path, code);
    if (status.type() == fs::file_type::not_found) fail("does not exist; check the path");
    if (code) fail("cannot be read: " + code.message());
    if (fs::is_directory(status)) fail("is a folder; name a video or picture inside it");
    if (::access(path.c_str(), R_OK) != 0) fail("cannot be read: " + system_message(errno));
    if (fs::is_regular_file(status) && fs::file_size(path, code) == 0 && !code)
        fail("is empty (0 bytes); copy or record it again");
}

std::string without_passwords(const std::string& text) {
    std::string out;
    std::size_t done = 0;
    for (std::size_t at = text.find("://"); at != std::string::npos; at = text.find("://", at)) {
        at += 3;
        const std::size_t end = std::min(text.find_first_of("/?#\n", at), text.size());
        const std::size_t sign = text.substr(0, end).rfind('@'), colon = text.find(':', at);
        if (sign == std::string::npos || sign < at || colon > sign) continue;
        out += text.substr(done, colon + 1 - done) + "***";
        done = sign;
    }
    return out + text.substr(done);
}

std::string lower_ending(const std::string& path) {
    std::string ending = fs::path(path).extension().string();
    if (!ending.empty()) ending.erase(0, 1);
    for (char& c : ending)
        if (c >= 'A' && c <= 'Z') c = char(c - 'A' + 'a');
    return ending;
}

void throw_output(const std::string& path, const std::string& reason, ErrorKind kind) {
    throw Error(kind, "cannot write '" + path + "': " + reason);
}

void throw_input(const std::string& path, const std::string& what) {
    throw Error(ErrorKind::input, without_passwords("'" + path + "' " + what));
}

std::string system_message(int code) { return std::generic_category().message(code); }

std::string followed(const std::string& path) {
    constexpr int kMostLinks = 40;  // Linux's own limit
    std::error_code code;
    fs::path named = path;
    for (int i = 0; i < kMostLinks && fs::is_symlink(fs::symlink_status(named, code)); ++i)
        named = named.parent_path() / fs::read_symlink(named, code);
    return named.string();
}

std::optional<std::string> replaceable_file(const std::string& path) {
    std::error_code code;
    const fs::file_status status = fs::status(path, code);
    if (!fs::exists(status)) return followed(path);
    if (!fs::is_regular_file(status)) return std::nullopt;
    if (!fs::is_symlink(path, code)) return path;
    const std::string named = fs::canonical(path, code).string();
    return code ? std::nullopt : std::optional(named);
}

OutputFile::OutputFile(const std::string& path) : path_(path) {
    std::error_code code;
    if (fs::is_directory(path, code)) throw_output(path, "it is a folder; name a file");
    const std::optional<std::string> replaced = replaceable_file(path);
    direct_ = !replaced;
    path_ = temporary_ = replaced.value_or(path);
    if (direct_) return;
    const fs::path folder = fs::path(path_).parent_path();
    const mode_t mode = fs::exists(path_, code) ? 0600 : 0666;  // nobody sees more of it than of the one that is there
    const std::string prefix = unfinished_prefix(path_);
    for (int i = 0; i < 1000; ++i) {
        temporary_ = (folder / (prefix + std::to_string(::getpid()) + "-" + std::to_string(i) + ".part")).string();
        const int fd = ::open(temporary_.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, mode);
        if (fd >= 0 && keep_unfinished(fd)) {
            kept_ = fd;
            return;
        }
        if (fd >= 0) {
            ::close(fd);
            continue;
        }
        if (errno == ENOENT) throw_output(path, "its folder does not exist; create it first");
        if (errno != EEXIST) throw_output(path, system_message(errno));
    }
    throw_output(path, "too many unfinished files beside it; remove '" + temporary_ + "' and its like");
}

OutputFile::~OutputFile() { discard(); }

void OutputFile::discard() {
    if (!done_ && !direct_) ::unlink(temporary_.c_str());
    close_kept();
}

void OutputFile::close_kept() {
    if (kept_ >= 0) ::close(std::exchange(kept_, -1));
    done_ = true;
}

/// Of what it takes the place of; as far as we may.
void OutputFile::keep_permissions() const {
    struct stat old {};
    if (::stat(path_.c_str(), &old) != 0) return;
    const bool group = ::chown(temporary_.c_str(), uid_t(-1), old.st_gid) == 0;
    const bool owner = ::chown(temporary_.c_str(), old.st_uid, gid_t(-1)) == 0;
    ::chmod(temporary_.c_str(), old.st_mode & (owner && group ? 07777 : 0777));
}

void OutputFile::commit() {
    if (!direct_) keep_permissions();
    if (!direct_ && std::rename(temporary_.c_str(), path_.c_str()) != 0) throw_output(path_, system_message(errno));
    close_kept();
}

void write_file(const std::string& path, std::string_view bytes, const GiveUp& give_up) {
    OutputFile file(path);
    OutputStream stream(file.temporary(), give_up);
    if (!stream.write(bytes) || !stream.close()) throw_output(path, stream.reason());
    file.commit();
}

}  // namespace convoy::media
