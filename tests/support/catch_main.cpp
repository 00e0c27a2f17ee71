// SPDX-License-Identifier: MIT
//
// The tests' main(), and a listener: a test case that hangs says its name.
#ifdef CONVOY_CATCH2_V3
#include <catch2/catch_session.hpp>
#include <catch2/catch_test_case_info.hpp>
#include <catch2/reporters/catch_reporter_event_listener.hpp>
#include <catch2/reporters/catch_reporter_registrars.hpp>
using ListenerBase = Catch::EventListenerBase;
#else
#define CATCH_CONFIG_RUNNER
#include <catch2/catch.hpp>
using ListenerBase = Catch::TestEventListenerBase;
#endif

#include <unistd.h>
#include <csignal>
#include <cstdlib>
#include <string>

namespace {

std::string sentence;  // made before: a handler of signals may allocate nothing

void tell(int) {
    const ssize_t ignored = write(STDERR_FILENO, sentence.data(), sentence.size());
    static_cast<void>(ignored);
    std::abort();
}

// CONVOY_TEST_CASE_SECONDS, which ctest sets: whoever is in a debugger has time.
class Watchdog : public ListenerBase {
public:
    using ListenerBase::ListenerBase;
    void testCaseStarting(const Catch::TestCaseInfo& info) override {
        const char* const seconds = std::getenv("CONVOY_TEST_CASE_SECONDS");
        if (!seconds) return;
        sentence = "FAILED: this test case hangs: " + info.name + "\n";
        std::signal(SIGALRM, tell);
        alarm(unsigned(std::atoi(seconds)));
    }
    void testCaseEnded(const Catch::TestCaseStats&) override { alarm(0); }
};

CATCH_REGISTER_LISTENER(Watchdog)

}  // namespace

int main(int argc, char** argv) { return Catch::Session().run(argc, argv); }
