#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Whole commands, wall clock from start to exit, on 1, 2, … GPUs, turn by turn: each GPU has its share of the cores, since
idle cores decode, too. A first run of each kind, which may have kernels to measure, does not count. Prints a table of
medians and spreads; --json writes all of it, --svg draws it. --peer names a program beside it that takes CFG INPUT --gpus
N, and --peer-input what it gets. --ffmpeg names one that makes the same kind of video beside it, undrawn: x264 and
Motion JPEG by one process with one thread for each core, an overlay's packets by one that copies them. Exit status 1 when records of one input differ in more than their latency.
usage: command.py BIN CFG WEIGHTS INPUT... [--gpus 1,2] [--turns 5] [--outputs jsonl,mp4] [-- OPTIONS of yolo-run]"""
import argparse
import hashlib
import html
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time

OUTPUTS = {"jsonl": (["--jsonl"], "jsonl"), "mp4": (["--video"], "mp4"), "mjpeg": (["--encoder", "jpeg", "--video"], "avi"),
           "overlay": (["--overlay"], "mkv")}  # options, ending


def parse(arguments):
    more = []
    if "--" in arguments:
        at = arguments.index("--")
        arguments, more = arguments[:at], arguments[at + 1:]
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("bin", "cfg", "weights"):
        p.add_argument(name)
    p.add_argument("inputs", nargs="+")
    p.add_argument("--gpus", default="1,2", help="how many GPUs, each count a column (default: 1,2)")
    p.add_argument("--turns", type=int, default=5)
    p.add_argument("--warmup", type=int, default=1, help="runs that do not count (default: 1)")
    p.add_argument("--outputs", default="jsonl", help="of " + ", ".join(OUTPUTS))
    for name in ("json", "svg", "peer", "peer-input", "ffmpeg"):
        p.add_argument(f"--{name}", metavar="FILE")
    a = p.parse_args(arguments)
    a.gpus, a.outputs, a.more = [int(g) for g in a.gpus.split(",")], a.outputs.split(","), more
    if unknown := set(a.outputs) - set(OUTPUTS):
        p.error(f"--outputs: {', '.join(unknown)} is none of {', '.join(OUTPUTS)}")
    return a


def digest(path):
    """Of records, but for how long each frame took."""
    sha = hashlib.sha256()
    with open(path, "rb") as f:
        for line in f:
            sha.update(re.sub(rb'"latency_ms":[^,}]*', b"", line))
    return sha.hexdigest()[:12]


def cores_of(a, gpus):
    cores = sorted(os.sched_getaffinity(0))
    return cores[:max(1, len(cores) * gpus // max(a.gpus))]


def timed(a, gpus, command):
    """Seconds from start to exit, on so many GPUs and their share of the cores."""
    share = cores_of(a, gpus)
    visible = os.environ.get("CUDA_VISIBLE_DEVICES", ",".join(map(str, range(max(a.gpus))))).split(",")[:gpus]
    command = ["taskset", "-c", ",".join(map(str, share)), *command]
    start = time.monotonic()
    done = subprocess.run(command, env={**os.environ, "CUDA_VISIBLE_DEVICES": ",".join(visible)}, capture_output=True, text=True)
    seconds = time.monotonic() - start
    if done.returncode:
        sys.exit(f"{' '.join(command)}: status {done.returncode}\n{done.stderr[-2000:]}")
    return seconds


def measure(a, source, output, gpus, folder):
    """(seconds, report, digest of the records)"""
    options, ending = OUTPUTS[output]
    out, report = f"{folder}/out.{ending}", f"{folder}/report.json"
    seconds = timed(a, gpus, [f"{a.bin}/yolo-run", "--cfg", a.cfg, "--weights", a.weights, "--quiet", "--report-json", report,
                              *options, out, *a.more, source])
    with open(report, encoding="utf-8") as f:
        return seconds, json.load(f), digest(out) if output == "jsonl" else ""


def preset_of(a):
    return a.more[a.more.index("--preset") + 1] if "--preset" in a.more else "veryfast"


def ffmpeg(a, source, output, gpus, folder):
    """Seconds that FFMPEG takes for the same kind of output."""
    share = cores_of(a, gpus)
    head = [a.ffmpeg, "-v", "error", "-nostdin", "-y"]
    if output == "overlay":
        jobs = [[*head, "-i", source, "-c", "copy", f"{folder}/copy.mkv"]]
    else:
        encoding = (["-c:v", "mjpeg", "-pix_fmt", "yuvj420p", "-q:v", "3"] if output == "mjpeg" else
                    ["-c:v", "libx264", "-preset", preset_of(a), "-crf", "23"])
        ending = OUTPUTS[output][1]
        told = subprocess.run([a.ffmpeg, "-i", source], capture_output=True, text=True).stderr
        h, m, s = re.search(r"Duration: (\d+):(\d+):([\d.]+)", told).groups()
        part = (3600 * int(h) + 60 * int(m) + float(s)) / len(share)
        jobs = [["taskset", "-c", str(core), *head, "-threads", "1", "-ss", f"{i * part:.3f}", "-t", f"{part:.3f}", "-i", source,
                 "-an", "-threads", "1", *encoding, f"{folder}/part{i}.{ending}"]
                for i, core in enumerate(share)]
    start = time.monotonic()
    running = [subprocess.Popen(job) for job in jobs]
    if any([p.wait() for p in running]):
        sys.exit(f"{a.ffmpeg} has failed")
    return time.monotonic() - start


def row_of(source, output, gpus, runs):
    seconds = [s for s, _, _ in runs]
    report = runs[-1][1]
    return {"input": os.path.basename(source), "output": output, "gpus": gpus, "devices": len(report["devices"]),
            "frames": report["frames"], "seconds": seconds, "median_s": statistics.median(seconds),
            "run_fps": statistics.median(r["frames"] / r["seconds"] for _, r, _ in runs),
            "latency_ms": statistics.median(r["latency"]["median_ms"] for _, r, _ in runs),
            "on_gpu": sum(i["decoded_on_gpu"] for i in report["inputs"]),
            "segments": sum(i["segments"] for i in report["inputs"]), "records": sorted({d for _, _, d in runs})}


def svg(rows):
    """A bar per row: wall clock, on a scale of its own for each input."""
    left, width, height = 260, 420, 20
    colours = ("#4c78a8", "#54a24b", "#f58518", "#b279a2")
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{left + width + 90}" height="{height * len(rows) + 20}" '
           'font-family="sans-serif" font-size="12"><rect width="100%" height="100%" fill="#fff"/>']
    for i, r in enumerate(rows):
        most = max(other["median_s"] for other in rows if other["input"] == r["input"])
        y, bar = 10 + height * i, width * r["median_s"] / most
        name = f"{r['input']} to {r['output']}, {r['gpus']} GPU{'s' * (r['gpus'] > 1)}"
        out.append(f'<text x="{left - 10}" y="{y + 13}" text-anchor="end">{html.escape(name)}</text>'
                   f'<rect x="{left}" y="{y + 2}" width="{bar:.1f}" height="{height - 5}" fill="{colours[(r["gpus"] - 1) % 4]}"/>'
                   f'<text x="{left + bar + 6:.1f}" y="{y + 13}">{r["median_s"]:.2f} s</text>')
    return "\n".join([*out, "</svg>"]) + "\n"


def main():
    a = parse(sys.argv[1:])
    rows, differ = [], False
    print(f"{'input':<16} {'output':<6} {'frames':>7} {'GPUs':>4} {'used':>4} {'wall s':>7}  {'spread':<13} {'frames/s in the run':>19} "
          f"{'latency ms':>10} {'segments by GPU':>15}", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        for source in a.inputs:
            for output in a.outputs:
                kinds = {gpus: [] for gpus in a.gpus}
                for _ in range(a.warmup):
                    for gpus in a.gpus:
                        measure(a, source, output, gpus, folder)
                for _ in range(a.turns):
                    for gpus in a.gpus:
                        kinds[gpus].append(measure(a, source, output, gpus, folder))
                peers = {gpus: [] for gpus in a.gpus if a.ffmpeg and output != "jsonl"}
                for _ in range(a.turns):
                    for gpus, seconds in peers.items():
                        seconds.append(ffmpeg(a, source, output, gpus, folder))
                for gpus, runs in kinds.items():
                    r = row_of(source, output, gpus, runs)
                    rows.append(r)
                    spread = f"{min(r['seconds']):.2f} … {max(r['seconds']):.2f}"
                    print(f"{r['input']:<16} {output:<6} {r['frames']:>7} {gpus:>4} {r['devices']:>4} {r['median_s']:>7.2f}  "
                          f"{spread:<13} {r['run_fps']:>19,.0f} {r['latency_ms']:>10.2f} {r['on_gpu']:>8} of {r['segments']}", flush=True)
                    if peers:
                        r = {"input": r["input"], "output": "ffmpeg", "gpus": gpus, "frames": r["frames"],
                             "seconds": peers[gpus], "median_s": statistics.median(peers[gpus])}
                        rows.append(r)
                        print(f"{r['input']:<16} {'ffmpeg':<7} {r['frames']:>6} {gpus:>4} {'':>4} {r['median_s']:>7.2f}  "
                              f"{min(r['seconds']):.2f} … {max(r['seconds']):.2f}   {r['frames'] / r['median_s']:>19,.0f}", flush=True)
                if len({d for runs in kinds.values() for _, _, d in runs}) > 1:
                    differ = True
                    print(f"{source}: records differ", flush=True)
    if a.peer:
        source = a.peer_input or a.inputs[0]
        for gpus in a.gpus:
            seconds = timed(a, gpus, [sys.executable, a.peer, a.cfg, source, "--gpus", str(gpus)])
            print(f"{os.path.basename(source):<16} {os.path.basename(a.peer)} on {gpus} GPUs: {seconds:.2f} s wall", flush=True)
            rows.append({"input": os.path.basename(source), "output": os.path.basename(a.peer), "gpus": gpus,
                         "seconds": [seconds], "median_s": seconds})
    if a.svg:
        with open(a.svg, "w", encoding="utf-8") as f:
            f.write(svg(rows))
    if a.json:
        with open(a.json, "w", encoding="utf-8") as f:
            json.dump(rows, f, indent=1)
    return int(differ)


if __name__ == "__main__":
    sys.exit(main())
