#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""yolo-run --serve: pictures that are posted get the records that files get, alone and beside a run.
usage: test_serve.py BIN MODELS"""
import concurrent.futures
import contextlib
import fcntl
import html.parser
import http.client
import itertools
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

BIN, MODELS = map(os.path.abspath, sys.argv[1:3])
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
TOKEN = "token-of-the-test"
MODEL = [f"{BIN}/yolo-run", "--model", f"{MODELS}/yolov3-quarter", "--names", f"{MODELS}/coco.names", "--device", "cpu", "--size", "160", "--confidence", ".1"]
CLIP = f"{MODELS}/pedestrians.mp4"


def check(holds, what):
    if not holds:
        raise AssertionError(what)


def ask(port, method="POST", path="/detect", body=b"", token=TOKEN, **headers):
    """Status and body; 0 where the connection ends without a reply."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    with contextlib.closing(connection):
        try:
            connection.request(method, path, body=body, headers=headers | ({"Authorization": f"Bearer {token}"} if token else {}))
            reply = connection.getresponse()
            return reply.status, reply.read()
        except (http.client.HTTPException, ConnectionError):
            return 0, b""


class Server:
    def __init__(self, folder, *more, token=TOKEN):
        self.child = subprocess.Popen([*MODEL, "--serve", "127.0.0.1:0", *more], cwd=folder, stderr=subprocess.PIPE, text=True,
                                      env=os.environ | {"CONVOY_TOKEN": token})
        line = next((line for line in self.child.stderr if line.startswith("serving: ")), None)
        check(line, "it does not serve")
        self.port = int(re.match(r"serving: http://127\.0\.0\.1:(\d+)/ ", line)[1])
        self.token = re.search(r"token: ([^)]*)\)", line)[1]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.child.kill()
        self.child.communicate()

    def interrupt(self):
        self.child.send_signal(signal.SIGINT)
        said = self.child.communicate(timeout=60)[1]
        return self.child.returncode, said


def same(record, expected):
    """But for what the input says of itself, and the last bits, since other pictures share the batch."""
    check(set(record) == set(expected) and len(record["detections"]) == len(expected["detections"]), f"{record} {expected}")
    for ours, theirs in zip(record["detections"], expected["detections"]):
        check(ours["class_id"] == theirs["class_id"] and abs(ours["confidence"] - theirs["confidence"]) < 1e-3, f"{ours} {theirs}")
        check(all(abs(a - b) < .05 for a, b in zip(ours["box"], theirs["box"])), f"{ours} {theirs}")


def test_pictures(port, pictures, records):
    """Many at once, good and broken ones mixed, each with its own answer."""
    cases = [(name, body, True) for name, body in pictures.items()] * 4
    cases += [("broken", pictures["0.jpg"][:300], False), ("text", b"no picture", False), ("none", b"", False)] * 4

    def one(case):
        name, body, good = case
        status, text = ask(port, path=f"/detect?name={name}", body=body)
        answer = json.loads(text)
        check(status == (200 if good else 400), f"{name}: {status} {answer}")
        if good:
            check(answer["input"] == name, str(answer))
            same(answer, records[name])
        else:
            check(answer["error"], name)

    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        list(pool.map(one, cases))


def form(body, name="a b.jpg"):
    return (b'--XX\r\nContent-Disposition: form-data; name="file"; filename="' + name.encode() + b'"\r\nContent-Type: image/jpeg\r\n\r\n' + body +
            b"\r\n--XX--\r\n")


