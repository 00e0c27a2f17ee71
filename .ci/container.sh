#!/bin/bash
# SPDX-License-Identifier: MIT
# The Containerfile by buildah: container.sh [ROOT]. The base image is a fresh root of this Debian, or a copy of ROOT, a
# folder that debootstrap has filled, since images need a registry and roots only a mirror. In the finished container
# yolo-run must find what it finds in the clip. BACKEND=gpu builds the CUDA backend. CCACHE=DIR: objects come from that
# compiler cache. Takes as long as a build and some 6 GB in TMPDIR for a while: to be run by hand, as root.
set -euo pipefail
cd "$(dirname "$0")/.."
command -v buildah >/dev/null || { echo "skipped: container: needs buildah"; exit 0; }
work=$(mktemp -d)
export BUILDAH_ISOLATION=chroot
images() { buildah --root "$work/images" --runroot "$work/run" "$@"; }
finish() {
    images umount --all >/dev/null 2>&1 || true
    umount "$work/images/overlay" 2>/dev/null || true
    rm -rf "$work"
}
trap finish EXIT
step() {
    local start=$SECONDS
    "$@" >"$work/log" 2>&1 </dev/null || { tail -n 50 "$work/log"; echo "container: FAILED: $*"; exit 1; }
    echo "container: $((SECONDS - start)) s  $*"
}

. /etc/os-release
root=${1:-$work/root}
[ $# = 1 ] || step debootstrap --variant=minbase "$VERSION_CODENAME" "$root"
container=$(images from scratch)
cp -a "$root/." "$(images mount "$container")"
volumes=()
if [ -n "${CCACHE:-}" ]; then
    volumes=(--volume "$CCACHE:/root/.cache/ccache")
    step images run "$container" -- sh -c 'apt-get update && apt-get install -y --no-install-recommends ccache'
    images config --env CCACHE_BASEDIR=/src --env CCACHE_NOHASHDIR=1 --env CCACHE_SLOPPINESS=pch_defines,time_macros "$container"
fi
step images commit --rm "$container" localhost/base
step images bud --pull=false "${volumes[@]}" --build-arg BASE=localhost/base --build-arg BACKEND="${BACKEND:-cpu}" -t localhost/convoy .

container=$(images from --pull=false localhost/convoy)
step images copy "$container" models/pedestrians.mp4 /data/
step images run "$container" -- yolo-run pedestrians.mp4 --frames 20 --jsonl boxes.jsonl
boxes=$(images mount "$container")/data/boxes.jsonl
[ "$(wc -l <"$boxes")" = 20 ] && grep -q '"class_id"' "$boxes" || { echo "container: yolo-run did not find 20 frames' boxes"; exit 1; }
echo "container: $(images images --format '{{.Size}}' localhost/convoy), 20 frames"
