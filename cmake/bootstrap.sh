#!/bin/sh
# SPDX-License-Identifier: MIT
# Installs the packages of the given groups (packages.txt) that are missing: bootstrap.sh build|test|bench|check ...
# Root installs them with apt-get. Anyone else is shown the one line to run, and the exit status is 1.
# Where there is an nvcc, it also fetches the headers that the CUDA backend is built with (cuda_wheels.sh).
# CONVOY_BOOTSTRAP=no skips all of this.
set -eu
here=$(dirname "$0")
list=$here/packages.txt

[ "${CONVOY_BOOTSTRAP:-yes}" = no ] && exit 0

# packages NEED GROUP...: the packages of these groups, one a line.
packages() {
    need=$1
    shift
    for group in "$@"; do
        awk -v group="$group" -v need="$need" '$1 == group && $3 == need { print $2 }' "$list"
    done
}

# missing PACKAGE...: those of them that dpkg does not have.
missing() {
    for package in "$@"; do
        [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || echo "$package"
    done
}

# available PACKAGE...: those of them that apt-get could install.
available() {
    for package in "$@"; do
        apt-cache policy "$package" 2>/dev/null | grep -q 'Candidate: [^(]' && echo "$package"
    done
    return 0
}

apt() {
    DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1 apt-get -q -o DPkg::Lock::Timeout=300 "$@"
}

install_found() { apt install --yes --no-install-recommends $required $found; }

# install_missing GROUP...: what is missing of these groups; ends the script if that cannot be had.
install_missing() {
    if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
        echo "bootstrap: no apt-get here, so nothing is installed. Convoy needs what these Debian packages hold:"
        echo "  " $(packages required "$@") $(packages optional "$@")
        return 0
    fi

    required=$(missing $(packages required "$@"))
    optional=$(missing $(packages optional "$@"))
    [ -z "$required$optional" ] && return 0

    if [ "$(id -u)" -ne 0 ]; then
        line="sudo apt-get update && sudo apt-get install --yes --no-install-recommends $(echo $required $optional)"
        if [ -z "$required" ]; then
            echo "bootstrap: going on without these optional packages: $(echo $optional). To have them, run:"
            echo "  $line"
            return 0
        fi
        {
            echo "bootstrap: missing packages: $(echo $required). Installing them needs root. Run this line, then make again:"
            echo "  $line"
            echo "bootstrap: (to try the build with what is here: CONVOY_BOOTSTRAP=no make)"
        } >&2
        exit 1
    fi

    echo "bootstrap: installing what is missing: $(echo $required $optional)"
    if [ "$(echo $(available $required $optional))" != "$(echo $required $optional)" ]; then
        apt update || echo "bootstrap: apt-get update failed; trying with the package lists that are here" >&2
    fi
    found=$(available $optional)
    for package in $optional; do
        echo "$found" | grep -qxF "$package" || echo "bootstrap: this distribution has no $package; going on without it"
    done
    # Lists that are out of date name files that are gone from the mirror: then update, and once more.
    install_found || { apt update && install_found; } || {
        echo "bootstrap: apt-get could not install: $(echo $required $found)" >&2
        exit 1
    }
}

# have COMMAND...: one of them is there.
have() {
    for command in "$@"; do command -v "$command" >/dev/null && return 0; done
    return 1
}

cuda=no
have "${CUDACXX:-nvcc}" /usr/local/cuda/bin/nvcc "$here/../build/third_party/cuda/bin/nvcc" && cuda=yes
if [ $cuda = yes ] && ! python3 -m pip --version >/dev/null 2>&1; then set -- "$@" cuda; fi
install_missing "$@"
if [ $cuda = yes ] && ! "$here/cuda_wheels.sh" headers; then
    echo "bootstrap: going on without the headers of cudnn-frontend and nvJPEG: cuDNN's convolutions are left out"
fi
