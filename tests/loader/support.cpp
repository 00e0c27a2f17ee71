// SPDX-License-Identifier: MIT
#include "tests/loader/support.h"

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "darknet_loader/weights_layout.h"

namespace fs = std::filesystem;

namespace convoy::test {

TemporaryFolder::TemporaryFolder() {
    std::string pattern = (fs::temp_directory_path() / "convoy-test-XXXXXX").string();
    if (!::mkdtemp(pattern.data())) throw std::runtime_error("cannot make a temporary folder");
    path_ = pattern;
}

TemporaryFolder::~TemporaryFolder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
}

std::string TemporaryFolder::write(const std::string& name, std::string_view bytes) const {
    const std::string path = *this / name;
    std::ofstream(path, std::ios::binary).write(bytes.data(), std::streamsize(bytes.size()));
    return path;
}

std::vector<std::string> TemporaryFolder::files() const {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(path_)) names.push_back(entry.path().filename().string());
    return names;
}

std::optional<Error> error_of(const std::function<void()>& action) {
    try {
        action();
    } catch (const Error& error) {
        return error;
    }
    return std::nullopt;
}

std::string cfg_error(std::string_view cfg, ErrorKind kind) {
    const auto error = error_of([&] { parse_network(cfg, "net.cfg"); });
    if (!error) return "no error";
    if (error->kind() != kind) return std::string("another kind of error: ") + error->what();
    return error->what();
}

std::string read_file(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

std::vector<float> all_weights(const Network& network) {
    std::vector<float> out;
    for (const Layer& layer : network.layers)
        for_each_weight(layer, [&](const WeightView& view, std::size_t count) {
            REQUIRE(view.count == count);
            out.insert(out.end(), view.begin(), view.end());
        });
    return out;
}

}  // namespace convoy::test
