#!/bin/sh
# SPDX-License-Identifier: MIT
# The include graph in docs/architecture.md is that of the sources, and has no circle. include_graph_test.sh tests it.
cd "$(dirname "$0")/../.." || exit 1
command -v python3 >/dev/null || { echo "include_graph: not checked: python3 is not installed"; exit; }
exec python3 -B docs/include_graph.py --check
