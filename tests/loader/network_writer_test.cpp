// SPDX-License-Identifier: MIT
#include <sys/resource.h>

#include <csignal>
#include <filesystem>

#include "darknet_loader/file.h"
#include "tests/loader/same_network.h"
#include "tests/loader/support.h"

using namespace convoy;
using namespace convoy::test;

namespace {

std::string write_error(const Network& network, const std::string& cfg, const std::string& weights = {}) {
    const auto error = error_of([&] { write_network(network, cfg, weights); });
    if (!error) return "no error";
    return error->kind() == ErrorKind::output ? error->what() : std::string("another kind: ") + error->what();
}

}  // namespace

TEST_CASE("a network is written and read back the same", "[writer]") {
    const TemporaryFolder folder;
    for (const std::string& cfg : {read_file(every_layer_cfg()), std::string(kSmallCfg)}) {
        Network network = parse_network(cfg, "net.cfg");
        randomize_weights(network, 5);
        network.seen = 123456789012;
        write_network(network, folder / "a.cfg", folder / "a.weights");
        const Network again = load_network(folder / "a.cfg", folder / "a.weights");
        CHECK(difference(network, again) == "");
        CHECK(all_weights(network) == all_weights(again));
        CHECK(again.seen == 123456789012);
        CHECK(folder.files().size() == 2);
    }
}

TEST_CASE("every cfg at hand survives a round trip", "[writer]") {
    const TemporaryFolder folder;
    for (const std::string& path : all_cfgs()) {
        const Network network = load_network(path);
        write_network(network, folder / "a.cfg");
        INFO(path);
        CHECK(difference(network, load_network(folder / "a.cfg")) == "");
    }
}

TEST_CASE("the shipped weights are written byte for byte", "[writer]") {
    const TemporaryFolder folder;
    const std::string original = source_dir() + "/models/yolov3-quarter.weights";
    const Network network = load_network(source_dir() + "/models/yolov3-quarter.cfg", original);
    write_network(network, {}, folder / "copy.weights");
    const std::string before = read_file(original), after = read_file(folder / "copy.weights");
    REQUIRE(before.size() == after.size());
    constexpr std::size_t kRevision = 8, kSeen = 12;  // the revision may differ
    CHECK(before.substr(0, kRevision) == after.substr(0, kRevision));
    CHECK(before.substr(kSeen) == after.substr(kSeen));
}

TEST_CASE("a file has no name before it is whole, so that a kill leaves nothing", "[writer]") {
    const TemporaryFolder folder;
    {
        AtomicFile file(folder / "a");
        file.write("abc", 3);
        CHECK(folder.files().empty());
        file.finish();
        CHECK(folder.files().size() == 1);
        file.commit();
        AtomicFile dropped(folder / "b");
        dropped.write("abc", 3);
        dropped.finish();
    }
    CHECK(folder.files().size() == 1);
    CHECK(read_file(folder / "a") == "abc");
}

TEST_CASE("a file can be replaced while it is mapped", "[writer]") {
    const TemporaryFolder folder;
    Network network = parse_network(kSmallCfg, "net.cfg");
    randomize_weights(network, 1);
    const std::vector<float> weights = all_weights(network);
    write_network(network, folder / "a.cfg", folder / "a.weights");
    const Network mapped = load_network(folder / "a.cfg", folder / "a.weights");
    write_network(mapped, folder / "a.cfg", folder / "a.weights");
    CHECK(all_weights(mapped) == weights);
    CHECK(all_weights(load_network(folder / "a.cfg", folder / "a.weights")) == weights);
}

TEST_CASE("a written file keeps to the link, the permissions and the longest name", "[writer]") {
    const TemporaryFolder folder;
    Network network = parse_network(kSmallCfg, "net.cfg");
    randomize_weights(network, 5);
    const std::string name = std::string(247, 'x') + ".weights";
    std::filesystem::create_symlink(name, folder / "link");
    write_network(network, {}, folder / "link");
    CHECK(std::filesystem::is_symlink(folder / "link"));
    std::filesystem::permissions(folder / name, std::filesystem::perms(0640));
    write_network(network, {}, folder / "link");
    CHECK(std::filesystem::status(folder / name).permissions() == std::filesystem::perms(0640));
    CHECK(folder.files().size() == 2);
}

TEST_CASE("a failed write leaves nothing behind", "[writer]") {
    const TemporaryFolder folder;
    Network network = parse_network(kSmallCfg, "net.cfg");
    const auto no_weights = error_of([&] { write_network(network, folder / "a.cfg", folder / "a.weights"); });
    REQUIRE(no_weights);
    CHECK(no_weights->kind() == ErrorKind::usage);
    randomize_weights(network, 1);
    CHECK(write_error(network, folder / "no/such/a.cfg").find("no/such/a.cfg': No such file") != std::string::npos);
    CHECK(write_error(network, folder / ".").find("directory") != std::string::npos);
    CHECK(write_error(network, "/dev/full").find("not a regular file") != std::string::npos);
    CHECK(write_error(network, folder / "a.cfg", folder / "no/a.weights").find("no/a.weights'") != std::string::npos);
    CHECK(folder.files().empty());
    folder.write("a.cfg", "old");
    write_error(network, folder / "a.cfg", folder / "no/a.weights");
    CHECK(read_file(folder / "a.cfg") == "old");
    CHECK(folder.files().size() == 1);
}

TEST_CASE("a disk that fills up midway leaves nothing behind", "[writer]") {
    const TemporaryFolder folder;
    Network network = parse_network(kSmallCfg, "net.cfg");
    randomize_weights(network, 1);
    rlimit before{};
    REQUIRE(::getrlimit(RLIMIT_FSIZE, &before) == 0);
    const auto handler = std::signal(SIGXFSZ, SIG_IGN);
    const rlimit small{400, before.rlim_max};  // the cfg fits, the weights do not
    REQUIRE(::setrlimit(RLIMIT_FSIZE, &small) == 0);
    const std::string message = write_error(network, folder / "a.cfg", folder / "a.weights");
    ::setrlimit(RLIMIT_FSIZE, &before);
    std::signal(SIGXFSZ, handler);
    INFO(message);
    CHECK(message.find("cannot write '" + (folder / "a.weights") + "': File too large") == 0);
    CHECK(folder.files().empty());
}
