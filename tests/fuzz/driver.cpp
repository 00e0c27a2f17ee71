// SPDX-License-Identifier: MIT
//
// Runs a libFuzzer entry point without libFuzzer: over a corpus, then over seeded mutations of it. An input that takes
// longer than kSeconds ends the program by SIGALRM; the same seed brings the same inputs again.
// Usage: PROGRAM CORPUS_FOLDER MUTATIONS [SEED]
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

constexpr unsigned kSeconds = 20;
constexpr int kBetweenReports = 100000;  // mutations

std::uint64_t state = 1;
double slowest_ms = 0;

std::size_t below(std::size_t limit) {  // splitmix64
    std::uint64_t z = (state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return std::size_t((z ^ (z >> 31)) % limit);
}

void run(const std::string& input) {
    const auto start = std::chrono::steady_clock::now();
    alarm(kSeconds);
    LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(input.data()), input.size());
    const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - start;
    slowest_ms = std::max(slowest_ms, took.count());
}

/// A flipped byte, a removed, doubled or foreign stretch, another number.
void mutate(std::string& input, const std::string& other) {
    const std::size_t at = below(input.size() + 1), length = below(std::min<std::size_t>(40, input.size() - at) + 1);
    static const char* const kValues[] = {"0",   "-1", "1", "2147483647", "-2147483648", "65536", "1e9",
                                          "nan", ",",  "=", "[",          "]",           "\n"};
    switch (below(5)) {
        case 0:
            if (at < input.size()) input[at] = char(below(256));
            break;
        case 1:
            input.erase(at, length);
            break;
        case 2:
            input.insert(at, input.substr(at, length));
            break;
        case 3:
            input.insert(at, other.substr(below(other.size() + 1), 40));
            break;
        default:
            input.replace(at, std::min<std::size_t>(length, 3), kValues[below(std::size(kValues))]);
    }
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 3 && argc != 4) return 2;
    if (argc == 4) state = std::strtoull(argv[3], nullptr, 10);
    std::vector<std::filesystem::path> paths;
    for (const auto& entry : std::filesystem::directory_iterator(argv[1])) paths.push_back(entry.path());
    std::sort(paths.begin(), paths.end());
    std::vector<std::string> corpus;
    for (const auto& path : paths) {
        std::ifstream file(path, std::ios::binary);
        corpus.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
        run(corpus.back());
    }
    if (corpus.empty()) {
        std::fprintf(stderr, "%s: no corpus in %s\n", argv[0], argv[1]);
        return 1;
    }
    const int mutations = std::atoi(argv[2]);
    for (int i = 0; i < mutations; ++i) {
        std::string input = corpus[below(corpus.size())];
        for (std::size_t n = 1 + below(4); n > 0; --n) mutate(input, corpus[below(corpus.size())]);
        run(input);
        if ((i + 1) % kBetweenReports == 0) std::fprintf(stderr, "%d mutations, slowest %.0f ms\n", i + 1, slowest_ms);
    }
    std::printf("%zu inputs and %d mutations, slowest %.0f ms\n", corpus.size(), mutations, slowest_ms);
}
