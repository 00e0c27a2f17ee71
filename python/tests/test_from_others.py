# SPDX-License-Identifier: MIT
"""YOLOv3 from PyTorch's and TensorFlow's files, which are made here; every number must arrive."""
import io
import pickle
import struct
import subprocess
import sys
import types
import zipfile
from collections import OrderedDict

import numpy as np
import pytest

import convoy
from convoy.from_others import COCO_ANCHORS, from_pt, from_tf

RANDOM = np.random.default_rng(3)
WIDTH, CLASSES = 2, 4  # of the first convolution, whose multiples all others have


def shapes():
    """(filters, channels, size) of YOLOv3's convolutions in Darknet's order; a head's own has size 0."""
    made, channels = [(WIDTH, 3, 3)], WIDTH
    for repeats in (1, 2, 8, 8, 4):
        made.append((2 * channels, channels, 3))
        channels *= 2
        for _ in range(repeats):
            made += [(channels // 2, channels, 1), (channels, channels // 2, 3)]
    source = channels
    for wide in (channels, channels // 2, channels // 4):
        made += [(wide // 2, source, 1), (wide, wide // 2, 3)] + [(wide // 2, wide, 1), (wide, wide // 2, 3)] * 2
        made.append((3 * (5 + CLASSES), wide, 0))
        if wide > channels // 4:
            made.append((wide // 4, wide // 2, 1))
            source = wide // 4 + wide // 2
    return made


def numbers():
    made = []
    for filters, channels, size in shapes():
        weights = RANDOM.standard_normal((filters, channels, size or 1, size or 1), np.float32) / np.float32(channels)
        rows = [RANDOM.random(filters, np.float32) + np.float32(.5) for _ in range(4)]
        made.append([weights, rows[0]] if size == 0 else [weights, *rows])  # biases; scales, means, variances
    assert len(made) == 75
    return made


def arrived(stem, expected, variance=0.):
    """The model's convolutions hold the expected numbers, at the places that they have in the demo model, which is a YOLOv3, too."""
    model = convoy.Model(stem)
    layers = model.layers
    convs = [layer for layer in layers if layer['kind'] == 'convolutional']
    assert len(convs) == len(expected)
    for layer, rows in zip(convs, expected):
        names = ('weights', 'biases', 'scales', 'means', 'variances')[:len(rows)]
        for name, row in zip(names, rows):
            assert (layer[name] == (row + np.float32(variance) if name == 'variances' else row)).all(), (layer['line'], name)
    for ours, demo in zip(layers, convoy.Model().layers, strict=True):
        for same in ('kind', 'size', 'stride_x', 'padding', 'from', 'layers', 'mask', 'batch_normalize', 'stride'):
            assert ours.get(same) == demo.get(same)
    boxes = convoy.Engine(model, device='cpu', confidence=.01).detect(np.zeros((64, 64, 3), np.uint8))
    assert boxes.dtype == convoy.DETECTION
    return model


def state_dict(made):
    """As ultralytics' yolov3.yaml names them."""
    names = ['0', '1', '2.cv1', '2.cv2', '3'] + [f'4.{i}.cv{k}' for i in range(2) for k in (1, 2)] + ['5']
    names += [f'6.{i}.cv{k}' for i in range(8) for k in (1, 2)] + ['7'] + [f'8.{i}.cv{k}' for i in range(8) for k in (1, 2)] + ['9']
    names += [f'10.{i}.cv{k}' for i in range(4) for k in (1, 2)] + ['11.cv1', '11.cv2', '12', '13', '14', '15', 'm.2', '16']
    names += ['19.cv1', '19.cv2', '20.cv1', '20.cv2', '21', '22', 'm.1', '23', '26.cv1', '26.cv2', '27.0.cv1', '27.0.cv2',
              '27.1.cv1', '27.1.cv2', 'm.0']
    state = OrderedDict()
    for name, rows in zip(names, made, strict=True):
        if name[0] == 'm':
            state[f'model.28.{name}.weight'], state[f'model.28.{name}.bias'] = rows
            continue
        parts = ('conv.weight', 'bn.bias', 'bn.weight', 'bn.running_mean', 'bn.running_var')
        state.update({f'model.{name}.{part}': row for part, row in zip(parts, rows)})
        state[f'model.{name}.bn.num_batches_tracked'] = np.array(7)
    strides = np.array([8, 16, 32]).reshape(3, 1, 1)
    state['model.28.anchors'] = (np.array(COCO_ANCHORS).reshape(3, 3, 2) / strides).astype(np.float32)
    return state


class Storage:
    def __init__(self, array):
        self.array = array


class Tensor:
    """Pickled as PyTorch pickles a tensor."""

    def __init__(self, array):
        self.array = np.ascontiguousarray(array)

    def __reduce__(self):
        strides = tuple(s // self.array.itemsize for s in self.array.strides)
        return sys.modules['torch._utils']._rebuild_tensor_v2, (Storage(self.array), 0, self.array.shape, strides, False, OrderedDict())


def save(content, path, monkeypatch):
    """torch.save() without torch."""
    torch, utils = types.ModuleType('torch'), types.ModuleType('torch._utils')

    def _rebuild_tensor_v2(*_):
        raise AssertionError
    _rebuild_tensor_v2.__module__, _rebuild_tensor_v2.__qualname__ = 'torch._utils', '_rebuild_tensor_v2'
    utils._rebuild_tensor_v2 = _rebuild_tensor_v2
    for dtype in ('Float', 'Half', 'Long'):
        kind = type(f'{dtype}Storage', (), {'__module__': 'torch'})
        setattr(torch, kind.__name__, kind)
    monkeypatch.setitem(sys.modules, 'torch', torch), monkeypatch.setitem(sys.modules, 'torch._utils', utils)
    storages, kinds = [], {'f4': torch.FloatStorage, 'f2': torch.HalfStorage, 'i8': torch.LongStorage}

    class Pickler(pickle.Pickler):
        def persistent_id(self, thing):
            if not isinstance(thing, Storage):
                return None
            storages.append(thing.array)
            return ('storage', kinds[thing.array.dtype.str[1:]], str(len(storages) - 1), 'cpu', thing.array.size)
    out = io.BytesIO()
    Pickler(out, protocol=2).dump(content)
    with zipfile.ZipFile(path, 'w') as archive:
        archive.writestr('made/data.pkl', out.getvalue())
        for i, array in enumerate(storages):
            archive.writestr(f'made/data/{i}', array.tobytes())


def test_a_state_dict_of_pytorch(tmp_path, monkeypatch):
    made = numbers()
    save(OrderedDict((name, Tensor(array)) for name, array in state_dict(made).items()), tmp_path / 'yolov3.pt', monkeypatch)
    from_pt(tmp_path / 'yolov3.pt', tmp_path / 'mine', size=(64, 64))
    model = arrived(tmp_path / 'mine', made, variance=1e-3 - 1e-5)
    heads = [layer for layer in model.layers if layer['kind'] == 'yolo']
    assert [head['new_coords'] for head in heads] == [True] * 3 and heads[0]['scale_x_y'] == 2 and model.classes == CLASSES
    assert np.allclose(np.ravel(heads[0]['anchors']), COCO_ANCHORS)
    assert model.layers[0]['activation'] == 'swish' and model.layers[81]['activation'] == 'logistic'


def test_a_whole_model_of_pytorch_in_half_precision(tmp_path, monkeypatch):
    """{'model': object of classes that are not installed}, as ultralytics' training saves it."""
    package = types.ModuleType('models.yolo')
    package.Module = type('Module', (), {'__module__': 'models.yolo', '__qualname__': 'Module'})
    monkeypatch.setitem(sys.modules, 'models', types.ModuleType('models')), monkeypatch.setitem(sys.modules, 'models.yolo', package)

    def module():
        made = package.Module()
        made._modules, made._parameters, made._buffers = OrderedDict(), OrderedDict(), OrderedDict()
        return made
    made = [[row.astype(np.float16).astype(np.float32) for row in rows] for rows in numbers()]
    root = module()
    for name, array in state_dict(made).items():
        *path, last = name.split('.')
        at = root
        for step in path:
            at = at._modules.setdefault(step, module())
        at._buffers[last] = Tensor(array.astype(np.float16) if array.dtype == np.float32 else array)
    root.names = {0: 'ant', 1: 'bee', 2: 'cat', 3: 'dog'}
    save({'epoch': 3, 'model': root, 'ema': None}, tmp_path / 'best.pt', monkeypatch)
    monkeypatch.delitem(sys.modules, 'models.yolo')
    done = subprocess.run([sys.executable, '-m', 'convoy.convert', tmp_path / 'best.pt', tmp_path / 'mine.cfg', '--size', '96x64', '--activation', 'leaky'])
    assert done.returncode == 0
    model = arrived(tmp_path / 'mine', made, variance=1e-3 - 1e-5)
    assert model.names == ['ant', 'bee', 'cat', 'dog'] and model.input == (3, 64, 96) and model.layers[0]['activation'] == 'leaky'


def test_other_files_are_refused_and_nothing_runs(tmp_path, monkeypatch):
    class Evil:
        def __reduce__(self):
            return subprocess.call, (['touch', str(tmp_path / 'ran')],)
    save({'model.0.conv.weight': Tensor(np.ones((2, 3, 3, 3), np.float32)), 'evil': Evil()}, tmp_path / 'evil.pt', monkeypatch)
    with pytest.raises(convoy.ModelError, match='evil.pt.*heads'):
        from_pt(tmp_path / 'evil.pt', tmp_path / 'mine')
    assert not (tmp_path / 'ran').exists()
    made = state_dict(numbers())
    del made['model.8.3.cv2.bn.running_mean']
    save({name: Tensor(array) for name, array in made.items()}, tmp_path / 'hole.pt', monkeypatch)
    with pytest.raises(convoy.ModelError, match=r'no model\.8\.3\.cv2\.bn\.running_mean'):
        from_pt(tmp_path / 'hole.pt', tmp_path / 'mine')
    (tmp_path / 'text.pt').write_text('no archive')
    whole = (tmp_path / 'hole.pt').read_bytes()
    (tmp_path / 'short.pt').write_bytes(whole[:len(whole) // 2])
    locked = bytearray(whole)
    locked[whole.index(b'PK\1\2') + 8] |= 1  # the directory says that data.pkl is encrypted
    (tmp_path / 'locked.pt').write_bytes(locked)
    for name in ('text.pt', 'short.pt', 'locked.pt'):
        with pytest.raises(convoy.ModelError, match=name):
            from_pt(tmp_path / name, tmp_path / 'mine')
    assert not list(tmp_path.glob('mine*'))


def varint(value):
    out = b''
    while value > 127:
        out, value = out + bytes([value & 127 | 128]), value >> 7
    return out + bytes([value])


def block(entries):
    """Of LevelDB's table: keys share their beginnings, every 16th stands alone."""
    out, before, restarts = b'', b'', []
    for i, (key, value) in enumerate(entries):
        shared = 0
        if i % 16 == 0:
            restarts.append(len(out))
        else:
            while shared < min(len(key), len(before)) and key[shared] == before[shared]:
                shared += 1
        out += varint(shared) + varint(len(key) - shared) + varint(len(value)) + key[shared:] + value
        before = key
    return out + b''.join(struct.pack('<I', r) for r in restarts) + struct.pack('<I', len(restarts))


def write_checkpoint(variables, prefix):
    """A tensor bundle of one shard, its index in several blocks."""
    data, entries = b'', [(b'', b'\x08\x01\x1a\x02\x08\x01')]
    for name in sorted(variables):
        array = variables[name]
        shape = b''.join(b'\x12' + varint(len(dim)) + dim for dim in (b'\x08' + varint(n) for n in array.shape))
        entries.append((name.encode(), b'\x08\x01\x12' + varint(len(shape)) + shape + b'\x20' + varint(len(data)) + b'\x28'
                        + varint(array.nbytes) + b'\x35' + b'\0\0\0\0'))
        data += array.astype('<f4').tobytes()
    table, index = b'', []
    for first in range(0, len(entries), 50):
        content = block(entries[first:first + 50])
        index.append((entries[min(first + 49, len(entries) - 1)][0], varint(len(table)) + varint(len(content))))
        table += content + b'\0' + b'\0\0\0\0'
    content = block(index)
    handle = varint(len(table)) + varint(len(content))
    table += content + b'\0' + b'\0\0\0\0'
    footer = varint(0) + varint(0) + handle
    table += footer + b'\0' * (40 - len(footer)) + struct.pack('<Q', 0xdb4775248b80fb57)
    prefix.with_name(f'{prefix.name}.index').write_bytes(table)
    prefix.with_name(f'{prefix.name}.data-00000-of-00001').write_bytes(data)


def variables_of(made):
    variables = {'global_step': np.zeros((), np.float32)}
    for i, rows in enumerate(made):
        scope, number = ('darknet53_body', i) if i < 52 else ('yolov3_head', i - 52)
        name = f'yolov3/{scope}/Conv' + (f'_{number}' if number else '')
        parts = ('biases',) if len(rows) == 2 else tuple(f'BatchNorm/{p}' for p in ('beta', 'gamma', 'moving_mean', 'moving_variance'))
        variables[f'{name}/weights'] = np.ascontiguousarray(rows[0].transpose(2, 3, 1, 0))
        variables.update({f'{name}/{part}': row for part, row in zip(parts, rows[1:])})
    return variables


def test_a_checkpoint_of_tensorflow(tmp_path):
    made = numbers()
    write_checkpoint(variables_of(made), tmp_path / 'yolov3.ckpt')
    (tmp_path / 'anchors.txt').write_text(','.join(str(a + 1) for a in COCO_ANCHORS))
    done = subprocess.run([sys.executable, '-m', 'convoy.convert', tmp_path / 'yolov3.ckpt', tmp_path / 'mine', '--size', '64',
                           '--anchors', tmp_path / 'anchors.txt'])
    assert done.returncode == 0
    model = arrived(tmp_path / 'mine', made)
    head = model.layers[-1]
    assert not head['new_coords'] and np.allclose(np.ravel(head['anchors']), np.array(COCO_ANCHORS) + 1)
    from_tf(tmp_path / 'yolov3.ckpt.index', tmp_path / 'again')
    assert (tmp_path / 'again.weights').read_bytes() == (tmp_path / 'mine.weights').read_bytes()


def test_other_checkpoints_are_refused(tmp_path):
    variables = variables_of(numbers())
    del variables['yolov3/yolov3_head/Conv_9/weights']
    write_checkpoint(variables, tmp_path / 'hole.ckpt')
    with pytest.raises(convoy.ModelError, match='yolov3_head.*23 convolutions.*22'):
        from_tf(tmp_path / 'hole.ckpt', tmp_path / 'mine')
    write_checkpoint(variables_of(numbers()), tmp_path / 'short.ckpt')
    data = tmp_path / 'short.ckpt.data-00000-of-00001'
    data.write_bytes(data.read_bytes()[:-9])
    with pytest.raises(convoy.ModelError, match='cut short'):
        from_tf(tmp_path / 'short.ckpt', tmp_path / 'mine')
    index = (tmp_path / 'short.ckpt.index').read_bytes()
    no_shape = index.replace(b'\x08\x01\x12', b'\x08\x01\x10', 1)  # a number where a message was
    assert no_shape != index
    for bad in (b'', index[:-1], index[:100] + index[-48:], b'\xff' * len(index[:-48]) + index[-48:], no_shape):
        (tmp_path / 'bad.ckpt.index').write_bytes(bad)
        with pytest.raises(convoy.ModelError, match='bad.ckpt'):
            from_tf(tmp_path / 'bad.ckpt', tmp_path / 'mine')
    flat = variables_of(numbers())
    flat['yolov3/yolov3_head/Conv_9/weights'] = flat['yolov3/yolov3_head/Conv_9/weights'].ravel()
    write_checkpoint(flat, tmp_path / 'flat.ckpt')
    with pytest.raises(convoy.ModelError, match='Conv_9/weights has 1 dimensions'):
        from_tf(tmp_path / 'flat.ckpt', tmp_path / 'mine')
    assert not list(tmp_path.glob('mine*'))
