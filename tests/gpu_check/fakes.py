# SPDX-License-Identifier: MIT
"""An archive of gpu-check whose programs are made up: what they say, and how they end, is told by the test."""
import json
import os
import shutil
import stat
import subprocess
import sys

BENCH = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "bench")

# As Catch2 writes them.
CASE = '<TestCase name="{name}" tags="[x]" filename="a.cpp" line="7">{body}<OverallResult success="{good}"/></TestCase>'
PASS = CASE.format(name="good", body="", good="true")
SKIP = CASE.format(name="a   pair", body="<Warning>\n skipped: a pair: needs\n 2 GPUs\n</Warning>", good="true")
SKIP_PLAINLY = CASE.format(name="b", body="<Warning>skipped: not here</Warning>", good="true")
NOTE = CASE.format(name="noted", body="<Warning>worst: 3</Warning><Warning>skipped: one of many</Warning>", good="true")
FAIL = CASE.format(name="bad", body='<Expression success="false" filename="/x/a.cpp" line="9"><Original>1 == 2</Original>'
                   "</Expression>", good="false")
BEGUN = '<TestCase name="fatal" filename="a.cpp" line="1">'


def report(*cases, cut=False):
    return '<?xml version="1.0"?><Catch2TestRun>' + "".join(cases) + ("" if cut else "</Catch2TestRun>")


# convoy-bench and yolo-run: the shape of their JSON; `factor` makes one archive slower, `flaw` makes it wrong.
PROGRAM = """#!{python} -SE
import json, os, sys
factor, flaw = {factor}, {flaw!r}
def option(name): return sys.argv[sys.argv.index(name) + 1] if name in sys.argv else os.devnull
def frames(path): return os.path.getsize(path) // 10
def times(unit, t): return {{"median_" + unit: t * factor, "min_" + unit: t * factor, "max_" + unit: t * factor}}
what, video = os.path.basename(sys.argv[0]), next((a for a in sys.argv if a.endswith((".h264", ".hevc", ".mp4"))), "")
if what == "yolo-make-weights": open(sys.argv[2], "w").write("weights"); sys.exit()
if what == "yolo-run":
    open(option("--jsonl"), "w").write("{{}}\\n" * (frames(video) - (flaw == "lost")))
    json.dump({{"frames_per_second": 9 / factor, "latency": {{"median_ms": 1, "p99_ms": 2}}, "bottleneck": ""}},
              open(option("--report-json"), "w"))
    sys.exit()
bench = sys.argv[1]
if flaw == "no " + bench: sys.exit("convoy-bench: " + bench + " cannot be done")
row = {{**times("us", 5), "row": "ours", "error": 3 if flaw == "wrong" else 1}}
out = {{
    "network": {{**times("ms", 4), "network_alone": times("ms", 3), "fps": 5, "bench": "network", "batch": option("--batch")
                if bench == "network" else 0}},
    "decode": {{"fps": 100 / factor, "fps_of_each": [100 / factor], "decoders": 8}},
    "run": {{"fps": 90 / factor, "fps_of_each": [90 / factor], "latency_ms": 7, "pictures_per_s": 540 / factor,
            "frames": frames(video) if video else 0,
            "start_s": 1, "cores_busy": 1, "on_gpu": 3, "segments": 4, "replication": "", "replication_s": 0}},
    "load": {{k: times("ms", 8) for k in ("parse", "ready", "first")}},
    "preprocess": {{"cases": [{{**times("us", 6), "name": "nv12 batch 1", "us_per_picture": 6}}]}},
    "jpeg": {{"threads": 16, "on_gpu": 3, "on_cpu": 3 if flaw == "no nvJPEG" else 0, "why_cpu": "cuda:0: no libnvjpeg",
             "cases": [{{"name": "nv12", "fps": 70 / factor, "fps_of_each": [70 / factor]}}]}},
    "postprocess": {{"cases": [{{**times("us", 6), "name": "both batch 1 candidates 50"}}]}},
    "conv": {{"convolutions": [{{"problem": "3x3", "rows": [row], "ours": row}}],
             "sums": {{"ours_us": 50 * factor, "fastest_us": 40, "library_us": 30, "ours_where_both_us": 45,
                      "layers_of_libraries": 1}}}},
    "soak": {{"seconds": 1, "streams": 2, "ends": {{"24": 9, "23": 3 if flaw == "soak" else 2}},
             "samples": [{{"host_bytes": 1e6, "device_bytes": 2e6}}]}},
}}[bench]
json.dump(out, open(option("--json"), "w"))
"""

