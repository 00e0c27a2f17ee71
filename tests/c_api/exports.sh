#!/bin/bash
# SPDX-License-Identifier: MIT
# What shared libraries export is what headers mark with CONVOY_API, and nothing else: exports.sh FOLDER LIBRARY...
# Types of which everything is inline (interfaces) need no symbol; every marked function must be there.
set -euo pipefail
headers=$1
shift
marked=$(grep -rhE '^(class|struct)? ?CONVOY_API ' "$headers" || true)
types=$(sed -nE 's/^(class|struct) CONVOY_API ([A-Za-z0-9_]+).*/\2/p' <<<"$marked")
functions=$(grep -vE '^(class|struct) ' <<<"$marked" | sed -nE 's/^CONVOY_API [^(]*[ *&]([a-z0-9_]+)\(.*/\1/p' | sort -u)
exported=$(nm -D --defined-only "$@" | awk 'NF == 3 { print $3 }' | sort -u | c++filt)
failed=0
one_of() { paste -sd '|' <<<"$1"; }
foreign=$(grep -vE "^((typeinfo (name )?|vtable )for )?(convoy::(media::)?)?($(one_of "$types")|$(one_of "$functions"))(::[~A-Za-z_=]+(\[abi:cxx11\])?)?(\(|\[|$)" <<<"$exported" || true)
[ -z "$foreign" ] || { printf 'exports: no header of include/convoy marks this with CONVOY_API:\n%s\n' "$foreign"; failed=1; }
grep -q '::Impl' <<<"$exported" && { echo "exports: the inside of a class is exported"; failed=1; }
for function in $functions; do
    grep -qE "(^|::)$function(\[abi:cxx11\])?(\(|$)" <<<"$exported" ||
        { echo "exports: $function is marked with CONVOY_API and not exported"; failed=1; }
done
echo "exports: $(wc -l <<<"$exported") symbols of $(wc -w <<<"$types") types and $(wc -w <<<"$functions") functions"
exit $failed
