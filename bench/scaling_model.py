#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What a video of so many frames takes on several GPUs, from what was measured on one and two: the driver makes decoders
one after the other, CPU threads decode from the first one on, and networks wait for both.
usage: scaling_model.py [--gpus 1,2,4,8] [--frames 15118,120958,500000] [--NAME VALUE]"""
import argparse
import math

# Of H.264 in 1080p and yolov3 416 in fp16 on H200s with 16 cores each: docs/measurements-commands.md.
MEASURED = {
    "begin": (.50, "seconds from the return key to the first network, with one GPU"),
    "begin_more": (.24, "and with each further one"),
    "decoder": (.06, "seconds that the driver takes for a decoder"),
    "decoders": (8, "of a GPU"),
    "nvdec": (4150., "frames/s that a GPU decodes with all of them"),
    "cpu": (2760., "frames/s that a GPU's share of the cores decodes beside that"),
    "cpu_all": (3860., "the most that all cores decode beside several GPUs"),
    "network": (7300., "frames/s of a GPU's network, decoders and preprocessing beside it"),
    "end": (.25, "seconds from the last frame to the prompt, with one GPU"),
    "end_more": (.35, "and with each further one"),
}
STEP = .001


def wall_clock(m, gpus, frames):
    """(seconds, frames/s within the run)"""
    begin = m.begin + m.begin_more * (gpus - 1)
    cpu = min(m.cpu * gpus, m.cpu_all)
    t = done = 0
    while done < frames:
        ready = min(m.decoders * gpus, int(t / m.decoder))
        decoded = ready * m.nvdec / m.decoders + (cpu if ready else 0)
        done += STEP * min(decoded, m.network * gpus)
        t += STEP
    return begin + t + m.end + m.end_more * (gpus - 1), frames / t


def positive(kind):
    def of(text):
        value = kind(text)
        if not 0 < value < math.inf:
            raise argparse.ArgumentTypeError(f"{text} is not above 0, or without end")
        return value
    return of


def numbers(text):
    return [positive(int)(part) for part in text.split(",")]


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--gpus", type=numbers, default="1,2,4,8", help="(default: %(default)s)")
    p.add_argument("--frames", type=numbers, default="15118,120958,500000", help="(default: %(default)s)")
    for name, (value, what) in MEASURED.items():
        p.add_argument("--" + name.replace("_", "-"), type=positive(type(value)), default=value, help=f"{what} (default: {value})")
    m = p.parse_args()
    print(f"{'frames':>8} {'GPUs':>4} {'wall clock':>10} {'x one':>6} {'frames/s in the run':>19} {'x one':>6}")
    for frames in m.frames:
        one = wall_clock(m, 1, frames)
        for gpus in m.gpus:
            seconds, rate = wall_clock(m, gpus, frames)
            print(f"{frames:>8} {gpus:>4} {seconds:>8.2f} s {one[0] / seconds:>6.2f} {rate:>19.0f} {rate / one[1]:>6.2f}")


if __name__ == "__main__":
    main()
