"""Names beside the points of a plot."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.path import Path
from matplotlib.transforms import Bbox

from lmreport.display import style

SHIFTS = sorted(
    (np.array([x, y]) for x in range(-120, 121, 3) for y in range(-50, 51, 2)),
    key=lambda shift: np.hypot(shift[0], 1.1 * shift[1]),
)  # of a label from its point, the nearest first


def write_beside(ax: Any, spots: list, bars: list) -> None:
    """Write each label of `spots` (text, x, y, colour) as near to its point as it covers no error
    bar (x, low, high; one for each spot), no other label and no line to one, as its own line crosses
    none of these, and stays inside the axes. The right ones come first: they have the most room.
    """
    ax.figure.draw_without_rendering()  # so that places on the canvas are known
    point, inside = ax.figure.dpi / 72, ax.get_window_extent()
    taken = [
        Bbox(ax.transData.transform([(x, low), (x, high)])).padded(4 * point, 2 * point)
        for x, low, high in bars
    ]
    labels: list[Bbox] = []
    lines: list[Path] = []
    for number in sorted(range(len(spots)), key=lambda spot: -spots[spot][1]):
        text, x, y, color = spots[number]
        look = {
            "fontsize": 7.5,
            "color": style.INKS.get(color, color),
            "ha": "center",
            "va": "center",
        }
        sample = ax.text(x, y, text, **look)
        size = sample.get_window_extent()
        sample.remove()
        half = np.array([size.width / 2 + point, size.height / 2])
        middle = ax.transData.transform((x, y))
        boxes = [
            (shift, Bbox([middle + shift * point - half, middle + shift * point + half]))
            for shift in SHIFTS
        ]
        free = [(shift, box) for shift, box in boxes if not box.count_overlaps(taken)]
        # those inside the axes first, each part by the gap between label and point
        free.sort(
            key=lambda one: (
                not (inside.x0 <= one[1].x0 and one[1].x1 <= inside.x1),
                np.hypot(*np.maximum(np.abs(one[0] * point) - half, 0)).round(),
            )
        )
        closed = [*labels, *taken[:number], *taken[number + 1 : len(spots)]]
        ways = ((Path([middle, middle + one[0] * point]), one) for one in free)
        clear = (
            one
            for way, one in ways
            if not any(map(way.intersects_bbox, closed))
            and not any(map(way.intersects_path, lines))
        )
        shift, box = next(clear, (free or boxes)[0])
        labels.append(box)
        lines.append(Path([middle, middle + shift * point]))
        taken += [box, Bbox([middle, middle + shift * point]).padded(point, point)]
        far = abs(shift[1]) > 16 or abs(shift[0]) > half[0] / point + 9
        line = {"arrowstyle": "-", "color": look["color"], "linewidth": 0.5, "shrinkB": 2}
        ax.annotate(
            text,
            (x, y),
            shift,
            textcoords="offset points",
            arrowprops=line | {"shrinkA": 0} if far else None,
            **look,
        )


def where_free(
    ax: Any, x: float, y: float, text: str, color: str, first: tuple, **look: Any
) -> None:
    """Write a label as near to its point as it covers no curve and no other words and stays inside
    the axes, with a line to its point where that is far: at its left by the offset `first` (points)
    if it is free there.
    """
    ax.figure.draw_without_rendering()  # so that places on the canvas are known
    point, inside = ax.figure.dpi / 72, ax.get_window_extent().padded(-2 * ax.figure.dpi / 72)
    taken = [one.get_window_extent() for one in ax.texts]
    curves = [Path(ax.transData.transform(line.get_xydata())) for line in ax.lines]
    written = style.label(ax, x, y, text, color, xytext=first, ha="right", **look)

    def is_free(air: float = 2) -> bool:
        box = written.get_window_extent()
        kept = inside.x0 <= box.x0 and box.x1 <= inside.x1
        kept = kept and inside.y0 <= box.y0 and box.y1 <= inside.y1 + (4 - 2 * air) * point
        wide = box.padded(air * point)
        hit = any(curve.intersects_bbox(wide, filled=False) for curve in curves)
        return kept and not hit and not box.count_overlaps(taken)

    if is_free(air=0):
        return
    written.set_ha("center")
    shift = next((shift for shift in SHIFTS if written.set_position(shift) or is_free()), first)
    box = written.get_window_extent().padded(4 * point)
    written.remove()
    far = not box.contains(*ax.transData.transform((x, y)))
    line = {"arrowstyle": "-", "color": written.get_color(), "linewidth": 0.5, "shrinkA": 0}
    place = {"xytext": shift, "ha": "center", "arrowprops": line if far else None}
    style.label(ax, x, y, text, color, **place, **look)
