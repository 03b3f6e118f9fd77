"""Names stand beside their points: they cover nothing, and no line to one crosses anything."""

import numpy as np
import pytest
from matplotlib.path import Path
from matplotlib.text import Text
from matplotlib.transforms import Bbox

from lmreport.display import labels, style

CLOSE = [  # name, minutes, accuracy: three trainings beside each other under long names
    ("a linear model", 0.7, 90.1),
    ("a small encoder, 90%", 59, 89.8),
    ("the best stack without it, 92%", 73, 91.8),
    ("256 pieces, seed 157, 91%", 93, 90.6),
    ("256 pieces, seed 158, 91%", 143, 91.2),
    ("a larger encoder, 91%", 195, 91.3),
    ("stack of its runs with others, 93%", 490, 92.8),
]


@pytest.fixture
def axes():
    figure, axes = style.figure(height=3.0)
    axes.set(xscale="log", xlim=(0.1, 5000), ylim=(88, 95))
    bars = [(x, y - 0.6, y + 0.6) for _, x, y in CLOSE]
    labels.write_beside(axes, [(*spot, style.BLUE) for spot in CLOSE], bars)
    figure.draw_without_rendering()
    return axes


def test_names_cover_no_name_and_no_error_bar_and_lie_in_the_plot(axes):
    boxes = [Text.get_window_extent(text) for text in axes.texts]
    bars = [
        Bbox(axes.transData.transform([(x, y - 0.6), (x, y + 0.6)])).padded(1) for _, x, y in CLOSE
    ]
    assert len(boxes) == len(CLOSE)
    for number, box in enumerate(boxes):
        assert not box.count_overlaps([*bars, *boxes[:number]])
        assert axes.bbox.x0 <= box.x0 and box.x1 <= axes.bbox.x1


def test_a_line_to_a_name_crosses_no_other_line_name_or_bar(axes):
    places = {text.get_text(): text for text in axes.texts}
    lines = {}
    for name, x, y in CLOSE:
        if places[name].arrow_patch is not None:
            point = axes.transData.transform((x, y))
            lines[name] = Path([point, point + np.array(places[name].xyann) * axes.figure.dpi / 72])
    assert lines  # the points are so close that some name stands apart
    for name, line in lines.items():
        others = [other for other in CLOSE if other[0] != name]
        assert not any(line.intersects_bbox(Text.get_window_extent(places[o[0]])) for o in others)
        assert not any(
            line.intersects_bbox(
                Bbox(axes.transData.transform([(x, y - 0.6), (x, y + 0.6)])).padded(1)
            )
            for _, x, y in others
        )
        assert not any(line.intersects_path(lines[o[0]]) for o in others if o[0] in lines)