def test_misuse(port, picture):
    status, text = ask(port, body=form(picture), **{"Content-Type": "multipart/form-data; boundary=XX"})
    check(status == 200 and json.loads(text)["input"] == "a b.jpg", text)
    check(ask(port, body=form(picture)[:-40], **{"Content-Type": "multipart/form-data; boundary=XX"})[0] == 400, "half a form")
    check(ask(port, body=picture, token="wrong-token")[0] == 401 and ask(port, body=picture, token=None)[0] == 401, "it takes any token")
    check(ask(port, body=picture, Host="evil.example")[0] == 403, "it takes any host")
    status, page = ask(port, "GET", "/", token=None)
    check(status == 200 and b"<title>Convoy" in page and b"NONCE" not in page, "no page")
    check(ask(port, "GET")[0] == 405 and ask(port, "GET", "/../../../etc/passwd")[0] == 404, "it has other pages")
    check(ask(port, body=bytes((32 << 20) + 1))[0] in (413, 0), "it takes any size")
    huge = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x40\x00\x00\x00\x40\x00\x08\x02\x00\x00\x00"
    check(ask(port, body=huge + bytes(5000))[0] == 400, "it takes any number of pixels")
    wide = b"P6 40000 2 255\n" + bytes(40000 * 2 * 3)
    check(ask(port, body=wide)[0] == 400, "it takes what the engine does not take")
    for _ in range(20):  # they go in the middle of their pictures, and behind them without waiting
        with socket.create_connection(("127.0.0.1", port)) as one:
            one.sendall(f"POST /detect HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {TOKEN}\r\nContent-Length: {len(picture)}\r\n\r\n".encode() +
                        picture[:len(picture) // (1 + _ % 2)])
    check(ask(port, body=picture)[0] == 200, "it answers no more")


def test_alone(folder, pictures, records):
    with Server(folder) as server:
        check(server.token == "that of CONVOY_TOKEN", server.token)
        test_pictures(server.port, pictures, records)
        test_misuse(server.port, pictures["0.jpg"])
        status, text = ask(server.port, "GET", "/metrics", token=None)
        values = dict(re.findall(r"^convoy_(\w+) (\S+)$", text.decode(), re.M))
        check(status == 200 and int(values["detect_answered_total"]) >= 4 * len(pictures) and int(values["detect_damaged_total"]) >= 8, str(values))
        status, said = server.interrupt()
        check(status == 0 and "pictures answered" in said, said)
    with Server(folder, token="") as server:
        check(re.fullmatch("[0-9a-f]{32}", server.token), server.token)
        check(ask(server.port, body=pictures["0.jpg"], token=server.token)[0] == 200, "its own token")
        check(ask(server.port, body=pictures["0.jpg"])[0] == 401, "another token")


def test_files_of_a_server_alone(folder):
    """Its metrics are written as a run's are: over nothing that it reads, by one at a time, and status 1 where they are not."""
    for ending in (".cfg", ".weights"):
        shutil.copy(f"{MODELS}/yolov3-quarter{ending}", f"{folder}/m{ending}")
    os.mkdir(f"{folder}/served")

    def refuse(status, part, *more):
        done = subprocess.run([f"{BIN}/yolo-run", "--model", "m", "--device", "cpu", "--serve", "127.0.0.1:0", *more], cwd=folder, capture_output=True,
                              text=True, timeout=60)
        check(done.returncode == status and part in done.stderr, f"{more}: {done.returncode} {done.stderr}")

    size = os.path.getsize(f"{folder}/m.weights")
    refuse(2, "m.weights is the model's weights", "--metrics", "m.weights")
    check(os.path.getsize(f"{folder}/m.weights") == size, "the model is gone")
    refuse(2, "--trace", "--trace", "trace.json")
    with Server(folder, "--metrics", "served/a.prom") as server:
        refuse(1, "another run is writing it", "--metrics", "./served/a.prom")
        status, said = server.interrupt()
        check(status == 0 and os.listdir(f"{folder}/served") == ["a.prom"], f"{status} {said}")
    with Server(folder, "--metrics", "served/a.prom") as server:
        shutil.rmtree(f"{folder}/served")
        status, said = server.interrupt()
        check(status == 1 and "served/a.prom" in said, f"{status} {said}")


def test_beside_a_run(folder, pictures, records):
    """Records go into a small pipe, so that the run waits for whoever reads them; it ends by itself, and with it the server."""
    plain = subprocess.run([*MODEL, "--frames", "60", "--track", "--jsonl", "plain.jsonl", "--quiet", CLIP], cwd=folder, capture_output=True, text=True)
    check(plain.returncode == 0, plain.stderr)
    os.mkfifo(f"{folder}/r.jsonl")
    with Server(folder, "--frames", "60", "--track", "--jsonl", "r.jsonl", "--report-json", "report.json", CLIP) as server:
        with open(f"{folder}/r.jsonl", encoding="utf-8") as pipe:
            fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, 4096)
            lines = [pipe.readline() for _ in range(5)]
            with concurrent.futures.ThreadPoolExecutor(1) as pool:
                posted = pool.submit(test_pictures, server.port, {"0.jpg": pictures["0.jpg"]}, records)
                while len(lines) < 60 and not posted.done():  # results of pictures come between those of frames
                    lines.append(pipe.readline())
                    time.sleep(.2)
                posted.result(timeout=60)
                lines += pipe.readlines()
        said = server.child.communicate(timeout=60)[1]
        check(server.child.returncode == 0, said)
    with open(f"{folder}/plain.jsonl", encoding="utf-8") as f:
        expected = [json.loads(line) for line in f]
    check(len(lines) == len(expected) == 60, f"{len(lines)} records")
    for line, other in zip(lines, expected):
        record = json.loads(line)
        check([d.get("track") for d in record["detections"]] == [d.get("track") for d in other["detections"]], "other tracks")
        same(record, other)


class Page(html.parser.HTMLParser):
    """What the page shows of its first stream, once its script has run."""

    def __init__(self, address, size="800,600"):
        super().__init__()
        self.frame, self.boxes, self.picture, self.words = None, None, False, []
        with tempfile.TemporaryDirectory() as profile:
            done = subprocess.run([CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", f"--user-data-dir={profile}",
                                   f"--window-size={size}", "--virtual-time-budget=1000", "--dump-dom", address], capture_output=True, text=True, timeout=120)
        check(done.returncode == 0, done.stderr)
        self.feed(done.stdout)

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        if tag == "figure" and "data-frame" in attrs:
            self.frame, self.boxes, self.picture = int(attrs["data-frame"]), json.loads(attrs["data-boxes"]), attrs["data-picture"] == "true"

    def handle_data(self, data):
        self.words.append(data)


def test_page(folder):
    """The run waits for whoever reads its records, so that the page shows one frame for as long as that takes."""
    os.mkfifo(f"{folder}/page.jsonl")
    with Server(folder, "--frames", "60", "--track", "--jsonl", "page.jsonl", CLIP) as server:
        with open(f"{folder}/page.jsonl", encoding="utf-8") as pipe:
            fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, 4096)
            lines, newest = [], None
            while not newest or not newest["detections"]:  # somebody looks, so it comes with one of the next frames
                check(len(lines) < 40, "the page has no frame")
                status, text = ask(server.port, "GET", "/api/live", token=None)
                newest = json.loads(text)["streams"][0]["newest"] if status == 200 and json.loads(text)["streams"] else None
                lines.append(pipe.readline())
                time.sleep(.1)
            address = f"http://127.0.0.1:{server.port}/"
            pages = {(name, least): Page(f"{address}?class={name}&confidence={least}") for name, least in (("", 0), ("person", .5))}
            lines += pipe.readlines()
        said = server.child.communicate(timeout=60)[1]
        check(server.child.returncode == 0, said)
    records = [json.loads(line) for line in lines]
    for (name, least), page in pages.items():
        check(page.frame is not None, f"it shows nothing: {page.words}")
        expected = [d for d in records[page.frame]["detections"] if name in ("", d["class"]) and d["confidence"] >= least]
        check(page.boxes == expected, f"frame {page.frame}: {page.boxes} instead of {expected}")
        check(any("frames/s" in word for word in page.words) and "network" in page.words, str(page.words))
    check(pages["", 0].boxes, "it shows no boxes")


