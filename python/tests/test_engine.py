# SPDX-License-Identifier: MIT
"""Frames in, structured arrays out."""
import pathlib
import subprocess
import sys
import threading
import types

import numpy as np
import pytest
from conftest import CLIP, SOURCE, records

import convoy


@pytest.fixture(scope='module')
def picture(engine):
    return next(convoy.run(CLIP, engine, pixels=True, frames=1)).image


@pytest.fixture(scope='module')
def picture_file(picture, tmp_path_factory):
    path = tmp_path_factory.mktemp('picture') / 'frame.ppm'
    path.write_bytes(b'P6 %d %d 255\n' % (picture.shape[1], picture.shape[0]) + picture.tobytes())
    return path


def found_by_yolo_run(*arguments):
    line, = records(*arguments, '--device', 'cpu')
    return [(*map(np.float32, box['box']), np.float32(box['confidence']), box['class_id']) for box in line['detections']]


@pytest.fixture(scope='module')
def expected(picture_file):
    """The boxes that yolo-run finds on the same pixels."""
    boxes = found_by_yolo_run(picture_file)
    assert len(boxes) >= 3
    return boxes


def rows(detections):
    return [tuple(row)[:6] for row in detections]


class Dlpack:
    """No numpy array, but something that has what the protocol asks for."""

    def __init__(self, array):
        self.array = array

    def __dlpack__(self, **arguments):
        return self.array.__dlpack__(**arguments)

    def __dlpack_device__(self):
        return self.array.__dlpack_device__()


def test_detect_finds_what_yolo_run_finds(engine, picture, expected):
    assert rows(engine.detect(picture)) == expected
    assert engine.names[0] == 'person' and 'cpu' in engine.description


def test_pixels_may_lie_as_they_like(engine, picture, expected):
    wide = np.zeros((picture.shape[0], picture.shape[1] + 7, 3), np.uint8)
    wide[:, 3:-4] = picture
    read_only = picture.copy()
    read_only.flags.writeable = False
    for same in (wide[:, 3:-4], picture[..., ::-1].copy()[..., ::-1], picture[::-1].copy()[::-1], read_only,
                 np.asfortranarray(picture), picture.transpose(2, 0, 1).copy().transpose(1, 2, 0), Dlpack(picture)):
        assert rows(engine.detect(same)) == expected


@pytest.mark.parametrize('frame, error, words', [
    (np.zeros((3, 8, 8), np.uint8), ValueError, r'\(height, width, 3\).*\(3, 8, 8\)'),
    (np.zeros((8, 8, 3), np.float32), ValueError, 'float32'),
    (np.zeros((8, 8), np.uint8), ValueError, r'\(8, 8\)'),
    (np.zeros((0, 8, 3), np.uint8), ValueError, r'\(0, 8, 3\)'),
    ('street.jpg', TypeError, 'str'),
    (None, TypeError, 'NoneType')])
def test_what_is_no_frame_says_why(engine, frame, error, words):
    with pytest.raises(error, match=words):
        engine.detect(frame)
    with pytest.raises(error, match=words):
        engine.submit(frame)


def test_a_gpu_s_tensor_is_refused_by_an_engine_on_the_cpu(engine, picture):
    class OnGpu(Dlpack):
        asked = None

        def __dlpack_device__(self):
            return (2, 0)

        def __dlpack__(self, **arguments):
            OnGpu.asked = arguments
            raise BufferError('no such device')
    with pytest.raises(BufferError):
        engine.detect(OnGpu(picture))
    assert OnGpu.asked == {'stream': 1}  # its writer is ordered before the stream that the engine reads after


