"""The page for everyone: axe-core, landmarks, keys, narrow windows, dark colours, print, nothing
fetched.
"""

from __future__ import annotations

import base64
import io

import numpy as np
import pypdfium2
import pytest
from PIL import Image
from playwright.sync_api import expect

from browser import PHONE, TABLET, WIDE, opened, violations
from lmreport.display import figure as cached
from lmreport.display import style

SCHEMES = ("light", "dark")


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("width", [WIDE, PHONE])
def test_axe_finds_nothing(browser, made, width, scheme):
    with opened(browser, made, width, scheme=scheme) as page:
        assert violations(page) == []


def test_axe_finds_nothing_in_what_opens(browser, made):
    with opened(browser, made) as page:
        page.locator("details").evaluate_all("all => all.forEach(d => d.open = true)")
        page.get_by_role("combobox").fill("sentence")
        assert violations(page) == []
        page.keyboard.press("Escape")
        page.locator("#fig-line img").click()
        assert violations(page) == []


@pytest.mark.parametrize("scheme", SCHEMES)
def test_colours_of_the_switch_have_contrast(browser, made, scheme):
    """Where the reader chose against the system, and with a preview open."""
    with opened(browser, made, scheme=scheme) as page:
        page.locator(".page-bar").get_by_role("button").last.click()
        page.locator("details").evaluate_all("all => all.forEach(d => d.open = true)")
        page.locator("main p a[href$='#tbl-wide']").first.hover()
        expect(page.locator("#preview")).to_be_visible()
        assert (
            violations(page, "color-contrast", "link-in-text-block", "scrollable-region-focusable")
            == []
        )


def test_landmarks_and_headings(browser, made):
    with opened(browser, made) as page:
        for role, count in {"banner": 1, "main": 1, "search": 1}.items():
            assert page.get_by_role(role).count() == count, role
        assert page.locator("nav[role=doc-toc] >> visible=true").count() == 1
        levels = page.locator("main :is(h1, h2, h3, h4, h5)").evaluate_all(
            "all => all.map(h => +h.tagName[1])"
        )
        assert levels[0] == 1 and all(b - a <= 1 for a, b in zip(levels, levels[1:], strict=False))
        assert (
            page.locator("html").get_attribute("lang") == "en" and page.title() == "A page to try"
        )


def test_skip_link_and_visible_focus(browser, made):
    """Tab by Tab through the page: each stop is in sight, not under the bar, and marked."""
    with opened(browser, made) as page:
        page.keyboard.press("Tab")
        expect(page.locator(":focus")).to_have_text("Skip to the text")
        assert page.locator(":focus").bounding_box()["x"] >= 0
        page.keyboard.press("Enter")
        assert page.evaluate("document.activeElement.tagName") == "MAIN"
        stops = []
        for _ in range(40):
            page.keyboard.press("Tab")
            stop = page.evaluate("""() => {
              const e = document.activeElement, s = getComputedStyle(e), r = e.getBoundingClientRect();
              return {what: e.outerHTML.slice(0, 90), main: !!e.closest("main"), top: r.top, bottom: r.bottom,
                bar: document.querySelector(".page-bar").getBoundingClientRect().bottom,
                marked: s.outlineStyle !== "none" && parseFloat(s.outlineWidth) >= 1 || s.boxShadow !== "none"};
            }""")
            if not stop["main"]:
                break
            stops.append(stop)
        assert len(stops) > 10
        assert [s["what"] for s in stops if not s["marked"]] == []
        assert [s["what"] for s in stops if not (s["bar"] <= s["bottom"] and s["top"] < 800)] == []


