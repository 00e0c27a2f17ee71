# SPDX-License-Identifier: MIT
"""convoy.run() beside yolo-run, and its end in all the ways that there are."""
import os
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
from conftest import CLIP, SOURCE, records

import convoy

FRAMES = 24


def same(frames, lines):
    """Bit for bit: JSON Lines hold enough digits to read the same floats back."""
    assert len(frames) == len(lines)
    for frame, line in zip(frames, lines):
        assert (frame.index, frame.width, frame.height) == (line['frame'], line['width'], line['height'])
        assert frame.time_s == pytest.approx(line['time_s'], abs=1e-6)
        found = frame.detections
        assert found.dtype == convoy.DETECTION and len(found) == len(frame) == len(line['detections'])
        for row, box in zip(found, line['detections']):
            assert row['class_id'] == box['class_id'] and row['score'] == np.float32(box['confidence'])
            assert [row[side] for side in 'xywh'] == [np.float32(side) for side in box['box']]
            assert row['track'] == box.get('track', 0)


def test_the_clip_has_the_boxes_and_tracks_of_yolo_run(engine):
    frames = list(convoy.run(CLIP, engine, track=True, frames=FRAMES))
    lines = records(CLIP, '--frames', FRAMES, '--track')
    same(frames, lines)
    assert any(frame.detections['track'].any() for frame in frames)


def test_pixels_change_no_box_and_are_those_of_the_frame(engine):
    frames = list(convoy.run(CLIP, engine, pixels=True, track=True, frames=12, queue=2))
    same(frames, records(CLIP, '--frames', 12, '--track'))
    first, last = frames[0].image, frames[-1].image
    assert first.shape == (576, 768, 3) and first.dtype == np.uint8 and first.std() > 10
    assert (first != last).mean() > .01
    assert (first == frames[0].image).all() and frames[0].image is not first
    with pytest.raises(AttributeError, match='pixels=True'):
        next(convoy.run(CLIP, engine, frames=1)).image


def test_several_inputs_come_in_order(engine):
    run = convoy.run([CLIP, CLIP], engine, every=20, frames=3)
    frames = list(run)
    assert [(f.input, f.index) for f in frames] == [(i, n) for i in (0, 1) for n in (0, 20, 40)]
    assert run.inputs == [CLIP, CLIP] and frames[0].path == CLIP
    assert [len(a) for a in frames[:3]] == [len(b) for b in frames[3:]]


def test_options_of_an_engine_are_those_of_the_command():
    frames = list(convoy.run(CLIP, confidence=.6, nms=.3, classes=['person', 2], max_boxes=3, fit='stretch', frames=6, device='cpu'))
    same(frames, records(CLIP, '--frames', 6, '--confidence', .6, '--nms', .3, '--classes', 'person,car', '--max-boxes', 3, '--stretch'))
    by_class = convoy.Engine(convoy.Model(), device='cpu', confidence={'person': .9})
    same(list(convoy.run(CLIP, by_class, frames=4)), records(CLIP, '--frames', 4, '--confidence', '.25,person=.9'))


def test_an_input_that_cannot_be_read_raises_in_its_place(engine, tmp_path):
    (tmp_path / 'broken.mp4').write_bytes(b'no video')
    got = []
    with pytest.raises(convoy.InputError, match='broken.mp4'):
        for frame in convoy.run([CLIP, tmp_path / 'broken.mp4', CLIP], engine, frames=2):
            got.append(frame.input)
    assert got == [0, 0]
    with pytest.raises(convoy.InputError, match='nothing.mp4'):
        convoy.run('nothing.mp4', engine)


def test_on_end_is_told_instead(engine, tmp_path):
    (tmp_path / 'broken.mp4').write_bytes(b'no video')
    ends = []
    frames = list(convoy.run([tmp_path / 'broken.mp4', CLIP], engine, frames=2, on_end=ends.append))
    assert [frame.input for frame in frames] == [1, 1]
    assert [(end.input, end.frames, bool(end.error)) for end in ends] == [(0, 0, True), (1, 2, False)]