# Instead of the driver: so many GPUs.
START = """
import sys
sys.path.insert(0, {root!r})
from gpu_check import machine, main
ask = machine.ask_python
machine.ask_python = lambda code, env, timeout=60: (
    ('{{"names": ' + str(["H"] * {gpus}).replace("'", '"') + ', "cuda": "13.0"}}', "") if code is machine.ASK_DRIVER
    else ask(code, env, timeout))
sys.exit(main.main({root!r}))
"""


class FakeArchive:
    def __init__(self, folder, factor=1.0, flaw=""):
        self.root, self.tests = folder, []
        for name in ("bin", "inputs", "bench", "convoy/models"):
            os.makedirs(f"{folder}/{name}")
        shutil.copytree(f"{BENCH}/gpu_check", f"{folder}/gpu_check", ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(f"{BENCH}/gpu-check", folder)
        for script in ("compare.py", "scaling.py"):
            shutil.copy(f"{BENCH}/{script}", f"{folder}/bench")
        for clip in ("1080p.h264", "1080p.hevc"):
            with open(f"{folder}/inputs/{clip}", "w", encoding="utf-8") as f:
                f.write("x" * 10 * 24)
        open(f"{folder}/convoy/models/pedestrians.mp4", "w", encoding="utf-8").close()
        for name in ("convoy-bench", "yolo-run", "yolo-make-weights"):
            self.program(name, PROGRAM.format(python=sys.executable, factor=factor, flaw=flaw))
        self.write_manifest()

    def write_manifest(self):
        frames = {"inputs/1080p.h264": 24, "inputs/1080p.hevc": 24, "convoy/models/pedestrians.mp4": 24}
        with open(f"{self.root}/manifest.json", "w", encoding="utf-8") as f:
            json.dump({"convoy": "made up", "tests": self.tests, "frames": frames}, f)

    def program(self, name, text):
        path = f"{self.root}/bin/{name}"
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
        os.chmod(path, os.stat(path).st_mode | stat.S_IXUSR)

    def test(self, name, shell, program=None, labels=("gpu",), timeout=20):
        """A test program that is a shell script; None: there is no such program."""
        program = program or name
        if shell is not None:
            self.program(program, "#!/bin/sh\n" + shell)
        self.tests.append({"name": name, "program": program, "spec": ["[x]"], "labels": list(labels), "timeout": timeout})
        self.write_manifest()

    def says(self, name, xml, status=0, **more):
        """A test program that reports this."""
        with open(f"{self.root}/{name}.said", "w", encoding="utf-8") as f:
            f.write(xml)
        self.test(name, f"cat '{self.root}/{name}.said'\nexit {status}\n", **more)

    def start(self, *arguments, gpus=1, **environment):
        env = {"PATH": os.environ["PATH"], **environment}
        return subprocess.Popen([sys.executable, "-B", "-c", START.format(root=self.root, gpus=gpus), "--out",
                                 f"{self.root}/out", *arguments], env=env, text=True, stdout=subprocess.PIPE,
                                stderr=subprocess.STDOUT)

    def run(self, *arguments, gpus=1, **environment):
        """(exit status, what it printed, {step: its entry in results.json})"""
        process = self.start(*arguments, gpus=gpus, **environment)
        text, _ = process.communicate(timeout=60)
        try:
            with open(f"{self.root}/out/results.json", encoding="utf-8") as f:
                steps = {s["name"]: s for s in json.load(f)["steps"]}
        except FileNotFoundError:
            steps = {}
        return process.returncode, text, steps
