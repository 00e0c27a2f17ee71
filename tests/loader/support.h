// SPDX-License-Identifier: MIT
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <convoy/load.h>
#include "tests/support/catch.h"
#include "tests/support/data.h"

namespace convoy::test {

/// A folder of its own under the system's temporary one, removed at the end.
class TemporaryFolder {
public:
    TemporaryFolder();
    ~TemporaryFolder();
    TemporaryFolder(const TemporaryFolder&) = delete;
    TemporaryFolder& operator=(const TemporaryFolder&) = delete;
    std::string operator/(const std::string& name) const { return path_ + "/" + name; }
    /// Writes `bytes` and returns the path.
    std::string write(const std::string& name, std::string_view bytes) const;
    std::vector<std::string> files() const;

private:
    std::string path_;
};

/// The error that `action` throws, or none.
std::optional<Error> error_of(const std::function<void()>& action);

/// The sentence that parsing `cfg` (called "net.cfg") fails with, or "no error".
std::string cfg_error(std::string_view cfg, ErrorKind kind = ErrorKind::model);

std::string read_file(const std::string& path);

/// Every weight of `network` as one sequence in file order.
std::vector<float> all_weights(const Network& network);

/// A network with a batch-normalised, a plain convolution and a head: 3 → 4 → 14 channels; see kSmallWeights.
inline constexpr const char* kSmallCfg =
    "[net]\nwidth=32\nheight=32\nchannels=3\n"
    "[convolutional]\nbatch_normalize=1\nfilters=4\nsize=3\nstride=1\npad=1\nactivation=leaky\n"
    "[convolutional]\nfilters=14\nsize=1\nstride=1\npad=1\nactivation=linear\n"
    "[yolo]\nmask=0,1\nanchors=10,14, 23,27\nclasses=2\nnum=2\n";
inline constexpr std::size_t kSmallWeights = 4 * 4 + 4 * 27 + 14 + 14 * 4;

}  // namespace convoy::test
