#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes the tables of docs/models.md: every detection cfg of Darknet's repositories, and what becomes of it here.

  docs/models.py --bin build/bin --picture PICTURE --write NAME=FOLDER [NAME=FOLDER ...]
  docs/models.py --bin build/bin --picture PICTURE --measure-gpu GPU.json NAME=FOLDER [NAME=FOLDER ...]

FOLDER is a checkout's cfg/; its files are read, not copied. Each cfg is loaded by yolo-inspect, given random weights
and run on PICTURE on the CPU at a small size; compare_cfg compares it with the plain loops of the tests and with
OpenCV's dnn or Debian's darknet; convoy-bench times some. All of them lie in BIN (-DCONVOY_TESTS=ON -DCONVOY_BENCH=ON).
On a machine with a GPU, --measure-gpu notes which cfgs run there and how long some take, and --gpu GPU.json puts that
into the tables.
Without --write the tables go to standard output.
"""
import argparse
import hashlib
import json
import pathlib
import re
import subprocess
import sys
import tempfile

BEGIN, END = "<!-- models: docs/models.py --write -->", "<!-- end of the models -->"
HEAD = re.compile(r"^\s*\[\s*(yolo|region|Gaussian_yolo|detection)\s*\]", re.MULTILINE)
XNOR = re.compile(r"^\s*xnor\s*=\s*1", re.MULTILINE)
SIDE = "128"  # of which every stride is a divisor
# What keeps a cfg from being compared with another program, and why.
NO_OTHER = {
    r"^\s*\[Gaussian_yolo\]": "neither knows `[Gaussian_yolo]`",
    r"^\s*\[reorg3d\]": "neither knows `[reorg3d]`",
    r"^\s*tree\s*=": "OpenCV refuses `tree`, and Debian's darknet gives every box the first class",
    r"^\s*\[batchnorm\]": "Debian's darknet crashes on `[batchnorm]`",
    r"^\s*share_index\s*=": "OpenCV ignores `share_index`",
}
TIMED = ("yolov2-tiny-voc.cfg", "yolov2.cfg", "Gaussian_yolov3_BDD.cfg", "yolov4-sam-mish-csp-reorg-bfm.cfg",
         "enet-coco.cfg", "tiny-yolo_xnor.cfg")


def call(*command, timeout=900):
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=timeout)
    except subprocess.TimeoutExpired:
        return 124, "", f"took longer than {timeout} s"
    if done.returncode < 0:
        return done.returncode, "", f"error: signal {-done.returncode}"
    return done.returncode, done.stdout, done.stderr


def reason(path, text):
    lines = [line for line in text.splitlines() if "error" in line or "longer" in line]
    return lines[-1].split("error: ", 1)[-1].replace(str(path), path.name).replace("|", "\\|") if lines else "no reason"


def side_of(text):
    return "0" if "[connected]" in text else SIDE  # a fully connected layer has weights for one size alone


def run(options, path, side, folder, device):
    """Whether the cfg runs with random weights: "yes", or why not."""
    size = ["--size", side] if side != "0" else []
    weights = folder / "random.weights"
    status, _, err = call(options.bin / "yolo-make-weights", path, weights, *size)
    if status == 0:
        status, _, err = call(options.bin / "yolo-run", "--cfg", path, "--weights", weights, *size, "--device", device,
                              "-q", "--jsonl", folder / "out.jsonl", options.picture)
    return "yes" if status == 0 else reason(path, err)


def beside(options, path, text, heads):
    """How far it is from another program that knows its layers."""
    for known, why in NO_OTHER.items():
        if re.search(known, text, re.MULTILINE):
            return "none: " + why
    other = "darknet" if {"region", "detection"} & set(heads) or XNOR.search(text) else "opencv"
    status, out, err = call(options.bin / "compare_cfg", other, path, side_of(text))
    name = {"darknet": "Debian's darknet", "opencv": "OpenCV"}[other]
    return f"{name}: {out.strip()}" if status == 0 else f"{name}: {reason(path, err)}"


def judge(options, path, text, heads, folder):
    """What becomes of the cfg, as the cells of a row but the GPU's."""
    status, out, err = call(options.bin / "yolo-inspect", path)
    if status != 0:
        return {"loads": "no", "note": reason(path, err)}
    warnings = err.count("warning:")
    size = re.findall(r"^(\d+) layers, .*?([\d.]+) BFLOPs a picture of (\d+) x (\d+)$", out, re.MULTILINE)[0]
    row = {"loads": "yes", "what": f"{size[0]} layers, {float(size[1]):.3g} BFLOPs at {size[2]}×{size[3]}",
           "note": f"{warnings} warning{'s' if warnings > 1 else ''}" if warnings else ""}
    row["cpu"] = run(options, path, side_of(text), folder, "cpu")
    status, out, err = call(options.bin / "compare_cfg", "loops", path, side_of(text))
    row["loops"] = out.strip() if status == 0 else reason(path, err)
    row["beside"] = beside(options, path, text, heads)
    return row


def cfgs(options):
    """Each text once: (text, heads, [(repository, path under its folder, path)])."""
    found = {}
    for named in options.folders:
        name, _, root = named.partition("=")
        for path in sorted(pathlib.Path(root).rglob("*.cfg")):
            text = path.read_text(errors="replace")
            heads = list(dict.fromkeys(HEAD.findall(text)))
            if heads:
                found.setdefault(text, (heads, []))[1].append((name, str(path.relative_to(root)), path))
    return [(text, heads, places) for text, (heads, places) in found.items()]


