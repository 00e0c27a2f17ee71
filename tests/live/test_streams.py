#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""yolo-run on live streams that come faster than it works, that tell the wall clock's time, and that come and go.
usage: test_streams.py BIN MODELS"""
import json
import os
import re
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
from datetime import datetime

sys.path.insert(0, os.path.dirname(__file__))
import soak  # noqa: E402
from soak import Jpegs  # noqa: E402

BIN, MODELS = map(os.path.abspath, sys.argv[1:3])
RATE, FRAMES = 200, 500


def check(holds, what):
    if not holds:
        raise AssertionError(what)


def run(folder, *arguments):
    command = [f"{BIN}/yolo-run", "--device", "cpu", *arguments]
    child = subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=300)
    check(child.returncode == 0, f"{command}: status {child.returncode}: {child.stderr}")
    return child


def length_of(video):
    command = ["ffprobe", "-v", "error", "-show_entries", "format=duration", "-of", "csv=p=0", video]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def too_fast(folder, clip):
    """What is too old is dropped and counted, and what comes out keeps its numbers and times."""
    stream = Jpegs(1, clip, RATE)
    stream.start()
    child = run(folder, "--model", f"{MODELS}/yolov3-quarter", "--size", "608", stream.url, "--newest", "--frames", str(FRAMES),
                "--jsonl", "newest.jsonl", "--video", "newest.mp4", "--report-json", "report.json", "--report-html", "report.html", "--metrics", "newest.prom")
    records = [json.loads(line) for line in open(f"{folder}/newest.jsonl")]
    numbers, times = [[r[name] for r in records] for name in ("frame", "time_s")]
    check(numbers == sorted(set(numbers)) and numbers[-1] == FRAMES - 1, f"numbers: {numbers}")
    check(times == sorted(set(times)), f"times: {times}")
    now, walls = time.time(), wall_times(f"{folder}/newest.jsonl")
    check(walls == sorted(walls) and now - 100 < walls[0] and walls[-1] <= now, f"wall times: {walls}, and now it is {now}")
    dropped = FRAMES - len(records)
    check(dropped > 0, f"{FRAMES} frames came at {RATE}/s, and none was dropped")
    report = json.load(open(f"{folder}/report.json"))
    check(report["dropped"] == dropped and report["inputs"][0]["dropped"] == dropped, report)
    check("from a frame's packet until its result was told: median " in open(f"{folder}/report.html").read(), "nothing of packets")
    age, packet = report["age_of_live_frames"], report["packet_to_result"]
    check(report["frames"] == len(records) and age["p99_ms"] > 0, report)
    check(all(packet[p] >= .99 * age[p] for p in age), report)  # which begins later and ends earlier
    check(f"{len(records)} frames, {dropped} dropped as too old, " in child.stderr, child.stderr)
    metrics = open(f"{folder}/newest.prom").read()
    check(f"\nconvoy_dropped_frames_total {dropped}\n" in metrics, metrics)
    check(f"\nconvoy_packet_latency_seconds_count {len(records)}\n" in metrics, metrics)
    check(re.search(rf"\nconvoy_input_dropped_frames_total{{input=.*}} {dropped}\n", metrics), metrics)
    lasts = length_of(f"{folder}/newest.mp4")
    check(abs(lasts - times[-1]) < .5, f"the video lasts {lasts} s, its last frame is at {times[-1]} s")

    child = run(folder, "--model", f"{MODELS}/yolov3-quarter", "--size", "96", stream.url, "--frames", "40", "--jsonl", "all.jsonl")
    check([json.loads(line)["frame"] for line in open(f"{folder}/all.jsonl")] == list(range(40)), "frames were dropped unasked")
    check("dropped" not in child.stderr, child.stderr)
    stream.over = True


def wall_times(path):
    return [datetime.fromisoformat(json.loads(line)["wall_time"].replace("Z", "+00:00")).timestamp() for line in open(path)]


class Late(threading.Thread):
    """Hands RTP and RTCP on, whose clock it puts back."""

    def __init__(self, seconds):
        super().__init__(daemon=True)
        self.seconds = seconds
        while True:  # two neighbours
            self.sockets = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2)]
            try:
                self.sockets[0].bind(("127.0.0.1", 0))
                self.port = self.sockets[0].getsockname()[1]
                self.sockets[1].bind(("127.0.0.1", self.port + 1))
                break
            except OSError:
                pass
        self.to = None

    def run(self):
        forward = lambda i: [self.pass_on(i) for _ in iter(int, 1)]
        threading.Thread(target=forward, args=(1,), daemon=True).start()
        forward(0)

    def pass_on(self, i):
        packet = self.sockets[i].recv(65536)
        if i == 1 and packet[1] == 200:
            packet = packet[:8] + struct.pack(">I", struct.unpack(">I", packet[8:12])[0] - self.seconds) + packet[12:]
        self.sockets[i].sendto(packet, ("127.0.0.1", self.to + i))


def senders_clock(folder, clip):
    """The wall clock's time is the sender's, from its first report on. ffmpeg sends half a second before its time."""
    late = Late(3600)
    free = Late(0)  # for its port
    late.to = free.port
    for s in free.sockets:
        s.close()
    late.start()
    sender = subprocess.Popen(["ffmpeg", "-v", "error", "-re", "-stream_loop", "-1", "-f", "mjpeg", "-r", "25", "-i", clip, "-c:v",
                               "mjpeg", "-huffman", "default", "-force_duplicated_matrix", "1", "-f", "rtp",
                               f"rtp://127.0.0.1:{late.port}?pkt_size=1400"], stdout=subprocess.DEVNULL)
    try:
        run(folder, "--model", f"{MODELS}/yolov3-quarter", "--size", "96", f"rtp://127.0.0.1:{late.to}", "--frames", "200",
            "--jsonl", "rtp.jsonl")
    finally:
        sender.kill()
        sender.wait()
    times = wall_times(f"{folder}/rtp.jsonl")
    behind = time.time() - times[-1]
    check(3599 <= behind < 3700, f"the last frame is {behind} s old, the sender's clock is an hour behind: {times}")
    steps = [(b - a) / .04 for a, b in zip(times[-50:], times[-49:])]  # 25 frames a second were sent
    check(all(step > .5 and abs(step - round(step)) < .1 for step in steps), f"by the sender's clock: {steps}")


def come_and_go(folder, clip):
    """A list of inputs, whose lines come and go while the run lasts."""
    streams = [Jpegs(i, clip, 25) for i in range(3)]
    for stream in streams:
        stream.start()
    path = f"{folder}/cameras.txt"

    def write(*lines):
        with open(path + ".new", "w") as f:
            f.write("".join(line + "\n" for line in lines))
        os.replace(path + ".new", path)

    def records(name):
        file = f"{folder}/found/{name}.jsonl"
        if not os.path.exists(file):
            return []
        return [json.loads(line) for line in open(file).read().splitlines(keepends=True) if line.endswith("\n")]

    def wait_for(what, holds):
        end = time.monotonic() + 120
        while not holds():
            check(time.monotonic() < end and child.poll() is None, f"{what}: {open(folder + '/log').read()}")
            time.sleep(.05)

    first, second, third = [s.url for s in streams]
    name = "video"  # of all three addresses
    write("# cameras", first, second)
    with open(f"{folder}/log", "w") as log:
        child = subprocess.Popen([f"{BIN}/yolo-run", "--device", "cpu", "--model", f"{MODELS}/yolov3-quarter", "--size", "96", "--watch-list",
                                  path, "--jsonl", "found/", "--video", "found/", "--metrics", "go.prom"], cwd=folder, stderr=log, stdout=log)
        log_text = lambda: open(f"{folder}/log").read()
        wait_for("two streams", lambda: records(name) and records(name + "-2"))
        write("# cameras", first, third, "nothing.mp4", folder, first)
        wait_for("a third stream", lambda: len(records(name + "-3")) > 5)
        wait_for("the second's end", lambda: os.path.exists(f"{folder}/found/{name}-2.mp4"))
        ended = len(records(name + "-2"))
        write("# cameras", first, second, third, "nothing.mp4")
        wait_for("the second again", lambda: len(records(name + "-4")) > 5)
        check(len(records(name + "-2")) == ended, "a stream that was taken out of the list goes on")
        write()
        wait_for("all ends", lambda: all(os.path.exists(f"{folder}/found/{name}{n}.mp4") for n in ("", "-2", "-3", "-4")))
        child.send_signal(2)
        check(child.wait(60) == 130, f"{child.returncode}: {log_text()}")
    text = log_text()
    for sentence in ("cameras.txt:4: 'nothing.mp4' does not exist", "is a folder; name the files in it", f"cameras.txt:6: '{first}' stands there more than once"):
        check(text.count(sentence) == 1, f"{sentence}: {text}")
    check("error" not in text, text)
    for n in ("", "-2", "-3", "-4"):
        numbers = [r["frame"] for r in records(name + n)]
        check(numbers == list(range(len(numbers))), f"{name}{n}: {numbers}")
        check(length_of(f"{folder}/found/{name}{n}.mp4") > 0, f"{name}{n}.mp4")
    metrics = open(f"{folder}/go.prom").read()
    check("\nconvoy_inputs_open 0\n" in metrics and "\nconvoy_inputs_ended_total 4\n" in metrics, metrics)
    for stream in streams:
        stream.over = True


def main():
    soak.Stream.up, soak.DOWN_S = 3600, (0, 0)
    with tempfile.TemporaryDirectory() as folder:
        soak.make_clips(folder)
        too_fast(folder, f"{folder}/clip.mjpeg")
        senders_clock(folder, f"{folder}/clip.mjpeg")
        come_and_go(folder, f"{folder}/clip.mjpeg")
    print("ok")


if __name__ == "__main__":
    main()
