#!/bin/bash
# SPDX-License-Identifier: MIT
# Installs the build into an empty folder and builds and runs docs/examples/embed against nothing but that.
# It must find in the shipped clip as many boxes as `make demo` wrote down.
set -euo pipefail
cd "$(dirname "$0")/.."
prefix=$(mktemp -d)
trap 'rm -rf "$prefix"' EXIT

make install PREFIX="$prefix/installed"
cmake -S docs/examples/embed -B "$prefix/build" -DCMAKE_BUILD_TYPE=Release -DCMAKE_PREFIX_PATH="$prefix/installed"
cmake --build "$prefix/build"

model=$prefix/installed/share/convoy/models/yolov3-quarter
"$prefix/build/embed" "$model.cfg" "$model.weights" models/pedestrians.mp4 | tee "$prefix/said"
found=$(tail -n 1 "$prefix/said")
wanted="whole video: $(wc -l <runs/demo/pedestrians.jsonl) frames, $(grep -o '"class_id"' runs/demo/pedestrians.jsonl | wc -l) boxes"
[ "$found" = "$wanted" ] || { echo "embed: it says '$found', and make demo found '$wanted'"; exit 1; }
(cd "$prefix" && "$prefix/installed/bin/yolo-run" --version)
