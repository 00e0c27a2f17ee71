#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""sbom_check.py FOLDER SBOM: the bill of materials lists every file of the unpacked bundle with its checksum, and names a
package for every library."""
import hashlib, json, pathlib, sys

folder = pathlib.Path(sys.argv[1])
bill = json.loads(pathlib.Path(sys.argv[2]).read_text(encoding='utf-8'))
sums = {f['fileName'][2:]: f['checksums'][1]['checksumValue'] for f in bill['files']}
files = [p for p in folder.rglob('*') if p.is_file() and not p.is_symlink() and p.name != 'convoy.spdx.json']
wrong = [str(p) for p in files if sums.get(p.relative_to(folder).as_posix()) != hashlib.sha256(p.read_bytes()).hexdigest()]
packaged = {r['spdxElementId'] for r in bill['relationships'] if r['relationshipType'] == 'GENERATED_FROM'}
bare = [f['fileName'] for f in bill['files'] if f['fileName'].startswith('./lib/') and f['SPDXID'] not in packaged]
if wrong or bare or len(sums) != len(files):
    sys.exit(f'sbom: this is not what the bundle has: {wrong + bare}, {len(files)} files and {len(sums)} listed')
print(f"sbom: {len(files)} files, {len(bill['packages']) - 1} packages")
