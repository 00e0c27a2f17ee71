#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The recipes of docs/usage.md, run on the shipped clip with the demo model: each ends well and leaves what it names.
usage: test_recipes.py BIN MODELS USAGE.MD"""
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile

# What a reader has in place of these: the demo model, and a clip that is shorter than a film.
INSTEAD = {"--model yolov3 ": "", "--start 42:00 --stop 43:00": "--start 1 --stop 3"}
RESULTS = re.compile(r"--(?:jsonl|csv|coco|mot|cvat|yolo|label-studio|crops|video|overlay|pictures|contact-sheet|report-\w+|trace|"
                     r"zone-\w+) (\S+)")
ZONES = {"unit": "share", "lines": [{"name": "door", "points": [[0, 0.6], [1, 0.6]]}]}


def recipes(page):
    """(task, command) of each command under "## Recipes"."""
    with open(page, encoding="utf-8") as f:
        block = re.search(r"^## Recipes\n.*?^```sh\n(.*?)^```", f.read(), re.S | re.M).group(1)
    found = []
    for line in block.splitlines():
        if line.startswith("# "):
            task = line[2:]
        else:
            found.append((task, line))
    return found


def make_inputs(folder, models):
    for name in ("street.mp4", "night.mp4", "square.mp4", "film.mkv"):
        subprocess.run(["ffmpeg", "-v", "error", "-i", f"{models}/pedestrians.mp4", "-t", "4", "-c", "copy", f"{folder}/{name}"], check=True)
    os.mkdir(f"{folder}/pictures")
    subprocess.run(["ffmpeg", "-v", "error", "-i", f"{folder}/street.mp4", "-frames:v", "2", f"{folder}/pictures/%d.jpg"], check=True)
    with open(f"{folder}/door.json", "w", encoding="utf-8") as f:
        json.dump(ZONES, f)


def run(binaries, folder, task, command):
    for text, other in INSTEAD.items():
        command = command.replace(text, other)
    where = {**os.environ, "PATH": f"{binaries}:{os.environ['PATH']}"}
    quick = re.sub(r"^yolo-run ", "yolo-run --device cpu ", command)
    if "--stop" not in quick and "--print-config" not in quick:
        quick = quick.replace("yolo-run ", "yolo-run --frames 12 ", 1)
    done = subprocess.run(["bash", "-c", quick], cwd=folder, env=where, capture_output=True, text=True, timeout=120)
    if done.returncode:
        return f"{task}: {command}: status {done.returncode}: {done.stderr[-500:]}"
    missing = [path for path in RESULTS.findall(command)
               if path != "-" and not (os.path.isfile(f"{folder}/{path}") or os.path.isdir(f"{folder}/{path}") and os.listdir(f"{folder}/{path}"))]
    return f"{task}: {command}: no {', '.join(missing)}" if missing else ""


def main():
    binaries, models, page = map(os.path.abspath, sys.argv[1:4])
    if not shutil.which("ffmpeg") or not shutil.which("bash"):
        print("skipped: ffmpeg or bash is not installed")
        return 77
    found = recipes(page)
    if len(found) < 8:
        print(f"only {len(found)} recipes found in {page}")
        return 1
    with tempfile.TemporaryDirectory() as folder:
        make_inputs(folder, models)
        failures = [error for task, command in found if (error := run(binaries, folder, task, command))]
    print(f"{len(found)} recipes", *failures, sep="\n")
    return int(bool(failures))


if __name__ == "__main__":
    sys.exit(main())
