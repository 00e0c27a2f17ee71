#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""yolo-run --resume and --manifest: whatever ends a run, the same command brings it to the same bytes in the end, and what is
done is done once, by however many that share a folder.
usage: test_units.py BIN CLIP [--only NAME,NAME]"""
import argparse
import json
import os
import pty
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import tty

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "corpus"))
from test_corpus import CFG  # noqa: E402

LIMIT_S = 120
ZONES = {"unit": "share", "zones": [{"name": "all", "points": [[0, 0], [1, 0], [1, 1], [0, 1]]}],
         "lines": [{"name": "middle", "points": [[0.5, 0], [0.5, 1]]}]}


def read(path):
    with open(path, "rb") as f:
        return f.read()


class Units:
    def __init__(self, a, folder):
        self.a, self.folder, self.failures = a, folder, 0
        self.env = {k: v for k, v in os.environ.items() if not k.startswith(("SLURM_", "OMPI_", "PMI_", "CONVOY_", "JOB_"))}
        with open(f"{folder}/tiny.cfg", "w", encoding="utf-8") as f:
            f.write(CFG)
        with open(f"{folder}/zones.json", "w", encoding="utf-8") as f:
            json.dump(ZONES, f)
        subprocess.run([f"{a.bin}/yolo-make-weights", f"{folder}/tiny.cfg", f"{folder}/tiny.weights"], check=True,
                       stdout=subprocess.DEVNULL)
        shutil.copy(a.clip, f"{folder}/clip.mp4")

    def check(self, right, what):
        if not right:
            self.failures += 1
            print("FAILED:", what, flush=True)
        return right

    def command(self, arguments):
        return [f"{self.a.bin}/yolo-run", "--cfg", "tiny.cfg", "--weights", "tiny.weights", "--device", "cpu", "--size", "256",
                "--confidence", ".2", *arguments]

    def start(self, *arguments, **more):
        return subprocess.Popen(self.command(arguments), cwd=self.folder, stderr=subprocess.PIPE, text=True, errors="replace",
                                env={**self.env, **more})

    def finish(self, child, status, what):
        """What it said."""
        try:
            said = child.communicate(timeout=LIMIT_S)[1]
        except subprocess.TimeoutExpired:
            child.kill()
            said = child.communicate()[1]
            self.check(False, f"{what}: it hangs; it said: {said}")
        self.check(child.returncode == status, f"{what}: status {child.returncode}, not {status}: {said}")
        return said

    def run(self, status, what, *arguments, **more):
        return self.finish(self.start(*arguments, **more), status, what)

    def path(self, name):
        return f"{self.folder}/{name}"

    def quiet(self, *arguments):
        """The bytes of a plain run."""
        self.run(0, "a quiet run", *arguments, "--no-latency", "--jsonl", "quiet.jsonl")
        return read(self.path("quiet.jsonl"))

    def same(self, name, records, what):
        there = os.path.exists(self.path(name))
        self.check(there and read(self.path(name)) == records, f"{what}: {name} {'has other records' if there else 'is not there'}")

    def lines(self, name):
        try:
            return read(self.path(name)).count(b"\n")
        except FileNotFoundError:
            return 0

    def wait_for_lines(self, child, name, more_than):
        end = time.monotonic() + LIMIT_S
        while self.lines(name) <= more_than and child.poll() is None and time.monotonic() < end:
            time.sleep(.002)

    def left(self, *names):
        return [name for name in names if os.path.exists(self.path(name))]

    def clear(self, *names):
        for name in names:
            shutil.rmtree(self.path(name), ignore_errors=True)

    # ── the tests ──

    def test_done(self):
        """What is done is left out; anything that decides the result does it again."""
        quiet = self.quiet("clip.mp4")
        self.check(b"latency_ms" not in quiet and quiet.count(b"\n") == 240, "--no-latency: latency_ms is in the records")
        self.run(0, "the first run", "clip.mp4", "--resume", "--jsonl", "boxes.jsonl")
        self.same("boxes.jsonl", quiet, "the first run")
        done = json.loads(read(self.path("boxes.done")))
        for name in ("input", "key", "part", "model", "options", "version", "kernels", "device", "frames", "seconds", "host"):
            self.check(name in done, f".done says nothing of {name}")
        self.check(done["frames"] == 240 and done["bytes"] == len(quiet), f".done says {done}")
        before = os.stat(self.path("boxes.jsonl")).st_ino
        said = self.run(0, "the second run", "clip.mp4", "--resume", "--jsonl", "boxes.jsonl", "--decoders", "1")
        self.check("1 done before" in said and os.stat(self.path("boxes.jsonl")).st_ino == before, f"it is done again: {said}")
        said = self.run(0, "other options", "clip.mp4", "--resume", "--jsonl", "boxes.jsonl", "--every", "2")
        self.check("options have changed" in said and self.lines("boxes.jsonl") == 120, f"other options do not count: {said}")
        os.truncate(self.path("boxes.jsonl"), 1000)
        said = self.run(0, "cut records", "clip.mp4", "--resume", "--jsonl", "boxes.jsonl", "--every", "2")
        self.check("not those that were written" in said and self.lines("boxes.jsonl") == 120, f"cut records count as done: {said}")
        with open(self.path("tiny.weights"), "r+b") as f:  # in the middle
            f.seek(os.path.getsize(self.path("tiny.weights")) // 2)
            f.write(b"\0\0\0\0")
        said = self.run(0, "another model", "clip.mp4", "--resume", "--jsonl", "boxes.jsonl", "--every", "2")
        self.check("the model is another one" in said, f"another model does not count: {said}")

    def test_killed(self):
        """SIGKILL at any time, and what a loss of power leaves: the bytes of a quiet run in the end, from where it was."""
        for number, more in enumerate(([], ["--track"], ["--zones", "zones.json"], ["--every", "3"], ["--start", "3", "--stop", "20"],
                                       ["--frames", "200"])):
            quiet = self.quiet("clip.mp4", *more)
            name, what = f"k{number}.jsonl", f"killed with {more}"
            kept = -1
            for _ in range(3):
                child = self.start("clip.mp4", *more, "--resume", "--jsonl", name)
                self.wait_for_lines(child, f".{name}.partial", max(kept, 0) + 5)
                child.kill()
                child.communicate()
                now = self.lines(f".{name}.partial")
                self.check(now > kept or self.left(name), f"{what}: nothing was gained behind record {kept}")
                kept = now
            if not self.left(name):
                with open(self.path(f".{name}.partial"), "ab") as f:
                    f.write(quiet.split(b"\n")[kept][:40] if number % 2 else b"\0" * 512)
                said = self.run(0, what, "clip.mp4", *more, "--resume", "--jsonl", name, "--report-json", "r.json")
                seen = sum(device["pictures"] for device in json.loads(read(self.path("r.json")))["devices"])
                self.check(seen == quiet.count(b"\n") - kept, f"{what}: {seen} frames are looked at again, behind {kept} that were kept")
                self.check(f"goes on behind frame {kept - 1}," in said, f"{what}: it does not go on behind frame {kept - 1}: {said}")
            self.same(name, quiet, what)
            self.check(not self.left(f".{name}.partial", f".k{number}.state"), f"{what}: its checkpoint is left")

    def test_anew(self):
        """What does not agree begins anew, and says so."""
        quiet = self.quiet("clip.mp4", "--every", "2")
        child = self.start("clip.mp4", "--resume", "--jsonl", "anew.jsonl")
        self.wait_for_lines(child, ".anew.jsonl.partial", 5)
        child.kill()
        child.communicate()
        said = self.run(0, "changed options", "clip.mp4", "--every", "2", "--resume", "--jsonl", "anew.jsonl")
        self.check("begins anew: options have changed" in said, f"changed options: {said}")
        self.same("anew.jsonl", quiet, "changed options")

    def test_device_lost(self):
        """Without a device the status says that the machine is unfit; another one goes on."""
        quiet = self.quiet("clip.mp4")
        self.run(4, "no device is left", "clip.mp4", "--resume", "--jsonl", "lost.jsonl", "--fail-device", "cpu@100")
        self.check(not self.left("lost.jsonl", "lost.done") and self.lines(".lost.jsonl.partial") > 20, "no device is left: no checkpoint")
        said = self.run(0, "another device", "clip.mp4", "--resume", "--jsonl", "lost.jsonl")
        self.check("goes on behind" in said, f"another device: {said}")
        self.same("lost.jsonl", quiet, "another device")

    def test_signals(self):
        """SIGTERM, however often: what is under way may end, the rest is left; SIGINT ends it at once."""
        for n in range(3):
            shutil.copy(self.path("clip.mp4"), self.path(f"in{n}.mp4"))
        inputs, expected = ["in0.mp4", "in1.mp4", "in2.mp4"], {}
        for name in inputs:
            expected[name] = self.quiet(name)
        term, interrupt = signal.SIGTERM, signal.SIGINT
        for grace, numbers, status, fewest, most in (("0", [term], 75, 0, 2), ("100", [term], 75, 1, 2), ("100", [interrupt], 130, 0, 0),
                                                     ("100", [term, term, term], 75, 1, 2), ("100", [term, interrupt], 75, 0, 0),
                                                     ("100", [interrupt, interrupt], 130, 0, 0)):
            what = f"{', '.join(number.name for number in numbers)} with --grace {grace}"
            self.clear("s")
            child = self.start(*inputs, "--resume", "--jsonl", "s/", "--grace", grace)
            self.wait_for_lines(child, "s/.in0.jsonl.partial", 5)
            for number in numbers:
                child.send_signal(number)
                time.sleep(.02)  # two of a kind that wait are one
            self.finish(child, status, what)
            done = self.left("s/in0.jsonl", "s/in1.jsonl", "s/in2.jsonl")
            self.check(fewest <= len(done) <= most, f"{what}: {done} are whole")
            self.run(0, f"after {what}", *inputs, "--resume", "--jsonl", "s/")
            for name in inputs:
                self.same(f"s/{name[:-4]}.jsonl", expected[name], f"after {what}")
            self.check(sorted(os.listdir(self.path("s"))) == sorted(f"in{n}.{e}" for n in range(3) for e in ("done", "jsonl")),
                       f"after {what} there is {sorted(os.listdir(self.path('s')))}")

    def make_manifest(self):
        """Seven units, one of them no video; what the others give."""
        names = []
        for n in range(6):
            names.append(f"m{n}.mp4")
            shutil.copy(self.path("clip.mp4"), self.path(names[-1]))
        said = subprocess.run([f"{self.a.bin}/yolo-fleet", "manifest", *names, "-o", "work.tsv"], cwd=self.folder, capture_output=True,
                              text=True, check=False)
        self.check(said.returncode == 0, f"yolo-fleet manifest: {said.stderr}")
        return {f"{n:06}": self.quiet(name) for n, name in enumerate(names)}

    def check_all(self, expected, folder, what):
        for unit, records in expected.items():
            self.same(f"{folder}/{unit}.jsonl", records, what)
            self.check(self.left(f"{folder}/{unit}.done"), f"{what}: {unit}.done is not there")
        hidden = [name for name in os.listdir(self.path(folder)) if name.startswith(".") and name != ".convoy.lock"]
        self.check(not hidden, f"{what}: {hidden} are left")

    def test_tuning(self):
        """SIGTERM while kernels are measured, or could be: it is to be tried again."""
        for delay in (.1, .14, .18, .22, .26, .3, .4):
            self.clear("t")
            child = self.start("clip.mp4", "--resume", "--jsonl", "t/", "--tune", "--tuning-cache", "cache", "--grace", "0")
            time.sleep(delay)
            child.send_signal(signal.SIGTERM)
            said = child.communicate(timeout=LIMIT_S)[1]
            early = child.returncode in (0, -signal.SIGTERM)  # over by then, or not yet where it could be told
            self.check(early or child.returncode == 75, f"SIGTERM {delay} s after its start, with --tune: status {child.returncode}: {said}")

    def test_manifest(self):
        """Shares by number and by Slurm's word; what cannot be done is told."""
        expected = self.make_manifest()
        self.run(0, "share 1/2", "--manifest", "work.tsv", "--shard", "1/2", "--jsonl", "out/")
        mine = [name for name in os.listdir(self.path("out")) if name.endswith(".jsonl")]
        self.check(len(mine) == 3, f"share 1/2 has done {mine}")
        self.run(0, "share 2/2", "--manifest", "work.tsv", "--shard", "auto", "--jsonl", "out/", SLURM_ARRAY_TASK_ID="8",
                 SLURM_ARRAY_TASK_MIN="7", SLURM_ARRAY_TASK_COUNT="2")
        self.check_all(expected, "out", "two shares")
        said = self.run(0, "all again", "--manifest", "work.tsv", "--jsonl", "out/")
        self.check("0 units done, 6 done before" in said, f"all again: {said}")
        os.truncate(self.path("m2.mp4"), 1000)
        self.run(1, "a bad input", "--manifest", "work.tsv", "--jsonl", "out2/", "--at-once", "2")
        failed = json.loads(read(self.path("out2/000002.failed")))
        self.check("m2.mp4" in failed["error"], f".failed says {failed}")
        del expected["000002"]
        self.check_all(expected, "out2", "beside a bad input")
        for arguments, word in ((["--csv", "x.csv"], "--csv"), (["clip.mp4"], "name none"), (["--start", "3"], "--start"),
                                (["--shard", "3/2"], "counted from 1/2")):
            said = self.run(2, f"--manifest with {arguments}", "--manifest", "work.tsv", "--jsonl", "out/", *arguments)
            self.check(word in said, f"--manifest with {arguments}: {said}")
        said = self.run(2, "--jsonl FILE", "--manifest", "work.tsv", "--jsonl", "x.jsonl")
        self.check("--jsonl x.jsonl/" in said, f"--jsonl FILE: {said}")

    def test_away(self):
        """A server that is away is no bad input: it is tried again, and nothing is said to have failed for good."""
        subprocess.run([f"{self.a.bin}/yolo-fleet", "manifest", "clip.mp4", "-o", "work.tsv"], cwd=self.folder, check=True,
                       stderr=subprocess.DEVNULL)
        with open(self.path("work.tsv"), "a", encoding="utf-8") as f:
            f.write("000001\thttp://127.0.0.1:1/x.mp4\t1/1\t\t\t24\t1\t\tk1\n")
        said = self.run(75, "a server that is away", "--manifest", "work.tsv", "--jsonl", "a/")
        self.check("1 to be tried again" in said and not self.left("a/000001.failed") and self.left("a/000000.done"),
                   f"a server that is away: {said}, {os.listdir(self.path('a'))}")

    def test_changed(self):
        """An input that is no longer what the manifest says does not stand for it."""
        head = "#convoy-manifest 1\nunit\tinput\tpart\tstart\tstop\tseconds\tbytes\tmtime\tkey\n"
        with open(self.path("work.tsv"), "w", encoding="utf-8") as f:
            f.write(f"{head}000000\tclip.mp4\t1/1\t\t\t24\t1\t1\tother\n")
        said = self.run(1, "a changed input", "--manifest", "work.tsv", "--jsonl", "a/")
        self.check("make the manifest anew" in said and self.left("a/000000.failed") and not self.left("a/000000.jsonl"), f"a changed input: {said}")

    def test_claims(self):
        """Two share a folder; one is killed, or suspended for so long that it counts as dead."""
        expected = self.make_manifest()
        command = ["--manifest", "work.tsv", "--claim", "c/claims", "--claim-timeout", "2", "--jsonl", "c/out/"]
        for number in (signal.SIGKILL, signal.SIGSTOP):
            what = f"{number.name} of one of two"
            self.clear("c")
            first = self.start(*command)
            end = time.monotonic() + LIMIT_S
            while not self.left("c/claims") or not os.listdir(self.path("c/claims")) and time.monotonic() < end:
                time.sleep(.002)
            self.wait_for_lines(first, "c/out/.000000.jsonl.partial", 5)
            first.send_signal(number)
            self.finish(self.start(*command), 0, what)
            self.check_all(expected, "c/out", what)
            if number == signal.SIGSTOP:
                first.send_signal(signal.SIGCONT)
                self.finish(first, 0, "the one that was suspended")
                self.check_all(expected, "c/out", "after the other went on")
            else:
                first.communicate()
            self.check(not os.listdir(self.path("c/claims")), f"{what}: claims are left: {os.listdir(self.path('c/claims'))}")

    def test_again(self):
        """With claims, too, it is said once of each unit that it is done again."""
        self.make_manifest()
        command = ["--manifest", "work.tsv", "--claim", "c/claims", "--jsonl", "c/out/"]
        self.run(0, "all", *command)
        said = self.run(0, "other options", *command, "--every", "2")
        for n in range(6):
            times = said.count(f"m{n}.mp4: is done again: options have changed")
            self.check(times == 1, f"it is said {times} times that m{n}.mp4 is done again: {said}")

    def test_progress(self):
        """A unit that is opened is not done: neither for the bar nor for the ETA, which counts those that are not opened, too."""
        self.make_manifest()
        try:
            main, terminal = pty.openpty()
        except OSError as error:
            print(f"test_progress: skipped: this machine has no terminal to give: {error}")
            return
        tty.setraw(terminal)
        child = subprocess.Popen(self.command(["--manifest", "work.tsv", "--jsonl", "p/", "--threads", "1"]), cwd=self.folder,
                                 stderr=terminal, env={**self.env, "TERM": "xterm", "COLUMNS": "200"})
        os.close(terminal)
        shown, begun = b"", time.monotonic()
        seen = []  # seconds from the begin on, the unit's place and all, and the seconds that are left
        while piece := self.read_terminal(main):
            shown += piece
            for place, units, bar, minutes, seconds in re.findall(rb"\r\[(\d+)/(\d+)\] [^\r]*\[(#*)\.*\][^\r]*ETA (\d+):(\d+)", shown):
                seen.append((time.monotonic() - begun, int(place), int(units), len(bar), int(minutes) * 60 + int(seconds)))
            shown = shown[shown.rfind(b"\r"):]
        os.close(main)
        self.check(child.wait() == 0 and len(seen) > 5, f"the progress of a run: status {child.returncode}, {shown}")
        for at, place, units, bar, left in seen:
            self.check(units == 6 and bar <= 20 * place / 6, f"the progress: unit {place} of {units} has a bar of {bar}/20")
            # By the pace until then, whatever else the machine has to do later.
            self.check(left >= (at - seen[0][0]) * (units - place) / place / 3 - 1, f"{left} s are said to be left after {at:.1f} s, in unit {place}")
            if place > 1:
                self.check(left <= at * (units - place + 1) / (place - 1) * 3 + 1, f"{left} s are said to be left after {at:.1f} s, in unit {place}")

    def read_terminal(self, fd):
        try:
            return os.read(fd, 65536)
        except OSError:  # closed by the other side
            return b""

    def touch(self, path, until):
        while not until.wait(.1):
            os.utime(path)

    def test_waits(self):
        """What is waited for is said once, and how that ends."""
        self.quiet("clip.mp4")
        subprocess.run([f"{self.a.bin}/yolo-fleet", "manifest", "clip.mp4", "-o", "work.tsv", "--quiet"], cwd=self.folder, check=True)
        for ends, word in (("dies", "clip.mp4: is taken over from host gone, process 4711, of which nothing was heard for 2 s"),
                           ("leaves", "clip.mp4: waits no longer, for it is free"), ("does it", "waits no longer: others have come to the end of the rest")):
            self.clear("w")
            os.makedirs(self.path("w/claims"))
            claim = self.path("w/claims/000000.claim")
            with open(claim, "w", encoding="utf-8") as f:
                f.write('{"host": "gone", "pid": 4711}\n')
            child = self.start("--manifest", "work.tsv", "--claim", "w/claims", "--claim-timeout", "2", "--jsonl", "w/out/")
            lives = threading.Event()
            toucher = threading.Thread(target=self.touch, args=(claim, lives))
            if ends != "dies":
                toucher.start()
                time.sleep(2.5)  # it would count as dead
                if ends == "does it":
                    self.run(0, "another run", "--manifest", "work.tsv", "--jsonl", "w/out/")
                lives.set()
                toucher.join()
                os.remove(claim)
            said = self.finish(child, 0, f"the other {ends}")
            wait = "waits for a unit that another run has claimed, since nothing else is left: 000000 ('clip.mp4', host gone, process 4711, last heard of "
            self.check(said.count("waits for") == 1 and wait in said, f"the other {ends}: {said}")
            self.check(said.count(word) == 1 and said.count("waits no longer") == ("waits no longer" in word), f"the other {ends}: {said}")


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("bin")
    p.add_argument("clip")
    p.add_argument("--only", default="")
    a = p.parse_args()
    a.bin, a.clip = os.path.abspath(a.bin), os.path.abspath(a.clip)
    failures = 0
    for name in [n for n in dir(Units) if n.startswith("test_")]:
        if a.only and name[5:] not in a.only.split(","):
            continue
        with tempfile.TemporaryDirectory() as folder:
            start = time.monotonic()
            units = Units(a, folder)
            getattr(units, name)()
            failures += units.failures
            print(f"{name}: {units.failures} failures, {time.monotonic() - start:.1f} s", flush=True)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
