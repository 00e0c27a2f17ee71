#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Each file of yolo-run, read by its format's usual reader, says what the JSON Lines of the same run say: of a whole run, of
one that was interrupted, and, with its end put behind it, of one that was killed.
usage: test_outputs.py BIN MODELS [--reader pycocotools|motmetrics|datumaro|label_studio_sdk]   Without --reader: those that Python has itself."""
import argparse
import collections
import contextlib
import csv
import io
import json
import math
import os
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree

KINDS = {"--jsonl": "r.jsonl", "--csv": "r.csv", "--coco": "coco.json", "--mot": "mot/", "--cvat": "cvat/",
         "--label-studio": "tasks.json", "--yolo": "labels", "--crops": "crops"}
ENDS = {"coco.json": '],"images":[],"categories":[]}', "tasks.json": "]", "cvat/clip.xml": "</annotations>"}
ODD = 'a "b", <c>.jpg'


def float32(value):
    return struct.unpack("f", struct.pack("f", float(value)))[0]


def check(holds, what):
    if not holds:
        raise AssertionError(what)


def same(read, expected, what, rounded=0):
    """Lists of lists of numbers and texts: the numbers as 32-bit floats to some steps, for they were calculated with."""
    check(len(read) == len(expected), f"{what}: {len(read)} boxes instead of {len(expected)}")
    for one, other in zip(read, expected):
        for a, b in zip(one, other, strict=True):
            check(a == b if isinstance(b, (str, int)) else abs(a - b) <= rounded + 1e-5 * max(1, abs(b)), f"{what}: {one} instead of {other}")


def records_in(folder):
    with open(f"{folder}/r.jsonl", encoding="utf-8") as f:
        return [json.loads(line) for line in f]


def stem(record):
    """What a frame is called where pictures have names of their own."""
    name = os.path.splitext(os.path.basename(record["input"]))[0]
    return f"{name}-{record['frame']:06}" if record["input"].endswith(".mp4") else name


def image(record):
    return f"{stem(record)}.jpg" if record["input"].endswith(".mp4") else record["input"]


def by_input(records):
    inputs = collections.defaultdict(list)
    for record in records:
        inputs[record["input"]].append(record)
    return inputs


def check_csv(folder, records):
    with open(f"{folder}/r.csv", encoding="utf-8", newline="") as f:
        rows = list(csv.DictReader(f))
    expected = [(r, d) for r in records for d in r["detections"]]
    check(len(rows) == len(expected), "csv: another number of lines")
    for row, (r, d) in zip(rows, expected):
        check((row["input"], int(row["frame"]), float(row["time_s"]), int(row["class_id"]), row["class"]) ==
              (r["input"], r["frame"], r["time_s"], d["class_id"], d["class"]), f"csv: {row}")
        check([float32(row[key]) for key in "xywh"] == [float32(v) for v in d["box"]], f"csv: {row}")
        check(float32(row["confidence"]) == float32(d["confidence"]) and row["track"] == str(d.get("track", "")), f"csv: {row}")


def check_cvat(folder, records):
    for path, frames in by_input(records).items():
        name = os.path.splitext(os.path.basename(path))[0]
        root = xml.etree.ElementTree.parse(f"{folder}/cvat/{name}.xml").getroot()
        check(root.find("version").text == "1.1", "cvat: another version")
        boxes = [(int(i.get("id")), b) for i in root.iter("image") for b in i.iter("box")]
        same([[frame, b.get("label"), *(float(b.get(key)) for key in ("xtl", "ytl", "xbr", "ybr")), float(b.find("attribute").text)]
              for frame, b in boxes],
             [[r["frame"], d["class"], x, y, x + w, y + h, d["confidence"]]
              for r in frames for d in r["detections"] for x, y, w, h in [d["box"]]], f"cvat, {name}")
        if not path.endswith(".mp4"):
            check([i.get("name") for i in root.iter("image")] == [path], "cvat: another name")


def check_label_studio(folder, records):
    with open(f"{folder}/tasks.json", encoding="utf-8") as f:
        tasks = json.load(f)
    check([t["data"] for t in tasks] == [{"image": image(r), "input": r["input"], "frame": r["frame"]} for r in records],
          "Label Studio: other tasks")
    same([[number, *v["rectanglelabels"], *(v[key] / 100 * size for key, size in
                                            zip(("x", "y", "width", "height"), 2 * (o["original_width"], o["original_height"]))), o["score"]]
          for number, t in enumerate(tasks) for o in t["predictions"][0]["result"] for v in [o["value"]]],
         [[number, d["class"], *d["box"], d["confidence"]] for number, r in enumerate(records) for d in r["detections"]], "Label Studio")


def check_yolo(folder, records):
    names = {f"{stem(r)}.txt" for r in records}
    check(set(os.listdir(f"{folder}/labels")) == names | {"classes.txt"}, "labels: other files")
    for r in records:
        with open(f"{folder}/labels/{stem(r)}.txt", encoding="utf-8") as f:
            labels = [[float(v) for v in line.split()] for line in f]
        w, h = r["width"], r["height"]
        same([[int(c), (x - bw / 2) * w, (y - bh / 2) * h, bw * w, bh * h] for c, x, y, bw, bh in labels],
             [[d["class_id"], *d["box"]] for d in r["detections"]], f"labels of {stem(r)}")


def check_crops(folder, records):
    """A JPEG for each box, of its size."""
    expected = {f"{d['class']}/{stem(r)}-{number}.jpg": d["box"] for r in records for number, d in enumerate(r["detections"], 1)}
    found = {f"{name}/{file}" for name in os.listdir(f"{folder}/crops") for file in os.listdir(f"{folder}/crops/{name}")}
    check(found == set(expected), f"crops: {sorted(found ^ set(expected))[:4]}")
    for file, (x, y, w, h) in list(expected.items())[::7]:
        told = subprocess.run(["ffprobe", "-v", "error", "-show_entries", "stream=width,height", "-of", "csv=p=0",
                               f"{folder}/crops/{file}"], capture_output=True, text=True, check=True)
        size = tuple(map(int, told.stdout.split(",")[:2]))
        check(size == (math.ceil(x + w) - math.floor(x), math.ceil(y + h) - math.floor(y)), f"crops: {file} has {size}")


def check_pycocotools(folder, records):
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval
    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO(f"{folder}/coco.json")
        again = coco.loadRes(list(coco.anns.values()))
        scores = COCOeval(coco, again, "bbox")
        scores.evaluate(), scores.accumulate(), scores.summarize()
    check([coco.imgs[i]["file_name"] for i in sorted(coco.imgs)] == [image(r) for r in records], "COCO: other pictures")
    for number, r in zip(sorted(coco.imgs), records):
        found = coco.loadAnns(coco.getAnnIds(imgIds=number))
        check((coco.imgs[number]["width"], coco.imgs[number]["height"]) == (r["width"], r["height"]), "COCO: another size")
        same([[coco.cats[a["category_id"]]["name"], *a["bbox"], a["score"], a["area"]] for a in found],
             [[d["class"], *d["box"], d["confidence"], d["box"][2] * d["box"][3]] for d in r["detections"]], f"COCO, {image(r)}")
    check(scores.stats[0] > .99, "COCO: scored against itself it is not right")


def check_motmetrics(folder, records):
    import motmetrics
    for path, frames in by_input(records).items():
        found = [[r["frame"] + 1, d.get("track", -1), d["class_id"] + 1, *d["box"], d["confidence"]] for r in frames for d in r["detections"]]
        file = f"{folder}/mot/{os.path.splitext(os.path.basename(path))[0]}.txt"
        if not found:
            check(os.path.getsize(file) == 0, "MOT: lines without boxes")
            continue
        table = motmetrics.io.loadtxt(file, fmt="mot16").reset_index()
        columns = ["FrameId", "Id", "ClassId", "X", "Y", "Width", "Height", "Confidence"]
        # The table is sorted by frame and id alone.
        same(sorted([*map(int, row[:3]), *row[3:]] for row in table[columns].values.tolist()), sorted(found), f"MOT, {path}")


def check_datumaro(folder, records):
    """Of CVAT's files, with tracks and without. It wants to see that the pictures are there, and looks into none."""
    import datumaro
    before = os.getcwd()
    os.chdir(folder)
    for path, frames in by_input(records).items():
        for r in frames if path.endswith(".mp4") else ():
            open(f"frame_{r['frame']:06}", "wb").close()
        read = datumaro.Dataset.import_from(f"cvat/{os.path.splitext(os.path.basename(path))[0]}.xml", "cvat")
        names = read.categories()[datumaro.AnnotationType.label]
        same(sorted([item.attributes["frame"], names[box.label].name, box.attributes.get("track_id", 0), *box.get_bbox(),
                     float(box.attributes["confidence"])] for item in read for box in item.annotations if not box.attributes.get("outside")),
             sorted([r["frame"], d["class"], d.get("track", 0), *d["box"], d["confidence"]] for r in frames for d in r["detections"]),
             f"Datumaro, {path}", .01)  # it rounds corners to hundredths
    os.chdir(before)


