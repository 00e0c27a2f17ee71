#!/bin/bash
# SPDX-License-Identifier: MIT
# Packs the installed programs, every shared library that they need and the demo model into a tar.gz that runs from
# wherever it is unpacked, with no package installed and no root: bundle.sh BUILD OUTPUT.tar.gz
# Left out: the C library, whose version the machine's must reach, what belongs to NVIDIA's driver and toolkit, NCCL, and
# libavdevice, which is opened for cameras alone and would bring eighty libraries along, of desktops and sound servers.
# LD_LIBRARY_PATH decides, as usual, which of several versions of a library is taken.
set -euo pipefail
build=${1:?usage: bundle.sh BUILD OUTPUT.tar.gz}
output=$(realpath -m "${2:?usage: bundle.sh BUILD OUTPUT.tar.gz}")
name=$(basename "$output" .tar.gz)
stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT

cmake --install "$build" --prefix "$stage/$name" --strip >/dev/null
rm -rf "$stage/$name/include" "$stage/$name/lib"/cmake "$stage/$name/lib"/*.a "$stage/$name/lib"/*/cmake
lib=$stage/$name/lib
mkdir -p "$lib"

# The parts of the C library must all be the machine's own, and so must the driver's.
never='/(ld-linux-x86-64|lib(c|m|dl|rt|pthread|resolv|util|cuda|nvcuvid|nvidia-[a-z0-9-]*|cudnn[a-z_]*|cublas(Lt)?|nccl))\.so'
ldd "$stage/$name"/bin/* | awk '$2 == "=>" && $3 == "not" { print "bundle: " $1 " is missing" > "/dev/stderr"; bad = 1 } END { exit bad }'
ldd "$stage/$name"/bin/* | awk -v ours="$stage" '$2 == "=>" && index($3, ours) != 1 { print $3 }' | sort -u | { grep -vE "$never" || true; } |
    tee "$stage/libraries" | while read -r library; do cp -L "$library" "$lib/"; done
strip --strip-unneeded "$lib"/*.so* 2>/dev/null || true

# Debian's record of each library's authors and licence.
if command -v dpkg-query >/dev/null; then
    licences=$stage/$name/share/doc/licences
    mkdir -p "$licences"
    xargs readlink -f <"$stage/libraries" | sed 'p; s,^/usr,,' | { xargs dpkg-query --search 2>/dev/null || true; } |
        sed 's/:.*//' | sort -u |
        while read -r package; do cp -L "/usr/share/doc/$package/copyright" "$licences/$package"; done
fi

# What it needs from the machine, said by the files themselves.
glibc=$(objdump -T "$stage/$name"/bin/* "$lib"/*.so* 2>/dev/null | grep -oE 'GLIBC_2\.[0-9]+' | sort -uV | tail -n 1)
avformat=$(basename "$lib"/libavformat.so.*)
cat >"$stage/$name/README" <<EOF
Convoy, to be run from this folder:  bin/yolo-run VIDEO
Needs Linux on x86-64 with ${glibc/_/ } or later. With an NVIDIA driver it runs on all GPUs, with cuDNN 9 and cuBLASLt
from the library path beside its own kernels, and NCCL where it is asked for; without one on the CPU. A camera needs
the machine's own ${avformat/format/device}. Convoy is under the MIT licence; FFmpeg, as Debian builds it, is under the
GPL. The licences of all libraries in lib/ are in share/doc/licences/.
EOF
mkdir -p "$(dirname "$output")"
tar -C "$stage" --sort=name --owner=0 --group=0 --numeric-owner -czf "$output" "$name"
echo "bundle: $output, $(du -h "$output" | cut -f1), $(ls "$lib" | wc -l) libraries, needs ${glibc/_/ }"
