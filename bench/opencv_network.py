#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""One measurement of OpenCV's dnn on a Darknet model: prints its median ms a pass.
usage: opencv_network.py CFG WEIGHTS SIZE PASSES [THREADS]"""
import statistics
import sys
import time

import cv2
import numpy as np


def main():
    cfg, weights, size, passes = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    if len(sys.argv) > 5:
        cv2.setNumThreads(int(sys.argv[5]))
    net = cv2.dnn.readNetFromDarknet(cfg, weights)
    outputs = net.getUnconnectedOutLayersNames()
    picture = np.random.default_rng(1).random((1, 3, size, size), np.float32)
    times = []
    for _ in range(passes + 2):
        net.setInput(picture)
        start = time.perf_counter()
        net.forward(outputs)
        times.append((time.perf_counter() - start) * 1e3)
    print(cv2.__version__, statistics.median(times[2:]))


main()
