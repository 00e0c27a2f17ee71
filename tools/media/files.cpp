// SPDX-License-Identifier: MIT
#include "tools/media/files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <string_view>
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

namespace {

/// Where the password in `address`, behind its "://", begins and ends; both 0 where there is none. One with a '/', a
/// '?' or a '#' in it, which no address may have, reaches to the last '@', unless it would be a port.
std::pair<std::size_t, std::size_t> password_in(std::string_view address) {
    constexpr auto npos = std::string_view::npos;
    const std::size_t end = std::min(address.find_first_of("/?#"), address.size()), colon = address.find(':');
    if (colon == npos || colon > end) return {};
    std::size_t sign = address.substr(0, end).rfind('@');
    const bool is_port = address.find_first_not_of("0123456789", colon + 1) == end;
    if (sign == npos && !is_port) sign = address.rfind('@');
    return sign == npos || sign < colon ? std::pair<std::size_t, std::size_t>() : std::pair(colon + 1, sign);
}

/// "***" for what follows each '=' behind a name that says that it is secret.
std::string without_secrets(std::string address) {
    static constexpr std::string_view kSecret[] = {"pass", "pwd", "token", "secret", "key", "auth", "sig"};
    constexpr std::string_view kEnds = "&;/?#";
    for (std::size_t at = address.find('='); at != std::string::npos; at = address.find('=', at + 1)) {
        const std::size_t begin = address.find_last_of(kEnds, at) + 1;
        std::string name = address.substr(begin, at - begin);
        for (char& c : name) c = char(std::tolower(static_cast<unsigned char>(c)));
        if (std::none_of(std::begin(kSecret), std::end(kSecret),
                         [&](std::string_view word) { return name.find(word) != std::string::npos; }))
            continue;
        const std::size_t end = std::min(address.find_first_of("&;#", at), address.size());
        address.replace(at + 1, end - at - 1, "***");
    }
    return address;
}

}  // namespace

std::string without_passwords(const std::string& text) {
    // An address by itself may have blanks and quotes in its password; in a sentence these end it.
    const std::size_t scheme = text.find(":/");
    const bool is_address = scheme != std::string::npos && scheme > 0 &&
                            std::all_of(text.begin(), text.begin() + std::ptrdiff_t(scheme),
                                        [](unsigned char c) { return std::isalnum(c) || std::strchr("+-.", c); });
    const std::string_view ends = is_address ? "" : " '\"\n";
    std::string out;
    std::size_t done = 0;
    for (std::size_t at = text.find(":/"); at != std::string::npos; at = text.find(":/", done)) {
        at = std::min(text.find_first_not_of('/', at + 1), text.size());
        std::size_t end = std::min(text.find_first_of(ends, at), text.size());
        if (const std::size_t another = text.find("://", at); another < end)  // another address within this one
            end = std::min(text.find_last_of("/?&=|,;", another) + 1, end);
        if (end < at) end = at;
        std::string address = text.substr(at, end - at);
        if (const auto [begin, sign] = password_in(address); sign > 0) address.replace(begin, sign - begin, "***");
        out += text.substr(done, at - done) + without_secrets(address);
        done = end;
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
    throw Error(
        kind,
        std::string("cannot write '").append(without_passwords(path)).append("': ").append(without_passwords(reason)));
}

void throw_input(const std::string& path, const std::string& what) {
    throw Error(ErrorKind::input,
                std::string("'").append(without_passwords(path)).append("' ").append(without_passwords(what)));
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
