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

# includes PATH...: "file:line: <target>" or "file:line: "target"" of every include below them.
includes() {
    grep -rnE --include='*.h' --include='*.cpp' '^[[:space:]]*#[[:space:]]*include' "$@" /dev/null |
        sed -E 's/^([^:]*:[0-9]+):[^"<]*(["<][^">]*[">]).*/\1: \2/'
}

# allow FOLDER REGEX RULE: every include below FOLDER names something that REGEX matches.
allow() {
    includes "$1" | grep -vE ": ($2)\$" | report "$1/ may include $3"
}

std='<[a-z_0-9]+>'
mapping='<(fcntl|unistd|sys/mman|sys/stat)\.h>'
public=$(grep -oE '(darknet_loader|engine|kernels|tools/media)/[a-z_]+\.h' cmake/install.cmake | tr '\n' '|' | sed 's/|$//; s/\./\\./g')

breaches() {
    allow darknet_loader "$std|$mapping|\"darknet_loader/.*\"" 'the standard library, and what maps a file'
    allow kernels "$std|<(omp|immintrin)\.h>|<(oneapi/dnnl/)?dnnl[a-z_]*\.hp?p?>|\"kernels/.*\"" 'the standard library, OpenMP and oneDNN'
    allow engine "$std|<omp\.h>|\"engine/.*\"|\"darknet_loader/(network|error)\.h\"|\"kernels/[a-z_]+\.h\"" \
        'the standard library, darknet_loader/network.h and kernels/*.h'
    allow tools "$std|<[^>]*/[^>]*>|<[a-z_]+\.h>|\"tools/.*\"|\"(engine|darknet_loader)/.*\"|\"stb[a-z_/]*\.h\"" \
        'libraries, engine and loader, not kernels'

    includes darknet_loader kernels engine tools | grep -E ': "(tests|bench)/' | report 'tests/ and bench/ are included by nobody'
    includes kernels/*.h engine darknet_loader tools | grep -E ': <(oneapi/)?dnnl' | report 'oneDNN stays in kernels/cpu/'
    includes engine | grep -E ': <(fstream|filesystem)>' | report 'engine/ opens no files'
    # shellcheck disable=SC2046
    includes $(echo "$public" | sed 's/\\//g' | tr '|' ' ') | grep -vE ": ($std|\"($public)\")\$" |
        report 'installed headers (cmake/install.cmake) may include only the standard library and each other'
    grep -rnE --include='*.h' --include='*.cpp' '(^|[^a-z_.])(std::)?(printf|puts|fprintf|exit|abort|_exit|terminate)\(|std::(cout|cerr|clog)' \
        darknet_loader kernels engine tools/media /dev/null | grep -vE ':[0-9]+: *//' | report 'the library never prints and never ends the program'
}

found=$(breaches)
[ -z "$found" ] && exit 0
echo "$found"
exit 1
