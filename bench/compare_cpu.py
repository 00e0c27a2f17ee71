#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The network alone on the CPU, beside ONNX Runtime and OpenVINO: in fp32, and Convoy and OpenVINO in bf16, too, where the CPU has
it; turn by turn in one run, ms a picture.

"One picture" is the time of a lone one with all threads; "throughput" that of many, divided by their number: of Convoy a batch of
one a thread, of ONNX Runtime as many sessions of one thread, of OpenVINO what it chooses. The same random
weights on all sides. Needs `pip install . onnx`, and onnxruntime or openvino: what is missing of these two is left out.
usage: compare_cpu.py BIN_DIR CFG SIZE [--turns 7] [--passes 12] [--threads N]"""
import argparse
import json
import os
import statistics
import subprocess
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np

import convoy
from convoy.to_onnx import to_onnx


def median_ms(run, passes):
    times = []
    for i in range(passes + 2):
        start = time.perf_counter()
        run()
        times.append((time.perf_counter() - start) * 1e3)
    return statistics.median(times[2:])


def convoy_ms(a, weights, batch, precision):
    with tempfile.NamedTemporaryFile(suffix='.json') as out:
        subprocess.run([f'{a.bin}/convoy-bench', 'network', '--cfg', a.cfg, '--weights', weights, '--size', str(a.size), '--device', 'cpu',
                        '--precision', precision, '--threads', str(a.threads), '--batch', str(batch), '--passes', str(a.passes), '--json', out.name], check=True, stdout=subprocess.DEVNULL)
        return json.load(open(out.name))['ms_per_picture']


def has_bf16():
    try:
        convoy.Engine(convoy.Model(), device='cpu', precision='bf16')
        return True
    except convoy.Error:
        return False


def convoy_runs(weights, a):
    return {f'Convoy {precision}, {name}': lambda precision=precision, batch=batch: convoy_ms(a, weights, batch, precision)
            for precision in ['fp32'] + ['bf16'] * has_bf16() for name, batch in (('one picture', 1), ('throughput', min(a.threads, 16)))}


def onnx_runtime(model, x, a):
    try:
        import onnxruntime
    except ImportError:
        return {}

    def session(threads):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 3
        options.add_session_config_entry('session.intra_op.allow_spinning', '1' if threads > 1 else '0')
        return onnxruntime.InferenceSession(model, options, providers=['CPUExecutionProvider'])

    def run(s):
        return s.run(None, {'picture': x})
    lone, many, pool = session(a.threads), [session(1) for _ in range(a.threads)], ThreadPoolExecutor(a.threads)
    name = f'ONNX Runtime {onnxruntime.__version__}'
    return {f'{name}, one picture': lambda: median_ms(lambda: run(lone), a.passes),
            f'{name}, throughput': lambda: median_ms(lambda: list(pool.map(run, many)), a.passes) / a.threads}


def openvino_runs(model, x, a):
    try:
        import openvino
    except ImportError:
        return {}
    core, runs = openvino.Core(), {}
    name = 'OpenVINO ' + openvino.__version__.split('-')[0]
    precisions = ['f32'] + (['bf16'] if 'BF16' in core.get_property('CPU', 'OPTIMIZATION_CAPABILITIES') else [])
    for precision in precisions:
        settings = {'INFERENCE_PRECISION_HINT': precision, 'INFERENCE_NUM_THREADS': a.threads}
        lone = core.compile_model(model, 'CPU', {**settings, 'PERFORMANCE_HINT': 'LATENCY'}).create_infer_request()
        queue = openvino.AsyncInferQueue(core.compile_model(model, 'CPU', {**settings, 'PERFORMANCE_HINT': 'THROUGHPUT'}))

        def many(queue=queue, count=max(16, 2 * a.passes)):
            def run():
                for _ in range(count):
                    queue.start_async({0: x})
                queue.wait_all()
            return median_ms(run, 3) / count
        runs[f'{name} {precision}, one picture'] = lambda lone=lone: median_ms(lambda: lone.infer({0: x}), a.passes)
        runs[f'{name} {precision}, throughput'] = many
    return runs


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('bin'), p.add_argument('cfg'), p.add_argument('size', type=int)
    p.add_argument('--turns', type=int, default=7), p.add_argument('--passes', type=int, default=12)
    p.add_argument('--threads', type=int, default=len(os.sched_getaffinity(0)))
    a = p.parse_args()
    x = np.random.default_rng(1).random((1, 3, a.size, a.size), np.float32)
    with tempfile.TemporaryDirectory() as folder:
        weights, model = f'{folder}/random.weights', f'{folder}/network.onnx'
        subprocess.run([f'{a.bin}/yolo-make-weights', a.cfg, weights, '--size', str(a.size)], check=True, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL)
        to_onnx(convoy.Model(cfg=a.cfg, weights=weights, size=a.size), model, heads='raw')
        runs = {**convoy_runs(weights, a), **onnx_runtime(model, x, a), **openvino_runs(model, x, a)}
        turns = [{name: run() for name, run in runs.items()} for _ in range(a.turns)]
    print(f'{os.path.basename(a.cfg)} {a.size}x{a.size}, {a.threads} threads, {a.turns} turns: ms a picture, median (least to most), '
          'and how many times as long as Convoy takes in the same precision, by turn')
    for name in runs:
        times = [turn[name] for turn in turns]
        ours = f"Convoy {'bf16' if 'bf16' in name else 'fp32'}, {name.split(', ')[1]}"
        print(f'  {name:42s} {statistics.median(times):8.2f}  ({min(times):.2f}-{max(times):.2f})'
              f'  {statistics.median(t[name] / t[ours] for t in turns):.2f}', flush=True)


main()
