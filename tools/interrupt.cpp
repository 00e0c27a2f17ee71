// SPDX-License-Identifier: MIT
#include "tools/interrupt.h"

#include <signal.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <utility>

#include "tools/exit_status.h"

namespace convoy::tools {
namespace {

constexpr std::int64_t kPatienceMs = 1000;   // from the signal until nobody is waited for
constexpr std::int64_t kLastWordsMs = 1500;  // … until the process ends though its last words are not out
constexpr std::int64_t kShortestMs = 1000;   // for these: a busy machine may take that long to free a network

std::atomic<bool> completing = false, interrupted = false;
std::atomic<std::int64_t> interrupted_at_ms = 0;
std::atomic<media::OutputLocks*> held = nullptr;
static_assert(std::atomic<int>::is_always_lock_free && std::atomic<bool>::is_always_lock_free &&
              std::atomic<std::int64_t>::is_always_lock_free &&
              std::atomic<media::OutputLocks*>::is_always_lock_free);  // in handlers

std::int64_t now_ms() {
    timespec now = {};
    clock_gettime(CLOCK_MONOTONIC, &now);
    return std::int64_t(now.tv_sec) * 1000 + now.tv_nsec / 1'000'000;
}

std::atomic<bool> drains = false, has_grace = false;
std::atomic<int> status_of_term = kInterrupted;
timer_t grace_timer = {};
itimerspec grace = {};

void on_signal(int number) {
    const int status = number == SIGTERM || drains ? status_of_term.load() : int(kInterrupted);
    // Schedulers tell every process of a step, and its script hands that on; and who was interrupted ends anyway.
    if (completing && drains && (number == SIGTERM || (number == SIGALRM && interrupted))) return;
    if (!completing || interrupted) {
        if (media::OutputLocks* locks = held.exchange(nullptr)) locks->release();
        _exit(status);
    }
    if (number == SIGTERM && has_grace) {
        drains = true;
        if (grace.it_value.tv_sec > 0 || grace.it_value.tv_nsec > 0) {
            timer_settime(grace_timer, 0, &grace, nullptr);
            return;
        }
    }
    interrupted_at_ms = now_ms();
    interrupted = true;
}

void handle(int number) {
    struct sigaction action = {};
    action.sa_handler = on_signal;
    action.sa_flags = SA_RESTART;
    sigemptyset(&action.sa_mask);
    sigaction(number, &action, nullptr);
}

/// Those that end a run come when this is gone.
class SignalsWait {
public:
    SignalsWait() {
        sigset_t set;
        sigemptyset(&set);
        for (const int number : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&set, number);
        pthread_sigmask(SIG_BLOCK, &set, &before_);
    }
    ~SignalsWait() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
    SignalsWait(const SignalsWait&) = delete;
    SignalsWait& operator=(const SignalsWait&) = delete;

private:
    sigset_t before_;
};

}  // namespace

void install_interrupt_handler() {
    for (const int number : {SIGINT, SIGTERM, SIGHUP}) {
        // Ignored under nohup, and in jobs that a script's shell runs in the background.
        struct sigaction inherited = {};
        if (sigaction(number, nullptr, &inherited) == 0 && inherited.sa_handler != SIG_IGN) handle(number);
    }
}

void grant_grace(double seconds, int status) {
    sigevent event = {};
    event.sigev_notify = SIGEV_SIGNAL;
    event.sigev_signo = SIGALRM;
    handle(SIGALRM);
    if (timer_create(CLOCK_MONOTONIC, &event, &grace_timer) != 0) return;  // then it is as short as can be
    const double whole = std::floor(seconds);
    grace.it_value = {time_t(whole), long((seconds - whole) * 1e9)};
    status_of_term = status;
    has_grace = true;
}

bool draining() { return drains; }

CompleteOnInterrupt::CompleteOnInterrupt() { completing = true; }

CompleteOnInterrupt::~CompleteOnInterrupt() {
    completing = false;
    const itimerspec none = {};
    if (has_grace) timer_settime(grace_timer, 0, &none, nullptr);
    if (!interrupted) return;
    const std::int64_t left_ms = std::max(interrupted_at_ms + kLastWordsMs - now_ms(), kShortestMs);
    itimerval timer = {};
    timer.it_value = {time_t(left_ms / 1000), suseconds_t(left_ms % 1000 * 1000)};
    handle(SIGALRM);
    setitimer(ITIMER_REAL, &timer, nullptr);
}

HeldOutputs::HeldOutputs(const std::function<media::OutputLocks()>& claim) {
    const SignalsWait waiting;
    locks_ = claim();
    held = &locks_;
}

void HeldOutputs::release() {
    if (held.exchange(nullptr)) locks_.release();
}

const std::atomic<bool>& CompleteOnInterrupt::requested() { return interrupted; }

bool interrupt_is_overdue() { return interrupted && now_ms() > interrupted_at_ms + kPatienceMs; }

}  // namespace convoy::tools
