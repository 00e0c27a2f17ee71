# SPDX-License-Identifier: MIT
"""What a Debian copyright file says of licences, in SPDX's words."""
import re

# Debian's short names that SPDX calls otherwise, in lower case; those of the GNU licences follow a rule.
NAMES = {'0bsd': '0BSD', 'afl-2.0': 'AFL-2.0', 'apache-2': 'Apache-2.0', 'apache-2.0': 'Apache-2.0', 'artistic': 'Artistic-1.0-Perl',
         'beerware': 'Beerware', 'bitstream-vera': 'Bitstream-Vera', 'boost-1.0': 'BSL-1.0', 'bsd-1-clause': 'BSD-1-Clause',
         'bsd-2': 'BSD-2-Clause', 'bsd-2-clause': 'BSD-2-Clause', 'bsd-3': 'BSD-3-Clause', 'bsd-3-clause': 'BSD-3-Clause',
         'bsd-3-clause-clear': 'BSD-3-Clause-Clear', 'bsd-4-clause': 'BSD-4-Clause', 'bsd-4-clause-uc': 'BSD-4-Clause-UC',
         'bsl-1.0': 'BSL-1.0', 'bzip2-1.0.6': 'bzip2-1.0.6', 'cc-by-3.0': 'CC-BY-3.0', 'cc-by-4.0': 'CC-BY-4.0',
         'cc-by-sa-3.0': 'CC-BY-SA-3.0', 'cc0': 'CC0-1.0', 'cc0-1.0': 'CC0-1.0', 'epl-2.0': 'EPL-2.0', 'expat': 'MIT', 'fsfap': 'FSFAP', 'fsful': 'FSFUL',
         'fsfullr': 'FSFULLR', 'ftl': 'FTL', 'icu': 'ICU', 'ijg': 'IJG', 'isc': 'ISC', 'libpng': 'Libpng', 'libtiff': 'libtiff',
         'mit': 'MIT', 'mpl-1.0': 'MPL-1.0', 'mpl-1.1': 'MPL-1.1', 'mpl-2.0': 'MPL-2.0', 'ntp': 'NTP', 'ofl-1.1': 'OFL-1.1',
         'tcl': 'TCL', 'unicode-dfs-2016': 'Unicode-DFS-2016', 'unlicense': 'Unlicense', 'x11': 'X11', 'zlib': 'Zlib'}
EXCEPTIONS = {'autoconf': 'Autoconf-exception-2.0', 'bison': 'Bison-exception-2.2', 'font': 'Font-exception-2.0',
              'libtool': 'Libtool-exception', 'llvm': 'LLVM-exception'}
GNU = re.compile(r'(a?gpl|lgpl|gfdl)-(\d)(\.\d)?(\.0)?(\+|-or-later|-only)?')
WITH = re.compile(r'(\S+) with (\S+) exception', re.IGNORECASE)


def stanzas(text):
    """The paragraphs, each a dict of its fields; what goes on over several lines keeps them."""
    for paragraph in re.split(r'\n[ \t]*\n', text):
        fields, name = {}, None
        for line in paragraph.splitlines():
            if line[:1] in (' ', '\t'):
                if name:
                    fields[name] += '\n' + line.strip().removeprefix('.')
            elif ':' in line:
                name, value = line.split(':', 1)
                name = name.lower()
                fields[name] = value.strip()
        if fields:
            yield fields


class Licences:
    """What the copyright file of a package declares: `expression`, and `texts` of the licences that SPDX does not know,
    by their reference. An expression of None: the file cannot be read by a machine."""

    def __init__(self, package, copyright_file):
        self.expression, self.texts, self._package = None, {}, package
        if not re.match(r'\s*Format(-Specification)?:', copyright_file):
            return
        paragraphs = list(stanzas(copyright_file))
        self._known = {}
        for paragraph in paragraphs:
            name, _, text = paragraph.get('license', '').partition('\n')
            if text:
                self._known.setdefault(name.strip(), text)
        # debian/ is what the package was built by, and not in it.
        declared = {paragraph['license'].partition('\n')[0].strip() for paragraph in paragraphs
                    if 'license' in paragraph and not paragraph.get('files', 'debian/').startswith('debian/')}
        parts = sorted({part for name in declared if name for part in self._parts(name)})
        self.expression = ' AND '.join(f'({part})' if ' OR ' in part and len(parts) > 1 else part for part in parts) or None

    # All of these hold. As in Debian's format, "and" binds closer than "or", but for one behind a comma.
    def _parts(self, name):
        for part in re.split(r',\s+and\s+', name):
            choices = [[self._one(one.strip(' ,')) for one in re.split(r'\s+and\s+', choice)]
                       for choice in re.split(r',?\s+or\s+', part, flags=re.IGNORECASE)]
            yield from choices[0] if len(choices) == 1 else [' OR '.join(' AND '.join(choice) for choice in choices)]

    def _one(self, name):
        if name.lower() in NAMES:
            return NAMES[name.lower()]
        if gnu := GNU.fullmatch(name.lower()):
            family, major, minor, _, later = gnu.groups()
            return f'{family.upper()}-{major}{minor or ".0"}' + ('-or-later' if later in ('+', '-or-later') else '-only')
        if (both := WITH.fullmatch(name)) and both[2].lower() in EXCEPTIONS:
            licence = self._one(both[1])
            if not licence.startswith('LicenseRef'):
                return f'{licence} WITH {EXCEPTIONS[both[2].lower()]}'
        reference = 'LicenseRef-' + re.sub(r'[^A-Za-z0-9.]+', '-', f'{self._package}-{name}').strip('-')
        self.texts[reference] = (name, self._known.get(name, f'{name}: see share/doc/licences/{self._package}'))
        return reference
