#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Draws what `convoy-bench conv --json FILE` measured as a roofline: arithmetic intensity against speed, under the card's two ceilings.

A dot is a distinct convolution, its area grows with the layers that it stands for; filled is the faster of our best kernel and the
libraries' best, a ring the other one. The table beside it tells the numbers.
usage: roofline.py FILE.json PICTURE.svg"""
import argparse
import html
import json
import math

LEFT, TOP, WIDTH, HEIGHT = 70, 64, 720, 600
TABLE, ROW = LEFT + WIDTH + 40, 16
COLUMNS = ((0, "start"), (24, "start"), (290, "end"), (352, "end"), (424, "end"), (480, "end"))
OURS, LIBRARY, GREY = "#0b6fa4", "#d9730d", "#8a8f98"
LABEL_W, LABEL_H = 13, 10


def text(x, y, what, size=11, anchor="start", color="#222", more=""):
    return f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" text-anchor="{anchor}" fill="{color}" {more}>{html.escape(str(what))}</text>'


def line(x1, y1, x2, y2, color, width=1.0, more=""):
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{color}" stroke-width="{width}" {more}/>'


class Axis:
    """Logarithmic, from values to pixels."""

    def __init__(self, low, high, at_low, at_high):
        self.low, self.high = low, high
        self.scale = (at_high - at_low) / math.log(high / low)
        self.at_low = at_low

    def __call__(self, value):
        return self.at_low + self.scale * math.log(value / self.low)

    def ticks(self):
        for power in range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)) + 1):
            for step in (1, 2, 5):
                if self.low <= step * 10**power <= self.high:
                    yield step * 10**power


def frame(x, y, peak, bandwidth):
    """Grid, axes and the two ceilings."""
    out = [f'<rect x="{LEFT}" y="{TOP}" width="{WIDTH}" height="{HEIGHT}" fill="#fafafa" stroke="#ccc"/>']
    for tick in x.ticks():
        out += [line(x(tick), TOP, x(tick), TOP + HEIGHT, "#e6e6e6"), text(x(tick), TOP + HEIGHT + 16, f"{tick:g}", anchor="middle")]
    for tick in y.ticks():
        out += [line(LEFT, y(tick), LEFT + WIDTH, y(tick), "#e6e6e6"), text(LEFT - 8, y(tick) + 4, f"{tick:g}", anchor="end")]
    out.append(text(LEFT + WIDTH / 2, TOP + HEIGHT + 36, "floating-point operations per byte moved", 12, "middle"))
    middle = TOP + HEIGHT / 2
    out.append(text(20, middle, "TFLOP/s", 12, "middle", more=f'transform="rotate(-90 20 {middle})"'))
    ridge = min(max(peak / bandwidth, x.low), x.high)
    start = max(x.low, y.low / bandwidth)
    if start < ridge:
        out.append(line(x(start), y(start * bandwidth), x(ridge), y(ridge * bandwidth), "#444", 1.5))
        at = math.sqrt(start * ridge)
        slope = -math.degrees(math.atan2(y(start * bandwidth) - y(ridge * bandwidth), x(ridge) - x(start)))
        out.append(text(x(at), y(at * bandwidth) - 6, f"{bandwidth:.2f} TB/s copied", 11, "middle", "#444",
                        f'transform="rotate({slope:.1f} {x(at):.1f} {y(at * bandwidth) - 6:.1f})"'))
    out += [line(x(ridge), y(peak), LEFT + WIDTH, y(peak), "#444", 1.5),
            # Left of the corner, where no convolution can be.
            text(x(ridge) - 8, y(peak) + 4, f"{peak:.0f} TFLOP/s as a matrix product", 11, "end", "#444")]
    return out


def overlaps(a, b):
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def place_labels(dots):
    """A free place for every number: (x, y) of its middle, the nearest first."""
    taken = [(x - r, y - r, x + r, y + r) for x, y, r in dots]
    out = []
    for x, y, r in dots:
        best = None
        for distance in (r + 8, r + 16, r + 26, r + 38, r + 52):
            for turn in range(12):
                angle = math.tau * turn / 12
                cx, cy = x + distance * math.cos(angle), y - distance * math.sin(angle)
                box = (cx - LABEL_W / 2, cy - LABEL_H / 2, cx + LABEL_W / 2, cy + LABEL_H / 2)
                if not any(overlaps(box, other) for other in taken):
                    best = (cx, cy, box)
                    break
            if best:
                break
        best = best or (x + r + 8, y, (x, y, x, y))
        taken.append(best[2])
        out.append(best[:2])
    return out


def draw(data):
    rows = [r for r in data["convolutions"] if "ours" in r or "library" in r]
    for r in rows:
        r["speeds"] = {who: r[who]["tflops"] for who in ("ours", "library") if who in r}
        r["intensity"] = r["flops"] / r["bytes"]
        r["times"] = len(r["layers"])
    peak, bandwidth = data["peak_tflops"], data["peak_gbs"] / 1e3
    speeds = [s for r in rows for s in r["speeds"].values()]
    x = Axis(min(r["intensity"] for r in rows) / 1.5, max(max(r["intensity"] for r in rows), peak / bandwidth) * 2, LEFT, LEFT + WIDTH)
    y = Axis(min(speeds) / 1.6, max(peak, *speeds) * 1.6, TOP + HEIGHT, TOP)
    out = frame(x, y, peak, bandwidth)

    dots = []
    for r in rows:
        radius = 2.5 + 1.5 * math.sqrt(r["times"])
        winner = max(r["speeds"], key=r["speeds"].get)
        cx = x(r["intensity"])
        if len(r["speeds"]) == 2:
            out.append(line(cx, y(r["speeds"]["ours"]), cx, y(r["speeds"]["library"]), GREY, 0.7))
        for who, speed in r["speeds"].items():
            color = OURS if who == "ours" else LIBRARY
            fill = color if who == winner else "none"
            out.append(f'<circle cx="{cx:.1f}" cy="{y(speed):.1f}" r="{radius:.1f}" fill="{fill}" fill-opacity=".75" stroke="{color}" '
                       f'stroke-width="1.3"><title>{html.escape(r["problem"])}: {html.escape(r[who]["row"])}, {speed:.0f} TFLOP/s</title></circle>')
        dots.append((cx, y(r["speeds"][winner]), radius))
    for number, ((dx, dy, _), (lx, ly)) in enumerate(zip(dots, place_labels(dots)), 1):
        out += [line(dx, dy, lx, ly, GREY, 0.5), text(lx, ly + 3.5, number, 9.5, "middle", more='paint-order="stroke" stroke="#fff" stroke-width="2"')]
    return out + table(rows, data), TOP + max(HEIGHT + 60, ROW * (len(rows) + 5))


def table(rows, data):
    def cells(y, values, colors=None, more=""):
        return [text(TABLE + at, y, v, 10.5, anchor, (colors or {}).get(i, "#222"), more) for i, ((at, anchor), v) in enumerate(zip(COLUMNS, values))]

    out = cells(TOP + 8, ("", "convolution", "layers", "ours, µs", "library, µs", "of peak"), more='font-weight="bold"')
    for number, r in enumerate(rows, 1):
        us = {who: r[who]["median_us"] for who in r["speeds"]}
        fastest = min(us.values())
        colors = {3: OURS if us.get("ours") == fastest else "#222", 4: LIBRARY if us.get("library") == fastest else "#222"}
        shown = [f'{us[who]:.1f}' if who in us else "–" for who in ("ours", "library")]
        out += cells(TOP + 8 + ROW * number, (number, r["problem"], r["times"], *shown, f'{100 * r["floor_us"] / fastest:.0f} %'), colors)
    s = data["sums"]
    out.append(text(TABLE, TOP + ROW * (len(rows) + 2.5), f'{s["layers"]} layers: ours {s["ours_us"]:.0f} µs, the faster of both '
                    f'{s["fastest_us"]:.0f} µs, the ceilings allow {s["floor_us"]:.0f} µs', 11))
    return out


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("json")
    parser.add_argument("svg")
    a = parser.parse_args()
    with open(a.json, encoding="utf-8") as f:
        data = json.load(f)
    body, height = draw(data)
    width = TABLE + 500
    layers = data["sums"]["layers"]
    title = f'{data["model"] or "demo model"}: {layers} convolutions, batch {data["batch"]}, {data["precision"]}, {data["device"]["name"]}'
    head = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height:.0f}" viewBox="0 0 {width} {height:.0f}" '
            'font-family="DejaVu Sans, Helvetica, Arial, sans-serif">', f'<rect width="{width}" height="{height:.0f}" fill="#fff"/>',
            text(LEFT, 26, title, 15), f'<circle cx="{LEFT + 6}" cy="46" r="5" fill="{OURS}"/>', text(LEFT + 16, 50, "our best kernel"),
            f'<circle cx="{LEFT + 136}" cy="46" r="5" fill="{LIBRARY}"/>', text(LEFT + 146, 50, f'best of the libraries ({data["libraries"]})'),
            text(LEFT + WIDTH, 50, "filled: the faster one", anchor="end")]
    with open(a.svg, "w", encoding="utf-8") as f:
        f.write("\n".join(head + body + ["</svg>\n"]))


main()
