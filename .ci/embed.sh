#!/bin/bash
# SPDX-License-Identifier: MIT
# Installs the build into an empty folder and builds and runs docs/examples/embed and docs/examples/c against nothing but
# that: by CMake with the shared and the static libraries, by pkg-config alone, warnings in the installed headers
# included. The programs must find in the shipped clip as many boxes as `make demo` wrote down, but for a few where they
# read RGB and rounding moves a box over the threshold, and the library must print nothing.
set -euo pipefail
cd "$(dirname "$0")/.."
prefix=$(mktemp -d)
trap 'rm -rf "$prefix"' EXIT
fail() { echo "embed: $1"; exit 1; }

make install PREFIX="$prefix/installed"
flags=(-DCMAKE_BUILD_TYPE=Release -DCMAKE_PREFIX_PATH="$prefix/installed" -DCMAKE_NO_SYSTEM_FROM_IMPORTED=ON)
strict='-Wall -Wextra -Werror'
cmake -S docs/examples/embed -B "$prefix/build" "${flags[@]}" -DCMAKE_CXX_FLAGS="$strict"
cmake --build "$prefix/build" --parallel "$(cmake/jobs.sh)"
cmake -S docs/examples/embed -B "$prefix/static" "${flags[@]}" -DCMAKE_CXX_FLAGS="$strict" -DSTATIC=ON
cmake --build "$prefix/static" --target embed
cmake -S docs/examples/c -B "$prefix/c" "${flags[@]}" -DCMAKE_C_FLAGS="$strict -pedantic"
cmake --build "$prefix/c"

model=$prefix/installed/share/convoy/models/yolov3-quarter
frames=$(wc -l <runs/demo/pedestrians.jsonl)
boxes=$(grep -o '"class_id"' runs/demo/pedestrians.jsonl | wc -l)
wanted="whole video: $frames frames, $boxes boxes"
mkdir "$prefix/storyboard"
# says LINE PROGRAM ARGUMENT...: its last line is LINE, and it has nothing to complain of.
says() {
    local line=$1
    shift
    "$@" 2>&1 >"$prefix/said" | tee "$prefix/errors"
    tail -n 3 "$prefix/said"
    [ ! -s "$prefix/errors" ] || fail "$1's standard error is not empty"
    [[ "$(tail -n 1 "$prefix/said")" == $line ]] || fail "$1 does not say '$line'"
}
# finds PROGRAM ARGUMENT...: all frames of the clip, and its boxes but for a few.
finds() {
    local few=5
    says "whole video: $frames frames, [1-9]* boxes" "$@"
    local found
    found=$(tail -n 1 "$prefix/said" | grep -oE '[0-9]+ boxes$' | cut -d ' ' -f 1)
    ((found >= boxes - few && found <= boxes + few)) || fail "$1 finds $found boxes, where make demo found $boxes"
}
finds "$prefix/build/embed" "$model.cfg" "$model.weights" models/pedestrians.mp4
finds "$prefix/build/embed-run" "$model.cfg" "$model.weights" models/pedestrians.mp4
says "$wanted" "$prefix/build/embed-storyboard" "$model.cfg" "$model.weights" models/pedestrians.mp4 "$prefix/storyboard"
says "$wanted" "$prefix/c/c-run" "$model.cfg" "$model.weights" models/pedestrians.mp4
[ -s "$prefix/storyboard/000.jpg" ] || fail "the storyboard has no picture"
says 'one picture: [1-9]* boxes' "$prefix/build/embed-picture" "$model.cfg" "$model.weights" "$prefix/storyboard/000.jpg" "$prefix/drawn.png"
[ -s "$prefix/drawn.png" ] || fail "embed-picture has drawn nothing"
says '* at *' "$prefix/c/c-picture" "$model.cfg" "$model.weights" "$prefix/storyboard/000.jpg" confidence=.2
# Two cameras of three frames of noise each.
head -c $((3 * 320 * 240 * 3)) /dev/urandom >"$prefix/raw"
says 'camera 1: 3 frames, *' "$prefix/c/c-live" "$model.cfg" "$model.weights" 320 240 "$prefix/raw" "$prefix/raw"
# What comes too fast is dropped, so only the number of cameras is known.
"$prefix/build/embed-live" "$model.cfg" "$model.weights" models/pedestrians.mp4 models/pedestrians.mp4 | tee "$prefix/said"
[ "$(grep -cE '^camera [01]: [1-9][0-9]* frames, [1-9][0-9]* boxes$' "$prefix/said")" = 2 ] || fail "embed-live did not see two cameras"
# Frames in a GPU's memory: built where there is CUDA, run where there is a GPU.
if [ -x "$prefix/build/embed-gpu" ] && command -v nvidia-smi >/dev/null; then
    says '*frames in device memory*' "$prefix/build/embed-gpu" "$model.cfg" "$model.weights" "$prefix/storyboard/000.jpg"
fi

# By pkg-config alone; and one picture is a video of one frame.
export PKG_CONFIG_PATH=$(dirname "$(find "$prefix/installed" -name convoy.pc)")
libdir=$(pkg-config --variable=libdir convoy)
c++ -std=c++20 -o "$prefix/embed" docs/examples/embed/main.cpp $(pkg-config --cflags --libs convoy-media)
LD_LIBRARY_PATH=$libdir "$prefix/embed" "$model.cfg" "$model.weights" "$prefix/storyboard/000.jpg" >/dev/null
cc -std=c11 -o "$prefix/c-picture" docs/examples/c/picture.c $(pkg-config --cflags --libs convoy-c)
LD_LIBRARY_PATH=$libdir "$prefix/c-picture" "$model.cfg" "$model.weights" "$prefix/storyboard/000.jpg" >/dev/null
"$prefix/static/embed" "$model.cfg" "$model.weights" "$prefix/storyboard/000.jpg" >/dev/null
readelf -d "$prefix/build/embed" | grep -q 'libconvoy\.so\.[0-9]' || fail "embed is not linked to the shared library"
readelf -d "$prefix/static/embed" | grep -q 'libconvoy' && fail "the static embed needs a shared library of Convoy"
# Whoever forgets the component is told.
mkdir "$prefix/plain"
printf 'cmake_minimum_required(VERSION 3.25)\nproject(plain CXX)\nfind_package(convoy REQUIRED)\n' >"$prefix/plain/CMakeLists.txt"
cmake -S "$prefix/plain" -B "$prefix/plain/build" -DCMAKE_PREFIX_PATH="$prefix/installed" >"$prefix/said"
grep -qF 'ask for COMPONENTS media' "$prefix/said" || fail "find_package does not say how to get convoy::media"
sed -i 's/REQUIRED/REQUIRED COMPONENTS madia/' "$prefix/plain/CMakeLists.txt"
! cmake -S "$prefix/plain" -B "$prefix/plain/build" >/dev/null 2>"$prefix/said" || fail "find_package finds a component that is none"
grep -qF "no component 'madia'" "$prefix/said" || fail "find_package does not say which component is none"
(cd "$prefix" && "$prefix/installed/bin/yolo-run" --version)
