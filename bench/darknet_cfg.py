# SPDX-License-Identifier: MIT
"""A Darknet cfg as other frameworks' networks need it."""


def read_cfg(path):
    """Its sections, each a dict with its 'kind'; of [route] and [shortcut], 'from' has the layers' absolute indices."""
    sections = []
    for line in (raw.split('#')[0].strip() for raw in open(path)):
        if line.startswith('['):
            sections.append({'kind': line.strip('[]')})
        elif '=' in line:
            key, value = (part.strip() for part in line.split('=', 1))
            sections[-1][key] = value
    for i, s in enumerate(sections[1:]):
        if s['kind'] in ('route', 'shortcut'):
            sources = s.get('layers', s.get('from')).split(',')
            s['from'] = [int(v) + (i if int(v) < 0 else 0) for v in sources]
    return sections


def conv_padding(section):
    return int(section['size']) // 2 if int(section.get('pad', 0)) else int(section.get('padding', 0))


def pool_padding(section):
    """Pixels before and behind each row and column."""
    size = int(section['size'])
    padding = int(section.get('padding', size - 1))
    return padding // 2, padding - padding // 2
