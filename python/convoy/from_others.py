# SPDX-License-Identifier: MIT
"""YOLOv3 in PyTorch's and TensorFlow's files as a Darknet .cfg and .weights: convolutions by their names."""
from __future__ import annotations

import os
import re
from typing import NamedTuple

import numpy as np

from ._convoy import Model, ModelError
from .pt_file import read_pt
from .tf_checkpoint import Checkpoint

ULTRALYTICS_EPSILON = 1e-3  # of its batch norms; Darknet's is added in their place
DARKNET_EPSILON = 1e-5
COCO_ANCHORS = [10, 13, 16, 30, 33, 23, 30, 61, 62, 45, 59, 119, 116, 90, 156, 198, 373, 326]


class Conv(NamedTuple):
    """A convolution's numbers in Darknet's layout: weights (filters, channels, size, size); without scales it has no batch norm."""
    weights: np.ndarray
    biases: np.ndarray
    scales: np.ndarray | None = None
    means: np.ndarray | None = None
    variances: np.ndarray | None = None


class Family(NamedTuple):
    """What a cfg says beside the numbers."""
    activation: str
    head: str           # activation of the convolution before each head
    head_keys: str      # further keys of [yolo]
    anchors: list


def from_pt(path: str | os.PathLike[str], stem: str | os.PathLike[str], *, size: tuple[int, int] = (640, 640), activation: str = 'swish') -> None:
    """Writes STEM.cfg and STEM.weights, with STEM.names where the file has class names, of a YOLOv3 that ultralytics'
    programs saved: a state dict, or the whole model. activation: 'swish' (their SiLU) or 'leaky' of their older versions.
    Nothing of the file is executed, and PyTorch is not needed. Raises ModelError for a network of another shape."""
    state, names = read_pt(path)
    detect = next((m[1] for key in state if (m := re.fullmatch(r'(?:model\.)*(\d+)\.m\.0\.weight', key))), None)
    prefix = next((key[:key.index(f'{detect}.m.0')] for key in state if key.endswith(f'{detect}.m.0.weight')), '')
    if detect != '28':
        raise ModelError(f"{os.fspath(path)}: this is not the YOLOv3 of ultralytics' yolov3.yaml, whose heads are model.28; "
                         + (f'its are model.{detect}' if detect else 'it has no heads'))
    convs = [(int(m[1]), key[:-len('.conv.weight')]) for key in state
             if key.startswith(prefix) and (m := re.match(r'(\d+)\.', key[len(prefix):])) and key.endswith('.conv.weight')]
    convs.sort(key=lambda item: (item[0], [int(n) for n in re.findall(r'\d+', item[1])]))
    numbers = [_of_torch(state, name, path) for _, name in convs]
    after = {15: 2, 22: 1, 27: 0}  # module behind which a head's own convolution stands in Darknet, and which it is
    ordered = []
    for i, (module, _) in enumerate(convs):
        ordered.append(numbers[i])
        if module in after and (i + 1 == len(convs) or convs[i + 1][0] != module):
            head = f'{prefix}28.m.{after[module]}'
            ordered.append(Conv(_get(state, f'{head}.weight', path), _get(state, f'{head}.bias', path)))
    anchors = _get(state, f'{prefix}28.anchors', path).reshape(3, -1, 2) * np.array([8, 16, 32]).reshape(3, 1, 1)
    family = Family(activation, 'logistic', 'new_coords=1\nscale_x_y=2.0\n', anchors.reshape(-1).tolist())
    _write(ordered, family, stem, size, names, os.fspath(path))


def _get(state, key, path):
    if key not in state:
        raise ModelError(f'{os.fspath(path)}: it has no {key}')
    return state[key].astype(np.float32)


def _of_torch(state, name, path):
    bias, scale, mean, variance = (_get(state, f'{name}.bn.{part}', path) for part in ('bias', 'weight', 'running_mean', 'running_var'))
    return Conv(_get(state, f'{name}.conv.weight', path), bias, scale, mean,
                variance + np.float32(ULTRALYTICS_EPSILON - DARKNET_EPSILON))


