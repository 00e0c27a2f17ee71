#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""yolo-run on RTSP servers that other people wrote, GStreamer's and VLC's, while these are killed, silent or wrong.
usage: test_rtsp.py BIN [--all] [--only REGEX] [--jobs N]
GStreamer's needs gir1.2-gst-rtsp-server-1.0, python3-gi and gstreamer1.0-plugins-good; VLC's vlc-bin and vlc-plugin-base."""
import argparse
import concurrent.futures
import json
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

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "corpus"))
from test_corpus import CFG  # noqa: E402

SERVER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "rtsp_server.py")
SYSTEM_PYTHON = "/usr/bin/python3"  # the one that has GStreamer's modules
PASSWORD = "tresor17"
SIZES = {"first": (192, 144), "other": (128, 96)}
ENCODERS = {"h264": ["libx264", "-preset", "veryfast"], "hevc": ["libx265", "-preset", "ultrafast", "-x265-params", "log-level=error", "-tag:v", "hvc1"]}
GAP_S = 5         # for which a server is away
GIVE_UP_S = 12    # more than the gap and the pauses between attempts
PATIENCE_S = 60   # for what takes a second on a machine that does nothing else
INTERRUPT_S = 5   # from Ctrl-C to the end: one second on such a machine
CLOCK_S = 3       # by how much records' times may differ from the clock's


class Failed(Exception):
    pass


def check(condition, why):
    if not condition:
        raise Failed(why)


def wait_for(condition, why):
    until = time.monotonic() + PATIENCE_S
    while not condition():
        check(time.monotonic() < until, f"waited in vain: {why}")
        time.sleep(.02)


def free_port():
    """One that nobody gets as the other end of a connection while its server is away."""
    while True:
        port = random.randrange(20000, 32000)
        with socket.socket() as s:
            if s.connect_ex(("127.0.0.1", port)):
                return port


def listens(port):
    with socket.socket() as s:
        return s.connect_ex(("127.0.0.1", port)) == 0


class Server:
    """One that serves `file` at /live until it is killed."""

    def __init__(self, kind, port, file, codec, transport, password=None):
        if kind == "gstreamer":
            command = [SYSTEM_PYTHON, "-B", SERVER, str(port), file, codec, transport]
            command += ["--password", password] if password else []
        else:
            command = ["cvlc", "-q", "--loop", file, "--sout-keep", f"--sout=#rtp{{sdp=rtsp://127.0.0.1:{port}/live}}"]
            command += ["--sout-rtsp-user=user", f"--sout-rtsp-pwd={password}"] if password else []
            if os.geteuid() == 0:  # it refuses to
                command = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", *command]
        self.child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            wait_for(lambda: listens(port) or self.child.poll() is not None, "for the server")
            check(self.child.poll() is None, f"the server ended with status {self.child.returncode}")
        except Failed:
            self.kill()
            raise

    def kill(self):
        self.child.kill()
        self.child.wait()

    def send(self, number):
        self.child.send_signal(number)


class Run:
    """yolo-run with all its outputs, and when each of its records came."""

    def __init__(self, bin_folder, folder, url, give_up_s=GIVE_UP_S):
        self.folder, self.records, self.came, self.ended = folder, [], [], False
        command = [f"{bin_folder}/yolo-run", "--cfg", "tiny.cfg", "--weights", "tiny.weights", "--device", "cpu", "--threads", "1",
                   "--give-up", str(give_up_s), "--verbose", "--report", "--jsonl", "out.jsonl", "--video", "out.mkv",
                   "--report-json", "report.json", "--trace", "trace.json", url]
        self.log = open(f"{folder}/log", "wb")
        self.start = time.monotonic()
        self.child = subprocess.Popen(command, cwd=folder, stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)
        self.thread = threading.Thread(target=self.follow)
        self.thread.start()

    def follow(self):
        text, file = b"", None
        while True:
            last = self.ended
            if file is None and os.path.exists(f"{self.folder}/out.jsonl"):
                file = open(f"{self.folder}/out.jsonl", "rb")
            *lines, text = (text + (file.read() if file else b"")).split(b"\n")
            for line in lines:
                self.records.append(json.loads(line))
                self.came.append(time.monotonic())
            if last:
                break
            time.sleep(.02)
        if file:
            file.close()

    def wait_records(self, more, since=None):
        wanted = (len(self.records) if since is None else since) + more
        wait_for(lambda: len(self.records) >= wanted or self.child.poll() is not None, f"{more} more records")
        check(self.child.poll() is None, f"it ended by itself: {self.said()}")

    def end(self, limit_s=PATIENCE_S):
        """Status; seconds since the start."""
        try:
            status = self.child.wait(limit_s)
        except subprocess.TimeoutExpired:
            raise Failed(f"it goes on after {limit_s} s: {self.said()}") from None
        seconds = time.monotonic() - self.start
        self.ended = True
        self.thread.join()
        return status, seconds

    def interrupt(self):
        self.child.send_signal(signal.SIGINT)
        begin = time.monotonic()
        status, _ = self.end(INTERRUPT_S)
        check(status == 130, f"status {status} after Ctrl-C: {self.said()}")
        return time.monotonic() - begin

    def close(self):
        self.child.kill()
        self.child.wait()
        self.ended = True
        self.thread.join()
        self.log.close()

    def said(self):
        with open(f"{self.folder}/log", encoding="utf-8", errors="replace") as f:
            return "\n".join(line for line in f.read().splitlines() if "error: " in line or "warning: " in line)


def check_password(folder):
    """It stands in nothing that a run leaves or says."""
    for name in os.listdir(folder):
        with open(f"{folder}/{name}", "rb") as f:
            check(PASSWORD.encode() not in f.read() and PASSWORD not in name, f"the password stands in {name}")


def check_times(run):
    times = [r["time_s"] for r in run.records]
    for i in range(1, len(times)):
        check(times[i] > times[i - 1], f"time_s goes from {times[i - 1]} to {times[i]} at frame {i}; pts_s: {[r['pts_s'] for r in run.records][i - 1:i + 3]}")
    check([r["frame"] for r in run.records] == list(range(len(times))), "frames are not counted one by one")


def check_gap(run, at):
    """Times go on by the clock over the gap before record `at`, and so do those behind it."""
    by_clock, by_records = run.came[-1] - run.came[at - 1], run.records[-1]["time_s"] - run.records[at - 1]["time_s"]
    gap = run.records[at]["time_s"] - run.records[at - 1]["time_s"]
    told = f"gap {gap:.2f} s; to the end {by_records:.2f} s, by the clock {by_clock:.2f} s"
    check(abs(by_clock - by_records) < CLOCK_S and gap > GAP_S - CLOCK_S, told)
    return told


def check_video(run):
    told = subprocess.run(["ffprobe", "-v", "error", "-select_streams", "v:0", "-show_entries", "frame=pts_time", "-of", "json",
                           f"{run.folder}/out.mkv"], capture_output=True, text=True)
    check(told.returncode == 0 and not told.stderr, f"the video does not play: {told.stderr}")
    times = [float(frame["pts_time"]) for frame in json.loads(told.stdout)["frames"]]
    check(len(times) == len(run.records), f"{len(times)} frames in the video, {len(run.records)} records")
    worst = max(abs(t - r["time_s"]) for t, r in zip(times, run.records))
    check(worst < .1, f"frames of the video are up to {worst:.2f} s from their time_s")


class Case:
    def __init__(self, a, folder, clips, server, transport, codec, scenario):
        self.a, self.folder, self.clips = a, folder, clips
        self.kind, self.transport, self.codec, self.scenario = server, transport, codec, scenario
        self.name = f"{server} {transport} {codec} {scenario}"
        self.port, self.server, self.run = free_port(), None, None

    def serve(self, size="first", password=None):
        self.server = Server(self.kind, self.port, self.clips[self.codec, size], self.codec, self.transport, password)

    def begin(self, who="", path="live", give_up_s=GIVE_UP_S):
        if self.run:
            self.run.close()
        name = f"{self.folder}/{self.name.replace(' ', '-')}"
        shutil.rmtree(name, ignore_errors=True)
        os.mkdir(name)
        for part in ("tiny.cfg", "tiny.weights"):
            os.link(f"{self.folder}/{part}", f"{name}/{part}")
        self.run = Run(self.a.bin, name, f"rtsp://{who}127.0.0.1:{self.port}/{path}", give_up_s)
        return self.run

    def check_results(self):
        check_password(self.run.folder)
        check_times(self.run)
        check_video(self.run)

    def plain(self):
        self.serve(password=PASSWORD)
        run = self.begin(f"user:{PASSWORD}@")
        run.wait_records(40)
        took = run.interrupt()
        self.check_results()
        by_clock, by_records = run.came[-1] - run.came[0], run.records[-1]["time_s"] - run.records[0]["time_s"]
        check(-CLOCK_S < by_records - by_clock < 2 + CLOCK_S, f"{by_records:.2f} s of records came in {by_clock:.2f} s")
        return f"Ctrl-C {took:.2f} s"

    def away(self, size):
        """Killed and started again; where the records go on."""
        run = self.begin(f"user:{PASSWORD}@")
        run.wait_records(40)  # libav reads some frames ahead, and then they come in one go
        self.server.kill()
        time.sleep(GAP_S)
        before = len(run.records)
        self.serve(size, PASSWORD)
        run.wait_records(40, before)
        return before

    def restart(self):
        self.serve(password=PASSWORD)
        before = self.away("first")
        self.server.kill()
        time.sleep(3)  # amid its attempts
        took = self.run.interrupt()
        self.check_results()
        return f"{check_gap(self.run, before)}, Ctrl-C {took:.2f} s"

    def wait_given_up(self, run):
        """Seconds from now, when the server falls silent, until the run has given it up and ended."""
        silent = time.monotonic()
        status, _ = run.end()
        took = time.monotonic() - silent
        check(status == 0 and "given up" in run.said(), f"status {status}: {run.said()}")
        check(took < GIVE_UP_S + CLOCK_S, f"given up after {took:.1f} s")
        return took

    def size(self):
        self.serve(password=PASSWORD)
        before = self.away("other")
        self.server.kill()
        took = self.wait_given_up(self.run)
        for i, record in enumerate(self.run.records):
            check((record["width"], record["height"]) == SIZES["first" if i < before else "other"], f"size of record {i}")
        self.check_results()
        return f"{check_gap(self.run, before)}, given up after {took:.1f} s"

    def silence(self):
        self.serve()
        run = self.begin()
        run.wait_records(20)
        self.server.send(signal.SIGSTOP)
        time.sleep(GAP_S)
        before = len(run.records)
        self.server.send(signal.SIGCONT)
        run.wait_records(70, before)  # also those that come in one go
        lag = run.came[-1] - run.came[before - 1] - run.records[-1]["time_s"] + run.records[before - 1]["time_s"]
        self.server.send(signal.SIGSTOP)
        time.sleep(1)
        took = run.interrupt()
        self.check_results()
        check(lag > -CLOCK_S, f"{-lag:.2f} s ahead of the clock")
        return f"gap {run.records[before]['time_s'] - run.records[before - 1]['time_s']:.2f}, later {lag:.2f} s behind the clock, Ctrl-C {took:.2f} s"

    def forever(self):
        """A server that never says anything again."""
        self.serve()
        run = self.begin()
        run.wait_records(20)
        self.server.send(signal.SIGSTOP)
        took = self.wait_given_up(run)
        self.check_results()
        return f"given up after {took:.1f} s"

    def refused(self, sentence, **how):
        run = self.begin(give_up_s=4, **how)
        status, seconds = run.end()
        check(status == 1, f"status {status}: {run.said()}")
        check(seconds < 4 + CLOCK_S, f"took {seconds:.1f} s")
        error = [line for line in run.said().splitlines() if line.startswith("yolo-run: error: ")]
        check(len(error) == 1 and sentence in error[0], f"said {run.said()}")
        check_password(run.folder)
        run = self.begin(**how)
        time.sleep(2)
        if run.child.poll() is None:
            took = run.interrupt()
            return f"{seconds:.1f} s, Ctrl-C {took:.2f} s, {error[0][17:]}"
        return f"{seconds:.1f} s, at once, {error[0][17:]}"

    def password(self):
        self.serve(password="another")
        return self.refused("401", who=f"user:{PASSWORD}@")

    def path(self):
        self.serve()
        return self.refused("404", path="nothing")

    def nobody(self):
        return self.refused("refused", who=f"user:{PASSWORD}@")

    def result(self):
        try:
            return "ok", getattr(self, self.scenario)()
        except Failed as failure:
            return "FAILED", str(failure)
        finally:
            if self.run:
                self.run.close()
            if self.server:
                self.server.kill()


SCENARIOS = ("plain", "restart", "size", "silence", "forever", "password", "path", "nobody")
USUAL = ("gstreamer tcp h264 size", "gstreamer udp hevc restart", "gstreamer tcp h264 silence", "gstreamer udp h264 forever",
         "gstreamer tcp h264 password", "gstreamer tcp h264 nobody")


def make_clip(folder, codec, size):
    path = f"{folder}/{codec}-{size}.mp4"
    source = f"testsrc2=size={SIZES[size][0]}x{SIZES[size][1]}:rate=10:duration=60"
    subprocess.run(["ffmpeg", "-v", "error", "-f", "lavfi", "-i", source, "-c:v", *ENCODERS[codec], "-g", "10", "-pix_fmt", "yuv420p",
                    path], check=True, stdin=subprocess.DEVNULL)
    os.chmod(path, 0o644)
    return path


def missing(server):
    """Why it cannot be run here; nothing where it can."""
    if server == "vlc":
        return "" if shutil.which("cvlc") else "VLC (vlc-bin, vlc-plugin-base) is not installed"
    try:
        tried = subprocess.run([SYSTEM_PYTHON, "-B", SERVER, "--help"], capture_output=True, text=True)
    except FileNotFoundError:
        return f"{SYSTEM_PYTHON} is not installed"
    return tried.stdout.strip() if tried.returncode == 77 else ""


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("bin", type=os.path.abspath)
    p.add_argument("--all", action="store_true", help="both servers, both transports, both codecs, everything that can happen: 5 minutes")
    p.add_argument("--only", default="", help="cases like 'vlc udp hevc size', of all of them")
    p.add_argument("--jobs", type=int, default=6, help="cases at a time; they wait most of the time")
    a = p.parse_args()
    absent = {server: missing(server) for server in ("gstreamer", "vlc")}
    names = [f"{server} {transport} {codec} {scenario}" for server in absent
             for transport in ("tcp", "udp") if (server, transport) != ("vlc", "tcp")  # VLC's server knows UDP alone
             for codec in ENCODERS for scenario in SCENARIOS]
    names = [name for name in names if (re.search(a.only, name) if a.all or a.only else name in USUAL)]
    wanted = sorted({name.split()[0] for name in names})
    for server in wanted:
        if absent[server]:
            print(f"skipped: {server}: {absent[server]}")
    names = [name for name in names if not absent[name.split()[0]]]
    if subprocess.run(["which", "ffmpeg", "ffprobe"], capture_output=True).returncode:
        print("skipped: ffmpeg is not installed")
        return 77
    if not names:
        return 77
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)  # VLC is another user
        with open(f"{folder}/tiny.cfg", "w", encoding="utf-8") as f:
            f.write(CFG)
        subprocess.run([f"{a.bin}/yolo-make-weights", f"{folder}/tiny.cfg", f"{folder}/tiny.weights"], check=True, stdout=subprocess.DEVNULL)
        clips = {(codec, size): make_clip(folder, codec, size) for codec in ENCODERS for size in SIZES}
        failures = 0
        with concurrent.futures.ThreadPoolExecutor(a.jobs) as pool:
            for name, (state, told) in zip(names, pool.map(lambda name: Case(a, folder, clips, *name.split()).result(), names)):
                print(f"{state}: {name}: {told}", flush=True)
                failures += state != "ok"
        print(f"{len(names)} cases, {failures} failures")
    return int(failures > 0)


if __name__ == "__main__":
    sys.exit(main())
