#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""How many pictures POST /detect of yolo-run --serve answers in a second, and how soon, with 1, 16, 64 and 256 clients that ask one
after the other; beside the network alone. Clients are processes, four at most, of threads.
usage: detect_http.py BIN PICTURE [--seconds N] [OPTION OF YOLO-RUN...]"""
import argparse
import concurrent.futures
import http.client
import json
import multiprocessing
import os
import re
import subprocess
import tempfile
import time

TOKEN = "token-of-the-bench"


def client(port, picture, end):
    """How long each request took, and whether its answer came before the end."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    times = []
    while time.monotonic() < end:
        begin = time.monotonic()
        connection.request("POST", "/detect", body=picture, headers={"Authorization": f"Bearer {TOKEN}"})
        reply = connection.getresponse()
        reply.read()
        if reply.status != 200:
            raise RuntimeError(f"status {reply.status}")
        now = time.monotonic()
        times.append((now - begin, now <= end))
    connection.close()
    return times


def clients(arguments):
    count, port, picture, end = arguments
    with concurrent.futures.ThreadPoolExecutor(count) as pool:
        return [t for times in pool.map(lambda _: client(port, picture, end), range(count)) for t in times]


def network_alone(command, picture, options):
    """Pictures a second of the network itself, in full batches."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([command, *[os.path.abspath(picture)] * 200, "--report-json", "report.json", "--quiet", "--jsonl", "r.jsonl", *options], cwd=folder, check=True)
        with open(f"{folder}/report.json", encoding="utf-8") as f:
            report = json.load(f)
    busy = {stage["device"]: stage["total_s"] for stage in report["stages"] if stage["name"] == "network"}
    return sum(device["pictures"] / busy[device["name"]] for device in report["devices"] if device["pictures"])


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("bin")
    parser.add_argument("picture")
    parser.add_argument("--seconds", type=float, default=10)
    known, options = parser.parse_known_args()
    command = os.path.abspath(f"{known.bin}/yolo-run")
    with open(known.picture, "rb") as f:
        picture = f.read()
    print(f"the network alone: {network_alone(command, known.picture, options):7.1f} pictures/s", flush=True)
    server = subprocess.Popen([command, "--serve", "127.0.0.1:0", *options], stderr=subprocess.PIPE, text=True, env=os.environ | {"CONVOY_TOKEN": TOKEN})
    port = next(int(re.search(r":(\d+)/", line)[1]) for line in server.stderr if line.startswith("serving: "))
    try:
        client(port, picture, time.monotonic() + 1)
        for count in (1, 16, 64, 256):
            processes = min(count, 4)
            with multiprocessing.Pool(processes) as pool:
                end = time.monotonic() + known.seconds
                times = sorted(t for some in pool.map(clients, [(count // processes, port, picture, end)] * processes) for t in some)
            in_time = sum(came for _, came in times)
            print(f"{count:3} clients: {in_time / known.seconds:7.1f} pictures/s, p50 {1000 * times[len(times) // 2][0]:7.1f} ms, "
                  f"p99 {1000 * times[len(times) * 99 // 100][0]:7.1f} ms", flush=True)
    finally:
        server.terminate()
        server.communicate()


if __name__ == "__main__":
    main()
