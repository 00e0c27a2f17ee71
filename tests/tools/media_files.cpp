// SPDX-License-Identifier: MIT
#include "tests/tools/media_files.h"

#include <stdlib.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>

#include "tests/support/catch.h"
#include "tests/support/data.h"

extern "C" {
#include <libavutil/log.h>
}

namespace fs = std::filesystem;

namespace convoy::test {
namespace {

// Broken files are meant to be broken: libav need not tell about each.
const bool quiet = (av_log_set_level(AV_LOG_QUIET), true);

}  // namespace

TempFolder::TempFolder() {
    std::string name = (fs::temp_directory_path() / "convoy-media-XXXXXX").string();
    if (!::mkdtemp(name.data())) throw std::runtime_error("no folder for temporary files");
    path_ = name;
}

TempFolder::~TempFolder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
}

std::vector<std::string> TempFolder::names() const {
    std::vector<std::string> out;
    for (const auto& entry : fs::directory_iterator(path_)) out.push_back(entry.path().filename().string());
    std::sort(out.begin(), out.end());
    return out;
}

std::string clip() { return source_dir() + "/models/pedestrians.mp4"; }

Bytes read_bytes(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

void write_bytes(const std::string& path, const Bytes& bytes) {
    std::ofstream out(path, std::ios::binary);
    out.write(reinterpret_cast<const char*>(bytes.data()), std::streamsize(bytes.size()));
    if (!out.flush()) throw std::runtime_error("cannot write " + path);
}

Bytes output_of(const std::string& command) {
    std::FILE* pipe = ::popen((command + " 2>/dev/null").c_str(), "r");
    if (!pipe) return {};
    Bytes out;
    std::uint8_t block[1 << 16];
    while (const std::size_t n = std::fread(block, 1, sizeof block, pipe)) out.insert(out.end(), block, block + n);
    return ::pclose(pipe) == 0 ? out : Bytes{};
}

bool has_ffmpeg() { return !output_of("ffmpeg -version").empty() && !output_of("ffprobe -version").empty(); }

bool make_video(const std::string& arguments, const std::string& path) {
    std::error_code none;
    if (!output_of("{ ffmpeg -y " + arguments + " '" + path + "' && echo made; }").empty() &&
        fs::file_size(path, none) > 0)
        return true;
    fs::remove(path, none);
    WARN("skipped: ffmpeg is not installed or cannot make " << fs::path(path).filename().string());
    return false;
}

media::Image copy_of(const Frame& frame) {
    media::Image image{frame.pixels.width, frame.pixels.height, {}};
    image.rgb.resize(std::size_t(image.width) * image.height * 3);
    for (int y = 0; y < image.height; ++y)
        std::memcpy(image.row(y), frame.pixels.plane[0] + std::ptrdiff_t(y) * frame.pixels.pitch[0],
                    std::size_t(image.width) * 3);
    return image;
}

media::Image synthetic(int width, int height, int seed) {
    media::Image image{width, height, {}};
    image.rgb.resize(std::size_t(width) * height * 3);
    for (int y = 0; y < height; ++y)
        for (int x = 0; x < width; ++x)
            for (int c = 0; c < 3; ++c)
                image.row(y)[x * 3 + c] = std::uint8_t(
                    std::lround(128 + 60 * std::sin(.021 * (x + seed * 3) + c) + 50 * std::cos(.017 * y + c * seed)));
    return image;
}

double psnr(const media::Image& a, const media::Image& b) {
    double sum = 0;
    const int w = std::min(a.width, b.width), h = std::min(a.height, b.height);
    for (int y = 0; y < h; ++y)
        for (int x = 0; x < w * 3; ++x) {
            const double d = double(a.row(y)[x]) - b.row(y)[x];
            sum += d * d;
        }
    return sum == 0 ? 200 : 10 * std::log10(255. * 255. * w * h * 3 / sum);
}

Error error_of(const std::function<void()>& f) {
    try {
        f();
    } catch (const Error& error) {
        return error;
    }
    FAIL("no Error was thrown");
    return Error(ErrorKind::usage, "");
}

}  // namespace convoy::test