def key(text):
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def table(options, all_cfgs, folder, gpu):
    rows, counts = [], {}
    for text, heads, places in all_cfgs:
        row = judge(options, places[0][2], text, heads, folder)
        print(places[0][1], row, file=sys.stderr, flush=True)
        for name, _, _ in places:
            count = counts.setdefault(name, [0, 0, 0])
            count[0] += 1
            count[1] += row["loads"] == "yes"
            count[2] += row.get("cpu") == "yes"
        there = ", ".join(dict.fromkeys(name for name, _, _ in places))
        on_gpu = gpu.get("ran", {}).get(key(text), "not run") if row["loads"] == "yes" else ""
        rows.append(["`" + places[0][1] + "`", there, ", ".join(heads), row.get("what", ""), row["loads"],
                     row.get("cpu", ""), on_gpu, row.get("loops", ""), row.get("beside", ""), row["note"]])
    lines = [f"* {name}: of {n} cfgs with a head, {loaded} load and {ran} run on the CPU."
             for name, (n, loaded, ran) in counts.items()]
    lines += ["", "| cfg | in | heads | what it is | loads | CPU | GPU | beside the plain loops | beside another program "
              "| note |", "|" + "---|" * 10]
    return lines + ["| " + " | ".join(row) + " |" for row in sorted(rows)]


def share(ms, whole):
    return f"{100 * ms / whole:.0f} %"


def timing(on, layers, ms):
    """Of layers (name, ms, whether it is a plain kernel): the cells behind the cfg's, and who of the plain is slow."""
    whole = sum(layer[1] for layer in layers)
    by_time = sorted(layers, key=lambda layer: -layer[1])
    return {"cells": [on, f"{ms:.3g}" if ms < 100 else f"{ms:.0f}", ", ".join(f"{name}: {share(took, whole)}" for name, took, _ in by_time[:3])],
            "plain": [f"{name} takes {share(took, whole)}"
                      for name, took, plain in by_time if plain and took > whole / 3]}


def timing_cpu(options, path, folder):
    status, _, err = call(options.bin / "convoy-bench", "layers", "--cfg", path, "--passes", "40", "--warmup", "2",
                          "--json", folder / "layers.json")
    if status != 0:
        sys.exit(f"{path.name}: {reason(path, err)}")
    figures = json.loads((folder / "layers.json").read_text())
    layers = [(f"{layer['section']} {layer['layer']}", layer["ms"], 2 * layer["plain_ms"] > layer["ms"])
              for layer in figures["layers"]]
    return timing(figures["threads"], layers, figures["ms"])


def timing_gpu(options, path):
    status, out, err = call(options.bin / "yolo-inspect", path, "--plan", "--json", "--device", "cuda", "--tune")
    if status != 0:
        sys.exit(f"{path.name}: {reason(path, err)}")
    plan = json.loads(out)
    layers = [(f"{layer['op']} {layer['layer']}", layer["us"] / 1e3, layer["op"] != "conv" or layer["kernel"] == "direct")
              for layer in plan["layers"]]
    return timing(plan["device"], layers, plan["network_us"] / 1e3)


def timings(options, all_cfgs, folder, gpu):
    lines = ["", "What the network alone takes, one picture at the cfg's own size with random weights. On the CPU it is the "
             "sum of its", "layers, each at its fastest of 40 passes (`convoy-bench layers`); on the GPU the median of 30 "
             "passes with the kernels", "that were measured as the fastest (`yolo-inspect --plan --tune`), and the shares "
             "are of its layers one by one:", "",
             "| cfg | on | ms a picture | the slowest layers |", "|---|---|---|---|"]
    plain = []
    paths = {places[0][2].name: places[0][2] for _, _, places in all_cfgs}
    for path in (paths[name] for name in TIMED if name in paths):
        for took in [timing_cpu(options, path, folder), gpu.get("times", {}).get(path.name)]:
            if took:
                lines.append("| " + " | ".join([f"`{path.name}`", *took["cells"]]) + " |")
                plain += [f"In `{path.name}` on {took['cells'][0]}, {what} of the network by a plain kernel."
                          for what in took["plain"]]
    return lines + [""] + (plain or ["In none of them does a plain kernel's layer take more than a third of the network."])


def measure_gpu(options, all_cfgs, folder):
    """Goes on with what the file says already."""
    found = json.loads(options.measure_gpu.read_text()) if options.measure_gpu.exists() else {"ran": {}, "times": {}}
    for text, _, places in all_cfgs:
        path = places[0][2]
        if key(text) not in found["ran"]:
            found["ran"][key(text)] = run(options, path, side_of(text), folder, "cuda")
        if path.name in TIMED and path.name not in found["times"]:
            found["times"][path.name] = timing_gpu(options, path)
        options.measure_gpu.write_text(json.dumps(found, indent=1) + "\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", type=pathlib.Path, required=True, help="folder of the built programs")
    parser.add_argument("--picture", type=pathlib.Path, required=True)
    parser.add_argument("--write", action="store_true", help="into docs/models.md")
    parser.add_argument("--measure-gpu", type=pathlib.Path, metavar="FILE", help="only run on the GPU, and note it")
    parser.add_argument("--gpu", type=pathlib.Path, metavar="FILE", help="what --measure-gpu noted")
    parser.add_argument("folders", nargs="+", metavar="NAME=FOLDER")
    options = parser.parse_args()
    all_cfgs = cfgs(options)
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(temporary)
        if options.measure_gpu:
            measure_gpu(options, all_cfgs, folder)
            return
        gpu = json.loads(options.gpu.read_text()) if options.gpu else {}
        text = "\n".join(table(options, all_cfgs, folder, gpu) + timings(options, all_cfgs, folder, gpu))
    if not options.write:
        print(text)
        return
    page = pathlib.Path(__file__).with_name("models.md")
    before, rest = page.read_text().split(BEGIN)
    page.write_text(before + BEGIN + "\n" + text + "\n" + END + rest.split(END)[1])


main()
