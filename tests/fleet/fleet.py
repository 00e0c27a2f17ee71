# SPDX-License-Identifier: MIT
"""What the tests of many machines share: a job, workers that are killed, and what must come of it."""
import filecmp
import os
import random
import shutil
import signal
import subprocess
import threading
import time

OPTIONS = ["--quiet", "--threads", "1", "--device", "cpu"]


class Job:
    """A folder with inputs, their manifest, and the records of one quiet run of all."""

    def __init__(self, binaries, models, folder, small, loops, part_s, size):
        self.binaries, self.folder, self.options = os.path.abspath(binaries), folder, [*OPTIONS, "--size", str(size)]
        self.where = {**os.environ, "PATH": f"{self.binaries}:{os.environ['PATH']}"}
        self.random = random.Random(7)
        self.make_inputs(os.path.abspath(f"{models}/pedestrians.mp4"), small, loops)
        self.run("yolo-fleet", "manifest", "inputs", "-o", "work.tsv", "--part-seconds", part_s, "--quiet")
        quiet = Worker(self, ["yolo-run", "inputs", "--no-latency", "--jsonl", "quiet.jsonl", *self.options], 0, kills=0, between_s=(0, 0))
        begin = time.monotonic()
        assert not all_of([quiet]), quiet.error
        self.quiet_s, self.quiet_cpu_s = time.monotonic() - begin, quiet.cpu_s

    def make_inputs(self, clip, small, loops):
        """Pictures and clips of a second in four containers, and a video of `loops` clips."""
        os.mkdir(f"{self.folder}/inputs")
        make = ["ffmpeg", "-v", "error", "-y"]
        kinds = [f"{self.folder}/kind.{ending}" for ending in ("jpg", "mp4", "mkv", "ts")]
        for kind in kinds:
            only = ["-frames:v", "1"] if kind.endswith("jpg") else ["-t", "1", "-c", "copy"]
            subprocess.run([*make, "-ss", "3", "-i", clip, *only, kind], check=True)
        for i in range(small):
            shutil.copy(kinds[i % 4], f"{self.folder}/inputs/{i}{os.path.splitext(kinds[i % 4])[1]}")
        subprocess.run([*make, "-stream_loop", str(loops - 1), "-i", clip, "-c", "copy", f"{self.folder}/inputs/long.mp4"], check=True)

    def run(self, *command):
        done = subprocess.run([str(word) for word in command], cwd=self.folder, env=self.where, capture_output=True, text=True)
        assert done.returncode == 0, f"{command}: status {done.returncode}: {done.stderr}"
        return done.stderr

    def command(self, out, *how):
        return ["yolo-run", "--manifest", "work.tsv", "--jsonl", f"{out}/", *how, *self.options]

    def fault(self, out):
        """What is wrong with the results; "" if nothing is."""
        done = subprocess.run(["yolo-fleet", "merge", "work.tsv", out, "--jsonl", f"{out}.jsonl", "--report-json", f"{out}.json"],
                              cwd=self.folder, env=self.where, capture_output=True, text=True)
        if done.returncode:
            return f"merge: status {done.returncode}: {done.stderr[-2000:]}"
        same = filecmp.cmp(f"{self.folder}/{out}.jsonl", f"{self.folder}/quiet.jsonl", shallow=False)
        return "" if same else f"{out}.jsonl is not what a quiet run writes"


class Worker(threading.Thread):
    """Starts a command again and again until it is done, and kills it after a while."""

    def __init__(self, job, command, seed, kills, between_s):
        super().__init__()
        self.job, self.command, self.kills, self.between_s = job, command, kills, between_s
        self.random = random.Random(seed)
        self.killed, self.cpu_s, self.status, self.error = 0, 0., None, ""

    def run(self):
        while True:
            child = subprocess.Popen(self.command, cwd=self.job.folder, env=self.job.where, stderr=subprocess.PIPE, text=True)
            if self.killed < self.kills:
                timer = threading.Timer(self.random.uniform(*self.between_s), child.send_signal, [signal.SIGKILL])
                timer.start()
            self.error = child.stderr.read()
            _, state, usage = os.wait4(child.pid, 0)
            child.returncode = os.waitstatus_to_exitcode(state)
            self.cpu_s += usage.ru_utime + usage.ru_stime
            if child.returncode != -signal.SIGKILL:
                self.status = child.returncode
                return
            self.killed += 1


def all_of(workers):
    """What is wrong with them, once they have ended."""
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return "; ".join(f"status {w.status}: {w.error[-500:]}" for w in workers if w.status != 0)
