// SPDX-License-Identifier: MIT
#include "engine/cuda/tuning_cache.h"

#include <unistd.h>

#include <atomic>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace fs = std::filesystem;

namespace convoy {
namespace {

constexpr const char* kMagic = "convoy tuning cache 1";
constexpr const char* kPlanMagic = "convoy plan 1";

std::string body_of(const std::map<std::string, TuningCache::Entry>& entries) {
    std::ostringstream out;
    for (const auto& [problem, entry] : entries) out << problem << '\t' << entry.row << '\t' << entry.us << '\n';
    return out.str();
}

// Through a file of another name, so that no reader sees half of it.
std::string write(const std::string& path, const std::string& what, const std::string& text) {
    std::error_code error;
    fs::create_directories(fs::path(path).parent_path(), error);
    static std::atomic<int> files{0};  // two engines of one process may write at once
    const std::string temporary = path + "." + std::to_string(getpid()) + "." + std::to_string(files++);
    {
        std::ofstream out(temporary, std::ios::binary);
        out << text;
        if (!out.flush()) error = std::make_error_code(std::errc::io_error);
    }
    if (!error) fs::rename(temporary, path, error);
    if (!error) return {};
    std::error_code ignored;
    fs::remove(temporary, ignored);
    return what + ' ' + path + " could not be written: " + error.message();
}

}  // namespace

std::string hash_text(const std::string& text) {
    std::uint64_t hash = 1469598103934665603u;  // FNV-1a
    for (unsigned char c : text) hash = (hash ^ c) * 1099511628211u;
    char out[17];
    std::snprintf(out, sizeof out, "%016llx", static_cast<unsigned long long>(hash));
    return out;
}

TuningCache::TuningCache(const std::string& folder, const std::string& key)
    : path_(folder.empty() ? "" : (fs::path(folder) / (hash_text(key) + ".tuning")).string()), key_(key) {
    if (!path_.empty()) entries_ = load();
}

// Magic, key, checksum of the rest, then a line per problem: anything out of order, and the file counts for nothing.
std::map<std::string, TuningCache::Entry> TuningCache::load() const {
    std::ifstream in(path_);
    std::string magic, key, checksum;
    if (!std::getline(in, magic) || !std::getline(in, key) || !std::getline(in, checksum)) return {};
    if (magic != kMagic || key != key_) return {};
    const std::string body((std::istreambuf_iterator<char>(in)), {});
    if (hash_text(body) != checksum) return {};
    std::istringstream lines(body);
    std::map<std::string, Entry> found;
    for (std::string line; std::getline(lines, line);) {
        std::istringstream fields(line);
        std::string problem;
        Entry entry;
        if (!std::getline(fields, problem, '\t') || !std::getline(fields, entry.row, '\t') || !(fields >> entry.us) ||
            !std::isfinite(entry.us))
            return {};
        found[problem] = entry;
    }
    return found;
}

const TuningCache::Entry* TuningCache::find(const std::string& problem) {
    const auto it = entries_.find(problem);
    if (it == entries_.end()) return nullptr;
    used_ = true;
    return &it->second;
}

void TuningCache::forget() {
    entries_.clear();
    used_ = merge_ = false;
}

void TuningCache::put(const std::string& problem, Entry entry) {
    entries_[problem] = std::move(entry);
    changed_ = true;
}

std::string TuningCache::save() const {
    if (path_.empty() || !changed_) return {};
    // What another program has added meanwhile stays.
    std::map<std::string, Entry> all = entries_;
    if (merge_) all.merge(load());
    const std::string body = body_of(all);
    return write(path_, "the tuning cache", std::string(kMagic) + '\n' + key_ + '\n' + hash_text(body) + '\n' + body);
}

std::string TuningCache::plan_path(const std::string& problem, const std::string& row) const {
    return fs::path(path_).replace_extension().string() + '-' + hash_text(problem + ' ' + row) + ".plan";
}

bool TuningCache::has_plan(const std::string& problem, const std::string& row) const {
    std::error_code ignored;
    return merge_ && !path_.empty() && fs::exists(plan_path(problem, row), ignored);
}

// As the cache itself: magic, key, what it is of, checksum of the rest.
std::string TuningCache::find_plan(const std::string& problem, const std::string& row) const {
    if (!merge_ || path_.empty()) return {};
    std::ifstream in(plan_path(problem, row), std::ios::binary);
    std::string magic, key, name, checksum;
    if (!std::getline(in, magic) || !std::getline(in, key) || !std::getline(in, name) || !std::getline(in, checksum))
        return {};
    if (magic != kPlanMagic || key != key_ || name != problem + ' ' + row) return {};
    std::string plan((std::istreambuf_iterator<char>(in)), {});
    return hash_text(plan) == checksum ? plan : "";
}

std::string TuningCache::keep_plan(const std::string& problem, const std::string& row, const std::string& plan) const {
    if (path_.empty()) return {};
    return write(
        plan_path(problem, row), "the kernel's plan",
        std::string(kPlanMagic) + '\n' + key_ + '\n' + problem + ' ' + row + '\n' + hash_text(plan) + '\n' + plan);
}

}  // namespace convoy
