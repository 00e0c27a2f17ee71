// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <convoy/media/give_up.h>

struct AVSHA;

namespace convoy::fleet {

/// SHA-256 of what it is given piece by piece.
class Digest {
public:
    Digest();
    ~Digest();
    Digest(const Digest&) = delete;
    Digest& operator=(const Digest&) = delete;
    void add(std::string_view bytes);
    /// The first 128 bits as 32 hexadecimal digits. Nothing can be added from then on.
    std::string hex();

private:
    AVSHA* sha_;
};

/// What an input is, whatever it is called.
struct Content {
    std::int64_t bytes = 0;                     ///< 0 where an address does not tell
    std::optional<std::int64_t> mtime_ns = {};  ///< of a file
    /// By its size, and its first and last MiB (64 KiB of what an address names): another one where these differ.
    std::string key = {};
};

/// Looks at a file or at an http(s) address, by a GET of two ranges where the server knows them: whatever else its
/// query says, a presigned address has the key of the object alone. A server that drops the connection, is overloaded
/// or cannot be reached is asked again after 0.5, 1, 2 and 4 s. Throws Error(input) naming the input, without its
/// secrets; Error(input) soon, too, when given up.
Content content_of(const std::string& location, const media::GiveUp& give_up = {});

/// SHA-256 of whole files, one after the other, each with its size: of a model, say. Throws Error(input).
std::string digest_of_files(std::span<const std::string> paths);

}  // namespace convoy::fleet
