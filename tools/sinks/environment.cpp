// SPDX-License-Identifier: MIT
#include "tools/sinks/environment.h"

#include <fmt/core.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <system_error>

#include <convoy/error.h>

namespace convoy::tools {

std::string variable(const Environment& environment, const std::string& name) {
    const char* const value = environment(name.c_str());
    return value ? value : "";
}

bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }

void check_ca_file(const std::string& option, const std::string& name, const std::string& path) {
    const auto fail = [&](const char* what) {
        throw Error(ErrorKind::usage, fmt::format("{}: {} names {}, which {}", option, name, path, what));
    };
    std::error_code none;
    if (!std::filesystem::is_regular_file(path, none) || access(path.c_str(), R_OK) != 0)
        fail("is no regular file that can be read");
    std::ifstream file(path, std::ios::binary);
    bool begun = false;
    for (std::string line; std::getline(file, line);) {
        if (line.find("CERTIFICATE-----") == line.npos) continue;
        if (begun && line.starts_with("-----END")) return;
        begun |= line.starts_with("-----BEGIN");
    }
    fail("has no certificate in it (PEM)");
}

}  // namespace convoy::tools
