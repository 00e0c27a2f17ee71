// SPDX-License-Identifier: MIT
#include "tools/fleet/merge.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <limits>
#include <optional>
#include <set>

#include <convoy/error.h>
#include <convoy/media/input.h>
#include "tools/fleet/unit_files.h"
#include "tools/media/files.h"

using nlohmann::json;
namespace fs = std::filesystem;

namespace convoy::fleet {
namespace {

UnitFiles files_of(const std::string& folder, std::size_t index) {
    return UnitFiles((fs::path(folder) / (unit_name(index) + ".jsonl")).string());
}

std::string part_of(const Unit& unit) { return fmt::format("{}/{}", unit.part, unit.parts); }

std::string text_of(const json& value) { return value.is_string() ? value.get<std::string>() : value.dump(); }

std::string part_with_times(const std::string& part, double start_s, double stop_s) {
    return fmt::format("part {} ({} s to {})", part, start_s, stop_s > 0 ? fmt::format("{} s", stop_s) : "the end");
}

/// "" where the record is of that unit, as the manifest has it: yolo-run writes down what its own manifest says.
std::string why_another(const json& done, const Unit& unit) {
    std::vector<std::string> others;
    const auto compare = [&](const char* what, const std::string& there, const std::string& here) {
        if (there != here) others.push_back(fmt::format("{} {} there and {} here", what, there, here));
    };
    compare("its key is", text_of(done.value("key", json(""))), unit.key);
    compare("it is",
            part_with_times(member(done, "part", std::string()), member(done, "start", 0.), member(done, "stop", 0.)),
            part_with_times(part_of(unit), unit.start_s, unit.stop_s));
    compare("its input is", fmt::format("'{}'", member(done, "input", std::string())),
            fmt::format("'{}'", name_for_people(unit.input)));
    if (others.empty()) return "";
    return fmt::format(
        "was done by another manifest: {}; merge by that one, or do it again by this one, with yolo-run --manifest",
        fmt::join(others, ", "));
}

/// What makes results comparable.
json settings_of(const json& done) {
    return {{"model", done.value("model", json())},
            {"options", done.value("options", json::array())},
            {"version", done.value("version", json())}};
}

std::string difference_of(const json& one, const json& most) {
    if (one["model"] != most["model"]) return "the model is another one";
    if (one["version"] != most["version"])
        return fmt::format("its version is {}, and not {}", text_of(one["version"]), text_of(most["version"]));
    std::string text;
    const auto add = [&](const json& of, const json& lacks, const char* what) {
        for (const json& line : of)
            if (std::find(lacks.begin(), lacks.end(), line) == lacks.end())
                text += fmt::format("{}{} {}", text.empty() ? "" : ", ", what, text_of(line));
    };
    add(one["options"], most["options"], "with");
    add(most["options"], one["options"], "without");
    return text;
}

void add_to(DoneBy& by, std::int64_t frames, double seconds) {
    ++by.units;
    by.frames += frames;
    by.seconds += seconds;
}

void count(const json& done, std::size_t index, Survey& survey) {
    const auto frames = member(done, "frames", std::int64_t(0));
    const double seconds = member(done, "seconds", 0.);
    survey.units[index] = {true, frames, member(done, "bytes", std::int64_t(0))};
    survey.frames += frames;
    survey.damaged += member(done, "damaged", std::int64_t(0));
    survey.seconds += seconds;
    add_to(survey.by_device[{member(done, "device", std::string("?")), member(done, "kernels", std::string())}], frames,
           seconds);
    add_to(survey.by_host[member(done, "host", std::string("?"))], frames, seconds);
    if (seconds > survey.slowest_s) survey.slowest = index, survey.slowest_s = seconds;
}

/// What is needed of a record: {"input":"…","frame":N,"time_s":X,"pts_s":Y,…
struct Head {
    std::size_t frame_at = 0, frame_end = 0;
    std::int64_t frame = 0;
    double time_s = 0, pts_s = std::numeric_limits<double>::quiet_NaN();
};

std::optional<Head> head_of(std::string_view line) {
    constexpr std::string_view kInput = R"({"input":")", kFrame = R"(,"frame":)", kTime = R"(,"time_s":)",
                               kPts = R"(,"pts_s":)";
    if (!line.starts_with(kInput)) return std::nullopt;
    std::size_t at = kInput.size();
    while (at < line.size() && line[at] != '"') at += line[at] == '\\' ? 2 : 1;
    ++at;
    const auto value = [&](std::string_view name, auto& number) {
        if (at > line.size() || !line.substr(at).starts_with(name)) return false;
        at += name.size();
        const auto [end, error] = std::from_chars(line.data() + at, line.data() + line.size(), number);
        if (error != std::errc()) return false;
        at = std::size_t(end - line.data());
        return true;
    };
    Head head;
    if (!value(kFrame, head.frame)) return std::nullopt;
    head.frame_end = at;
    head.frame_at = line.rfind(':', at) + 1;
    if (!value(kTime, head.time_s)) return std::nullopt;
    value(kPts, head.pts_s);  // may be null
    return head;
}

class Merger {
public:
    Merger(const Manifest& manifest, const std::string& folder, const Survey& survey,
           const std::function<void(std::string_view)>& write)
        : manifest_(manifest), folder_(folder), survey_(survey), write_(write) {}

