#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What --metrics writes into a file, while a run goes on and after it, and answers at a port, says what the records say.
usage: test_metrics.py BIN MODELS [--reader prometheus_client]   Without --reader: a small checker of its own."""
import collections
import fcntl
import json
import os
import re
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

BIN, MODELS = map(os.path.abspath, sys.argv[1:3])
FRAMES = 24
NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\"n])*)"(,|$)')
ESCAPES = {r"\\": "\\", r"\"": '"', r"\n": "\n"}


def check(holds, what):
    if not holds:
        raise AssertionError(what)


def own_reader(text):
    """By name and labels; each family once, with its help and type in front of its values."""
    check(text.endswith("\n"), "its last line is cut off")
    values, family, kind, families = {}, None, None, set()
    for line in text.splitlines():
        if line.startswith("# HELP "):
            family = line.split(" ", 3)[2]
            check(family not in families and len(line.split(" ", 3)) == 4, line)
            families.add(family)
            continue
        if line.startswith("# TYPE "):
            check(line.split(" ")[2] == family and line.split(" ")[3] in ("counter", "gauge", "histogram"), line)
            kind = line.split(" ")[3]
            continue
        name = NAME.match(line)[0]
        check(name == family or kind == "histogram" and name in [family + end for end in ("_bucket", "_sum", "_count")], line)
        check(kind != "counter" or name.endswith("_total"), line)
        rest, labels = line[len(name):], {}
        if rest.startswith("{"):
            inside, rest = rest[1:].rsplit("}", 1)
            while inside:
                found = LABEL.match(inside)
                check(found and found[1] not in labels, line)
                labels[found[1]] = re.sub(r"\\.", lambda escape: ESCAPES[escape[0]], found[2])
                inside = inside[found.end():]
        key = (name, frozenset(labels.items()))
        check(rest.startswith(" ") and key not in values, line)
        values[key] = float(rest)
    return values


def prometheus_client(text):
    from prometheus_client.parser import text_string_to_metric_families
    values = {}
    for family in text_string_to_metric_families(text):
        check(family.documentation and family.type in ("counter", "gauge", "histogram"), family.name)
        for sample in family.samples:
            key = (sample.name, frozenset(sample.labels.items()))
            check(key not in values, f"{key} is there twice")
            values[key] = sample.value
    check(values == own_reader(text), "the two readers do not agree")
    return values


def value(values, name, **labels):
    return values[(f"convoy_{name}", frozenset(labels.items()))]


def check_final(values, records, clip):
    classes = collections.Counter((str(d["class_id"]), d["class"]) for r in records for d in r["detections"])
    found = {(dict(labels)["class_id"], dict(labels)["class"]): int(number) for (name, labels), number in values.items()
             if name == "convoy_detections_total"}
    check(found == classes and classes, f"{found} instead of {classes}")
    check(value(values, "frames_total") == len(records) == value(values, "frame_latency_seconds_count"), "another number of frames")
    check(value(values, "input_frames_total", input=clip) == len(records), "another number of an input's frames")
    check(value(values, "input_detections_total", input=clip) == sum(classes.values()), "another number of an input's boxes")
    buckets = sorted((float(dict(labels)["le"]), number) for (name, labels), number in values.items() if name == "convoy_frame_latency_seconds_bucket")
    check(len(buckets) == 16 and value(values, "packet_latency_seconds_count") == 0, "no buckets, or packets of a recording")
    for most, number in buckets:
        near = [r for r in records if abs(r["latency_ms"] / 1000 - most) < 1e-6]
        check(abs(sum(r["latency_ms"] / 1000 <= most for r in records) - number) <= len(near), f"latencies up to {most}: {number}")
    check(abs(value(values, "frame_latency_seconds_sum") - sum(r["latency_ms"] for r in records) / 1000) < 1e-3, "another sum of latencies")
    check(value(values, "running") == 0 and value(values, "inputs_ended_total") == 1 and value(values, "inputs_open") == 0, "it has not ended")
    check(0 < value(values, "stage_seconds_total", device="cpu", stage="network") < value(values, "run_seconds"), "no time of the network")
    check(0 < value(values, "device_busy_ratio", device="cpu") <= 1, "no busy share")


def test_port(folder, command, read):
    with subprocess.Popen([*command, "--metrics", "127.0.0.1:0"], cwd=folder, stderr=subprocess.PIPE, text=True) as child:
        with open(f"{folder}/r.jsonl", encoding="utf-8") as pipe:
            fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, 4096)
            for _ in range(10):
                pipe.readline()
            url = next(line for line in child.stderr if line.startswith("metrics: ")).split()[1]
            with urllib.request.urlopen(url, timeout=60) as reply:
                check(reply.headers["Content-Type"].startswith("text/plain; version=0.0.4"), str(reply.headers))
                values = read(reply.read().decode())
            check(10 <= value(values, "frames_total") < FRAMES and value(values, "running") == 1, str(values))
            check(value(values, "input_frames_total", input=command[-1]) == value(values, "frames_total"), str(values))
            try:
                urllib.request.urlopen(url.replace("metrics", "detect"), timeout=60)
                check(False, "it has a page that it should not have")
            except urllib.error.HTTPError as error:
                check(error.code == 404, str(error))
            taken = subprocess.run([*command, "--metrics", url.split("/")[2]], cwd=folder, capture_output=True, text=True)
            check(taken.returncode == 1 and "another program listens there" in taken.stderr, taken.stderr)
            check(pipe.read().count("\n") == FRAMES - 10, "it has lost frames")
        said = child.communicate(timeout=60)[1]
        check(child.returncode == 0, said)


def main():
    read = own_reader
    if sys.argv[3:]:
        try:
            import prometheus_client as _  # noqa: F401
        except ImportError:
            print("skipped: python3 has no prometheus_client")
            return 77
        read = prometheus_client
    with tempfile.TemporaryDirectory() as folder:
        clip = 'a "b"\\c.mp4'
        os.symlink(f"{MODELS}/pedestrians.mp4", f"{folder}/{clip}")
        with open(f"{MODELS}/coco.names", encoding="utf-8") as f, open(f"{folder}/odd.names", "w", encoding="utf-8") as odd:
            odd.write(f.read().replace("person", 'per"son \\n'))
        os.mkfifo(f"{folder}/r.jsonl")  # the run waits for whoever reads it
        command = [f"{BIN}/yolo-run", "--model", f"{MODELS}/yolov3-quarter", "--names", "odd.names", "--device", "cpu", "--size", "160",
                   "--confidence", ".1", "--frames", str(FRAMES), "--jsonl", "r.jsonl", "--quiet", clip]
        with subprocess.Popen(command, cwd=folder, stderr=subprocess.PIPE, text=True, env=os.environ | {"CONVOY_METRICS": "convoy.prom"}) as child:
            with open(f"{folder}/r.jsonl", encoding="utf-8") as pipe:
                fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, 4096)
                records = [pipe.readline() for _ in range(10)]
                end = time.monotonic() + 60
                while True:  # the next time that it is written
                    with open(f"{folder}/convoy.prom", encoding="utf-8") as f:
                        values = read(f.read())
                    check(value(values, "running") == 1, "it says that it has ended")
                    if value(values, "frames_total") >= 10:
                        break
                    check(time.monotonic() < end, "in vain: ten frames")
                    time.sleep(.05)
                check(value(values, "frames_total") < FRAMES, "it says more than can be")
                check(value(values, "inputs_open") == 1 and value(values, "inputs_ended_total") == 0, "another number of inputs")
                records += pipe.readlines()
            said = child.communicate(timeout=60)[1]
        check(child.returncode == 0 and not said, said)
        with open(f"{folder}/convoy.prom", encoding="utf-8") as f:
            check_final(read(f.read()), [json.loads(record) for record in records], clip)
        check(sorted(os.listdir(folder)) == sorted([clip, "convoy.prom", "odd.names", "r.jsonl"]), f"more files: {os.listdir(folder)}")
        loud = [word for word in command if word != "--quiet"]
        if "without libmicrohttpd" in subprocess.run([*loud, "--metrics", "192.0.2.1:0"], cwd=folder, capture_output=True, text=True).stderr:
            print("left out: the port, without libmicrohttpd")
        else:
            test_port(folder, loud, read)
        refused = subprocess.run([*command, "--metrics", clip], cwd=folder, capture_output=True, text=True)
        check(refused.returncode == 2 and "is an input" in refused.stderr, refused.stderr)
    print("the metrics say what the records say")
    return 0


if __name__ == "__main__":
    sys.exit(main())
