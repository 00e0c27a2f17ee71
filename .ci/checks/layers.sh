#!/bin/sh
# SPDX-License-Identifier: MIT
# The include rules of docs/architecture.md, and what the library must not do. layers.sh [ROOT]; layers_test.sh tests it.
set -u
cd "${1:-$(dirname "$0")/../..}" || exit 1

# report RULE: the lines on standard input, if there are any, under the rule that they break.
report() {
    lines=$(cat)
    [ -z "$lines" ] || printf '%s\n%s\n' "layers: $1:" "$lines"
}

# sources REGEX PATH...: "file:line:text" of every line of C++ and CUDA below them that REGEX matches.
sources() {
    grep -rsnE --include='*.h' --include='*.hpp' --include='*.cpp' --include='*.cu' --include='*.cuh' "$@" /dev/null
}

# What one file may, and no other of its folder.
exceptions=$(grep -v '^#' <<'EOF' | tr '\n' '|' | sed 's/|$//'
# A thread keeps to the CPUs near its GPU, and sleeps for microseconds; the standard library has no word for that.
engine/run/thread_affinity\.h:[0-9]+: <(sched|sys/prctl)\.h>
# Which cores a process may use Linux tells in /sys and by its own calls.
engine/cores\.cpp:[0-9]+: <(sched\.h|fstream|filesystem)>
# What was measured outlives the process.
engine/cuda/tuning_cache\.cpp:[0-9]+: <(unistd\.h|fstream|filesystem)>
# Linux tells in /sys alone which CPUs are near a GPU.
engine/cuda/device\.cpp:[0-9]+: <(fstream|filesystem)>
# Pages are taken before the driver starts, which keeps others from getting any.
engine/cuda/pack_weights\.cpp:[0-9]+: <sys/mman\.h>
# NCCL, which moves weights and computes nothing, is opened at run time like the libraries of the kernels.
engine/cuda/nccl\.cpp:[0-9]+: "kernels/cuda/dynamic_library\.h"
# C has no other names for these.
include/convoy/convoy\.h:[0-9]+: <std(def|int)\.h>
# Forks, and threads that are to sleep for good.
python/bindings/process\.cpp:[0-9]+: <unistd\.h>
# For tests of the whole command: --fail-device.
tools/yolo_run\.cpp:[0-9]+: "engine/before_batch\.h"
EOF
)

# includes PATH...: "file:line: <target>" or "file:line: "target"" of every include below them, but for the exceptions.
includes() {
    sources '^[[:space:]]*#[[:space:]]*include' "$@" | sed -E 's/^([^:]*:[0-9]+):[^"<]*(["<][^">]*[">]).*/\1: \2/' |
        grep -vE "^($exceptions)\$"
}

# allow WHERE REGEX RULE PATH...: every include below the paths names something that REGEX matches.
allow() {
    where=$1 regex=$2 rule=$3
    shift 3
    includes "$@" | grep -vE ": ($regex)\$" | report "$where may include $rule"
}

std='<[a-z_0-9]+>'
mapping='<(fcntl|unistd|sys/mman|sys/stat)\.h>'
cuda='<(cuda|cuda_[a-z0-9_]+|cooperative_groups[a-z_/]*|cublasLt|cudnn|cudnn_frontend)\.h>'
kernels='"kernels/[a-z0-9_]+\.h"|<convoy/types\.h>'
inside='"engine/(bind|plan/compile|cpu/cpu|cuda/gpu)\.h"'
seam='"engine/(area|backend|cores|stage|start_thread)\.h"'
public='<convoy/[a-z_]+\.h>'
media='<convoy/media/[a-z_]+\.h>'

