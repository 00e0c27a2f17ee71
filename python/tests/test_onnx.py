# SPDX-License-Identifier: MIT
"""ONNX files beside the engine: every detection of a random picture, scores and boxes."""
import os
import pathlib
import re
import subprocess
import sys

import numpy as np
import pytest
from conftest import SOURCE

import convoy

onnx = pytest.importorskip('onnx')
onnxruntime = pytest.importorskip('onnxruntime')
from convoy.to_onnx import to_onnx, worst_difference  # noqa: E402

WORST = 1e-4
NET = '[net]\nwidth={0}\nheight={0}\nchannels=3\n'
YOLO = '[convolutional]\nfilters=16\nsize=1\nactivation={}\n[yolo]\nmask=0,1\nanchors=4,6,12,9,20,30\nclasses=3\nnum=3\n{}'

LAYERS = {
    'strides, groups, dilation': '[convolutional]\nbatch_normalize=1\nfilters=12\nsize=3\npad=1\nstride_x=2\nstride_y=1\nactivation=mish\n'
                                 '[convolutional]\nfilters=12\nsize=3\npad=1\ndilation=2\ngroups=4\nactivation=swish\n',
    'shortcut, route, upsample': '[convolutional]\nfilters=8\nsize=3\nstride=2\npad=1\nactivation=leaky\n'
                                 '[convolutional]\nfilters=12\nsize=1\nactivation=relu\n[shortcut]\nfrom=-2\nactivation=leaky\n[shortcut]\nfrom=-3\n'
                                 '[route]\nlayers=-1\ngroups=2\ngroup_id=1\n[upsample]\nstride=2\n[route]\nlayers=-1\n',
    'pools': '[maxpool]\nsize=2\nstride=2\n[maxpool]\nsize=2\nstride=1\n[maxpool]\nsize=5\nstride=1\n[local_avgpool]\nsize=3\nstride=1\n'
             '[convolutional]\nfilters=12\nsize=1\nactivation=linear\n[maxpool]\nmaxpool_depth=1\nout_channels=4\n',
    'antialiasing': '[convolutional]\nfilters=8\nsize=3\nstride=2\npad=1\nantialiasing=1\nactivation=relu\n',
    'xnor': '[convolutional]\nfilters=8\nsize=3\npad=1\nactivation=leaky\n'
            '[convolutional]\nbatch_normalize=1\nxnor=1\nfilters=8\nsize=3\npad=1\nactivation=leaky\n',
    'reorg': '[convolutional]\nfilters=8\nsize=3\npad=1\nactivation=leaky\n[reorg]\nstride=2\n[reorg3d]\nstride=2\n',
    'attention': '[convolutional]\nfilters=8\nsize=3\npad=1\nactivation=leaky\n[avgpool]\n[convolutional]\nfilters=8\nsize=1\nactivation=logistic\n'
                 '[scale_channels]\nfrom=-3\n[convolutional]\nfilters=8\nsize=1\nactivation=logistic\n[sam]\nfrom=-2\n[batchnorm]\n[dropout]\n',
}
HEADS = {
    'yolo': YOLO.format('linear', ''),
    'new coordinates': YOLO.format('logistic', 'new_coords=1\nscale_x_y=2.0\n'),
    'scale_x_y': YOLO.format('linear', 'scale_x_y=1.2\n'),
    'gaussian': '[convolutional]\nfilters=24\nsize=1\nactivation=linear\n[Gaussian_yolo]\nmask=0,1\nanchors=4,6,12,9,20,30\nclasses=3\nnum=3\n',
    'region': '[convolutional]\nfilters=16\nsize=1\nactivation=linear\n[region]\nanchors=1,2,3,1.5\nclasses=3\nnum=2\ncoords=4\nsoftmax=1\n',
}
ACTIVATIONS = ['relu6', 'hard_mish', 'ramp', 'relie', 'elu', 'selu', 'gelu', 'tanh', 'loggy', 'hardtan', 'lhtan', 'plse',
               'normalize_channels', 'normalize_channels_softmax', 'normalize_channels_softmax_maxval']


def model_of(text, folder, size=None):
    cfg, weights = folder / 'made.cfg', folder / 'made.weights'
    cfg.write_text(text)
    subprocess.run([pathlib.Path(os.environ['CONVOY_BIN_DIR']) / 'yolo-make-weights', cfg, weights], check=True, stderr=subprocess.DEVNULL)
    return convoy.Model(cfg=cfg, weights=weights, size=size)


def agrees(model, folder, **how):
    to_onnx(model, folder / 'made.onnx', **how)
    count, score, box = worst_difference(model, folder / 'made.onnx')
    assert count >= 2 and score <= WORST and box <= WORST


@pytest.mark.parametrize('layers', LAYERS.values(), ids=LAYERS)
def test_layers(layers, tmp_path):
    agrees(model_of(NET.format(32) + layers + YOLO.format('linear', ''), tmp_path), tmp_path)


@pytest.mark.parametrize('head', HEADS.values(), ids=HEADS)
def test_heads(head, tmp_path):
    body = '[convolutional]\nbatch_normalize=1\nfilters=8\nsize=3\nstride=4\npad=1\nactivation=leaky\n'
    agrees(model_of(NET.format(64) + body + head, tmp_path), tmp_path)


