# SPDX-License-Identifier: MIT
"""Programs that are started, waited for, and killed with all their children when they hang."""
import os
import signal
import subprocess
import time
from dataclasses import dataclass


@dataclass
class Outcome:
    status: int  # of the process; negative: the signal that ended it
    seconds: float
    timed_out: bool = False

    @property
    def ok(self):
        return self.status == 0 and not self.timed_out

    def why(self):
        """What went wrong, for people; empty if nothing did."""
        if self.timed_out:
            return f"hung: killed after {self.seconds:.0f} s"
        if self.status < 0:
            return f"crashed: {signal.Signals(-self.status).name}"
        return f"exit status {self.status}" if self.status else ""


def kill_group(process):
    """The process and every child of it that made no session of its own."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    process.wait()


def run(command, env, timeout, log, out=None):
    """Runs it, what it says appended to `log`, its standard output in `out` if that is named. OSError if it does not
    start."""
    start = time.monotonic()
    with open(log, "ab") as said, open(out or os.devnull, "wb") as output:
        process = subprocess.Popen(command, env=env, stdin=subprocess.DEVNULL, stdout=output if out else said, stderr=said,
                                   start_new_session=True)
        try:
            status, timed_out = process.wait(timeout), False
        except subprocess.TimeoutExpired:
            status, timed_out = 1, True
        finally:  # an interruption comes out of wait() as an exception; children may outlive a parent that crashed
            kill_group(process)
    return Outcome(status, time.monotonic() - start, timed_out)


def last_line(path):
    """What a program said last, by the log of a step, where each command stands behind a `$`."""
    with open(path, encoding="utf-8", errors="replace") as f:
        lines = [line.strip() for line in f if line.strip()]
    return lines[-1] if lines and not lines[-1].startswith("$ ") else "it said nothing"
