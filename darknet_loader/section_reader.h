// SPDX-License-Identifier: MIT
//
// Typed access to one cfg section, which notices what nobody asked for.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include <convoy/network.h>
#include "darknet_loader/cfg_reader.h"

namespace convoy {

/// Reads the keys of one section and remembers which were asked for; finish() then throws for misspelt ones and for
/// required ones that are absent. Every message names file, line, section, layer and key.
class SectionReader {
public:
    /// `layer` is the section's index as a layer, -1 for [net]. What is given must outlive this.
    SectionReader(const CfgSection& section, const std::string& path, int layer, std::vector<std::string>& warnings);

    /// The value of `key`, or `fallback` where it is absent; Error(model) outside low…high.
    int integer(const char* key, int fallback, int low, int high);
    float real(const char* key, float fallback, float low, float high);
    bool flag(const char* key, bool fallback = false) { return integer(key, fallback, 0, 1) != 0; }
    std::string_view text(const char* key, std::string_view fallback);
    Activation activation(Activation fallback);
    /// One of kActivations.
    Activation plain_activation(Activation fallback);

    /// The comma-separated numbers of `key`; empty where it is absent.
    std::vector<int> integers(const char* key);
    std::vector<float> reals(const char* key);
    /// The layers that `key` lists, negative ones relative to this one, as absolute indices, all of them earlier.
    std::vector<int> earlier_layers(const char* key);

    /// Makes finish() throw if `key` is absent.
    void require(const char* key);
    /// Keys that only training or Darknet's own programs read.
    void ignore(std::initializer_list<const char*> keys);
    /// A key whose effect is not implemented: Error(unsupported) unless it has its neutral value.
    void expect_neutral(const char* key, float neutral = 0);
    /// Throws for what is missing or misspelt, and warns of what has no effect.
    void finish();

    /// As fail(), but the cfg goes on to be read.
    void warn(const char* key, const std::string& what);
    int layer() const { return layer_; }
    /// Where `key` stands, or the section if it is absent.
    int line_of(const char* key) const;
    /// Throws `kind` with "file:line: [section] (layer n) key 'key' …"; the line is that of the section if `key` is
    /// absent.
    [[noreturn]] void fail(ErrorKind kind, const char* key, const std::string& what) const;

private:
    const CfgEntry* find(const char* key);
    template <class Number>
    Number number(const char* key, std::string_view value) const;
    template <class Number>
    std::vector<Number> numbers(const char* key);
    std::string where(int line) const;
    std::string of_key(const char* key) const;
    void warn_of_repeats();
    void warn(std::string sentence);

    const CfgSection& section_;
    const std::string& path_;
    int layer_;
    std::vector<std::string>& warnings_;
    std::vector<std::string_view> read_, ignored_;
    const char* missing_ = nullptr;
};

}  // namespace convoy
