// SPDX-License-Identifier: MIT
//
// Any bytes as a file that is read to its end: a picture, a video, an animation, a list.
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>

#include <convoy/error.h>
#include <convoy/media/input.h>

extern "C" {
#include <libavutil/log.h>
}

namespace {

/// A file that goes with the process.
class File {
public:
    File() {
        if (const int file = mkstemp(path_.data()); file < 0 || close(file) < 0) std::abort();
        av_log_set_level(AV_LOG_QUIET);
    }
    ~File() { std::remove(path_.c_str()); }
    const std::string& with(const std::uint8_t* data, std::size_t size) const {
        std::FILE* file = std::fopen(path_.c_str(), "wb");
        if (!file || std::fwrite(data, 1, size, file) != size || std::fclose(file) != 0) std::abort();
        return path_;
    }

private:
    std::string path_ = "/tmp/convoy-fuzz-media-XXXXXX";
};

void read_all(const std::string& path) {
    convoy::media::InputOptions options;
    options.threads = 1;
    const auto input = convoy::media::open_input(path, options);
    const auto reader = input->make_reader({});
    while (const auto segment = input->next_segment()) {
        reader->open(segment);
        while (const auto frame = reader->next())
            if (!frame->owner || frame->pixels.width <= 0 || frame->pixels.height <= 0) std::abort();
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const File file;
    try {
        read_all(file.with(data, size));
    } catch (const convoy::Error&) {  // says what is wrong with it
    }
    return 0;
}
