"""How figures look: one palette, one width, one font; every figure starts with `figure()`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import matplotlib

matplotlib.rcParams["figure.max_open_warning"] = 0
from cycler import cycler  # noqa: E402
from matplotlib import pyplot as plt  # noqa: E402

from lmreport.runs.kinds import KINDS, MODELS  # noqa: E402

# Okabe & Ito (2008): told apart by colour-blind readers; ordered by lightness so that greyscale keeps them apart too.
BLUE, ORANGE, GREEN, PURPLE, SKY, BLACK = "#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#000000"
CYCLE = [BLUE, ORANGE, GREEN, PURPLE, SKY, BLACK]
MARKERS = ["o", "s", "^", "D", "v", "X"]
LINES = ["-", "--", "-.", ":", (0, (5, 1)), (0, (3, 1, 1, 1))]
SEQUENTIAL = "cividis"
DIVERGING = "PuOr"
WIDTH = 6.3  # inches: the text width of an A4 page

PALETTE = {"blue": BLUE, "orange": ORANGE, "green": GREEN, "purple": PURPLE, "black": BLACK}
MODEL_COLORS = {name: PALETTE[KINDS[name].color] for name in reversed(MODELS)}

RC: dict[Any, Any] = {
    "figure.figsize": (WIDTH, 2.9), "figure.dpi": 110, "savefig.dpi": 300, "figure.constrained_layout.use": True,
    "font.family": "sans-serif", "font.sans-serif": ["DejaVu Sans"], "font.size": 8.5, "axes.titlesize": 9,
    "axes.labelsize": 8.5, "legend.fontsize": 8, "xtick.labelsize": 8, "ytick.labelsize": 8,
    "axes.spines.top": False, "axes.spines.right": False, "axes.grid": True, "grid.color": "#d9d9d9",
    "grid.linewidth": 0.6, "axes.axisbelow": True, "lines.linewidth": 1.5, "lines.markersize": 4.5,
    "legend.frameon": False, "figure.facecolor": "white", "savefig.facecolor": "white", "image.cmap": SEQUENTIAL,
    "svg.fonttype": "path", "svg.hashsalt": "lmreport", "pdf.fonttype": 42,
    "axes.prop_cycle": cycler(color=CYCLE) + cycler(marker=MARKERS) + cycler(linestyle=LINES),
}
if TYPE_CHECKING:
    from matplotlib.figure import Figure


def use() -> None:
    """Make this style the session's, and vector graphics (SVG) the format of figures in notebooks."""
    plt.rcParams.update(RC)
    try:
        from matplotlib_inline.backend_inline import set_matplotlib_formats

        # The layout is already tight; bbox_inches="tight", the backend's default, would draw every figure twice.
        set_matplotlib_formats("svg", bbox_inches=None)
    except (ImportError, AttributeError, TypeError):
        pass


def figure(columns: int = 1, rows: int = 1, height: float = 2.9, **options: Any) -> tuple[Figure, Any]:
    """A figure of the report's width (inches) and its axes; `height` is that of the whole figure, in inches."""
    with plt.rc_context(RC):
        drawn = plt.subplots(rows, columns, figsize=(WIDTH, height), **options)
    plt.close(drawn[0])  # pyplot forgets it, so that a notebook shows it once: as the value of its cell
    return drawn
