#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""--mqtt beside the real broker, mosquitto: messages are the records, whatever becomes of the broker meanwhile.
usage: test_mqtt.py BIN MODELS ZONES.json"""
import concurrent.futures
import contextlib
import fcntl
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time

BIN, MODELS, ZONES = map(os.path.abspath, sys.argv[1:4])
os.environ["PATH"] += ":/usr/sbin:/usr/local/sbin"
CLIP = f"{MODELS}/pedestrians.mp4"
ODD = "straße/cam 1 %41?x=1&y"


def check(holds, what):
    if not holds:
        raise AssertionError(what)


def until(holds, what):
    end = time.monotonic() + 60
    while not holds():
        check(time.monotonic() < end, f"in vain: {what}")
        time.sleep(.02)


def free_ports(count):
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


def answers(port):
    with socket.socket() as one:
        return one.connect_ex(("127.0.0.1", port)) == 0


def lines(path):
    with open(path, encoding="utf-8") as f:
        return f.read().splitlines()


class Broker:
    """One listener for all, one with a password, and one with TLS. It keeps on the disk who has subscribed.
    `more`: lines of its configuration."""

    def __init__(self, folder, more=""):
        self.folder = folder
        self.open, self.closed, self.tls = free_ports(3)
        subprocess.run(["mosquitto_passwd", "-b", "-c", "users", "me", "right"], cwd=folder, check=True, capture_output=True)
        text = (f"per_listener_settings true\nautosave_on_changes true\nautosave_interval 1\n"
                f"listener {self.open} 127.0.0.1\nallow_anonymous true\npersistence true\npersistence_location {folder}/\n"
                f"listener {self.closed} 127.0.0.1\nallow_anonymous false\npassword_file {folder}/users\n")
        self.has_tls = bool(shutil.which("openssl"))
        if self.has_tls:
            subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", "key",
                            "-out", "cert", "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"],
                           cwd=folder, check=True, capture_output=True)
            text += f"listener {self.tls} 127.0.0.1\nallow_anonymous true\ncertfile {folder}/cert\nkeyfile {folder}/key\n"
        if os.getuid() == 0:
            text += "user root\n"
        with open(f"{folder}/conf", "w", encoding="utf-8") as f:
            f.write(text + more)
        self.start()

    def start(self):
        self.process = subprocess.Popen(["mosquitto", "-c", "conf"], cwd=self.folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until(lambda: answers(self.open), "the broker")

    def kill(self):
        self.process.kill()
        self.process.wait()


@contextlib.contextmanager
def subscriber(folder, port, topic, name, *more):
    """Writes what it gets into a file, and goes on when the broker is back. Its session outlives the broker."""
    path = f"{folder}/{name}"
    with open(path, "w", encoding="utf-8") as out:
        process = subprocess.Popen(["stdbuf", "-oL", "mosquitto_sub", "-h", "localhost", "-p", str(port), "-t", topic, "-q", "1", "-c", "-i", name, "-d", *more],
                                   stdout=out, stderr=subprocess.STDOUT)
    try:
        until(lambda: any(line.startswith("Subscribed") for line in lines(path)), "the subscription")
        yield lambda: [line for line in lines(path) if line.startswith("{")]
    finally:
        process.kill()
        process.wait()


def command(address, *more):
    return [f"{BIN}/yolo-run", "--model", f"{MODELS}/yolov3-quarter", "--names", f"{MODELS}/coco.names", "--device", "cpu", "--size", "160",
            "--confidence", ".1", "--jsonl", "r.jsonl", "--report-json", "report.json", "--mqtt", address, *more, CLIP]


def run(folder, address, *more, frames=8, **variables):
    """What it said and its report's part; it must end well, with all records in the file."""
    done = subprocess.run(command(address, "--frames", str(frames), *more), cwd=folder, capture_output=True, text=True, env=os.environ | variables)
    check(done.returncode == 0, done.stderr)
    check(len(lines(f"{folder}/r.jsonl")) == frames, "it has lost frames")
    with open(f"{folder}/report.json", encoding="utf-8") as f:
        return done.stderr, json.load(f)["mqtt"]


def test_records(folder, broker):
    with subscriber(folder, broker.open, ODD, "odd") as received:
        said, report = run(folder, f"mqtt://localhost:{broker.open}/{ODD}", "--quiet")
        until(lambda: len(received()) >= 8, "eight messages")
        check(received() == lines(f"{folder}/r.jsonl"), "messages are not the records")
    check(said == "" and (report["published"], report["dropped"], report["reconnects"]) == (8, 0, 0), f"{said} {report}")


