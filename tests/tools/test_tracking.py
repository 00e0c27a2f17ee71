#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""How well the tracker follows things whose paths are known: MOTA and IDF1 by motmetrics, on seeded scenes with misses,
unsure detections, false alarms and things that hide behind each other, beside a tracker that only pairs boxes of
consecutive frames greedily by IoU. Status 77 where motmetrics is not installed (pip install "numpy<2" motmetrics).
usage: test_tracking.py TRACK_BOXES"""
import collections
import random
import subprocess
import sys
import warnings

try:
    import motmetrics
    import numpy
except ImportError as missing:
    print(f'skipped: {missing.name} is not installed')
    sys.exit(77)

RATE, FRAMES, WIDTH, HEIGHT = 25, 500, 1280, 720
Scene = collections.namedtuple('Scene', 'name things miss unsure blur alarms every', defaults=(1,))
SCENES = [
    Scene('clean', 8, miss=0, unsure=0, blur=.01, alarms=0),
    Scene('misses', 10, miss=.15, unsure=.1, blur=.02, alarms=.2),
    Scene('unsure', 10, miss=.05, unsure=.4, blur=.02, alarms=.2),
    Scene('crowd', 40, miss=.1, unsure=.2, blur=.02, alarms=.5),
    Scene('shaky', 15, miss=.2, unsure=.3, blur=.05, alarms=1),
    Scene('every third', 10, miss=.05, unsure=.2, blur=.02, alarms=.2, every=3),
]


def iou(a, b):
    w = min(a[0] + a[2], b[0] + b[2]) - max(a[0], b[0])
    h = min(a[1] + a[3], b[1] + b[3]) - max(a[1], b[1])
    both = max(w, 0) * max(h, 0)
    return both / (a[2] * a[3] + b[2] * b[3] - both)


def walk(rng):
    """A thing's box in each frame of its life: a straight way with slow turns, its size following its depth."""
    depth = rng.uniform(.3, 1)
    x, y = rng.uniform(100, WIDTH - 100), HEIGHT * (.3 + .6 * depth)
    vx, vy = rng.uniform(2, 5) * rng.choice((-1, 1)) * depth, rng.uniform(-.5, .5)
    begin = rng.randrange(0, FRAMES // 2)
    boxes = {}
    for frame in range(begin, min(FRAMES, begin + rng.randrange(150, FRAMES))):
        vx, vy = vx + rng.gauss(0, .05), vy + rng.gauss(0, .02)
        x, y = x + vx, y + vy
        h = 60 + 200 * depth
        if not (-40 < x < WIDTH + 40 and h / 2 < y < HEIGHT):
            break
        boxes[frame] = (x - .2 * h, y - h, .4 * h, h)
    return boxes


def make(scene, seed):
    """({frame: {thing: box}}, {frame: [(confidence, box)]}) of the frames that are looked at."""
    rng = random.Random(seed)
    truth, found = {}, {}
    paths = [walk(rng) for _ in range(scene.things)]
    for frame in range(0, FRAMES, scene.every):
        here = {thing: path[frame] for thing, path in enumerate(paths) if frame in path}
        truth[frame], found[frame] = here, []
        for thing, box in here.items():
            # Who stands lower is nearer, and covers what is behind.
            hidden = max((iou(box, other) for i, other in here.items() if i != thing and
                          other[1] + other[3] > box[1] + box[3]), default=0)
            if rng.random() < scene.miss or hidden > .6:
                continue
            unsure = rng.random() < scene.unsure or hidden > .3
            score = rng.uniform(.25, .49) if unsure else rng.uniform(.65, .98)
            blur = [rng.gauss(0, scene.blur * box[3]) for _ in range(4)]
            found[frame].append((score, (box[0] + blur[0], box[1] + blur[1], box[2] * (1 + blur[2] / box[3]),
                                         box[3] + blur[3])))
        for _ in range(int(scene.alarms) + (rng.random() < scene.alarms % 1)):
            h = rng.uniform(60, 250)
            found[frame].append((rng.uniform(.25, .7), (rng.uniform(0, WIDTH), rng.uniform(0, HEIGHT - h), .4 * h, h)))
        rng.shuffle(found[frame])
    return truth, found


def by_convoy(found, program):
    lines = []
    for frame, detections in found.items():
        lines += [f'{frame} 0 {score} {" ".join(map(repr, box))}' for score, box in detections] or [str(frame)]
    text = '\n'.join(lines) + '\n'
    runs = [subprocess.run([program, str(RATE)], input=text, capture_output=True, text=True, check=True).stdout
            for _ in range(2)]
    assert runs[0] == runs[1], 'the same detections brought other tracks'
    out = collections.defaultdict(dict)
    for line in runs[0].splitlines():
        track, frame, _, _, *box = line.split()
        if track != '0':
            out[int(frame)][int(track)] = tuple(map(float, box))
    return out


def by_greed(found, threshold):
    """Best IoU first, over the boxes of the frame before; every box of `threshold` or more is a thing."""
    out, last, count = {}, {}, 0
    for frame, detections in found.items():
        boxes = [box for score, box in detections if score >= threshold]
        pairs = sorted(((iou(box, old), b, track) for b, box in enumerate(boxes) for track, old in last.items()),
                       reverse=True)
        taken, now = set(), {}
        for overlap, b, track in pairs:
            if overlap > .3 and b not in taken and track not in now:
                now[track] = boxes[b]
                taken.add(b)
        for b in set(range(len(boxes))) - taken:
            count += 1
            now[count] = boxes[b]
        out[frame] = last = now
    return out


def score(truth, tracks):
    accumulator = motmetrics.MOTAccumulator(auto_id=True)
    for frame, here in truth.items():
        there = tracks.get(frame, {})
        distances = numpy.array([[1 - iou(a, b) for b in there.values()] for a in here.values()]).reshape(
            len(here), len(there))
        distances[distances > .5] = numpy.nan
        accumulator.update(list(here), list(there), distances)
    result = motmetrics.metrics.create().compute(accumulator, metrics=['mota', 'idf1', 'num_switches'], name='')
    return result['mota'].item(), result['idf1'].item(), int(result['num_switches'].item())


def main():
    warnings.simplefilter('ignore')
    program, worse = sys.argv[1], []
    print(f'{"":14}{"Convoy":>24}{"greedy, sure boxes":>24}{"greedy, all boxes":>24}\n{"":14}' +
          f'{"MOTA":>8}{"IDF1":>8}{"switch":>8}' * 3)
    for scene in SCENES:
        truth, found = make(scene, seed=7)
        scores = [score(truth, tracks) for tracks in
                  (by_convoy(found, program), by_greed(found, .5), by_greed(found, .25))]
        print(f'{scene.name:14}' + ''.join(f'{mota:8.3f}{idf1:8.3f}{switches:8}' for mota, idf1, switches in scores))
        mota, idf1, _ = scores[0]
        if scene.name == 'clean':
            if mota < .95 or idf1 < .95:
                worse.append(scene.name)
        elif any(mota <= other[0] or idf1 <= other[1] for other in scores[1:]):
            worse.append(scene.name)
    if worse:
        print('not better than a greedy tracker: ' + ', '.join(worse))
    return 1 if worse else 0


if __name__ == '__main__':
    sys.exit(main())
