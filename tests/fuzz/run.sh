#!/bin/bash
# SPDX-License-Identifier: MIT
# Fuzzes with libFuzzer: run.sh FOLDER_OF_THE_PROGRAMS FOLDER_FOR_RESULTS [TARGET...]. Turn by turn, one target at a time,
# a few minutes each, until it is stopped; with TIME=SECONDS each target once, that long. What was learnt goes on in the
# next turn: inputs that reach new code are kept in RESULTS/NAME/, those that fail in RESULTS/found/. The exit status is
# 1 where something failed.
set -u
programs=$1 results=$2
shift 2
here=$(cd "$(dirname "$0")" && pwd)
[ $# -gt 0 ] || set -- $(basename -a "$programs"/fuzz_* | sed 's/^fuzz_//')
export ASAN_OPTIONS=detect_stack_use_after_return=1:strict_string_checks=1:quarantine_size_mb=32 UBSAN_OPTIONS=print_stacktrace=1
export LSAN_OPTIONS=suppressions=$here/../lsan.supp:print_suppressions=0
mkdir -p "$results/found" && cd "$results" || exit 1
stopped=
trap 'stopped=yes' INT TERM
before=$(ls found | wc -l)

turn() {
    local name=$1 seconds=$2
    mkdir -p "$name"
    "$programs/fuzz_$name" -max_total_time="$seconds" -timeout=25 -report_slow_units=25 -rss_limit_mb=4500 -print_final_stats=1 \
        -artifact_prefix="found/$name-" "$name" "$here/corpus/$name" >"$name.log" 2>&1 ||
        grep -aE '^SUMMARY|runtime error|written to' "$name.log"
    printf '%-10s %12s runs, %s a second\n' "$name" "$(sed -n 's/^stat::number_of_executed_units: *//p' "$name.log")" \
        "$(sed -n 's/^stat::average_exec_per_sec: *//p' "$name.log")"
}

while [ -z "$stopped" ]; do
    for name; do
        turn "$name" "${TIME:-300}"
        [ -z "$stopped" ] || break
    done
    [ -z "${TIME:-}" ] || break
done
found=$(($(ls found | wc -l) - before))
[ "$found" -eq 0 ] && exit 0
echo "$found inputs have failed: they are in $results/found; fuzz_NAME FILE repeats one" >&2
exit 1
