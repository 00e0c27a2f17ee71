#!/bin/sh
# SPDX-License-Identifier: MIT
# Plants a circle, a floor too many and a stale picture in a clean little tree: include_graph.py must refuse each.
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
command -v python3 >/dev/null || { echo "include_graph_test: not run: python3 is not installed"; exit; }
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
failed=0

graph() { python3 -B "$root/docs/include_graph.py" "$@" "$tree" 2>&1; }

clean() {
    rm -rf "${tree:?}"/*
    mkdir -p "$tree/docs" "$tree/include/convoy" "$tree/kernels" "$tree/engine/plan" "$tree/engine/cpu" "$tree/engine/cuda" "$tree/engine/run"
    printf '#include <vector>\n' >"$tree/include/convoy/types.h"
    printf '#include <convoy/types.h>\n' >"$tree/kernels/conv.h"
    printf '#include <convoy/types.h>\n#include "kernels/conv.h"\n' >"$tree/engine/plan/graph.h"
    printf '#include <convoy/types.h>\n' >"$tree/engine/backend.h"
    printf '#include "engine/backend.h"\n#include "engine/plan/graph.h"\n' >"$tree/engine/cpu/cpu.h"
    printf '#include "engine/backend.h"\n' >"$tree/engine/cuda/gpu.h"
    printf '#include "engine/backend.h"\n' >"$tree/engine/run/scheduler.h"
    printf '#include "engine/cpu/cpu.h"\n#include "engine/cuda/gpu.h"\n#include "engine/run/scheduler.h"\n' >"$tree/engine/bind.h"
    printf 'Before.\n<!-- include graph: docs/include_graph.py --write -->\n<!-- end of the include graph -->\nAfter.\n' >"$tree/docs/architecture.md"
    graph --write
}

# refuses WORDS WHAT: --check fails and says WORDS.
refuses() {
    if output=$(graph --check) || ! echo "$output" | grep -qF "$1"; then
        echo "include_graph_test: $2 was not refused with '$1'. The check said: $output"
        failed=1
    fi
}

# draws LINE: the page has this line; lacks LINE: it does not.
draws() { grep -qxF "$1" "$tree/docs/architecture.md" || { echo "include_graph_test: the picture lacks '$1'"; failed=1; }; }
lacks() { ! grep -qxF "$1" "$tree/docs/architecture.md" || { echo "include_graph_test: the picture has '$1'"; failed=1; }; }

clean
graph --check || { echo "include_graph_test: the clean tree was refused"; failed=1; }
draws 'Before.'
draws 'After.'
draws '    r0["engine<br/>floor 5"]'
draws '    r1["engine/cpu<br/>floor 4"]'
draws '    r2["engine/plan<br/>floor 3"]'
draws '    r6["engine/backend.h, stage.h<br/>floor 2"]'
draws '    r7["include/convoy<br/>floor 1"]'
draws '    r1 --> r2'
lacks '    r2 --> r7' # it follows from the arrow to kernels
draws '`engine/` has 4 floors, counted from `include/convoy/` as the lowest; it may have 6 at most.'

echo '#include "engine/cpu/cpu.h"' >>"$tree/engine/plan/graph.h"
refuses 'engine/plan/graph.h includes engine/cpu/cpu.h' 'a circle of two rooms'
refuses 'engine/cpu/cpu.h includes engine/plan/graph.h' 'a circle of two rooms'
clean
echo '#  include "engine/bind.h"' >>"$tree/engine/backend.h"
refuses 'engine/backend.h includes engine/bind.h' 'a circle through three rooms'

clean
echo '#include "kernels/conv.h"' >>"$tree/engine/run/scheduler.h"
refuses 'run docs/include_graph.py --write' 'a stale picture'
graph --write
graph --check || { echo "include_graph_test: a picture that was just written was refused"; failed=1; }
echo 'No picture here.' >"$tree/docs/architecture.md"
refuses 'lacks the two lines' 'a page without a picture'

clean
echo '#include "engine/plan/graph.h"' >>"$tree/engine/backend.h"
echo '#include "engine/cpu/cpu.h"' >>"$tree/engine/run/scheduler.h"
echo '#include "engine/run/scheduler.h"' >>"$tree/engine/cuda/gpu.h"
refuses 'engine/ has 7 floors and may have 6' 'a seventh floor'
exit $failed
