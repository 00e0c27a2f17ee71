#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The bill of materials of a packed folder as SPDX 2.3 JSON: sbom.py FOLDER NAME VERSION <ORIGINS >SBOM
ORIGINS has a line for each library that was packed: its path in the folder, a tab, the file that it was copied from. Every
file of the folder is listed with its checksum, and every library with the Debian package, version and source that it
comes from, as dpkg knows it, and with the licences that its copyright file declares. SOURCE_DATE_EPOCH sets the date."""
import datetime, hashlib, json, os, pathlib, subprocess, sys
from licences import Licences


def output_of(*command):
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=False).stdout


def package_of(path):
    """(name, version, architecture, source) of the package that has installed a file; None where dpkg knows none."""
    for known in (path, path.removeprefix('/usr')):  # dpkg has recorded /lib where that is a link to /usr/lib
        owner = output_of('dpkg-query', '--search', known).split(': ')[0].split(',')[0]
        if owner:
            form = '${Package}\t${Version}\t${Architecture}\t${source:Package} ${source:Version}'
            return tuple(output_of('dpkg-query', '--show', '--showformat', form, owner).split('\t'))
    return None


def spdx_id(*words):
    return 'SPDXRef-' + '-'.join(''.join(c if c.isalnum() or c == '.' else '-' for c in word) for word in words)


def main():
    folder, name, version = pathlib.Path(sys.argv[1]), sys.argv[2], sys.argv[3]
    origins = dict(line.rstrip('\n').split('\t') for line in sys.stdin)
    missing = [packed for packed in origins if not (folder / packed).is_file()]
    if missing:
        sys.exit(f'sbom: {missing[0]} is said to be packed, and is not in {folder}')
    root = spdx_id('Package', name)
    packages = {root: {'SPDXID': root, 'name': name, 'versionInfo': version, 'downloadLocation': 'NOASSERTION',
                       'filesAnalyzed': True, 'licenseInfoFromFiles': ['NOASSERTION'],
                       'licenseConcluded': 'NOASSERTION', 'licenseDeclared': 'MIT', 'copyrightText': 'NOASSERTION', 'primaryPackagePurpose': 'APPLICATION'}}
    files, extracted, links = [], {}, [('SPDXRef-DOCUMENT', 'DESCRIBES', root)]
    for path in sorted(p for p in folder.rglob('*') if p.is_file() and not p.is_symlink()):
        inside = path.relative_to(folder).as_posix()
        data = path.read_bytes()
        file_id = spdx_id('File', inside)
        files.append({'SPDXID': file_id, 'fileName': './' + inside, 'licenseConcluded': 'NOASSERTION',
                      'licenseInfoInFiles': ['NOASSERTION'], 'copyrightText': 'NOASSERTION',
                      'checksums': [{'algorithm': 'SHA1', 'checksumValue': hashlib.sha1(data).hexdigest()},
                                    {'algorithm': 'SHA256', 'checksumValue': hashlib.sha256(data).hexdigest()}]})
        links.append((root, 'CONTAINS', file_id))
        if inside not in origins:
            continue
        known = package_of(origins[inside])
        if not known:
            continue
        package, its_version, architecture, source = known
        package_id = spdx_id('Package', package)
        declared = Licences(package, (folder / 'share/doc/licences' / package).read_text(encoding='utf-8', errors='replace'))
        extracted |= declared.texts
        packages.setdefault(package_id, {
            'SPDXID': package_id, 'name': package, 'versionInfo': its_version, 'downloadLocation': 'NOASSERTION',
            'filesAnalyzed': False, 'licenseConcluded': 'NOASSERTION', 'licenseDeclared': declared.expression or 'NOASSERTION',
            'copyrightText': 'NOASSERTION', 'sourceInfo': f'built from the source package {source}',
            'licenseComments': f'share/doc/licences/{package}', 'primaryPackagePurpose': 'LIBRARY',
            'externalRefs': [{'referenceCategory': 'PACKAGE-MANAGER', 'referenceType': 'purl',
                              'referenceLocator': f'pkg:deb/debian/{package}@{its_version}?arch={architecture}'}]})
        links += [(root, 'DEPENDS_ON', package_id), (file_id, 'GENERATED_FROM', package_id)]
    date = datetime.datetime.fromtimestamp(int(os.environ.get('SOURCE_DATE_EPOCH', '0')) or
                                           datetime.datetime.now().timestamp(), datetime.timezone.utc)
    sums = sorted(f['checksums'][0]['checksumValue'] for f in files)
    packages[root]['packageVerificationCode'] = {'packageVerificationCodeValue': hashlib.sha1(''.join(sums).encode()).hexdigest()}
    digest = hashlib.sha256(''.join(f['checksums'][1]['checksumValue'] for f in files).encode()).hexdigest()
    json.dump({'spdxVersion': 'SPDX-2.3', 'dataLicense': 'CC0-1.0', 'SPDXID': 'SPDXRef-DOCUMENT', 'name': f'{name}-{version}',
               'documentNamespace': f'https://spdx.org/spdxdocs/{name}-{version}-{digest[:32]}',
               'creationInfo': {'created': date.strftime('%Y-%m-%dT%H:%M:%SZ'), 'creators': ['Tool: sbom.py']},
               'packages': list(packages.values()), 'files': files,
               'hasExtractedLicensingInfos': [{'licenseId': reference, 'name': name, 'extractedText': text}
                                              for reference, (name, text) in sorted(extracted.items())],
               'relationships': [{'spdxElementId': a, 'relationshipType': kind, 'relatedSpdxElement': b}
                                 for a, kind, b in dict.fromkeys(links)]}, sys.stdout, indent=1)
    print()


main()
