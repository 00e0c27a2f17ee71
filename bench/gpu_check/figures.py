# SPDX-License-Identifier: MIT
"""The figures of docs/measurements.md, shorter. Each leaves its JSON among the results, NAME.json."""
import json
import os
import statistics

from gpu_check.check import FAILED, PASSED, Failure, Result, Skip, Step, load, python, save
from gpu_check.machine import ask_python

MODEL = "convoy/models/yolov3-quarter"
CONFIDENCE = "0.3"  # with random weights; lower ones give boxes by the thousand
CONFIDENCE_DEMO = "0.25"
MANY_BOXES = ("0.02", "--nms", "0.95")  # of the demo model, some twenty a frame
AP_BOUND = 0.5  # points of AP between fp16 and fp32; 0.14 is the most that was seen (docs/measurements.md)


def bench(check, what, *options, gpus=1):
    """Runs convoy-bench and gives its JSON."""
    out = check.path(".json")
    check.must([check.archive.program("convoy-bench"), what, *options, "--device", "cuda", "--json", out], gpus)
    return load(out)


def yolov3(check):
    return ["--cfg", check.cfg(), "--weights", check.weights()]


def network(batch, *options):
    def run(check):
        r = bench(check, "network", *yolov3(check), "--batch", str(batch), "--passes", "9", *options)
        alone = r["network_alone"]["median_ms"]
        return Result(PASSED, f"{alone:.3f} ms = {batch / alone * 1e3:,.0f} pictures/s; with decode and NMS, back to back "
                              f"{r['median_ms']:.3f} ms = {batch / r['median_ms'] * 1e3:,.0f}")
    return run


def first_start(check):
    """Which kernels are the fastest is measured once; the steps after it find that remembered."""
    cache = check.archive.cache
    new = not (os.path.isdir(cache) and os.listdir(cache))
    seconds = [check.must([check.archive.program("convoy-bench"), "network", *yolov3(check), "--batch", batch, "--passes",
                           "1", "--device", "cuda"], 1).seconds for batch in ("32", "1")]
    return Result(PASSED, f"batch 32 {seconds[0]:.1f} s, batch 1 {seconds[1]:.1f} s, kernels "
                          f"{'measured' if new else 'remembered'}")


def decode(codec, copies):
    def run(check):
        video, frames = check.video(codec, copies)
        r = bench(check, "decode", "--model", f"{check.root}/{MODEL}", video, "--warmup", "1", "--passes", "3")
        return Result(PASSED, f"{r['fps']:,.0f} frames/s, {r['decoders']} decoders, {frames:,} frames")
    return run


def run_video(codec, copies):
    def run(check):
        video, frames = check.video(codec, copies)
        r = bench(check, "run", *yolov3(check), video, "--warmup", "1", "--passes", "3")
        if r["frames"] != frames:
            raise Failure(f"{r['frames']} frames instead of {frames}")
        fallback = "" if r["on_gpu"] == r["segments"] else f", {r['segments'] - r['on_gpu']} segments decoded by the CPU"
        return Result(PASSED, f"{r['fps']:,.0f} frames/s, median {r['latency_ms']:.1f} ms, ready in {r['start_s']:.2f} s, "
                              f"{r['cores_busy']:.1f} cores busy{fallback}")
    return run


def tiles(codec, copies):
    """Tiles beside as many pictures through the network alone."""
    def run(check):
        video, frames = check.video(codec, copies)
        alone = bench(check, "network", *yolov3(check), "--batch", "32", "--passes", "9")["median_ms"]
        r = bench(check, "run", *yolov3(check), "--batch", "32", "--tiles", "3x2", video, "--warmup", "1", "--passes", "3")
        if r["frames"] != frames:
            raise Failure(f"{r['frames']} frames instead of {frames}")
        return Result(PASSED, f"{r['fps']:,.0f} frames/s, {r['pictures_per_s']:,.0f} tiles/s = "
                              f"{r['pictures_per_s'] * alone / 32e3:.2f} of the network's rate")
    return run


def timed_run(check, model, confidence, video, frames, gpus, *output):
    """(seconds of the whole command, its report)"""
    records, report = f"{check.work}/records.jsonl", f"{check.work}/report.json"
    outcome = check.must([check.archive.program("yolo-run"), *model, "--confidence", confidence, "--quiet", "--device", "cuda",
                          "--report-json", report, *(output or ("--jsonl", records)), video], gpus)
    if not output:
        with open(records, "rb") as f:
            lines = sum(1 for _ in f)
        if lines != frames:
            raise Failure(f"{lines} records of {frames} frames")
    return outcome.seconds, load(report)


