// SPDX-License-Identifier: MIT
#pragma once

#include <map>
#include <string>

namespace convoy {

/// FNV-1a, 16 hexadecimal digits.
std::string hash_text(const std::string& text);

/// Which kernel won for a problem, kept in a text file per kind of GPU and build, and what makes the libraries' among
/// them again without much work, each in a file beside it. Only ever a hint: whoever takes a row
/// from here looks it up in the table of candidates and checks that it still serves.
class TuningCache {
public:
    struct Entry {
        std::string row;  ///< ConvCandidate::name
        float us = 0;
    };

    /// `key` names all that a choice depends on: GPU, driver, libraries, revision of the kernels. A file that is
    /// missing, damaged or made for another key is an empty cache. An empty `folder` keeps nothing.
    TuningCache(const std::string& folder, const std::string& key);

    const Entry* find(const std::string& problem);
    /// Whether find() has found anything.
    bool used() const { return used_; }
    /// Starts anew; save() replaces what is on disk.
    void forget();
    void put(const std::string& problem, Entry entry);
    /// What PreparedConv::serialized() gave for a problem and a row; nothing where none was kept, or after forget().
    /// From any thread.
    std::string find_plan(const std::string& problem, const std::string& row) const;
    bool has_plan(const std::string& problem, const std::string& row) const;
    /// Writes it at once, into a file of its own. Returns what went wrong, or nothing.
    std::string keep_plan(const std::string& problem, const std::string& row, const std::string& plan) const;
    /// Writes what was added, through a file of another name so that no reader sees half of it. Returns what went
    /// wrong, or nothing.
    std::string save() const;

private:
    std::map<std::string, Entry> load() const;

    std::string plan_path(const std::string& problem, const std::string& row) const;

    std::string path_, key_;
    std::map<std::string, Entry> entries_;
    bool used_ = false, changed_ = false, merge_ = true;
};

}  // namespace convoy
