#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The C interface from a language that knows no header: ctypes_program.py LIBRARY MODEL.cfg MODEL.weights PICTURE SIZE
prints what is found in the picture, a line each, once from the file and checked against the run of the same picture."""
import ctypes as c, sys


class Detection(c.Structure):
    _fields_ = [('class_id', c.c_int32), ('confidence', c.c_float), ('x', c.c_float), ('y', c.c_float), ('w', c.c_float),
                ('h', c.c_float), ('track', c.c_int64)]


FRAME = c.CFUNCTYPE(c.c_int, c.c_void_p, c.c_void_p)
END = c.CFUNCTYPE(None, c.c_void_p, c.c_int, c.c_char_p, c.c_int64, c.c_char_p)


class Callbacks(c.Structure):
    _fields_ = [('struct_size', c.c_size_t), ('data', c.c_void_p), ('begin', c.c_void_p), ('frame', FRAME), ('end', END)]


library, cfg, weights, picture, size = sys.argv[1:]
convoy = c.CDLL(library)
convoy.convoy_last_error.restype = c.c_char_p
convoy.convoy_result_count.restype = c.c_size_t
convoy.convoy_result_detections.restype = c.POINTER(Detection)
for function in ('convoy_result_count', 'convoy_result_detections', 'convoy_result_destroy', 'convoy_engine_destroy',
                 'convoy_options_destroy'):
    getattr(convoy, function).argtypes = [c.c_void_p]


def call(name, *arguments):
    status = getattr(convoy, name)(*arguments)
    if status < 0:
        sys.exit(f'{name}: {convoy.convoy_last_error().decode()}')
    return status


def lines(result):
    found = convoy.convoy_result_detections(result)
    return [f'{d.class_id} {d.confidence:.9g} {d.x:.9g} {d.y:.9g} {d.w:.9g} {d.h:.9g}'
            for d in (found[i] for i in range(convoy.convoy_result_count(result)))]


options, engine, result = c.c_void_p(), c.c_void_p(), c.c_void_p()
call('convoy_options_create', c.byref(options))
for name, value in (('size', size), ('device', 'cpu')):
    call('convoy_options_set', options, name.encode(), value.encode())
call('convoy_engine_create', c.byref(engine), cfg.encode(), weights.encode(), None, options)
convoy.convoy_options_destroy(options)
call('convoy_detect_file', engine, picture.encode(), c.byref(result))
of_file = lines(result)
convoy.convoy_result_destroy(result)

of_run, ended = [], []
callbacks = Callbacks(c.sizeof(Callbacks), None, None, FRAME(lambda data, frame: of_run.extend(lines(frame)) or 0),
                      END(lambda data, number, path, frames, error: ended.append((frames, error))))
inputs = (c.c_char_p * 1)(picture.encode())
call('convoy_run', engine, inputs, c.c_size_t(1), c.byref(callbacks))
convoy.convoy_engine_destroy(engine)
if of_run != of_file or ended != [(1, b'')]:
    sys.exit(f'the run found {of_run} and ended with {ended}; the picture alone has {of_file}')
print('\n'.join(of_file))
