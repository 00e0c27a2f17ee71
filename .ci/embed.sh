#!/bin/bash
# SPDX-License-Identifier: MIT
# Installs the build into an empty folder and builds and runs docs/examples/embed against nothing but that, warnings in
# the installed headers included. The programs must find in the shipped clip as many boxes as `make demo` wrote down,
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
mkdir "$prefix/storyboard"
for program in embed embed-run embed-storyboard; do
    more=()
    [ "$program" = embed-storyboard ] && more=("$prefix/storyboard")
    "$prefix/build/$program" "$model.cfg" "$model.weights" models/pedestrians.mp4 "${more[@]}" 2>&1 >"$prefix/said" | tee "$prefix/errors"
    cat "$prefix/said"
    [ ! -s "$prefix/errors" ] || { echo "embed: $program's standard error is not empty"; exit 1; }
    found=$(tail -n 1 "$prefix/said")
    [ "$found" = "$wanted" ] || { echo "embed: $program says '$found', and make demo found '$wanted'"; exit 1; }
done
[ -s "$prefix/storyboard/000.jpg" ] || { echo "embed: the storyboard has no picture"; exit 1; }
# What comes too fast is dropped, so only the number of cameras is known.
"$prefix/build/embed-live" "$model.cfg" "$model.weights" models/pedestrians.mp4 models/pedestrians.mp4 | tee "$prefix/said"
[ "$(grep -cE '^camera [01]: [1-9][0-9]* frames, [1-9][0-9]* boxes$' "$prefix/said")" = 2 ] ||
    { echo "embed: embed-live did not see two cameras"; exit 1; }
# Whoever forgets the component is told.
mkdir "$prefix/plain"
printf 'cmake_minimum_required(VERSION 3.25)\nproject(plain CXX)\nfind_package(convoy REQUIRED)\n' >"$prefix/plain/CMakeLists.txt"
cmake -S "$prefix/plain" -B "$prefix/plain/build" -DCMAKE_PREFIX_PATH="$prefix/installed" >"$prefix/said"
grep -qF 'ask for COMPONENTS media' "$prefix/said" ||
    { echo "embed: find_package does not say how to get convoy::media"; exit 1; }
(cd "$prefix" && "$prefix/installed/bin/yolo-run" --version)
