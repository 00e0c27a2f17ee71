#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""yolo-run on small inputs of every kind that ffmpeg can make, with ffmpeg's own counts and times as the reference.
usage: test_corpus.py YOLO_RUN YOLO_MAKE_WEIGHTS [--all] [--keep FOLDER] [--only REGEX] [-- OPTIONS of yolo-run]
On a machine with a GPU and no ffmpeg, --beside FOLDER takes the inputs and records that another run has kept there as
what is right: test_corpus.py YOLO_RUN YOLO_MAKE_WEIGHTS --beside FOLDER -- --device cuda --precision fp32"""
import argparse
import json
import os
import re
import shlex
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(__file__))
import inputs  # noqa: E402

CFG = """[net]
width=64
height=64
channels=3
[convolutional]
filters=8
size=3
stride=2
pad=1
activation=leaky
[convolutional]
filters=18
size=1
stride=1
activation=linear
[yolo]
mask=0,1,2
anchors=10,14,23,27,37,58
classes=1
num=3
"""


def run(command, **more):
    return subprocess.run(command, capture_output=True, text=True, errors="replace", stdin=subprocess.DEVNULL, **more)


def make(wanted, folder):
    """The file, or nothing where this ffmpeg cannot make it."""
    path = f"{folder}/{wanted.name}"
    source = ["ffmpeg", "-v", "error", "-y", "-f", "lavfi", "-i", wanted.source]
    options = shlex.split(wanted.arguments)
    inputs_first = []
    while options[:2] == ["-f", "lavfi"]:  # further sources come before options of the output
        inputs_first, options = inputs_first + options[:4], options[4:]
    if run([*source, *inputs_first, "-frames:v", str(wanted.frames), *options, path]).returncode or not os.path.getsize(path):
        return None
    what, _, how = wanted.after.partition(" ")
    if what == "cut":
        os.truncate(path, int(os.path.getsize(path) * float(how)))
    if what == "turn":
        turned = f"{folder}/turned.mp4"
        if run(["ffmpeg", "-v", "error", "-y", "-display_rotation", how, "-i", path, "-c", "copy", turned]).returncode:
            if run(["ffmpeg", "-v", "error", "-y", "-i", path, "-c", "copy", "-metadata:s:v:0", f"rotate={how}", turned]).returncode:
                return None
        os.replace(turned, path)
    return path


def frames_of(path):
    """As many as libav's decoder gives for the stream that ffmpeg would take."""
    told = run(["ffmpeg", "-v", "error", "-i", path, "-map", "0:V:0?", "-map", "-0:a?", "-fps_mode", "passthrough", "-f", "framecrc", "-"])
    return sum(not line.startswith("#") for line in told.stdout.splitlines())


def probe(path):
    told = run(["ffprobe", "-v", "error", "-select_streams", "v:0", "-count_frames", "-show_entries",
                "stream=nb_read_frames,duration,r_frame_rate:format=duration", "-of", "json", path])
    try:
        found = json.loads(told.stdout)
        return int(found["streams"][0].get("nb_read_frames", 0)), float(found["format"].get("duration", 0))
    except (ValueError, KeyError, IndexError):
        return 0, 0.


TOLERANCE = .02  # of a confidence, and of a picture's side, between two devices with other colour and resize arithmetic


def difference(a, b, record):
    """Of two boxes: the larger of what lies between their confidences and their sides, as shares of the picture's."""
    if a["class_id"] != b["class_id"]:
        return 1.
    sides = 2 * (record["width"], record["height"])
    return max(abs(a["confidence"] - b["confidence"]), *(abs(p - q) / side for p, q, side in zip(a["box"], b["box"], sides)))


