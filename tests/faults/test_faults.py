#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""yolo-run while things go wrong around it: it is killed or interrupted at any moment, the disk is full after any number of
bytes, one call of the C library or one allocation fails, memory or threads are short. It must end with a sentence and a
status, never by a signal or not at all, and leave nothing half.
usage: test_faults.py BIN FAIL_CALL_LIBRARY CLIP [--long] [--only kill,disk,calls,new,memory,threads] [--seed N] [--jobs N]"""
import argparse
import errno
import json
import os
import random
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "corpus"))
from test_corpus import CFG  # noqa: E402

LIMIT_S = 60
ZONES = {"unit": "share", "zones": [{"name": "all", "points": [[0, 0], [1, 0], [1, 1], [0, 1]]}],
         "lines": [{"name": "middle", "points": [[0.5, 0], [0.5, 1]]}]}
# What must be whole where it has its name: a text that ends so.
ENDS = {"report.html": "</body></html>\n", "coco.json": "}\n", "cvat.xml": "</annotations>\n", "tasks.json": "]\n", "totals.json": "}\n"}
OUTPUTS = {"--csv": "out.csv", "--coco": "coco.json", "--mot": "mot.txt", "--cvat": "cvat.xml", "--label-studio": "tasks.json",
           "--yolo": "labels", "--crops": "crops", "--zones": "zones.json", "--zone-counts": "counts.csv",
           "--zone-visits": "visits.csv", "--zone-totals": "totals.json", "--jsonl": "out.jsonl", "--video": "out.mp4", "--overlay": "out.ass", "--contact-sheet": "out.jpg",
           "--report-json": "report.json", "--report-html": "report.html", "--trace": "trace.json"}
# The library behind these ends the process itself when it has no memory.
JSON = ("--coco", "--label-studio", "--zones", "--zone-counts", "--zone-visits", "--zone-totals", "--report-json", "--report-html",
        "--trace")
CALLS = {"open": errno.EMFILE, "read": errno.EIO, "write": errno.EIO, "mmap": errno.ENOMEM, "rename": errno.EACCES,
         "fsync": errno.EIO, "pthread_create": errno.EAGAIN}
SIGNALS = (signal.SIGKILL, signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


NOBODY = 65534


def threads_of_user():
    """What counts against its RLIMIT_NPROC: of root's runs nothing, as nobody does them."""
    if os.getuid() == 0:
        return 0
    count = 0
    for process in filter(str.isdigit, os.listdir("/proc")):
        try:
            count += len(os.listdir(f"/proc/{process}/task")) if os.stat(f"/proc/{process}").st_uid == os.getuid() else 0
        except OSError:
            pass  # it has ended
    return count


