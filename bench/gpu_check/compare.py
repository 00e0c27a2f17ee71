# SPDX-License-Identifier: MIT
"""The figures of two archives, turn by turn, on one machine: A B A B …"""
import os
import shutil
import subprocess
import sys

from gpu_check import figures
from gpu_check.check import FAILED, INTERRUPTED, PASSED, Archive, Interrupted, chosen, python


def take(check, step, archive, name):
    """One figure of one archive: its files, moved to `name`, which is a path without its .json."""
    check.archive = archive
    result, seconds = check.take(step)
    print(f"  {name or 'to get warm'}: {result.status}, {seconds:.1f} s, {result.text}", flush=True)
    if result.status == PASSED and name:
        os.makedirs(os.path.dirname(f"{check.out}/{name}"), exist_ok=True)
        shutil.move(check.path(".json"), f"{check.out}/{name}.json")
    return result


def figure(check, step, sides):
    """False if it failed on either side; a figure that cannot be had here is left out."""
    for turn in range(check.options.turns + 1):  # the first one measures kernels, and does not count
        for side, archive in sides.items():
            result = take(check, step, archive, f"{side}/{step.name}.{turn}" if turn else "")
            if result.status != PASSED:
                return result.status != FAILED
    return True


def run(check, other):
    """Before is the other archive, after is this one. bench/compare.py has the last word."""
    if not os.path.isdir(f"{other}/bin"):
        print(f"gpu-check: {other} is no unpacked archive: it has no folder bin", file=sys.stderr)
        return 2
    sides = {"before": Archive(other, f"{check.work}/cache-before"), "after": Archive(check.root, f"{check.work}/cache-after")}
    for side in sides:
        shutil.rmtree(f"{check.out}/{side}", ignore_errors=True)
        os.makedirs(f"{check.out}/{side}")
    steps = [s for s in chosen(figures.steps(check), check.options) if s.compared]
    print(f"{check.machine.describe()}\nbefore: {other}\nafter:  {check.root}", flush=True)
    good, ended = True, 0
    try:
        for step in steps:
            print(f"{step.name}: {step.title}", flush=True)
            good &= figure(check, step, sides)
    except Interrupted:
        ended = INTERRUPTED
    done = subprocess.run([python(), f"{check.root}/bench/compare.py", f"{check.out}/before", f"{check.out}/after"],
                          stdout=subprocess.PIPE, text=True)
    with open(f"{check.out}/comparison.txt", "w", encoding="utf-8") as f:
        f.write(done.stdout)
    print(done.stdout, end="", flush=True)
    return done.returncode or ended or (0 if good else 1)