def wall_clock(copies_by_name, turns):
    """yolo-run from its start to its end, on 1, 2, 4, … GPUs."""
    def run(check):
        cases, text = [], []
        for name, copies in copies_by_name.items():
            video, frames = check.video("h264", copies)
            for gpus in check.machine.counts():
                times = [timed_run(check, yolov3(check), CONFIDENCE, video, frames, gpus)[0] for _ in range(turns)]
                median = statistics.median(times)
                cases.append({"name": f"{name}, {frames} frames, {gpus} GPUs", "median_ms": median * 1e3,
                              "min_ms": min(times) * 1e3, "max_ms": max(times) * 1e3})
                text.append(f"{frames:,} frames on {gpus}: {median:.2f} s")
        save(check.path(".json"), {"bench": "wall clock", "cases": cases})
        return Result(PASSED, "; ".join(text))
    return run


def small_network(codec, copies):
    def run(check):
        video, frames = check.video(codec, copies)
        model = ["--model", f"{check.root}/{MODEL}"]
        timed_run(check, model, CONFIDENCE_DEMO, *check.video(codec, 1), 1)  # measures kernels, where none are remembered
        rates = [timed_run(check, model, CONFIDENCE_DEMO, video, frames, 1)[1]["frames_per_second"] for _ in range(3)]
        save(check.path(".json"), {"bench": f"demo model, {codec}", "fps": statistics.median(rates), "fps_of_each": rates})
        return Result(PASSED, f"{statistics.median(rates):,.0f} frames/s, {frames:,} frames")
    return run


def analysis(codec, copies):
    """What tracks, zones and CSV cost beside JSON Lines alone, in turns, with some twenty boxes a frame."""
    def run(check):
        video, frames = check.video(codec, copies)
        zones, model = f"{check.work}/zones.json", ["--model", f"{check.root}/{MODEL}"]
        with open(zones, "w", encoding="utf-8") as f:
            json.dump({"unit": "share", "zones": [{"name": "left", "points": [[0, 0], [.5, 0], [.5, 1], [0, 1]]}],
                       "lines": [{"name": "middle", "points": [[0, .5], [1, .5]]}]}, f)
        confidence, *nms = MANY_BOXES
        records, more = [*nms, "--jsonl", f"{check.work}/records.jsonl"], []
        for name in ("csv", "zone-counts", "zone-visits", "zone-totals"):
            more += [f"--{name}", f"{check.work}/{name}"]
        rates = {"JSON Lines": [], "with all of it": []}
        for _ in range(3):
            for name, output in zip(rates, (records, records + ["--track", "--zones", zones] + more)):
                rates[name].append(timed_run(check, model, confidence, video, frames, 1, *output)[1]["frames_per_second"])
        ratio = statistics.median(b / a for a, b in zip(*rates.values()))
        return Result(PASSED, "frames/s: " + ", ".join(f"{name} {statistics.median(r):,.0f}" for name, r in rates.items())
                      + f"; {ratio:.3f} of it")
    return run


def mp4(check):
    video, frames = check.video("h264", 5)
    path = f"{check.work}/out.mp4"
    seconds, report = timed_run(check, yolov3(check), CONFIDENCE, video, frames, 1, "--video", path)
    return Result(PASSED, f"{report['frames_per_second']:,.0f} frames/s, {frames:,} frames in {seconds:.1f} s")


def start(check):
    text = []
    for gpus in {1, len(check.machine.gpus)}:
        r = bench(check, "load", *yolov3(check), "--passes", "3", gpus=gpus)
        text.append(f"{gpus} GPUs: read {r['parse']['median_ms'] / 1e3:.2f} s, ready {r['ready']['median_ms'] / 1e3:.2f} s, "
                    f"first boxes {r['first']['median_ms']:.0f} ms")
    return Result(PASSED, "; ".join(text))


def preprocess(check):
    r = bench(check, "preprocess", *yolov3(check))
    by_name = {c["name"]: c["us_per_picture"] for c in r["cases"]}
    return Result(PASSED, "µs a picture: " + ", ".join(f"{n} {us:.2f}" for n, us in by_name.items()))