def check_label_studio_sdk(folder, _):
    """What the importer asks of predictions; that they say what the records do, check_label_studio() shows."""
    from label_studio_sdk.label_interface import LabelInterface
    with open(f"{folder}/tasks.json", encoding="utf-8") as f:
        predictions = [p for task in json.load(f) for p in task["predictions"]]
    names = {name for p in predictions for region in p["result"] for name in region["value"]["rectanglelabels"]}
    project = LabelInterface('<View><Image name="image" value="$image"/><RectangleLabels name="label" toName="image">' +
                             "".join(f'<Label value="{name}"/>' for name in sorted(names)) + "</RectangleLabels></View>")
    check(predictions and all(map(project.validate_prediction, predictions)), "Label Studio refuses a prediction")
    region = next(p["result"][0] for p in predictions if p["result"])
    region["value"]["rectanglelabels"] = ["of no such name"]
    check(not all(map(project.validate_prediction, predictions)), "Label Studio takes all that it is given")


READERS = {"pycocotools": check_pycocotools, "motmetrics": check_motmetrics, "datumaro": check_datumaro,
           "label_studio_sdk": check_label_studio_sdk}
OWN = (check_csv, check_cvat, check_label_studio, check_yolo, check_crops)


def command(arguments, inputs, kinds=KINDS):
    outputs = [part for option, name in kinds.items() for part in (option, name)]
    return [f"{arguments.bin}/yolo-run", "--model", f"{arguments.models}/yolov3-quarter", "--names", f"{arguments.models}/coco.names",
            "--device", "cpu", "--size", "160", "--confidence", ".1", *(["--track"] if arguments.reader == "datumaro" else []),
            *outputs, *inputs]