def limit(kind, most):
    """For the child before it becomes yolo-run."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if kind == resource.RLIMIT_NPROC and os.getuid() == 0:  # whom it does not bind
        os.setgroups([])
        os.setgid(NOBODY)
        os.setuid(NOBODY)
    resource.setrlimit(kind, (most, most))


def heed_signals():
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


class Faults:
    def __init__(self, a, folder):
        self.a, self.folder, self.failures, self.random = a, folder, [], random.Random(a.seed * 1000 + a.part)
        with open(f"{folder}/tiny.cfg", "w", encoding="utf-8") as f:
            f.write(CFG)
        subprocess.run([f"{a.bin}/yolo-make-weights", f"{folder}/tiny.cfg", f"{folder}/tiny.weights"], check=True,
                       stdout=subprocess.DEVNULL)
        # A small video with several keyframes: a run takes a third of a second.
        subprocess.run(["ffmpeg", "-v", "error", "-i", a.clip, "-t", "6", "-vf", "scale=192:144", "-g", "10", "-c:v", "libx264",
                        f"{folder}/clip.mp4"], check=True)
        with open(f"{folder}/zones.json", "w", encoding="utf-8") as f:
            json.dump(ZONES, f)
        self.inputs = set(os.listdir(folder))
        start = time.monotonic()
        done = self.run()
        self.seconds = time.monotonic() - start
        if done[0]:
            sys.exit(f"a quiet run has status {done[0]}: {done[1]}")
        self.quiet = self.records()

    def command(self, fault):
        left_out = JSON if fault.startswith(("new", "memory")) else ()
        outputs = [part for option, name in OUTPUTS.items() if option not in left_out for part in (option, name)]
        return [f"{self.a.bin}/yolo-run", "--cfg", "tiny.cfg", "--weights", "tiny.weights", "--device", "cpu", "--confidence", ".2",
                *outputs, "clip.mp4"]

    def clear(self):
        for name in set(os.listdir(self.folder)) - self.inputs:
            path = f"{self.folder}/{name}"
            (shutil.rmtree if os.path.isdir(path) else os.remove)(path)

    def run(self, fault="", number=0, after=0., limits=None, more=()):
        """(status, what it said); of a signal: sent so many seconds after the start."""
        environment = dict(os.environ)
        if fault and not limits:
            environment.update(LD_PRELOAD=self.a.library, CONVOY_FAIL=fault, CONVOY_FAILED=f"{self.folder}/failed")
        child = subprocess.Popen([*self.command(fault), *more], cwd=self.folder, env=environment, stdout=subprocess.DEVNULL,
                                 stderr=subprocess.PIPE, text=True, errors="replace", preexec_fn=limits or heed_signals)
        if number:
            time.sleep(after)
            child.send_signal(number)
        try:
            said = child.communicate(timeout=LIMIT_S)[1]
        except subprocess.TimeoutExpired:
            child.kill()
            return "hangs", child.communicate()[1]
        return child.returncode, said

    def fail(self, what, why):
        self.failures.append(f"{what}: {why}")
        print("FAILED:", self.failures[-1][:600], flush=True)

    def records(self):
        """The whole lines, without what differs from run to run; and whether the last one is cut off."""
        try:
            with open(f"{self.folder}/out.jsonl", encoding="utf-8") as f:
                text = f.read()
        except FileNotFoundError:
            return []
        lines = text.split("\n")
        for line in lines[:-1]:
            json.loads(line)
        return [re.sub(r'"latency_ms":[^,]*', "", line) for line in lines[:-1]]

    def frames(self, name):
        told = subprocess.run(["ffprobe", "-v", "error", "-count_frames", "-select_streams", "v:0", "-show_entries",
                               "stream=nb_read_frames", "-of", "csv=p=0", f"file:{self.folder}/{name}"], capture_output=True, text=True)
        return int(told.stdout.split(",")[0]) if told.returncode == 0 and told.stdout.strip()[:1].isdigit() else -1

    def leftovers(self):
        return [name for _, _, names in os.walk(self.folder) for name in names if name.endswith(".part")]

    def check_results(self, what, status):
        """Whatever has its name is whole; records are a beginning of the quiet run's; nothing else is left."""
        records = self.records()
        if records != self.quiet[:len(records)]:
            self.fail(what, "records differ from a quiet run's")
        if status == 0 and len(records) != len(self.quiet):
            self.fail(what, f"status 0 and {len(records)} of {len(self.quiet)} records")
        if os.path.exists(f"{self.folder}/out.mp4"):
            frames = self.frames("out.mp4")
            if frames != len(records) and not (status == 1 and 0 < frames <= len(self.quiet)):
                self.fail(what, f"{frames} frames in the video, {len(records)} records")
        for name in ("report.json", "trace.json"):
            if os.path.exists(f"{self.folder}/{name}"):
                with open(f"{self.folder}/{name}", encoding="utf-8") as f:
                    json.load(f)
        self.check_texts(what, status)
        if self.leftovers():
            self.fail(what, f"left behind: {', '.join(self.leftovers())}")

    def check_texts(self, what, status):
        """Rows are whole up to the last one; what has an end has it, unless its own writing failed."""
        for name in ("out.csv", "mot.txt", "counts.csv", "visits.csv"):
            path = f"{self.folder}/{name}"
            if status in (0, 130) and os.path.exists(path):
                with open(path, encoding="utf-8") as f:
                    rows = f.read().split("\n")
                if rows[-1] or len({row.count(",") for row in rows[:-1]}) > 1:
                    self.fail(what, f"{name} has rows that are not whole")
        for name, end in ENDS.items():
            path = f"{self.folder}/{name}"
            if status in (0, 130) and os.path.exists(path):
                with open(path, encoding="utf-8") as f:
                    if not (text := f.read()).endswith(end):
                        self.fail(what, f"{name} ends with {text[-60:]!r}")

    def kill(self, count):
        """Signals at random moments; what a kill leaves plays, and the next run takes it away."""
        runs = range(self.a.part, count, self.a.parts)
        for i in runs:
            number = SIGNALS[i % len(SIGNALS)]
            after = self.random.uniform(0, 1.1 * self.seconds)
            what = f"{number.name} after {after:.3f} s"
            status, said = self.run(number=number, after=after)
            if number != signal.SIGKILL:
                begun = set(os.listdir(self.folder)) != self.inputs
                if status not in (0, 130) and (begun or status != -number):  # while libraries load, a signal ends it
                    self.fail(what, f"status {status}: {said[-300:]}")
                if "out.jsonl" in os.listdir(self.folder):
                    self.check_results(what, 130 if status else 0)
                elif self.leftovers():
                    self.fail(what, f"left behind: {', '.join(self.leftovers())}")
            elif status == -signal.SIGKILL:
                self.check_killed(what)
            self.clear()
        return len(runs)

    def check_killed(self, what):
        records = self.records()
        if records != self.quiet[:len(records)]:
            self.fail(what, "records differ from a quiet run's")
        videos = [frames for name in self.leftovers() if (frames := self.frames(name)) > 0]
        if any(frames > len(records) for frames in videos):
            self.fail(what, f"{videos} frames play, and there are {len(records)} records")
        status, said = self.run()
        if status or self.records() != self.quiet:
            self.fail(what, f"the next run has status {status}: {said[-300:]}")
        self.check_results(f"{what}, and once more", 0)

    def fault(self, fault):
        """One run with it; whether it came to that."""
        status, said = self.run(fault=fault)
        happened = os.path.exists(f"{self.folder}/failed")
        if "libgomp: " in said:
            pass  # OpenMP's runtime ends the process without a thread, as a kill does; what is left goes with the next run
        elif status not in (0, 1, 2, 3):
            self.fail(fault, f"status {status}: {said[-500:]}")
        elif status and "error: " not in said and not fault.startswith("write"):
            self.fail(fault, f"status {status} and no sentence: {said[-300:]}")
        else:
            self.check_results(fault, status)
        self.clear()
        return happened

    def disk(self, step):
        runs = 0
        while self.fault(f"disk:{(runs * self.a.parts + self.a.part) * step}"):
            runs += 1
        return runs

    def calls(self, most):
        """Each call of a kind, as far as `most`; beyond that some of them."""
        runs = 0
        for call, error in CALLS.items():
            at = 1 + self.a.part
            while self.fault(f"{call}:{at}:{error}"):
                at += self.a.parts if at < most else self.random.randint(1, 1 + at // 4)
                runs += 1
        return runs

    def new(self, most, count):
        """Allocations: some of the first `most`, or each of them."""
        chosen = range(1, most + 1) if count >= most else sorted(self.random.sample(range(1, most + 1), count))
        return sum(self.fault(f"new:{at}") for at in chosen[self.a.part::self.a.parts])

    def short(self, what, kind, most, word, more=()):
        """One run with no more of it: status 0, or one sentence with this word and status 1."""
        status, said = self.run(fault=what, limits=lambda: limit(kind, most), more=more)
        errors = [line for line in said.replace("\r", "\n").split("\n") if "error: " in line or "libgomp: " in line]
        if "while loading shared libraries" in said:
            pass  # the loader's own sentence
        elif status not in (0, 1):
            self.fail(f"{what} {most}", f"status {status}: {said[-300:]}")
        elif status and ((len(errors) != 1 if word else not errors) or word not in errors[0] or "libgomp: " in errors[0]):
            self.fail(f"{what} {most}", f"says {errors or said[-300:]}")
        elif not more:
            self.check_results(f"{what} {most}", status)
        self.clear()
        return 1

    def memory(self, step):
        first, last = 150_000_000, 750_000_000  # from what the libraries take to what a run takes
        return sum(self.short("memory", resource.RLIMIT_AS, most, "") for most in range(first + self.a.part * step, last, step * self.a.parts))

    def threads(self, most, times):
        os.chmod(self.folder, 0o777)
        self.clear()  # what another user wrote could not be replaced
        already = threads_of_user()
        if self.run(limits=lambda: limit(resource.RLIMIT_NPROC, already + 1000), more=("--codec", "hevc"))[0]:
            print("threads: left out; nobody may not run these programs, or there is no x265")
            return 0
        self.clear()
        some = ((), ("--codec", "hevc"), ("--metrics", "run.prom"))
        return sum(self.short("threads", resource.RLIMIT_NPROC, already + count, "ulimit -u", more)
                   for count in range(1 + self.a.part, most, self.a.parts) for more in some for _ in range(times))


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("bin", "library", "clip"):
        p.add_argument(name, type=os.path.abspath)
    p.add_argument("--long", action="store_true", help="1,000 signals, every 8 KB, every call, 10,000 allocations, 3,000 limits: over an hour")
    p.add_argument("--only", default="kill,disk,calls,new,memory,threads")
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--jobs", type=int, default=1, help="share the work among so many processes")
    p.add_argument("--part", type=int, default=0, help="of the --parts, counted from 0: this one alone")
    p.add_argument("--parts", type=int, default=1)
    a = p.parse_args()
    if subprocess.run(["which", "ffmpeg", "ffprobe"], capture_output=True).returncode:
        print("skipped: ffmpeg is not installed")
        return 77
    if a.jobs > 1:
        jobs = [subprocess.Popen([sys.executable, "-B", *sys.argv, "--jobs", "1", "--part", str(i), "--parts", str(a.jobs)])
                for i in range(a.jobs)]
        return max([job.wait() for job in jobs])
    with tempfile.TemporaryDirectory() as folder:
        faults = Faults(a, folder)
        plan = {"kill": lambda: faults.kill(1000 if a.long else 32), "disk": lambda: faults.disk(8192 if a.long else 40000),
                "calls": lambda: faults.calls(1000 if a.long else 6), "new": lambda: faults.new(*((10000, 10000) if a.long else (4000, 60))),
                "memory": lambda: faults.memory(250_000 if a.long else 6_000_000),
                "threads": lambda: faults.threads(40, 10) if a.long else faults.threads(15, 1)}
        for name in a.only.split(","):
            start = time.monotonic()
            print(f"{name}: {plan[name]()} runs in {time.monotonic() - start:.0f} s", flush=True)
    print(f"{len(faults.failures)} failures")
    return int(bool(faults.failures))


if __name__ == "__main__":
    sys.exit(main())
