#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""yolo-run on four live streams that drop out again and again, for a million frames: memory, descriptors and threads must
not grow. Two streams are Motion JPEG over HTTP, two MPEG-TS over TCP, each as fast as RATE frames/s.
usage: soak.py BIN [--frames N] [--rate RATE] [--picture OUT.svg] [--clips FOLDER] [-- OPTION OF yolo-run ...]"""
import argparse
import functools
import json
import os
import random
import socket
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "corpus"))
from test_corpus import CFG  # noqa: E402

UP_S, DOWN_S = 9, (0, 1.5)  # how long a connection lasts on the average, and a server is away
TICK_S = .02
CLIP_S = 200  # after which stamps begin anew
GROWTH = {"memory, MB": 8, "descriptors": 6, "threads": 4}  # from the second fifth of the time to the last, in medians
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: multipart/x-mixed-replace; boundary=next\r\n\r\n"


def listener():
    s = socket.create_server(("127.0.0.1", 0))
    s.settimeout(.2)
    return s


class Stream(threading.Thread):
    """Serves one client at a time, for a while; then it is gone for a while."""

    up = UP_S

    def __init__(self, seed):
        super().__init__(daemon=True)
        self.random, self.drops, self.over = random.Random(seed), 0, False
        self.socket = listener()
        self.port = self.socket.getsockname()[1]

    def run(self):
        while not self.over:
            try:
                client = self.socket.accept()[0]
            except TimeoutError:
                continue
            with client:
                client.settimeout(5)
                try:
                    self.serve(client, time.monotonic() + self.random.uniform(self.up / 3, self.up * 5 / 3))
                    self.drops += not self.over
                except OSError:
                    pass  # the client has gone
            self.socket.close()
            time.sleep(self.random.uniform(*DOWN_S))
            while not self.is_back():  # another program may have been given the port
                time.sleep(.1)

    def is_back(self):
        try:
            self.socket = socket.create_server(("127.0.0.1", self.port))
        except OSError:
            return False
        self.socket.settimeout(.2)
        return True

    def pace(self, chunks, rate, client, until):
        """Sends so many of them a second."""
        start, sent = time.monotonic(), 0
        while not self.over and time.monotonic() < until:
            due = int((time.monotonic() - start) * rate) + 1
            if due > sent:
                client.sendall(b"".join(chunks[i % len(chunks)] for i in range(sent, due)))
                sent = due
            time.sleep(TICK_S)


@functools.cache
def chunks_of(path):
    """A transport stream in pieces of about a frame, and how many frames there are: what begins in its first video."""
    data = open(path, "rb").read()
    frames = sum(data[i + 1] & 0x5f == 0x41 and data[i + 2] == 0 for i in range(0, len(data), 188))
    size = max(1, len(data) // 188 // frames) * 188
    return [data[i:i + size] for i in range(0, len(data), size)], frames


class Jpegs(Stream):
    def __init__(self, seed, path, rate):
        super().__init__(seed)
        pictures = [b"\xff\xd8" + p for p in open(path, "rb").read().split(b"\xff\xd8") if p]
        self.parts = [b"--next\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n%s\r\n" % (len(p), p) for p in pictures]
        self.rate = rate
        self.url = f"http://127.0.0.1:{self.port}/video"

    def serve(self, client, until):
        while b"\r\n\r\n" not in (text := client.recv(65536)) and text:
            pass
        client.sendall(HEAD)
        self.pace(self.parts, self.rate, client, until)


class Transport(Stream):
    def __init__(self, seed, path, rate):
        super().__init__(seed)
        self.chunks, frames = chunks_of(path)
        self.rate = rate * len(self.chunks) / frames
        self.url = f"tcp://127.0.0.1:{self.port}"

    def serve(self, client, until):
        self.pace(self.chunks, self.rate, client, until)


def make_clips(folder, size="96x64"):
    os.makedirs(folder, exist_ok=True)
    clips = {"clip.mjpeg": "-frames:v 50 -c:v mjpeg -f mjpeg",
             "clip.ts": f"-t {CLIP_S} -c:v libx264 -preset veryfast -crf 35 -bf 0 -g 25 -f mpegts"}
    for name, options in clips.items():
        if not os.path.exists(f"{folder}/{name}"):
            subprocess.run(["ffmpeg", "-v", "error", "-f", "lavfi", "-i", f"testsrc2=s={size}:r=25", *options.split(), f"{folder}/part.{name}"], check=True)
            os.rename(f"{folder}/part.{name}", f"{folder}/{name}")


def state_of(pid):
    status = open(f"/proc/{pid}/status").read()
    field = lambda name: int(status.split(name + ":")[1].split()[0])
    return {"memory, MB": field("VmRSS") / 1024, "descriptors": len(os.listdir(f"/proc/{pid}/fd")), "threads": field("Threads")}


def median(values):
    return sorted(values)[len(values) // 2]


def arguments():
    """Those of the script, and those behind "--"."""
    argv = sys.argv[1:]
    return (argv[:argv.index("--")], argv[argv.index("--") + 1:]) if "--" in argv else (argv, [])


def grows(seen, limits):
    """Whether something grew by more than its limit, from the second fifth of the time to the last; says how all went."""
    fifth, grown = len(seen) // 5, not seen
    if grown:
        print("it ended before anything was seen")
        return grown
    for name, limit in limits.items():
        early, late = (median([state[name] for _, state in seen[i * fifth:(i + 1) * fifth] or seen]) for i in (1, 4))
        print(f"{name}: {early:.1f} in the second fifth of the time, {late:.1f} in the last, {max(state[name] for _, state in seen):.1f} at most")
        grown |= late - early > limit
    return grown


def draw(path, seen, title):
    """A row for each of what was watched, over the time."""
    left, width, height, gap = 90, 900, 120, 40
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{left + width + 20}" height="{60 + 3 * (height + gap)}" '
           f'font-family="sans-serif" font-size="12"><rect width="100%" height="100%" fill="#fff"/>'
           f'<text x="{left}" y="20" font-weight="bold">{title}</text>']
    for row, name in enumerate(GROWTH):
        top, most = 45 + row * (height + gap), max(state[name] for _, state in seen) * 1.1
        points = " ".join(f"{left + width * at / seen[-1][0]:.1f},{top + height * (1 - state[name] / most):.1f}"
                          for at, state in seen[::len(seen) // width + 1])
        out.append(f'<rect x="{left}" y="{top}" width="{width}" height="{height}" fill="none" stroke="#ccc"/>'
                   f'<polyline points="{points}" fill="none" stroke="#4c78a8"/>'
                   f'<text x="{left - 6}" y="{top + 10}" text-anchor="end">{most:.0f}</text>'
                   f'<text x="{left - 6}" y="{top + height}" text-anchor="end">0</text>'
                   f'<text x="{left}" y="{top - 5}">{name}</text>')
    out.append(f'<text x="{left + width}" y="{60 + 3 * (height + gap) - 22}" text-anchor="end">{seen[-1][0]:.0f} s</text></svg>')
    open(path, "w").write("\n".join(out) + "\n")


def main():
    argv, options = arguments()
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("bin"), p.add_argument("--frames", type=int, default=1000000, help="of all streams")
    p.add_argument("--rate", type=float, default=600, help="frames/s of each stream")
    p.add_argument("--picture", metavar="OUT.svg")
    p.add_argument("--clips", metavar="FOLDER", help="where what is sent is made by ffmpeg, or lies already")
    a = p.parse_args(argv)
    a.bin = os.path.abspath(a.bin)
    with tempfile.TemporaryDirectory() as folder:
        open(f"{folder}/tiny.cfg", "w").write(CFG)
        subprocess.run([f"{a.bin}/yolo-make-weights", "tiny.cfg", "tiny.weights"], cwd=folder, check=True, stdout=subprocess.DEVNULL)
        make_clips(clips := a.clips or folder)
        streams = [Jpegs(i, f"{clips}/clip.mjpeg", a.rate) for i in (1, 2)]
        streams += [Transport(i, f"{clips}/clip.ts", a.rate) for i in (3, 4)]
        for stream in streams:
            stream.start()
        each = a.frames // len(streams)
        command = [f"{a.bin}/yolo-run", "--cfg", "tiny.cfg", "--weights", "tiny.weights", "--frames", str(each), "--jsonl", "out.jsonl",
                   "--report-json", "report.json", "-q", *options, *(stream.url for stream in streams)]
        start, seen = time.monotonic(), []
        with open(f"{folder}/log", "wb") as log:
            child = subprocess.Popen(command, cwd=folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        while child.poll() is None:
            try:
                seen.append((time.monotonic() - start, state_of(child.pid)))
            except (OSError, IndexError):
                break  # it has ended in between
            time.sleep(1)
        status = child.wait()
        for stream in streams:
            stream.over = True
        counts, last = {}, {}
        backwards = 0
        for line in open(f"{folder}/out.jsonl"):
            record = json.loads(line)
            name = record["input"]
            counts[name] = counts.get(name, 0) + 1
            backwards += record["time_s"] < last.get(name, 0)
            last[name] = record["time_s"]
        drops = sum(stream.drops for stream in streams)
        print(f"{sum(counts.values())} frames of {len(counts)} streams in {seen[-1][0]:.0f} s, {drops} drops, status {status}, "
              f"{backwards} times that went back")
        failed = status not in (0, 2) or any(counts.get(stream.url) != each for stream in streams) or backwards > 0
        failed |= grows(seen, GROWTH)
        if a.picture:
            draw(a.picture, seen, f"{sum(counts.values())} frames of four live streams, {drops} drops")
        if failed:
            print(open(f"{folder}/log", errors="replace").read()[-3000:])
            sys.exit("FAILED: it ended wrongly, lost frames, or something grew")


if __name__ == "__main__":
    main()
