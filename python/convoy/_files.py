# SPDX-License-Identifier: MIT
"""The files beside the module: commands and the demo model; in a wheel, or in the build tree that it is tried from."""
import os
import pathlib

_HERE = pathlib.Path(__file__).resolve().parent


def _find(in_wheel, in_build_tree, what):
    for path in (_HERE / in_wheel, in_build_tree):
        if path.exists():
            return path
    raise FileNotFoundError(f'{what} is not beside the package: {_HERE / in_wheel}')


def demo_model():
    """The stem of the demo model."""
    source = pathlib.Path(os.environ.get('CONVOY_SOURCE_DIR', _HERE.parents[2]))
    cfg = _find('share/convoy/models/yolov3-quarter.cfg', source / 'models/yolov3-quarter.cfg', 'the demo model')
    return str(cfg.with_suffix(''))


def command(name):
    """The path of a command: yolo-run, yolo-eval, yolo-fleet or yolo-inspect."""
    return str(_find(f'bin/{name}', _HERE.parents[1] / 'bin' / name, f'the command {name}'))
