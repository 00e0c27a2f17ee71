# SPDX-License-Identifier: MIT
"""A Darknet model as an ONNX file. Needs the `onnx` package: pip install convoy[onnx]."""
from __future__ import annotations

import os

import numpy as np
import onnx
from onnx import helper

from . import __version__
from ._convoy import Engine, Model, UsageError
from .onnx_layers import Graph, f32, i64, value_info

OPSET = 18
LEAST_OPSET = 13


def to_onnx(model: Model, path: str | os.PathLike[str], *, heads: str = 'decoded', opset: int = OPSET) -> None:
    """Writes `model` as an ONNX file of that operator set (13 or later), for one picture at a time.

    Input `picture`: float32 (1, channels, height, width), RGB, 0 to 1. Batch norm is folded into the convolutions.
    heads='decoded': `boxes` (1, N, 4), left, top, right and bottom in the input's pixels, and `scores` (1, N, classes),
    objectness times class probability: what is left to do is a threshold and NMS. N is in the order of the heads, their
    anchors, rows and columns. heads='raw': `head_I` for the head that is layer I, as the layer before has left it, and a
    model without a head has `output`.
    Raises UnsupportedError that names the layer which ONNX cannot express, UsageError for other arguments."""
    if heads not in ('decoded', 'raw'):
        raise UsageError(f"heads: '{heads}' is none of decoded, raw")
    if not LEAST_OPSET <= opset <= onnx.defs.onnx_opset_version():
        raise UsageError(f'opset: {opset} is not between {LEAST_OPSET} and {onnx.defs.onnx_opset_version()}, the newest that this onnx knows')
    graph = Graph(model, opset)
    graph.convert()
    if heads == 'raw' or not graph.heads:
        outputs = [raw_head(graph, index, layer, x) for index, layer, x in graph.heads]
        outputs = outputs or [value_info(graph.add('Identity', graph.x, name='output'), [1, *graph.layers[-1]['out']])]
    else:
        outputs = decoded_heads(graph, model)
    proto = helper.make_graph(graph.nodes, os.path.basename(model.cfg_path), [value_info('picture', [1, *model.input])], outputs,
                              graph.constants)
    made = helper.make_model(proto, opset_imports=[helper.make_opsetid('', opset)], producer_name='convoy', producer_version=__version__,
                             ir_version=8 if opset < 19 else onnx.IR_VERSION)
    if model.names:
        helper.set_model_props(made, {'names': '\n'.join(model.names)})
    onnx.checker.check_model(made)
    part = f'{os.fspath(path)}.part'
    try:
        onnx.save(made, part)
        os.replace(part, path)
    finally:
        if os.path.exists(part):
            os.remove(part)


def raw_head(g, index, layer, x):
    return value_info(g.add('Identity', x, name=f'head_{index}'), [1, *layer['in']])


def decoded_heads(g, model):
    _, net_h, net_w = model.input
    boxes, scores = zip(*(decoded_head(g, index, layer, x, net_w, net_h) for index, layer, x in g.heads))
    count = sum(len(layer['mask']) * layer['in'][1] * layer['in'][2] for _, layer, _ in g.heads)
    return [value_info(g.add('Concat', *boxes, name='boxes', axis=1), [1, count, 4]),
            value_info(g.add('Concat', *scores, name='scores', axis=1), [1, count, model.classes])]


