# SPDX-License-Identifier: MIT
"""What happens to the process around an engine: its end beside threads, forks."""
import subprocess
import sys

import numpy as np
import pytest
from conftest import CLIP

import convoy

BEGIN = f'''
import builtins, os, signal, sys, threading, time
import numpy as np
import convoy
frame = np.zeros((64, 64, 3), np.uint8)
engine = convoy.Engine(convoy.Model(), device='cpu')
def in_thread(work):
    started = threading.Event()
    def loop():
        while True:
            work()
            started.set()
    threading.Thread(target=loop, daemon=True).start()
    started.wait()
def in_child(work):
    child = os.fork()
    if child == 0:
        signal.alarm(60)
        try:
            work()
        except convoy.UsageError as error:
            print(error, flush=True)
        sys.exit(0)
    assert os.waitpid(child, 0)[1] == 0
def run(**options):
    return convoy.run({CLIP!r}, engine, queue=1, **options)
'''


def said_by(program):
    child = subprocess.run([sys.executable, '-c', BEGIN + program], check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                           timeout=120)
    assert child.returncode == 0, child.stdout
    return child.stdout


@pytest.mark.parametrize('program', [
    'in_thread(lambda: engine.detect(frame))',
    'in_thread(lambda: engine.submit(frame)), in_thread(lambda: (engine.flush(), engine.next()))',
    'in_thread(lambda: list(run(pixels=True, frames=2)))',
    'builtins.kept = engine\nwhile engine.submit(np.zeros((1064, 1064, 3), np.uint8), wait=False): pass'],
    ids=['detect', 'submit', 'run', 'frames in flight'])
def test_an_interpreter_that_ends_beside_threads_ends_well_and_says_nothing(program):
    assert said_by(program) == ''


def test_an_engine_is_refused_in_a_fork_of_its_process():
    said = said_by('''
for work in (lambda: engine.detect(frame), lambda: engine.submit(frame), lambda: engine.next(), lambda: convoy.Engine(convoy.Model()),
             lambda: next(run())):
    in_child(work)
going_on = run()
next(going_on)
in_child(lambda: next(going_on))
print(next(going_on).index)
''')
    *refusals, still_there = said.splitlines()
    assert len(refusals) == 6 and all('forked off' in refusal for refusal in refusals) and still_there == '1'


def test_a_fork_that_uses_no_engine_ends_well():
    assert said_by('r = run(); next(r); in_child(lambda: None); print(next(r).index)') == '1\n'
    assert said_by('engine.submit(frame)\ndef drop(): global engine; del engine\nin_child(drop)') == ''


def test_what_is_no_array_of_bytes_says_of_what_it_is(engine):
    with pytest.raises(TypeError, match=r"array of \[\('r', 'u1'\)\]"):
        engine.detect(np.zeros((4, 4, 3), [('r', 'u1')]))


def test_why_an_array_is_not_handed_over_is_told(engine):
    class Refusing:
        def __dlpack__(self, **_):
            raise BufferError('needs a gradient')
    with pytest.raises(BufferError, match='needs a gradient'):
        engine.detect(Refusing())
