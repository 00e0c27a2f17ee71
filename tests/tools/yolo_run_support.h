// SPDX-License-Identifier: MIT
//
// What the tests of the command yolo-run share.
#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/tools/child.h"

namespace convoy::test {

using Arguments = std::vector<std::string>;

/// The shipped clip: 240 frames of 768×576 at 10 frames/s.
std::string clip();

/// yolo-run with the demo model, named: tests also run from build folders that have none beside them.
Finished yolo_run(const TemporaryFolder& folder, Arguments arguments, bool with_model = true);

bool contains(const std::string& text, const std::string& part);

/// The records of a JSON Lines text; throws for a line that is none.
std::vector<nlohmann::json> records_in(const std::string& text);

/// Decodes a video to its end and checks that nothing in it is damaged.
std::int64_t frames_in_video(const std::string& path);

/// Frame `index` of the clip as a picture file.
void save_frame(const std::string& path, int index);

std::size_t files_in(const std::filesystem::path& folder);

/// Checks for an exit status, one error line that contains `part`, and nothing on standard output.
void check_failure(const Finished& finished, int status, const std::string& part);

}  // namespace convoy::test
