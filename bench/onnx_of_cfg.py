# SPDX-License-Identifier: MIT
"""The network of a Darknet cfg as an ONNX file with random weights, batch norm folded away: for timing what reads ONNX."""
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from darknet_cfg import conv_padding, pool_padding, read_cfg

ACTIVATIONS = {'leaky': ('LeakyRelu', {'alpha': .1}), 'relu': ('Relu', {}), 'logistic': ('Sigmoid', {}), 'mish': ('Mish', {})}


class Builder:
    def __init__(self, sections):
        self.nodes, self.constants, self.random = [], [], np.random.default_rng(1)
        self.outputs, self.channels, self.heads = [], [], []
        self.x, self.c = 'picture', int(sections[0].get('channels', 3))
        for i, section in enumerate(sections[1:]):
            layer = getattr(self, section['kind'], None)
            if not layer:
                raise SystemExit(f"layer {i} is a {section['kind']}, which this comparison does not have")
            layer(section)
            self.outputs.append(self.x), self.channels.append(self.c)

    def add(self, kind, inputs, **attributes):
        name = f'{kind}{len(self.nodes)}'
        self.nodes.append(helper.make_node(kind, inputs, [name], **attributes))
        return name

    def constant(self, values):
        name = f'constant{len(self.constants)}'
        self.constants.append(numpy_helper.from_array(np.asarray(values), name))
        return name

    def activate(self, kind):
        if kind == 'swish':
            self.x = self.add('Mul', [self.x, self.add('Sigmoid', [self.x])])
        elif kind == 'relu6':
            self.x = self.add('Clip', [self.x, self.constant(np.float32(0)), self.constant(np.float32(6))])
        elif kind != 'linear':
            name, attributes = ACTIVATIONS[kind]
            self.x = self.add(name, [self.x], **attributes)

    def convolutional(self, s):
        k, size, groups = int(s['filters']), int(s['size']), int(s.get('groups', 1))
        fan_in = self.c // groups * size * size
        weights = self.random.standard_normal((k, self.c // groups, size, size), np.float32) * np.float32(np.sqrt(2 / fan_in))
        self.x = self.add('Conv', [self.x, self.constant(weights), self.constant(np.zeros(k, np.float32))], kernel_shape=[size] * 2,
                          strides=[int(s.get('stride', 1))] * 2, pads=[conv_padding(s)] * 4, group=groups)
        self.c = k
        self.activate(s.get('activation', 'logistic'))

    def maxpool(self, s):
        before, behind = pool_padding(s)
        self.x = self.add('MaxPool', [self.x], kernel_shape=[int(s['size'])] * 2, strides=[int(s['stride'])] * 2,
                          pads=[before] * 2 + [behind] * 2)

    def upsample(self, s):
        stride = float(s.get('stride', 2))
        self.x = self.add('Resize', [self.x, '', self.constant(np.array([1, 1, stride, stride], np.float32))], mode='nearest',
                          coordinate_transformation_mode='asymmetric', nearest_mode='floor')

    def shortcut(self, s):
        for f in s['from']:
            self.x = self.add('Add', [self.x, self.outputs[f]])
        self.activate(s.get('activation', 'linear'))

    def route(self, s):
        groups, group = int(s.get('groups', 1)), int(s.get('group_id', 0))
        parts = []
        for f in s['from']:
            width = self.channels[f] // groups
            parts.append(self.outputs[f] if groups == 1 else
                         self.add('Slice', [self.outputs[f], self.constant(np.array([group * width])),
                                            self.constant(np.array([(group + 1) * width])), self.constant(np.array([1]))]))
        self.x = parts[0] if len(parts) == 1 else self.add('Concat', parts, axis=1)
        self.c = sum(self.channels[f] // groups for f in s['from'])

    def dropout(self, _):
        pass

    def yolo(self, _):
        self.heads.append(self.x)


def write_onnx(cfg, size, path):
    sections = read_cfg(cfg)
    network = Builder(sections)
    picture = helper.make_tensor_value_info('picture', TensorProto.FLOAT, [1, int(sections[0].get('channels', 3)), size, size])
    heads = [helper.make_tensor_value_info(head, TensorProto.FLOAT, None) for head in network.heads]
    graph = helper.make_graph(network.nodes, 'network', [picture], heads, network.constants)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid('', 18)], ir_version=9), path)
