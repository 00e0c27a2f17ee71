#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""yolo-run on live streams that come faster than it works.
usage: test_streams.py BIN MODELS"""
import json
import os
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(__file__))
import soak  # noqa: E402
from soak import Jpegs  # noqa: E402

BIN, MODELS = map(os.path.abspath, sys.argv[1:3])
RATE, FRAMES = 200, 500


def check(holds, what):
    if not holds:
        raise AssertionError(what)


def run(folder, *arguments):
    command = [f"{BIN}/yolo-run", "--device", "cpu", *arguments]
    child = subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=300)
    check(child.returncode == 0, f"{command}: status {child.returncode}: {child.stderr}")
    return child


def length_of(video):
    command = ["ffprobe", "-v", "error", "-show_entries", "format=duration", "-of", "csv=p=0", video]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def too_fast(folder, clip):
    """What is too old is dropped and counted, and what comes out keeps its numbers and times."""
    stream = Jpegs(1, clip, RATE)
    stream.start()
    child = run(folder, "--model", f"{MODELS}/yolov3-quarter", "--size", "608", stream.url, "--newest", "--frames", str(FRAMES),
                "--jsonl", "newest.jsonl", "--video", "newest.mp4", "--report-json", "report.json", "--metrics", "newest.prom")
    records = [json.loads(line) for line in open(f"{folder}/newest.jsonl")]
    numbers, times = [[r[name] for r in records] for name in ("frame", "time_s")]
    check(numbers == sorted(set(numbers)) and numbers[-1] == FRAMES - 1, f"numbers: {numbers}")
    check(times == sorted(set(times)), f"times: {times}")
    dropped = FRAMES - len(records)
    check(dropped > 0, f"{FRAMES} frames came at {RATE}/s, and none was dropped")
    report = json.load(open(f"{folder}/report.json"))
    check(report["dropped"] == dropped and report["inputs"][0]["dropped"] == dropped, report)
    check(report["frames"] == len(records) and report["age_of_live_frames"]["p99_ms"] > 0, report)
    check(f"{len(records)} frames, {dropped} dropped as too old, " in child.stderr, child.stderr)
    metrics = open(f"{folder}/newest.prom").read()
    check(f"\nconvoy_dropped_frames_total {dropped}\n" in metrics, metrics)
    check(re.search(rf"\nconvoy_input_dropped_frames_total{{input=.*}} {dropped}\n", metrics), metrics)
    lasts = length_of(f"{folder}/newest.mp4")
    check(abs(lasts - times[-1]) < .5, f"the video lasts {lasts} s, its last frame is at {times[-1]} s")

    child = run(folder, "--model", f"{MODELS}/yolov3-quarter", "--size", "96", stream.url, "--frames", "40", "--jsonl", "all.jsonl")
    check([json.loads(line)["frame"] for line in open(f"{folder}/all.jsonl")] == list(range(40)), "frames were dropped unasked")
    check("dropped" not in child.stderr, child.stderr)
    stream.over = True


def main():
    soak.UP_S, soak.DOWN_S = (3600, 3600), (0, 0)
    with tempfile.TemporaryDirectory() as folder:
        soak.make_clips(folder)
        too_fast(folder, f"{folder}/clip.mjpeg")
    print("ok")


if __name__ == "__main__":
    main()