def test_password(folder, broker):
    said, report = run(folder, f"mqtt://localhost:{broker.closed}/t", CONVOY_MQTT_USER="me", CONVOY_MQTT_PASSWORD="right")
    check("warning" not in said and report["published"] == 8, f"{said} {report}")


def test_wrong_password(folder, broker):
    said, report = run(folder, f"mqtt://localhost:{broker.closed}/t", CONVOY_MQTT_USER="me", CONVOY_MQTT_PASSWORD="wrong")
    check("cannot connect" in said and "not authorised" in said and "8 of 8 messages" in said and "wrong" not in said, said)
    check(report["published"] == 0 and report["dropped"] == 8, str(report))


def test_wrong_password_later(folder, _):
    """Nobody is there at first, and whoever comes then refuses the password: both are told while the run goes on."""
    os.mkfifo(f"{folder}/r.jsonl")
    os.mkdir(f"{folder}/broker")
    late = Broker(f"{folder}/broker")
    late.kill()
    variables = {"CONVOY_MQTT_USER": "me", "CONVOY_MQTT_PASSWORD": "wrong"}
    with open(f"{folder}/said", "w", encoding="utf-8") as err:
        child = subprocess.Popen(command(f"mqtt://localhost:{late.closed}/t"), cwd=folder, stderr=err, env=os.environ | variables)
    try:
        with open(f"{folder}/r.jsonl", encoding="utf-8") as pipe:
            fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, 4096)

            def says(words):
                """A run that waits for whoever reads its records tells nothing, so one is read."""
                check(pipe.readline(), f"the clip has ended before {words}")
                time.sleep(.1)
                with open(f"{folder}/said", encoding="utf-8") as f:
                    return words in f.read()

            until(lambda: says("Connection refused"), "the first reason")
            late.start()
            until(lambda: says("not authorised"), "the second reason")
    finally:
        child.kill()
        child.wait()
        late.kill()


def test_tls(folder, broker):
    said, report = run(folder, f"mqtts://localhost:{broker.tls}/t", CONVOY_MQTT_CAFILE=f"{broker.folder}/cert")
    check("warning" not in said and report["published"] == 8, f"{said} {report}")


def test_unknown_certificate(folder, broker):
    said, report = run(folder, f"mqtts://localhost:{broker.tls}/t")  # the system knows no such certificate
    check("certificate verify failed" in said and report["dropped"] == 8, f"{said} {report}")


def test_killed_broker(folder, broker):
    kill_amid(folder, broker, f"mqtt://localhost:{broker.open}/t")


def test_killed_broker_of_tls(folder, broker):
    """The system's certificates are those that OpenSSL's variable names."""
    kill_amid(folder, broker, f"mqtts://localhost:{broker.tls}/t", SSL_CERT_FILE=f"{broker.folder}/cert")


def kill_amid(folder, broker, address, **variables):
    """Records go into a small pipe, so that the run waits for whoever reads them, and the broker is killed amid them."""
    os.mkfifo(f"{folder}/r.jsonl")
    with subscriber(folder, broker.open, "t", os.path.basename(folder)) as received:
        time.sleep(1.2)  # the broker writes down who has subscribed once a second
        with subprocess.Popen(command(address, "--frames", "60"), cwd=folder, stderr=subprocess.PIPE, text=True,
                              env=os.environ | variables) as child:
            with open(f"{folder}/r.jsonl", encoding="utf-8") as pipe:
                fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, 4096)
                records = [pipe.readline() for _ in range(15)]
                until(lambda: len(received()) >= 15, "the first messages")
                broker.kill()
                records += [pipe.readline() for _ in range(15)]
                broker.start()
                records += pipe.readlines()
            said = child.communicate(timeout=60)[1]
        check(child.returncode == 0, said)
        records = [record.rstrip("\n") for record in records]
        until(lambda: set(received()) >= set(records), f"all messages: {said}")
        check(list(dict.fromkeys(received())) == records, "another order")
    with open(f"{folder}/report.json", encoding="utf-8") as f:
        report = json.load(f)["mqtt"]
    check(len(records) == 60 and report["published"] == 60 and report["dropped"] == 0 and report["reconnects"] == 1, str(report))
    check(said.count("lost the connection") == 1, said)


