#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Mosaics of 3840x2160 pixels from a YOLO dataset's pictures, with their labels: a dataset whose things are small in the frame.

Each mosaic has 6x4 cells of 640x540; a picture that is larger than a cell is scaled down to it, none is scaled up. Cells that are
left are grey. Pictures come in the order of their names, so the mosaics are the same every time. Needs OpenCV (python3-opencv).
usage: mosaics.py DATASET OUT [--width 3840 --height 2160 --columns 6 --rows 4]"""
import argparse
import os

import cv2
import numpy as np


def scaled_down(picture, width, height):
    h, w = picture.shape[:2]
    scale = min(1, width / w, height / h)
    if scale == 1:
        return picture
    return cv2.resize(picture, (max(1, int(w * scale)), max(1, int(h * scale))), interpolation=cv2.INTER_AREA)


def labels_of(path):
    if not os.path.exists(path):
        return []
    with open(path) as lines:
        return [line.split() for line in lines if line.strip()]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dataset")
    parser.add_argument("out")
    for name, default in (("width", 3840), ("height", 2160), ("columns", 6), ("rows", 4)):
        parser.add_argument("--" + name, type=int, default=default)
    args = parser.parse_args()
    names = sorted(os.listdir(os.path.join(args.dataset, "images")))
    for folder in ("images", "labels"):
        os.makedirs(os.path.join(args.out, folder), exist_ok=True)
    cell_w, cell_h, cells = args.width // args.columns, args.height // args.rows, args.columns * args.rows
    for number, first in enumerate(range(0, len(names), cells)):
        mosaic = np.full((args.height, args.width, 3), 128, np.uint8)
        lines = []
        for cell, name in enumerate(names[first:first + cells]):
            picture = scaled_down(cv2.imread(os.path.join(args.dataset, "images", name)), cell_w, cell_h)
            h, w = picture.shape[:2]
            x, y = cell % args.columns * cell_w, cell // args.columns * cell_h
            mosaic[y:y + h, x:x + w] = picture
            stem = os.path.splitext(name)[0]
            for kind, cx, cy, bw, bh in labels_of(os.path.join(args.dataset, "labels", stem + ".txt")):
                lines.append(f"{kind} {(x + float(cx) * w) / args.width:.7f} {(y + float(cy) * h) / args.height:.7f} "
                             f"{float(bw) * w / args.width:.7f} {float(bh) * h / args.height:.7f}")
        stem = f"mosaic{number:02}"
        cv2.imwrite(os.path.join(args.out, "images", stem + ".jpg"), mosaic, [cv2.IMWRITE_JPEG_QUALITY, 95])
        with open(os.path.join(args.out, "labels", stem + ".txt"), "w") as out:
            out.write("".join(line + "\n" for line in lines))


if __name__ == "__main__":
    main()
