#!/bin/bash
# SPDX-License-Identifier: MIT
# The binary interface against the one that is written down: abi.sh [--renew] LIBRARY..., each a libNAME_abi.so whose
# interface is tests/abi/NAME.abi.gz. What was added is told of and allowed; a change that breaks programs is an error.
# --renew writes the interfaces down anew (make abi).
set -euo pipefail
cd "$(dirname "$0")"
renew=no
[ "$1" = --renew ] && { renew=yes; shift; }
command -v abidw abidiff >/dev/null || { echo "abi: skipped: needs abidw and abidiff (abigail-tools)"; exit 77; }
# Types of the standard library are written down, too, and every compiler has its own.
compiler=$(c++ -dumpversion | cut -d. -f1)
[ "$compiler" = 12 ] || { echo "abi: skipped: the interfaces are those of g++ 12, and this is $compiler"; exit 77; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

mkdir "$work/c"
cp ../../include/convoy/convoy.h "$work/c"

failed=0
for library in "$@"; do
    name=$(basename "$library" _abi.so)
    name=${name#lib}
    # What is public abidw knows by the names of headers; those of C++ have namesakes inside.
    headers=../../include/convoy
    [ "$name" != convoy_c ] || headers=$work/c
    abidw --headers-dir "$headers" --drop-private-types --exported-interfaces-only --no-architecture \
        --no-corpus-path --no-comp-dir-path --no-show-locs --type-id-style hash --out-file "$work/$name.abi" "$library"
    if [ "$renew" = yes ]; then
        gzip -9nc "$work/$name.abi" >"$name.abi.gz"
        continue
    fi
    status=0
    gzip -dc "$name.abi.gz" >"$work/written.abi"
    abidiff --no-show-locs --leaf-changes-only "$work/written.abi" "$work/$name.abi" >"$work/said" 2>&1 || status=$?
    cat "$work/said"
    # Bits of abidiff's status: 1 and 2 an error of its own, 4 a change, 8 one that breaks.
    [ $((status & 3)) = 0 ] || { echo "abi: abidiff failed"; failed=1; continue; }
    if [ $((status & 8)) != 0 ] || grep -qE '(^|[ :])[1-9][0-9]* (Removed|Changed|leaf types? changed)' "$work/said"; then
        echo "abi: $name breaks the programs that are linked to it: raise CONVOY_ABI in cmake/shared.cmake, then 'make abi'"
        failed=1
    elif [ "$status" != 0 ]; then
        echo "abi: $name has got more: 'make abi' writes that down"
    fi
done
exit $failed
