// SPDX-License-Identifier: MIT
#include "engine/device_list.h"

#include <cstdint>
#include <limits>

#include <convoy/error.h>
#include <convoy/options.h>
#include "tests/support/catch.h"

using namespace convoy;
using Kind = DeviceList::Kind;

TEST_CASE("devices are named one by one, by number, or all at once", "[devices]") {
    const auto check = [](const char* text, Kind kind, std::vector<int> numbers) {
        INFO(text);
        const DeviceList list = parse_devices(text);
        CHECK(int(list.kind) == int(kind));
        CHECK(list.numbers == numbers);
    };
    check("auto", Kind::automatic, {});
    check("cpu", Kind::cpu, {});
    check("cuda", Kind::cuda, {});
    check("cuda:1", Kind::cuda, {1});
    check("cuda:0,2", Kind::cuda, {0, 2});
    check("cuda:3,cuda:1", Kind::cuda, {3, 1});
    check("cpu:0,cpu:1", Kind::cpu, {0, 1});
    check("cpu:0,1,2", Kind::cpu, {0, 1, 2});
}

TEST_CASE("what is no device is refused with what would be one", "[devices]") {
    for (const char* text : {"", "gpu", "cuda:", "cuda:x", "cuda:1x", "cuda:-1", "cuda:0,", "cuda:0,,1", "cuda:0,0",
                             "cpu:0,cuda:0", "cuda:0,cpu:0", "0", "cpu,cuda", "auto,cpu", "cuda:99999999999"}) {
        INFO(text);
        try {
            parse_devices(text);
            FAIL("no error");
        } catch (const Error& error) {
            CHECK(int(error.kind()) == int(ErrorKind::usage));
            CHECK(std::string(error.what()).find("unknown device") != std::string::npos);
            CHECK(std::string(error.what()).find("cuda:0,2") != std::string::npos);
        }
    }
}

TEST_CASE("a GPU is started where it saves more than it costs") {
    CHECK(gpus_worth_starting(0) == 1);
    CHECK(gpus_worth_starting(478) == 1);
    CHECK(gpus_worth_starting(15'118) == 2);
    CHECK(gpus_worth_starting(30'000) == 3);
    CHECK(gpus_worth_starting(100'000) == 5);
    CHECK(gpus_worth_starting(std::numeric_limits<std::int64_t>::max()) == 1024);
}
