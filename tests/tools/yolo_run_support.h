// SPDX-License-Identifier: MIT
//
// What the tests of the command yolo-run share.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/support/contains.h"
#include "tests/tools/child.h"

namespace convoy::test {

using Arguments = std::vector<std::string>;

/// The shipped clip: 240 frames of 768×576 at 10 frames/s.
std::string clip();

/// yolo-run with the demo model, named: tests also run from build folders that have none beside them.
Finished yolo_run(const TemporaryFolder& folder, Arguments arguments, bool with_model = true);

/// … for arguments, with a small input of the network.
Arguments with_small_model(Arguments arguments);

/// The records of a JSON Lines text; throws for a line that is none.
std::vector<nlohmann::json> records_in(const std::string& text);

/// Decodes a video to its end and checks that nothing in it is damaged.
std::int64_t frames_in_video(const std::string& path);

/// Frame `index` of the clip as a picture file.
void save_frame(const std::string& path, int index);

/// A named pipe at a path.
std::string make_fifo(const std::string& path);

/// Returns when `done` says so, and after a minute.
void wait_until(const std::function<bool()>& done);

std::size_t files_in(const std::filesystem::path& folder);

/// Checks for an exit status, one error line that contains `part`, and nothing on standard output.
void check_failure(const Finished& finished, int status, const std::string& part);

}  // namespace convoy::test
