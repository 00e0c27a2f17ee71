// SPDX-License-Identifier: MIT
#include "tools/unit_queue.h"

#include <filesystem>

#include "tests/support/catch.h"
#include "tests/tools/child.h"
#include "tools/fleet/unit_files.h"

using namespace convoy;
using namespace convoy::tools;
using namespace std::chrono_literals;

namespace {

/// Seven units of 7, 6, … 1 seconds, whose folder and claims lie in one.
std::vector<WorkUnit> units_in(const test::TemporaryFolder& folder) {
    std::vector<WorkUnit> units;
    for (const char* name : {"a", "b", "c", "d", "e", "f", "g"}) {
        units.push_back({name, name, name, {}, folder / (name + std::string(".jsonl"))});
        units.back().deciding = {{"key", name}};
        units.back().weight = double(8 - units.size());
    }
    return units;
}

void finish(const WorkUnit& unit) {
    test::write_file(unit.records, "");
    fleet::write_json(fleet::UnitFiles(unit.records).done, {{"key", unit.name}, {"bytes", 0}});
}

}  // namespace

TEST_CASE("units that were done before a run are no work of it") {
    const test::TemporaryFolder folder;
    const std::vector<WorkUnit> units = units_in(folder);
    finish(units[0]);
    std::filesystem::last_write_time(fleet::UnitFiles(units[0].records).done,
                                     std::filesystem::file_time_type::clock::now() - 1h);
    UnitQueue queue(units, nullptr, {}, [](const std::string&) {});
    CHECK(queue.course().all == 28);
    CHECK(queue.course().ahead == 28);
    const std::optional<WorkUnit> second = queue.next({});
    REQUIRE(second);
    CHECK(second->name == "b");
    CHECK(second->place == 2);
    CHECK(queue.course().ahead == 15);  // which is not done, but begun
    CHECK(queue.course().by_others == 0);
    CHECK(queue.course().units == 7);
    CHECK(queue.tally().done == 1);
}

TEST_CASE("what others take and do while a run lasts is work that is done, in the pace of all") {
    const test::TemporaryFolder folder;
    const std::vector<WorkUnit> units = units_in(folder);
    fleet::Claims others(folder.path(), 60s);
    REQUIRE(others.take("a"));  // when this run comes
    UnitQueue queue(units, std::make_unique<fleet::Claims>(folder.path(), 60s), {}, [](const std::string&) {});
    const std::optional<WorkUnit> own = queue.next({});
    REQUIRE(own);
    CHECK(own->name == "b");
    CHECK(queue.course().by_others == 0);
    finish(units[2]);  // c, by now
    REQUIRE(others.take("d"));
    REQUIRE(queue.next({})->name == "e");
    CHECK(queue.course().by_others == 5 + 4);
    CHECK(queue.course().ahead == 2 + 1);
    CHECK(queue.course().own == 6 + 3);
    queue.next({}), queue.next({});
    CHECK(queue.course().ahead == 0);
    finish(units[0]);  // what was passed once does not count again
    finish(units[3]);
    others.release("a"), others.release("d");
    CHECK_FALSE(queue.next({}));
    CHECK(queue.course().by_others == 9);
    CHECK(queue.tally().done == 3);
}
