// SPDX-License-Identifier: MIT
//
// What SIGINT, SIGTERM and SIGHUP do to a command. For commands only: signal handlers are process-wide.
#pragma once

#include <atomic>
#include <functional>

#include "tools/media/output_locks.h"

namespace convoy::tools {

/// From now on a signal ends the process at once with status 130.
void install_interrupt_handler();

/// SIGTERM is a scheduler's word that the machine is wanted: from now on the first one sets draining(), and ends the
/// run as an interruption once so many seconds have gone by. Others that follow it change nothing, since schedulers and
/// scripts say it twice; SIGINT and SIGHUP end that time at once, and the process when they come again. Where there is
/// nothing to complete SIGTERM ends the process with `status`, and so does what comes behind it.
void grant_grace(double seconds, int status);
/// Whether SIGTERM has come since grace was granted.
bool draining();

/// While it lives, there is something to complete: the first signal sets a flag, only the second ends the process at
/// once (of SIGTERM, see grant_grace()). After it, when only words remain to be said, a signal ends the process again;
/// one that has come does so soon. One at a time.
class CompleteOnInterrupt {
public:
    CompleteOnInterrupt();
    ~CompleteOnInterrupt();
    CompleteOnInterrupt(const CompleteOnInterrupt&) = delete;
    CompleteOnInterrupt& operator=(const CompleteOnInterrupt&) = delete;

    /// Set once there was a signal that did not end the process: afterwards, too, for one that came at the last moment.
    static const std::atomic<bool>& requested();
};

/// A run's outputs while it lives. A signal that ends the process at once lets go of them before. One at a time.
class HeldOutputs {
public:
    /// What `claim` gives; signals wait for that.
    explicit HeldOutputs(const std::function<media::OutputLocks()>& claim);
    ~HeldOutputs() { release(); }
    HeldOutputs(const HeldOutputs&) = delete;
    HeldOutputs& operator=(const HeldOutputs&) = delete;
    void release();

private:
    media::OutputLocks locks_;
};

/// Whether the signal came so long ago that nobody is waited for any more who does not read what is written.
bool interrupt_is_overdue();

}  // namespace convoy::tools