    void run() {
        const std::vector<Unit>& units = manifest_.units;
        for (std::size_t i = 0, end = 0; i < units.size(); i = end) {
            end = i + std::size_t(units[i].parts);
            const auto fails = [&](const Survey::Failure& f) { return f.unit >= i && f.unit < end; };
            if (std::any_of(survey_.failed.begin(), survey_.failed.end(), fails)) continue;
            if (units[i].parts == 1)
                copy(i);
            else
                join(i, end);
        }
    }

private:
    std::string path_of(std::size_t index) const { return files_of(folder_, index).records; }

    [[noreturn]] void fail(std::size_t index, const std::string& what) const {
        throw Error(ErrorKind::input, fmt::format("{}: {}", path_of(index), what));
    }

    std::ifstream open(std::size_t index) const {
        std::ifstream file(path_of(index), std::ios::binary);
        std::error_code code;
        if (!file) fail(index, "cannot be read");
        if (std::int64_t(fs::file_size(path_of(index), code)) != survey_.units[index].bytes || code)
            fail(index, "is not as long as when the unit was done; do it again");
        return file;
    }

    void copy(std::size_t index) const {
        std::ifstream file = open(index);
        std::array<char, 1 << 16> piece;
        std::int64_t copied = 0;
        for (std::streamsize n = 1; n > 0; copied += n) {
            file.read(piece.data(), piece.size());
            n = file.gcount();
            if (n > 0) write_({piece.data(), std::size_t(n)});
        }
        if (file.bad() || copied != survey_.units[index].bytes) fail(index, "could not be read to its end");
    }

    void join(std::size_t first, std::size_t end) {
        origin_s_ = last_s_ = std::numeric_limits<double>::quiet_NaN();
        std::int64_t before = 0;
        for (std::size_t i = first; i < end; ++i) {
            std::ifstream file = open(i);
            std::int64_t records = 0;
            for (std::string line; std::getline(file, line); ++records) {
                const std::optional<Head> head = head_of(line);
                if (!head || file.eof())
                    fail(i, fmt::format("line {} is no whole record; do the unit again", records + 1));
                if (head->frame != records)
                    fail(i,
                         fmt::format("frame {} is at the place of frame {}; do the unit again", head->frame, records));
                check_time(*head, i);
                line += '\n';
                line.replace(head->frame_at, head->frame_end - head->frame_at, fmt::format("{}", before + records));
                write_(line);
            }
            if (file.bad() || records != survey_.units[i].frames)
                fail(i, "has not as many records as frames were done");
            before += records;
        }
    }

    /// Whether the whole has it at the same time: it counts from its first stamp, and never steps back.
    void check_time(const Head& head, std::size_t index) {
        if (std::isnan(origin_s_)) origin_s_ = head.pts_s - head.time_s;
        last_s_ = std::fmax(last_s_, head.pts_s - origin_s_);
        if (head.time_s == last_s_) return;
        throw Error(ErrorKind::input,
                    fmt::format("{}: the time stamps of '{}' are no guide, at {} s, so the whole has other times than "
                                "its parts; do it in one: make the manifest with --part-seconds 0",
                                path_of(index), media::without_passwords(manifest_.units[index].input), head.time_s));
    }

    const Manifest& manifest_;
    const std::string& folder_;
    const Survey& survey_;
    const std::function<void(std::string_view)>& write_;
    double origin_s_ = 0, last_s_ = 0;
};

}  // namespace

std::string called(const Manifest& manifest, std::size_t unit) {
    const Unit& u = manifest.units[unit];
    return fmt::format("{} ('{}'{})", unit_name(unit), media::without_passwords(u.input),
                       u.parts > 1 ? fmt::format(", part {}", part_of(u)) : "");
}

Survey survey(const Manifest& manifest, const std::string& folder) {
    Survey survey;
    survey.units.resize(manifest.units.size());
    std::map<std::string, std::pair<std::int64_t, json>> settings;  // how many units have them
    std::vector<const json*> of_unit(manifest.units.size(), nullptr);
    for (std::size_t i = 0; i < manifest.units.size(); ++i) {
        const Unit& unit = manifest.units[i];
        const UnitFiles files = files_of(folder, i);
        const json done = read_json(files.done);
        const auto miss = [&](const std::string& why) { survey.missing.push_back(called(manifest, i) + " " + why); };
        if (done.is_null()) {
            const json failed = read_json(files.failed);
            if (!failed.is_null())
                survey.failed.push_back({i, text_of(failed.value("error", json("?")))});
            else
                miss(fs::exists(files.state) ? "was begun, and is not done" : "is not done");
        } else if (const std::string why = why_another(done, unit); !why.empty()) {
            miss(why);
        } else {
            const json used = settings_of(done);
            auto& entry = settings.emplace(used.dump(), std::pair(0, used)).first->second;
            ++entry.first;
            of_unit[i] = &entry.second;
            count(done, i, survey);
        }
    }
    if (settings.size() < 2) return survey;
    const json& most = std::max_element(settings.begin(), settings.end(), [](const auto& a, const auto& b) {
                           return a.second.first < b.second.first;
                       })->second.second;
    for (std::size_t i = 0; i < of_unit.size(); ++i)
        if (of_unit[i] && of_unit[i] != &most)
            survey.missing.push_back(called(manifest, i) +
                                     " was done with other settings than most: " + difference_of(*of_unit[i], most));
    return survey;
}

void merge_records(const Manifest& manifest, const std::string& folder, const Survey& survey,
                   const std::function<void(std::string_view)>& write) {
    Merger(manifest, folder, survey, write).run();
}

}  // namespace convoy::fleet
