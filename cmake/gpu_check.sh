#!/bin/bash
# SPDX-License-Identifier: MIT
# Packs what proves Convoy on a machine with a GPU: programs, GPU tests, scripts, models and inputs, and the one command
# that runs them all (bench/gpu-check): gpu_check.sh BUILD OUTPUT.tar.xz [PICTURES]; OUTPUT.tar.gz is made faster, and larger
# FFMPEG_RUNTIME=DIR  a small FFmpeg for that machine, of the version that this build is linked to: DIR/lib/*.so*, which take
#                     the place of the system's, DIR/bin/ffmpeg and DIR/bin/ffprobe, which are packed too
# LIMIT_MB=55         no archive may be larger
# PICTURES            a folder that yolo-eval reads as --data, or annotations (.json) with their images/: another archive
set -euo pipefail
cd "$(dirname "$0")/.."
. cmake/pack.sh
build=${1:?usage: gpu_check.sh BUILD OUTPUT.tar.xz [PICTURES]}
output=$(realpath -m "${2:?usage: gpu_check.sh BUILD OUTPUT.tar.xz [PICTURES]}")
pictures=${3:-}
runtime=${FFMPEG_RUNTIME:+$(realpath -m "$FFMPEG_RUNTIME")}
name=convoy-gpu-check
stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT
dir=$stage/$name

fail() { echo "gpu-check: $*" >&2; exit 1; }

# archive OUTPUT: fails if it is larger than what is carried to such machines.
archive() {
    local bytes limit=${LIMIT_MB:-55}
    # The same kernels are in every program: a dictionary that reaches from one to the next.
    XZ_OPT='-T1 --lzma2=preset=1,dict=128MiB' tar -C "$stage" --sort=name --owner=0 --group=0 --numeric-owner -caf "$1" "$name"
    bytes=$(stat -c %s "$1")
    if [ "$bytes" -gt $((limit * 1000000)) ]; then
        rm "$1"
        fail "$1 would be $((bytes / 1000000)) MB, more than LIMIT_MB=$limit; FFMPEG_RUNTIME=DIR, a small FFmpeg, takes the place of the system's (CONTRIBUTING.md)"
    fi
    printf 'gpu-check: %s, %d.%d MB\n' "$1" $((bytes / 1000000)) $((bytes / 100000 % 10))
}

# clip CODEC OPTION...: the shipped clip as 1080p, a raw stream that gets longer by its bytes; kept in the build folder.
clip() {
    local to=$inputs/1080p.$1
    if [ ! -s "$to" ] || [ cmake/gpu_check.sh -nt "$to" ]; then
        ffmpeg -y -loglevel error -r 25 -i models/pedestrians.mp4 -vf scale=1920:1080 -an -pix_fmt yuv420p "${@:2}" -f "$1" "$to" </dev/null ||
            { rm -f "$to"; echo "gpu-check: this ffmpeg cannot make $1: its figures will be skipped"; }
    fi
}

for program in xz python3; do command -v $program >/dev/null || fail "there is no $program"; done

# Programs and libraries.
pack_programs "$build" "$dir"
cmake --install "$build" --prefix "$dir" --component gpu_check --strip >/dev/null
if [ -n "$runtime" ]; then
    [ -x "$runtime/bin/ffmpeg" ] && ls "$runtime"/lib/libavcodec.so.* >/dev/null 2>&1 ||
        fail "FFMPEG_RUNTIME=$runtime has no bin/ffmpeg or no lib/libavcodec.so.*"
    mkdir -p "$dir/libexec"
    for program in ffmpeg ffprobe; do
        cp "$runtime/bin/$program" "$dir/libexec/"
        printf '#!/bin/sh\nhere=$(dirname "$(readlink -f "$0")")\nLD_LIBRARY_PATH=$here/../lib exec "$here/../libexec/%s" "$@"\n' \
            "$program" >"$dir/bin/$program"
        chmod +x "$dir/bin/$program"
    done
    export LD_LIBRARY_PATH=$runtime/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
fi
pack_libraries "$dir"
if [ -n "$runtime" ]; then
    for library in avcodec avformat avutil swscale; do
        library=$(basename "$dir/lib/lib$library".so.*)
        [ -e "$runtime/lib/$library" ] || fail "FFMPEG_RUNTIME=$runtime has no $library, which this build is linked to"
    done
fi

# Inputs: the demo model and its clip where the tests look for them, cfgs that lie beside the checkout (tests/support/data.h).
mkdir -p "$dir/convoy" "$dir/inputs" "$dir/bench"
cp -r models "$dir/convoy/"
install -D -m 644 -t "$dir/convoy/tests/fuzz/corpus/cfg" tests/fuzz/corpus/cfg/every_key.cfg
rm -rf "$dir/share/convoy"
for folder in cfgs models; do
    [ ! -d "../shared/data/$folder" ] || install -D -m 644 -t "$dir/shared/data/$folder" "../shared/data/$folder"/*.cfg
done
inputs=$(realpath -m "$build")/gpu-check-inputs
mkdir -p "$inputs/awkward"
(
    unset LD_LIBRARY_PATH  # the system's ffmpeg, which can encode more
    if command -v ffmpeg >/dev/null; then
        clip h264 -c:v libx264 -b:v 1240k -bf 3 -x264-params keyint=60:min-keyint=60:scenecut=0
        clip hevc -c:v libx265 -preset veryfast -b:v 780k -x265-params keyint=60:min-keyint=60:scenecut=0:log-level=error
        CONVOY_AWKWARD_VIDEOS=$inputs/awkward CONVOY_SOURCE_DIR=$PWD "$build/bin/make-awkward-videos" >/dev/null
    else
        echo "gpu-check: no ffmpeg here to make videos with: what needs them will be skipped"
    fi
)
cp -r "$inputs/." "$dir/inputs/"

# The command, and what it must know.
cp -r bench/gpu-check bench/gpu_check "$dir/"
cp bench/*.py "$dir/bench/"
rm -rf "$dir"/gpu_check/pack.py "$dir"/gpu_check/__pycache__
python3 -B bench/gpu_check/pack.py "$build" "$dir" "$glibc"
cat >"$dir/README" <<EOF
Convoy's GPU tests and figures, to be run from this folder on a machine with an NVIDIA driver:  ./gpu-check --help
Needs Linux on x86-64 with $glibc or later, and python3. For testing, not for handing on: the licences of the libraries
in lib/ are in share/doc/licences/ only where Debian's packages have them.
EOF
mkdir -p "$(dirname "$output")"
archive "$output"
if [ -n "$pictures" ]; then
    rm -rf "$dir"
    mkdir -p "$dir"
    cp -rL "$pictures" "$dir/pictures"
    chmod -R u+w "$dir"
    archive "${output%.tar.*}-pictures.tar"
fi
