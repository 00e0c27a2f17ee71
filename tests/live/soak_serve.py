#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""yolo-run --serve on live streams, each frame published by MQTT and counted in metrics, while streams drop out, inputs come and go
over HTTP, viewers of the page and its pictures come, go and stop reading, and the broker is killed, stopped and started again: memory,
descriptors and threads must not grow, and no broker may cost a frame.
By default that is four small streams and a small network; for a GPU: --streams 128 --h264 --come-and-go 8 --size 1920x1080 --rate 30 --up 256
--servers 4 -- --model yolov3 --device all, with --clips where there is no ffmpeg. It prints in what time results came, too.
usage: soak_serve.py BIN [OPTION ...] [-- OPTION OF yolo-run ...]"""
import argparse
import contextlib
import http.client
import json
import multiprocessing
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

import soak
from soak import CFG, Jpegs, Transport

os.environ["PATH"] += ":/usr/sbin:/usr/local/sbin"
TOKEN = "token-of-the-test"
GROWTH = {"memory, MB": 16, "descriptors": 12, "threads": 4}  # once it has settled, from the second fifth of the time to the last, in medians


class Broker(threading.Thread):
    """mosquitto, which is killed, or stopped so that it never reads, for a while, again and again."""

    def __init__(self, folder, seed):
        super().__init__(daemon=True)
        self.folder, self.random, self.over, self.kills, self.stops, self.lock = folder, random.Random(seed), False, 0, 0, threading.Lock()
        with socket.socket() as one:
            one.bind(("127.0.0.1", 0))
            self.port = one.getsockname()[1]
        with open(f"{folder}/broker", "w", encoding="utf-8") as f:
            f.write(f"listener {self.port} 127.0.0.1\nallow_anonymous true\n" + ("user root\n" if os.getuid() == 0 else ""))
        self.begin()

    def begin(self):
        with self.lock:
            if not self.over:
                self.process = subprocess.Popen(["mosquitto", "-c", "broker"], cwd=self.folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def run(self):
        while not self.over:
            time.sleep(self.random.uniform(3, 12))
            if self.random.random() < .5:
                self.process.kill()
                self.process.wait()
                self.kills += 1
                time.sleep(self.random.uniform(0, 4))
                self.begin()
            else:
                self.process.send_signal(signal.SIGSTOP)
                self.stops += 1
                time.sleep(self.random.uniform(1, 6))
                self.process.send_signal(signal.SIGCONT)

    def end(self):
        with self.lock:
            self.over = True
        self.process.kill()
        self.process.wait()


class Viewer(threading.Thread):
    """Looks at the page for a while as a browser does, or asks and never reads, and goes in the middle."""

    def __init__(self, port, seed, watch):
        super().__init__(daemon=True)
        self.port, self.random, self.watch = port, random.Random(seed), watch

    def run(self):
        while not self.watch["over"]:
            with contextlib.suppress(OSError, http.client.HTTPException):
                self.read_not() if self.random.random() < .2 else self.look(time.monotonic() + self.random.uniform(2, 10))
            time.sleep(self.random.uniform(0, 1))

    def look(self, until):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        with contextlib.closing(connection):
            last = {}
            while time.monotonic() < until and not self.watch["over"]:
                connection.request("GET", "/api/live")
                open_ones = [s["id"] for s in json.loads(connection.getresponse().read())["streams"] if s["phase"] == "open"]
                self.watch["looks"] += 1
                for number in open_ones[:3]:
                    connection.request("GET", f"/api/inputs/{number}/picture?after={last.get(number, -1)}")
                    reply = connection.getresponse()
                    body = reply.read()
                    if reply.status == 200:
                        last[number] = int(reply.headers["Convoy-Frame"])
                        self.watch["pictures"] += body.startswith(b"\xff\xd8") and body.endswith(b"\xff\xd9")
                time.sleep(.066)

    def read_not(self):
        with socket.create_connection(("127.0.0.1", self.port)) as one:
            one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            one.sendall(b"GET /api/inputs/0/picture HTTP/1.1\r\nHost: localhost\r\n\r\n" * 20)
            time.sleep(self.random.uniform(0, 5))


def ask(port, method, path, body=None):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    with contextlib.closing(connection):
        connection.request(method, path, body, {"Authorization": f"Bearer {TOKEN}"})
        reply = connection.getresponse()
        return reply.status, reply.read().decode()


def serve_streams(sources, up, pipe):
    """Serves until it is told to end; says which addresses there are, and then how often they were away."""
    soak.Stream.up = up
    streams = [kind(*arguments) for kind, *arguments in sources]
    for stream in streams:
        stream.start()
    pipe.send([stream.url for stream in streams])
    pipe.recv()
    pipe.send(sum(stream.drops for stream in streams))


class Servers:
    """So many processes that serve streams."""

    def __init__(self, sources, up, processes):
        self.pipes, self.urls, self.processes = [], [], []
        for i in range(processes):
            ours, theirs = multiprocessing.Pipe()
            process = multiprocessing.Process(target=serve_streams, args=(sources[i::processes], up, theirs), daemon=True)
            process.start()
            self.processes.append(process)
            self.urls += ours.recv()
            self.pipes.append(ours)

    def end(self):
        for pipe in self.pipes:
            pipe.send(None)
        return sum(pipe.recv() for pipe in self.pipes)

    def kill(self):
        for process in self.processes:
            process.kill()


def buckets(text, name):
    """The upper ends in seconds, and how many frames took no longer."""
    return {float(end): int(count) for end, count in re.findall(rf'^convoy_{name}_bucket{{le="([^"]+)"}} (\d+)$', text, re.M)}


def say_shares(begin, end):
    """In what time results came between two readings of the metrics."""
    for name, words in (("packet_latency_seconds", "from packet to result"), ("frame_latency_seconds", "from decoded frame to detections")):
        before, after = buckets(begin, name), buckets(end, name)
        counts = {le: count - before.get(le, 0) for le, count in after.items()}
        if all_of_them := counts.get(float("inf")):
            print(f"{words}, {all_of_them} frames: " + ", ".join(f"{100 * n / all_of_them:.2f} % within {le * 1e3:g} ms"
                                                                  for le, n in counts.items() if .002 < le < .6))


def come_and_go(port, url, watch):
    while not watch["over"]:
        with contextlib.suppress(OSError, http.client.HTTPException):
            status, text = ask(port, "POST", "/api/inputs", json.dumps({"input": url}))
            time.sleep(3)
            watch["came"] += status == 201 and ask(port, "DELETE", f"/api/inputs/{json.loads(text)['id']}")[0] == 204


def options_of_this():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("bin"), p.add_argument("--seconds", type=float, default=300)
    p.add_argument("--streams", type=int, default=3, help="that are there from the begin")
    p.add_argument("--h264", action="store_true", help="all streams, and those that come and go; else every fourth is Motion JPEG, and all that go")
    p.add_argument("--come-and-go", type=int, default=1, metavar="N", help="that come and go over HTTP")
    p.add_argument("--rate", type=float, default=300, help="frames/s of each stream"), p.add_argument("--size", default="96x64", help="of their frames")
    p.add_argument("--up", type=float, default=soak.UP_S, help="seconds until a stream drops out, on the average")
    p.add_argument("--clips", metavar="FOLDER", help="where what is sent is made by ffmpeg, or lies already, of whatever size")
    p.add_argument("--servers", type=int, default=1, help="processes that send")
    p.add_argument("--settle", type=float, help="seconds after which times and growth count; by default a fifth of all")
    p.add_argument("--picture", metavar="OUT.svg")
    argv, options = soak.arguments()
    a = p.parse_args(argv)
    if a.streams < 1 or a.servers < 1 or a.come_and_go < 0:
        p.error("there are one stream and one server, or more")
    a.bin, a.options = os.path.abspath(a.bin), options
    a.settle = a.seconds / 5 if a.settle is None else a.settle
    return a


def main():
    a = options_of_this()
    if not shutil.which("mosquitto"):
        sys.exit("it needs mosquitto")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("it was asked to end"))  # by way of what is below, so that nothing is left
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as ends:
        model = []
        if not {"--model", "--cfg"} & set(a.options):
            with open(f"{folder}/tiny.cfg", "w", encoding="utf-8") as f:
                f.write(CFG)
            subprocess.run([f"{a.bin}/yolo-make-weights", "tiny.cfg", "tiny.weights"], cwd=folder, check=True, stdout=subprocess.DEVNULL)
            model = ["--cfg", "tiny.cfg", "--weights", "tiny.weights"]
        soak.make_clips(clips := os.path.abspath(a.clips) if a.clips else folder, a.size)
        jpegs = lambda seed: (Jpegs, seed, f"{clips}/clip.mjpeg", a.rate)
        transport = lambda seed: (Transport, seed, f"{clips}/clip.ts", a.rate)
        servers = Servers([transport(i) if i % 4 or a.h264 else jpegs(i) for i in range(a.streams)], a.up, min(a.servers, a.streams))
        ends.callback(servers.kill)
        comers = Servers([(transport if a.h264 else jpegs)(1000 + i) for i in range(a.come_and_go)], a.up, 1)
        ends.callback(comers.kill)
        broker = Broker(folder, 5)
        ends.callback(broker.end)
        broker.start()
        command = [f"{a.bin}/yolo-run", *model, "--serve", "0", "--serve-inputs", "addresses", "--mqtt-queue", "4",
                   "--mqtt", f"mqtt://127.0.0.1:{broker.port}/boxes", "--metrics", "m.prom", "--report-json", "report.json", "--give-up", "3600",
                   *a.options, *servers.urls]
        with open(f"{folder}/log", "wb") as log:
            child = subprocess.Popen(command, cwd=folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=os.environ | {"CONVOY_TOKEN": TOKEN})
        ends.callback(child.kill)
        said = lambda: open(f"{folder}/log", encoding="utf-8", errors="replace").read()
        while not (found := re.search(r"serving: http://127\.0\.0\.1:(\d+)/", said())) and child.poll() is None:
            time.sleep(.1)
        if not found:
            sys.exit("FAILED: it does not serve: " + said())
        port, watch = int(found[1]), {"over": False, "looks": 0, "pictures": 0, "came": 0}
        threads = [Viewer(port, i, watch) for i in range(8)]
        threads += [threading.Thread(target=come_and_go, args=(port, url, watch), daemon=True) for url in comers.urls]
        for thread in threads:
            thread.start()
        start, seen, settled = time.monotonic(), [], None
        while (now := time.monotonic() - start) < a.seconds and child.poll() is None:
            with contextlib.suppress(OSError, IndexError):
                seen.append((now, soak.state_of(child.pid)))
            if now >= a.settle and settled is None:
                settled = ask(port, "GET", "/metrics")[1]
            time.sleep(1)
        if settled and child.poll() is None:
            say_shares(settled, ask(port, "GET", "/metrics")[1])
        watch["over"] = True
        child.send_signal(signal.SIGINT)
        try:
            status = child.wait(60)
        except subprocess.TimeoutExpired:
            sys.exit("FAILED: it does not end: " + said()[-3000:])
        broker.end()
        drops = servers.end() + comers.end()
        if not os.path.exists(f"{folder}/report.json"):
            sys.exit(f"FAILED: status {status}: " + said()[-3000:])
        with open(f"{folder}/report.json", encoding="utf-8") as f:
            report = json.load(f)
        mqtt = report["mqtt"]
        print(f"{report['frames']} frames and {report['dropped']} dropped of {a.streams + a.come_and_go} streams in {seen[-1][0]:.0f} s, status {status}; {drops} times a "
              f"stream dropped out, {watch['came']} times an input came and went, {broker.kills} times the broker was killed and {broker.stops} times stopped; "
              f"{mqtt['published']} messages published, {mqtt['dropped']} dropped, {mqtt['reconnects']} reconnects; {watch['looks']} looks, {watch['pictures']} pictures")
        failed = status not in (130, 2) or mqtt["published"] + mqtt["dropped"] != report["frames"] or not watch["pictures"] or (a.come_and_go and not watch["came"])
        failed |= soak.grows([(at, state) for at, state in seen if at >= a.settle], GROWTH)
        if a.picture:
            soak.draw(a.picture, seen, f"--serve: {report['frames']} frames, {drops} drops, {broker.kills + broker.stops} times without a broker, {watch['pictures']} pictures seen")
        if failed:
            print(said()[-3000:])
            sys.exit("FAILED: it ended wrongly, a message was not accounted for, or something grew")


if __name__ == "__main__":
    main()
