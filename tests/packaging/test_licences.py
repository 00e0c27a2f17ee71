#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""cmake/licences.py reads Debian's copyright files: test_licences.py FOLDER-OF-IT."""
import sys
import unittest

sys.path.insert(0, sys.argv.pop())
from licences import Licences

FILE = '''Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: thing

Files: *
Copyright: 2001 Somebody
License: {}

Files: debian/*
Copyright: 2002 Somebody else
License: GPL-3

License: Odd-1
 Do what
 .
 you like.
'''


def declared(licence):
    return Licences('libthing1', FILE.format(licence))


class Test(unittest.TestCase):
    def test_names(self):
        for debian, spdx in (('Expat', 'MIT'), ('GPL-2+', 'GPL-2.0-or-later'), ('LGPL-2.1', 'LGPL-2.1-only'), ('GPL-3.0', 'GPL-3.0-only'),
                             ('LGPL-2.0-or-later', 'LGPL-2.0-or-later'), ('GFDL-1.2+', 'GFDL-1.2-or-later'), ('ZLIB', 'Zlib'),
                             ('GPL-2+ with Autoconf exception', 'GPL-2.0-or-later WITH Autoconf-exception-2.0')):
            self.assertEqual(declared(debian).expression, spdx)
            self.assertEqual(declared(debian).texts, {})

    def test_words_between_them(self):
        self.assertEqual(declared('GPL-2+ or LGPL-3+').expression, 'GPL-2.0-or-later OR LGPL-3.0-or-later')
        self.assertEqual(declared('ISC and Expat or Zlib').expression, 'ISC AND MIT OR Zlib')
        self.assertEqual(declared('Apache-2.0, and Expat or 0BSD').expression, 'Apache-2.0 AND (MIT OR 0BSD)')

    def test_all_stanzas_count_but_that_of_the_packaging(self):
        text = FILE.format('GPL-2+ or ISC') + '\nFiles: a.c\nLicense: Expat\n and its text\n\nFiles: b.c\nLicense: MIT\n'
        self.assertEqual(Licences('libthing1', text).expression, '(GPL-2.0-or-later OR ISC) AND MIT')

    def test_what_spdx_does_not_know_brings_its_text(self):
        odd = declared('Odd-1 and Expat')
        self.assertEqual(odd.expression, 'LicenseRef-libthing1-Odd-1 AND MIT')
        self.assertEqual(odd.texts, {'LicenseRef-libthing1-Odd-1': ('Odd-1', 'Do what\n\nyou like.')})
        self.assertEqual(declared('GPL-2+ with odd exception').expression, 'LicenseRef-libthing1-GPL-2-with-odd-exception')

    def test_prose_declares_nothing(self):
        self.assertIsNone(Licences('libthing1', 'This package was debianized by somebody.\nLicense: GPL-2\n').expression)


unittest.main()
