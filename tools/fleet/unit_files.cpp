// SPDX-License-Identifier: MIT
#include "tools/fleet/unit_files.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <system_error>
#include <utility>

#include <convoy/media/input.h>
#include "tools/analysis/text.h"
#include "tools/fleet/claims.h"
#include "tools/media/files.h"

namespace fs = std::filesystem;

namespace convoy::fleet {
namespace {

constexpr std::pair<const char*, const char*> kDeciding[] = {
    {"key", "the input is another one"}, {"input", "the input has another name"},
    {"part", "it is another part"},      {"start", "it is another part"},
    {"stop", "it is another part"},      {"model", "the model is another one"},
    {"options", "options have changed"}, {"version", "it was made by another version"},
};

}  // namespace

UnitFiles::UnitFiles(const std::string& records_file) : records(records_file) {
    const fs::path path = records_file, folder = path.parent_path();
    const std::string stem = path.stem().string();
    done = (folder / (stem + ".done")).string();
    failed = (folder / (stem + ".failed")).string();
    partial = (folder / ("." + path.filename().string() + ".partial")).string();
    state = (folder / ("." + stem + ".state")).string();
}

nlohmann::json read_json(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    if (!file) return {};
    nlohmann::json object =
        nlohmann::json::parse(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>(), nullptr, false);
    return object.is_object() ? object : nlohmann::json();
}

void write_json(const std::string& path, const nlohmann::json& object) {
    const fs::path file = path;
    const std::string fresh =
        (file.parent_path() / fmt::format(".{}.{}", file.filename().string(), process_word())).string();
    const std::string text = object.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
    const int fd = ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    int code = fd < 0 ? errno : 0;
    for (std::size_t at = 0; code == 0 && at < text.size();) {
        const ssize_t size = ::write(fd, text.data() + at, text.size() - at);
        if (size < 0 && errno != EINTR) code = errno;
        if (size > 0) at += std::size_t(size);
    }
    if (code == 0 && ::fdatasync(fd) != 0) code = errno;
    if (fd >= 0 && ::close(fd) != 0 && code == 0) code = errno;
    if (code == 0 && std::rename(fresh.c_str(), path.c_str()) != 0) code = errno;
    if (code == 0) return;
    ::unlink(fresh.c_str());
    media::throw_output(path, media::system_message(code));
}

std::string difference(const nlohmann::json& record, const nlohmann::json& deciding) {
    for (const auto& [name, sentence] : kDeciding)
        if (!record.is_object() || record.value(name, nlohmann::json()) != deciding.value(name, nlohmann::json()))
            return sentence;
    return "";
}

std::optional<double> time_of_s(const std::string& path) {
    struct stat state {};
    if (::stat(path.c_str(), &state) != 0) return std::nullopt;
    return double(state.st_mtim.tv_sec) + double(state.st_mtim.tv_nsec) * 1e-9;
}

std::string name_for_people(const std::string& input) { return analysis::as_utf8(media::without_passwords(input)); }

std::string folder_of(const std::string& path) {
    const std::string folder = fs::path(path).parent_path().string();
    return folder.empty() ? "." : folder;
}

bool is_done(const UnitFiles& files, const nlohmann::json& deciding, std::string& why) {
    const nlohmann::json record = read_json(files.done);
    std::error_code error;
    if (record.is_null()) {
        if (fs::exists(files.done, error)) why = "what says that it is done says nothing";
        return false;
    }
    why = difference(record, deciding);
    const auto bytes = fs::file_size(files.records, error);
    if (why.empty() && (error || member(record, "bytes", std::int64_t(-1)) != std::int64_t(bytes)))
        why = "its records are not those that were written";
    return why.empty();
}

}  // namespace convoy::fleet
