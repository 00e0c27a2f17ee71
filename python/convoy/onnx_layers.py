# SPDX-License-Identifier: MIT
"""Darknet's layers as ONNX nodes. Each function takes the graph under construction and one dict of convoy.Model.layers."""
from __future__ import annotations

import numpy as np
from onnx import TensorProto, helper, numpy_helper

from ._convoy import UnsupportedError

BATCH_NORM_EPSILON = 1e-5  # AlexeyAB's, the engine's default


class Graph:
    """Nodes and constants so far; `x` is the value that the layer before has left, `outputs` what each has."""

    def __init__(self, model, opset):
        self.layers, self.opset, self.cfg_path = model.layers, opset, model.cfg_path
        self.nodes, self.constants, self.outputs, self.heads = [], [], [], []
        self.x, self.index = 'picture', 0

    def convert(self):
        for self.index, layer in enumerate(self.layers):
            rule = RULES.get(layer['kind'])
            if rule is None:
                self.refuse('ONNX has no operator for this layer')
            if layer['kind'] not in NEED_NO_WEIGHTS and 'biases' not in layer and layer.get('share', -1) < 0:
                self.refuse('it has no weights: name the .weights file')
            self.x = rule(self, layer) or self.x
            self.outputs.append(self.x)

    def refuse(self, why):
        layer = self.layers[self.index]
        raise UnsupportedError(f'{self.cfg_path}:{layer["line"]}: [{layer["kind"]}] (layer {self.index}): {why}')

    def add(self, kind, *inputs, name=None, **attributes):
        name = name or f'{self.index}_{kind}_{len(self.nodes)}'
        inputs = [value if isinstance(value, str) else self.constant(value) for value in inputs]
        self.nodes.append(helper.make_node(kind, inputs, [name], name=name, **attributes))
        return name

    def constant(self, value):
        value = np.asarray(value)
        name = f'{self.index}_constant_{len(self.constants)}'
        self.constants.append(numpy_helper.from_array(value.astype(np.float32) if value.dtype == np.float64 else np.ascontiguousarray(value), name))
        return name

    def activate(self, kind, x):
        if kind == 'linear':
            return x
        rule = ACTIVATIONS.get(kind)
        if rule is None:
            self.refuse(f'ONNX has no operator for activation={kind}')
        return rule(self, x)


def f32(*values):
    return np.array(values, np.float32) if len(values) != 1 else np.float32(values[0])


def i64(*values):
    return np.array(values, np.int64)


def mish(g, x):
    if g.opset >= 18:
        return g.add('Mish', x)
    return g.add('Mul', x, g.add('Tanh', g.add('Softplus', x)))


def gelu(g, x):
    cube = g.add('Mul', g.add('Mul', x, x), x)
    inner = g.add('Add', g.add('Mul', x, f32(.797885)), g.add('Mul', cube, f32(.035677)))
    return g.add('Mul', g.add('Mul', x, f32(.5)), g.add('Add', g.add('Tanh', inner), f32(1)))


def hard_mish(g, x):
    middle = g.add('Add', g.add('Mul', g.add('Mul', x, x), f32(.5)), x)
    return g.add('Where', g.add('Greater', x, f32(0)), x, g.add('Where', g.add('Greater', x, f32(-2)), middle, f32(0)))


def pieces(low, high, below, between, above):
    """A function of three straight pieces, each (slope, offset)."""
    def line(g, x, piece):
        return g.add('Add', g.add('Mul', x, f32(piece[0])), f32(piece[1]))

    def rule(g, x):
        upper = g.add('Where', g.add('Greater', x, f32(high)), line(g, x, above), line(g, x, between))
        return g.add('Where', g.add('Less', x, f32(low)), line(g, x, below), upper)
    return rule


def normalized(exponential, by_largest):
    def rule(g, x):
        if by_largest:
            x = g.add('Sub', x, reduce(g, 'ReduceMax', x, 1))
        part = g.add('Exp', x) if exponential else g.add('Relu', x)
        return g.add('Div', part, g.add('Add', reduce(g, 'ReduceSum', part, 1), f32(1e-4)))
    return rule


def reduce(g, kind, x, axis, keepdims=1):
    """Axes are an input of ReduceSum since opset 13, of ReduceMax since 18."""
    if kind == 'ReduceSum' or g.opset >= 18:
        return g.add(kind, x, i64(axis), keepdims=keepdims)
    return g.add(kind, x, axes=[axis], keepdims=keepdims)


