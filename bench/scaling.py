#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""One video on 1, 2, 4, … GPUs, turn by turn: the network alone, with decoding, the whole program to JSON Lines and to
MP4; beside it the usual program, a thread per GPU, if --peer names it. Prints a table; --json and --svg write files.
Stops if the records of two runs of the video differ in anything but their latency.
usage: scaling.py BIN CFG WEIGHTS VIDEO [--gpus 1,2,4] [--turns 3] [--modes network,run,jsonl,mp4,peer]"""
import argparse, hashlib, html, json, os, re, statistics, subprocess, sys, tempfile

MODES = {'network': 'network alone', 'run': 'decode + network', 'jsonl': 'yolo-run to JSON Lines',
         'mp4': 'yolo-run to MP4', 'peer': 'a thread per GPU'}


def devices(gpus):
    return 'cuda:' + ','.join(map(str, range(gpus)))


def call(command):
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f'{" ".join(command)}: status {done.returncode}\n{done.stderr[-2000:]}')
    return done.stdout


def convoy_bench(a, what, gpus, out, more):
    call([f'{a.bin}/convoy-bench', what, '--cfg', a.cfg, '--weights', a.weights, '--device', devices(gpus), '--json', out,
          *a.options, *more])
    return json.load(open(out))


def yolo_run(a, gpus, folder, more):
    call([f'{a.bin}/yolo-run', '--cfg', a.cfg, '--weights', a.weights, '--device', devices(gpus), '--quiet',
          '--confidence', a.confidence, '--report-json', f'{folder}/r.json', *a.options, *more, a.video])
    report = json.load(open(f'{folder}/r.json'))
    return {'fps': report['frames_per_second'], 'latency_ms': report['latency']['median_ms'],
            'p99_ms': report['latency']['p99_ms'], 'bottleneck': report['bottleneck']}


def digest_of_records(path):
    digest = hashlib.sha256()
    with open(path, 'rb') as records:
        for record in records: digest.update(re.sub(rb'"latency_ms":[^,]*,', b'', record))
    return digest.hexdigest()[:16]


def measure(a, mode, gpus, folder):
    if mode == 'network':
        return {'fps': convoy_bench(a, 'network', gpus, f'{folder}/n.json', ['--batch', '32', '--passes', '5'])['fps']}
    if mode == 'run':
        r = convoy_bench(a, 'run', gpus, f'{folder}/d.json', [a.video, '--warmup', '1', '--passes', '1'])
        return {k: r[k] for k in ('fps', 'latency_ms', 'start_s', 'replication', 'replication_s', 'cores_busy')}
    if mode == 'jsonl':
        result = yolo_run(a, gpus, folder, ['--jsonl', f'{folder}/x.jsonl'])
        return result | {'records': digest_of_records(f'{folder}/x.jsonl')}
    if mode == 'mp4':
        return yolo_run(a, gpus, folder, ['--video', f'{folder}/x.mp4', *a.mp4_options])
    line = call([sys.executable, a.peer, a.cfg, a.peer_video or a.video, '--gpus', str(gpus)]).strip().splitlines()[-1]
    r = json.loads(line)
    return {'fps': r['fps'], 'latency_ms': r['ms_per_frame']}


def table(results, gpus):
    out = ['| | GPUs | frames/s (lowest–highest) | × one | median ms a frame | × one |', '|---|---|---|---|---|---|']
    for mode, runs in results.items():
        for g in gpus:
            rates = [r['fps'] for r in runs[g]]
            # Ratios turn by turn: what slows the machine down slows both sides.
            speedup = statistics.median(b['fps'] / a['fps'] for a, b in zip(runs[gpus[0]], runs[g]))
            ms = slower = ''
            if 'latency_ms' in runs[g][0]:
                ms = f'{statistics.median(r["latency_ms"] for r in runs[g]):.2f}'
                slower = f'{statistics.median(b["latency_ms"] / a["latency_ms"] for a, b in zip(runs[gpus[0]], runs[g])):.3f}'
            out.append(f'| {MODES[mode]} | {g} | {statistics.median(rates):,.0f} ({min(rates):,.0f}–{max(rates):,.0f}) '
                       f'| {speedup:.2f} | {ms} | {slower} |')
    return '\n'.join(out)


def svg(results, gpus):
    """Speed-up over the number of GPUs, a line per mode, and the diagonal that is wished for."""
    left, top, side = 60, 30, 320
    most = gpus[-1]
    x = lambda g: left + side * (g - 1) / max(1, most - 1)
    y = lambda s: top + side - side * (s - 1) / max(1, most - 1)
    colours = dict(zip(MODES, ('#54a24b', '#4c78a8', '#b279a2', '#f58518', '#e45756')))
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{left + side + 230}" height="{top + side + 50}" '
           f'font-family="sans-serif" font-size="12"><rect width="100%" height="100%" fill="#fff"/>',
           f'<line x1="{x(1)}" y1="{y(1)}" x2="{x(most)}" y2="{y(most)}" stroke="#bbb" stroke-dasharray="4 3"/>']
    for g in gpus:
        out.append(f'<text x="{x(g)}" y="{top + side + 20}" text-anchor="middle">{g}</text>'
                   f'<text x="{left - 10}" y="{y(g) + 4}" text-anchor="end">{g}×</text>'
                   f'<line x1="{left}" y1="{y(g)}" x2="{left + side}" y2="{y(g)}" stroke="#eee"/>')
    out.append(f'<text x="{left + side / 2}" y="{top + side + 40}" text-anchor="middle">GPUs</text>')
    for row, (mode, runs) in enumerate(results.items()):
        points = [(g, statistics.median(b['fps'] / a['fps'] for a, b in zip(runs[gpus[0]], runs[g]))) for g in gpus]
        path = ' '.join(f'{x(g):.1f},{y(s):.1f}' for g, s in points)
        out.append(f'<polyline points="{path}" fill="none" stroke="{colours[mode]}" stroke-width="2"/>')
        out += [f'<circle cx="{x(g):.1f}" cy="{y(s):.1f}" r="3" fill="{colours[mode]}"/>' for g, s in points]
        out.append(f'<rect x="{left + side + 20}" y="{top + 20 * row}" width="12" height="12" fill="{colours[mode]}"/>'
                   f'<text x="{left + side + 38}" y="{top + 20 * row + 10}">{html.escape(MODES[mode])}: '
                   f'{points[-1][1]:.2f}×</text>')
    return '\n'.join(out + ['</svg>']) + '\n'


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ('bin', 'cfg', 'weights', 'video'): p.add_argument(name)
    p.add_argument('--gpus', default='1,2,4')
    p.add_argument('--turns', type=int, default=3)
    p.add_argument('--modes', default='network,run,jsonl,mp4')
    p.add_argument('--peer', help='a program that takes CFG VIDEO --gpus N and prints {"fps", "ms_per_frame"} last')
    p.add_argument('--peer-video', help='what it gets instead, if VIDEO does not fit into its memory')
    p.add_argument('--confidence', default='0.25')
    p.add_argument('--options', default='', help='more options for convoy-bench and yolo-run')
    p.add_argument('--mp4-options', default='')
    p.add_argument('--json'), p.add_argument('--svg')
    a = p.parse_args()
    a.options, a.mp4_options = a.options.split(), a.mp4_options.split()
    gpus = [int(g) for g in a.gpus.split(',')]
    modes = [m for m in a.modes.split(',') if m != 'peer'] + (['peer'] if a.peer else [])
    results = {m: {g: [] for g in gpus} for m in modes}
    with tempfile.TemporaryDirectory() as folder:
        for turn in range(a.turns):
            for mode in modes:
                for g in gpus:
                    results[mode][g].append(measure(a, mode, g, folder))
                    print(f'turn {turn + 1}, {MODES[mode]}, {g} GPUs: {results[mode][g][-1]}', flush=True)
    digests = {r['records'] for runs in results.get('jsonl', {}).values() for r in runs}
    if len(digests) > 1: sys.exit(f'the records of the runs differ: {digests}')
    text = table(results, gpus)
    print(text)
    if a.json: json.dump({'table': text, 'results': results}, open(a.json, 'w'), indent=1)
    if a.svg: open(a.svg, 'w').write(svg(results, gpus))


main()
