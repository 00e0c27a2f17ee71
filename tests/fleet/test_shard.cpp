// SPDX-License-Identifier: MIT
#include "tools/fleet/shard.h"

#include <map>
#include <numeric>
#include <set>

#include "tests/support/catch.h"
#include "tests/support/complaint.h"
#include "tests/support/contains.h"

using namespace convoy;
using namespace convoy::fleet;
using test::contains;

namespace {

using Variables = std::map<std::string, std::string>;

Shard automatic(const Variables& variables) {
    return parse_shard("auto", [&](const char* name) {
        const auto found = variables.find(name);
        return found == variables.end() ? nullptr : found->second.c_str();
    });
}

std::string error(const Variables& variables) {
    return test::complaint([&] { automatic(variables); }, ErrorKind::usage);
}

std::string error(const std::string& text) {
    return test::complaint([&] { parse_shard(text, [](const char*) -> const char* { return nullptr; }); },
                           ErrorKind::usage);
}

}  // namespace

TEST_CASE("a share as people write it", "[shard]") {
    const auto parsed = [](const std::string& text) {
        return parse_shard(text, [](const char*) -> const char* { return "3"; });
    };
    CHECK(parsed("1/1") == Shard{1, 1});
    CHECK(parsed("2/8") == Shard{2, 8});
    CHECK(parsed("8/8") == Shard{8, 8});
    CHECK(contains(error("0/8"), "counted from 1/8 to 8/8"));
    CHECK(contains(error("9/8"), "counted from 1/8 to 8/8"));
    CHECK(contains(error("1/0"), "counted from"));
    for (const char* text : {"", "2", "/8", "2/", "two/8", "2/8/9", "2 / 8", "-1/8x"})
        CHECK(contains(error(std::string(text)), "give i/n"));
}

TEST_CASE("a share as a scheduler says it", "[shard]") {
    CHECK(automatic({{"SLURM_ARRAY_TASK_ID", "0"}, {"SLURM_ARRAY_TASK_MIN", "0"}, {"SLURM_ARRAY_TASK_COUNT", "4"}}) ==
          Shard{1, 4});
    CHECK(automatic({{"SLURM_ARRAY_TASK_ID", "13"}, {"SLURM_ARRAY_TASK_MIN", "10"}, {"SLURM_ARRAY_TASK_COUNT", "4"}}) ==
          Shard{4, 4});
    CHECK(automatic({{"SLURM_ARRAY_TASK_ID", "5"},
                     {"SLURM_ARRAY_TASK_MIN", "1"},
                     {"SLURM_ARRAY_TASK_COUNT", "3"},
                     {"SLURM_ARRAY_TASK_STEP", "2"}}) == Shard{3, 3});
    CHECK(automatic({{"SLURM_PROCID", "2"}, {"SLURM_NTASKS", "3"}}) == Shard{3, 3});
    CHECK(automatic({{"JOB_COMPLETION_INDEX", "6"}, {"CONVOY_SHARDS", "7"}}) == Shard{7, 7});
    CHECK(automatic({{"OMPI_COMM_WORLD_RANK", "1"}, {"OMPI_COMM_WORLD_SIZE", "2"}}) == Shard{2, 2});
    CHECK(automatic({{"PMI_RANK", "0"}, {"PMI_SIZE", "2"}}) == Shard{1, 2});
}

TEST_CASE("where one scheduler starts the other", "[shard]") {
    // A job array's script, which is task 0 of those that the job may have.
    Variables array = {{"SLURM_ARRAY_TASK_ID", "1"},
                       {"SLURM_ARRAY_TASK_MIN", "0"},
                       {"SLURM_ARRAY_TASK_COUNT", "3"},
                       {"SLURM_PROCID", "0"},
                       {"SLURM_NTASKS", "2"}};
    CHECK(automatic(array) == Shard{2, 3});
    array["SLURM_STEP_ID"] = "0";  // srun in it
    CHECK(automatic(array) == Shard{3, 6});
    array["SLURM_PROCID"] = "1";
    CHECK(automatic(array) == Shard{4, 6});
    // srun gives each task of an array MPI's variables as well.
    CHECK(automatic({{"SLURM_ARRAY_TASK_ID", "1"},
                     {"SLURM_ARRAY_TASK_MIN", "0"},
                     {"SLURM_ARRAY_TASK_COUNT", "3"},
                     {"PMI_RANK", "0"},
                     {"PMI_SIZE", "1"}}) == Shard{2, 3});
    // mpirun in a batch script.
    CHECK(automatic({{"SLURM_PROCID", "0"},
                     {"SLURM_NTASKS", "4"},
                     {"OMPI_COMM_WORLD_RANK", "3"},
                     {"OMPI_COMM_WORLD_SIZE", "4"}}) == Shard{4, 4});
    CHECK(automatic({{"PMI_RANK", "0"}, {"PMI_SIZE", "1"}}) == Shard{1, 1});
}

TEST_CASE("what a scheduler does not say", "[shard]") {
    CHECK(contains(error(Variables{}), "no scheduler"));
    CHECK(contains(error({{"JOB_COMPLETION_INDEX", "2"}}), "CONVOY_SHARDS"));
    CHECK(contains(error({{"SLURM_ARRAY_TASK_ID", "2"}}), "SLURM_ARRAY_TASK_COUNT"));
    CHECK(contains(error({{"OMPI_COMM_WORLD_RANK", "one"}, {"OMPI_COMM_WORLD_SIZE", "2"}}), "'one'"));
    CHECK(contains(error({{"JOB_COMPLETION_INDEX", "7"}, {"CONVOY_SHARDS", "7"}}), "7 of 7"));
    // --array=1,5,7
    CHECK(contains(
        error({{"SLURM_ARRAY_TASK_ID", "7"}, {"SLURM_ARRAY_TASK_MIN", "1"}, {"SLURM_ARRAY_TASK_COUNT", "3"}}), "gaps"));
}

TEST_CASE("shares are equal in seconds, and together all", "[shard]") {
    std::vector<Unit> units(200);
    for (std::size_t i = 0; i < units.size(); ++i) units[i].seconds = double(i * 7919 % 600) + 1;
    units[17].seconds = 4000;
    const double all = std::accumulate(units.begin(), units.end(), 0.,
                                       [](double sum, const Unit& unit) { return sum + unit.seconds; });
    for (const int shards : {1, 3, 8}) {
        std::set<std::size_t> seen;
        for (int number = 1; number <= shards; ++number) {
            const std::vector<std::size_t> own = units_of(units, {number, shards});
            CHECK(std::is_sorted(own.begin(), own.end()));
            CHECK(own == units_of(units, {number, shards}));
            double seconds = 0;
            for (const std::size_t unit : own) {
                CHECK(seen.insert(unit).second);
                seconds += units[unit].seconds;
            }
            INFO("share " << number << " of " << shards << " has " << seconds << " of " << all);
            CHECK(seconds <= all / shards * 1.01);
            CHECK(seconds >= all / shards * .99);
        }
        CHECK(seen.size() == units.size());
    }
    // Without any times they are equal in number, and none is forgotten where there are more machines than units.
    CHECK(units_of(std::vector<Unit>(10), {2, 4}).size() >= 2);
    CHECK(units_of(std::vector<Unit>(1), {2, 4}).empty());
    CHECK(units_of(std::vector<Unit>(1), {1, 4}).size() == 1);
}
