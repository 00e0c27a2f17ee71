#!/bin/sh
# SPDX-License-Identifier: MIT
# The Python package's tests: run.sh PYTHON. Without pytest or numpy they are skipped, and ctest counts that.
cd "$(dirname "$0")" || exit 1
for module in pytest numpy; do
    "$1" -c "import $module" 2>/dev/null || { echo "skipped: python: needs $module (pip install nanobind numpy pytest)"; exit 0; }
done
exec "$1" -m pytest -q -p no:cacheprovider .
