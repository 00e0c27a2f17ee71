// SPDX-License-Identifier: MIT
//
// Every call with every one of its allocations failing: CONVOY_ERROR_MEMORY, nothing lost, and the next call works.
#include <atomic>
#include <cstdlib>
#include <new>
#include <string>

#include "tests/c_api/c_model.h"
#include "tests/support/catch.h"
#include "tests/tools/child.h"

namespace {

thread_local long left = -1;  // allocations of this thread until one fails; < 0: none does

void* allocate(std::size_t bytes) {
    if (left >= 0 && left-- == 0) throw std::bad_alloc();
    if (void* memory = std::malloc(bytes)) return memory;
    throw std::bad_alloc();
}

}  // namespace

#ifndef CONVOY_SANITIZED
// The shared libraries' own calls come here, too.
void* operator new(std::size_t bytes) { return allocate(bytes); }
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
#endif

using namespace convoy;
using namespace convoy::test;

namespace {

/// Calls until no allocation fails any more; every call before must have said so. Returns how many allocations failed.
template <typename Call>
long with_each_allocation_failing(Call call) {
    for (long n = 0;; ++n) {
        left = n;
        const int status = call();
        const bool failed = left < 0;
        left = -1;
        if (!failed) {
            CHECK(status == CONVOY_OK);
            return n;
        }
        INFO("allocation " << n << ": " << convoy_last_error());
        REQUIRE(status == CONVOY_ERROR_MEMORY);
        REQUIRE(std::string(convoy_last_error()).find("memory") != std::string::npos);
    }
}

}  // namespace

TEST_CASE("a call without memory says so and loses nothing") {
#ifdef CONVOY_SANITIZED
    SKIP_TEST_CASE("sanitizers have an operator new of their own");
#endif
    const CEngine engine = make_c_engine();
    const media::Image image = frames_of_clip(1)[0];
    const std::string cfg = model_file("cfg"), weights = model_file("weights");
    int released = 0, calls = 0;
    convoy_picture picture = picture_of(image);
    picture.release = [](void* count) { ++*static_cast<int*>(count); };
    picture.release_data = &released;
    convoy_result* result = nullptr;

    convoy_options* options = nullptr;
    CHECK(with_each_allocation_failing([&] { return convoy_options_create(&options); }) == 1);
    CHECK(with_each_allocation_failing([&] {
              return convoy_options_set(options, "tuning-cache", "/a/path/that/is/longer/than/a/short/string");
          }) > 0);
    CHECK(convoy_options_set(options, "size", "96") == CONVOY_OK);
    CHECK(convoy_options_set(options, "device", "cpu") == CONVOY_OK);

    CHECK(with_each_allocation_failing([&] { return ++calls, convoy_detect(engine.get(), &picture, &result); }) > 2);
    CHECK(released == calls);
    const std::string wanted = lines_of(*result);
    convoy_result_destroy(result);
    CHECK(convoy_detect(engine.get(), &picture, &result) == CONVOY_OK);
    CHECK(lines_of(*result) == wanted);
    convoy_result_destroy(result);
    convoy_options_destroy(options);
}
