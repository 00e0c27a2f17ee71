#!/bin/bash
# SPDX-License-Identifier: MIT
# Packs the archive for a machine with a GPU and runs it as on one without: every program starts, every GPU test counts as
# skipped, and that is a failure only where a GPU is required.
set -euo pipefail
cd "$(dirname "$0")/.."
if ! grep -q '^CONVOY_CUDA_ARCHITECTURES' build/CMakeCache.txt; then
    echo "gpu-check: skipped, there is no CUDA backend"
    exit 0
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# For all GPUs and with the system's libav it is larger than what is carried to a machine.
make gpu-check ARCHIVE="$work/archive.tar.gz" LIMIT_MB=400
tar -C "$work" -xzf "$work/archive.tar.gz"
check() { env -i PATH="$PATH" CUDA_VISIBLE_DEVICES= "$work"/convoy-gpu-check/gpu-check --out "$work/results" "$@"; }
for program in "$work"/convoy-gpu-check/bin/*; do
    env -i "$program" --help >/dev/null 2>&1 || env -i "$program" -version >/dev/null || { echo "gpu-check: $program does not start"; exit 1; }
done
check
[ "$(grep -c 'skipped: needs [12] GPU' "$work/results/table.txt")" -ge 5 ] || { echo "gpu-check: GPU tests are not skipped"; exit 1; }
! check --only machine --require-gpu >/dev/null || { echo "gpu-check: a GPU that is required is not missed"; exit 1; }
