#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Compares two results of convoy-bench, measured on the same machine, and fails when the second one is slower.

BEFORE and AFTER are files, or folders of such files: NAME.json in one is compared with NAME.json in the other, and of
NAME.1.json, NAME.2.json, … , which are turns of one measurement, the medians. Every time that both have is listed with the
ratio of the medians; a rate counts as the time of one frame. It is a regression when it grew by more than the tolerance and by
more than the two measurements scatter. Times of the libraries and of single candidates are left out: what counts is our best.
Exit status: 0 nothing slower, 1 a regression, 2 nothing to compare.
usage: compare.py BEFORE AFTER [--tolerance 5]"""
import argparse
import json
import os
import re
import statistics
import sys

NOT_OURS = ("library", "rows", "device")
NAMES = ("problem", "name")
MIN_WIDTH = 34  # of the names, so that figures stand below each other
SUMS = ("ours_us", "fastest_us")  # of all convolutions


def times(node):
    """(what, median, scatter) of the times and rates that an object itself holds; scatter is a share of the median."""
    for unit in ("us", "ms"):
        if median := node.get(f"median_{unit}"):
            yield "", median, node.get("spread", (node[f"max_{unit}"] - node[f"min_{unit}"]) / median / 2)
    if rates := node.get("fps_of_each"):
        yield "ms a frame", 1e3 / node["fps"], (max(rates) - min(rates)) / node["fps"] / 2
        if "latency_ms" in node:
            yield "latency, ms", node["latency_ms"], 0
    for key in SUMS:
        if key in node:
            yield key, node[key], 0


def measurements(node, path=()):
    """(name, median, scatter) of every object that holds a time."""
    if isinstance(node, list):
        for i, item in enumerate(node):
            name = next((str(item[k]) for k in NAMES if k in item), str(i)) if isinstance(item, dict) else str(i)
            yield from measurements(item, path + (name,))
        return
    if not isinstance(node, dict):
        return
    for what, median, scatter in times(node):
        yield " ".join(filter(None, (*path, what))), median, scatter
    for key, value in node.items():
        if key not in NOT_OURS:
            yield from measurements(value, path if key in ("convolutions", "cases") else path + (key,))


def load(path):
    with open(path, encoding="utf-8") as f:
        return json.load(f)


def facts(file):
    """What must be the same for times to be comparable. A model is known by its name, wherever it lies."""
    out = {key: file.get(key) for key in ("bench", "model", "input", "precision", "batch")}
    out["model"] = os.path.splitext(os.path.basename(str(out["model"])))[0]
    return out


def turns(path):
    """{name: [JSON of a turn, …]}; of a single file the name is empty."""
    if not os.path.isdir(path):
        return {"": [load(path)]}
    out = {}
    for file in sorted(os.listdir(path)):
        if match := re.fullmatch(r"(.+?)(\.\d+)?\.json", file):
            out.setdefault(match[1], []).append(load(f"{path}/{file}"))
    return out


def combined(files):
    """{name: (median, scatter)} over all turns: of several, how far they are apart is the scatter."""
    every = [{name: (median, scatter) for name, median, scatter in measurements(f)} for f in files]
    out = {}
    for name in every[0]:
        medians = [turn[name][0] for turn in every if name in turn]
        median = statistics.median(medians)
        out[name] = (median, (max(medians) - min(medians)) / median / 2) if len(medians) > 1 else every[0][name]
    return out


def compare(before, after, title, bench, tolerance):
    """Prints the times that both have. (how many, how many of them slower)"""
    both = [name for name in before if name in after]
    names = {name: " ".join(filter(None, (title, name))) or bench for name in before}
    width = max([len(name) for name in names.values()] + [MIN_WIDTH])
    regressions = 0
    for name in both:
        (old, old_scatter), (new, new_scatter) = before[name], after[name]
        ratio = new / old
        noise = max(tolerance / 100, old_scatter + new_scatter)
        verdict = "SLOWER" if ratio > 1 + noise else "faster" if ratio < 1 / (1 + noise) else ""
        regressions += verdict == "SLOWER"
        print(f"{names[name]:<{width}}  {old:>11.3f} {new:>11.3f}  x{ratio:.3f}  (noise {100 * noise:.1f} %)  {verdict}".rstrip())
    for name in before:
        if name not in after:
            print(f"{names[name]}: not measured any more")
    return len(both), regressions


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("before")
    parser.add_argument("after")
    parser.add_argument("--tolerance", type=float, default=5, help="per cent (default 5)")
    a = parser.parse_args()
    before, after = turns(a.before), turns(a.after)
    compared = regressions = 0
    devices, odd = set(), False
    for title, old in before.items():
        new = after.get(title)
        if not new:
            print(f"{title}: not measured any more")
            continue
        devices |= {f.get("device", {}).get("name", "") for f in old + new if isinstance(f.get("device"), dict)}
        differ = [f"{key} is {value} in {a.before} and {facts(new[0])[key]} in {a.after}"
                  for key, value in facts(old[0]).items() if value != facts(new[0])[key]]
        if differ:
            print(f"not comparable: {title} {'; '.join(differ)}".replace(":  ", ": "), file=sys.stderr)
            odd = True
            continue
        count, slower = compare(combined(old), combined(new), title, str(old[0].get("bench")), a.tolerance)
        compared, regressions = compared + count, regressions + slower
    if len(devices) > 1:
        print(f"note: measured on different devices, {' and '.join(sorted(devices))}")
    if odd and not regressions:
        return 2
    if not compared:
        print("nothing to compare: they have no measurement in common", file=sys.stderr)
        return 2
    print(f"{compared} times compared, {regressions} slower")
    return 1 if regressions else 0


sys.exit(main())
