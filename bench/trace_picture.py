#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Draws a piece of a trace (yolo-run --trace) as an SVG: a row per track, time to the right, a colour per kind of work.
usage: trace_picture.py TRACE.json OUT.svg [--from MS] [--length MS] [--tracks REGEX] [--title TEXT]"""
import argparse, html, json, re

COLOURS = {'decode': '#4c78a8', 'preprocess': '#f58518', 'batch of': '#54a24b', 'post-process': '#72b7b2', 'copy': '#9ecae9',
           'frame': '#e45756', 'end': '#e45756', 'demux': '#b279a2', 'result': '#eeca3b', 'wait': '#dddddd',
           'letterbox': '#e45756', 'upload': '#9ecae9', 'launch': '#f58518', 'boxes': '#72b7b2', 'read back': '#bbbbbb',
           'draw': '#b279a2', 'network': '#54a24b'}
LABELS = {'batch of': 'a batch'}
LEFT, WIDTH, ROW, TOP = 190, 960, 18, 58


def colour(name):
    return next((c for key, c in COLOURS.items() if name.startswith(key)), '#888')


def natural(text):
    return [int(t) if t.isdigit() else t for t in re.split(r'(\d+)', text)]


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('trace'), p.add_argument('out')
    p.add_argument('--from', dest='start', type=float, help='ms into the trace (default: the middle)')
    p.add_argument('--length', type=float, default=20, help='ms (default: 20)')
    p.add_argument('--tracks', default='', help='only tracks whose "process: thread" this finds')
    p.add_argument('--title', default='')
    a = p.parse_args()
    events = json.load(open(a.trace))['traceEvents']
    process = {e['pid']: e['args']['name'] for e in events if e['ph'] == 'M' and e['name'] == 'process_name'}
    track = {(e['pid'], e['tid']): f"{process.get(e['pid'], '')}: {e['args']['name']}"
             for e in events if e['ph'] == 'M' and e['name'] == 'thread_name'}
    spans = [e for e in events if e['ph'] == 'X']
    first, last = min(e['ts'] for e in spans), max(e['ts'] + e['dur'] for e in spans)
    start = first + a.start * 1e3 if a.start is not None else (first + last) / 2
    stop = start + a.length * 1e3
    shown = [e for e in spans if e['ts'] < stop and e['ts'] + e['dur'] > start]
    rows = sorted({track[e['pid'], e['tid']] for e in shown if re.search(a.tracks, track[e['pid'], e['tid']])}, key=natural)
    x = lambda us: LEFT + (us - start) / (stop - start) * WIDTH
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{LEFT + WIDTH + 20}" height="{TOP + ROW * len(rows) + 20}" '
           f'font-family="sans-serif" font-size="11"><rect width="100%" height="100%" fill="#fff"/>'
           f'<text x="{LEFT}" y="16" font-size="13" font-weight="bold">{html.escape(a.title)}</text>']
    for tick in range(11):
        at = LEFT + tick / 10 * WIDTH
        out.append(f'<line x1="{at:.1f}" y1="{TOP - 6}" x2="{at:.1f}" y2="{TOP + ROW * len(rows)}" stroke="#ddd"/>'
                   f'<text x="{at:.1f}" y="{TOP - 10}" text-anchor="middle">{a.length * tick / 10:g} ms</text>')
    for i, row in enumerate(rows):
        y = TOP + i * ROW
        out.append(f'<text x="{LEFT - 8}" y="{y + 13}" text-anchor="end">{html.escape(row)}</text>')
        for e in shown:
            if track[e['pid'], e['tid']] != row: continue
            left, right = max(LEFT, x(e['ts'])), min(LEFT + WIDTH, x(e['ts'] + e['dur']))
            out.append(f'<rect x="{left:.1f}" y="{y + 2}" width="{max(.5, right - left):.1f}" height="{ROW - 4}" '
                       f'fill="{colour(e["name"])}"><title>{html.escape(e["name"])}, {e["dur"]:.0f} us</title></rect>')
    kinds = sorted({next((k for k in COLOURS if e['name'].startswith(k)), 'other') for e in shown
                    if track[e['pid'], e['tid']] in rows})
    at = LEFT
    for kind in kinds:
        out.append(f'<rect x="{at}" y="24" width="10" height="10" fill="{COLOURS.get(kind, "#888")}"/>'
                   f'<text x="{at + 14}" y="33">{html.escape(LABELS.get(kind, kind))}</text>')
        at += 26 + 7 * len(LABELS.get(kind, kind))
    open(a.out, 'w').write('\n'.join(out + ['</svg>']) + '\n')


main()
