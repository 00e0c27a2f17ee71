// SPDX-License-Identifier: MIT
#include "tools/av_log.h"

#include <fcntl.h>
#include <unistd.h>

extern "C" {
#include <libavutil/log.h>
}

#include "tests/support/catch.h"
#include "tests/tools/child.h"

using namespace convoy;

namespace {

/// What goes to standard error while it lives goes into a file.
class Redirected {
public:
    explicit Redirected(const std::string& path) {
        const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
        REQUIRE(file >= 0);
        ::dup2(file, STDERR_FILENO);
        ::close(file);
    }
    ~Redirected() {
        ::dup2(kept_, STDERR_FILENO);
        ::close(kept_);
    }
    Redirected(const Redirected&) = delete;
    Redirected& operator=(const Redirected&) = delete;

private:
    const int kept_ = ::fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0);
};

}  // namespace

TEST_CASE("what libav says is printed up to its level, whatever its colour") {
    const test::TemporaryFolder folder;
    const int level = av_log_get_level();
    av_log_set_level(AV_LOG_INFO);
    av_log_set_callback(tools::print_av_log);
    {
        const Redirected redirected(folder / "log");
        av_log(nullptr, AV_LOG_ERROR, "one\n");
        av_log(nullptr, AV_LOG_INFO | AV_LOG_C(134), "two ");
        av_log(nullptr, AV_LOG_WARNING | AV_LOG_C(255), "three\n");
        av_log(nullptr, AV_LOG_VERBOSE, "four\n");
        av_log(nullptr, AV_LOG_DEBUG | AV_LOG_C(134), "five\n");
    }
    av_log_set_callback(av_log_default_callback);
    av_log_set_level(level);
    CHECK(test::read_file(folder / "log") == "one\ntwo three\n");
}
