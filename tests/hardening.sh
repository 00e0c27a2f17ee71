#!/bin/sh
# SPDX-License-Identifier: MIT
# Whether programs are hardened: hardening.sh PROGRAM... A stack that cannot run, addresses that differ from run to run,
# no table of functions that can be written, and calls and stacks that are checked.
set -u
failed=0
for program in "$@"; do
    missing() { echo "$program: $1"; failed=1; }
    readelf -hW "$program" | grep -q 'Type: *DYN' || missing 'is no position-independent executable'
    readelf -lW "$program" | grep 'GNU_STACK' | grep -q 'RWE' && missing 'has a stack that can run'
    readelf -lW "$program" | grep -q 'GNU_RELRO' || missing 'has no RELRO'
    readelf -dW "$program" | grep -q 'BIND_NOW\|FLAGS_1.*NOW' || missing 'does not bind at its start, so its table of functions stays writable'
    nm -D "$program" | grep -q '__stack_chk_fail' || missing 'does not check its stack'
    nm -D "$program" | grep -q '__[a-z]*_chk' || missing 'calls no checked function of the C library'
done
exit $failed
