#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A job of 200 small inputs and a long video as an array of Slurm's, on a cluster of four nodes on this machine: first in peace, then
with each task killed (-9) again and again and one node drained. The bytes are those of one quiet run both times.
usage: test_slurm.py BIN MODELS [--small N] [--loops N] [--size N] [--part-seconds S] [--kill-every S]"""
import argparse
import glob
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time

from fleet import Job

NODES = 4
HERE = os.path.dirname(os.path.abspath(__file__))
RECIPE = f"{HERE}/../../docs/examples/fleet/convoy.sbatch"

# Stands before yolo-run in the PATH of tasks: says which process it is, and what that has cost.
WRAPPER = '''#!{python}
import json, os, signal, subprocess, sys, time
child = subprocess.Popen(["{program}", *sys.argv[1:]])
signal.signal(signal.SIGTERM, lambda *_: child.send_signal(signal.SIGTERM))
name = f"{folder}/tasks/{{child.pid}}-{{time.time_ns()}}"
open(name + ".pid", "w").write(f"{{child.pid}} {{os.environ.get('SLURMD_NODENAME')}}")
_, state, usage = os.wait4(child.pid, 0)
os.remove(name + ".pid")
with open(name + ".json", "w") as f:
    json.dump({{"status": os.waitstatus_to_exitcode(state), "cpu_s": usage.ru_utime + usage.ru_stime}}, f)
status = os.waitstatus_to_exitcode(state)
sys.exit(status if status >= 0 else 128 - status)
'''


def slurm(*command):
    return subprocess.run(command, capture_output=True, text=True)


class Array:
    """The recipe, as an array of a task a node."""

    def __init__(self, job, out):
        self.job, self.out = job, out
        shutil.rmtree(f"{job.folder}/tasks", ignore_errors=True)
        os.makedirs(f"{job.folder}/tasks")
        os.makedirs(f"{job.folder}/{out}")
        where = {**job.where, "PATH": f"{job.folder}/bin:{job.where['PATH']}"}
        done = subprocess.run(["sbatch", "--parsable", f"--array=1-{NODES}", "-o", f"{job.folder}/{out}-%a.log", RECIPE, "work.tsv", out,
                               *job.options, "--claim-timeout", "5"], cwd=job.folder, env=where, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        self.id, self.begin = done.stdout.strip(), time.monotonic()

    def states(self):
        """Of tasks that have not ended, by number."""
        lines = slurm("squeue", "-h", "-j", self.id, "-t", "PD,R,CG,S,CF", "-r", "-o", "%K %T").stdout.split("\n")
        return dict(line.split() for line in lines if line.strip())

    def wait(self, meanwhile=lambda: None):
        while self.states():
            meanwhile()
            time.sleep(.2)
        return time.monotonic() - self.begin

    def exit_codes(self):
        found = slurm("scontrol", "show", "job", self.id).stdout
        return [word[9:] for word in found.split() if word.startswith("ExitCode=")]

    def tasks(self):
        entries = []
        for name in glob.glob(f"{self.job.folder}/tasks/*.json"):
            with open(name, encoding="utf-8") as f:
                entries.append(json.load(f))
        return entries

    def logs(self):
        texts = []
        for name in sorted(glob.glob(f"{self.job.folder}/{self.out}-*.log")):
            with open(name, encoding="utf-8", errors="replace") as f:
                texts.append(f.read()[-500:])
        return "\n".join(texts)


class Trouble:
    """Kills what runs on each node after a while; drains a node once."""

    def __init__(self, array, every_s):
        self.array, self.every_s, self.random, self.kills = array, every_s, random.Random(3), 0
        now = time.monotonic()
        self.next = {f"n{i + 1}": now + self.random.uniform(.3, 1.2) * every_s for i in range(NODES)}
        self.drain_at, self.drained = now + 1.5 * every_s, None

    def __call__(self):
        now = time.monotonic()
        for name in glob.glob(f"{self.array.job.folder}/tasks/*.pid"):
            try:
                with open(name, encoding="utf-8") as f:
                    pid, node = f.read().split()
                if now >= self.next[node]:
                    self.next[node] = now + self.random.uniform(.8, 1.2) * self.every_s
                    os.kill(int(pid), signal.SIGKILL)
                    self.kills += 1
            except (OSError, ValueError):
                pass  # it has just ended, or is about to say who it is
        if self.drain_at and now >= self.drain_at:
            self.drain_at = None
            self.drain("n3")
        if self.drained:  # Slurm lets what is requeued wait for two minutes
            slurm("scontrol", "update", f"JobId={self.drained}", "StartTime=now")

    def drain(self, node):
        found = slurm("squeue", "-h", "-j", self.array.id, "-w", node, "-r", "-o", "%A_%K %F_%K").stdout.split()
        slurm("scontrol", "update", f"NodeName={node}", "State=DRAIN", "Reason=test")
        if found:
            self.drained = found[-1]
            slurm("scontrol", "requeue", self.drained)


def check(array, what):
    fault = array.job.fault(array.out)
    codes = array.exit_codes()
    if any(code != "0:0" for code in codes):
        fault = f"{fault}; exit codes {codes}"
    print(f"{what}: {fault or 'the same bytes'}", flush=True)
    if fault:
        print(array.logs())
    return bool(fault)


def inside(arguments, folder):
    job = Job(arguments.bin, arguments.models, folder, arguments.small, arguments.loops, arguments.part_seconds, arguments.size)
    os.mkdir(f"{folder}/bin")
    with open(f"{folder}/bin/yolo-run", "w", encoding="utf-8") as f:
        f.write(WRAPPER.format(python=sys.executable, program=f"{job.binaries}/yolo-run", folder=folder))
    os.chmod(f"{folder}/bin/yolo-run", 0o755)
    with open(f"{folder}/work.tsv", encoding="utf-8") as f:
        units = len(f.readlines()) - 2
    cores = len(os.sched_getaffinity(0))
    print(f"{arguments.small + 1} inputs in {units} units; one quiet run of one thread: {job.quiet_s:.1f} s, {job.quiet_cpu_s:.1f} s of CPU")

    peace = Array(job, "peace")
    wall_s = peace.wait()
    cpu_s = sum(task["cpu_s"] for task in peace.tasks())
    failures = check(peace, "in peace")
    print(f"in peace: {wall_s:.1f} s on {cores} cores, {cpu_s:.1f} s of CPU: {job.quiet_cpu_s / cores / wall_s:.1%} of what {cores} cores that do "
          f"nothing but the quiet run's work would reach, {cpu_s / cores / wall_s:.1%} of what they had to do")

    war = Array(job, "war")
    trouble = Trouble(war, arguments.kill_every)
    wall_s = war.wait(trouble)
    tasks = war.tasks()
    lost_s = (sum(task["cpu_s"] for task in tasks) - cpu_s) / max(trouble.kills, 1)
    failures += check(war, f"with {trouble.kills} kills and a node drained")
    print(f"with kills: {wall_s:.1f} s; {lost_s:.2f} s of CPU lost a kill; statuses of runs: {sorted(task['status'] for task in tasks)}")
    if trouble.kills < NODES or trouble.drain_at:
        print("the job was done before there was enough trouble")
        failures += 1
    if trouble.kills and lost_s > 10:
        print("more than 10 s of work are lost a kill")
        failures += 1
    return int(failures > 0)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("bin")
    parser.add_argument("models")
    parser.add_argument("--small", type=int, default=200)
    parser.add_argument("--loops", type=int, default=10)
    parser.add_argument("--size", type=int, default=160)
    parser.add_argument("--part-seconds", type=float, default=30)
    parser.add_argument("--kill-every", type=float, default=3)
    parser.add_argument("--inside")
    arguments = parser.parse_args()
    if arguments.inside:
        return inside(arguments, arguments.inside)
    if not shutil.which("ffmpeg"):
        print("slurm: skipped: ffmpeg is not installed")
        return 77
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        cluster, job = f"{folder}/cluster", f"{folder}/job"
        os.mkdir(cluster)
        os.mkdir(job)
        return subprocess.run([f"{HERE}/slurm.sh", cluster, str(NODES), sys.executable, "-B", os.path.abspath(__file__), *sys.argv[1:],
                               "--inside", job]).returncode


if __name__ == "__main__":
    sys.exit(main())