def jpeg(check):
    r = bench(check, "jpeg", "--warmup", "1", "--passes", "3")
    if r["on_cpu"]:
        raise Skip(r["why_cpu"])
    return Result(PASSED, f"{r['threads']} threads, frames/s: " + ", ".join(
        f"{c['name']} {c['fps']:,.0f}" for c in r["cases"]))


def postprocess(check):
    r = bench(check, "postprocess", *yolov3(check))
    both = [c for c in r["cases"] if c["name"].startswith("both")]
    return Result(PASSED, "µs: " + ", ".join(f"{c['name'][len('both '):]} {c['median_us']:.0f}" for c in both))


def conv(check):
    r = bench(check, "conv", "--cfg", check.cfg(), "--batch", "32", "--passes", "5")
    wrong = [f"{row['row']} for {c['problem']}" for c in r["convolutions"] for row in c["rows"]
             if not (row["error"] is not None and row["error"] <= 1)]
    s = r["sums"]
    text = f"ours {s['ours_us']:,.0f} µs, fastest of all {s['fastest_us']:,.0f}"
    if s["layers_of_libraries"]:
        text += f"; where a library has a row: library/ours {s['library_us'] / s['ours_where_both_us']:.2f}"
    return Result(FAILED, f"wrong: {', '.join(wrong)}; {text}") if wrong else Result(PASSED, text)


def plan(check):
    out = check.path(".json")
    check.must([check.archive.program("yolo-inspect"), check.cfg(), "--plan", "--batch", "32", "--json", "--device", "cuda"],
               1, out)
    r = load(out)
    return Result(PASSED, f"{r['taken_bytes'] / 1e6:,.0f} MB of the GPU taken, {r['predicted_bytes'] / 1e6:,.0f} predicted; "
                          f"network {r['network_us'] / 1e3:.3f} ms")


def torch(check):
    env = check.archive.environment(check.machine.env_of(1))
    _, why = ask_python("import torch; assert torch.cuda.is_available(), 'it sees no GPU'", env)
    if why:
        raise Skip(f"no PyTorch that can be used: {why}")
    out = check.path(".txt")
    check.must([python(), f"{check.root}/bench/compare_torch.py", check.archive.program("convoy-bench"), check.cfg(),
                "--batches", "32,1", "--turns", "3", "--", "--device", "cuda"], 1, out)
    with open(out, encoding="utf-8") as f:
        return Result(PASSED, "; ".join(line.split(", ", 1)[1].strip() for line in f if "ratio" in line))


def scaling(copies, turns):
    def run(check):
        video, _ = check.video("h264", copies)
        gpus = check.machine.counts()
        out = check.path(".txt")
        check.must([python(), f"{check.root}/bench/scaling.py", check.archive.bin, check.cfg(), check.weights(), video, "--gpus",
                    ",".join(map(str, gpus)), "--turns", str(turns), "--modes", "network,run,jsonl", "--confidence",
                    CONFIDENCE, "--json", check.path(".json")], out=out)
        results = load(check.path(".json"))["results"]
        text = []
        for mode, runs in results.items():
            ratio = statistics.median(b["fps"] / a["fps"] for a, b in zip(runs["1"], runs[str(gpus[-1])]))
            text.append(f"{mode} {ratio:.2f}×")
        return Result(PASSED, f"{gpus[-1]} GPUs to one: {', '.join(text)}; records are the same")
    return run


def accuracy(check):
    """AP of the demo model in fp16 and fp32: rounding may move it by little."""
    pictures = f"{check.root}/pictures"
    if not os.path.isdir(pictures):
        raise Skip("no pictures: unpack the archive of `make gpu-check PICTURES=DIR` beside this one")
    found = [f for f in sorted(os.listdir(pictures)) if f.endswith(".json")]
    data, ap = f"{pictures}/{found[0]}" if found else pictures, []
    for precision in ("fp16", "fp32"):
        out = check.path(f"-{precision}.json")
        check.must([check.archive.program("yolo-eval"), f"{check.root}/{MODEL}", "--data", data, "--precision", precision,
                    "--no-autotune", "--quiet", "--device", "cuda", "--json", out], 1)
        ap.append(100 * load(out)["AP"])
    text = f"AP {ap[0]:.3f} in fp16, {ap[1]:.3f} in fp32"
    return Result(PASSED if abs(ap[0] - ap[1]) <= AP_BOUND else FAILED, text)