class Camera(threading.Thread):
    """Motion JPEG over HTTP, ten pictures a second, again and again."""

    def __init__(self, pictures):
        super().__init__(daemon=True)
        self.pictures, self.socket = pictures, socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.socket.getsockname()[1]}/video"

    def run(self):
        while True:
            with contextlib.suppress(OSError), self.socket.accept()[0] as client:
                client.recv(65536)
                client.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: multipart/x-mixed-replace; boundary=next\r\n\r\n")
                for picture in itertools.cycle(self.pictures):
                    client.sendall(b"--next\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n%s\r\n" % (len(picture), picture))
                    time.sleep(.1)


def comment_of(jpeg):
    at, text = 2, b""
    while jpeg[at + 1] != 0xda:
        size = int.from_bytes(jpeg[at + 2:at + 4], "big")
        text += jpeg[at + 4:at + 2 + size] if jpeg[at + 1] == 0xfe else b""
        at += 2 + size
    return json.loads(text)


def test_pictures_of_a_camera(folder, pictures):
    """Its frames, each with the record of that very frame, alone and on the page of a phone and of a desk."""
    camera = Camera(list(pictures.values()))
    camera.start()
    shown, pages = [], {}
    with Server(folder, "--track", "--jsonl", "camera.jsonl", camera.url) as server:
        while len(shown) < 5:
            status, picture = ask(server.port, "GET", f"/api/inputs/0/picture?after={shown[-1]['frame'] if shown else -1}", token=None)
            check(status in (200, 204, 404), f"{status} {picture[:200]}")  # it may not be open yet
            if status == 200:
                shown.append(comment_of(picture))
        check(ask(server.port, "GET", "/api/inputs/1/picture", token=None)[0] == 404, "a picture of no input")
        # Another yolo-run watches the stream of frames that are drawn on.
        watched = subprocess.run([*MODEL, f"http://127.0.0.1:{server.port}/api/inputs/0/stream", "--frames", "3", "--jsonl", "-", "--quiet"],
                                 cwd=folder, capture_output=True, text=True, timeout=100)
        check(watched.returncode == 0, watched.stderr)
        check([json.loads(line)["frame"] for line in watched.stdout.splitlines()] == [0, 1, 2], watched.stdout)
        if CHROMIUM:
            pages = {(size, least): Page(f"http://127.0.0.1:{server.port}/?confidence={least}", size) for size, least in (("390,844", .5), ("1280,800", 0))}
        status, said = server.interrupt()
        check(status == 130, f"{status}: {said}")
    with open(f"{folder}/camera.jsonl", encoding="utf-8") as f:
        records = {record["frame"]: record for record in map(json.loads, f)}
    check(len({record["frame"] for record in shown}) == 5, "a picture came twice")
    for record in shown:
        check(record["detections"] == records[record["frame"]]["detections"], f"{record} instead of {records[record['frame']]}")
    for (size, least), page in pages.items():
        check(page.picture, f"{size}: no picture is shown: {page.words}")
        expected = [d for d in records[page.frame]["detections"] if d["confidence"] >= least]
        check(page.boxes == expected and expected, f"{size}, frame {page.frame}: {page.boxes} instead of {expected}")


