# SPDX-License-Identifier: MIT
import json
import os
import pathlib
import subprocess

import pytest

import convoy

SOURCE = pathlib.Path(os.environ['CONVOY_SOURCE_DIR'])
CLIP = str(SOURCE / 'models/pedestrians.mp4')


def records(*arguments):
    """What yolo-run says, a dict for each frame."""
    program = pathlib.Path(os.environ['CONVOY_BIN_DIR']) / 'yolo-run'
    out = subprocess.run([program, '--quiet', '--jsonl', '-', *map(str, arguments)], check=True, stdout=subprocess.PIPE).stdout
    return [json.loads(line) for line in out.splitlines()]


@pytest.fixture(scope='session')
def engine():
    return convoy.Engine(convoy.Model(), device='cpu')
