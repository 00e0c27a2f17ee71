#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Network only, Convoy beside OpenCV's dnn: turn by turn in one run, as ratios.

Each round runs one process of each, both timing only the network (after a warm-up) with all cores. More than one Python may be
named, e.g. one with the PyPI wheel and the system's with Debian's package.
usage: compare_opencv.py CONVOY_BENCH CFG WEIGHTS SIZE [--rounds 7] [--passes 10] [--python python3 --python /usr/bin/python3]"""
import argparse
import json
import os
import re
import statistics
import subprocess
import tempfile


def sized_cfg(cfg, size, folder):
    """OpenCV takes the input size from the cfg alone."""
    text = open(cfg).read()
    for key in ("width", "height"):
        text = re.sub(rf"(?m)^\s*{key}\s*=.*$", f"{key}={size}", text, count=1)
    path = os.path.join(folder, "network.cfg")
    open(path, "w").write(text)
    return path


def convoy(a, folder):
    path = os.path.join(folder, "convoy.json")
    subprocess.run([a.bench, "network", "--cfg", a.cfg, "--weights", a.weights, "--size", str(a.size), "--precision", "fp32", "--passes", str(a.passes),
                    "--json", path], check=True, stdout=subprocess.DEVNULL)
    return json.load(open(path))["ms_per_picture"]


def opencv(a, python, cfg):
    script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "opencv_network.py")
    out = subprocess.run([python, script, cfg, a.weights, str(a.size), str(a.passes)], check=True, capture_output=True, text=True)
    version, ms = out.stdout.split()
    return version, float(ms)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("bench")
    p.add_argument("cfg")
    p.add_argument("weights")
    p.add_argument("size", type=int)
    p.add_argument("--rounds", type=int, default=7)
    p.add_argument("--passes", type=int, default=10)
    p.add_argument("--python", action="append")
    a = p.parse_args()
    pythons = a.python or ["python3"]
    ours, theirs, versions = [], {x: [] for x in pythons}, {}
    with tempfile.TemporaryDirectory() as folder:
        cfg = sized_cfg(a.cfg, a.size, folder)
        for _ in range(a.rounds):
            ours.append(convoy(a, folder))
            for python in pythons:
                versions[python], ms = opencv(a, python, cfg)
                theirs[python].append(ms)
    name = os.path.basename(a.cfg)
    print(f"{name} {a.size}: convoy {statistics.median(ours):.1f} ms ({min(ours):.1f}-{max(ours):.1f}), {a.rounds} rounds")
    for python in pythons:
        ratios = [t / o for t, o in zip(theirs[python], ours)]
        print(f"  OpenCV {versions[python]}: {statistics.median(theirs[python]):.1f} ms ({min(theirs[python]):.1f}-{max(theirs[python]):.1f}); "
              f"convoy is {statistics.median(ratios):.2f}x as fast (round by round {min(ratios):.2f}-{max(ratios):.2f})")


main()