def test_inputs_that_come_and_go(folder, pictures):
    cameras = [Camera(list(pictures.values())) for _ in range(2)]
    for camera in cameras:
        camera.start()

    def post(thing, status):
        got, text = ask(server.port, "POST", "/api/inputs", json.dumps(thing).encode() if not isinstance(thing, bytes) else thing)
        check(got == status, f"{thing}: {got} {text}")
        return json.loads(text)

    def phases():
        return {stream["id"]: stream["phase"] for stream in json.loads(ask(server.port, "GET", "/api/live", token=None)[1])["streams"]}

    def until(wanted, what):
        for _ in range(1200):
            if wanted(phases()):
                return
            time.sleep(.1)
        raise AssertionError(f"{what}: {phases()}")

    with Server(folder, "--serve-inputs", "addresses", "--jsonl", "come.jsonl", cameras[0].url) as server:
        for refused in (CLIP, "/dev/video0", "file:///etc/passwd", "unix:///run/x", "pipe:0", "concat:a|b", "@list", "async:rtsp://h/1"):
            check("--serve-inputs all" in post({"input": refused}, 403)["error"], refused)
        for wrong in (b"", b"{", b"[" * 8000, {"input": 3}, {"input": "rtsp://h/1", "more": 1}, {"input": ""}, {"input": "rtsp://h/\n"},
                      {"input": "rtsp://" + "h" * 4096}):
            post(wrong, 400)
        post(b" " * 9000, 413)
        body = json.dumps({"input": cameras[1].url}).encode()
        check(ask(server.port, "POST", "/api/inputs", body, token="wrong-token")[0] == 401, "it takes any token")
        check(ask(server.port, "DELETE", "/api/inputs/0", token=None)[0] == 401, "it ends an input without a token")
        added = post({"input": cameras[1].url}, 201)
        check(added["name"] == cameras[1].url, str(added))
        until(lambda p: p.get(added["id"]) == "open" and p.get(0) == "open", "both are open")
        nobody = post({"input": "rtsp://user:secret@127.0.0.1:9/none"}, 201)
        check("secret" not in str(nobody) and phases()[nobody["id"]] == "opening", str(nobody))
        check(ask(server.port, "DELETE", f"/api/inputs/{nobody['id']}")[0] == 204, "what is not open yet cannot be ended")
        until(lambda p: p[nobody["id"]] == "ended", "one that cannot be opened has ended")
        check(ask(server.port, "DELETE", "/api/inputs/0")[0] == 204, "it cannot be ended")
        until(lambda p: p[0] == "ended" and p[added["id"]] == "open", "one has ended")
        for number in (0, added["id"] - 1, 99, 2**31):  # ended; POST /detect's; none
            check(ask(server.port, "DELETE", f"/api/inputs/{number}")[0] == 404, f"{number} is ended")
        check(ask(server.port, "DELETE", f"/api/inputs/{added['id']}")[0] == 204, "it cannot be ended")
        until(lambda p: p[added["id"]] == "ended", "both have ended")
        again = post({"input": cameras[1].url}, 201)["id"]  # the run goes on without any
        until(lambda p: p.get(again) == "open", "it comes back")
        status, said = server.interrupt()
        check(status in (2, 130) and f"{cameras[1].url} has come over HTTP" in said and f"{cameras[0].url} is ended over HTTP" in said, f"{status} {said}")
    with open(f"{folder}/come.jsonl", encoding="utf-8") as f:
        check({record["input"] for record in map(json.loads, f)} == {camera.url for camera in cameras}, "records are missing")
    with Server(folder, "--jsonl", "closed.jsonl", cameras[0].url) as server:
        post({"input": cameras[1].url}, 404)
    with Server(folder, "--serve-inputs", "all", "--jsonl", "all.jsonl", cameras[0].url) as server:
        clip = post({"input": CLIP}, 201)["id"]
        until(lambda p: p.get(clip) == "ended", "a file has been read")
        for i in range(300):  # none stays behind, or the last are refused
            number = post({"input": f"nowhere-{i}"}, 201)["id"]
        until(lambda p: p.get(number) == "ended" and "opening" not in p.values(), "what cannot be opened has ended")


