#!/bin/bash
# SPDX-License-Identifier: MIT
# The Debian packages of a build: packages.sh BUILD. Their libraries go where Debian has them, into the folder of the
# machine's architecture; `make install` keeps to the folder that the build was configured for.
set -euo pipefail
build=${1:?usage: packages.sh BUILD}
libdir=$(sed -n 's/^CMAKE_INSTALL_LIBDIR:[A-Z]*=//p' "$build/CMakeCache.txt")
configure() { cmake -DCMAKE_INSTALL_LIBDIR="$1" "$build" >/dev/null; }
trap 'rm -rf "$build/packages"; configure "$libdir"' EXIT
configure "lib/$(dpkg-architecture -qDEB_HOST_MULTIARCH)"
rm -f "$build"/*.deb
cpack --config "$build/CPackConfig.cmake" -B "$build/packages"
mv "$build/packages"/*.deb "$build/"
