#!/bin/sh
# SPDX-License-Identifier: MIT
# Prints how many compilers to run at once: one per core, but no more than one per 2 GB of memory.
cores=$(nproc)
memory=$(awk '/^MemTotal:/ { print int($2 / 2000000) }' /proc/meminfo)
[ "$memory" -lt 1 ] && memory=1
[ "$memory" -lt "$cores" ] && echo "$memory" || echo "$cores"