def soak(seconds):
    def run(check):
        if not seconds:
            raise Skip("asked for none")
        clip = "convoy/models/pedestrians.mp4"
        r = bench(check, "soak", "--model", f"{check.root}/{MODEL}", f"{check.root}/{clip}",
                  "--streams", "4", "--seconds", str(seconds), gpus=len(check.machine.gpus))
        ends = {int(frames): count for frames, count in (r["ends"] or {}).items()}
        samples = r["samples"]
        if sum(ends.values()) <= r["streams"]:
            raise Skip(f"no input was whole within {seconds} s")
        whole = max(ends, key=ends.get, default=0)
        lost = sum(count for frames, count in ends.items() if frames != whole)
        if whole != check.manifest["frames"][clip] or lost > r["streams"]:
            raise Failure(f"inputs by their number of frames: {ends}; {r['streams']} of them were stopped")
        host, device = ([s[key] / 1e6 for s in samples[len(samples) // 2:]] for key in ("host_bytes", "device_bytes"))
        return Result(PASSED, f"{ends[whole]} whole inputs of {whole} frames in {r['seconds']:.0f} s, none lost one; in the "
                              f"second half host {min(host):.0f}–{max(host):.0f} MB, GPU {min(device):.0f}–{max(device):.0f} MB")
    return run


def weights(check):
    path = check.weights()
    return Result(PASSED, f"yolo-make-weights: {os.path.getsize(path) / 1e6:.0f} MB of random weights for yolov3")


def steps(check):
    """In the order of what matters; (name, title, what, seconds that each program may take, in --quick, least GPUs)."""
    quick = check.options.quick
    short, middle, long = (5, 20, 50) if quick else (5, 100, 100)
    compared = True
    rows = [
        ("weights", "random weights of yolov3", weights, 120, True, 1, False),
        ("decode-h264", "decoding alone, H.264", decode("h264", middle), 120, True, 1, compared),
        ("first-start", "first start: kernels are measured", first_start, 400, True, 1, False),
        ("network-32", "network alone, batch 32", network(32), 400, True, 1, compared),
        ("network-1", "network alone, batch 1", network(1), 200, True, 1, compared),
        ("run-h264", "decoding and network, H.264", run_video("h264", middle), 120, True, 1, compared),
        ("wall-clock", "the whole command", wall_clock({"short": short, "long": long}, 1 if quick else 3), 120, True, 1,
         compared),
        ("scaling", "1 to all GPUs", scaling(middle * 2, 1 if quick else 2), 400, True, 2, False),
        ("preprocess", "1080p pictures to the network's input", preprocess, 60, True, 1, compared),
        ("jpeg", "nvJPEG alone, 1080p", jpeg, 120, True, 1, compared),
        ("postprocess", "raw heads to boxes", postprocess, 60, True, 1, compared),
        ("accuracy", "AP in fp16 and fp32", accuracy, 200, True, 1, False),
        ("decode-hevc", "decoding alone, HEVC", decode("hevc", middle), 120, True, 1, compared),
        ("run-hevc", "decoding and network, HEVC", run_video("hevc", middle), 120, False, 1, compared),
        ("tiles", "frames in 3x2 tiles, H.264", tiles("h264", 5 if quick else 15), 200, False, 1, False),
        ("analysis", "tracks, zones and CSV beside JSON Lines", analysis("h264", middle), 200, False, 1, False),
        ("small-h264", "demo model to JSON Lines, H.264", small_network("h264", middle), 200, False, 1, compared),
        ("small-hevc", "demo model to JSON Lines, HEVC", small_network("hevc", middle), 120, False, 1, compared),
        ("start", "start-up", start, 120, False, 1, compared),
        ("plan", "kernels and memory of yolov3", plan, 200, False, 1, False),
        ("network-32-own", "network alone, our kernels", network(32, "--no-libraries"), 300, False, 1, compared),
        ("soak", "a video in a loop", soak(check.options.soak), check.options.soak + 60, False, 1, False),
        ("mp4", "yolo-run to MP4", mp4, 120, False, 1, False),
        ("conv", "every convolution", conv, 300, False, 1, compared),
        ("torch", "network beside PyTorch", torch, 400, False, 1, False),
    ]
    return [Step(name, title, run, timeout, in_quick, gpus, is_compared)
            for name, title, run, timeout, in_quick, gpus, is_compared in rows]
