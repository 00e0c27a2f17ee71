// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <deque>
#include <initializer_list>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

namespace convoy::tools {

/// A name for each input of a run: of a file that it gets, say. One for each input that comes later is added while
/// others read them; copies share them.
class InputNames {
public:
    InputNames() = default;
    /// `grows`: others will be added, and one is not alone.
    InputNames(std::vector<std::string> names, bool grows = false) {  // NOLINT: is such a list
        for (std::string& name : names) add(std::move(name));
        shared_->grows = grows;
    }
    InputNames(std::initializer_list<std::string> names) : InputNames(std::vector<std::string>(names)) {}

    void add(std::string name) {
        const std::lock_guard lock(shared_->mutex);
        shared_->all.insert(name);
        shared_->names.push_back(std::move(name));
    }
    /// Stays where it is. Throws std::out_of_range.
    const std::string& at(std::size_t input) const {
        const std::lock_guard lock(shared_->mutex);
        return shared_->names.at(input);
    }
    bool contains(const std::string& name) const {
        const std::lock_guard lock(shared_->mutex);
        return shared_->all.contains(name);
    }
    std::size_t size() const {
        const std::lock_guard lock(shared_->mutex);
        return shared_->names.size();
    }
    bool empty() const { return size() == 0; }
    /// Whether the run has no other input.
    bool is_alone() const { return size() == 1 && !shared_->grows; }

private:
    struct Shared {
        std::mutex mutex;
        std::deque<std::string> names;
        std::unordered_set<std::string> all;
        bool grows = false;
    };
    std::shared_ptr<Shared> shared_ = std::make_shared<Shared>();
};

}  // namespace convoy::tools
