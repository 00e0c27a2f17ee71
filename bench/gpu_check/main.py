# SPDX-License-Identifier: MIT
"""Options, the order of the steps, and the table however it ends."""
import argparse
import os
import signal
import sys
import time

from gpu_check import compare, figures, table, tests
from gpu_check.check import FAILED, INTERRUPTED, PASSED, SKIPPED, Check, Interrupted, Result, Step, chosen, save
from gpu_check.machine import Machine

QUICK_BUDGET = 240  # seconds


def parse(arguments):
    p = argparse.ArgumentParser(prog="gpu-check", formatter_class=argparse.RawDescriptionHelpFormatter, description="""\
Runs the GPU tests and the main figures, and prints one table. Needs Linux, NVIDIA's driver and python3; cuDNN and
cuBLASLt are found in the loader's folders, in LD_LIBRARY_PATH, in Python's wheels or in /usr/local/cuda.
Exit status: 0 nothing failed, 1 something did (with --compare: something got slower), 2 wrong usage, 130 interrupted.""")
    p.add_argument("--quick", action="store_true", help="what is essential; --budget is 240 then, if it is not given")
    p.add_argument("--only", metavar="REGEX", help="only steps whose names match")
    p.add_argument("--list", action="store_true", help="list the steps, run none")
    p.add_argument("--out", default="results", metavar="DIR", help="where JSON, logs and the table go (default: results)")
    p.add_argument("--work", metavar="DIR", help="for what is made here and kept: weights, videos, which kernels are the "
                   "fastest (default: work/ beside this program; about 1 GB)")
    p.add_argument("--budget", type=float, metavar="SECONDS",
                   help="steps that do not fit into this time count as skipped (default: no limit)")
    p.add_argument("--failures", type=int, default=3, metavar="N", help="how often the failure tests are repeated (default: 3)")
    p.add_argument("--soak", type=int, default=20, metavar="SECONDS", help="how long a video goes round (default: 20)")
    p.add_argument("--require-gpu", nargs="?", type=int, const=1, default=0, metavar="N",
                   help="fewer than N GPUs (default: 1) is a failure")
    p.add_argument("--compare", metavar="DIR", help="the figures of another unpacked archive and of this one, turn by turn")
    p.add_argument("--turns", type=int, default=3, metavar="N", help="with --compare (default: 3)")
    options = p.parse_args(arguments)
    if options.budget is None:
        options.budget = QUICK_BUDGET if options.quick and not options.compare else float("inf")
    return options


def machine_step():
    def run(check):
        gpus, needed = len(check.machine.gpus), check.options.require_gpu
        text = check.machine.describe()
        if gpus < needed:
            return Result(FAILED, f"{text}; {needed} GPUs are required")
        return Result(PASSED if gpus else SKIPPED, text)
    return Step("machine", "GPUs and libraries", run, 60, True, 0)


def all_steps(check):
    return [machine_step(), *tests.steps(check), *figures.steps(check)]


def interrupt(number, _frame):
    raise Interrupted(number)


def run_all(check, steps):
    """[(Step, Result, seconds)], also when it is interrupted: the rest counts as skipped. (rows, how it ended)"""
    rows = []
    try:
        for number, step in enumerate(steps, 1):
            print(f"[{number}/{len(steps)}] {step.name}: {step.title} … ", end="", flush=True)
            result, seconds = check.take(step)
            rows.append((step, result, seconds))
            print(f"{result.status}, {seconds:.1f} s", flush=True)
    except Interrupted:
        signal.signal(signal.SIGINT, signal.SIG_IGN), signal.signal(signal.SIGTERM, signal.SIG_IGN)
        print("interrupted", flush=True)
        rows += [(s, Result(SKIPPED, "interrupted"), 0) for s in steps[len(rows):]]
        return rows, "interrupted"
    return rows, ""


def report(check, rows, note):
    seconds = time.monotonic() - check.started
    text = table.text(rows, seconds, note)
    save(f"{check.out}/results.json", {
        "convoy": check.manifest["convoy"], "machine": check.machine.describe(), "libraries": check.machine.libraries,
        "seconds": seconds,
        "steps": [{"name": s.name, "status": r.status, "seconds": t, "text": r.text, "cases": r.cases} for s, r, t in rows]})
    with open(f"{check.out}/table.txt", "w", encoding="utf-8") as f:
        f.write(text + "\n")
    print("\n" + text, flush=True)


def main(root, arguments=None):
    options = parse(arguments)
    if not os.path.exists(f"{root}/manifest.json"):
        print("gpu-check: no manifest.json beside me: make an archive with `make gpu-check` and unpack it", file=sys.stderr)
        return 2
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, interrupt)
    try:
        check = Check(root, options, Machine(os.environ))
        if options.compare:
            return compare.run(check, os.path.abspath(options.compare))
        steps = chosen(all_steps(check), options)
        if options.list:
            for step in steps:
                print(f"{step.name:<28} {'quick' if step.quick else '':<6} {step.title}")
            return 0
        if not steps:
            print(f"gpu-check: no step's name matches '{options.only}'; --list names them", file=sys.stderr)
            return 2
        print(f"Convoy {check.manifest['convoy']}\n{check.machine.describe()}", flush=True)
        rows, note = run_all(check, steps)
    except Interrupted:
        return INTERRUPTED
    report(check, rows, note)
    if any(result.status == FAILED for _, result, _ in rows):
        return 1
    return INTERRUPTED if note else 0
