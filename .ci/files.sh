#!/bin/sh
# SPDX-License-Identifier: MIT
# Lists the files of this checkout, also those not yet added, whoever owns it. files.sh [PATTERN...]
cd "$(dirname "$0")/.." || exit 1
git -c safe.directory='*' ls-files -co --exclude-standard -- "$@" | while read -r file; do
    [ -e "$file" ] && echo "$file"
done