def test_inputs_of_a_list(folder, pictures):
    """One that is not there is seen and ended as any other, also where the list gets it later."""
    camera = Camera(list(pictures.values()))
    camera.start()
    with open(f"{folder}/cameras.txt", "w", encoding="utf-8") as f:
        f.write(f"{camera.url}\n")
    with Server(folder, "--serve-inputs", "addresses", "--watch-list", "cameras.txt", "--jsonl", "listed/") as server:
        with open(f"{folder}/cameras.txt", "a", encoding="utf-8") as f:
            f.write("rtsp://user:secret@127.0.0.1:9/none\n")

        def listed():
            text = ask(server.port, "GET", "/api/live", token=None)[1].decode()
            check("secret" not in text, text)
            return next((stream for stream in json.loads(text)["streams"] if "127.0.0.1:9/none" in stream["name"]), {})

        def until(phase):
            for _ in range(300):
                if listed().get("phase") == phase:
                    return
                time.sleep(.1)
            raise AssertionError(f"it is never {phase}: {listed()}")

        until("opening")
        check(ask(server.port, "DELETE", f"/api/inputs/{listed()['id']}")[0] == 204, "it cannot be ended")
        until("ended")


def main():
    if "without libmicrohttpd" in subprocess.run([*MODEL, "--serve", "192.0.2.1:0"], capture_output=True, text=True).stderr:
        print("skipped: yolo-run was built without libmicrohttpd")
        return 77
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run([*MODEL[:-2], "--frames", "4", "--pictures", "all", "--labels", "none", "--no-latency", "--confidence", ".99999", "--quiet", CLIP],
                              cwd=folder, capture_output=True, text=True)
        check(done.returncode == 0, done.stderr)
        pictures = {}
        for i, name in enumerate(sorted(os.listdir(f"{folder}/all"))):
            os.rename(f"{folder}/all/{name}", f"{folder}/{i}.jpg")
            with open(f"{folder}/{i}.jpg", "rb") as f:
                pictures[f"{i}.jpg"] = f.read()
        done = subprocess.run([*MODEL, *pictures, "--jsonl", "files.jsonl", "--quiet"], cwd=folder, capture_output=True, text=True)
        check(done.returncode == 0, done.stderr)
        with open(f"{folder}/files.jsonl", encoding="utf-8") as f:
            records = {record["input"]: record for record in map(json.loads, f)}
        check(len(records) == 4 and all(r["detections"] for r in records.values()), "the pictures show nothing")
        test_alone(folder, pictures, records)
        test_files_of_a_server_alone(folder)
        test_beside_a_run(folder, pictures, records)
        test_pictures_of_a_camera(folder, pictures)
        test_inputs_that_come_and_go(folder, pictures)
        test_inputs_of_a_list(folder, pictures)
        if CHROMIUM:
            test_page(folder)
        else:
            print("left out: the page in a browser, without chromium")
    print("what is posted gets the records of files")
    return 0


if __name__ == "__main__":
    sys.exit(main())
