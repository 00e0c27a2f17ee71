#!/bin/sh
# SPDX-License-Identifier: MIT
# Fetches what the CUDA backend is built with and no distribution packages: cuda_wheels.sh headers|toolkit
#   headers: those of cudnn-frontend and nvJPEG, into build/third_party/include
#   toolkit: nvcc and the static runtime, into build/third_party/cuda; enough to compile, for machines without a toolkit
# They come as wheels from PyPI, of which nothing is installed: a wheel is a zip file. Versions and checksums: cuda_wheels.txt.
set -eu
group=${1:?usage: cuda_wheels.sh headers|toolkit}
here=$(cd "$(dirname "$0")" && pwd)
third_party=$here/../build/third_party
case $group in
    headers) part=include target=$third_party/include ;;
    toolkit) part=nvidia/cu13 target=$third_party/cuda ;;
    *) echo "cuda_wheels: no group $group" >&2; exit 2 ;;
esac

wanted=$(awk -v group="$group" '$1 == group { print $2 " --hash=sha256:" $3 }' "$here/cuda_wheels.txt")
[ "$(cat "$target/wheels.txt" 2>/dev/null)" = "$wanted" ] && exit 0

mkdir -p "$third_party"
work=$(mktemp -d "$third_party/wheels.XXXXXX")
trap 'rm -rf "$work"' EXIT
echo "cuda_wheels: fetching $(echo "$wanted" | awk '{ print $1 }' | xargs)"
echo "$wanted" >"$work/wheels.txt"
# The same wheels whatever the Python here: the checksums are theirs.
if ! python3 -m pip --retries 1 --timeout 15 --disable-pip-version-check download --quiet --no-deps --only-binary=:all: \
    --python-version 3.11 --require-hashes --requirement "$work/wheels.txt" --dest "$work"; then
    echo "cuda_wheels: could not fetch them: this takes python3 with pip, and PyPI" >&2
    exit 1
fi
for wheel in "$work"/*.whl; do python3 -m zipfile -e "$wheel" "$work"; done
[ "$group" != headers ] || cp "$work"/nvidia/cu13/include/* "$work/$part/"
if [ "$group" = toolkit ]; then
    # The names under which compiler and CMake look for them.
    ln -s lib "$work/$part/lib64"
    ln -s libcudart.so.13 "$work/$part/lib/libcudart.so"
    chmod +x "$work/$part"/bin/* "$work/$part"/nvvm/bin/*
fi
cp "$work/wheels.txt" "$work/$part/"
rm -rf "$target"
mv "$work/$part" "$target"
