"""A sheet without axes for what is drawn by hand: boxes, arrows, matrices and words, all placed in
inches.
"""

from __future__ import annotations

from matplotlib.patches import Circle, FancyArrowPatch, FancyBboxPatch, Rectangle

from lmreport.display import style

SIZE, SMALL = 8.5, 7.5  # pt; the letters are as high as those of the text at 10.5 pt
INK, SOFT, FAINT = "#000000", "#4D4D4D", "#B3B3B3"


def sheet(height: float):
    """A figure of the report's width and the given height (inches), and axes without frame that
    measure in inches.
    """
    figure, axes = style.figure(height=height)
    figure.set_layout_engine("none")
    axes.set_position((0, 0, 1, 1))
    axes.set(xlim=(0, style.WIDTH), ylim=(0, height))
    axes.axis("off")
    return figure, axes


def word(axes, x, y, text: str, color=INK, size=SIZE, **options):
    """Words centred on a point, in a colour of the palette (its darker form)."""
    options = {
        "ha": "center",
        "va": "center" if "\n" in text else "center_baseline",
        "linespacing": 1.25,
    } | options
    return axes.text(x, y, text, color=style.INKS.get(color, color), fontsize=size, **options)


def box(axes, x, y, width, height, text: str = "", color=None, size=SIZE, edge=1.0, **options):
    """A box with rounded corners around the point (x, y), with words in it; `color`: of its edge
    and, paler, inside.
    """
    shape = FancyBboxPatch(
        (x - width / 2, y - height / 2),
        width,
        height,
        boxstyle=f"round,pad=0,rounding_size={min(0.05, height / 2)}",
        facecolor=style.TINTS.get(color, "white"),
        edgecolor=color or INK,
        linewidth=edge,
        zorder=3,
    )
    axes.add_patch(shape)
    if text:
        word(axes, x, y, text, size=size, zorder=4, **options)


def disc(axes, x, y, radius, text: str = "", color=None, size=SIZE, edge=1.0):
    """A circle around the point (x, y) with words in it."""
    axes.add_patch(
        Circle(
            (x, y),
            radius,
            facecolor=style.TINTS.get(color, "white"),
            edgecolor=color or INK,
            linewidth=edge,
            zorder=3,
        )
    )
    if text:
        word(axes, x, y, text, size=size, zorder=4)


def arrow(axes, start, end, color=INK, width=1.0, bend: float = 0, head: bool = True, **options):
    """An arrow from point to point; bend: how far it bulges, as a share of its length; head: False
    for a line.
    """
    axes.add_patch(
        FancyArrowPatch(
            start,
            end,
            arrowstyle="-|>" if head else "-",
            mutation_scale=7 + 1.5 * width,
            connectionstyle=f"arc3,rad={bend}",
            color=color,
            linewidth=width,
            shrinkA=0,
            shrinkB=0,
            joinstyle="miter",
            **{"zorder": 2} | options,
        )
    )


def path(axes, points, color=INK, width=1.0, head: bool = True):
    """An arrow that goes from point to point with right angles or any others."""
    xs, ys = zip(*points[:-1], strict=True)
    axes.plot(
        xs,
        ys,
        color=color,
        linewidth=width,
        linestyle="-",
        marker="",
        solid_joinstyle="round",
        zorder=2,
    )
    arrow(axes, points[-2], points[-1], color, width, head=head)


def matrix(axes, x, y, rows: int, columns: int, cell: float, color=None, filled=None):
    """A matrix as a grid of square cells around the point (x, y); filled(i, j): the colour inside,
    None for white.
    """
    left, top = x - columns * cell / 2, y + rows * cell / 2
    for i in range(rows):
        for j in range(columns):
            inside = filled(i, j) if filled else style.TINTS.get(color)
            axes.add_patch(
                Rectangle(
                    (left + j * cell, top - (i + 1) * cell),
                    cell,
                    cell,
                    facecolor=inside or "white",
                    edgecolor=color or INK,
                    linewidth=0.7,
                    zorder=3,
                )
            )
