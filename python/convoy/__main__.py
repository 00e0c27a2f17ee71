# SPDX-License-Identifier: MIT
"""python -m convoy: yolo-run. The commands of the wheel are the programs themselves, which take this process's place."""
import os
import sys

from ._files import command


def _become(name):
    path = command(name)
    os.execv(path, [name, *sys.argv[1:]])


def yolo_run():
    _become('yolo-run')


def yolo_eval():
    _become('yolo-eval')


def yolo_fleet():
    _become('yolo-fleet')


def yolo_inspect():
    _become('yolo-inspect')


if __name__ == '__main__':
    yolo_run()
