// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include <convoy/media/give_up.h>

namespace convoy::tools {

/// Where finished pictures wait for their names: a folder beside `first`, the first of the files that will come out of
/// it; gone with the object.
class HiddenFolder {
public:
    /// Throws Error(output).
    explicit HiddenFolder(const std::string& first);
    ~HiddenFolder();
    HiddenFolder(const HiddenFolder&) = delete;
    HiddenFolder& operator=(const HiddenFolder&) = delete;

    std::string file(std::int64_t number) const;
    /// Calls `write`, which writes `path` in here. An Error of it calls that as people know it.
    static void write(const std::string& path, const std::string& known_as, const std::function<void()>& write);

private:
    std::string path_;
    int kept_ = -1;  // for others to see that its process lives
};

/// Gives a finished file its name, by the rules of media::OutputFile: links are followed, devices written. The wait for
/// whoever reads a pipe can be given up. Throws Error(output).
void place_file(const std::string& from, const std::string& to, const media::GiveUp& give_up);

}  // namespace convoy::tools
