#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Draws a piece of a trace (convoy-bench pipeline --trace) as an SVG: a row per track, time to the right.
usage: trace_picture.py TRACE.json OUT.svg [--from MS] [--length MS]"""
import argparse, html, json

COLOURS = {'copy': '#4c78a8', 'preprocess': '#f58518', 'network': '#54a24b'}
LEFT, WIDTH, ROW, TOP = 120, 960, 22, 40


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument('trace'), p.add_argument('out')
    p.add_argument('--from', dest='start', type=float, help='ms into the trace (default: the middle)')
    p.add_argument('--length', type=float, default=20, help='ms (default: 20)')
    a = p.parse_args()
    events = json.load(open(a.trace))['traceEvents']
    names = {e['tid']: e['args']['name'] for e in events if e['ph'] == 'M'}
    spans = [e for e in events if e['ph'] == 'X']
    first, last = min(e['ts'] for e in spans), max(e['ts'] + e['dur'] for e in spans)
    start = first + a.start * 1e3 if a.start is not None else (first + last) / 2
    rows = sorted(names, key=lambda tid: names[tid])
    height = TOP + ROW * len(rows) + 40
    x = lambda us: LEFT + (us - start) / (a.length * 1e3) * WIDTH
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{LEFT + WIDTH + 20}" height="{height}" '
           f'font-family="sans-serif" font-size="12"><rect width="100%" height="100%" fill="#fff"/>']
    for i, tid in enumerate(rows):
        y = TOP + i * ROW
        out.append(f'<text x="{LEFT - 8}" y="{y + 15}" text-anchor="end">{html.escape(names[tid])}</text>')
        for e in spans:
            if e['tid'] != tid or e['ts'] + e['dur'] < start or e['ts'] > start + a.length * 1e3:
                continue
            left, right = max(LEFT, x(e['ts'])), min(LEFT + WIDTH, x(e['ts'] + e['dur']))
            out.append(f'<rect x="{left:.1f}" y="{y + 2}" width="{max(.6, right - left):.1f}" height="{ROW - 4}" '
                       f'fill="{COLOURS.get(names[tid].split()[0], "#888")}"><title>{html.escape(e["name"])}, '
                       f'{e["dur"]:.0f} us</title></rect>')
    for tick in range(int(a.length) + 1):
        if tick % max(1, int(a.length) // 10) == 0:
            at = LEFT + tick / a.length * WIDTH
            out.append(f'<line x1="{at:.1f}" y1="{TOP - 6}" x2="{at:.1f}" y2="{TOP + ROW * len(rows)}" stroke="#ccc"/>'
                       f'<text x="{at:.1f}" y="{TOP - 12}" text-anchor="middle">{tick} ms</text>')
    out.append('</svg>')
    open(a.out, 'w').write('\n'.join(out) + '\n')


main()
