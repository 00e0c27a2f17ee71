// SPDX-License-Identifier: MIT
//
// Input files that can be read, output files that appear whole or not at all.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <convoy/error.h>
#include <convoy/media/give_up.h>

namespace convoy::media {

/// Throws Error(input), saying what to do, unless `path` is a file that can be opened and is not empty.
void require_readable(const std::string& path);

/// Whether a path is left to libav's protocols, e.g. rtsp://camera/1.
inline bool is_url(const std::string& path) { return path.find("://") != std::string::npos; }

/// The ending of a path in lower case without its dot, "" when it has none.
std::string lower_ending(const std::string& path);

/// What a name stands for in the end: links are followed, also to what does not exist yet.
std::string followed(const std::string& path);

/// The file that a new one called `path` would take the place of: where `path` is a link, what that names. Nothing
/// where only `path` itself can be written: a device, a pipe, an open file that has no name any more (/dev/stdout).
std::optional<std::string> replaceable_file(const std::string& path);

/// A file that is written under a temporary name in the folder of `path`; commit() gives it its name, and where it
/// takes the place of an older one, that one's permissions and, where that is allowed, owner. Without commit() the
/// destructor removes it. Where there is no replaceable_file(), `path` itself is written directly instead.
class OutputFile {
public:
    /// Creates the temporary file. Throws Error(output).
    explicit OutputFile(const std::string& path);
    ~OutputFile();
    OutputFile(const OutputFile&) = delete;
    OutputFile& operator=(const OutputFile&) = delete;

    /// Where to write until commit().
    const std::string& temporary() const { return temporary_; }
    /// Whether that is `path` itself.
    bool is_direct() const { return direct_; }
    /// Takes the place of `path`. Throws Error(output). The file must be closed by then.
    void commit();
    /// Removes the temporary file, as the destructor would.
    void discard();

private:
    void keep_permissions() const;
    void close_kept();

    std::string path_, temporary_;
    bool direct_ = false, done_ = false;
    int kept_ = -1;  // the temporary file, for others to see that its process lives
};

/// Writes a whole OutputFile. Where it is a pipe, the wait for whoever reads it can be given up. Throws Error(output).
void write_file(const std::string& path, std::string_view bytes, const GiveUp& give_up = {});

/// Throws an Error: "cannot write 'path': reason".
[[noreturn]] void throw_output(const std::string& path, const std::string& reason, ErrorKind kind = ErrorKind::output);

/// Throws Error(input): "'path' what", without passwords.
[[noreturn]] void throw_input(const std::string& path, const std::string& what);

/// What the system calls an errno, e.g. "No space left on device".
std::string system_message(int code);

}  // namespace convoy::media
