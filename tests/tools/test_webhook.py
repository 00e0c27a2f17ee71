#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What changes in zones, posted to a server that takes it, is slow, in trouble, refuses it, or is not there.
usage: test_webhook.py BIN MODELS ZONES; 77: yolo-run has no webhooks"""
import concurrent.futures
import http.server
import json
import os
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time

BIN, MODELS, ZONES = map(os.path.abspath, sys.argv[1:4])
CLIP = f"{MODELS}/pedestrians.mp4"
HEADER = "X-Secret: of the environment"
ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
EVENTS = {}  # that the first frames of the clip make


def check(holds, what):
    if not holds:
        raise AssertionError(what)


class Server:
    """Answers the n-th request with status(n)."""

    def __init__(self, status=lambda n: 204, takes_s=0, certificate=None, location=None):
        self.bodies, self.headers, self.requests = [], [], 0
        owner = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                code = status(owner.requests)
                owner.requests += 1
                body = self.rfile.read(int(self.headers["Content-Length"]))
                time.sleep(takes_s)
                if code < 300:
                    owner.bodies.append(body)
                    owner.headers.append(dict(self.headers))
                self.send_response(code)
                if location:
                    self.send_header("Location", location)
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("localhost", 0), Handler)
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(f"{certificate}/cert", f"{certificate}/key")
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.url = f"http{'s' if certificate else ''}://localhost:{self.server.server_port}/hook?secret=1"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


def run(folder, url, environment={}, frames=100):
    command = [f"{BIN}/yolo-run", "--model", f"{MODELS}/yolov3-quarter", "--device", "cpu", CLIP, "--frames", str(frames), "--size", "160", "--zones", ZONES,
               "--webhook", url, "--mot", "tracks.txt", "--report-json", "report.json", "--metrics", "run.prom"]
    child = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300, env={**ENVIRONMENT, **environment})
    check(child.returncode == 0, f"status {child.returncode}: {child.stderr}")
    report = json.load(open(f"{folder}/report.json"))["webhook"]
    for secret in ("secret=1", "s3cret"):
        check(secret not in child.stderr + json.dumps(report), f"{secret} is shown: {child.stderr} {report}")
    expected = EVENTS.setdefault(frames, report["posted"] + report["dropped"])
    check(report["posted"] + report["dropped"] == expected, f"{report} of {expected} events: {child.stderr}")
    metrics = open(f"{folder}/run.prom").read()
    for name in ("posted", "dropped", "retries"):
        check(f"\nconvoy_webhook_{name}_total {report[name]}\n" in metrics, f"{report}: {metrics}")
    return child.stderr, report


def takes_all(folder):
    server = Server()
    said, report = run(folder, server.url, {"CONVOY_WEBHOOK_HEADER": HEADER})
    events = [json.loads(body) for body in server.bodies]
    check({e["event"] for e in events} == {"enter", "leave", "cross"}, f"the clip shows not everything: {events}")
    check([e["frame"] for e in events] == sorted(e["frame"] for e in events), f"out of order: {events}")
    check(report["posted"] == len(events) and report["dropped"] == report["retries"] == 0, report)
    for headers in server.headers:
        check(headers["X-Secret"] == "of the environment" and headers["Content-Type"] == "application/json", headers)
    check("warning" not in said, said)
    return len(events)


def in_trouble(folder):
    server = Server(status=lambda n: 500 if n < 2 else 200)
    said, report = run(folder, server.url)
    check(report["retries"] == 2 and report["dropped"] == 0 and report["posted"] == len(server.bodies) > 3, f"{report} {said}")
    check("it is posted again" in said, said)


def busy(folder):
    server = Server(status=lambda n: (408, 429, 200)[min(n, 2)])
    said, report = run(folder, server.url)
    check(report["retries"] == 2 and report["dropped"] == 0 and report["posted"] == len(server.bodies) > 3, f"{report} {said}")


def refuses(folder):
    server = Server(status=lambda n: (404, 304, 302, 200)[min(n, 3)])
    said, report = run(folder, server.url)
    check(report["retries"] == 0 and report["dropped"] == 3 and report["posted"] == len(server.bodies) > 3, f"{report} {said}")
    check("refused an event" in said and "HTTP 404" in said, said)


def points_elsewhere(folder):
    other = Server()
    for status in (301, 302, 307, 308):
        server = Server(status=lambda n: status, location=other.url)
        os.mkdir(f"{folder}/{status}")
        said, report = run(f"{folder}/{status}", server.url, {"CONVOY_WEBHOOK_HEADER": HEADER}, frames=60)
        check(report["posted"] == report["retries"] == 0 < report["dropped"] == server.requests, f"{status}: {report} {said}")
        check(f"HTTP {status}: it points to {other.url.split('/hook')[0]}, and" in said, said)
    check(other.requests == 0, "another server got a secret")


class Answers:
    """Says `text` to each request and then `more` until the other side has enough; leaves the connection open."""

    def __init__(self, text, more=b""):
        self.socket, self.requests = socket.create_server(("localhost", 0)), 0
        self.url = f"http://localhost:{self.socket.getsockname()[1]}/?secret=1"

        def serve(connection):
            with connection:
                connection.recv(65536)
                self.requests += 1
                try:
                    connection.sendall(text)
                    while more:
                        connection.sendall(more)
                    while connection.recv(65536):
                        pass
                except OSError:
                    pass

        def accept():
            while True:
                threading.Thread(target=serve, args=[self.socket.accept()[0]], daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()


def bodies_without_end(folder):
    """The status counts, whatever becomes of the body."""
    for name, text, more in [("flood", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1000\r\n" + b"x" * 4096 + b"\r\n"),
                             ("open", b"HTTP/1.1 200 OK\r\n\r\nok", b""), ("owed", b"HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 201 Created\r\nContent-Length: 9\r\n\r\n", b"")]:
        server = Answers(text, more)
        os.mkdir(f"{folder}/{name}")
        said, report = run(f"{folder}/{name}", server.url)
        check(report["posted"] == server.requests > 3 and report["dropped"] == report["retries"] == 0, f"{name}: {report} {said}")


def fails_at_the_end(folder):
    server = Server(status=lambda n: 200 if n < 4 else 500)
    said, report = run(folder, server.url)
    check(report["posted"] == 4 and report["retries"] == server.requests - 5, f"{server.requests} requests: {report} {said}")
    check(f"{report['dropped']} of {report['posted'] + report['dropped']} events" in said, said)


def proxy_with_a_password(folder):
    for number, proxy in enumerate(["http://u:s3cret@127.0.0.1:99999", "foo://u:s3cret@h:1", "u:s3cret@127.0.0.1:99999"]):
        os.mkdir(f"{folder}/{number}")
        said, report = run(f"{folder}/{number}", "https://localhost:1/", {"https_proxy": proxy}, frames=60)
        check(report["posted"] == 0, f"{report} {said}")


def points_at_secrets(folder):
    for number, location in enumerate(["http://u:s3cret@other/x", "http://u:s3cret%40other/x", "mailto:s3cret@other", "http://" + "h" * 300 + "/"]):
        server = Server(status=lambda n: 302, location=location)
        os.mkdir(f"{folder}/{number}")
        said, report = run(f"{folder}/{number}", server.url, frames=60)
        check("HTTP 302: it points to " in said and "h" * 100 not in said, said)


def slow(folder):
    server = Server(takes_s=1.5)
    said, report = run(folder, server.url)
    check(report["dropped"] > 0 and report["posted"] > 0 and "events for" in said, f"{report} {said}")


def gone(folder):
    with socket.create_server(("localhost", 0)) as s:
        port = s.getsockname()[1]
    said, report = run(folder, f"http://localhost:{port}/?secret=1")
    check(report["posted"] == 0 and report["dropped"] > 3 and "onnect" in report["last_error"], f"{report} {said}")


def silent(folder):
    with socket.create_server(("localhost", 0)) as s:
        said, report = run(folder, f"http://localhost:{s.getsockname()[1]}/?secret=1")
    check(report["posted"] == 0 and report["dropped"] > 3, f"{report} {said}")


def tls(folder):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", "key", "-out",
                    "cert", "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"], cwd=folder, check=True,
                   capture_output=True)
    server = Server(certificate=folder)
    said, report = run(folder, server.url, {"CONVOY_WEBHOOK_CAFILE": f"{folder}/cert"})
    check(report["posted"] == len(server.bodies) > 3 and report["dropped"] == 0, f"{report} {said}")
    said, report = run(folder, server.url)
    check(report["posted"] == 0 and report["dropped"] > 3, f"a certificate that nobody knows was trusted: {report} {said}")


def wrong_options():
    for arguments, environment, sentence in [
            (["--webhook", "http://localhost/"], {}, "needs --zones"),
            (["--webhook", "ftp://localhost/", "--zones", ZONES], {}, "neither http:// nor https://"),
            (["--webhook", "http://u:p@localhost/", "--zones", ZONES], {}, "CONVOY_WEBHOOK_HEADER"),
            *[(["--webhook", url, "--zones", ZONES], {}, "the address is none") for url in ("http://localhost:99999/", "http://localhost:abc/", "http://[::1/", "http://a;b/")],
            (["--webhook", "http://b\u00fccher/", "--zones", ZONES], {}, "beyond ASCII"),
            *[(["--webhook", "http://localhost/", "--zones", ZONES], {"CONVOY_WEBHOOK_HEADER": header}, "is no header")
              for header in ("no header", " X: y", "A b: c", "X : y", "Name;: x", ": x")],
            (["--webhook", "http://localhost/", "--zones", ZONES], {"CONVOY_WEBHOOK_HEADER": "Authorization: "}, "has no value"),
            (["--webhook", "http://localhost/", "--zones", ZONES], {"CONVOY_WEBHOOK_HEADER": "Content-Length: 5"}, "the request's own"),
            (["--webhook", "http://localhost/", "--zones", ZONES], {"CONVOY_WEBHOOK_CAFILE": "/etc/hostname"}, "no certificate"),
            (["--webhook", "http://localhost/", "--zones", ZONES], {"CONVOY_WEBHOOK_CAFILE": "/etc"}, "no regular file"),
            (["--webhook", "http://localhost/", "--zones", ZONES], {"CONVOY_WEBHOOK_CAFILE": "none"}, "no regular file")]:
        child = subprocess.run([f"{BIN}/yolo-run", CLIP, *arguments], capture_output=True, text=True, env={**ENVIRONMENT, **environment})
        check(child.returncode != 0 and sentence in child.stderr, f"{arguments}: {child.stderr}")


def main():
    wrong_options()
    child = subprocess.run([f"{BIN}/yolo-run", CLIP, "--frames", "1", "--device", "cpu", "--zones", ZONES, "--webhook", "http://localhost/"],
                           capture_output=True, text=True)
    if "built without libcurl" in child.stderr:
        print("skipped: yolo-run was built without libcurl")
        return 77
    tests = [takes_all, in_trouble, busy, refuses, points_elsewhere, bodies_without_end, fails_at_the_end, proxy_with_a_password, points_at_secrets, slow, gone, silent]
    if shutil.which("openssl"):
        tests.append(tls)
    else:
        print("left out: TLS, without openssl")
    with tempfile.TemporaryDirectory() as folder:
        def one(test):
            os.mkdir(f"{folder}/{test.__name__}")
            test(f"{folder}/{test.__name__}")
            print(f"passed: {test.__name__}", flush=True)

        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            list(pool.map(one, tests))
    return 0


if __name__ == "__main__":
    sys.exit(main())
