// SPDX-License-Identifier: MIT
#include "tools/visible_gpus.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>

#include "tests/support/catch.h"
#include "tests/tools/media_files.h"

using namespace convoy::tools;

namespace {

constexpr const char* kVariable = "CUDA_VISIBLE_DEVICES";

/// The variable as a case wants it, and as it was afterwards.
class Variable {
public:
    Variable() {
        if (const char* value = std::getenv(kVariable)) before_ = value;
    }
    ~Variable() { before_ ? setenv(kVariable, before_->c_str(), 1) : unsetenv(kVariable); }
    Variable(const Variable&) = delete;
    Variable& operator=(const Variable&) = delete;

private:
    std::optional<std::string> before_;
};

std::string first_of(int count, const char* list) {
    list ? setenv(kVariable, list, 1) : unsetenv(kVariable);
    show_first_gpus(count);
    return std::getenv(kVariable);
}

}  // namespace

TEST_CASE("GPUs are counted as CUDA would") {
    const Variable kept;
    unsetenv(kVariable);
    const convoy::test::TempFolder folder;
    for (const char* name : {"nvidia0", "nvidia1", "nvidia10", "nvidiactl", "nvidia-uvm", "nvidia", "null"})
        std::ofstream(folder / name);
    CHECK(count_visible_gpus(folder.path()) == 3);
    CHECK(count_visible_gpus(folder / "missing") == 0);
    setenv(kVariable, "3,1", 1);
    CHECK(count_visible_gpus(folder.path()) == 2);
    setenv(kVariable, "", 1);
    CHECK(count_visible_gpus(folder.path()) == 0);
}

TEST_CASE("the first GPUs are those that CUDA would show first") {
    const Variable kept;
    CHECK(first_of(1, nullptr) == "0");
    CHECK(first_of(3, nullptr) == "0,1,2");
    CHECK(first_of(1, "3,1") == "3");
    CHECK(first_of(2, "3,1,0") == "3,1");
    CHECK(first_of(4, "3,1,0") == "3,1,0");
    CHECK(first_of(1, "GPU-8d1f,GPU-77aa,GPU-01bc") == "GPU-8d1f");
    CHECK(first_of(1, "5") == "5");
}
