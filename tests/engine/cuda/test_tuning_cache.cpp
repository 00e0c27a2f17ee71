// SPDX-License-Identifier: MIT
#include "engine/cuda/tuning_cache.h"

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "tests/support/catch.h"

using namespace convoy;
namespace fs = std::filesystem;

namespace {

struct Folder {
    Folder() : path(fs::temp_directory_path() / ("convoy-cache-" + std::to_string(getpid()))) { fs::remove_all(path); }
    ~Folder() { fs::remove_all(path); }
    fs::path only_file() const { return fs::directory_iterator(path)->path(); }
    fs::path path;
};

std::string read(const fs::path& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

void fill(const Folder& folder, const std::string& key) {
    TuningCache cache(folder.path.string(), key);
    cache.put("fp16_n1_x13", {"igemm_64", 12.5f});
    cache.put("fp16_n2_x13", {"cudnn_0", 25.f});
    CHECK(cache.save().empty());
}

}  // namespace

TEST_CASE("a choice is remembered for its key alone", "[tuning]") {
    const Folder folder;
    fill(folder, "H200, driver 13.0");
    TuningCache again(folder.path.string(), "H200, driver 13.0");
    REQUIRE(again.find("fp16_n1_x13"));
    CHECK(again.find("fp16_n1_x13")->row == "igemm_64");
    CHECK(again.find("fp16_n1_x13")->us == 12.5f);
    CHECK_FALSE(again.find("fp16_n3_x13"));
    CHECK_FALSE(TuningCache(folder.path.string(), "H200, driver 13.1").find("fp16_n1_x13"));
}

TEST_CASE("plans are kept for their problem, row and key, and what is damaged counts for nothing", "[tuning]") {
    const Folder folder;
    const std::string plan("{\n\0\xff}", 5);
    const TuningCache cache(folder.path.string(), "one");
    CHECK_FALSE(cache.has_plan("fp16_n1", "cudnn_0"));
    CHECK(cache.find_plan("fp16_n1", "cudnn_0").empty());
    REQUIRE(cache.keep_plan("fp16_n1", "cudnn_0", "another") == "");
    REQUIRE(cache.keep_plan("fp16_n1", "cudnn_0", plan) == "");
    TuningCache again(folder.path.string(), "one");
    CHECK(again.has_plan("fp16_n1", "cudnn_0"));
    CHECK(again.find_plan("fp16_n1", "cudnn_0") == plan);
    CHECK(again.find_plan("fp16_n1", "cudnn_1").empty());
    CHECK(again.find_plan("fp16_n2", "cudnn_0").empty());
    CHECK(TuningCache(folder.path.string(), "two").find_plan("fp16_n1", "cudnn_0").empty());
    const std::string whole = read(folder.only_file());
    for (std::size_t i = 0; i < whole.size(); ++i) {
        std::string damaged = whole;
        damaged[i] = char(damaged[i] ^ 4);
        std::ofstream(folder.only_file(), std::ios::binary) << damaged;
        CHECK(again.find_plan("fp16_n1", "cudnn_0").empty());
        std::ofstream(folder.only_file(), std::ios::binary) << whole.substr(0, i);
        CHECK(again.find_plan("fp16_n1", "cudnn_0").empty());
    }
    std::ofstream(folder.only_file(), std::ios::binary) << whole;
    again.forget();
    CHECK_FALSE(again.has_plan("fp16_n1", "cudnn_0"));
    CHECK(again.find_plan("fp16_n1", "cudnn_0").empty());
    CHECK(TuningCache("", "one").keep_plan("fp16_n1", "cudnn_0", plan).empty());
    CHECK(TuningCache("/proc/none", "one").keep_plan("fp16_n1", "cudnn_0", plan).find("could not be written") !=
          std::string::npos);
}

TEST_CASE("what is forgotten stays on disk until something takes its place", "[tuning]") {
    const Folder folder;
    fill(folder, "one");
    TuningCache cache(folder.path.string(), "one");
    cache.forget();
    CHECK_FALSE(cache.find("fp16_n1_x13"));
    CHECK(cache.save().empty());
    CHECK(TuningCache(folder.path.string(), "one").find("fp16_n1_x13"));
    cache.put("fp16_n3_x13", {"igemm_64", 1.f});
    CHECK(cache.save().empty());
    CHECK_FALSE(TuningCache(folder.path.string(), "one").find("fp16_n1_x13"));
}

TEST_CASE("a key that another one's file name stands for is not trusted", "[tuning]") {
    const Folder folder;
    fill(folder, "one");
    const fs::path file = folder.only_file();
    std::string text = read(file);
    text.replace(text.find("one"), 3, "two");
    std::ofstream(file) << text;
    CHECK_FALSE(TuningCache(folder.path.string(), "one").find("fp16_n1_x13"));
}

TEST_CASE("a cache that is damaged anywhere counts for nothing", "[tuning]") {
    const Folder folder;
    fill(folder, "key");
    const fs::path file = folder.only_file();
    const std::string whole = read(file);
    for (std::size_t i = 0; i < whole.size(); ++i) {
        std::string damaged = whole;
        damaged[i] = char(damaged[i] ^ 1);
        std::ofstream(file, std::ios::binary) << damaged;
        INFO("byte " << i);
        CHECK_FALSE(TuningCache(folder.path.string(), "key").find("fp16_n1_x13"));
        std::ofstream(file, std::ios::binary) << whole.substr(0, i);
        CHECK_FALSE(TuningCache(folder.path.string(), "key").find("fp16_n1_x13"));
    }
    std::ofstream(file, std::ios::binary) << whole;
    CHECK(TuningCache(folder.path.string(), "key").find("fp16_n1_x13"));
}

TEST_CASE("without a folder nothing is kept, and one that cannot be written says so", "[tuning]") {
    TuningCache nowhere("", "key");
    nowhere.put("a", {"b", 1});
    CHECK(nowhere.save().empty());
    TuningCache blocked("/dev/null/cache", "key");
    blocked.put("a", {"b", 1});
    CHECK(blocked.save().find("/dev/null/cache") != std::string::npos);
}

TEST_CASE("what another program adds meanwhile stays, unless all is forgotten", "[tuning]") {
    const Folder folder;
    TuningCache first(folder.path.string(), "key"), second(folder.path.string(), "key");
    first.put("a", {"row", 1});
    second.put("b", {"row", 2});
    CHECK(first.save().empty());
    CHECK(second.save().empty());
    TuningCache both(folder.path.string(), "key");
    CHECK_FALSE(both.used());
    CHECK(both.find("a"));
    CHECK(both.find("b"));
    CHECK(both.used());
    both.forget();
    CHECK_FALSE(both.find("a"));
    both.put("c", {"row", 3});
    CHECK(both.save().empty());
    TuningCache last(folder.path.string(), "key");
    CHECK_FALSE(last.find("a"));
    CHECK(last.find("c"));
}