def from_tf(checkpoint: str | os.PathLike[str], stem: str | os.PathLike[str], *, size: tuple[int, int] = (416, 416), anchors: list | None = None) -> None:
    """Writes STEM.cfg and STEM.weights of a TensorFlow checkpoint (CHECKPOINT.index, CHECKPOINT.data-…) of YOLOv3 whose
    variables are called …/darknet53_body/Conv_N and …/yolov3_head/Conv_N. anchors: 18 numbers, by default those of COCO,
    which a checkpoint does not hold. TensorFlow is not needed. Raises ModelError for another network."""
    source = Checkpoint(checkpoint)
    ordered = []
    for scope, count in (('darknet53_body', 52), ('yolov3_head', 23)):
        found = {}
        for name in source.entries:
            if m := re.fullmatch(rf'(.*/)?{scope}/Conv(?:_(\d+))?/weights', name):
                found[int(m[2] or 0)] = name[:-len('/weights')]
        if sorted(found) != list(range(count)):
            raise ModelError(f'{source.prefix}: {scope} of YOLOv3 has {count} convolutions, here it has {len(found)}')
        ordered += [_of_tensorflow(source, found[i]) for i in range(count)]
    family = Family('leaky', 'linear', '', COCO_ANCHORS if anchors is None else list(anchors))
    _write(ordered, family, stem, size, [], source.prefix)


def _of_tensorflow(source, name):
    weights = source.read(f'{name}/weights')  # (rows, columns, channels, filters)
    if weights.ndim != 4:
        raise ModelError(f'{source.prefix}: {name}/weights has {weights.ndim} dimensions, and must have 4')
    weights = np.ascontiguousarray(weights.transpose(3, 2, 0, 1))
    if f'{name}/biases' in source.entries:
        return Conv(weights, source.read(f'{name}/biases'))
    parts = ('beta', 'gamma', 'moving_mean', 'moving_variance')
    return Conv(weights, *(source.read(f'{name}/BatchNorm/{part}') for part in parts))


def _write(convs, family, stem, size, names, path):
    """Both files; they appear once the engine's own loader has found nothing wrong with them."""
    if len(convs) != 75:
        raise ModelError(f'{path}: YOLOv3 has 75 convolutions, this has {len(convs)}')
    if len(family.anchors) != 18:
        raise ModelError(f'{path}: YOLOv3 has 9 anchors of two numbers, here are {len(family.anchors)} numbers')
    stem = os.fspath(stem)
    cfg = _cfg_of(convs, family, size, path)
    parts = {f'{stem}.cfg': cfg.encode(), f'{stem}.weights': _weights_of(convs)}
    if names:
        parts[f'{stem}.names'] = ''.join(f'{name}\n' for name in names).encode()
    try:
        for file, content in parts.items():
            with open(f'{file}.part', 'wb') as out:
                out.write(content)
        Model(cfg=f'{stem}.cfg.part', weights=f'{stem}.weights.part')
        for file in parts:
            os.replace(f'{file}.part', file)
    finally:
        for file in parts:
            if os.path.exists(f'{file}.part'):
                os.remove(f'{file}.part')


def _weights_of(convs):
    header = np.array([0, 2, 0], '<i4').tobytes() + np.array([0], '<u8').tobytes()
    rows = (part for c in convs for part in ((c.biases, c.weights) if c.scales is None else (c.biases, c.scales, c.means, c.variances, c.weights)))
    return header + b''.join(np.ascontiguousarray(part, '<f4').tobytes() for part in rows)


def _cfg_of(convs, family, size, path):
    """The cfg of YOLOv3, with the widths that the convolutions have."""
    text = [f'[net]\nwidth={size[0]}\nheight={size[1]}\nchannels={convs[0].weights.shape[1]}\n']
    left = iter(convs)

    def conv(stride=1, activation=family.activation):
        one = next(left)
        filters, _, side, _ = one.weights.shape
        norm = '' if one.scales is None else 'batch_normalize=1\n'
        text.append(f'[convolutional]\n{norm}filters={filters}\nsize={side}\nstride={stride}\npad=1\nactivation={activation}\n')
        return filters

    conv()
    for repeats in (1, 2, 8, 8, 4):
        conv(stride=2)
        for _ in range(repeats):
            conv(), conv()
            text.append('[shortcut]\nfrom=-3\nactivation=linear\n')
    for mask, joined in (('6,7,8', 61), ('3,4,5', 36), ('0,1,2', None)):
        for _ in range(6):
            conv()
        filters = conv(activation=family.head)
        if filters % 3 or filters // 3 <= 5:
            raise ModelError(f'{path}: a head of YOLOv3 has 3 (5 + classes) channels, this has {filters}')
        text.append(f'[yolo]\nmask={mask}\nanchors={",".join(f"{a:.9g}" for a in family.anchors)}\nclasses={filters // 3 - 5}\nnum=9\n'
                    + family.head_keys)
        if joined:
            text.append('[route]\nlayers=-4\n')
            conv()
            text.append(f'[upsample]\nstride=2\n[route]\nlayers=-1,{joined}\n')
    return '\n'.join(text)
