#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Convoy's network beside PyTorch's (torch.compile, fp16, channels_last, one CUDA graph) on the same GPU, turn by turn.
Random weights on both sides; single runs between two events, the median of 30 of them per turn.
usage: compare_torch.py CONVOY_BENCH MODEL.cfg [--batches 32,1] [--turns 3] [convoy-bench options after --]"""
import argparse, json, statistics, subprocess, sys, tempfile

import torch
from torch import nn
from torch.nn import functional as F

from darknet_cfg import conv_padding, pool_padding, read_cfg

ACTIVATIONS = {'leaky': lambda x: F.leaky_relu(x, .1), 'mish': F.mish, 'swish': F.silu, 'relu': F.relu,
               'logistic': torch.sigmoid, 'linear': lambda x: x}


class Network(nn.Module):
    """What a Darknet cfg of the YOLOv3 family computes, batch norm folded away."""

    def __init__(self, sections):
        super().__init__()
        self.sections, self.convs, channels, c = sections[1:], nn.ModuleDict(), [], int(sections[0].get('channels', 3))
        for i, s in enumerate(self.sections):
            if s['kind'] == 'convolutional':
                self.convs[str(i)] = nn.Conv2d(c, int(s['filters']), int(s['size']), int(s.get('stride', 1)), conv_padding(s),
                                               groups=int(s.get('groups', 1)))
                c = int(s['filters'])
                if s['activation'] not in ACTIVATIONS:
                    raise SystemExit(f"compare_torch.py: layer {i}: this comparison has no activation {s['activation']}")
            elif s['kind'] == 'route':
                c = sum(channels[f] for f in s['from']) // int(s.get('groups', 1))
            elif s['kind'] not in ('shortcut', 'upsample', 'maxpool', 'yolo'):
                raise SystemExit(f"compare_torch.py: layer {i} is a {s['kind']}, which this comparison does not have")
            channels.append(c)

    def forward(self, x):
        outputs, heads = [], []
        for i, s in enumerate(self.sections):
            if s['kind'] == 'convolutional':
                x = self.convs[str(i)](x)
                x = ACTIVATIONS[s['activation']](x)
            elif s['kind'] == 'route':
                x = torch.cat([outputs[f] for f in s['from']], 1)
                if 'groups' in s:
                    x = x.chunk(int(s['groups']), 1)[int(s.get('group_id', 0))]
            elif s['kind'] == 'shortcut':
                x = sum((outputs[f] for f in s['from']), x)
            elif s['kind'] == 'upsample':
                x = F.interpolate(x, scale_factor=int(s.get('stride', 2)), mode='nearest')
            elif s['kind'] == 'maxpool':
                x = F.max_pool2d(F.pad(x, pool_padding(s) * 2, value=-6e4), int(s['size']), int(s['stride']))
            elif s['kind'] == 'yolo':
                heads.append(x)
            outputs.append(x)
        return heads


def torch_graph(network, batch, side):
    x = torch.rand(batch, 3, *side, device='cuda').half().to(memory_format=torch.channels_last)
    compiled = torch.compile(network, dynamic=False)
    stream = torch.cuda.Stream()
    with torch.cuda.stream(stream):
        for _ in range(3):
            compiled(x)
    torch.cuda.synchronize()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        heads = compiled(x)
    return graph, (x, heads)


def torch_ms(graph, runs=30):
    times = []
    for i in range(runs + 5):
        start, stop = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
        start.record(), graph.replay(), stop.record(), stop.synchronize()
        times.append(start.elapsed_time(stop))
    return statistics.median(times[5:])


def convoy_ms(bench, cfg, batch, options):
    with tempfile.NamedTemporaryFile(suffix='.json') as out:
        command = [bench, 'network', '--cfg', cfg, '--batch', str(batch), '--passes', '3', '--json', out.name, *options]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        return json.load(open(out.name))['network_alone']['median_ms']


def main():
    argv, options = sys.argv[1:], []
    if '--' in argv:
        argv, options = argv[:argv.index('--')], argv[argv.index('--') + 1:]
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('bench'), p.add_argument('cfg')
    p.add_argument('--batches', default='32,1'), p.add_argument('--turns', type=int, default=3)
    a = p.parse_args(argv)
    sections = read_cfg(a.cfg)
    side = int(sections[0]['height']), int(sections[0]['width'])
    network = Network(sections).cuda().eval().half().to(memory_format=torch.channels_last)
    torch.backends.cudnn.benchmark = True
    with torch.no_grad():
        for batch in map(int, a.batches.split(',')):
            torch._dynamo.reset()
            graph, keep = torch_graph(network, batch, side)
            convoy_ms(a.bench, a.cfg, batch, options)  # tunes, where nothing is remembered
            turns = [(convoy_ms(a.bench, a.cfg, batch, options), torch_ms(graph)) for _ in range(a.turns)]
            ours, theirs = (statistics.median(column) for column in zip(*turns))
            ratios = sorted(t / o for o, t in turns)
            print(f'{a.cfg} {side[1]}x{side[0]}, batch {batch}: Convoy {ours:.3f} ms = {batch / ours * 1e3:.0f} pictures/s, '
                  f'PyTorch {torch.__version__} Inductor {theirs:.3f} ms = {batch / theirs * 1e3:.0f}; '
                  f'ratio {statistics.median(ratios):.2f} ({ratios[0]:.2f}-{ratios[-1]:.2f})', flush=True)


main()
