"""How figures look: one palette, one width, one font, in light and dark; every figure starts with
`figure()`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import replace
from statistics import fmean
from typing import TYPE_CHECKING, Any

import matplotlib

matplotlib.rcParams["figure.max_open_warning"] = 0
from cycler import cycler  # noqa: E402
from matplotlib import font_manager  # noqa: E402
from matplotlib import pyplot as plt  # noqa: E402

from lmreport.core import fonts  # noqa: E402
from lmreport.runs.kinds import KINDS, MODELS  # noqa: E402

# Okabe & Ito (2008): told apart by colour-blind readers; ordered by lightness so that greyscale
# keeps them apart too.
BLUE, ORANGE, GREEN, PURPLE, SKY, BLACK = (
    "#0072B2",
    "#E69F00",
    "#009E73",
    "#CC79A7",
    "#56B4E9",
    "#000000",
)
CYCLE = [BLUE, ORANGE, GREEN, PURPLE, SKY, BLACK]
MARKERS = ["o", "s", "^", "D", "v", "X"]
LINES = ["-", "--", "-.", ":", (0, (5, 1)), (0, (3, 1, 1, 1))]
# Words in the colour of what they name: darker, so that they can be read on white. Tints: areas
# behind such words.
INKS = {
    BLUE: "#00609A",
    ORANGE: "#8F5B00",
    GREEN: "#006B4E",
    PURPLE: "#8C3A67",
    SKY: "#1F6E9E",
    BLACK: "#000000",
}
TINTS = {
    BLUE: "#D6E8F5",
    ORANGE: "#FBE8C4",
    GREEN: "#D2EDE4",
    PURPLE: "#F4E1EC",
    SKY: "#E3F2FC",
    BLACK: "#ECECEC",
}
ON_DARK, ON_LIGHT = (
    "#FEFEFE",
    "#010101",
)  # words on a cell of a heat map, which keeps its colour in the dark page
DARK_PAPER, DARK_INK = "#1B2026", "#E3E7EC"
DARK = {BLUE: "#4DA3E3", ORANGE: "#F0B030", GREEN: "#2FC598", PURPLE: "#E09BC3", SKY: "#9BD4F7"}
DARK |= {INKS[light]: dark for light, dark in DARK.items()}
DARK |= dict(
    zip(
        TINTS.values(),
        ("#15314A", "#453610", "#113D30", "#442838", "#203A48", "#2C3239"),
        strict=True,
    )
)
SEQUENTIAL = "cividis"
DIVERGING = "PuOr"
WIDTH = 6.3  # inches: the text width of an A4 page

PALETTE = {"blue": BLUE, "orange": ORANGE, "green": GREEN, "purple": PURPLE, "black": BLACK}
MODEL_COLORS = {name: PALETTE[KINDS[name].color] for name in reversed(MODELS)}


def families() -> list[str]:
    """The fonts that matplotlib takes for letters that its own lacks, made known to it."""
    known, names = font_manager.fontManager, []
    for path in fonts.files():
        known.addfont(path)
        # Bold words take the same letters, without a warning for each.
        known.ttflist.append(replace(known.ttflist[-1], weight=700))
        names.append(known.ttflist[-1].name)
    return list(dict.fromkeys(names))


RC: dict[Any, Any] = {
    "figure.figsize": (WIDTH, 2.9),
    "figure.dpi": 110,
    "savefig.dpi": 300,
    "figure.constrained_layout.use": True,
    "font.family": ["sans-serif", *families()],
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 8.5,
    "axes.titlesize": 9,
    "axes.labelsize": 8.5,
    "legend.fontsize": 8,
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#d9d9d9",
    "grid.linewidth": 0.6,
    "axes.axisbelow": True,
    "lines.linewidth": 1.5,
    "lines.markersize": 4.5,
    "legend.frameon": False,
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
    "image.cmap": SEQUENTIAL,
    "svg.fonttype": "path",
    "svg.hashsalt": "lmreport",
    "pdf.fonttype": 42,
    "axes.prop_cycle": cycler(color=CYCLE) + cycler(marker=MARKERS) + cycler(linestyle=LINES),
}
if TYPE_CHECKING:
    from matplotlib.figure import Figure


def use() -> None:
    """Make this style the session's, and vector graphics (SVG) the format of figures in
    notebooks.
    """
    plt.rcParams.update(RC)
    try:
        from matplotlib_inline.backend_inline import set_matplotlib_formats

        # The layout is already tight; bbox_inches="tight", the backend's default, would draw every
        # figure twice.
        set_matplotlib_formats("svg", bbox_inches=None)
    except (ImportError, AttributeError, TypeError):
        pass


def figure(
    columns: int = 1, rows: int = 1, height: float = 2.9, **options: Any
) -> tuple[Figure, Any]:
    """A figure of the report's width (inches) and its axes; `height` is that of the whole figure,
    in inches.
    """
    with plt.rc_context(RC):
        drawn = plt.subplots(rows, columns, figsize=(WIDTH, height), **options)
    plt.close(
        drawn[0]
    )  # pyplot forgets it, so that a notebook shows it once: as the value of its cell
    return drawn


def label(axes: Any, x: float, y: float, text: str, color: str = BLACK, **place: Any) -> Any:
    """Words beside a curve, in its colour, in place of a legend; `place`: as for `annotate`,
    offsets in points.
    """
    options: dict[str, Any] = {
        "xytext": (4, 0),
        "textcoords": "offset points",
        "va": "center",
        "fontsize": 8,
    } | place
    return axes.annotate(text, (x, y), color=INKS.get(color, color), **options)


def ends(axes: Any, labels: Sequence[tuple[float, float, str, str]], gap: float = 10.5) -> None:
    """Words at the right ends of curves, each at its end or as near as `gap` points between any two
    allow, then with a line to its end, none below the axes; labels: x, y, words and colour.
    """
    placed = [label(axes, *one, xytext=(7, 0)) for one in labels]
    axes.figure.draw_without_rendering()  # settles the layout, and with it where each curve ends
    heights = axes.transData.transform([one[:2] for one in labels])[:, 1] * 72 / axes.figure.dpi
    order = heights.argsort()
    bottom = axes.get_window_extent().y0 * 72 / axes.figure.dpi
    shifts = apart(heights[order], gap, bottom + gap / 2) - heights[order]
    left = 12 if max(abs(shifts)) > FAR else 7
    for place, shift in zip(order, shifts, strict=True):
        placed[place].set_position((left, shift))
        if abs(shift) > FAR:
            (x, y, _, color), whole = labels[place], {"textcoords": "offset points"}
            line = {"arrowstyle": "-", "color": color, "linewidth": 0.5, "shrinkA": 0, "shrinkB": 3}
            axes.annotate("", (x, y), (left - 1, shift), arrowprops=line, **whole)


FAR = 2.5  # points between a label and the end of its curve, from which on a line joins them


def apart(wanted: Sequence[float], gap: float, least: float = -math.inf) -> list[float]:
    """Heights next to the `wanted` ones (ascending), no two closer than `gap` and none below
    `least`.
    """
    groups: list[list[float]] = []  # of heights that touch, each less the gaps below it
    for below, height in enumerate(wanted):
        groups.append([height - gap * below])
        while len(groups) > 1 and fmean(groups[-2]) > fmean(groups[-1]):
            groups[-2:] = [groups[-2] + groups[-1]]
    lows = [fmean(group) for group in groups for _ in group]
    return [max(low, least) + gap * below for below, low in enumerate(lows)]


def on(image: Any, value: float) -> str:
    """The colour of words on the cell of `image` (an AxesImage) that shows `value`: light on dark,
    dark on light.
    """
    red, green, blue, _ = image.to_rgba(value)
    return ON_DARK if 0.299 * red + 0.587 * green + 0.114 * blue < 0.5 else ON_LIGHT


def in_the_dark(color: str) -> str | None:
    """What a colour of the light page (#rrggbb) is in the dark one; None for one that stays, as in
    a heat map.
    """
    if color.upper() in (ON_DARK, ON_LIGHT) or len(set(re.findall("..", color[1:]))) > 1:
        return {light.upper(): dark for light, dark in DARK.items()}.get(color.upper())
    share = int(color[1:3], 16) / 255  # a grey: 0 is ink, 1 is paper
    mixed = [
        round(int(DARK_INK[i : i + 2], 16) * (1 - share) + int(DARK_PAPER[i : i + 2], 16) * share)
        for i in (1, 3, 5)
    ]
    return "#" + "".join(f"{part:02X}" for part in mixed)


def with_dark(svg: str) -> str:
    """An SVG of matplotlib with rules for a dark page, which hold where the page (or the system)
    prefers it.
    """
    used = sorted(set(re.findall(r"\b(fill|stroke): (#[0-9a-f]{6})", svg)))
    rules = [
        f'[style*="{what}: {light}"]{{{what}:{dark}!important}}'
        for what, light in used
        if (dark := in_the_dark(light))
    ]
    style = f"@media (prefers-color-scheme:dark){{svg{{fill:{DARK_INK}}}{''.join(rules)}}}"
    return re.sub(r"(<svg\b[^>]*>)", rf"\1\n<style>{style}</style>", svg, count=1)
