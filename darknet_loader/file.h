// SPDX-License-Identifier: MIT
//
// Files as the loader needs them: read whole, mapped, and written whole or not at all.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include <convoy/error.h>

namespace convoy {

/// A regular file's bytes, read only. `storage` keeps them alive.
struct MappedFile {
    std::shared_ptr<const void> storage;
    const char* data = nullptr;
    std::size_t size = 0;
    std::string_view bytes() const { return {data, size}; }
};

/// Maps `path`, copying nothing. `what` names its role in messages: "weights file".
/// Throws Error(model) if it cannot be read, is a directory or no regular file, or is larger than `limit` bytes.
MappedFile map_file(const std::string& path, const std::string& what, std::size_t limit = ~std::size_t(0));

/// A text without the byte-order mark before it and the Ctrl-Z behind it that some editors leave.
std::string_view without_marks(std::string_view text);

/// A file that appears under its name, complete, at commit(); without commit() nothing is left behind. A link is
/// followed, and what was there before leaves its permissions.
/// Every member throws Error(output).
class AtomicFile {
public:
    explicit AtomicFile(std::string path);
    ~AtomicFile();
    AtomicFile(const AtomicFile&) = delete;
    AtomicFile& operator=(const AtomicFile&) = delete;
    void write(const void* data, std::size_t size);
    /// Closes it; what remains is the rename.
    void finish();
    void commit();

private:
    [[noreturn]] void fail(const std::string& what) const;
    std::string path_, temporary_;
    int file_ = -1;
    bool unnamed_ = false;  // until finish(), where the file system can do that: a kill leaves nothing
    bool committed_ = false;
};

}  // namespace convoy
