#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes the table of docs/models.md: every detection cfg of Darknet's repositories, and what becomes of it here.

  docs/models.py --bin build/bin --picture PICTURE --write NAME=FOLDER [NAME=FOLDER ...]

FOLDER is a checkout's cfg/; its files are read, not copied. Each cfg is loaded by yolo-inspect, given random weights
and run on PICTURE on the CPU at a small size. Without --write the table goes to standard output.
"""
import argparse
import pathlib
import re
import subprocess
import sys
import tempfile

BEGIN, END = "<!-- models: docs/models.py --write -->", "<!-- end of the models -->"
HEAD = re.compile(r"^\s*\[\s*(yolo|region|Gaussian_yolo|detection)\s*\]", re.MULTILINE)
SIDE = "128"  # of which every stride is a divisor


def call(*command, timeout=300):
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=timeout)
    except subprocess.TimeoutExpired:
        return 124, "", f"took longer than {timeout} s"
    return done.returncode, done.stdout, done.stderr


def reason(path, text):
    lines = [line for line in text.splitlines() if "error" in line or "longer" in line]
    return lines[-1].split("error: ", 1)[-1].replace(str(path), path.name).replace("|", "\\|") if lines else "no reason"


def judge(path, options, folder):
    """What becomes of the cfg, as the cells of a row."""
    status, out, err = call(options.bin / "yolo-inspect", path)
    if status != 0:
        return "", "no", "", reason(path, err)
    warnings = err.count("warning:")
    size = re.findall(r"^(\d+) layers, .*?([\d.]+) BFLOPs a picture of (\d+) x (\d+)$", out, re.MULTILINE)[0]
    what = f"{size[0]} layers, {float(size[1]):.3g} BFLOPs at {size[2]}×{size[3]}"
    note = f"{warnings} warning{'s' if warnings > 1 else ''}" if warnings else ""
    # A fully connected layer has weights for one size alone.
    side = ["--size", SIDE] if "[connected]" not in path.read_text(errors="replace") else []
    weights = folder / "random.weights"
    status, _, err = call(options.bin / "yolo-make-weights", path, weights, *side)
    if status == 0:
        status, _, err = call(options.bin / "yolo-run", "--cfg", path, "--weights", weights, *side, "--device", "cpu",
                              "-q", "--jsonl", folder / "out.jsonl", options.picture)
    return what, "yes", "yes" if status == 0 else "no", note if status == 0 else reason(path, err)


def table(options):
    rows, counts = [], {}
    known = {}  # the text of a cfg that several repositories have
    with tempfile.TemporaryDirectory() as temporary:
        for named in options.folders:
            name, _, root = named.partition("=")
            for path in sorted(pathlib.Path(root).rglob("*.cfg")):
                text = path.read_text(errors="replace")
                heads = list(dict.fromkeys(HEAD.findall(text)))
                if not heads:
                    continue
                if text not in known:
                    known[text] = judge(path, options, pathlib.Path(temporary))
                    print(path.name, known[text], file=sys.stderr)
                what, loads, runs, note = known[text]
                rows.append((str(path.relative_to(root)), name, ", ".join(heads), what, loads, runs, note))
                count = counts.setdefault(name, [0, 0, 0])
                count[0] += 1
                count[1] += loads == "yes"
                count[2] += runs == "yes"
    lines = [f"* {name}: of {n} cfgs with a head, {loaded} load and {ran} run on the CPU."
             for name, (n, loaded, ran) in counts.items()]
    lines += ["", "| cfg | repository | heads | what it is | loads | runs | note |", "|---|---|---|---|---|---|---|"]
    for row in sorted(rows):
        lines.append("| `" + row[0] + "` | " + " | ".join(row[1:]) + " |")
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", type=pathlib.Path, required=True, help="folder of the built programs")
    parser.add_argument("--picture", type=pathlib.Path, required=True)
    parser.add_argument("--write", action="store_true", help="into docs/models.md")
    parser.add_argument("folders", nargs="+", metavar="NAME=FOLDER")
    options = parser.parse_args()
    text = table(options)
    if not options.write:
        print(text)
        return
    page = pathlib.Path(__file__).with_name("models.md")
    before, rest = page.read_text().split(BEGIN)
    page.write_text(before + BEGIN + "\n" + text + "\n" + END + rest.split(END)[1])


main()
