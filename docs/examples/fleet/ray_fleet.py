# SPDX-License-Identifier: MIT
"""A manifest's units on a Ray cluster: ray_fleet.py TASKS MANIFEST RESULTS [OPTION OF YOLO-RUN]..."""
import os
import subprocess
import sys

import ray


@ray.remote(max_retries=20, retry_exceptions=True)
def task(folder, manifest, results, options):
    done = subprocess.run(["yolo-run", "--manifest", manifest, "--claim", f"{results}/claims", "--jsonl", f"{results}/", *options], cwd=folder)
    if done.returncode not in (0, 1, 2, 3):  # unfit, told to go, killed: again, perhaps elsewhere
        raise RuntimeError(f"yolo-run ended with status {done.returncode}")
    return done.returncode


if __name__ == "__main__":
    ray.init()
    tasks, manifest, results, options = int(sys.argv[1]), sys.argv[2], sys.argv[3], sys.argv[4:]
    gpus = 1 if ray.cluster_resources().get("GPU") else 0
    job = task.options(num_gpus=gpus)
    statuses = ray.get([job.remote(os.getcwd(), manifest, results, options) for _ in range(tasks)])
    sys.exit(max(statuses))
