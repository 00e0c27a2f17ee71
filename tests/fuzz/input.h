// SPDX-License-Identifier: MIT
//
// What the targets share: the bytes of an input taken apart, a folder for what must be a file, and the end of a process
// that has found something.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

namespace convoy::fuzz {

inline void require(bool fact) {
    if (!fact) std::abort();
}

/// Takes from the front; what is missing is zeros, or shorter.
class Bytes {
public:
    Bytes(const std::uint8_t* data, std::size_t size) : rest_(data, size) {}
    unsigned number() {
        const auto one = take(1);
        return one.empty() ? 0 : one[0];
    }
    float real() {
        float value = 0;
        const auto four = take(sizeof value);
        if (!four.empty()) std::memcpy(&value, four.data(), four.size());
        return value;
    }
    std::span<const std::uint8_t> take(std::size_t size) {
        const auto taken = rest_.first(std::min(size, rest_.size()));
        rest_ = rest_.subspan(taken.size());
        return taken;
    }
    std::string text(std::size_t size) {
        const auto taken = take(size);
        return {taken.begin(), taken.end()};
    }
    /// All before the next zero, which goes as well.
    std::string text() {
        const auto end = std::find(rest_.begin(), rest_.end(), 0);
        const std::string before = text(std::size_t(end - rest_.begin()));
        number();
        return before;
    }
    std::string rest() { return text(rest_.size()); }
    bool empty() const { return rest_.empty(); }

private:
    std::span<const std::uint8_t> rest_;
};

/// A folder that goes with the process.
class Scratch {
public:
    Scratch() {
        path_ = (std::filesystem::temp_directory_path() / "convoy-fuzz-XXXXXX").string();
        require(mkdtemp(path_.data()) != nullptr);
    }
    ~Scratch() {
        std::error_code gone;
        std::filesystem::remove_all(path_, gone);
    }
    Scratch(const Scratch&) = delete;
    Scratch& operator=(const Scratch&) = delete;

    std::string path(const std::string& name) const { return path_ + "/" + name; }
    /// The path of a file of these bytes.
    std::string write(const std::string& name, std::string_view bytes) const {
        std::FILE* file = std::fopen(path(name).c_str(), "wb");
        require(file && std::fwrite(bytes.data(), 1, bytes.size(), file) == bytes.size() && std::fclose(file) == 0);
        return path(name);
    }

private:
    std::string path_;
};

}  // namespace convoy::fuzz