def test_limit_on_packets(folder, broker):
    """Some records are too large for the broker, which ends the connection on each: the others arrive all the same."""
    run(folder, f"mqtt://localhost:{broker.open}/sizes", frames=20)
    sizes = sorted(len(record) for record in lines(f"{folder}/r.jsonl")[:10])
    small, large = max(zip(sizes, sizes[1:]), key=lambda pair: pair[1] - pair[0])
    limit = (small + large) // 2
    os.remove(f"{folder}/r.jsonl")
    os.mkfifo(f"{folder}/r.jsonl")
    os.mkdir(f"{folder}/broker")
    strict = Broker(f"{folder}/broker", f"max_packet_size {limit + 8}\n")  # with what is around a record
    try:
        with subscriber(folder, strict.open, "t", "limited") as received:
            with subprocess.Popen(command(f"mqtt://localhost:{strict.open}/t", "--frames", "20"), cwd=folder, stderr=subprocess.PIPE, text=True) as child:
                with open(f"{folder}/r.jsonl", encoding="utf-8") as pipe:
                    fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, 4096)
                    records = [pipe.readline().rstrip("\n") for _ in range(10)]
                    fit = [record for record in records if len(record) <= limit]
                    until(lambda: set(received()) >= set(fit), "the records that are small enough")
                    pipe.readlines()
                said = child.communicate(timeout=60)[1]
            check(child.returncode == 0, said)
            check(0 < len(fit) < 10 and all(len(record) <= limit for record in received()), "one was too large")
    finally:
        strict.kill()
    with open(f"{folder}/report.json", encoding="utf-8") as f:
        report = json.load(f)["mqtt"]
    check(report["published"] >= len(fit) and report["dropped"] >= 10 - len(fit), str(report))
    check(said.count("limit on packets") == 1, said)


def test_silent_broker(folder, _):
    with socket.create_server(("127.0.0.1", 0)) as server:
        said, report = run(folder, f"mqtt://127.0.0.1:{server.getsockname()[1]}/t", "--mqtt-queue", "1")
    check(said.count("warning") == 1 and "8 of 8 messages" in said and "has not answered" in said, said)
    check(report["dropped"] == 8, str(report))


def test_events(folder, broker):
    with subscriber(folder, broker.open, "events", "events") as received:
        _, report = run(folder, f"mqtt://localhost:{broker.open}/events", "--mqtt-events", "--zones", ZONES, "--zone-visits", "visits.csv", "--zone-totals", "totals.json", frames=120)
        until(lambda: len(received()) >= report["published"], "all events")
        events = [json.loads(line) for line in received()]
    with open(f"{folder}/totals.json", encoding="utf-8") as f:
        totals = json.load(f)
    records = [json.loads(line) for line in lines(f"{folder}/r.jsonl")]
    for zone in totals["zones"]:
        entered = [e for e in events if e["event"] == "enter" and e["zone"] == zone["name"]]
        check(len(entered) == zone["entries"], f"{zone} {entered}")
    for line in totals["lines"]:
        for direction in ("in", "out"):
            crossed = [e for e in events if e["event"] == "cross" and (e["line"], e["direction"]) == (line["name"], direction)]
            check(len(crossed) == line[direction], f"{line} {crossed}")
    left = [",".join([e["zone"], str(e["track"]), e["class"], f"{e['from_s']:.3f}", f"{e['to_s']:.3f}"]) for e in events if e["event"] == "leave"]
    check(left == [row.rsplit(",", 2)[0] for row in lines(f"{folder}/visits.csv") if row.endswith("yes")], f"other visits: {left}")
    for e in events:
        record = records[e["frame"]]
        check(record["time_s"] == e["time_s"] and record["input"] == e["input"], f"{e}")
        check(e["event"] == "leave" or any(d.get("track") == e["track"] for d in record["detections"]), f"{e}")
    check({e["event"] for e in events} == {"enter", "leave", "cross"}, f"the clip shows not everything: {events}")


def main():
    for program in ("mosquitto", "mosquitto_sub"):
        if not shutil.which(program):
            print(f"skipped: there is no {program}")
            return 77
    help_text = subprocess.run([f"{BIN}/yolo-run", CLIP, "--mqtt", "mqtt://localhost/t", "--zones", "none"], capture_output=True, text=True).stderr
    if "built without libmosquitto" in help_text:
        print("skipped: yolo-run was built without libmosquitto")
        return 77
    with tempfile.TemporaryDirectory() as folder:
        broker = Broker(folder)

        def one(test):
            os.mkdir(f"{folder}/{test.__name__}")
            test(f"{folder}/{test.__name__}", broker)
            print(f"passed: {test.__name__}", flush=True)

        tests = [test_records, test_password, test_wrong_password, test_wrong_password_later, test_silent_broker, test_limit_on_packets, test_events]
        if broker.has_tls:
            tests += [test_tls, test_unknown_certificate]
        else:
            print("left out: TLS, without openssl")
        try:
            with concurrent.futures.ThreadPoolExecutor(8) as pool:  # most of their time they wait
                list(pool.map(one, tests))
            one(test_killed_broker)
            if broker.has_tls:
                one(test_killed_broker_of_tls)
        finally:
            broker.kill()
    return 0


if __name__ == "__main__":
    sys.exit(main())