ACTIVATIONS = {
    'leaky': lambda g, x: g.add('LeakyRelu', x, alpha=.1),
    'relu': lambda g, x: g.add('Relu', x),
    'logistic': lambda g, x: g.add('Sigmoid', x),
    'mish': mish,
    'swish': lambda g, x: g.add('Mul', x, g.add('Sigmoid', x)),
    'relu6': lambda g, x: g.add('Clip', x, f32(0), f32(6)),
    'hard_mish': hard_mish,
    'ramp': lambda g, x: g.add('Add', g.add('Relu', x), g.add('Mul', x, f32(.1))),
    'relie': lambda g, x: g.add('LeakyRelu', x, alpha=.01),
    'elu': lambda g, x: g.add('Elu', x, alpha=1.),
    'selu': lambda g, x: g.add('Selu', x, alpha=1.6732, gamma=1.0507),
    'gelu': gelu,
    'tanh': lambda g, x: g.add('Tanh', x),
    'loggy': lambda g, x: g.add('Tanh', g.add('Mul', x, f32(.5))),
    'hardtan': lambda g, x: g.add('Clip', x, f32(-1), f32(1)),
    'lhtan': pieces(0, 1, (.001, 0), (1, 0), (.001, .999)),
    'plse': pieces(-4, 4, (.01, .04), (.125, .5), (.01, .96)),
    'normalize_channels': normalized(False, False),
    'normalize_channels_softmax': normalized(True, False),
    'normalize_channels_softmax_maxval': normalized(True, True),
}


def scale_and_shift(layer):
    """A batch norm as one factor and one summand a channel, in double."""
    scales, variances = layer['scales'].astype(np.float64), layer['variances'].astype(np.float64)
    factor = scales / np.sqrt(variances + BATCH_NORM_EPSILON)
    return factor, layer['biases'] - layer['means'] * factor


def weights_and_biases(layer):
    weights, biases = layer['weights'].astype(np.float64), layer['biases'].astype(np.float64)
    if layer.get('xnor'):
        filters = tuple(range(1, weights.ndim))
        weights = np.abs(weights).mean(filters, keepdims=True) * np.where(weights > 0, 1, -1)
    if layer['batch_normalize']:
        factor, biases = scale_and_shift(layer)
        weights = weights * factor.reshape(-1, *[1] * (weights.ndim - 1))
    return weights.astype(np.float32), biases.astype(np.float32)


def blur(g, layer, x):
    """The strides of a layer with antialiasing, behind a fixed blur of each channel."""
    if not layer['antialiasing']:
        return x
    channels = layer['out'][0]
    rows = f32(.5, .5) if layer['antialiasing'] == 2 else f32(.25, .5, .25)
    weights = np.tile(np.outer(rows, rows), (channels, 1, 1, 1))
    return g.add('Conv', x, weights, kernel_shape=[len(rows)] * 2, group=channels, strides=[layer['stride_y'], layer['stride_x']],
                 pads=[len(rows) - 2] * 4)


def convolutional(g, layer):
    source = g.layers[layer['share']] if layer['share'] >= 0 else layer
    weights, biases = weights_and_biases({**source, 'xnor': layer['xnor'], 'batch_normalize': source['batch_normalize']})
    x = g.add('Where', g.add('Greater', g.x, f32(0)), f32(1), f32(-1)) if layer['xnor'] else g.x
    strides = [1, 1] if layer['antialiasing'] else [layer['stride_y'], layer['stride_x']]
    x = g.add('Conv', x, weights, biases, kernel_shape=[layer['size']] * 2, strides=strides, pads=[layer['padding']] * 4,
              dilations=[layer['dilation']] * 2, group=layer['groups'])
    return blur(g, layer, g.activate(layer['activation'], x))


def shortcut(g, layer):
    x, channels = g.x, layer['out'][0]
    for source in layer['from']:
        other, has = g.outputs[source], g.layers[source]['out'][0]
        if has > channels:
            other = g.add('Slice', other, i64(0), i64(channels), i64(1))
        elif has < channels:
            other = g.add('Pad', other, i64(0, 0, 0, 0, 0, channels - has, 0, 0))
        x = g.add('Add', x, other)
    return g.activate(layer['activation'], x)


def route(g, layer):
    parts = []
    for source in layer['layers']:
        width = g.layers[source]['out'][0] // layer['groups']
        first = width * layer['group_id']
        parts.append(g.outputs[source] if layer['groups'] == 1 else
                     g.add('Slice', g.outputs[source], i64(first), i64(first + width), i64(1)))
    return parts[0] if len(parts) == 1 else g.add('Concat', *parts, axis=1)


