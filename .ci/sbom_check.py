#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""sbom_check.py FOLDER SBOM: the bill of materials lists every file of the unpacked bundle with its checksum, names a package
for every library, and has the licences of each whose copyright file a machine can read."""
import hashlib, json, pathlib, re, sys

folder = pathlib.Path(sys.argv[1])
bill = json.loads(pathlib.Path(sys.argv[2]).read_text(encoding='utf-8'))
sums = {f['fileName'][2:]: f['checksums'][1]['checksumValue'] for f in bill['files']}
files = [p for p in folder.rglob('*') if p.is_file() and not p.is_symlink() and p.name != 'convoy.spdx.json']
wrong = [str(p) for p in files if sums.get(p.relative_to(folder).as_posix()) != hashlib.sha256(p.read_bytes()).hexdigest()]
packaged = {r['spdxElementId'] for r in bill['relationships'] if r['relationshipType'] == 'GENERATED_FROM'}
bare = [f['fileName'] for f in bill['files'] if f['fileName'].startswith('./lib/') and f['SPDXID'] not in packaged]
if wrong or bare or len(sums) != len(files):
    sys.exit(f'sbom: this is not what the bundle has: {wrong + bare}, {len(files)} files and {len(sums)} listed')
texts = {info['licenseId'] for info in bill['hasExtractedLicensingInfos']}
unlicensed, declared = [], 0
for package in bill['packages'][1:]:
    read = bool(re.match(r'\s*Format', (folder / package['licenseComments']).read_text(encoding='utf-8', errors='replace')))
    licence = package['licenseDeclared']
    if read == (licence == 'NOASSERTION') or not set(re.findall(r'LicenseRef-[^\s)]+', licence)) <= texts:
        unlicensed.append(package['name'])
    declared += read
if unlicensed:
    sys.exit(f'sbom: the licences of these are not told: {unlicensed}')
print(f"sbom: {len(files)} files, {len(bill['packages']) - 1} packages, licences of {declared}")
