"""The plots of the graded report at the size at which they are printed: no word too small, cut off
or on another.
"""

import itertools

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Text

from lmreport.display import style
from lmreport.experiments.concepts import (
    attention,
    cost,
    foundation,
    heads,
    language_model,
    masks,
    recall,
    recurrence,
    residual,
    scaling,
)


def memory():
    distance, k = np.arange(1, 101), np.array(recurrence.DISTANCES)
    falls = {"rnn": -0.8, "rnn_large": 0.15, "lstm": -0.5, "lstm_keep": -1e-3, "attention": -0.01}
    reach = {"rnn": 4, "lstm": 8, "lstm_keep": 32, "attention": 64}
    recalled = {name: np.where(k <= far, 1, 0.125)[:, None] for name, far in reach.items()}
    return recurrence.plot_memory(
        {"distance": distance} | {name: np.exp(rate * distance) for name, rate in falls.items()},
        recalled | {"distances": k, "chance": 0.125},
    )


def movable():
    n = recall.PAIRS
    attending = {"map": np.eye(n), "accuracy": np.ones(n), "chance": 0.125}
    recurrent = {"accuracy": np.linspace(0.15, 0.3, n)}
    lengths = {"lstm": np.arange(60, 60 - 2 * (n + 1), -2), "attention": np.full(n + 1, 4)}
    return recall.plot_movable(attending, recurrent, lengths)


def cheating():
    steps = np.arange(400)
    return language_model.plot_training(
        {
            name: {
                "loss": end + 2 * np.exp(-steps / 30),
                "written": ["why does my list not sort the file ?"] * 3,
                "entropy": 0.78,
                "share": share,
            }
            for name, end, share in zip(masks.VARIANTS, (0.08, 0.8, 0.2), (0.04, 1, 0), strict=True)
        }
    )


def padding(classes=("java", "javascript"), sure=(0.8, 0.68, 0.56, 0.44, 0.32, 0.2)):
    sure = np.array(sure)
    pads = np.array([0, 4, 16, 64, 128, 256])
    one = {
        "classes": list(classes),
        "pads": pads,
        "n": 15,
        "with": np.tile([1 - sure[0], sure[0]], (len(pads), 1)),
        "without": np.stack([1 - sure, sure], 1),
    }
    return masks.plot_padded_prediction([one, one])


def maps(number):
    """Attention of two texts of so many tokens."""
    tokens = ["[CLS]", *(f"##p{place}" for place in range(number - 2)), "[SEP]"]
    weights = np.random.default_rng(0).dirichlet(np.ones(number), (1, 4, number))
    return attention.plot_maps([{"tokens": tokens, "weights": weights}] * 2)


def patterns(scores):
    names = ["previous token", "next token", "itself", "same word elsewhere", "[CLS]", "[SEP]"]
    return heads.plot_patterns({"patterns": names, "scores": scores})


def neighbours():
    maps = np.stack([np.eye(16, k=-1), np.eye(16, k=-2)])
    return heads.plot_neighbour_maps({"maps": maps[:1]}, {"maps": maps})


def identity():
    ends = {"post-norm": 0.84, "pre-norm": 1.0, "no add": 0.07}
    return residual.plot_readable(
        {name: {"accuracy": np.linspace(1, end, 25), "chance": 0.06} for name, end in ends.items()}
    )


def curves(scratch=(0.4, 0.4, 0.42, 0.72), few=0.7):
    """Learning curves of three encoders and a linear model on 1,000 test texts of four classes."""
    sizes, labels = (50, 200, 800, 6400), np.arange(1000) % 4
    shares = {"fine-tuned": (few, 0.74, 0.8, 0.86), "frozen": (few, 0.74, 0.77, 0.81)}
    shares["from scratch"] = scratch

    def record(ways):
        points = [{"way": way, "size": size} for way in ways for size in sizes]
        right = np.array([shares[way] for way in ways]).ravel()
        wrong = np.arange(1000) >= 1000 * right[:, None]
        return {"points": points, "predicted": (labels + wrong) % 4, "labels": labels}

    learned = record(shares)
    shares["linear"] = (0.69, 0.78, 0.86, 0.89)
    return foundation.plot_learning_curve(learned, record(["linear"]), 0.25)


FIGURES = {
    "curves": curves,
    "memory": memory,
    "movable": movable,
    "cheating": cheating,
    "padding": padding,
    "padding that soon tells": lambda: padding(sure=(0.54, 0.49, 0.47, 0.34, 0.39, 0.37)),
    "padding that tells later": lambda: padding(sure=(0.83, 0.73, 0.8, 0.49, 0.42, 0.37)),
    "padding of sure answers": lambda: padding(sure=(0.99, 0.4, 0.3, 0.02, 0.01, 0.01)),
    "maps": lambda: maps(16),
    "maps of pieces": lambda: maps(32),
    "maps of letters": lambda: maps(80),
    "patterns": lambda: patterns(np.random.default_rng(0).uniform(0.01, 0.08, (6, 2, 4))),
    "length": lambda: cost.plot_by_length(cost.by_length()),
    "softmax": scaling.plot_one_softmax,
    "neighbours": neighbours,
    "identity": identity,
    "lookup": lambda: attention.plot_lookup(attention.lookup()),
    "leaks": lambda: masks.plot_leaks(
        {n: masks.leak(attend) for n, attend in masks.VARIANTS.items()}
    ),
    "shares": lambda: cost.plot_shares(768),
}