class Corpus:
    def __init__(self, arguments, folder):
        self.a, self.folder, self.failures = arguments, folder, []
        self.cfg, self.weights = f"{folder}/tiny.cfg", f"{folder}/tiny.weights"
        self.boxes, self.worst = 0, (0., "")  # compared with those of --beside
        with open(self.cfg, "w", encoding="utf-8") as f:
            f.write(CFG)
        if run([arguments.make_weights, self.cfg, self.weights]).returncode:
            sys.exit("yolo-make-weights failed")

    def fail(self, name, what):
        self.failures.append(f"{name}: {what}")

    def yolo_run(self, *arguments, cwd=None):
        done = run([self.a.yolo_run, "--cfg", self.cfg, "--weights", self.weights, *arguments, *self.a.more], timeout=600, cwd=cwd)
        if done.returncode < 0:
            self.fail(" ".join(arguments)[:200], f"ended by signal {-done.returncode}: {done.stderr[-500:]}")
        return done

    def records(self, path):
        with open(path, encoding="utf-8") as f:
            return [json.loads(line) for line in f]

    def check_records(self, wanted, records, path):
        reference = self.frames(wanted, path)
        if len(records) != reference:
            self.fail(wanted.name, f"{len(records)} records, ffmpeg has {reference} frames")
        times = [r.get("time_s") for r in records if r.get("time_s") is not None]
        back = [i for i in range(1, len(times)) if times[i] < times[i - 1]]
        if back:
            self.fail(wanted.name, f"time_s steps back at frame {back[0]}: {times[back[0] - 1]} {times[back[0]]}")
        if times and times[0] != 0:
            self.fail(wanted.name, f"time_s begins at {times[0]}")
        if [r["frame"] for r in records] != list(range(len(records))):
            self.fail(wanted.name, "frame numbers are not 0, 1, …")

    def frames(self, wanted, path):
        return wanted.expected if wanted.expected >= 0 else frames_of(path)

    def check_beside(self, wanted, records, path):
        """Beside the records of another run: the same but for rounding."""
        file = self.result(f"{self.a.beside}/out/jsonl/", path, ".jsonl")
        for record, other in zip(records, self.records(file)):
            for key in ("frame", "time_s", "pts_s", "width", "height", "undecodable"):
                if record.get(key) != other.get(key):
                    return self.fail(wanted.name, f"frame {record['frame']}: {key} is {record.get(key)}, not {other.get(key)}")
            for mine, theirs in ((record, other), (other, record)):
                for box in mine["detections"]:
                    self.boxes += 1
                    apart = min((difference(box, b, record) for b in theirs["detections"]), default=1.)
                    if box["confidence"] < .2 + TOLERANCE:
                        continue  # either side of the threshold
                    self.worst = max(self.worst, (apart, f"{wanted.name}, frame {record['frame']}"))
                    if apart > TOLERANCE:
                        return self.fail(wanted.name, f"frame {record['frame']}: {box} is {apart:.3f} from the nearest one")

    def check_video(self, wanted, records, video):
        count, duration = probe(video)
        shown = len([r for r in records if not r.get("undecodable")])
        if count != shown:
            self.fail(wanted.name, f"{count} frames in the annotated video, {shown} records")
        times = [r["time_s"] for r in records if r.get("time_s") is not None]
        if len(times) > 1 and "sound" not in wanted.name:
            steps = sorted(b - a for a, b in zip(times, times[1:]))
            frame = max(steps[len(steps) // 2], .001)
            if abs(duration - (times[-1] - times[0])) > 2.5 * max(frame, steps[-1] if steps[-1] < 5 else frame):
                self.fail(wanted.name, f"the annotated video lasts {duration:.2f} s, the records {times[-1] - times[0]:.2f} s")

    def check(self, made):
        paths = [path for _, path in made]
        out = f"{self.folder}/out/"
        for kind in ("jsonl", "video", "pictures"):
            os.makedirs(out + kind)
        # All in one command: none of them may end another.
        done = self.yolo_run(*paths, "--jsonl", out + "jsonl/", "--confidence", ".2")
        if done.returncode not in (0, 1):
            self.fail("all", f"status {done.returncode}: {done.stderr[-1500:]}")
        for w, path in made:
            self.check_one(w, path, done, out)
        videos = [(w, path) for w, path in made if not w.name.startswith("picture") and not w.name.endswith((".png", ".jpg"))]
        both = self.yolo_run(*[p for _, p in videos], "--jsonl", out + "pictures/", "--video", out + "video/", "--confidence", ".2")
        if both.returncode not in (0, 1):
            self.fail("all videos", f"status {both.returncode}: {both.stderr[-1500:]}")
        for w, path in videos:
            record_file, video = self.result(out + "pictures/", path, ".jsonl"), self.result(out + "video/", path, ".mp4")
            if not record_file or not self.records(record_file):
                continue
            if not video:
                self.fail(w.name, f"has records and no annotated video: {self.said(both, path)}")
            else:
                self.check_video(w, self.records(record_file), video)
        os.makedirs(f"{self.folder}/default")
        usual = self.yolo_run(*paths, cwd=f"{self.folder}/default")
        if usual.returncode not in (0, 1):
            self.fail("default output", f"status {usual.returncode}: {usual.stderr[-1500:]}")
        for w, path in made:
            record_file = self.result(out + "jsonl/", path, ".jsonl")
            if record_file and self.records(record_file) and not self.result(f"{self.folder}/default/runs/", path, ""):
                self.fail(w.name, f"has records and no default result: {self.said(usual, path)}")

    def result(self, folder, path, ending):
        name = os.path.basename(path)
        for candidate in (os.path.splitext(name)[0] + ending, name + ending):
            if os.path.exists(folder + candidate):
                return folder + candidate
        stem = os.path.splitext(name)[0]
        found = sorted(f for f in os.listdir(folder) if f.startswith(stem) and f.endswith(ending))
        return folder + found[0] if found else None

    def said(self, done, path):
        lines = [line for line in done.stderr.splitlines() if os.path.basename(path) in line]
        return " / ".join(lines)[:400] or "nothing is said"

    def check_one(self, wanted, path, done, out):
        file = self.result(out + "jsonl/", path, ".jsonl")
        said = self.said(done, path)
        if not file or not self.records(file):
            if (reference := self.frames(wanted, path)) > 0:
                self.fail(wanted.name, f"no records although ffmpeg decodes {reference} frames: {said}")
            elif "error" not in said:
                self.fail(wanted.name, f"no records, and no error: {said}")
            return
        self.check_records(wanted, self.records(file), path)
        if self.a.beside and "without tone mapping" not in said:  # this machine's libav cannot
            self.check_beside(wanted, self.records(file), path)


def kept(folder, only):
    """What a run with --keep has made, and how many records it got."""
    for name in sorted(os.listdir(folder)):
        path, records = f"{folder}/{name}", f"{folder}/out/jsonl/{os.path.splitext(name)[0]}.jsonl"
        if os.path.isfile(path) and os.path.getsize(path) and not name.startswith("tiny.") and re.search(only, name):
            lines = 0
            if os.path.exists(records):
                with open(records, encoding="utf-8") as f:
                    lines = sum(1 for _ in f)
            yield inputs.Wanted(name, "", expected=lines), path


def main():
    arguments, more = sys.argv[1:], []
    if "--" in arguments:
        at = arguments.index("--")
        arguments, more = arguments[:at], arguments[at + 1:]
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("yolo_run")
    p.add_argument("make_weights")
    p.add_argument("--all", action="store_true", help="all kinds, not only those that stand for many")
    p.add_argument("--only", default="", metavar="REGEX", help="those whose names match")
    p.add_argument("--keep", metavar="FOLDER", help="where inputs and results are made, and stay")
    p.add_argument("--beside", metavar="FOLDER", help="what --keep has left there is the input, and its records are right")
    a = p.parse_args(arguments)
    a.more, a.yolo_run, a.make_weights = more, os.path.abspath(a.yolo_run), os.path.abspath(a.make_weights)
    if not a.beside and run(["which", "ffmpeg"]).returncode:
        print("skipped: ffmpeg is not installed")
        return 77
    # Names of files without their endings must differ for results of their own.
    wanted = [w for w in (*inputs.recordings(), *inputs.pictures()) if (a.all or w.short) and re.search(a.only, w.name)]
    for w in wanted:
        stem, ending = os.path.splitext(w.name)
        w.name = f"{stem}-{ending[1:]}{ending}"
    with tempfile.TemporaryDirectory() as folder:
        if a.keep:
            os.makedirs(a.keep, exist_ok=True)
        corpus = Corpus(a, os.path.abspath(a.keep) if a.keep else folder)
        if a.beside:
            made = list(kept(os.path.abspath(a.beside), a.only))
        else:
            made = [(w, path) for w in wanted if (path := make(w, corpus.folder))]
            print(f"{len(made)} of {len(wanted)} inputs made", flush=True)
        corpus.check(made)
    if a.beside:
        print(f"{corpus.boxes} boxes compared; the furthest apart: {corpus.worst[0]:.4f} of a confidence or a side, {corpus.worst[1]}")
    for failure in corpus.failures:
        print("FAILED:", failure)
    print(f"{len(made)} inputs, {len(corpus.failures)} failures")
    return int(bool(corpus.failures))


if __name__ == "__main__":
    sys.exit(main())
