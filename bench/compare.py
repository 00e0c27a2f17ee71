#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Compares two results of convoy-bench, measured on the same machine, and fails when the second one is slower.

Every time in BEFORE that AFTER has as well is listed with the ratio of the medians. It is a regression when it grew by more than the
tolerance and by more than the two measurements scatter. Times of the libraries and of single candidates are left out: what counts
is our best. Exit status: 0 nothing slower, 1 a regression, 2 nothing to compare.
usage: compare.py BEFORE.json AFTER.json [--tolerance 5]"""
import argparse
import json
import sys

NOT_OURS = ("library", "rows", "device")
NAMES = ("problem", "name")


def measurements(node, path=()):
    """(name, median, scatter) of every object that holds a median; scatter is a share of it."""
    if isinstance(node, list):
        for i, item in enumerate(node):
            name = next((str(item[k]) for k in NAMES if k in item), str(i)) if isinstance(item, dict) else str(i)
            yield from measurements(item, path + (name,))
        return
    if not isinstance(node, dict):
        return
    for unit in ("us", "ms"):
        median = node.get(f"median_{unit}")
        if median:
            scatter = node.get("spread", (node[f"max_{unit}"] - node[f"min_{unit}"]) / median / 2)
            yield " ".join(path) or node.get("bench", "all"), median, scatter
    for key, value in node.items():
        if key not in NOT_OURS:
            yield from measurements(value, path if key in ("convolutions", "cases") else path + (key,))


def load(path):
    with open(path, encoding="utf-8") as f:
        return json.load(f)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("before")
    parser.add_argument("after")
    parser.add_argument("--tolerance", type=float, default=5, help="per cent (default 5)")
    a = parser.parse_args()
    files = load(a.before), load(a.after)
    for key in ("bench", "model", "input", "precision", "batch"):
        if files[0].get(key) != files[1].get(key):
            print(f"not comparable: {key} is {files[0].get(key)} in {a.before} and {files[1].get(key)} in {a.after}", file=sys.stderr)
            return 2
    devices = [f.get("device", {}).get("name", "") for f in files]
    if devices[0] != devices[1]:
        print(f"note: measured on different devices, {devices[0]} and {devices[1]}")

    before, after = ({name: (median, scatter) for name, median, scatter in measurements(f)} for f in files)
    both = [name for name in before if name in after]
    if not both:
        print("nothing to compare: the two files have no measurement in common", file=sys.stderr)
        return 2
    width = max(map(len, both))
    regressions = 0
    for name in both:
        (old, old_scatter), (new, new_scatter) = before[name], after[name]
        ratio = new / old
        noise = max(a.tolerance / 100, old_scatter + new_scatter)
        verdict = "SLOWER" if ratio > 1 + noise else "faster" if ratio < 1 / (1 + noise) else ""
        regressions += verdict == "SLOWER"
        print(f"{name:<{width}}  {old:>11.3f} {new:>11.3f}  x{ratio:.3f}  (noise {100 * noise:.1f} %)  {verdict}".rstrip())
    for name in before:
        if name not in after:
            print(f"{name}: not measured any more")
    print(f"{len(both)} times compared, {regressions} slower")
    return 1 if regressions else 0


sys.exit(main())
