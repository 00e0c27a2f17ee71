// SPDX-License-Identifier: MIT
//
// Any bytes as a list of inputs, or as a .data file that names one: either what it lists, or a convoy::Error.
#include <convoy/error.h>
#include "tests/fuzz/input.h"
#include "tools/media/in/input_list.h"

using namespace convoy::fuzz;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const Scratch folder;
    static const std::string beside = folder.write("beside.txt", "a.mp4\n\nhttp://host/b.mp4\n");
    Bytes bytes(data, size);
    const unsigned kind = bytes.number();
    const std::string path = folder.write(kind & 1 ? "fuzz.data" : "fuzz.txt", bytes.rest());
    std::vector<std::string> files;
    try {
        const auto lines = convoy::media::read_input_list(path, kind & 2, files);
        require(lines || !(kind & 2));
        require(files.empty() == !lines);
        if (!lines) return 0;
        require(!lines->empty() && files.front() == path && files.size() <= 2);
        for (const std::string& line : *lines) require(!line.empty() && line.find_first_of("\n\x1b") == line.npos);
    } catch (const convoy::Error&) {
        require(files.empty());
    }
    return 0;
}
