// SPDX-License-Identifier: MIT
#include "tools/sinks/formats/text.h"

#include <fmt/chrono.h>

#include <cmath>
#include <ctime>
#include <string_view>

namespace convoy::tools {
namespace {

constexpr const char* kReplacement = "\xef\xbf\xbd";  // U+FFFD

}  // namespace

std::string xml_text(const std::string& text) {
    std::string xml;
    for (const char c : analysis::as_utf8(text)) {
        const auto code = static_cast<unsigned char>(c);
        if (c == '&')
            xml += "&amp;";
        else if (c == '<')
            xml += "&lt;";
        else if (c == '>')
            xml += "&gt;";
        else if (c == '"')
            xml += "&quot;";
        else if (c == '\t' || c == '\n' || c == '\r')  // plain ones in attributes are read as blanks
            xml += c == '\t' ? "&#9;" : c == '\n' ? "&#10;" : "&#13;";
        else if (code < ' ')
            xml += kReplacement;
        else
            xml += c;
    }
    for (const std::string_view none : {"\xef\xbf\xbe", "\xef\xbf\xbf"})  // U+FFFE, U+FFFF
        for (std::size_t at = 0; (at = xml.find(none, at)) != xml.npos;) xml.replace(at, none.size(), kReplacement);
    return xml;
}

std::string utc_text(double seconds) {
    const double whole = std::floor(seconds);
    return fmt::format("{:%FT%T}.{:03}Z", fmt::gmtime(std::time_t(whole)), int((seconds - whole) * 1000));
}

std::string wall_time_member(const Frame& frame) {
    if (!std::isfinite(frame.wall_time_s)) return "";
    return fmt::format(",\"wall_time\":\"{}\"", utc_text(frame.wall_time_s));
}

ClassTexts::ClassTexts(const std::vector<std::string>& names, Escape escape) : escape_(escape) {
    for (const std::string& name : names) names_.push_back(escape(name));
}

std::string ClassTexts::of(int class_id) const {
    const auto id = static_cast<std::size_t>(class_id);
    return id < names_.size() ? names_[id] : escape_(std::to_string(class_id));
}

}  // namespace convoy::tools
