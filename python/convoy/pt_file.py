# SPDX-License-Identifier: MIT
"""Reads the tensors of a PyTorch file (.pt, the ZIP format of PyTorch 1.6 and later) without PyTorch, and without running any of
what a pickle could: whatever class it names that is not a tensor becomes a plain holder of attributes."""
from __future__ import annotations

import os
import pickle
import zipfile
from collections import OrderedDict

import numpy as np

from ._convoy import ModelError

STORAGES = {'FloatStorage': '<f4', 'HalfStorage': '<f2', 'DoubleStorage': '<f8', 'LongStorage': '<i8', 'IntStorage': '<i4',
            'ShortStorage': '<i2', 'CharStorage': 'i1', 'ByteStorage': 'u1', 'BoolStorage': '?'}


class Holder:
    """Stands for an object of any class."""

    def __init__(self, *arguments):
        self.arguments = arguments

    def __setstate__(self, state):
        if isinstance(state, dict):
            self.__dict__.update(state)

    # What pickles of subclasses of list and dict call.
    def append(self, _):
        pass

    def extend(self, _):
        pass

    def __setitem__(self, key, value):
        self.__dict__[str(key)] = value


def _tensor(storage, offset, shape, strides, *_):
    last = offset + sum((n - 1) * s for n, s in zip(shape, strides)) if all(shape) else offset - 1
    if min((offset, *shape, *strides)) < 0 or last >= len(storage):
        raise ModelError('a tensor reaches beyond its storage: the file is damaged')
    return np.lib.stride_tricks.as_strided(storage[offset:], shape, [s * storage.itemsize for s in strides], writeable=False)


def _parameter(data, *_):
    return data


class Unpickler(pickle.Unpickler):
    def __init__(self, archive, folder):
        super().__init__(archive.open(f'{folder}/data.pkl'))
        self.archive, self.folder, self.storages = archive, folder, {}

    def find_class(self, module, name):
        if (module, name) == ('collections', 'OrderedDict'):
            return OrderedDict
        if module == 'torch._utils' and name in ('_rebuild_tensor', '_rebuild_tensor_v2'):
            return _tensor
        if module == 'torch._utils' and name in ('_rebuild_parameter', '_rebuild_parameter_with_state'):
            return _parameter
        if module == 'torch' and name.endswith('Storage'):
            return name
        if (module, name) in (('builtins', 'set'), ('__builtin__', 'set')):
            return set
        return type(name, (Holder,), {})

    def persistent_load(self, what):
        kind, storage, key = what[0], what[1], what[2]
        if kind != 'storage' or storage not in STORAGES:
            raise ModelError(f'a {storage} of numbers is not read')
        if key not in self.storages:
            self.storages[key] = np.frombuffer(self.archive.read(f'{self.folder}/data/{key}'), STORAGES[storage])
        return self.storages[key]


def read_pt(path: str | os.PathLike[str]) -> tuple[dict[str, np.ndarray], list[str]]:
    """The tensors by their names in the state dict, and class names where the file has some."""
    path = os.fspath(path)
    try:
        with zipfile.ZipFile(path) as archive:
            pickles = [name for name in archive.namelist() if name.endswith('/data.pkl')]
            if not pickles:
                raise ModelError('a ZIP archive without data.pkl is no PyTorch file')
            content = Unpickler(archive, pickles[0][:-len('/data.pkl')]).load()
    except zipfile.BadZipFile:
        raise ModelError(f'{path}: not a PyTorch file of version 1.6 or later; there, torch.save(torch.load(…), …) makes one') from None
    except ModelError as error:
        raise ModelError(f'{path}: {error}') from None
    except OSError:
        raise
    except Exception as error:  # what a damaged archive and its pickle raise has no limits
        raise ModelError(f'{path}: the file is damaged: {type(error).__name__}: {error}') from None
    model = content
    if isinstance(content, dict):
        model = next((content[key] for key in ('ema', 'model', 'state_dict') if content.get(key) is not None), content)
    state = {key: value for key, value in model.items() if isinstance(value, np.ndarray)} if isinstance(model, dict) else \
        dict(_of_module(model))
    if not state:
        raise ModelError(f'{path}: it holds no tensors under names')
    names = getattr(model, 'names', []) or []
    names = [names[i] for i in sorted(names)] if isinstance(names, dict) else names
    return state, [str(name) for name in names]


def _of_module(module, prefix=''):
    """What Module.state_dict() would give."""
    fields = getattr(module, '__dict__', {})
    for kind in ('_parameters', '_buffers'):
        for name, value in (fields.get(kind) or {}).items():
            if isinstance(value, np.ndarray):
                yield prefix + name, value
    for name, inner in (fields.get('_modules') or {}).items():
        yield from _of_module(inner, f'{prefix}{name}.')
