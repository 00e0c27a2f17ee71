// SPDX-License-Identifier: MIT
//
// Other people's names in a format's own text. Bytes that are no UTF-8 become U+FFFD in all of them.
#pragma once

#include <string>
#include <vector>

#include <convoy/frame.h>
#include "tools/analysis/text.h"

namespace convoy::tools {

using analysis::json_string;

/// As the value of an XML attribute or as an element's text. What XML has no place for becomes U+FFFD, too.
std::string xml_text(const std::string& text);

/// A time as RFC 3339 has it, in UTC: "2026-01-31T23:59:59.250Z". Seconds since 1970.
std::string utc_text(double seconds);

/// ,"wall_time":"…" of a frame that has one, else nothing.
std::string wall_time_member(const Frame& frame);

/// A model's classes as a format writes them.
class ClassTexts {
public:
    using Escape = std::string (*)(const std::string&);
    ClassTexts(const std::vector<std::string>& names, Escape escape);
    /// A class without a name is called by its number.
    std::string of(int class_id) const;
    std::size_t size() const { return names_.size(); }

private:
    std::vector<std::string> names_;
    Escape escape_;
};

}  // namespace convoy::tools
