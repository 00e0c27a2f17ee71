#!/bin/bash
# SPDX-License-Identifier: MIT
# The Debian packages in an empty root: packages.sh [ROOT]. Installs those of build/ (make packages) with what they depend
# on and nothing else into a fresh root of this Debian, runs yolo-run there, and builds and runs a program of C and one of
# C++ against libconvoy-dev. Takes minutes and a network: to be run by hand, as root. With ROOT, a folder that debootstrap
# has filled, its copy is used. Prints how long each step took.
set -euo pipefail
cd "$(dirname "$0")/.."
root=$(mktemp -d)
trap 'umount "$root/proc" 2>/dev/null || true; rm -rf "$root" "$root.log"' EXIT
step() {
    local start=$SECONDS
    "$@" >"$root.log" 2>&1 </dev/null || { cat "$root.log"; echo "packages: FAILED: $*"; exit 1; }
    echo "packages: $((SECONDS - start)) s  $*"
}
inside() { chroot "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root DEBIAN_FRONTEND=noninteractive "$@"; }

ls build/libconvoy-dev_*.deb >/dev/null || { echo "packages: 'make packages' has not been run"; exit 1; }
folder=./usr/lib/$(dpkg-architecture -qDEB_HOST_MULTIARCH)/
for package in build/*.deb; do
    stray=$(dpkg-deb --fsys-tarfile "$package" | tar -t | grep '^\./usr/lib/.*[^/]$' | grep -v "^$folder" || true)
    [ -z "$stray" ] || { printf 'packages: these lie outside of %s:\n%s\n' "$folder" "$stray"; exit 1; }
done
contact=$(sed -n 's/^CONVOY_PACKAGE_CONTACT:STRING=//p' build/CMakeCache.txt)
[ "$(dpkg-deb -f build/libconvoy-dev_*.deb Maintainer)" = "$contact" ] || { echo "packages: they are not in the name of $contact"; exit 1; }
. /etc/os-release
if [ $# = 1 ]; then
    step cp -a "$1/." "$root"
else
    step debootstrap --variant=minbase "$VERSION_CODENAME" "$root"
fi
cp -L /etc/resolv.conf "$root/etc/" 2>/dev/null || true
[ ! -f /etc/apt/apt.conf ] || cp /etc/apt/apt.conf "$root/etc/apt/"
mount -t proc proc "$root/proc" 2>/dev/null || true
mkdir -p "$root/opt/debs" "$root/opt/examples"
cp build/*.deb "$root/opt/debs/"
cp -r docs/examples/. "$root/opt/examples"
cp models/pedestrians.mp4 "$root/opt/"
step inside apt-get update

step inside sh -c 'apt-get install -y --no-install-recommends /opt/debs/libconvoy[0-9]*.deb /opt/debs/convoy-tools_*.deb'
step inside yolo-run /opt/pedestrians.mp4 --frames 20 --jsonl /opt/boxes.jsonl
[ "$(wc -l <"$root/opt/boxes.jsonl")" = 20 ] || { echo "packages: yolo-run did not write 20 frames"; exit 1; }
[ -z "$(inside ldd /usr/bin/yolo-run | grep 'not found')" ]

model=/usr/share/convoy/models/yolov3-quarter
step inside sh -c 'apt-get install -y --no-install-recommends gcc libc6-dev pkg-config /opt/debs/libconvoy-dev_*.deb'
step inside sh -c 'cd /opt && cc -std=c11 examples/c/run.c $(pkg-config --cflags --libs convoy-c) -o c-run'
step inside /opt/c-run $model.cfg $model.weights /opt/pedestrians.mp4
step inside apt-get install -y --no-install-recommends g++ cmake make
step inside sh -c 'cmake -S /opt/examples/embed -B /opt/build && cmake --build /opt/build --target embed'
step inside /opt/build/embed $model.cfg $model.weights /opt/pedestrians.mp4
tail -n 1 "$root.log"
