// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <vector>

#include <convoy/detection.h>

namespace convoy::test {

/// Debian's package `darknet` (pjreddie's, CPU), run as a program in a folder of its own.
class DarknetProgram {
public:
    DarknetProgram();
    ~DarknetProgram();
    DarknetProgram(const DarknetProgram&) = delete;
    DarknetProgram& operator=(const DarknetProgram&) = delete;

    static bool available();
    /// The classic pictures that come with the package: dog, eagle, giraffe, horses, kite, person.
    static std::vector<std::string> classic_pictures();

    /// Four of noise, in this folder: darknet's letterbox, which it forgets for YOLOv1's boxes, does nothing to them.
    std::vector<std::string> square_pictures() const;

    /// `darknet detector valid`: letterbox, threshold .005, NMS .45; per picture, in the order in which it lists them.
    std::vector<std::vector<Detection>> valid(const std::string& cfg, const std::string& weights,
                                              const std::vector<std::string>& pictures) const;
    const std::string& folder() const { return folder_; }

private:
    std::string folder_;
};

}  // namespace convoy::test
