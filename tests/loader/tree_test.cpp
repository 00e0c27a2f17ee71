// SPDX-License-Identifier: MIT
#include <filesystem>

#include "tests/loader/same_network.h"
#include "tests/loader/support.h"
#include "tests/support/contains.h"

using namespace convoy;
using namespace convoy::test;

namespace {

constexpr const char* kCfg =
    "[net]\nwidth=32\nheight=32\nchannels=3\n"
    "[convolutional]\nfilters=10\nsize=1\nstride=1\nactivation=linear\n"
    "[region]\nanchors=1,2\nclasses=5\nnum=1\nsoftmax=1\ntree=data/five.tree\nmap=data/five.map\n";
constexpr const char* kTree = "animal -1\nthing -1\ncat 0\ndog 0\nchair 1\n";
const std::vector<int> kParents = {-1, -1, 0, 0, 1};

const RegionLayer& region_of(const Network& network) { return std::get<RegionLayer>(network.layers.at(1).kind); }

std::string load_error(const std::string& cfg) {
    const auto error = error_of([&] { load_network(cfg); });
    if (!error) return "no error";
    return error->kind() == ErrorKind::model ? error->what() : std::string("another kind: ") + error->what();
}

}  // namespace

TEST_CASE("a tree of classes is found where the cfg says, beside it, or under its name", "[tree]") {
    for (const char* place : {"cfg/data/five.tree", "data/five.tree", "cfg/five.tree", "cfg/net.tree"}) {
        const TemporaryFolder folder;
        std::filesystem::create_directories(folder / "cfg/data");
        std::filesystem::create_directories(folder / "data");
        const std::string cfg = folder.write("cfg/net.cfg", kCfg);
        const std::string missing = load_error(cfg);
        INFO(place << ": " << missing);
        CHECK(contains(missing, "net.cfg:15: [region] (layer 1) key 'tree' names the file 'data/five.tree'"));
        folder.write(place, kTree);
        const Network network = load_network(cfg);
        CHECK(region_of(network).parents == kParents);
        CHECK(network.warnings.empty());
    }
    CHECK(region_of(parse_network(kCfg, "net.cfg")).parents.empty());
}

TEST_CASE("a tree of classes that is none says where", "[tree]") {
    const TemporaryFolder folder;
    const std::string cfg = folder.write("net.cfg", kCfg);
    const auto error = [&](const std::string& tree) {
        folder.write("net.tree", tree);
        return load_error(cfg);
    };
    CHECK(error(std::string(kTree) + "\r\n\n") == "no error");
    CHECK(error(std::string(kTree) + "\x1a") == "no error");
    CHECK(error("a\t-1 \r\nb -1\r\nc 0\r\nd 0\r\ne 1\r\n") == "no error");
    CHECK(contains(error("animal -1\n"), "net.cfg:15: [region] (layer 1) key 'tree' names a tree of 1 classes"));
    CHECK(contains(error(""), "a tree of 0 classes"));
    CHECK(contains(error(std::string(kTree) + "stool 1\n"), "a tree of 6 classes"));
    for (const char* line : {"animal", "animal x", "animal 1x", "animal -2", "animal 0 0", "animal 99999999999", " "}) {
        const std::string text = error("animal -1\n" + std::string(line) + "\ncat 0\n");
        INFO(line << ": " << text);
        CHECK(contains(text, "net.tree:2: a line must have"));
    }
    CHECK(contains(error("animal 0\n"), "net.tree:1: the parent of class 0 is 0, which does not come before it"));
    CHECK(contains(error("a -1\nb 2\nc 0\n"), "net.tree:2: the parent of class 1 is 2"));
    CHECK(contains(error("a -1\nb 0\nc -1\n"), "net.tree:3: the children of -1 do not stand side by side"));
    CHECK(contains(error("a -1\nb -1\nc 0\nd 1\ne 0\n"), "net.tree:5: the children of 0"));
    CHECK(contains(error(std::string("a -1\nb\0\0\0\0", 10)),
                   "net.tree:2: there are zero bytes in the line: the file is damaged"));
}

TEST_CASE("a tree of classes is written beside the cfg, and read again", "[tree]") {
    const TemporaryFolder folder;
    folder.write("five.tree", kTree);
    Network network = load_network(folder.write("net.cfg", kCfg));
    randomize_weights(network, 1);
    write_network(network, folder / "copy.cfg", folder / "copy.weights");
    CHECK(read_file(folder / "copy.tree") == "0 -1\n1 -1\n2 0\n3 0\n4 1\n");
    CHECK(difference(network, load_network(folder / "copy.cfg", folder / "copy.weights")) == "");
}
