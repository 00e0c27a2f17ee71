#!/bin/sh
# SPDX-License-Identifier: MIT
# Plants one breach of the layers at a time in a clean little tree: layers.sh must name each, and nothing else.
set -eu
check=$(cd "$(dirname "$0")" && pwd)/layers.sh
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
failed=0

clean() {
    rm -rf "${tree:?}"/*
    mkdir -p "$tree/include/convoy/media" "$tree/darknet_loader" "$tree/kernels/cpu" "$tree/kernels/cuda" "$tree/engine/plan" "$tree/engine/cpu" "$tree/engine/cuda" \
        "$tree/engine/run" "$tree/tools/inspect" "$tree/tools/analysis" "$tree/tools/media" "$tree/tools/c_api" "$tree/tools/sinks" "$tree/tools/fleet"
    printf '#include <vector>\n' >"$tree/include/convoy/types.h"
    printf '#include <vector>\n#include <convoy/types.h>\n' >"$tree/include/convoy/engine.h"
    printf '#include <convoy/engine.h>\n' >"$tree/include/convoy/convoy.hpp"
    printf '#include <convoy/engine.h>\n' >"$tree/include/convoy/media/image.h"
    printf '#include <convoy/media/image.h>\n' >"$tree/include/convoy/media.hpp"
    printf '#include <vector>\n#include <convoy/network.h>\n' >"$tree/darknet_loader/file.h"
    printf '#include <cstddef>\n#include <convoy/types.h>\n' >"$tree/kernels/types.h"
    printf '#include <dnnl.hpp>\n#include "kernels/types.h"\n' >"$tree/kernels/cpu/conv.cpp"
    printf '#include <cuda_fp16.h>\n#include <dlfcn.h>\n#include "kernels/cuda/lanes.cuh"\n' >"$tree/kernels/cuda/conv.cu"
    printf '#include <cuda_runtime_api.h>\n#include "kernels/types.h"\n' >"$tree/kernels/cuda/lanes.cuh"
    printf '#include <convoy/engine.h>\n#include "kernels/types.h"\n' >"$tree/engine/device_list.h"
    printf '#include <cuda_runtime_api.h>\n#include "engine/cuda/handles.h"\n' >"$tree/engine/cuda/backend.cpp"
    printf '#include <sched.h>\n' >"$tree/engine/run/thread_affinity.h"
    printf '#include <convoy/engine.h>\n' >"$tree/engine/backend.h"
    printf '#include <convoy/engine.h>\n#include "kernels/types.h"\n' >"$tree/engine/plan/compile.h"
    printf '#include <omp.h>\n#include "engine/backend.h"\n#include "engine/plan/compile.h"\n' >"$tree/engine/cpu/cpu.h"
    printf '#include "engine/backend.h"\n#include "engine/run/census.h"\n' >"$tree/engine/run/scheduler.cpp"
    printf '#include "engine/cpu/cpu.h"\n#include "engine/run/scheduler.h"\n' >"$tree/engine/bind.cpp"
    printf '#include "engine/cpu/cpu.h"\n' >"$tree/tools/inspect/stages.cpp"
    printf '#include <unistd.h>\n#include <fstream>\n' >"$tree/engine/cuda/tuning_cache.cpp"
    printf '#include <filesystem>\n#include <fstream>\n' >"$tree/engine/cuda/device.cpp"
    printf '#include "kernels/cuda/dynamic_library.h"\n' >"$tree/engine/cuda/nccl.cpp"
    printf '#include <fmt/format.h>\n#include <nlohmann/json.hpp>\n#include <convoy/error.h>\n#include "tools/analysis/tracker.h"\n' >"$tree/tools/analysis/tracker.cpp"
    printf '#include <stdint.h>\n#include <convoy/export.h>\n' >"$tree/include/convoy/convoy.h"
    printf '#include <mutex>\n#include <convoy/media/image.h>\n#include "tools/c_api/guard.h"\n' >"$tree/tools/c_api/engine.cpp"
    printf '#include <libavutil/frame.h>\n#include <convoy/engine.h>\n#include <convoy/media/image.h>\n// never std::cout here\n' >"$tree/tools/media/source.cpp"
    printf '#include <convoy/engine.h>\n#include <convoy/media/image.h>\n#include "tools/sinks/sink.h"\n' >"$tree/tools/sinks/sink.cpp"
    printf '#include <convoy/error.h>\n#include "tools/analysis/text.h"\n#include "tools/media/files.h"\n' >"$tree/tools/fleet/manifest.cpp"
}

# refuses FILE LINE: with LINE added to FILE the check fails and names FILE.
refuses() {
    clean
    echo "$2" >>"$tree/$1"
    if output=$("$check" "$tree") || ! echo "$output" | grep -qF "$1:"; then
        echo "layers_test: '$2' in $1 was not refused. The check said: $output"
        failed=1
    fi
}

clean
"$check" "$tree" || { echo "layers_test: the clean tree was refused"; failed=1; }
refuses darknet_loader/file.h '#include <convoy/engine.h>'
refuses darknet_loader/file.h '#  include <dnnl.hpp>'
refuses kernels/cpu/conv.cpp '#include <convoy/network.h>'
refuses kernels/cpu/conv.cpp '#include "darknet_loader/file.h"'
refuses kernels/cpu/conv.cpp '#include <convoy/engine.h>'
refuses kernels/types.h '#include <dnnl.hpp>'
refuses kernels/types.h '#include <cuda_runtime_api.h>'
refuses kernels/types.h '#include "kernels/cuda/lanes.cuh"'
refuses kernels/cpu/conv.cpp '#include <cuda_fp16.h>'
refuses kernels/cpu/conv.cpp '#include "kernels/cuda/check.h"'
refuses kernels/cuda/conv.cu '#include <dnnl.hpp>'
refuses kernels/cuda/conv.cu '#include "engine/cuda/handles.h"'
refuses kernels/cuda/conv.cu 'if (bad) printf("%d", bad);'
refuses kernels/cuda/lanes.cuh '#include <convoy/network.h>'
refuses kernels/cuda/lanes.cuh '    __trap();'
refuses kernels/cpu/conv.cpp 'void f() { std::cout << 1; }'
refuses engine/bind.cpp '#include "kernels/cpu/conv.h"'
refuses engine/bind.cpp '#include "darknet_loader/file.h"'
refuses engine/bind.cpp '#include <fstream>'
refuses engine/bind.cpp '#include <sched.h>'
refuses engine/run/thread_affinity.h '#include <pthread.h>'
refuses engine/bind.cpp '#include <libavutil/frame.h>'
refuses engine/bind.cpp '#include "tools/media/in/demuxer.h"'
refuses engine/bind.cpp '#include "tests/support/compare.h"'
refuses engine/bind.cpp '    exit(1);'
refuses engine/bind.cpp '#include <cuda_runtime_api.h>'
refuses engine/bind.cpp '#include "engine/cuda/handles.h"'
refuses include/convoy/engine.h '#include "engine/plan/graph.h"'
refuses include/convoy/engine.h '#include <convoy/media/image.h>'
refuses include/convoy/convoy.hpp '#include <convoy/media/image.h>'
refuses include/convoy/types.h '#include "kernels/types.h"'
refuses include/convoy/media/image.h '#include <libavutil/frame.h>'
refuses engine/bind.cpp '#include <convoy/media/image.h>'
refuses engine/plan/compile.h '#include "engine/backend.h"'
refuses engine/plan/compile.h '#include "engine/run/scheduler.h"'
refuses engine/backend.h '#include "engine/plan/compile.h"'
refuses engine/cpu/cpu.h '#include "engine/cuda/gpu.h"'
refuses engine/cpu/cpu.h '#include "engine/run/scheduler.h"'
refuses engine/cuda/backend.cpp '#include "engine/run/scheduler.h"'
refuses engine/cuda/backend.cpp '#include "engine/cpu/cpu.h"'
refuses engine/run/scheduler.cpp '#include "engine/plan/compile.h"'
refuses engine/run/scheduler.cpp '#include "engine/cpu/cpu.h"'
refuses engine/run/scheduler.cpp '#include "kernels/conv.h"'
refuses tools/media/source.cpp '#include "engine/cpu/cpu.h"'
refuses tools/inspect/stages.cpp '#include "engine/run/scheduler.h"'
refuses engine/cuda/backend.cpp '#include <cublasLt.h>'
refuses engine/cuda/backend.cpp '#include <filesystem>'
refuses engine/cuda/backend.cpp '#include <fstream>'
refuses engine/cuda/backend.cpp '#include <unistd.h>'
refuses engine/cuda/backend.cpp '#include <dlfcn.h>'
refuses engine/cuda/backend.cpp '#include "kernels/cuda/check.h"'
refuses engine/cuda/backend.cpp '#include "kernels/cuda/dynamic_library.h"'
refuses engine/cuda/device.cpp '#include <unistd.h>'
refuses engine/cuda/nccl.cpp '#include <dlfcn.h>'
refuses engine/cuda/nccl.cpp '#include "kernels/cuda/check.h"'
refuses tools/media/source.cpp '#include "kernels/conv.h"'
refuses tools/media/source.cpp '#include "bench/harness.h"'
refuses tools/media/source.cpp '#include "tools/sinks/sink.h"'
refuses tools/media/source.cpp '#include "tools/options.h"'
refuses include/convoy/engine.h '#include <stdint.h>'
refuses include/convoy/convoy.h '#include <stdio.h>'
refuses tools/c_api/engine.cpp '#include "tools/media/files.h"'
refuses tools/c_api/engine.cpp '#include "engine/bind.h"'
refuses tools/c_api/engine.cpp '#include <fmt/core.h>'
refuses tools/c_api/engine.cpp 'void f() { std::cerr << 1; }'
refuses engine/bind.cpp 'throw Error("no room; take a smaller --size");'
refuses tools/analysis/tracker.cpp '#include "tools/media/limits.h"'
refuses tools/analysis/tracker.cpp '#include <convoy/media/image.h>'
refuses tools/analysis/tracker.cpp '#include <libavutil/frame.h>'
refuses tools/analysis/tracker.cpp '#include <mutex>'
refuses tools/analysis/tracker.cpp '    std::cout << 1;'
refuses tools/sinks/sink.cpp '#include "tools/options.h"'
refuses tools/fleet/manifest.cpp '#include "tools/options.h"'
refuses tools/media/source.cpp '#include <cuda_runtime_api.h>'
refuses tools/media/source.cpp '#include "engine/cuda/handles.h"'
exit $failed
