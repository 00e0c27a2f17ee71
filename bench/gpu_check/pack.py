# SPDX-License-Identifier: MIT
"""For cmake/gpu_check.sh: what the archive must know of the build, and yolov3's cfg.
usage: pack.py BUILD ARCHIVE-FOLDER OLDEST-GLIBC"""
import json
import os
import re
import shutil
import subprocess
import sys

DEFAULT_TIMEOUT = 300


def said(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def gpu_tests(build):
    """As ctest knows them, by their label."""
    tests = json.loads(said("ctest", "--test-dir", build, "-L", "^gpu$", "--show-only=json-v1"))["tests"]
    out = []
    for test in tests:
        properties = {p["name"]: p["value"] for p in test["properties"]}
        out.append({"name": test["name"], "program": os.path.basename(test["command"][0]), "spec": test["command"][1:],
                    "labels": properties["LABELS"], "timeout": int(properties.get("TIMEOUT", DEFAULT_TIMEOUT))})
    if not out:
        sys.exit(f"gpu-check: {build} has no GPU tests: it was built without CUDA or without tests")
    return out


def cache_of(build):
    with open(f"{build}/CMakeCache.txt", encoding="utf-8") as f:
        return dict(re.findall(r"^([A-Z_]+):[A-Z]+=(.*)$", f.read(), re.MULTILINE))


def yolov3(demo):
    """The demo model is yolov3 with a quarter of every width but the heads'."""
    sections = re.split(r"(?m)^(?=\[)", demo)
    for i, section in enumerate(sections):
        if section.startswith("[convolutional]") and not sections[i + 1].startswith("[yolo]"):
            sections[i] = re.sub(r"(?m)^filters=(\d+)", lambda m: f"filters={4 * int(m[1])}", section)
    return "".join(sections)


def frames_of(video):
    if not os.path.exists(video) or not shutil.which("ffprobe"):
        return 0
    return int(said("ffprobe", "-v", "error", "-count_packets", "-select_streams", "v", "-show_entries",
                    "stream=nb_read_packets", "-of", "csv=p=0", video).strip(","))


def main():
    build, folder, glibc = sys.argv[1:]
    cache = cache_of(build)
    libraries = [name for name, keys in (("cuDNN", ("CONVOY_CUDNN_INCLUDE", "CONVOY_CUDNN_FRONTEND")),
                                         ("cuBLASLt", ("CONVOY_CUBLASLT_INCLUDE",)))
                 if all("NOTFOUND" not in cache.get(key, "NOTFOUND") for key in keys)]
    convoy = f"{said('git', 'describe', '--always', '--dirty')}, built for {cache.get('CONVOY_CUDA_ARCHITECTURES', '')}, " \
             f"with the kernels of {' and '.join(libraries) or 'no library'}"
    with open("models/yolov3-quarter.cfg", encoding="utf-8") as f, \
            open(f"{folder}/inputs/yolov3.cfg", "w", encoding="utf-8") as out:
        out.write(yolov3(f.read()))
    frames = {clip: frames_of(f"{folder}/{clip}")
              for clip in ("inputs/1080p.h264", "inputs/1080p.hevc", "convoy/models/pedestrians.mp4")}
    with open(f"{folder}/manifest.json", "w", encoding="utf-8") as out:
        json.dump({"convoy": convoy, "glibc": glibc, "tests": gpu_tests(build), "frames": frames}, out, indent=1)
    print(f"gpu-check: {convoy}")


main()