@pytest.mark.parametrize('opset', [13, 18])
def test_activations(opset, tmp_path):
    text = ''.join(f'[convolutional]\nfilters=8\nsize=1\nactivation={a}\n' for a in ['mish', *ACTIVATIONS])
    agrees(model_of(NET.format(32) + text + YOLO.format('linear', ''), tmp_path), tmp_path, opset=opset)
    assert onnx.load(tmp_path / 'made.onnx').opset_import[0].version == opset


def test_the_demo_model_raw_and_decoded(tmp_path):
    model = convoy.Model(size=(160, 96))
    agrees(model, tmp_path)
    to_onnx(model, tmp_path / 'raw.onnx', heads='raw')
    picture = np.random.default_rng(2).random((1, 3, 96, 160), np.float32)
    raw = onnxruntime.InferenceSession(tmp_path / 'raw.onnx').run(None, {'picture': picture})
    _, scores = onnxruntime.InferenceSession(tmp_path / 'made.onnx').run(None, {'picture': picture})
    assert [head.shape for head in raw] == [(1, 255, 3, 5), (1, 255, 6, 10), (1, 255, 12, 20)]
    head = 1 / (1 + np.exp(-raw[0].reshape(3, 85, 15).astype(np.float64)))
    assert np.abs((head[:, 4:5] * head[:, 5:]).transpose(0, 2, 1).reshape(-1, 80) - scores[0, :45]).max() < 1e-6
    assert onnx.load(tmp_path / 'raw.onnx').metadata_props[0].value.startswith('person\n')


def test_what_onnx_cannot_say_is_named(tmp_path):
    local = NET.format(8) + '[local]\nfilters=4\nsize=3\nstride=1\npad=1\nactivation=leaky\n'
    with pytest.raises(convoy.UnsupportedError, match=r'made.cfg:5: \[local\] \(layer 0\)'):
        to_onnx(model_of(local, tmp_path), tmp_path / 'made.onnx')
    stair = NET.format(8) + '[convolutional]\nfilters=4\nsize=1\nactivation=stair\n'
    with pytest.raises(convoy.UnsupportedError, match=r'layer 0\): .*stair'):
        to_onnx(model_of(stair, tmp_path), tmp_path / 'made.onnx')
    bare = convoy.Model(cfg=SOURCE / 'models/yolov3-quarter.cfg', needs_weights=False)
    with pytest.raises((convoy.UnsupportedError, convoy.UsageError), match='weights'):
        to_onnx(bare, tmp_path / 'made.onnx')
    assert not list(tmp_path.glob('*.onnx*'))
    for wrong in ({'heads': 'boiled'}, {'opset': 9}):
        with pytest.raises(convoy.UsageError):
            to_onnx(convoy.Model(), tmp_path / 'made.onnx', **wrong)


def test_a_difference_is_seen(tmp_path):
    model = convoy.Model(size=96)
    to_onnx(model, tmp_path / 'made.onnx')
    made = onnx.load(tmp_path / 'made.onnx')
    bias = next(c for c in made.graph.initializer if len(c.dims) == 1 and c.dims[0] == 255)
    bias.raw_data = (onnx.numpy_helper.to_array(bias) + np.float32(.01)).tobytes()
    onnx.save(made, tmp_path / 'made.onnx')
    try:
        _, score, box = worst_difference(model, tmp_path / 'made.onnx')
        assert max(score, box) > WORST
    except convoy.UsageError as error:
        assert 'finds' in str(error)


def test_every_option_of_the_command_is_documented():
    usage = (SOURCE / 'docs/usage.md').read_text()
    text = subprocess.run([sys.executable, '-m', 'convoy.convert', '--help'], check=True, stdout=subprocess.PIPE, text=True).stdout
    options = set(re.findall(r'--[a-z]+', text)) - {'--help'}
    assert len(options) >= 8 and all(f'`{option}' in usage for option in options)


def test_the_command(tmp_path):
    def convert(*arguments):
        return subprocess.run([sys.executable, '-m', 'convoy.convert', *map(str, arguments)], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True)
    done = convert(SOURCE / 'models/yolov3-quarter', tmp_path / 'demo.onnx', '--size', '96', '--check')
    assert done.returncode == 0 and 'detections of a random picture' in done.stdout and (tmp_path / 'demo.onnx').exists()
    for arguments, words in ((('nothing', tmp_path / 'a.onnx'), 'nothing.cfg'), (('nothing', tmp_path / 'a'), "'nothing'"),
                             ((SOURCE / 'models/yolov3-quarter', tmp_path / 'a.onnx', '--size', 'big'), '--size big')):
        refused = convert(*arguments)
        assert refused.returncode == 2 and words in refused.stderr and refused.stderr.startswith('yolo-convert: error: ')


BESIDE = sorted((SOURCE.parent / 'shared/data').glob('cfgs/*.cfg')) + sorted((SOURCE.parent / 'shared/data').glob('models/*.cfg'))


@pytest.mark.parametrize('cfg', BESIDE, ids=lambda cfg: cfg.name)
def test_the_models_beside_the_tree(cfg, tmp_path):
    weights = cfg.with_suffix('.weights')
    if not weights.exists():
        if 'CONVOY_SLOW' not in os.environ and 'tiny' not in cfg.name:
            pytest.skip('a large one: CONVOY_SLOW=1 has it run')
        return agrees(model_of(cfg.read_text(), tmp_path), tmp_path)
    return agrees(convoy.Model(cfg=cfg, weights=weights), tmp_path)
