# SPDX-License-Identifier: MIT
"""yolo-convert: Darknet models to ONNX, and YOLOv3 of PyTorch and TensorFlow to Darknet."""
from __future__ import annotations

import argparse
import os
import sys

from ._convoy import Error, Model, UsageError

WORST = 1e-4


def _arguments():
    parser = argparse.ArgumentParser(
        prog='yolo-convert', formatter_class=argparse.RawDescriptionHelpFormatter,
        description='Writes a Darknet model as ONNX, or YOLOv3 of PyTorch (.pt) or TensorFlow (a checkpoint) as a Darknet model.',
        epilog='Examples:\n  yolo-convert yolov3 yolov3.onnx\n  yolo-convert yolov3.pt mine       # mine.cfg, mine.weights, mine.names\n'
               '  yolo-convert yolov3.ckpt mine     # reads yolov3.ckpt.index and .data-…')
    parser.add_argument('model', help='a Darknet model (STEM, or a .cfg with --weights), a .pt file, or the name of a checkpoint')
    parser.add_argument('out', help='FILE.onnx, or the STEM of a Darknet model')
    onnx = parser.add_argument_group('To ONNX')
    onnx.add_argument('--weights', metavar='FILE', help='trained weights, where MODEL is a .cfg that lies elsewhere')
    onnx.add_argument('--names', metavar='FILE', help='class names, kept in the file (default: those beside the weights or the cfg)')
    onnx.add_argument('--heads', choices=['decoded', 'raw'], default='decoded', help='boxes and scores, or what the heads are given (default: decoded)')
    onnx.add_argument('--opset', type=int, default=18, metavar='N', help="ONNX's operator set, 13 or later (default: 18)")
    onnx.add_argument('--check', action='store_true', help='run the file with onnxruntime beside Convoy; more than 1e-4 apart is an error')
    darknet = parser.add_argument_group('To Darknet')
    darknet.add_argument('--activation', choices=['swish', 'leaky'], default='swish', help="of a .pt's convolutions, which it does not say (default: swish)")
    darknet.add_argument('--anchors', metavar='FILE', help="a checkpoint's 18 numbers, divided by commas or spaces (default: those of COCO)")
    parser.add_argument('--size', metavar='N|WxH', help="network input (default: the model's; 640 of a .pt, 416 of a checkpoint)")
    return parser.parse_args()


def _size(text):
    try:
        width, height = (int(side) for side in (text.split('x') if 'x' in text else (text, text)))
    except ValueError:
        raise UsageError(f'--size {text}: expected one side (416) or WxH (608x352)') from None
    return width, height


def _to_onnx(a):
    try:
        from .to_onnx import to_onnx, worst_difference
    except ImportError:
        raise UsageError('ONNX files are written by the onnx package: pip install onnx') from None
    if a.check and a.heads == 'raw':
        raise UsageError('--check compares boxes, which --heads raw leaves out')
    named = {'cfg': a.model, 'weights': a.weights} if a.weights else {'stem': a.model}
    model = Model(**named, names=a.names, size=_size(a.size) if a.size else None)
    to_onnx(model, a.out, heads=a.heads, opset=a.opset)
    if not a.check:
        return
    try:
        count, score, box = worst_difference(model, a.out)
    except ImportError:
        raise UsageError('--check needs onnxruntime: pip install onnxruntime') from None
    print(f'yolo-convert: {count} detections of a random picture, beside Convoy: scores within {score:.1e}, boxes within {box:.1e} of the side')
    if max(score, box) > WORST:
        raise UsageError(f'{a.out}: more than {WORST:.0e} apart')


def _anchors(path):
    if path is None:
        return None
    with open(path) as file:
        try:
            return [float(number) for number in file.read().replace(',', ' ').split()]
        except ValueError as error:
            raise UsageError(f'--anchors {path}: {error}') from None


def _to_darknet(a):
    from .from_others import from_pt, from_tf
    stem = os.path.splitext(a.out)[0] if a.out.endswith(('.cfg', '.weights')) else a.out
    size = {'size': _size(a.size)} if a.size else {}
    if os.path.exists(a.model) and not a.model.endswith('.index'):
        from_pt(a.model, stem, activation=a.activation, **size)
    elif os.path.exists(f'{a.model.removesuffix(".index")}.index'):
        from_tf(a.model, stem, anchors=_anchors(a.anchors), **size)
    else:
        raise UsageError(f"'{a.model}'" f' is neither a .pt file nor the name of a checkpoint, of which there would be '
                         f'{a.model}.index; a Darknet model becomes a file that ends in .onnx')


def main():
    arguments = _arguments()
    try:
        (_to_onnx if arguments.out.endswith('.onnx') else _to_darknet)(arguments)
    except (Error, OSError) as error:
        print(f'yolo-convert: error: {error}', file=sys.stderr)
        return 2
    return 0


if __name__ == '__main__':
    sys.exit(main())