def decoded_head(g, index, layer, x, net_w, net_h):
    """Its boxes (1, N, 4) and scores (1, N, classes). Darknet: yolo_layer.c, gaussian_yolo_layer.c, region_layer.c."""
    g.index = index
    if layer['kind'] == 'detection':
        g.refuse("YOLOv1's head can only be converted raw (--heads raw)")
    if layer['kind'] == 'region' and layer['parents']:
        g.refuse('a head with a tree of classes can only be converted raw (--heads raw)')
    _, h, w = layer['in']
    anchors, classes, gaussian = len(layer['mask']), layer['classes'], layer['kind'] == 'Gaussian_yolo'
    numbers = 9 if gaussian else 5
    rows = g.add('Transpose', g.add('Reshape', x, i64(1, anchors, numbers + classes, h * w)), perm=[0, 1, 3, 2])
    rows = g.add('Reshape', rows, i64(1, anchors * h * w, numbers + classes))

    def part(first, last, step=1):
        return g.add('Slice', rows, i64(first), i64(last), i64(2), i64(step))

    def squash(value):
        return value if layer['new_coords'] else g.add('Sigmoid', value)
    spread = 2 if gaussian else 1
    in_cells = layer['kind'] == 'region'
    sizes = np.array([layer['anchors'][i] for i in layer['mask']], np.float64) * ([net_w / w, net_h / h] if in_cells else [1, 1])
    column, row = np.meshgrid(np.arange(w), np.arange(h))
    grid = np.tile(np.stack([column, row], -1).reshape(-1, 2), (anchors, 1))
    cell, scale = np.array([net_w / w, net_h / h]), layer['scale_x_y']
    centres = g.add('Add', g.add('Mul', squash(part(0, 2 * spread, spread)), (scale * cell).astype(np.float32)),
                    ((grid - .5 * (scale - 1)) * cell).astype(np.float32)[None])
    t = part(2 * spread, 4 * spread, spread)
    extents = np.repeat(sizes, h * w, 0)[None]
    if layer['new_coords']:
        wide = g.add('Mul', g.add('Mul', t, t), (4 * extents).astype(np.float32))
    else:
        wide = g.add('Mul', g.add('Exp', t), extents.astype(np.float32))
    if layer.get('point'):
        centres = g.add('Add', centres, g.add('Mul', wide, f32(layer['point'])))
    half = g.add('Mul', wide, f32(.5))
    boxes = g.add('Concat', g.add('Sub', centres, half), g.add('Add', centres, half), axis=2)

    objectness = squash(part(numbers - 1, numbers))
    raw = part(numbers, numbers + classes)
    scores = g.add('Mul', objectness, g.add('Softmax', raw, axis=2) if layer.get('softmax') else squash(raw))
    if gaussian:
        unsure = g.add('Mul', g.add('Sigmoid', part(1, 9, 2)), f32(.25))
        sum_of_four = g.add('ReduceSum', unsure, i64(2), keepdims=1)
        scores = g.add('Mul', scores, g.add('Sub', f32(1), sum_of_four))
    return boxes, scores


def worst_difference(model: Model, path: str | os.PathLike[str], seed: int = 1) -> tuple[int, float, float]:
    """Runs a decoded ONNX file with onnxruntime beside the engine (CPU, fp32) on a random picture: the detections that were
    compared, the worst difference of a score, and of a box as a share of the picture's side."""
    import onnxruntime
    channels, height, width = model.input
    random = np.random.default_rng(seed)  # patches with noise on them: a trained model sees nothing in noise alone
    patches = np.kron(random.integers(0, 224, (-(-height // 16), -(-width // 16), 3)), np.ones((16, 16, 1), np.int64))
    picture = (patches[:height, :width] + random.integers(0, 32, (height, width, 3))).astype(np.uint8)
    x = picture.astype(np.float32).transpose(2, 0, 1)[None] / np.float32(255)
    if channels == 1:
        raise UsageError('a network for grey pictures is not compared')
    session = onnxruntime.InferenceSession(os.fspath(path), providers=['CPUExecutionProvider'])
    boxes, scores = (output[0] for output in session.run(['boxes', 'scores'], {'picture': x}))
    sides = np.array([width, height] * 2, np.float32)
    boxes = boxes.clip(0, sides)
    shown = (boxes[:, 2] > boxes[:, 0]) & (boxes[:, 3] > boxes[:, 1])
    threshold = _threshold(scores[shown])
    box, of_class = np.nonzero((scores > threshold) & shown[:, None])
    found = Engine(model, device='cpu', precision='fp32', confidence=threshold, nms=1.).detect(picture)
    if len(found) != len(box):
        raise UsageError(f'{path} finds {len(box)} boxes over {threshold:.6f}, and Convoy {len(found)}')
    corners = np.stack([found['x'], found['y'], found['x'] + found['w'], found['y'] + found['h']], -1)
    worst_score = worst_box = 0.
    for of in np.unique(of_class):
        ours, theirs = found['class_id'] == of, box[of_class == of]
        if ours.sum() != len(theirs):
            raise UsageError(f'{path} finds {len(theirs)} boxes of class {of}, and Convoy {ours.sum()}')
        apart = np.abs((corners[ours][:, None] - boxes[theirs][None]) / sides).max(-1)
        score_apart = np.abs(found['score'][ours][:, None] - scores[theirs, of][None])
        pair = np.maximum(apart, score_apart).argmin(1)
        worst_box = max(worst_box, float(apart[np.arange(len(pair)), pair].max()))
        worst_score = max(worst_score, float(score_apart[np.arange(len(pair)), pair].max()))
    return len(found), worst_score, worst_box


def _threshold(scores, most=2000):
    """A number that some of the scores exceed, in the widest gap between two of them: rounding moves none across."""
    flat = np.sort(scores[(scores > 1e-6) & (scores < .999)].ravel())[::-1][:most].astype(np.float64)
    if len(flat) < 2:
        raise UsageError('this model finds nothing in a random picture that could be compared')
    gap = len(flat) // 2 + int((flat[len(flat) // 2:-1] - flat[len(flat) // 2 + 1:]).argmax()) if len(flat) > 2 else 0
    return float((flat[gap] + flat[gap + 1]) / 2)
