// SPDX-License-Identifier: MIT
#include "tools/trace_file.h"

#include <fmt/format.h>

#include <map>
#include <utility>

#include "tools/sinks/formats/text.h"

namespace convoy::tools {

// Written by hand: a long trace has a million events.
std::string chrome_trace(const std::vector<TraceSpan>& spans) {
    std::map<std::string, int> groups;
    std::map<std::pair<std::string, std::string>, int> tracks;
    for (const TraceSpan& span : spans) {
        groups.emplace(span.group, 0);
        tracks.emplace(std::pair(span.group, span.track), 0);
    }
    fmt::memory_buffer out;
    const auto put = fmt::appender(out);
    fmt::format_to(put, "{{\"traceEvents\":[\n");
    int number = 0;
    for (auto& [group, pid] : groups) {
        pid = ++number;
        fmt::format_to(put, R"({{"ph":"M","name":"process_name","pid":{},"args":{{"name":{}}}}},)", pid,
                       json_string(group));
        fmt::format_to(put, "\n");
    }
    number = 0;
    for (auto& [track, tid] : tracks) {
        tid = ++number;
        fmt::format_to(put, R"({{"ph":"M","name":"thread_name","pid":{},"tid":{},"args":{{"name":{}}}}},)",
                       groups.at(track.first), tid, json_string(track.second));
        fmt::format_to(put, "\n");
    }
    for (const TraceSpan& span : spans)
        fmt::format_to(put,
                       R"({{"ph":"X","name":{},"pid":{},"tid":{},"ts":{:.3f},"dur":{:.3f}}},)"
                       "\n",
                       json_string(span.name), groups.at(span.group), tracks.at({span.group, span.track}),
                       span.start_us, span.duration_us);
    fmt::format_to(put, R"({{"ph":"M","name":"end","pid":0}}]}})"
                        "\n");
    return fmt::to_string(out);
}

}  // namespace convoy::tools
