# SPDX-License-Identifier: MIT
"""Reads the variables of a TensorFlow checkpoint (tensor bundle, version 2) without TensorFlow: PREFIX.index is a sorted table in
LevelDB's format that says where each variable lies in PREFIX.data-00000-of-00001."""
from __future__ import annotations

import os
import struct

import numpy as np

from ._convoy import ModelError

MAGIC = 0xdb4775248b80fb57
FOOTER = 48
DTYPES = {1: '<f4', 2: '<f8', 3: '<i4', 9: '<i8', 19: '<f2'}  # tensorflow.DataType


def _varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, at
        shift += 7


def _fields(message):
    """A protocol buffer's fields: (number, value)."""
    at = 0
    while at < len(message):
        key, at = _varint(message, at)
        number, wire = key >> 3, key & 7
        if wire == 0:
            value, at = _varint(message, at)
        elif wire == 2:
            length, at = _varint(message, at)
            value, at = message[at:at + length], at + length
        elif wire in (1, 5):
            length = 8 if wire == 1 else 4
            value, at = message[at:at + length], at + length
        else:
            raise ValueError(f'wire type {wire}')
        yield number, value


class Checkpoint:
    """prefix: the checkpoint's name, or that of its .index file. entries: {variable: (dtype, shape, shard, offset, bytes)}."""

    def __init__(self, prefix: str | os.PathLike[str]) -> None:
        self.prefix = os.fspath(prefix)
        if self.prefix.endswith('.index'):
            self.prefix = self.prefix[:-len('.index')]
        try:
            with open(f'{self.prefix}.index', 'rb') as file:
                self._table = file.read()
        except OSError as error:
            raise ModelError(f'{self.prefix}.index: {error.strerror}') from None
        self.shards, self.entries = 1, {}
        try:
            self._read_table()
        except (IndexError, struct.error, TypeError, ValueError) as error:
            raise ModelError(f'{self.prefix}.index: the file is damaged or no checkpoint of version 2: {error}') from None

    def _read_table(self):
        if len(self._table) < FOOTER or struct.unpack('<Q', self._table[-8:])[0] != MAGIC:
            raise ValueError('it does not end as one')
        footer = self._table[-FOOTER:]
        _, at = _varint(footer, 0)
        _, at = _varint(footer, at)  # the metaindex
        for _, handle in self._block(footer[at:]):
            for key, value in self._block(handle):
                self._entry(key.decode(), value)

    def _block(self, handle):
        """(key, value) of the block that a handle names; keys share their beginnings."""
        offset, at = _varint(handle, 0)
        size, _ = _varint(handle, at)
        block, kind = self._table[offset:offset + size], self._table[offset + size]
        if kind != 0:
            raise ValueError('it is compressed, which TensorFlow does not do')
        end = len(block) - 4 - 4 * struct.unpack('<I', block[-4:])[0]
        at, key = 0, b''
        while at < end:
            shared, at = _varint(block, at)
            own, at = _varint(block, at)
            length, at = _varint(block, at)
            key = key[:shared] + block[at:at + own]
            yield key, block[at + own:at + own + length]
            at += own + length

    def _entry(self, name, message):
        fields = list(_fields(message))
        if not name:  # the header
            values = dict(fields)
            self.shards = values.get(1, 1)
            if values.get(2, 0):
                raise ValueError('its numbers are big-endian')
            return
        values = dict(fields)
        shape = [dict(_fields(dim)).get(1, 0) for number, dim in _fields(values.get(2, b'')) if number == 2]
        numbers = [values.get(field, 0) for field in (1, 3, 4, 5)]
        if not all(isinstance(number, int) for number in numbers + shape):
            raise ValueError(f'what it says of {name} is no number')
        self.entries[name] = (numbers[0], shape, *numbers[1:])

    def read(self, name: str) -> np.ndarray:
        if name not in self.entries:
            raise ModelError(f'{self.prefix}: it has no variable {name}')
        dtype, shape, shard, offset, size = self.entries[name]
        if dtype not in DTYPES:
            raise ModelError(f'{self.prefix}: {name} has numbers of type {dtype}, which are not read')
        path = f'{self.prefix}.data-{shard:05d}-of-{self.shards:05d}'
        try:
            with open(path, 'rb') as file:
                rest = max(0, os.fstat(file.fileno()).st_size - offset)
                file.seek(offset if rest else 0)
                data = file.read(min(size, rest))
        except OSError as error:
            raise ModelError(f'{path}: {error.strerror}') from None
        numbers = np.frombuffer(data[:len(data) // np.dtype(DTYPES[dtype]).itemsize * np.dtype(DTYPES[dtype]).itemsize], DTYPES[dtype])
        if len(data) != size or numbers.size != np.prod(shape, dtype=np.int64):
            raise ModelError(f'{path}: {name} is cut short: the file is damaged')
        return numbers.reshape(shape).astype(np.float32)
