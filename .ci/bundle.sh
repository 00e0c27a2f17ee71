#!/bin/bash
# SPDX-License-Identifier: MIT
# Unpacks the bundle into an empty folder and runs it on the shipped clip. All that it loads must come from there, but
# for the C library, the GPU's driver with its decoder, and NVIDIA's libraries where the machine has them; and it must
# find as many boxes as `make demo` wrote down.
set -euo pipefail
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

make bundle
tar -C "$work" -xzf build/convoy-*.tar.gz
env -i LD_DEBUG=files LD_DEBUG_OUTPUT="$work/loaded" "$work"/*/bin/yolo-run models/pedestrians.mp4 --jsonl "$work/boxes.jsonl"
own='ld-linux-x86-64|lib(c|m|dl|rt|pthread|resolv|util|cuda|nvcuvid|nvidia-[a-z0-9-]*|cudnn[a-z0-9_]*|cublas(Lt)?|nvrtc[a-z-]*|nccl)'
foreign=$(cat "$work"/loaded.* | awk '/calling init/ { print $NF }' | sort -u | grep -vE "^$work/|/($own)\.so" || true)
[ -z "$foreign" ] || { printf 'bundle: this came from outside it:\n%s\n' "$foreign"; exit 1; }
boxes() { grep -o '"class_id"' "$1" | wc -l; }
[ "$(boxes "$work/boxes.jsonl")" = "$(boxes runs/demo/pedestrians.jsonl)" ] || { echo "bundle: it finds other boxes than make demo"; exit 1; }
python3 -B .ci/sbom_check.py "$work"/convoy-*/ build/convoy-*.spdx.json