def run(arguments, folder, inputs, kinds=KINDS):
    done = subprocess.run(command(arguments, inputs, kinds), cwd=folder, capture_output=True, text=True)
    check(done.returncode == 0, done.stderr)
    return records_in(folder)


def stopped(arguments, folder, number):
    """Of a run that gets this signal when it has some records."""
    for old in ("r.jsonl", "r.csv", "coco.json", "tasks.json"):
        if os.path.exists(f"{folder}/{old}"):
            os.remove(f"{folder}/{old}")
    for old in ("labels", "mot", "cvat", "crops"):
        shutil.rmtree(f"{folder}/{old}", ignore_errors=True)
    with subprocess.Popen(command(arguments, ["clip.mp4"]), cwd=folder, stderr=subprocess.PIPE, text=True) as child:
        end = time.monotonic() + 60
        while child.poll() is None and time.monotonic() < end and not (
                os.path.exists(f"{folder}/r.jsonl") and len(open(f"{folder}/r.jsonl", "rb").read().split(b"\n")) > 20):
            time.sleep(.01)
        child.send_signal(number)
        said = child.communicate(timeout=60)[1]
    check(child.returncode == (130 if number == signal.SIGINT else -number), f"status {child.returncode}: {said}")


def check_killed(folder):
    """Whole lines; with its end behind it each file is read."""
    for name, end in ENDS.items():
        with open(f"{folder}/{name}", encoding="utf-8") as f:
            text = f.read()
        check(text.endswith("\n"), f"{name}: its last line is cut off")
        if name.endswith(".xml"):
            boxes = len(list(xml.etree.ElementTree.fromstring(text + end).iter("box")))
        else:
            read = json.loads(text + end)
            boxes = len(read["annotations"]) if "annotations" in read else sum(len(t["predictions"][0]["result"]) for t in read)
        check(boxes > 0, f"{name}: no boxes")
    for name in ("r.csv", "mot/clip.txt"):
        with open(f"{folder}/{name}", encoding="utf-8") as f:
            check(f.read().endswith("\n"), f"{name}: its last line is cut off")


