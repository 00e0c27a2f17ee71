// SPDX-License-Identifier: MIT
//
// Other people's names in a format's own text. Bytes that are no UTF-8 become U+FFFD in all of them.
#pragma once

#include <string>
#include <vector>

#include "tools/analysis/text.h"

namespace convoy::tools {

using analysis::json_string;

/// As the value of an XML attribute or as an element's text. What XML has no place for becomes U+FFFD, too.
std::string xml_text(const std::string& text);

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
