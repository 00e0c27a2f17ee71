#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A job whose inputs are objects behind HTTP: on a server that is overloaded and drops connections, and on S3 (moto's), by presigned
addresses. Records are those of one quiet run over the same addresses, and what is secret in these is in no file but the manifest.
usage: test_objects.py BIN MODELS [flaky|s3]..."""
import glob
import http.server
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time

from fleet import OPTIONS

SECRET = "geheim"


class Flaky(http.server.BaseHTTPRequestHandler):
    """Knows ranges; every third request is refused as too many, and every fourth is dropped half-way."""
    protocol_version = "HTTP/1.1"
    folder, requests, refused, dropped, lock = "", 0, 0, 0, threading.Lock()

    def do_GET(self):
        with Flaky.lock:
            Flaky.requests += 1
            number = Flaky.requests
        if number % 3 == 1:
            Flaky.refused += 1
            self.send_error(503, "Slow Down")
            return
        with open(f"{self.folder}/{os.path.basename(self.path.split('?')[0])}", "rb") as f:
            content = f.read()
        first, size = 0, len(content)
        found = re.match(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        if found:
            first = int(found[1])
            content = content[first:int(found[2]) + 1 if found[2] else None]
        self.send_response(206 if found else 200)
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("Content-Length", str(len(content)))
        if found:
            self.send_header("Content-Range", f"bytes {first}-{first + len(content) - 1}/{size}")
        self.end_headers()
        try:
            if number % 4 == 3 and len(content) > 70000:
                Flaky.dropped += 1
                self.wfile.write(content[:len(content) // 2])
                self.close_connection = True
            else:
                self.wfile.write(content)
        except OSError:
            pass  # the client has read what it wanted

    def log_message(self, *_):
        pass


def addresses_of_flaky(folder):
    Flaky.folder = folder
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Flaky)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return [f"http://127.0.0.1:{server.server_port}/{name}?token={SECRET}" for name in sorted(os.listdir(folder))], server.shutdown


def addresses_of_s3(folder):
    import logging

    import boto3
    from moto.server import ThreadedMotoServer
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server.start()
    host, port = server.get_host_and_port()
    s3 = boto3.client("s3", endpoint_url=f"http://{host}:{port}", region_name="us-east-1", aws_access_key_id="AKIDEXAMPLE",
                      aws_secret_access_key=SECRET)
    s3.create_bucket(Bucket="recordings")
    signed = []
    for name in sorted(os.listdir(folder)):
        s3.upload_file(f"{folder}/{name}", "recordings", name)
        signed.append(s3.generate_presigned_url("get_object", Params={"Bucket": "recordings", "Key": name}, ExpiresIn=3600))
    return signed, server.stop


def secrets_of(address):
    return re.findall(r"(?:token|Signature|X-Amz-Signature|AWSAccessKeyId)=([^&]+)", address)


def fault_of(binaries, folder, addresses):
    where = {**os.environ, "PATH": f"{binaries}:{os.environ['PATH']}"}

    def run(*command):
        done = subprocess.run(command, cwd=folder, env=where, capture_output=True, text=True)
        assert done.returncode == 0, f"{command[:2]}: status {done.returncode}: {done.stderr[-2000:]}"
        return done.stderr

    with open(f"{folder}/urls.txt", "w", encoding="utf-8") as f:
        f.write("\n".join(addresses) + "\n")
    options = [*OPTIONS, "--size", "160"]
    said = run("yolo-fleet", "manifest", "@urls.txt", "-o", "work.tsv", "--part-seconds", "8")
    said += run("yolo-run", "--manifest", "work.tsv", "--shard", "1/2", "--jsonl", "out/", *options)
    said += run("yolo-run", "--manifest", "work.tsv", "--shard", "2/2", "--jsonl", "out/", *options)
    said += run("yolo-fleet", "merge", "work.tsv", "out", "--jsonl", "all.jsonl", "--report-json", "report.json")
    run("yolo-run", "files", "--no-latency", "--jsonl", "quiet.jsonl", *options)
    with open(f"{folder}/work.tsv", encoding="utf-8") as f:
        parts = sum("\t2/" in line for line in f)
    files = glob.glob(f"{folder}/*.json*") + glob.glob(f"{folder}/out/*")
    texts = said
    for name in files:
        with open(name, encoding="utf-8") as f:
            texts += f.read()
    with open(f"{folder}/all.jsonl", encoding="utf-8") as all_, open(f"{folder}/quiet.jsonl", encoding="utf-8") as quiet:
        nameless = [[re.sub(r'^{"input":"[^"]*"', "", line) for line in f] for f in (all_, quiet)]
    if nameless[0] != nameless[1]:
        return "the records are not those of the files"
    if not parts:
        return "the long video was not cut"
    shown = [secret for address in addresses for secret in secrets_of(address) if secret in texts]
    return f"secrets are shown: {shown}" if shown or not secrets_of(addresses[0]) else ""


def make_files(folder, models):
    os.mkdir(folder)
    clip, make = f"{models}/pedestrians.mp4", ["ffmpeg", "-v", "error"]
    subprocess.run([*make, "-i", clip, "-c", "copy", f"{folder}/long.mp4"], check=True)
    subprocess.run([*make, "-ss", "2", "-i", clip, "-t", "2", "-c", "copy", f"{folder}/short.ts"], check=True)


def has_moto():
    return subprocess.run([sys.executable, "-c", "import boto3, moto.server, flask"], capture_output=True).returncode == 0


WAYS = {"flaky": (addresses_of_flaky, lambda: True), "s3": (addresses_of_s3, has_moto)}


def main():
    binaries, models, ways = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2]), sys.argv[3:] or list(WAYS)
    ways = [way for way in ways if WAYS[way][1]() or print(f"{way}: skipped: what it needs is not here")]
    if not ways or not shutil.which("ffmpeg"):
        print("skipped")
        return 77
    failures = 0
    for way in ways:
        with tempfile.TemporaryDirectory() as folder:
            make_files(f"{folder}/files", models)
            addresses, stop = WAYS[way][0](f"{folder}/files")
            begin = time.monotonic()
            fault = fault_of(binaries, folder, addresses)
            stop()
        if way == "flaky" and not (Flaky.refused and Flaky.dropped):
            fault = fault or f"{Flaky.refused} requests were refused, {Flaky.dropped} dropped"
        print(f"{way}: {fault or 'the same records'}, {time.monotonic() - begin:.1f} s", flush=True)
        if way == "flaky":
            print(f"{Flaky.requests} requests, {Flaky.refused} refused, {Flaky.dropped} dropped")
        failures += bool(fault)
    return int(failures > 0)


if __name__ == "__main__":
    sys.exit(main())
