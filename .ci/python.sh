#!/bin/bash
# SPDX-License-Identifier: MIT
# The Python package as a newcomer gets it: `pip install .` into an empty environment, and its tests against what was
# installed and the programs of build/. Objects come from the compiler cache where there is one.
set -euo pipefail
cd "$(dirname "$0")/.."
skip() { echo "skipped: python: $1"; exit 0; }
cmake/bootstrap.sh build python
environment=$(mktemp -d)
trap 'rm -rf "$environment"' EXIT
python3 -m venv "$environment" || skip "no python3 with venv and ensurepip"
pip() { "$environment/bin/pip" --disable-pip-version-check -q "$@"; }
pip download --no-deps -d "$environment" nanobind || skip "no package registry can be reached"
# Under the same name as in build/, or the cache takes it for another compiler.
export CXX=$(command -v c++)
export CCACHE_BASEDIR=$PWD CCACHE_NOHASHDIR=1 CMAKE_BUILD_PARALLEL_LEVEL=$(cmake/jobs.sh)
# Debian 12's pip, 23.0, knows --config-settings by its long name only, and keeps one of each key.
pip install '.[test]' --config-settings=build-dir=build-python --config-settings=cmake.define.CONVOY_CUDA=OFF \
    --config-settings=cmake.define.CONVOY_WERROR=ON
export CONVOY_SOURCE_DIR=$PWD CONVOY_BIN_DIR=$PWD/build/bin
python/tests/run.sh "$environment/bin/python"
cd "$environment"
bin/yolo-run --quiet "$CONVOY_SOURCE_DIR/models/pedestrians.mp4" --frames 2 --device cpu --jsonl frames.jsonl
bin/python -m convoy --quiet "$CONVOY_SOURCE_DIR/models/pedestrians.mp4" --frames 2 --device cpu --jsonl module.jsonl
bin/yolo-inspect "$CONVOY_SOURCE_DIR/models/yolov3-quarter.cfg" >layers.txt
[ "$(wc -l <frames.jsonl)" = 2 ] && [ "$(wc -l <module.jsonl)" = 2 ] && [ -s layers.txt ]
echo "python: the installed package and its commands work"
