#!/bin/sh
# SPDX-License-Identifier: MIT
# Installs the packages of the given groups (packages.txt) that are missing: bootstrap.sh build|test|bench|check ...
# Root installs them with apt-get. Anyone else is shown the one line to run, and the exit status is 1.
# CONVOY_BOOTSTRAP=no skips all of this.
set -eu
list=$(dirname "$0")/packages.txt

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

if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
    echo "bootstrap: no apt-get here, so nothing is installed. Convoy needs what these Debian packages hold:"
    echo "  " $(packages required "$@") $(packages optional "$@")
    exit 0
fi

required=$(missing $(packages required "$@"))
optional=$(missing $(packages optional "$@"))
[ -z "$required$optional" ] && exit 0

if [ "$(id -u)" -ne 0 ]; then
    line="sudo apt-get update && sudo apt-get install --yes --no-install-recommends $(echo $required $optional)"
    if [ -z "$required" ]; then
        echo "bootstrap: going on without these optional packages: $(echo $optional). To have them, run:"
        echo "  $line"
        exit 0
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
install() { apt install --yes --no-install-recommends $required $found; }
# Lists that are out of date name files that are gone from the mirror: then update, and once more.
install || { apt update && install; } || {
    echo "bootstrap: apt-get could not install: $(echo $required $found)" >&2
    exit 1
}
