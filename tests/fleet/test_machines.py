#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Several machines, here processes, share a job and are killed: what comes together is what one quiet run writes, to the byte.
usage: test_machines.py BIN MODELS [shard|claim|hosts|parallel|ray]..."""
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

from fleet import Job, Worker, all_of

MACHINES = 4


def by_shards(job):
    workers = [Worker(job, job.command("shards", "--shard", f"{i + 1}/{MACHINES}"), i, kills=2, between_s=(.3, .9)) for i in range(MACHINES)]
    return all_of(workers) or killed(workers) or job.fault("shards")


def by_claims(job):
    how = ("--claim", "claims", "--claim-timeout", "2")
    workers = [Worker(job, job.command("claimed", *how), 10 + i, kills=2, between_s=(.3, .9)) for i in range(MACHINES)]
    return all_of(workers) or killed(workers) or job.fault("claimed")


def killed(workers):
    number = sum(worker.killed for worker in workers)
    print(f"{number} kills")
    return "" if number >= MACHINES else "the job was done before there were kills"


def by_hosts(job):
    """Two hosts with processes, names, networks and mounts of their own, and one folder. One goes for good."""
    def host(name):
        command = " ".join(["mount -t tmpfs none /dev/shm && hostname", name, "&& exec",
                            *job.command("hosts", "--claim", "claims-of-hosts", "--claim-timeout", "2")])
        return subprocess.Popen(["unshare", "--uts", "--pid", "--mount", "--ipc", "--net", "--fork", "--kill-child", "sh", "-c", command],
                                cwd=job.folder, env=job.where, stderr=subprocess.PIPE, text=True)
    first, second = host("first"), host("second")
    deadline = time.monotonic() + 60
    while not done_by(job, "first") and time.monotonic() < deadline:
        time.sleep(.05)
    first.send_signal(signal.SIGKILL)
    first.wait()
    error = second.communicate()[1]
    if second.returncode:
        return f"status {second.returncode}: {error[-500:]}"
    both = done_by(job, "first"), done_by(job, "second")
    print(f"units done by the host that was killed and by the other: {both}")
    return job.fault("hosts") if all(both) else f"units by host: {both}"


def done_by(job, host):
    folder, number = f"{job.folder}/hosts", 0
    for name in os.listdir(folder) if os.path.isdir(folder) else []:
        if name.endswith(".done"):
            with open(f"{folder}/{name}", encoding="utf-8") as f:
                number += f'"host": "{host}"' in f.read()
    return number


def by_parallel(job):
    job.run("parallel", "--will-cite", "-j", MACHINES, *job.command("parallel", "--shard", "{}/4"), ":::", 1, 2, 3, 4)
    return job.fault("parallel")


def by_ray(job):
    script = os.path.join(os.path.dirname(__file__), "../../docs/examples/fleet/ray_fleet.py")
    job.run(sys.executable, os.path.abspath(script), 2, "work.tsv", "ray", *job.options)
    return job.fault("ray")


def can_unshare():
    probe = ["unshare", "--uts", "--pid", "--mount", "--ipc", "--net", "--fork", "sh", "-c", "mount -t tmpfs none /dev/shm && hostname x"]
    return shutil.which("unshare") and subprocess.run(probe, capture_output=True).returncode == 0


def has_ray():
    return subprocess.run([sys.executable, "-c", "import ray"], capture_output=True).returncode == 0


WAYS = {"shard": (by_shards, lambda: True), "claim": (by_claims, lambda: True), "hosts": (by_hosts, can_unshare),
        "parallel": (by_parallel, lambda: shutil.which("parallel")), "ray": (by_ray, has_ray)}


def main():
    binaries, models, ways = sys.argv[1], sys.argv[2], sys.argv[3:] or list(WAYS)
    ways = [way for way in ways if WAYS[way][1]() or print(f"{way}: skipped: what it needs is not here")]
    if not ways or not shutil.which("ffmpeg"):
        print("skipped")
        return 77
    failures = 0
    with tempfile.TemporaryDirectory() as folder:
        job = Job(binaries, models, folder, small=8, loops=2, part_s=8, size=160)
        for way in ways:
            begin = time.monotonic()
            fault = WAYS[way][0](job)
            print(f"{way}: {fault or 'the same bytes'}, {time.monotonic() - begin:.1f} s (one quiet run: {job.quiet_s:.1f} s)", flush=True)
            failures += bool(fault)
    return int(failures > 0)


if __name__ == "__main__":
    sys.exit(main())
