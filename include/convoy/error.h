// SPDX-License-Identifier: MIT
#pragma once

#include <stdexcept>
#include <string>

#include <convoy/export.h>

namespace convoy {

/// What went wrong, coarse enough for a caller to act on.
enum class ErrorKind {
    usage,        ///< an argument or option the caller gave cannot be used
    model,        ///< a .cfg, .weights or .names file is damaged or contradicts itself
    input,        ///< a video, picture or frame cannot be read
    output,       ///< a result cannot be written
    unsupported,  ///< valid, but this build or machine lacks what it needs
    device,       ///< a GPU, its driver or its memory failed
};

/// The one exception type that Convoy throws. `what()` is a sentence that names the file, line, layer or
/// frame concerned and says what to do; it needs no decoration to be shown to a person.
class CONVOY_API Error : public std::runtime_error {
public:
    Error(ErrorKind kind, const std::string& sentence) : std::runtime_error(sentence), kind_(kind) {}
    ErrorKind kind() const noexcept { return kind_; }

private:
    ErrorKind kind_;
};

}  // namespace convoy