@pytest.mark.parametrize(
    "width, height, scale",
    [(WIDE, 800, 1), (TABLET, 1000, 1), (PHONE, 640, 1), (WIDE // 2, 400, 2), (WIDE // 4, 256, 4)],
)  # 200 % and 400 % zoom
def test_page_does_not_scroll_sideways(browser, made, width, height, scale):
    with opened(browser, made, width, height, device_scale_factor=scale) as page:
        page.locator("details").evaluate_all("all => all.forEach(d => d.open = true)")
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        page.evaluate("scrollTo(500, 0)")
        assert page.evaluate("scrollX") == 0


def test_what_is_too_wide_scrolls_inside_itself(browser, made):
    with opened(browser, made, PHONE, 640) as page:
        regions = page.locator("main [role=region]")
        names = regions.evaluate_all("all => all.map(e => e.ariaLabel)")
        assert len(names) >= 3 and len(set(names)) == len(names) and all(names)
        table = page.get_by_role("region", name="Table 1: Much in one row.")
        table.focus()
        page.keyboard.press("ArrowRight")
        page.keyboard.press("ArrowRight")
        page.wait_for_timeout(300)
        assert table.evaluate("e => e.scrollLeft") > 0
        page.set_viewport_size(
            {"width": 2000, "height": 800}
        )  # where all has room there is nothing to stop at
        page.wait_for_timeout(300)
        fitting = "all => all.filter(e => e.scrollWidth <= e.clientWidth + 1 && e.scrollHeight <= e.clientHeight + 1)"
        assert (
            page.locator("main [role=region]").evaluate_all(fitting + ".map(e => e.ariaLabel)")
            == []
        )


def test_origin_is_a_small_mark_until_it_is_asked_for(browser, made):
    with opened(browser, made) as page:
        origin = page.locator(".origin").first
        mark = origin.bounding_box()
        assert mark["height"] < 30 and mark["width"] < 30
        origin.focus()
        line = origin.bounding_box()
        assert line["width"] > 10 * mark["width"] and "a recorded date" in origin.inner_text()


def test_figures_keep_their_white_paper_in_the_dark(browser, made):
    with opened(browser, made, scheme="dark") as page:
        assert (
            sum(
                page.evaluate(
                    "getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)"
                )
            )
            < 150
        )
        expect(page.locator("#fig-line img")).to_have_css("background-color", "rgb(255, 255, 255)")


@pytest.mark.parametrize("scheme", SCHEMES)
def test_our_figures_take_the_colours_of_the_page_whatever_the_system_prefers(
    browser, made, scheme
):
    figure, axes = style.figure(height=1)
    axes.axis("off")
    source = "data:image/svg+xml;base64," + base64.b64encode(cached.picture(figure)).decode()
    with opened(browser, made, scheme=scheme) as page:
        picture, paper = (
            page.locator("#fig-line img"),
            {"light": 255, "dark": int(style.DARK_PAPER[1:3], 16)},
        )
        picture.evaluate(
            "(image, source) => { image.src = source; return image.decode(); }", source
        )

        def corner():
            return Image.open(io.BytesIO(picture.screenshot())).convert("RGB").getpixel((12, 30))[0]

        assert corner() == paper[scheme]
        page.locator("button.theme, .quarto-color-scheme-toggle").first.click()
        page.wait_for_function(
            "s => getComputedStyle(document.querySelector('#fig-line img')).colorScheme === s",
            arg="dark" if scheme == "light" else "light",
        )
        assert abs(corner() - paper["dark" if scheme == "light" else "light"]) <= 1


def test_print_has_all_of_the_text_and_no_buttons(browser, made):
    with opened(browser, made, scheme="dark") as page:
        page.emulate_media(media="print")
        for what in (".page-bar", ".copy", ".zoom", ".float-links", "#preview", "dialog"):
            assert not any(e.is_visible() for e in page.locator(what).all()), what
        pdf = pypdfium2.PdfDocument(page.pdf(format="A4", print_background=True))
        text = " ".join(" ".join(p.get_textpage().get_text_range().split()) for p in pdf)
        for wanted in (
            "# a comment",
            "folded or not",
            "Hidden marmalade",
            "hides a pomegranate",
            "0.89123456",
            "more words to cut",
            "The note says more",
        ):
            assert wanted in text, wanted
        assert "Search this" not in text and "Copy" not in text.replace("Copyright", "")
        assert np.median(pdf[0].render(scale=0.2).to_numpy()) > 240  # white paper from dark screens


def test_nothing_is_asked_for_and_nothing_logged(browser, made):
    """`opened` compares the requests and messages at its end; here all that the page can do is done
    once.
    """
    with opened(browser, made) as page:
        page.get_by_role("combobox").fill("line")
        page.keyboard.press("Enter")
        page.locator("#fig-line img").click()
        page.keyboard.press("Escape")
        page.locator(".page-bar").get_by_role("button").last.click()
        page.locator("nav[role=doc-toc] a[href^='#']").last.click()
        page.wait_for_timeout(200)
