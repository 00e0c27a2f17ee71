// SPDX-License-Identifier: MIT
//
// Any bytes as the name of an input: what it is, and the host that is looked up for it, is told without a network.
#include <convoy/media/input.h>
#include "tests/fuzz/input.h"
#include "tools/media/in/host_lookup.h"

using namespace convoy::fuzz;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const int no_proxy = unsetenv("http_proxy");  // whose host it would be
    require(no_proxy == 0);
    const std::string path = Bytes(data, size).text();
    (void)convoy::media::is_live(path);
    if (!convoy::media::is_address(path)) return 0;
    const std::string host = convoy::media::host_to_look_up(path);
    require(path.find(host) != path.npos && host.find_first_of("/?#@") == host.npos);
    return 0;
}
