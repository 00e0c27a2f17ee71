// SPDX-License-Identifier: MIT
#include "tools/fleet/record_checkpoint.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <future>
#include <iterator>
#include <limits>
#include <optional>
#include <thread>
#include <utility>

#include <convoy/error.h>
#include "tools/fleet/claims.h"
#include "tools/media/files.h"

using nlohmann::json;

namespace convoy::fleet {
namespace {

constexpr std::chrono::seconds kBetweenSyncs{5};
constexpr unsigned kMostThreads = 16;
constexpr std::size_t kWorthThread = 1000;  // records

/// Nothing for what is not the whole record of this frame.
std::optional<KeptRecord> record_of(std::string_view line, const std::string& input, std::int64_t frame) {
    const json object = json::parse(line, nullptr, false);
    if (!object.is_object() || object.value("input", json()) != input || object.value("frame", json()) != frame)
        return std::nullopt;
    try {
        KeptRecord record;
        const json& stamp = object.at("pts_s");
        record.pts_s = stamp.is_number() ? stamp.get<double>() : std::numeric_limits<double>::quiet_NaN();
        record.width = object.at("width").get<int>(), record.height = object.at("height").get<int>();
        record.undecodable = object.value("undecodable", false);
        for (const json& found : object.at("detections")) {
            const json& box = found.at("box");
            record.detections.push_back(
                {found.at("class_id").get<int>(),
                 found.at("confidence").get<float>(),
                 {box.at(0).get<float>(), box.at(1).get<float>(), box.at(2).get<float>(), box.at(3).get<float>()},
                 found.value("track", std::int64_t(0))});
        }
        return record;
    } catch (const json::exception&) {
        return std::nullopt;
    }
}

/// Those that have their end.
std::vector<std::string_view> lines_of(std::string_view text) {
    std::vector<std::string_view> lines;
    for (std::size_t at = 0, end; (end = text.find('\n', at)) != text.npos; at = end + 1)
        lines.push_back(text.substr(at, end - at));
    return lines;
}

/// Side by side, since those of some hours take half a minute.
std::vector<std::optional<KeptRecord>> records_of(const std::vector<std::string_view>& lines, const std::string& input,
                                                  std::int64_t step) {
    std::vector<std::optional<KeptRecord>> records(lines.size());
    const std::size_t most = std::clamp(std::thread::hardware_concurrency(), 1u, kMostThreads);
    const std::size_t share = std::max(lines.size() / most + 1, kWorthThread);
    std::vector<std::future<void>> parts;
    for (std::size_t from = 0; from < lines.size(); from += share)
        parts.push_back(std::async(std::launch::async, [&, from] {
            for (std::size_t i = from; i < std::min(from + share, lines.size()); ++i)
                records[i] = record_of(lines[i], input, std::int64_t(i) * step);
        }));
    for (std::future<void>& part : parts) part.get();
    return records;
}

/// "" where what follows the last one can be found by its stamp.
std::string why_no_guide(const std::vector<KeptRecord>& records) {
    if (records.back().undecodable) return "it has not come to its first keyframe";
    for (const KeptRecord& record : records)
        if (std::isnan(record.pts_s)) return "frames have no time stamps";
    for (const KeptRecord& record : records)
        if (&record != &records.back() && record.pts_s >= records.back().pts_s) return "time stamps step back";
    return "";
}

}  // namespace

KeptRecords read_kept(const UnitFiles& files, const json& deciding, const std::string& input, std::int64_t step) {
    KeptRecords kept;
    std::ifstream file(files.partial, std::ios::binary);
    if (!file) return kept;
    kept.why_anew = difference(read_json(files.state), deciding);
    if (!kept.why_anew.empty()) return kept;
    kept.text.assign(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
    std::size_t whole = 0;
    for (std::optional<KeptRecord>& record : records_of(lines_of(kept.text), input, step)) {
        if (!record) break;
        kept.records.push_back(std::move(*record));
        whole = kept.text.find('\n', whole) + 1;
    }
    kept.text.resize(whole);
    if (!kept.records.empty()) kept.why_anew = why_no_guide(kept.records);
    if (!kept.why_anew.empty()) kept.records.clear(), kept.text.clear();
    return kept;
}

Checkpoint::Checkpoint(UnitFiles files, const json& state, std::string_view kept) : files_(std::move(files)) {
    const std::string fresh = files_.partial + "." + process_word();
    ::unlink(fresh.c_str());
    if (kept.empty()) ::unlink(files_.partial.c_str());  // the state is not that of its records
    stream_ = std::make_unique<media::OutputStream>(fresh, media::GiveUp());
    fd_ = ::open(fresh.c_str(), O_RDONLY | O_CLOEXEC);
    bool good = stream_->write(kept) && fd_ >= 0 && ::fdatasync(fd_) == 0;
    if (good) write_json(files_.state, state);
    good = good && std::rename(fresh.c_str(), files_.partial.c_str()) == 0;
    if (!good) {
        const int code = errno;
        ::unlink(fresh.c_str());
        fail(stream_->reason().empty() ? media::system_message(code) : stream_->reason());
    }
    bytes_ = std::int64_t(kept.size());
    synced_ = std::chrono::steady_clock::now();
}

Checkpoint::~Checkpoint() {
    if (fd_ >= 0) ::close(fd_);
}

void Checkpoint::fail(const std::string& reason) const { media::throw_output(files_.partial, reason); }

void Checkpoint::append(std::string_view line) {
    if (!stream_->write(line)) {
        stream_->cut(bytes_);
        fail(stream_->reason());
    }
    bytes_ += std::int64_t(line.size());
    if (std::chrono::steady_clock::now() - synced_ >= kBetweenSyncs) sync();
}

void Checkpoint::sync() {
    if (::fdatasync(fd_) != 0) fail(media::system_message(errno));
    synced_ = std::chrono::steady_clock::now();
}

void Checkpoint::publish(json done) {
    sync();
    struct stat own {
    }, seen{};
    if (::fstat(fd_, &own) != 0 || ::stat(files_.partial.c_str(), &seen) != 0 || own.st_ino != seen.st_ino ||
        own.st_dev != seen.st_dev)
        fail("another run has taken it over");
    if (!stream_->close()) fail(stream_->reason());
    ::unlink(files_.done.c_str());  // which told of other records
    if (std::rename(files_.partial.c_str(), files_.records.c_str()) != 0) fail(media::system_message(errno));
    done["bytes"] = bytes_;
    write_json(files_.done, done);
    ::unlink(files_.failed.c_str());
    ::unlink(files_.state.c_str());
}

}  // namespace convoy::fleet
