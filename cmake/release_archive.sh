#!/bin/bash
# SPDX-License-Identifier: MIT
# A tag's sources as convoy-VERSION.tar.gz, the same bytes wherever it is made, and SHA256SUMS of it and of the bundle and
# packages of that version that lie beside it: release_archive.sh FOLDER [TAG], by default vVERSION of CMakeLists.txt.
set -euo pipefail
cd "$(dirname "$0")/.."
folder=${1:?usage: release_archive.sh FOLDER [TAG]}
version_of() { sed -nE 's/^project\(convoy VERSION ([0-9.]+).*/\1/p'; }
tag=${2:-v$(version_of <CMakeLists.txt)}
git rev-parse -q --verify "refs/tags/$tag" >/dev/null ||
    { echo "release-archive: there is no tag $tag: make it with 'git tag -a $tag', or name another with TAG=" >&2; exit 1; }
version=$(git show "$tag:CMakeLists.txt" | version_of)
[ "$tag" = "v$version" ] ||
    { echo "release-archive: the tag is $tag, and its CMakeLists.txt has version $version" >&2; exit 1; }
mkdir -p "$folder"
archive=convoy-$version.tar.gz
git archive --format=tar --prefix="convoy-$version/" "$tag" | gzip -9n >"$folder/$archive.part"
mv "$folder/$archive.part" "$folder/$archive"
cd "$folder"
shopt -s nullglob
sha256sum "$archive" convoy-"$(uname -m)".tar.gz ./*"_${version}_"*.deb >SHA256SUMS 2>/dev/null ||
    sha256sum "$archive" ./*"_${version}_"*.deb >SHA256SUMS
sed -i 's|  \./|  |' SHA256SUMS
cat SHA256SUMS
