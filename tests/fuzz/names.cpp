// SPDX-License-Identifier: MIT
//
// Any bytes as a file of class names, for a model of as many classes as the first byte says: either names that survive
// being written and read again, or a convoy::Error.
#include <vector>

#include <convoy/load.h>
#include "tests/fuzz/input.h"

namespace {

using namespace convoy;
using namespace convoy::fuzz;

constexpr unsigned kMostClasses = 8;

std::vector<Network> make_networks() {
    std::vector<Network> networks;
    for (unsigned classes = 1; classes <= kMostClasses; ++classes)
        networks.push_back(
            parse_network("[net]\nwidth=32\nheight=32\nchannels=3\n[conv]\nfilters=" + std::to_string(classes + 5) +
                              "\n[yolo]\nanchors=1,1\nnum=1\nmask=0\nclasses=" + std::to_string(classes) + "\n",
                          "fuzz.cfg"));
    return networks;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const Scratch folder;
    static std::vector<Network> networks = make_networks();
    Bytes bytes(data, size);
    Network& network = networks[bytes.number() % kMostClasses];
    network.names.clear();
    try {
        attach_names(network, folder.write("fuzz.names", bytes.rest()));
    } catch (const Error&) {
        require(network.names.empty());
        return 0;
    }
    const std::vector<std::string> names = network.names;
    require(int(names.size()) == network.classes());
    std::string text = "\xef\xbb\xbf";  // of which one is dropped
    for (const std::string& name : names) {
        require(!name.empty() && name.find_first_of("\n\r\x1b\x7f") == name.npos);
        text += name + "\n";
    }
    attach_names(network, folder.write("written.names", text));
    require(network.names == names);
    return 0;
}
