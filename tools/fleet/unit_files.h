// SPDX-License-Identifier: MIT
//
// What a unit leaves beside its records: that it is done, that it has failed, how far it has come.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <type_traits>

namespace convoy::fleet {

/// Beside OUT/NAME.jsonl, whatever its ending.
struct UnitFiles {
    explicit UnitFiles(const std::string& records_file);

    std::string records;         ///< whole
    std::string done, failed;    ///< OUT/NAME.done, OUT/NAME.failed
    std::string partial, state;  ///< of a unit under way: OUT/.NAME.jsonl.partial, OUT/.NAME.state
};

/// What such a file says, which is one JSON object; null where there is none, or nothing whole.
nlohmann::json read_json(const std::string& path);

/// A member of such an object; `otherwise` where it has none, or one of another kind.
template <typename T>
T member(const nlohmann::json& object, const char* name, T otherwise) {
    const auto found = object.find(name);
    if (found == object.end()) return otherwise;
    const bool fits = std::is_same_v<T, std::string> ? found->is_string()
                      : std::is_integral_v<T>        ? found->is_number_integer()
                                                     : found->is_number();
    return fits ? found->get<T>() : otherwise;
}

/// The file appears whole, in place of an older one, and outlives a loss of power. Throws Error(output).
void write_json(const std::string& path, const nlohmann::json& object);

/// Of all that decides a unit's result, what `record` (a state, a .done, a .failed) says otherwise, for people: "the
/// options have changed"; "" where it agrees.
std::string difference(const nlohmann::json& record, const nlohmann::json& deciding);

/// When a file was written last, seconds since 1970 by its file system; nothing where there is none.
std::optional<double> time_of_s(const std::string& path);

/// An input as records and a .done call it, and people see it: without passwords, as UTF-8.
std::string name_for_people(const std::string& input);

/// "." for a file in the working directory.
std::string folder_of(const std::string& path);

/// Whether the unit's .done agrees and its records are as long as it says; else `why` not, where there is a .done.
bool is_done(const UnitFiles& files, const nlohmann::json& deciding, std::string& why);

}  // namespace convoy::fleet
