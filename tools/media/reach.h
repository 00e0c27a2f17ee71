// SPDX-License-Identifier: MIT
//
// What libav may open on behalf of one input: playlists, scripts and descriptions of sessions name other files, and
// libav follows them wherever they lead.
#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>

#include "tools/media/av_handles.h"

namespace convoy::media {

/// Whether a file may be read as an HLS playlist, by its name; a pipe has no folder for what it names.
bool is_local_playlist(const std::string& path);

/// Holds libav to containers that have all they need inside, for which nothing else is opened. Playlists are what may
/// name others: a local one, by its name .m3u8 or .m3u, files in its folder and below; HLS and DASH over HTTP, what
/// HTTP gives.
class Reach {
public:
    /// `path`: a file, a pipe or an address; "" is a file in memory.
    explicit Reach(std::string path);

    /// Shows libav no more than a file's first bytes, before it is opened.
    void end_at(std::int64_t bytes);
    /// How libav names it.
    const std::string& location() const { return location_; }
    /// Bounds a context that is not open yet. This must outlive it.
    void bound(AVFormatContext& context);
    /// Opens what the bounded context asks for as libav does by itself; an AVERROR for what is out of reach.
    int open(AVFormatContext& context, AVIOContext** io, const char* url, int flags, AVDictionary** options);

    /// Whether a playlist has named something that is out of reach.
    bool refused() const { return refused_; }
    /// What that was and what to do, to follow the path in a sentence.
    const std::string& refusal() const { return refusal_; }
    /// Why a file that begins with these bytes is not even begun with, in the same form; empty where its kind is none
    /// of those that name others.
    std::string why_not(std::span<const std::uint8_t> head) const;
    /// The same of a regular file by its path; of all else empty.
    std::string why_not() const;

private:
    enum class Kind { file, playlist, http, other };

    bool allows(const AVFormatContext& context, const std::string& url);
    bool is_beside(const std::string& url) const;
    bool refuse(const std::string& what);

    const std::string path_;
    const Kind kind_;
    std::string location_;
    const std::string formats_;
    std::filesystem::path folder_;  // of a local playlist
    decltype(AVFormatContext::io_open) open_ = nullptr;
    int opened_ = 0, opened_itself_ = 0;
    std::atomic<bool> refused_ = false;
    std::string refusal_;
};

}  // namespace convoy::media
