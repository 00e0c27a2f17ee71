#!/bin/bash
# SPDX-License-Identifier: MIT
# Installs the build into an empty folder and builds and runs docs/examples/embed against nothing but that, warnings in
# the installed headers included. Both programs must find in the shipped clip as many boxes as `make demo` wrote down,
# and the library must print nothing.
set -euo pipefail
cd "$(dirname "$0")/.."
prefix=$(mktemp -d)
trap 'rm -rf "$prefix"' EXIT

make install PREFIX="$prefix/installed"
cmake -S docs/examples/embed -B "$prefix/build" -DCMAKE_BUILD_TYPE=Release -DCMAKE_PREFIX_PATH="$prefix/installed" \
    -DCMAKE_CXX_FLAGS='-Wall -Wextra -Werror' -DCMAKE_NO_SYSTEM_FROM_IMPORTED=ON
cmake --build "$prefix/build"

model=$prefix/installed/share/convoy/models/yolov3-quarter
wanted="whole video: $(wc -l <runs/demo/pedestrians.jsonl) frames, $(grep -o '"class_id"' runs/demo/pedestrians.jsonl | wc -l) boxes"
for program in embed embed-run; do
    "$prefix/build/$program" "$model.cfg" "$model.weights" models/pedestrians.mp4 2>&1 >"$prefix/said" | tee "$prefix/errors"
    cat "$prefix/said"
    [ ! -s "$prefix/errors" ] || { echo "embed: $program's standard error is not empty"; exit 1; }
    found=$(tail -n 1 "$prefix/said")
    [ "$found" = "$wanted" ] || { echo "embed: $program says '$found', and make demo found '$wanted'"; exit 1; }
done
(cd "$prefix" && "$prefix/installed/bin/yolo-run" --version)