def shown_words(figure):
    """Words of a figure with the boxes that they take, in pixels; not the numbers of an axis that
    stand outside what it shows, which are never drawn.
    """
    FigureCanvasAgg(figure).draw()
    ticks = {
        label
        for axes in figure.axes
        for axis in (axes.xaxis, axes.yaxis)
        for label in axis.get_ticklabels(which="both")
    }
    drawn = {
        label
        for axes in figure.axes
        if axes.axison
        for axis in (axes.xaxis, axes.yaxis)
        for tick in axis._update_ticks()
        for label in (tick.label1, tick.label2)
    }
    texts = [t for t in figure.findobj(Text) if t.get_visible() and t.get_text().strip()]
    return [(t, t.get_window_extent()) for t in texts if t not in ticks - drawn]


@pytest.mark.parametrize("name", FIGURES)
def test_words_can_be_read_where_they_are_printed(name):
    figure = FIGURES[name]().figure
    assert figure.get_figwidth() == style.WIDTH  # the PDF shows pictures as large as they are
    found = shown_words(figure)
    page = figure.bbox.padded(1)
    for text, place in found:
        assert text.get_fontsize() >= 7, text.get_text()
        assert page.x0 <= place.x0 and place.x1 <= page.x1, text.get_text()
        assert page.y0 <= place.y0 and place.y1 <= page.y1, text.get_text()
    for (one, a), (other, b) in itertools.combinations(found, 2):
        apart = max(a.x0, b.x0) + 1 > min(a.x1, b.x1) or max(a.y0, b.y0) + 1 > min(a.y1, b.y1)
        assert apart, f"{one.get_text()!r} on {other.get_text()!r}"


def test_every_axis_has_its_name():
    for name, drawn in FIGURES.items():
        for axes in drawn().figure.axes:
            named = axes.get_xlabel() or axes.get_ylabel()
            inner = axes.get_subplotspec() and not axes.get_subplotspec().is_last_row()
            assert named or inner or not axes.axison, name


def test_ends_of_curves_keep_apart_and_stay_where_there_is_room():
    assert style.apart([0, 1, 2, 50], 10) == [-9, 1, 11, 50]
    assert style.apart([0, 1, 2, 28, 50], 10, least=5) == [5, 15, 25, 35, 50]
    assert style.apart([0, 30, 60], 10) == [0, 30, 60]
    assert style.apart([5, 5], 10) == [0, 10]
    figure, axes = style.figure(height=2)
    axes.set(xlim=(0, 1), ylim=(0, 100))
    style.ends(
        axes, [(1, 80, "a", style.BLUE), (1, 80.5, "b", style.ORANGE), (1, 9, "c", "#000000")]
    )
    a, b, c = (place.y0 for text, place in shown_words(figure) if text.get_text() in "abc")
    assert c < a < b and b - a > 10 * figure.dpi / 72


def test_a_learning_curve_below_guessing_is_seen():
    ax = curves(scratch=(0.02, 0.03, 0.05, 0.06)).figure.axes[0]
    assert ax.get_ylim()[0] < 2


def test_class_names_without_a_font_are_told_by_their_code():
    figure = padding(("\U00013000", "\U00013001")).figure  # hieroglyphs, which no font here has
    figure.draw_without_rendering()  # a missing glyph would be a warning, which is an error here
    assert figure.axes[0].get_title() == "question (i), tagged ⟨U+13001⟩"


def test_tokens_of_a_map_are_named_as_far_as_there_is_room():
    def named(drawn):
        return [label.get_text() for label in drawn.figure.axes[0].get_xticklabels()]

    assert len(named(maps(16))) == 16
    few, shown = named(maps(32)), shown_words(maps(32).figure)
    assert 9 <= len(few) <= 16
    assert [t for t, _ in shown if "get most" in t.get_text()]
    assert attention.far_apart([5, 9, 8, 1, 7], 2) == [1, 4]


@pytest.mark.parametrize("most, top", [(0.08, 0.08), (0.9, 1)])
def test_colours_of_the_patterns_reach_as_far_as_the_heads(most, top):
    scores = np.full((6, 2, 4), 0.01)
    scores[:, 0, -1] = most
    figure = patterns(scores).figure
    for axes in figure.axes[:6]:
        assert axes.images[0].get_clim() == (0, top)
        (frame,) = axes.patches
        assert frame.get_clip_box().bounds == frame.get_window_extent().bounds  # in its cell
        assert (frame.get_edgecolor()[0] < 0.5) == (most / top > 0.5)


@pytest.mark.parametrize("most, top", [(0.02, 3), (0.3, 40), (0.9, 100)])
def test_accuracies_are_drawn_as_large_as_they_are(most, top):
    found = {"sizes": [20, 160], "pre-trained": np.array([0.01, most]), "random": np.array([0, 0])}
    ax = foundation.plot_probes(found, np.arange(400) % 200).figure.axes[0]
    bottom, above = ax.get_ylim()
    assert 100 * most < above <= top and bottom < 0
    assert all(0 <= tick <= above for tick in ax.get_yticks()) and len(ax.get_yticks()) > 2


@pytest.mark.parametrize("labels, words", [([0, 1, 2], "guessing"), ([0, 0, 1], "largest class")])
def test_the_dotted_line_is_called_what_it_is(labels, words):
    found = {
        "sizes": [20, 160],
        "pre-trained": np.array([0.5, 0.9]),
        "random": np.array([0.4, 0.5]),
    }
    drawn = foundation.plot_probes(found, labels)
    assert words in [text.get_text() for text, _ in shown_words(drawn.figure)]
    labels, curve = np.array(labels * 100), np.zeros((12, 3 * 100), int)
    points = [{"way": way, "size": size} for way in foundation.WAYS for size in (20, 40, 80, 160)]
    record = {"points": points, "predicted": curve, "labels": labels}
    linear = {"points": points[:4], "predicted": curve[:4], "labels": labels}
    drawn = foundation.plot_learning_curve(record, linear, 0.4)
    assert words in [text.get_text() for text, _ in shown_words(drawn.figure)]