def check_yolo_eval(arguments, folder):
    """What yolo-eval reads of the labels is what was found: scored against that it is right."""
    data = f"{folder}/data"
    os.makedirs(f"{data}/images")
    for number in (1, 2, 3):
        shutil.copy(f"{folder}/p/{number}.jpg", f"{data}/images")
    records = run(arguments, folder, ["data/images"], {"--jsonl": "r.jsonl", "--yolo": "data/labels"})
    with open(f"{folder}/found.json", "w", encoding="utf-8") as f:
        json.dump([{"image_id": int(stem(r)), "category_id": d["class_id"] + 1, "bbox": d["box"], "score": d["confidence"]}
                   for r in records for d in r["detections"]], f)
    done = subprocess.run([f"{arguments.bin}/yolo-eval", "--data", "data", "--names", "data/labels/classes.txt", "--from-detections",
                           "found.json", "--json", "scores.json"], cwd=folder, capture_output=True, text=True)
    check(done.returncode == 0, done.stderr)
    with open(f"{folder}/scores.json", encoding="utf-8") as f:
        scores = json.load(f)
    check(scores["AP"] > .99, f"yolo-eval: {scores}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("bin")
    parser.add_argument("models")
    parser.add_argument("--reader", choices=READERS)
    arguments = parser.parse_args()
    arguments.bin, arguments.models = map(os.path.abspath, (arguments.bin, arguments.models))
    if not shutil.which("ffmpeg"):
        print("skipped: there is no ffmpeg")
        return 77
    if arguments.reader:
        try:
            __import__(arguments.reader)
        except ImportError:
            print(f"skipped: python3 has no {arguments.reader}")
            return 77
    checks = [READERS[arguments.reader]] if arguments.reader else OWN
    with tempfile.TemporaryDirectory() as folder:
        os.mkdir(f"{folder}/p")
        shutil.copy(f"{arguments.models}/pedestrians.mp4", f"{folder}/clip.mp4")
        subprocess.run(["ffmpeg", "-v", "error", "-i", "clip.mp4", "-frames:v", "3", "p/%d.jpg"], cwd=folder, check=True)
        subprocess.run(["ffmpeg", "-v", "error", "-f", "lavfi", "-i", "color=size=64x48", "-frames:v", "1", "-update", "1", f"p/{ODD}"],
                       cwd=folder, check=True)
        records = run(arguments, folder, ["clip.mp4", "p", "--frames", "12"])
        check(len(records) == 16 and any(r["detections"] for r in records) and not all(r["detections"] for r in records),
              "the run itself has not found what it should")
        for one in checks:
            one(folder, records)
        stopped(arguments, folder, signal.SIGINT)
        records = records_in(folder)
        check(20 <= len(records) < 240, f"it was interrupted after {len(records)} records")
        for one in checks:
            one(folder, records)
        if not arguments.reader:
            stopped(arguments, folder, signal.SIGKILL)
            check_killed(folder)
            check_yolo_eval(arguments, folder)
    print(f"each file says what the records say: {', '.join(one.__name__ for one in checks)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
