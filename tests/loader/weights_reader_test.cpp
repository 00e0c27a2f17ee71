// SPDX-License-Identifier: MIT
#include "darknet_loader/weights_reader.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cstring>
#include <numeric>

#include "tests/loader/support.h"

using namespace convoy;
using namespace convoy::test;

namespace {

template <class T>
std::string raw(T value) {
    std::string out(sizeof value, '\0');
    std::memcpy(out.data(), &value, sizeof value);
    return out;
}

std::string header(std::int32_t major, std::int32_t minor, const std::string& seen) {
    return raw(major) + raw(minor) + raw(std::int32_t(0)) + seen;
}

const std::string kHeader = header(0, 2, raw(std::uint64_t(32013312)));

/// Floats 0, 1, 2 … as the body of a weights file.
std::string body(std::size_t count) {
    std::vector<float> floats(count);
    std::iota(floats.begin(), floats.end(), 0.f);
    return {reinterpret_cast<const char*>(floats.data()), 4 * count};
}

std::string attach_error(const std::string& path) {
    Network network = parse_network(kSmallCfg, "small.cfg");
    const auto error = error_of([&] { attach_weights(network, path); });
    CHECK_FALSE(network.has_weights());
    CHECK(network.weights_path.empty());
    if (!error) return "no error";
    CHECK(error->kind() == ErrorKind::model);
    return error->what();
}

void check_names(const std::string& message, const std::vector<std::string>& parts) {
    for (const std::string& part : parts) {
        INFO(message << "\nmust name: " << part);
        CHECK(message.find(part) != std::string::npos);
    }
}

}  // namespace

TEST_CASE("every array is found at its place, in Darknet's order", "[weights]") {
    const TemporaryFolder folder;
    Network network = parse_network(kSmallCfg, "small.cfg");
    REQUIRE(network.weight_count() == kSmallWeights);
    attach_weights(network, folder.write("a.weights", kHeader + body(kSmallWeights)));
    const auto& first = std::get<ConvolutionalLayer>(network.layers[0].kind);
    const auto& second = std::get<ConvolutionalLayer>(network.layers[1].kind);
    CHECK(first.biases[0] == 0.f);
    CHECK(first.scales[0] == 4.f);
    CHECK(first.means[0] == 8.f);
    CHECK(first.variances[3] == 15.f);
    CHECK(first.weights[0] == 16.f);
    CHECK(first.weights.count == 4 * 27);
    CHECK(second.biases[0] == 124.f);
    CHECK(second.scales.empty());
    CHECK(second.weights[0] == 138.f);
    CHECK(second.weights[second.weights.count - 1] == float(kSmallWeights - 1));
    CHECK(network.has_weights());
    CHECK(network.seen == 32013312);
}

TEST_CASE("the version decides whether `seen` has 32 or 64 bits", "[weights]") {
    const TemporaryFolder folder;
    const std::string floats = body(kSmallWeights);
    const std::string seen32 = raw(std::uint32_t(0xfffffff0u)), seen64 = raw(std::uint64_t(1) << 40);
    struct Version {
        std::int32_t major, minor;
        bool is_64;
    };
    for (const Version v : {Version{0, 0, false},
                            {0, 1, false},
                            {0, 2, true},
                            {0, 3, true},
                            {1, 0, true},
                            {-1, 11, false},
                            {-1, 12, true},
                            {2147483647, 2147483647, true},
                            {-2147483647, 0, true},              // Darknet's sum of 32 bits is 10
                            {0x3a03126f, 0x3f666666, false}}) {  // a learning rate of .0005, a momentum of .9
        INFO("version " << v.major << "." << v.minor);
        Network network = parse_network(kSmallCfg, "small.cfg");
        attach_weights(network,
                       folder.write("a.weights", header(v.major, v.minor, v.is_64 ? seen64 : seen32) + floats));
        CHECK(network.seen == (v.is_64 ? std::uint64_t(1) << 40 : 0xfffffff0u));
        CHECK(std::get<ConvolutionalLayer>(network.layers[1].kind).biases[0] == 124.f);
    }
}

