#!/bin/bash
# SPDX-License-Identifier: MIT
# What bundle.sh and gpu_check.sh have in common, to be sourced: programs and their libraries in a folder that runs from
# wherever it is put, on a machine with no package installed and without root.
# Left out: the C library, whose version the machine's must reach, what belongs to NVIDIA's driver and toolkit, NCCL, and
# libavdevice, which is opened for cameras alone and would bring eighty libraries along, of desktops and sound servers.
# LD_LIBRARY_PATH decides, as usual, which of several versions of a library is taken.

# pack_programs BUILD DIR: the installed programs and the demo model, without what is there for building against them.
pack_programs() {
    cmake --install "$1" --prefix "$2" --component tools --strip >/dev/null
    mkdir -p "$2/lib"
}

# pack_libraries DIR: into DIR/lib every shared library that the programs in DIR/bin and DIR/libexec need, into
# DIR/share/doc/licences Debian's record of each one's authors and licence. Sets $glibc to the C library that all of this
# needs of the machine, $origins to a line for each library: where it lies in DIR, a tab, where it comes from.
pack_libraries() {
    local programs=() file libraries library package
    for file in "$1"/bin/* "$1"/libexec/*; do ldd "$file" >/dev/null 2>&1 && programs+=("$file"); done
    # The parts of the C library must all be the machine's own, and so must the driver's.
    local never='/(ld-linux-x86-64|lib(c|m|dl|rt|pthread|resolv|util|cuda|nvcuvid|nvidia-[a-z0-9-]*|cudnn[a-z_]*|cublas(Lt)?|nccl|nvjpeg))\.so'
    ldd "${programs[@]}" | awk -v pack="${0##*/}" '$2 == "=>" && $3 == "not" { print pack ": " $1 " is missing" > "/dev/stderr"; bad = 1 } END { exit bad }'
    libraries=$(ldd "${programs[@]}" | awk -v ours="$1/" '$2 == "=>" && index($3, ours) != 1 { print $3 }' | sort -u | { grep -vE "$never" || true; })
    origins=$(for library in $libraries; do printf 'lib/%s\t%s\n' "${library##*/}" "$(readlink -f "$library")"; done)
    for library in $libraries; do cp -L "$library" "$1/lib/"; done
    strip --strip-unneeded "$1/lib"/*.so* 2>/dev/null || true

    if command -v dpkg-query >/dev/null; then
        local licences=$1/share/doc/licences
        mkdir -p "$licences"
        for package in $(echo "$libraries" | xargs readlink -f | sed 'p; s,^/usr,,' | { xargs dpkg-query --search 2>/dev/null || true; } |
                         sed 's/:.*//' | sort -u); do cp -L "/usr/share/doc/$package/copyright" "$licences/$package"; done
    fi
    # What it needs from the machine, said by the files themselves.
    glibc=$(objdump -T "${programs[@]}" "$1/lib"/*.so* 2>/dev/null | grep -oE 'GLIBC_2\.[0-9]+' | sort -uV | tail -n 1)
    glibc=${glibc/_/ }
}
