#!/bin/sh
# SPDX-License-Identifier: MIT
# What every file of ours keeps to: length, width of a page, white space, licence line, links that lead somewhere.
set -u
cd "$(dirname "$0")/../.." || exit 1
files=$(.ci/files.sh | grep -vE '^(models|LICENSE)|\.(png|jpg|jpeg|mp4|weights|cfg|names)$|\.abi\.gz$|^tests/.*/(corpus|data)/')

# report RULE: the lines on standard input, if there are any, under the rule that they break.
report() {
    lines=$(cat)
    [ -z "$lines" ] || printf '%s\n%s\n' "style: $1:" "$lines"
}
code() { echo "$files" | grep -E '\.(h|hpp|cpp|cu|cuh)$'; }

breaches() {
    echo "$files" | xargs wc -l | awk '$2 != "total" && $1 > 500 { print $2 ": " $1 " lines" }' | report 'no file is longer than 500 lines'
    echo "$files" | xargs grep -nIE '[[:space:]]$' | report 'no white space at the end of a line'
    echo "$files" | grep -vE '(^|/)Makefile$' | xargs grep -nIP '\t' | report 'no tabs'
    { code; echo "$files" | grep -E '\.(sh|py)$|(^|/)Makefile$'; } | xargs grep -L 'SPDX-License-Identifier: MIT' | report 'every source file has its licence line'
    code | grep -E '\.(h|hpp|cuh)$' | xargs grep -L '^#pragma once$' | report 'every header has #pragma once'

    for page in $(echo "$files" | grep '\.md$'); do
        for link in $(grep -oE '\]\([^)#[:space:]]+' "$page" | cut -c3- | grep -vE '^(https?|mailto):'); do
            [ -e "$(dirname "$page")/$link" ] || echo "$page: $link"
        done
    done | report 'every link in a page leads to a file'
    # Continuation bytes of UTF-8 are no columns.
    for page in $(echo "$files" | grep '\.md$'); do
        LC_ALL=C awk -v page="$page" '/^ *```/ { code = !code }
            { gsub(/[\200-\277]/, "") }
            !code && !/^\|/ && !/^[* ]*[^ ]*:\/\/[^ ]*$/ && length >= 120 { print page ":" NR ": " length " columns" }' "$page"
    done | report 'Markdown has fewer than 120 columns outside of tables, code and long addresses'
    for words in 'make demo' 'make test' $(echo "$files" | grep -oE '^docs/[a-z0-9_-]+\.md$'); do
        grep -qF "$words" README.md || echo "$words"
    done | report 'README.md mentions the two commands and every page of docs/'
    head -n 40 README.md | grep -qF 'make demo' || echo 'README.md' | report 'make demo stands on the first screen'
}

found=$(breaches)
[ -z "$found" ] && exit 0
echo "$found"
exit 1
