# SPDX-License-Identifier: MIT
"""One call of gpu-check: what it runs on, where things lie, and one step after the other."""
import json
import os
import re
import sys
import time
from dataclasses import dataclass, field
from typing import Callable

from gpu_check import process

PASSED, FAILED, SKIPPED = "passed", "failed", "skipped"
INTERRUPTED = 130  # exit status


@dataclass
class Step:
    """`run(check)` gives a Result, or raises Skip or Failure."""
    name: str
    title: str
    run: Callable
    timeout: float = 120  # seconds, for each program that it starts
    quick: bool = True  # part of --quick
    gpus: int = 1  # so many at least, else it is skipped
    compared: bool = False  # bench/compare.py finds times or rates in its JSON
    tests: bool = False


@dataclass
class Result:
    status: str
    text: str = ""
    cases: dict = field(default_factory=dict)  # of a test program: {passed, failed, skipped}


class Skip(Exception):
    """It cannot be had here; says why."""


class Failure(Exception):
    """It went wrong; says how."""


class Interrupted(BaseException):
    """SIGINT or SIGTERM: the table is printed, and that is all."""


class Archive:
    """An unpacked archive of `make gpu-check`; `cache`: where its programs remember which kernels are the fastest."""

    def __init__(self, root, cache):
        self.root, self.cache = root, cache
        self.bin = f"{root}/bin"

    def program(self, name):
        path = f"{self.bin}/{name}"
        if not os.access(path, os.X_OK):
            raise Failure(f"{path} is missing")
        return path

    def environment(self, base):
        """Programs, tests and scripts find each other by it."""
        return {**base, "PATH": f"{self.bin}:{base.get('PATH', '/usr/bin:/bin')}", "XDG_CACHE_HOME": self.cache,
                "CONVOY_SOURCE_DIR": f"{self.root}/convoy", "CONVOY_BIN_DIR": self.bin,
                "CONVOY_AWKWARD_VIDEOS": f"{self.root}/inputs/awkward"}


class Check:
    def __init__(self, root, options, machine):
        self.root, self.options, self.machine = root, options, machine
        self.out, self.work = os.path.abspath(options.out), os.path.abspath(options.work or f"{root}/work")
        for folder in (self.out, self.work):
            os.makedirs(folder, exist_ok=True)
        with open(f"{root}/manifest.json", encoding="utf-8") as f:
            self.manifest = json.load(f)
        self.archive = Archive(root, f"{self.work}/cache")
        self.started = time.monotonic()
        self.step = None

    def left(self):
        """Seconds of --budget that are left."""
        return self.options.budget - (time.monotonic() - self.started)

    def path(self, end):
        """A file of the step that is running, among the results."""
        return f"{self.out}/{self.step.name}{end}"

    def call(self, command, gpus=None, out=None):
        """Runs a program to its end and gives its Outcome; what it says goes to the step's log. gpus: so many it
        sees; out: a file for its standard output instead."""
        log = self.path(".log")
        env = self.archive.environment(self.machine.env_of(len(self.machine.gpus) if gpus is None else gpus))
        with open(log, "a", encoding="utf-8") as f:
            f.write("$ " + " ".join(command) + "\n")
        timeout = min(self.step.timeout, self.left())
        try:
            outcome = process.run(command, env, max(timeout, 0.1), log, out)
        except OSError as error:
            raise Failure(f"{command[0]} cannot be started: {error.strerror}")
        if outcome.timed_out and timeout < self.step.timeout:
            raise Skip("no time left: cut off")
        return outcome

    def must(self, command, gpus=None, out=None):
        """Like call(), but anything other than success is a Failure."""
        outcome = self.call(command, gpus, out)
        if not outcome.ok:
            raise Failure(f"{outcome.why()}: {process.last_line(self.path('.log'))}")
        return outcome

    def weights(self):
        """Random ones of yolov3, made once; their seed and so their bytes are always the same."""
        path = f"{self.work}/yolov3.weights"
        if not os.path.exists(path):
            self.must([self.archive.program("yolo-make-weights"), self.cfg(), path + ".part"])
            os.replace(path + ".part", path)
        return path

    def cfg(self):
        return f"{self.root}/inputs/yolov3.cfg"

    def video(self, codec, copies):
        """(path, frames) of the packed clip so many times in a row: an elementary stream is made longer by its bytes."""
        name = f"inputs/1080p.{codec}"
        clip = f"{self.root}/{name}"
        if not os.path.exists(clip):
            raise Skip(f"no clip in {codec.upper()} was packed")
        path = f"{self.work}/{copies}.{codec}"
        frames = copies * self.manifest["frames"][name]
        if not os.path.exists(path):
            with open(clip, "rb") as f:
                clip_bytes = f.read()
            with open(path + ".part", "wb") as f:
                for _ in range(copies):
                    f.write(clip_bytes)
            os.replace(path + ".part", path)
        return path, frames

    def take(self, step):
        """Runs one step, whatever becomes of it. (Result, seconds)"""
        self.step, start = step, time.monotonic()
        for end in (".log", ".json", ".xml"):
            if os.path.exists(self.path(end)):
                os.remove(self.path(end))
        try:
            if self.left() <= 0:
                raise Skip("no time left")
            if len(self.machine.gpus) < step.gpus:
                raise Skip("needs a GPU" if step.gpus == 1 else f"needs {step.gpus} GPUs")
            result = step.run(self)
        except Skip as why:
            result = Result(SKIPPED, str(why))
        except Failure as why:
            result = Result(FAILED, str(why))
        except (OSError, ValueError, LookupError, TypeError) as error:  # a result that is not what it should be
            result = Result(FAILED, f"{type(error).__name__}: {error}")
        return result, time.monotonic() - start


def chosen(steps, options):
    """By --only, else by --quick."""
    if options.only:
        return [s for s in steps if re.search(options.only, s.name)]
    return [s for s in steps if s.quick or not options.quick]


def load(path):
    with open(path, encoding="utf-8") as f:
        return json.load(f)


def save(path, what):
    with open(path, "w", encoding="utf-8") as f:
        json.dump(what, f, indent=1)
        f.write("\n")


def python():
    return sys.executable or "python3"
