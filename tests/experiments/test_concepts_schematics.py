"""The schematics: what they are drawn from, that nothing in them overlaps, and their look in the
dark page.
"""

import inspect
import itertools

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Text

from lmreport.display import figure as kept_figure
from lmreport.display import style
from lmreport.experiments.concepts import foundation, positions, schematics

NAMES = [
    name
    for name, f in inspect.getmembers(schematics, inspect.isfunction)
    if f.__module__ == schematics.__name__ and not name.startswith("_")
]


def words(figure):
    """The texts of a figure with the boxes that they take, in pixels."""
    FigureCanvasAgg(figure).draw()
    texts = [t for t in figure.findobj(Text) if t.get_visible() and t.get_text().strip()]
    return [(t, t.get_window_extent()) for t in texts]


@pytest.mark.parametrize("name", NAMES)
def test_words_are_large_enough_inside_and_apart(name):
    figure = getattr(schematics, name)().figure
    assert figure.get_figwidth() == style.WIDTH
    found = words(figure)
    for text, place in found:
        assert text.get_fontsize() >= 7.5, text.get_text()
        assert figure.bbox.padded(1).containsx(place.x0) and figure.bbox.padded(1).containsx(
            place.x1
        ), text.get_text()
        assert figure.bbox.padded(1).containsy(place.y0) and figure.bbox.padded(1).containsy(
            place.y1
        ), text.get_text()
    for (one, a), (other, b) in itertools.combinations(found, 2):
        apart = max(a.x0, b.x0) + 1 > min(a.x1, b.x1) or max(a.y0, b.y0) + 1 > min(a.y1, b.y1)
        assert apart, f"{one.get_text()!r} on {other.get_text()!r}"


def test_hands_are_the_sines_and_cosines_of_the_position():
    angles = np.array([positions.hands(p, 8) for p in range(50)])  # (50, 4)
    both = np.stack([np.sin(angles), np.cos(angles)], -1).reshape(50, 8)
    assert np.allclose(both, positions.sinusoidal(50, 8), atol=1e-12)
    assert np.allclose(
        positions.hands(5, 8) - positions.hands(2, 8),
        positions.hands(103, 8) - positions.hands(100, 8),
    )
    assert positions.hands(3, 4).tolist() == [3, 0.03]


def test_parts_of_distilbert_by_hand(monkeypatch, tmp_path):
    monkeypatch.setenv("LMREPORT_CACHE", str(tmp_path))
    d, words, places, classes = 768, 30_522, 512, 4
    parts = foundation.encoder_parts(classes=classes)
    assert parts["embeddings"] == words * d + places * d + 2 * d
    assert parts["layers"] == 6 * [4 * (d * d + d) + (4 * d * d + 4 * d) + (4 * d * d + d) + 4 * d]
    assert parts["other"] == 0 and parts["width"] == d
    heads = {name: count for name, (count, *_) in parts["heads"].items()}
    assert heads["AutoModelForSequenceClassification"] == (d * d + d) + (d * classes + classes)
    assert heads["AutoModelForTokenClassification"] == d * classes + classes
    assert heads["AutoModelForQuestionAnswering"] == d * 2 + 2
    assert (
        heads["AutoModelForMaskedLM"] == d * d + d + 2 * d + words
    )  # its large matrix is that of the embeddings


def test_palette_greys_and_ink_have_dark_forms_and_heat_maps_keep_theirs():
    assert (
        style.in_the_dark("#ffffff") == style.DARK_PAPER
        and style.in_the_dark("#000000") == style.DARK_INK
    )
    for color in (*style.CYCLE[:5], *style.TINTS.values()):
        assert style.in_the_dark(color.lower()) != color
    for color in ("#123456", style.ON_DARK.lower(), style.ON_LIGHT.lower()):
        assert style.in_the_dark(color) is None


def luminance(color):
    parts = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    parts = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]


def contrast(one, other):
    bright, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (bright + 0.05) / (dark + 0.05)


def test_words_can_be_read_on_paper_and_tint_light_and_dark():
    for color in style.CYCLE:
        ink, tint = style.INKS[color], style.TINTS[color]
        assert contrast(ink, "#ffffff") >= 4.5 and contrast(ink, tint) >= 4.5, color
        dark_ink = style.in_the_dark(ink)
        assert (
            contrast(dark_ink, style.DARK_PAPER) >= 4.5
            and contrast(dark_ink, style.in_the_dark(tint)) >= 4.5
        ), color


def test_the_svg_has_rules_for_the_dark_page_and_is_the_same_each_time():
    figure, axes = style.figure(height=1.5)
    axes.plot([0, 1], [0, 1], color=style.BLUE, marker="")
    axes.text(0.2, 0.5, "on a cell", color=style.ON_DARK)
    first, second = kept_figure.picture(figure).decode(), kept_figure.picture(figure).decode()
    assert first == second and first.count("<style>@media (prefers-color-scheme:dark){") == 1
    rules = first.partition("<style>")[2].partition("</style>")[0]
    assert f'[style*="stroke: #0072b2"]{{stroke:{style.DARK[style.BLUE]}!important}}' in rules
    assert (
        f'[style*="fill: #ffffff"]{{fill:{style.DARK_PAPER}!important}}' in rules
        and "fefefe" not in rules
    )
    assert "fill: #fefefe" in first and first.index("<svg") < first.index("<style>") < first.index(
        "<g "
    )
