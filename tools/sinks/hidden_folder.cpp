// SPDX-License-Identifier: MIT
#include "tools/sinks/hidden_folder.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <system_error>
#include <utility>

#include <convoy/error.h>
#include "tools/media/files.h"
#include "tools/media/unfinished.h"

namespace fs = std::filesystem;

namespace convoy::tools {

HiddenFolder::HiddenFolder(const std::string& first) {
    const std::string begin = (fs::path(first).parent_path() / media::unfinished_prefix(first)).string();
    for (int i = 0; kept_ < 0; ++i) {
        path_ = fmt::format("{}{}-{}.part", begin, ::getpid(), i);
        if (::mkdir(path_.c_str(), 0700) != 0) {
            if (errno != EEXIST) media::throw_output(first, media::system_message(errno));
            continue;
        }
        kept_ = ::open(path_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (kept_ < 0) media::throw_output(first, media::system_message(errno));
        if (!media::keep_unfinished(kept_)) ::close(std::exchange(kept_, -1));
    }
}

HiddenFolder::~HiddenFolder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
    ::close(kept_);
}

std::string HiddenFolder::file(std::int64_t number) const { return fmt::format("{}/{:06}.jpg", path_, number); }

void HiddenFolder::write(const std::string& path, const std::string& known_as, const std::function<void()>& write) {
    try {
        write();
    } catch (const Error& error) {
        std::string sentence = error.what();
        if (const auto at = sentence.find(path); at != std::string::npos) sentence.replace(at, path.size(), known_as);
        throw Error(error.kind(), sentence);
    }
}

void place_file(const std::string& from, const std::string& to, const media::GiveUp& give_up) {
    {
        media::OutputFile output(to);
        if (!output.is_direct() && std::rename(from.c_str(), output.temporary().c_str()) == 0) return output.commit();
    }
    std::ostringstream bytes;  // a device, or it lies on another disk
    bytes << std::ifstream(from, std::ios::binary).rdbuf();
    media::write_file(to, bytes.view(), give_up);
}

}  // namespace convoy::tools
