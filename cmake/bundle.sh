#!/bin/bash
# SPDX-License-Identifier: MIT
# Packs the installed programs, every shared library that they need and the demo model into a tar.gz that runs from
# wherever it is unpacked: bundle.sh BUILD OUTPUT.tar.gz. What is left out: pack.sh.
set -euo pipefail
. "$(dirname "$0")/pack.sh"
build=${1:?usage: bundle.sh BUILD OUTPUT.tar.gz}
output=$(realpath -m "${2:?usage: bundle.sh BUILD OUTPUT.tar.gz}")
name=$(basename "$output" .tar.gz)
stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT

pack_programs "$build" "$stage/$name"
pack_libraries "$stage/$name"
avformat=$(basename "$stage/$name/lib"/libavformat.so.*)
cat >"$stage/$name/README" <<EOF
Convoy, to be run from this folder:  bin/yolo-run VIDEO
Needs Linux on x86-64 with $glibc or later. With an NVIDIA driver it runs on all GPUs, with cuDNN 9 and cuBLASLt
from the library path beside its own kernels, and NCCL where it is asked for; without one on the CPU. A camera needs
the machine's own ${avformat/format/device}. Convoy is under the MIT licence; FFmpeg, as Debian builds it, is under the
GPL. The licences of all libraries in lib/ are in share/doc/licences/, and share/doc/convoy.spdx.json (SPDX) lists every
file with its checksum and the package it comes from.
EOF
mkdir -p "$(dirname "$output")"
version=$("$stage/$name/bin/yolo-run" --version | grep -oE '[0-9]+\.[0-9]+\.[0-9]+' | head -n 1)
python3 -B "$(dirname "$0")/sbom.py" "$stage/$name" convoy "$version" <<<"$origins" >"$stage/sbom"
cp "$stage/sbom" "$stage/$name/share/doc/convoy.spdx.json"
tar -C "$stage" --sort=name --owner=0 --group=0 --numeric-owner -czf "$output" "$name"
mv "$stage/sbom" "${output%.tar.gz}.spdx.json"
echo "bundle: $output, $(du -h "$output" | cut -f1), $(ls "$stage/$name/lib" | wc -l) libraries, needs $glibc"
