// SPDX-License-Identifier: MIT
#include "tools/fleet/shard.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <numeric>
#include <optional>
#include <queue>
#include <string_view>
#include <tuple>

#include <convoy/error.h>

namespace convoy::fleet {
namespace {

[[noreturn]] void usage(const std::string& sentence) { throw Error(ErrorKind::usage, "--shard " + sentence); }

std::optional<int> number_of(std::string_view text) {
    int value = 0;
    const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
    return code == std::errc() && end == text.data() + text.size() ? std::optional(value) : std::nullopt;
}

class Variables {
public:
    explicit Variables(const Environment& environment) : environment_(environment) {}
    /// Nothing where it is not set.
    std::optional<int> find(const char* name) const {
        const char* const text = environment_(name);
        if (!text || !*text) return std::nullopt;
        const std::optional<int> value = number_of(text);
        if (!value) usage(fmt::format("auto: {} is '{}', which is no number", name, text));
        return value;
    }
    int at(const char* name, const char* beside) const {
        if (const std::optional<int> value = find(name)) return *value;
        usage(fmt::format("auto: {} is set, but not {}, which says how many there are{}", beside, name,
                          std::string_view(name) == "CONVOY_SHARDS" ? "; set it to the Job's completions" : ""));
    }

private:
    const Environment& environment_;
};

/// `index` from 0 on.
Shard checked(int index, int count, const char* where) {
    if (count < 1 || index < 0 || index >= count)
        usage(fmt::format("auto: by {} this is number {} of {}; where an array has gaps, give --shard i/n", where,
                          index, count));
    return {index + 1, count};
}

std::optional<Shard> of_mpi(const Variables& all, const char* rank, const char* size) {
    const std::optional<int> index = all.find(rank);
    return index ? std::optional(checked(*index, all.at(size, rank), rank)) : std::nullopt;
}

/// A job's steps have tasks of their own, and each task of an array may have some.
std::optional<Shard> of_slurm(const Variables& all) {
    const std::optional<int> id = all.find("SLURM_ARRAY_TASK_ID"), task = all.find("SLURM_PROCID");
    const bool in_step = all.find("SLURM_STEP_ID").has_value();
    std::optional<Shard> tasks;
    if (task && (!id || in_step)) tasks = checked(*task, all.at("SLURM_NTASKS", "SLURM_PROCID"), "SLURM_PROCID");
    if (!id) return tasks;
    const int first = all.find("SLURM_ARRAY_TASK_MIN").value_or(0),
              step = all.find("SLURM_ARRAY_TASK_STEP").value_or(1);
    const int count = all.at("SLURM_ARRAY_TASK_COUNT", "SLURM_ARRAY_TASK_ID");
    if (step < 1 || (*id - first) % step != 0) usage("auto: this array has gaps; give --shard i/n");
    const Shard array = checked((*id - first) / step, count, "SLURM_ARRAY_TASK_ID");
    if (!tasks || tasks->count == 1) return array;
    return Shard{(array.number - 1) * tasks->count + tasks->number, array.count * tasks->count};
}

std::optional<Shard> of_kubernetes(const Variables& all) {
    const std::optional<int> index = all.find("JOB_COMPLETION_INDEX");
    if (!index) return std::nullopt;
    return checked(*index, all.at("CONVOY_SHARDS", "JOB_COMPLETION_INDEX"), "JOB_COMPLETION_INDEX");
}

Shard from_scheduler(const Environment& environment) {
    const Variables all(environment);
    // Where one starts the other, Slurm knows of one task, or MPI of one process in each.
    std::optional<Shard> alone;
    for (const std::optional<Shard>& shard : {of_mpi(all, "OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE"),
                                              of_mpi(all, "PMI_RANK", "PMI_SIZE"), of_slurm(all), of_kubernetes(all)}) {
        if (shard && shard->count > 1) return *shard;
        if (shard) alone = shard;
    }
    if (alone) return *alone;
    usage(
        "auto: no scheduler says which share this is: none of SLURM_ARRAY_TASK_ID, SLURM_PROCID, JOB_COMPLETION_INDEX, "
        "OMPI_COMM_WORLD_RANK and PMI_RANK is set; give --shard i/n");
}

}  // namespace

Shard parse_shard(const std::string& text, const Environment& environment) {
    if (text == "auto") return from_scheduler(environment);
    const std::size_t slash = text.find('/');
    const auto number = number_of(std::string_view(text).substr(0, slash));
    const auto count = slash == text.npos ? std::nullopt : number_of(std::string_view(text).substr(slash + 1));
    if (!number || !count) usage(fmt::format("{}: give i/n, such as 2/8 for the second of eight, or auto", text));
    if (*count < 1 || *number < 1 || *number > *count)
        usage(fmt::format("{}: shares are counted from 1/{} to {}/{}", text, std::max(*count, 1), std::max(*count, 1),
                          std::max(*count, 1)));
    return {*number, *count};
}

std::vector<std::size_t> units_of(std::span<const Unit> units, const Shard& shard) {
    std::vector<std::size_t> order(units.size()), own;
    std::iota(order.begin(), order.end(), std::size_t(0));
    std::stable_sort(order.begin(), order.end(),
                     [&](std::size_t a, std::size_t b) { return units[a].seconds > units[b].seconds; });
    using Load = std::tuple<double, int, int>;  // seconds, units, number
    std::priority_queue<Load, std::vector<Load>, std::greater<>> least;
    for (int number = 1; number <= shard.count; ++number) least.emplace(0, 0, number);
    for (const std::size_t unit : order) {
        auto [seconds, count, number] = least.top();
        least.pop();
        if (number == shard.number) own.push_back(unit);
        least.emplace(seconds + units[unit].seconds, count + 1, number);
    }
    std::sort(own.begin(), own.end());
    return own;
}

}  // namespace convoy::fleet