def test_detect_from_several_threads(engine, picture, expected):
    found = []
    threads = [threading.Thread(target=lambda: found.append(rows(engine.detect(picture)))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [expected] * 4


def test_submitted_frames_come_in_order(picture, expected):
    engine = convoy.Engine(convoy.Model(), device='cpu')
    assert engine.capacity >= 3
    before = sys.getrefcount(picture)
    for index in range(3):
        assert engine.submit(picture, stream=7, index=index, time_s=index / 10)
    assert sys.getrefcount(picture) > before  # not copied: the engine refers to it
    engine.finish()
    results = list(iter(engine.next, None))
    assert [(r.stream, r.index, r.time_s) for r in results] == [(7, 0, 0), (7, 1, .1), (7, 2, .2)]
    assert all(rows(r.detections) == expected for r in results)
    with pytest.raises(convoy.UsageError):
        engine.submit(picture), engine.detect(picture)
    engine.cancel()
    assert engine.next() is None and not engine.submit(picture)
    del results, engine  # which drops what is still in flight
    assert sys.getrefcount(picture) == before


def test_next_from_one_thread_and_submit_from_another(picture):
    engine = convoy.Engine(convoy.Model(), device='cpu', max_latency_ms=5)
    got = []
    taker = threading.Thread(target=lambda: got.extend(iter(engine.next, None)))
    taker.start()
    sent = [engine.submit(picture, index=index) for index in range(8)]
    engine.finish()
    taker.join()
    assert all(sent) and [result.index for result in got] == list(range(8))


def test_a_model_tells_its_layers(tmp_path):
    model = convoy.Model()
    assert model.input == (3, 416, 416) and model.classes == 80 and model.has_weights
    layers = model.layers
    first = layers[0]
    assert first['kind'] == 'convolutional' and first['weights'].shape == (first['filters'], 3, 3, 3)
    assert [layer['kind'] for layer in layers].count('yolo') == 3
    with pytest.raises(ValueError):
        first['weights'][0] = 0
    model.save(tmp_path / 'copy.cfg', tmp_path / 'copy.weights')
    again = convoy.Model(tmp_path / 'copy').layers
    del model
    assert all((a['weights'] == b['weights']).all() for a, b in zip(layers, again) if 'weights' in a)


def test_models_that_are_wrong_say_where(tmp_path):
    cfg = tmp_path / 'bad.cfg'
    cfg.write_text('[net]\nchannels=3\nwidth=32\nheight=32\n[convolutional]\nfilters=x\n')
    with pytest.raises(convoy.ModelError, match=r'bad.cfg:6'):
        convoy.Model(cfg=cfg, needs_weights=False)
    with pytest.raises(convoy.UsageError, match='not by both'):
        convoy.Model('a', cfg='b')
    for size in (417, (416, 417), '416x417', 0):
        with pytest.raises(convoy.UsageError, match='^size: .* is no multiple of 32'):
            convoy.Model(size=size)
    assert convoy.Model(size='416x320').input == (3, 320, 416)
    for lone in ({'cfg': 'a'}, {'weights': 'a'}):
        with pytest.raises(convoy.UsageError, match='cfg= and weights= go together'):
            convoy.Model(**lone)
    with pytest.raises(convoy.UsageError, match='device'):
        convoy.Engine(convoy.Model(), device='tpu')
    with pytest.raises(convoy.UsageError, match='giraffes'):
        convoy.Engine(convoy.Model(), classes=['giraffes'])
    assert issubclass(convoy.UsageError, ValueError) and issubclass(convoy.ModelError, convoy.Error)


@pytest.mark.parametrize('options, flags', [
    ({'ignore_regions': [(0, 0, 384, 200.5), '0%,50%,50%,50%']}, ['--ignore-regions', '0,0,384,200.5', '--ignore-regions', '0%,50%,50%,50%']),
    ({'confidence': {'person': .6, 2: .3}}, ['--confidence', '.25,person=.6,2=.3']),
    ({'classes': ['person', 2]}, ['--classes', 'person,2']),
    ({'classes': 'person'}, ['--classes', 'person']),
    ({'tiles': '2x1+whole'}, ['--tiles', '2x1+whole']),
    ({'tiles': (2, 1), 'tile_overlap': .1}, ['--tiles', '2x1', '--tile-overlap', '.1']),
    ({'batch_norm': 'pjreddie', 'resize': 'darknet', 'fit': 'stretch'}, ['--batch-norm', 'pjreddie', '--resize', 'darknet', '--stretch']),
    ({'replicate': 'copy', 'tuning': 'fixed'}, ['--replicate', 'copy', '--no-autotune'])])
def test_options_do_what_those_of_yolo_run_do(picture, picture_file, options, flags):
    engine = convoy.Engine(convoy.Model(), device='cpu', **options)
    assert rows(engine.detect(picture)) == found_by_yolo_run(picture_file, *flags)


@pytest.mark.parametrize('options, words', [
    ({'replicate': 'mpi'}, 'replicate: .mpi. is none of auto'), ({'batch_norm': 'torch'}, 'batch_norm: .torch. is none of alexeyab'),
    ({'tiles': '33x1'}, 'tiles: .33x1. .* 1 to 32'), ({'tiles': (33, 1)}, 'between 1 and 32'),
    ({'ignore_regions': ['1,2,3,0']}, 'ignore_regions: .*no area'), ({'ignore_regions': [(1, 2, 3, 0)]}, 'no area'),
    ({'classes': ['persn']}, 'classes: .* did you mean: person'), ({'classes': [80]}, 'no class 80'),
    ({'confidence': {'persn': .5}}, 'persn'), ({'confidence': {'person': 1}}, 'between 0 and 1')])
def test_options_that_are_wrong_are_named(options, words):
    with pytest.raises(convoy.UsageError, match=words):
        convoy.Engine(convoy.Model(), device='cpu', **options)


def test_supervision_gets_its_detections(engine, picture, monkeypatch):
    try:
        import supervision
    except ImportError:  # what is handed over can be checked without it
        supervision = types.SimpleNamespace(Detections=lambda **fields: types.SimpleNamespace(**fields))
        monkeypatch.setitem(sys.modules, 'supervision', supervision)
    found = engine.detect(picture)
    handed = convoy.to_supervision(found, engine.names)
    assert np.allclose(handed.xyxy[:, 2] - handed.xyxy[:, 0], found['w'], atol=1e-3)
    assert handed.tracker_id is None and list(handed.data['class_name']) == [engine.names[i] for i in found['class_id']]
    found['track'][0] = 4
    assert list(convoy.to_supervision(found).tracker_id) == [4] + [-1] * (len(found) - 1)


def test_numpy_is_imported_with_the_first_detections():
    program = ("import sys, convoy; assert 'numpy' not in sys.modules; from convoy import *; print(DETECTION.names[0], convoy.DETECTION is "
               "DETECTION); convoy.none")
    child = subprocess.run([sys.executable, '-c', program], check=False, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert child.stdout == 'x True\n'
    assert "AttributeError: module 'convoy' has no attribute 'none'" in child.stderr


def test_hints_and_docstrings_are_there():
    package = pathlib.Path(convoy.__file__).parent
    assert (package / 'py.typed').exists() and 'def detect(self, frame' in (package / '_convoy.pyi').read_text()
    assert all(getattr(convoy, name).__doc__ for name in convoy.__all__ if name[0] != '_' and callable(getattr(convoy, name)))
    assert f'VERSION {convoy.__version__} ' in (SOURCE / 'CMakeLists.txt').read_text()
