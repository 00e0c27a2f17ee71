# SPDX-License-Identifier: MIT
"""convoy.run(): whole inputs, frame by frame."""
from __future__ import annotations

import atexit
import os
import warnings
import weakref
from collections.abc import Callable, Iterable
from typing import Any

from ._convoy import Engine, Frame, InputEnd, InputError, Model, _end_engines, _Inputs, _Run

_open_runs: weakref.WeakSet[Run] = weakref.WeakSet()


class DamageWarning(UserWarning):
    """An input was read, but not all of it."""


class Run:
    """A run that goes on: iterate over it, or close() it. Several threads may take frames from it.

    It is closed by its end, by close(), by the end of a `with`, by an exception while a frame is waited for (Ctrl-C),
    and when nobody refers to it any more."""

    def __init__(self, run: _Run, names: list[str], on_end: Callable[[InputEnd], None] | None) -> None:
        self._run = run
        self._on_end = on_end
        #: Class names of its model.
        self.names = names
        #: Its inputs, one by one; folders and lists stand for what is in them.
        self.inputs: list[str] = run.inputs
        _open_runs.add(self)

    def __iter__(self) -> Run:
        return self

    def __next__(self) -> Frame:
        try:
            for item in self._run:
                if isinstance(item, Frame):
                    return item
                self._end(item)
        except BaseException:
            self.close()
            raise
        for failure in self._run.failed_devices:
            warnings.warn(f'a device has failed, the others did its work: {failure}', RuntimeWarning, stacklevel=2)
        self.close()
        raise StopIteration

    def _end(self, end: InputEnd) -> None:
        if self._on_end is not None:
            self._on_end(end)
            return
        if end.error:
            raise InputError(end.error)
        if end.damaged:
            warnings.warn(f'{end.path}: {end.damaged} damaged, the first: {end.first_damage}', DamageWarning, stacklevel=3)
        if end.not_finite:
            warnings.warn(f'{end.path}: {end.not_finite} boxes with numbers that are NaN or infinite are left out; the first layer that '
                          f'has such numbers: {end.first_not_finite}', RuntimeWarning, stacklevel=3)

    def close(self) -> None:
        """Ends the run: nothing more is read, and what is under way is dropped."""
        self._run.close()

    def __enter__(self) -> Run:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


@atexit.register
def _end() -> None:
    for run in list(_open_runs):
        run.close()
    _end_engines()


def run(inputs: str | os.PathLike[str] | Iterable[str | os.PathLike[str]], model: Model | Engine | str | os.PathLike[str] | None = None, *,
        track: bool = False, pixels: bool = False, queue: int = 64, at_once: int = 1, frames: int = 0, every: int = 1,
        start_s: float = 0, stop_s: float = 0, stream: int = -1, deinterlace: bool = False, give_up_s: float = 60,
        on_end: Callable[[InputEnd], None] | None = None, **engine: Any) -> Run:
    """Videos, pictures, folders, lists, cameras and streams, frame by frame in order, decoded and looked at by all devices.

        for frame in convoy.run(['a.mp4', 'rtsp://camera/1'], model='yolov3', track=True):
            for x, y, w, h, score, class_id, track in frame.detections: ...

    It reads ahead until `queue` frames wait, and no further. Inputs come one after the other, `at_once` recordings side
    by side; live ones run beside all others, and their frames come as they do (Frame.input says whose they are).

    model: a Model, its stem, or an Engine that is used again; by default the demo model. Further arguments are Engine's.
    track: detections get the number of the thing that they are a sight of. pixels: frames have their `image`.
    frames: only so many of each input; every: only every N-th; start_s, stop_s: seconds of a recording; stream: which
    video stream of it; give_up_s: how long a live input may be away.
    on_end: told of each input's end. Without it, one that cannot be read raises InputError in its place, which ends the
    run, and damage is a DamageWarning.
    Raises UsageError, ModelError, UnsupportedError, DeviceError, InputError."""
    paths = [inputs] if isinstance(inputs, (str, bytes, os.PathLike)) else list(inputs)
    paths = [os.fsencode(path) for path in paths]
    if isinstance(model, Engine) and engine:
        raise TypeError(f'run() was given an Engine, which is made already; {", ".join(engine)} belong to Engine()')
    wanted = _Inputs(paths, open_first=not isinstance(model, Engine), at_once=at_once, frames=frames, every=every,
                     start_s=start_s, stop_s=stop_s, stream=stream, deinterlace=deinterlace, give_up_s=give_up_s)
    for sentence in wanted.left_out:
        warnings.warn(sentence, stacklevel=2)
    if isinstance(model, Engine):
        running = model
    else:
        # Recordings get the same bits whatever shares their batch, as in yolo-run; for live inputs small batches count.
        engine.setdefault('same_bits', engine.get('max_latency_ms') is None and not wanted.any_live)
        # A camera may be at an address of HTTP as well.
        engine.setdefault('throughput', engine['same_bits'] and not wanted.any_address)
        if not isinstance(model, Model):
            model = Model(model)
            for sentence in model.warnings:
                warnings.warn(sentence, stacklevel=2)
        running = Engine(model, _inputs=wanted, **engine)
    return Run(_Run(running, wanted, track=track, pixels=pixels, queue=queue), running.names, on_end)