TEST_CASE("files older than versions have the weights of [connected] layers by inputs", "[weights]") {
    const TemporaryFolder folder;
    const std::string cfg =
        "[net]\nwidth=2\nheight=1\nchannels=3\n[convolutional]\nfilters=2\nsize=1\n"
        "[connected]\noutput=3\nbatch_normalize=1\n[connected]\noutput=2\n";
    const std::string seen32 = raw(std::uint32_t(7)), seen64 = raw(std::uint64_t(7));
    for (const auto& [start, transposed] : {std::pair{header(0x3a03126f, 0x3f666666, seen32), true},
                                            {header(1001, 0, seen64), true},
                                            {header(0, 1001, seen64), true},
                                            {header(1000, 1000, seen64), false}}) {
        Network copy;
        {
            Network network = parse_network(cfg, "v1.cfg");
            attach_weights(network, folder.write("a.weights", start + body(network.weight_count())));
            copy = network;
        }
        CHECK(copy.seen == 7);
        const auto& conv = std::get<ConvolutionalLayer>(copy.layers[0].kind);
        CHECK(conv.weights[1] == 3.f);
        const auto& first = std::get<ConnectedLayer>(copy.layers[1].kind);
        REQUIRE(first.weights.count == 12);
        for (int out = 0; out < 3; ++out)
            for (int in = 0; in < 4; ++in)
                CHECK(first.weights[std::size_t(out * 4 + in)] ==
                      float(11 + (transposed ? in * 3 + out : out * 4 + in)));
        CHECK(first.scales[0] == 23.f);
        const auto& second = std::get<ConnectedLayer>(copy.layers[2].kind);
        CHECK(second.biases[0] == 32.f);
        CHECK(second.weights[1] == (transposed ? 36.f : 35.f));
        // Written again, they are as today's files.
        write_network(copy, folder / "b.cfg", folder / "b.weights");
        CHECK(all_weights(load_network(folder / "b.cfg", folder / "b.weights")) == all_weights(copy));
    }
}

TEST_CASE("a file of the wrong size is refused, both sizes stated", "[weights]") {
    const TemporaryFolder folder;
    const std::string good = kHeader + body(kSmallWeights), expected = std::to_string(good.size());
    REQUIRE(attach_error(folder.write("half.weights", good.substr(0, good.size() / 2))) != "no error");
    for (const std::size_t size :
         {good.size() / 2, good.size() - 1, good.size() - 4, std::size_t(20), std::size_t(12), std::size_t(3)})
        check_names(attach_error(folder.write("cut.weights", good.substr(0, size))),
                    {"cut.weights", std::to_string(size) + " bytes", expected, "small.cfg",
                     std::to_string(kSmallWeights), "cut short"});
    for (const std::size_t extra : {std::size_t(1), std::size_t(4), std::size_t(4096)})
        check_names(attach_error(folder.write("long.weights", good + std::string(extra, '\0'))),
                    {"long.weights", std::to_string(good.size() + extra) + " bytes", expected, "another cfg"});
    check_names(attach_error(folder.write("empty.weights", "")), {"empty.weights", "0 bytes", expected, "it is empty"});
}

TEST_CASE("files of another kind are named as such", "[weights]") {
    const TemporaryFolder folder;
    check_names(attach_error(folder.write("a.weights", "<!DOCTYPE html><html>404</html>")),
                {"a.weights", "31 bytes", "HTML page"});
    check_names(attach_error(folder.write("a.weights", "\n\n <HTML lang=en>" + std::string(5000, ' '))), {"HTML page"});
    check_names(attach_error(folder.write("a.weights", "version https://git-lfs.github.com/spec/v1\noid sha256:0\n")),
                {"Git LFS"});
    check_names(attach_error(folder.write("a.weights", kSmallCfg)), {".cfg", "swapped"});
    check_names(attach_error(folder.write("a.weights",
                                          "\xfd"
                                          "7zXZ and so on")),
                {"xz -dk"});
    check_names(attach_error(folder.write("a.weights", "PK\x03\x04 and so on")), {"ZIP"});
}

TEST_CASE("what cannot be read", "[weights]") {
    const TemporaryFolder folder;
    check_names(attach_error(folder / "absent.weights"), {"absent.weights", "No such file"});
    check_names(attach_error(folder / "."), {"directory"});
    check_names(attach_error("/dev/null"), {"/dev/null", "not a regular file"});
    REQUIRE(::mkfifo((folder / "pipe").c_str(), 0600) == 0);
    check_names(attach_error(folder / "pipe"), {"pipe", "not a regular file"});
    const std::string locked = folder.write("locked.weights", kHeader);
    ::chmod(locked.c_str(), 0);
    if (::geteuid() == 0)
        WARN("skipped: root reads files without permission");
    else
        check_names(attach_error(locked), {"locked.weights", "Permission denied"});
}

TEST_CASE("a copy of the network keeps the file mapped", "[weights]") {
    const TemporaryFolder folder;
    Network copy;
    {
        Network network = parse_network(kSmallCfg, "small.cfg");
        attach_weights(network, folder.write("a.weights", kHeader + body(kSmallWeights)));
        copy = network;
        const auto& original = std::get<ConvolutionalLayer>(network.layers[1].kind);
        CHECK(std::get<ConvolutionalLayer>(copy.layers[1].kind).weights.data == original.weights.data);
    }
    ::unlink((folder / "a.weights").c_str());
    CHECK(std::get<ConvolutionalLayer>(copy.layers[1].kind).weights[0] == 138.f);
}