def upsample(g, layer):
    x = g.add('Resize', g.x, '', f32(1, 1, layer['stride'], layer['stride']), mode='nearest', nearest_mode='floor',
              coordinate_transformation_mode='asymmetric')
    return x if layer['scale'] == 1 else g.add('Mul', x, f32(layer['scale']))


def pads_of(layer):
    before = layer['padding'] // 2
    return [before] * 2 + [layer['padding'] - before] * 2


def maxpool(g, layer):
    channels, height, width = layer['in']
    if layer['depth']:
        depth = layer['depth']
        if channels % depth:
            g.refuse(f'out_channels={depth} does not divide its {channels} channels, which ONNX has no operator for')
        return reduce(g, 'ReduceMax', g.add('Reshape', g.x, i64(1, channels // depth, depth, height, width)), 1, keepdims=0)
    x, pads = g.x, pads_of(layer)
    if max(pads) >= layer['size']:
        x, pads = g.add('Pad', x, i64(0, 0, *pads[:2], 0, 0, *pads[2:]), f32(-np.inf)), [0] * 4
    strides = [1, 1] if layer['antialiasing'] else [layer['stride_y'], layer['stride_x']]
    return blur(g, layer, g.add('MaxPool', x, kernel_shape=[layer['size']] * 2, strides=strides, pads=pads))


def local_avgpool(g, layer):
    if max(pads_of(layer)) >= layer['size']:
        g.refuse(f'padding={layer["padding"]} is more than ONNX allows for size={layer["size"]}')
    return g.add('AveragePool', g.x, kernel_shape=[layer['size']] * 2, strides=[layer['stride_y'], layer['stride_x']],
                 pads=pads_of(layer), count_include_pad=0)


def reorg(g, layer):
    (channels, height, width), s = layer['in'], layer['stride']
    x = g.add('Reshape', g.x, i64(1, channels // (s * s), height, s, width, s))
    return g.add('Reshape', g.add('Transpose', x, perm=[0, 3, 5, 1, 2, 4]), i64(1, *layer['out']))


def batchnorm(g, layer):
    factor, shift = (np.float32(v).reshape(1, -1, 1, 1) for v in scale_and_shift(layer))
    return g.add('Add', g.add('Mul', g.x, factor), shift)


def connected(g, layer):
    weights, biases = weights_and_biases(layer)
    flat = g.add('Reshape', g.x, i64(1, -1))
    x = g.add('Gemm', flat, weights.reshape(len(weights), -1), biases, transB=1)
    return g.activate(layer['activation'], g.add('Reshape', x, i64(1, *layer['out'])))


def softmax(g, layer):
    x = g.add('Reshape', g.x, i64(1, layer['groups'], -1))
    x = g.add('Softmax', g.add('Div', x, f32(layer['temperature'])), axis=2)
    return g.add('Reshape', x, i64(1, *layer['out']))


def crop(g, layer):
    top, left = ((layer['in'][i] - layer['out'][i]) // 2 for i in (1, 2))
    x = g.add('Slice', g.x, i64(top, left), i64(top + layer['height'], left + layer['width']), i64(2, 3))
    return x if layer['noadjust'] else g.add('Sub', g.add('Mul', x, f32(2)), f32(1))


def scale_channels(g, layer):
    return g.activate(layer['activation'], g.add('Mul', g.outputs[layer['from']], g.x))


def head(g, layer):
    g.heads.append((g.index, layer, g.x))


RULES = {
    'convolutional': convolutional, 'shortcut': shortcut, 'route': route, 'upsample': upsample, 'maxpool': maxpool,
    'avgpool': lambda g, _: g.add('GlobalAveragePool', g.x), 'local_avgpool': local_avgpool, 'reorg': reorg,
    'reorg3d': lambda g, layer: g.add('SpaceToDepth', g.x, blocksize=layer['stride']),
    'sam': lambda g, layer: g.activate(layer['activation'], g.add('Mul', g.x, g.outputs[layer['from']])),
    'scale_channels': scale_channels, 'activation': lambda g, layer: g.activate(layer['activation'], g.x), 'softmax': softmax,
    'batchnorm': batchnorm, 'connected': connected, 'crop': crop, 'dropout': lambda *_: None,
    'yolo': head, 'Gaussian_yolo': head, 'region': head, 'detection': head,
}
NEED_NO_WEIGHTS = set(RULES) - {'convolutional', 'connected', 'batchnorm'}


def value_info(name, shape):
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
