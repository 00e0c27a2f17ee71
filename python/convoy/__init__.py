# SPDX-License-Identifier: MIT
"""Convoy finds objects in video: Darknet models (YOLOv1 to YOLOv7) on all NVIDIA GPUs, or on the CPU.

    import convoy
    for frame in convoy.run('street.mp4', model='yolov3'):
        print(frame.index, frame.detections['score'])

    engine = convoy.Engine(convoy.Model('yolov3'))
    boxes = engine.detect(picture)      # uint8 (height, width, 3), RGB: numpy, or anything with __dlpack__
"""
from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ._convoy import (DeviceError, Engine, Error, Frame, InputEnd, InputError, Model, ModelError, OutputError, Result, UnsupportedError,
                      UsageError, __version__)
from ._run import DamageWarning, Run, run
from ._supervision import to_supervision

if TYPE_CHECKING:
    from ._types import DETECTION

__all__ = ['DETECTION', 'DamageWarning', 'DeviceError', 'Engine', 'Error', 'Frame', 'InputEnd', 'InputError', 'Model', 'ModelError',
           'OutputError', 'Result', 'Run', 'UnsupportedError', 'UsageError', '__version__', 'run', 'to_supervision']


def __getattr__(name: str) -> Any:
    # numpy takes longer to import than all of this package; it comes with the first detections.
    if name == 'DETECTION':
        from ._types import DETECTION
        return DETECTION
    raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
