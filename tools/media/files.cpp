// SPDX-License-Identifier: MIT
#include "tools/media/files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <charconv>
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

/// What is secret in `address`, behind its "://", as where it begins and ends; both 0 where there is none: the
/// password, or a user without one, which may be a token. A password with a '/', a '?' or a '#' in it, which no address
/// may have, reaches to the last '@', unless it would be a port.
std::pair<std::size_t, std::size_t> password_in(std::string_view address) {
    constexpr auto npos = std::string_view::npos;
    const std::size_t end = std::min(address.find_first_of("/?#"), address.size()), colon = address.find(':');
    std::size_t sign = address.substr(0, end).rfind('@');
    if (sign != npos && (colon > sign || colon + 1 == sign)) return {0, sign};
    if (colon == npos || colon > end) return {};
    const bool is_port = address.find_first_not_of("0123456789", colon + 1) == end;
    if (sign == npos && !is_port) sign = address.rfind('@');
    return sign == npos || sign < colon ? std::pair<std::size_t, std::size_t>() : std::pair(colon + 1, sign);
}

/// Whether a word of `name` says that it is secret; words end at what is no letter, and inside camelCase.
bool is_secret(std::string_view name) {
    static constexpr std::string_view kWords[] = {
        // passwords
        "loginpas", "loginpass", "p", "pas", "pass", "passcode", "passkey", "passphrase", "passwd", "password", "pin",
        "psw", "pswd", "pw", "pwd", "userpass", "userpwd",
        // keys
        "accesskey", "apikey", "authkey", "hmac", "key", "keys", "privatekey", "secret", "secretkey", "sharedkey",
        "streamkey", "usersecret",
        // tokens
        "access", "accesstoken", "apitoken", "auth", "authentication", "authorization", "authtoken", "bearer", "code",
        "cred", "credential", "credentials", "creds", "hdnea", "hdntl", "hdnts", "jwt", "nonce", "oauth", "otp",
        "policy", "refresh", "sas", "ticket", "token", "tokens", "usertoken",
        // sessions and signatures
        "digest", "hash", "jsessionid", "md", "phpsessid", "sess", "sessid", "session", "sessionid", "sessionkey",
        "sessiontoken", "sid", "sig", "sign", "signature", "streamid"};
    const auto kind = [](char c) { return !std::isalpha(static_cast<unsigned char>(c)) ? ' ' : c >= 'a' ? 'a' : 'A'; };
    std::string word;
    for (std::size_t i = 0; i <= name.size(); ++i) {
        const char now = i < name.size() ? kind(name[i]) : ' ', before = i > 0 ? kind(name[i - 1]) : ' ';
        const bool last_capital = now == 'A' && before == 'A' && i + 1 < name.size() && kind(name[i + 1]) == 'a';
        if (now == ' ' || (now == 'A' && before == 'a') || last_capital) {
            if (std::find(std::begin(kWords), std::end(kWords), word) != std::end(kWords)) return true;
            word.clear();
        }
        if (now != ' ') word += char(std::tolower(static_cast<unsigned char>(name[i])));
    }
    return false;
}

/// `name` as its server reads it: "%73ecret" is "secret".
std::string percent_decoded(std::string_view name) {
    std::string out;
    for (std::size_t i = 0; i < name.size(); ++i) {
        unsigned value = 0;
        const char* const digits = name.data() + i + 1;
        const bool encoded =
            name[i] == '%' && i + 2 < name.size() && std::from_chars(digits, digits + 2, value, 16).ptr == digits + 2;
        out += encoded ? char(value) : name[i];
        if (encoded) i += 2;
    }
    return out;
}

/// "***" for what follows each '=' behind a name that says that it is secret.
std::string without_secrets(std::string address) {
    for (std::size_t at = address.find('='); at != std::string::npos; at = address.find('=', at + 1)) {
        const std::size_t begin = address.find_last_of("&;/?#", at) + 1;
        if (!is_secret(percent_decoded(std::string_view(address).substr(begin, at - begin)))) continue;
        const std::size_t value = address.compare(at + 1, 2, "#!") == 0 ? at + 2 : at + 1;  // SRT: streamid=#!::u=me
        const std::size_t end = std::min(address.find_first_of("&;#", value), address.size());
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
