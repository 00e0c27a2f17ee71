#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Draws which folder includes which as a mermaid flowchart, without the arrows that follow from others, and counts the
floors: a room stands one floor above the highest room that it includes. Rooms that include each other in a circle are
an error that names the files, and so is an engine with more floors than it may have.
usage: include_graph.py [--check | --write] [ROOT]   compare with the picture in docs/architecture.md, or put it there"""
import argparse, pathlib, re, sys

# The first pattern that a path matches is its room.
ROOMS = [(name, re.compile(pattern)) for name, pattern in [
    ('include/convoy/media', r'include/convoy/media(/|\.hpp$)'),
    ('include/convoy', r'include/'),
    ('darknet_loader', r'darknet_loader/'),
    ('kernels/cpu', r'kernels/cpu/'),
    ('kernels/cuda', r'kernels/cuda/'),
    ('kernels', r'kernels/'),
    ('engine/plan', r'engine/plan/'),
    ('engine/cpu', r'engine/cpu/'),
    ('engine/cuda', r'engine/cuda/'),
    ('engine/run', r'engine/run/'),
    ('engine/backend.h, stage.h', r'engine/(area|backend|stage|start_thread)\.h$|engine/cores\.(h|cpp)$'),
    ('engine', r'engine/'),
    ('tools/analysis', r'tools/analysis/'),
    ('tools/media/in', r'tools/media/in/'),
    ('tools/media/pictures', r'tools/media/pictures/'),
    ('tools/media/draw', r'tools/media/draw/'),
    ('tools/media/out', r'tools/media/out/'),
    ('tools/media', r'tools/media/'),
    ('tools/fleet', r'tools/fleet/'),
    ('tools/sinks', r'tools/sinks/'),
    ('tools/serve', r'tools/serve/'),
    ('tools', r'tools/'),
]]
FOLDERS = ['include', 'darknet_loader', 'kernels', 'engine', 'tools']
SUFFIXES = {'.h', '.hpp', '.cpp', '.cu', '.cuh'}
INCLUDE = re.compile(r'^\s*#\s*include\s*(?:"([^"]+)"|<(convoy/[^>]+)>)', re.MULTILINE)
ENGINE_FLOORS = 6  # include/convoy counts as the lowest
PAGE = 'docs/architecture.md'
BEGIN, END = '<!-- include graph: docs/include_graph.py --write -->\n', '<!-- end of the include graph -->\n'


def room_of(path):
    return next((name for name, pattern in ROOMS if pattern.match(path)), None)


def read_arrows(root):
    """{room: {included room: ["file includes file", …]}}"""
    arrows = {}
    for folder in FOLDERS:
        for file in sorted((root / folder).rglob('*')):
            if file.suffix not in SUFFIXES:
                continue
            name = file.relative_to(root).as_posix()
            room = room_of(name)
            arrows.setdefault(room, {})
            for quoted, public in INCLUDE.findall(file.read_text(encoding='utf-8')):
                target = quoted or f'include/{public}'
                other = room_of(target)
                if other and other != room:
                    arrows[room].setdefault(other, []).append(f'{name} includes {target}')
    for room in {other for targets in arrows.values() for other in targets}:
        arrows.setdefault(room, {})
    return arrows


def find_circle(arrows):
    """The rooms of one circle, in order, or None: a depth-first search that meets a room on its own way."""
    done = set()

    def visit(room, way):
        if room in way:
            return way[way.index(room):]
        if room in done:
            return None
        circle = next(filter(None, (visit(other, way + [room]) for other in arrows[room])), None)
        done.add(room)
        return circle

    return next(filter(None, (visit(room, []) for room in arrows)), None)


def floors_of(arrows, rooms):
    """{room: floor} of these rooms, by what they include of each other."""
    floors = {}

    def floor(room):
        if room not in floors:
            floors[room] = 1 + max((floor(other) for other in arrows[room] if other in rooms), default=0)
        return floors[room]

    for room in rooms:
        floor(room)
    return floors


def reachable(arrows, room):
    return {room}.union(*(reachable(arrows, other) for other in arrows[room]))


def draw(arrows, engine_floors):
    order = [name for name, _ in ROOMS if name in arrows]
    floors = floors_of(arrows, order)
    order.sort(key=lambda room: -floors[room])
    number = {room: f'r{i}' for i, room in enumerate(order)}
    lines = ['```mermaid', 'flowchart TB']
    lines += [f'    {number[room]}["{room}<br/>floor {floors[room]}"]' for room in order]
    for room in order:
        for other in sorted(arrows[room], key=order.index):
            if not any(other in reachable(arrows, between) for between in arrows[room] if between != other):
                lines.append(f'    {number[room]} --> {number[other]}')
    lines += ['```', '', f'`engine/` has {engine_floors} floors, counted from `include/convoy/` as the lowest; it may have '
              f'{ENGINE_FLOORS} at most.']
    return '\n'.join(lines) + '\n'


def make_picture(root):
    arrows = read_arrows(root)
    circle = find_circle(arrows)
    if circle:
        files = [line for room, other in zip(circle, circle[1:] + circle[:1]) for line in arrows[room][other]]
        sys.exit('include_graph: these rooms include each other in a circle: ' + ' → '.join(circle + circle[:1]) +
                 '\n' + '\n'.join(files))
    engine = [room for room in arrows if room.startswith('engine') or room == 'include/convoy']
    engine_floors = max(floors_of(arrows, engine).values(), default=0)
    if engine_floors > ENGINE_FLOORS:
        sys.exit(f'include_graph: engine/ has {engine_floors} floors and may have {ENGINE_FLOORS}')
    return draw(arrows, engine_floors)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('root', nargs='?', type=pathlib.Path, default=pathlib.Path(__file__).resolve().parent.parent)
    what = parser.add_mutually_exclusive_group()
    what.add_argument('--check', action='store_true')
    what.add_argument('--write', action='store_true')
    a = parser.parse_args()

    picture = make_picture(a.root)
    if not (a.check or a.write):
        return print(picture, end='')
    page = a.root / PAGE
    text = page.read_text(encoding='utf-8')
    before, begin, rest = text.partition(BEGIN)
    old, end, after = rest.partition(END)
    if not (begin and end):
        sys.exit(f'include_graph: {PAGE} lacks the two lines between which the picture stands:\n{BEGIN}{END}')
    if a.write:
        page.write_text(before + begin + picture + end + after, encoding='utf-8')
    elif old != picture:
        sys.exit(f'include_graph: the picture in {PAGE} is not that of the sources: run docs/include_graph.py --write')


if __name__ == '__main__':
    main()
