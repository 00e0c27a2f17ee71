// SPDX-License-Identifier: MIT
//
// Which files a run reads and which it writes, so that none takes the place of another.
#pragma once

#include <sys/types.h>

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>

namespace convoy::media {

/// What a run reads, and what it will write. Files are told apart by device and inode, whatever name or link leads to
/// them; one that does not exist yet by its folder's and its name.
class FileClaims {
public:
    /// `what` it is, as a sentence goes on: "an input".
    void reads(const std::string& path, const std::string& what);
    /// Throws Error(usage), which names both, where this would overwrite what is read, or is another output. Pipes and
    /// devices may be written to by several.
    void writes(const std::string& path);
    /// Throws the same where one of the files STEM-000123.jpg, of any number and with this ending, would be such a
    /// file, which is in the folder already.
    void writes_numbered(const std::string& stem, std::string_view ending);

    /// Throws the same where what is read lies in a folder below this one: any file in there may be replaced.
    void writes_below(const std::string& folder) const;

private:
    using Id = std::tuple<dev_t, ino_t, std::string>;
    struct Read {
        std::string path, what;
    };

    static std::optional<Id> id_of(const std::string& path);
    void require_unread(const Id& id, const std::string& path) const;

    std::map<Id, Read> read_;
    std::map<Id, std::string> written_;
};

}  // namespace convoy::media