def test_damage_is_a_warning(engine, tmp_path):
    whole = (SOURCE / 'models/pedestrians.mp4').read_bytes()
    (tmp_path / 'short.mp4').write_bytes(whole[:len(whole) * 9 // 10])
    with pytest.warns(convoy.DamageWarning, match='short.mp4'):
        assert list(convoy.run(tmp_path / 'short.mp4', engine, start_s=20))


def test_it_waits_for_who_is_slow(engine):
    run = convoy.run(CLIP, engine, queue=2)
    first = next(run)
    time.sleep(.3)
    assert first.index == 0 and next(run).index == 1
    run.close()
    with pytest.raises(StopIteration):
        next(run)


def test_an_early_end_leaves_the_engine_free(engine):
    for _ in convoy.run(CLIP, engine, queue=1):
        break
    with convoy.run(CLIP, engine, pixels=True, queue=1) as run:
        next(run)
    assert len(list(convoy.run(CLIP, engine, frames=1))) == 1


def test_two_runs_of_one_engine_at_once_are_refused(engine):
    with convoy.run(CLIP, engine) as run:
        next(run)
        with pytest.raises(convoy.UsageError):
            next(convoy.run(CLIP, engine))


def test_several_threads_take_from_one_run(engine):
    run, taken = convoy.run(CLIP, engine, frames=FRAMES), []

    def take():
        for frame in run:
            taken.append(frame.index)
    threads = [threading.Thread(target=take) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(taken) == list(range(FRAMES))


@pytest.mark.parametrize('body', ['pass', 'import time; time.sleep(.01)'])
def test_ctrl_c_ends_it(body):
    program = f'''
import convoy
print('ready', flush=True)
try:
    for frame in convoy.run([{CLIP!r}] * 100, device='cpu', threads=1):
        if frame.index == 0 and frame.input == 0: print('running', flush=True)
        {body}
except KeyboardInterrupt:
    print('interrupted', flush=True)
'''
    # In the background of a script SIGINT is ignored, and Python leaves it at that.
    with subprocess.Popen(['env', '--default-signal=INT', sys.executable, '-c', program], stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout.readline() == 'ready\n' and child.stdout.readline() == 'running\n'
        os.kill(child.pid, signal.SIGINT)
        assert child.stdout.read() == 'interrupted\n'
    assert child.returncode == 0


def test_an_interpreter_that_ends_in_the_middle_ends_well():
    program = f'import convoy; run = convoy.run({CLIP!r}, device="cpu", queue=1); print(next(run).index)'
    assert subprocess.run([sys.executable, '-c', program], check=True, stdout=subprocess.PIPE, text=True, timeout=60).stdout == '0\n'


def test_a_first_input_is_open_before_its_engine_is_made(monkeypatch):
    def is_open():
        links = [os.path.join('/proc/self/fd', fd) for fd in os.listdir('/proc/self/fd')]
        return CLIP in [os.readlink(link) for link in links if os.path.islink(link)]

    class Waiting(convoy.Engine):
        def __init__(self, model, **options):
            deadline = time.monotonic() + 60
            while not is_open():
                assert time.monotonic() < deadline
                time.sleep(.005)
            super().__init__(model, **options)
    monkeypatch.setattr('convoy._run.Engine', Waiting)
    assert not is_open()
    assert [frame.index for frame in convoy.run(CLIP, device='cpu')] == list(range(240))
    assert not is_open()


def test_wrong_arguments_are_named(engine):
    for arguments, word in (({'queue': 0}, 'queue'), ({'every': 0}, 'every'), ({'start_s': 5, 'stop_s': 2}, 'stop_s'), ({'stream': -2}, 'stream')):
        with pytest.raises(convoy.UsageError, match=word):
            convoy.run(CLIP, engine, **arguments)
    with pytest.raises(TypeError, match='device'):
        convoy.run(CLIP, engine, device='cpu')
    with pytest.raises(convoy.UsageError, match='no input'):
        convoy.run([], engine)
    with pytest.raises(convoy.UsageError, match='null byte'):
        convoy.run('a\0b', engine)


def test_names_that_are_no_utf_8(tmp_path):
    stem, clip = os.fsencode(tmp_path) + b'/m\xfc', os.fsencode(tmp_path) + b'/\xff.mp4'
    for end in ('cfg', 'weights'):
        os.symlink(f'{convoy.Model().cfg_path[:-3]}{end}', stem + b'.' + end.encode())
    with open(stem + b'.names', 'wb') as names:
        names.write(b'Stra\xdfe\n' + b'x\n' * 79)
    os.symlink(CLIP, clip)
    model = convoy.Model(os.fsdecode(stem))
    assert model.names[:2] == ['Stra\ufffde', 'x'] and os.fsencode(model.cfg_path) == stem + b'.cfg' and model.warnings == []
    run = convoy.run(os.fsdecode(clip), model, device='cpu', frames=1)
    assert run.names == model.names and run.inputs == [os.fsdecode(clip)] and [frame.path for frame in run] == run.inputs
    assert len(list(convoy.run([clip], model, device='cpu', frames=1))) == 1
    with pytest.raises(convoy.InputError) as raised:
        convoy.run(clip + b'4', model)
    assert os.fsencode(str(raised.value)).startswith(b"'" + clip + b"4'")
    with pytest.raises(convoy.ModelError, match='no such'):
        convoy.Model('no such\udcff')