breaches() {
    allow include/convoy/ "$std|$public" 'the standard library and each other' include/convoy/*.h include/convoy/convoy.hpp
    allow include/convoy/media/ "$std|$public|$media" 'the standard library and what is public' include/convoy/media include/convoy/media.hpp
    allow darknet_loader/ "$std|$mapping|<convoy/(load|network|error|types)\.h>|\"darknet_loader/.*\"" \
        'the standard library, what maps a file, and its own public headers' darknet_loader
    allow 'kernels/*.h' "$std|$kernels" 'the standard library and convoy/types.h' kernels/*.*
    allow kernels/cpu/ "$std|<sys/mman\.h>|<(omp|immintrin)\.h>|<(oneapi/dnnl/)?dnnl[a-z_]*\.hp?p?>|$kernels|\"kernels/cpu/.*\"" \
        'the standard library, what maps memory, OpenMP and oneDNN' kernels/cpu
    allow kernels/cuda/ "$std|<dlfcn\.h>|$cuda|$kernels|\"kernels/.*\"" 'the standard library, CUDA, cuDNN and cuBLASLt' kernels/cuda
    allow engine/plan/ "$std|\"engine/plan/.*\"|$public|$kernels" \
        'the standard library, what is public, and kernels/*.h' engine/plan
    allow "the seam, engine/area.h, engine/backend.h, engine/cores.h, engine/stage.h and engine/start_thread.h," "$std|$seam|$public" 'the standard library, each other and what is public' \
        engine/area.h engine/backend.h engine/cores.h engine/stage.h engine/start_thread.h
    allow engine/cpu/ "$std|<omp\.h>|\"engine/(plan|cpu)/.*\"|$seam|$public|$kernels" \
        'what engine/plan/ may, OpenMP and the seam' engine/cpu
    allow engine/cuda/ "$std|<(omp|cuda_runtime_api|cuda_fp16)\.h>|\"engine/(plan|cuda)/.*\"|$seam|$public|$kernels" \
        "what engine/cpu/ may, and the CUDA runtime's own header" engine/cuda
    allow engine/run/ "$std|\"engine/run/.*\"|$seam|$public" \
        'the standard library, what is public and the seam: no device, no plan' engine/run
    allow engine/ "$std|<omp\.h>|\"engine/((plan/|run/)?[a-z_]+|cpu/cpu|cuda/gpu)\.h\"|$public|$kernels" \
        'the standard library, what is public, kernels/*.h, and of devices engine/cpu/cpu.h and engine/cuda/gpu.h' engine/*.*
    allow tools/ "$std|<[^>]*/[^>]*>|<[a-z_]+\.h>|\"tools/.*\"|$inside|\"stb[a-z_/]*\.h\"" \
        'libraries and what is public, and tools/inspect/ the plan' tools
    includes tools | grep -E ": ($inside)\$" | grep -v '^tools/inspect/' | report 'only tools/inspect/ looks into the engine'
    allow tools/analysis/ "$std|<fmt/[a-z]+\.h>|<nlohmann/json\.hpp>|$public|\"tools/analysis/.*\"" \
        'the standard library, what is public, fmt and nlohmann_json' tools/analysis
    allow tools/c_api/ "$std|$public|$media|\"tools/(c_api/.*|option_values\.h)\"" \
        'the standard library, what is public, and how values of options are read' tools/c_api
    includes tools/analysis | grep -E ': <(thread|mutex|atomic|future|condition_variable)>' |
        report 'tools/analysis/ works in one thread'
    includes tools/fleet | grep -E ': "tools/' | grep -vE ': "tools/(fleet|media|analysis)/' | report 'tools/fleet/ may include tools/media/ and tools/analysis/, not the commands'
    includes tools/media | grep -E ': "tools/' | grep -vE ': "tools/media/' | report 'tools/media/ is a library of its own: it includes nothing else of tools/'
    includes tools/serve | grep -E ': "tools/' | grep -vE ': "tools/(analysis|media|serve|sinks)/' | report 'tools/serve/ may include tools/analysis/, tools/media/ and tools/sinks/, not the commands'
    includes tools/sinks | grep -E ': "tools/' | grep -vE ': "tools/(analysis|media|sinks)/' | report 'tools/sinks/ may include tools/analysis/ and tools/media/, not the commands'

    allow python/ "$std|<(nanobind|fmt)/[^>]*>|<libavutil/log\.h>|$public|$media|\"python/bindings/.*\"|\"tools/(follower|model_options|option_values)\.h\"" \
        'nanobind, what is public, and of the commands how options are read, a model is named and things are followed' python

    includes include darknet_loader kernels engine tools python | grep -E ': "(tests|bench)/' | report 'tests/ and bench/ are included by nobody'
    includes tools | grep -E ": ($cuda|<(oneapi/)?dnnl.*)" | report 'oneDNN and CUDA stay in kernels/ and engine/cuda/'
    includes engine | grep -E ': <(fstream|filesystem)>' | report 'engine/ opens no files'
    sources '(^|[^a-z_.])(std::)?(printf|puts|fprintf|vprintf|exit|abort|_exit|terminate|__trap)\(|std::(cout|cerr|clog)' \
        include darknet_loader kernels engine tools/analysis tools/c_api tools/media | grep -vE ':[0-9]+: *//' | report 'the library never prints and never ends the program'
    sources '"([^"]*[^"a-z-])?--[a-z]' include darknet_loader kernels engine tools/c_api tools/option_values.* python/bindings |
        grep -vE '\((nvidia-smi|yolo-run) --' | report 'the library is called from C and Python, too: its sentences name no option of the commands'
}

found=$(breaches)
[ -z "$found" ] && exit 0
echo "$found"
exit 1
