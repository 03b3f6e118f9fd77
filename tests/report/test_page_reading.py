"""What helps to read the page, tried in a browser: contents, previews, links back, zoom, copy,
search, folds.
"""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from browser import PHONE, WIDE, opened


@pytest.fixture
def page(browser, made):
    with opened(browser, made, permissions=["clipboard-read", "clipboard-write"]) as it:
        yield it


def scrolled(page) -> float:
    return page.evaluate("scrollY")


def test_contents_follow_the_reading(page, renderer):
    current = page.locator("nav[role=doc-toc] a[aria-current]")
    page.evaluate("document.getElementById('sec-c').scrollIntoView()")
    expect(current.last).to_contain_text("Second part")
    page.evaluate("scrollBy(0, -250)")
    expect(current.last).not_to_contain_text("Second part")
    assert (
        page.locator("nav[role=doc-toc]").evaluate("e => e.getBoundingClientRect().top") < 150
    )  # sticky
    page.locator("nav[role=doc-toc] a", has_text="Third part").click()
    expect(current.last).to_contain_text("Third part")
    top = page.locator("#sec-d").evaluate("e => e.getBoundingClientRect().top")
    assert (
        page.locator(".page-bar").evaluate("e => e.offsetHeight") <= top + 1 < 250
    )  # not under the bar


def test_contents_on_a_phone(browser, made):
    with opened(browser, made, PHONE, 640) as page:
        contents, fold = (
            page.locator("nav[role=doc-toc]"),
            page.locator("summary", has_text="Contents"),
        )
        third = contents.locator("a", has_text="Third part")
        expect(third).to_be_hidden()
        fold.focus()
        page.keyboard.press("Enter")
        expect(third).to_be_visible()
        expect(contents.locator("a", has_text="Inside")).to_be_visible()
        third.click()
        expect(page.locator("#sec-d")).to_be_in_viewport()
        page.set_viewport_size({"width": WIDE, "height": 800})
        expect(third).to_be_visible()
        assert contents.evaluate("e => e.getBoundingClientRect().top") < 150


@pytest.mark.parametrize(
    "link, shown",
    [
        ("#fig-line", "Figure 1: A line that rises."),
        ("#tbl-wide", "0.12345678"),
        ("#eq-long", "(1)"),
        ("#ref-vaswani2017", "Attention"),
        ("#fn1", "The note says more."),
    ],
)
def test_preview_of_what_a_link_points_at(page, link, shown):
    preview, anchor = page.locator("#preview"), page.locator(f"main p a[href$='{link}']").first
    anchor.hover()
    expect(preview).to_be_visible()
    expect(preview).to_contain_text(shown)
    box, window = preview.bounding_box(), page.viewport_size
    assert (
        box["x"] >= 0
        and box["x"] + box["width"] <= window["width"]
        and box["y"] + box["height"] <= window["height"]
    )
    assert anchor.evaluate(
        "a => document.getElementById(a.getAttribute('aria-describedby')) !== null"
    )
    preview.hover()  # the pointer may go to it
    page.wait_for_timeout(450)
    expect(preview).to_be_visible()
    page.keyboard.press("Escape")
    expect(preview).to_be_hidden()
    page.keyboard.press("/")
    page.wait_for_timeout(400)
    expect(preview).to_be_hidden()  # and stays away while the pointer rests
    page.mouse.move(2, 2)
    page.wait_for_timeout(50)
    anchor.hover()
    expect(preview).to_be_visible()
    page.mouse.move(2, 2)
    expect(preview).to_be_hidden()
    names = page.locator("body [id]").evaluate_all("all => all.map(e => e.id)")
    assert len(set(names)) == len(names)


def test_preview_by_key(page):
    page.locator("main p a[href='#sec-b']").focus()
    for _ in range(12):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.hash") == "#fig-line":
            break
    preview = page.locator("#preview")
    expect(preview).to_contain_text("A line that rises.")
    assert preview.locator("img").count() == 1 and preview.locator("a, button").count() == 0
    page.keyboard.press("Escape")
    expect(preview).to_be_hidden()
    assert page.evaluate("document.activeElement.hash") == "#fig-line"  # focus stays
    page.keyboard.press("Tab")
    expect(preview).to_contain_text("Much in one row.")


def test_links_back_to_the_text_and_to_the_place_itself(page):
    back = page.locator("#fig-line .back")
    assert [t.strip().replace("\u00a0", " ") for t in back.all_inner_texts()] == ["↩ 1", "↩ 1.1"]
    assert back.first.get_attribute("aria-label") == "1, back to the text on Figure 1"
    assert (
        page.locator("#tbl-wide figcaption .back").get_attribute("aria-label")
        == "1, back to the text on Table 1"
    )
    back.last.click()
    target = page.evaluate("document.querySelector(':target').closest('section').id")
    assert target == "sec-b" and page.evaluate(
        "document.querySelector(':target').textContent"
    ).startswith("Figure")
    for label in ("fig-line", "tbl-wide", "eq-long"):
        anchor = page.locator(f"#{label} .float-links .anchor")
        assert anchor.get_attribute("href") == f"#{label}"
        anchor.focus()
        expect(anchor).to_have_css("opacity", "1")
    for heading in ("sec-a", "sec-b", "sec-c"):
        assert page.locator(f"main :is(h1, h2) a[href$='#{heading}']").count() == 1


def test_zoom_of_a_figure_by_key(page):
    button = page.get_by_role("button", name="Enlarge Figure 1")
    button.focus()
    expect(button).to_have_css("opacity", "1")
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog", name="Figure 1: A line that rises.")
    expect(dialog).to_be_visible()
    picture = dialog.locator("img")
    assert picture.get_attribute("alt") == "One line from lower left to upper right."
    before = picture.bounding_box()
    assert (
        before["width"] > 900 > 400
    )  # larger than on the page, though it is 400 wide: a vector picture
    page.keyboard.press("+")
    assert picture.bounding_box()["width"] > 1.4 * before["width"]
    expect(page.get_by_role("status").first).to_have_text("150 percent")
    for _ in range(
        6
    ):  # the focus stays in the dialog or goes to the browser, never to the page below
        page.keyboard.press("Tab")
        assert page.evaluate(
            "document.activeElement === document.body || !!document.activeElement.closest('dialog')"
        )
    page.keyboard.press("0")
    assert picture.bounding_box()["width"] == before["width"]
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(button).to_be_focused()


def test_zoom_of_a_figure_by_pointer(page):
    page.locator("#fig-line img").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_be_visible()
    page.get_by_role("button", name="Larger").click()
    page.get_by_role("button", name="Whole picture").click()
    page.get_by_role("button", name="Close").click()
    expect(dialog).to_be_hidden()


def test_on_a_phone_a_figure_opens_at_a_readable_size_and_its_button_covers_nothing(made, browser):
    with opened(browser, made, width=360, has_touch=True) as page:
        picture, button = (
            page.locator("#fig-line img"),
            page.get_by_role("button", name="Enlarge Figure 1"),
        )
        before, above = picture.bounding_box(), button.bounding_box()
        assert above["y"] + above["height"] <= before["y"]
        picture.click()
        shown = page.get_by_role("dialog").locator("img")
        assert shown.bounding_box()["width"] == pytest.approx(640, abs=2) and before["width"] < 360
        page.get_by_role("button", name="Whole picture").click()
        assert shown.bounding_box()["width"] <= 360


def test_copy_says_that_it_copied(page):
    button = page.locator("div.sourceCode", has_text="def area").get_by_role(
        "button", name="Copy this code"
    )
    button.focus()
    expect(button).to_have_css("opacity", "1")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status").first).to_have_text("Code copied")
    expect(button).to_have_text("Copied")
    assert (
        page.evaluate("navigator.clipboard.readText()").strip()
        == 'def area(r, unit="cm"): return 3.14 * r ** 2  # folded or not'
    )


def test_a_wrapped_line_of_code_goes_on_deeper(browser, made):
    with opened(browser, made, PHONE, 640) as page:
        rows = page.locator("code.sourceCode > span", has_text="def area").evaluate("""line => {
            const all = document.createRange(), left = {};
            all.selectNodeContents(line);
            for (const box of all.getClientRects())
                if (box.width) left[Math.round(box.bottom)] = Math.min(left[Math.round(box.bottom)] ?? 1e9, box.left);
            return Object.entries(left).sort((a, b) => a[0] - b[0]).map(row => row[1]);
        }""")
        assert len(rows) > 1 and all(row > rows[0] + 5 for row in rows[1:])


def test_search_finds_and_goes_there(page):
    box = page.get_by_role("combobox", name="Search this page")
    page.keyboard.press("/")
    expect(box).to_be_focused()
    page.keyboard.type("plain words")
    options = page.get_by_role("option")
    expect(options).to_have_count(30)
    expect(page.get_by_role("status").first).to_have_text("30 passages")
    expect(options.first).to_contain_text("2 Second part")
    assert options.first.locator("mark").all_inner_texts() == ["plain", "words"]
    assert page.evaluate("CSS.highlights.get('found').size") == 60
    for _ in range(3):
        page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowUp")
    expect(options.nth(1)).to_have_attribute("aria-selected", "true")
    assert box.get_attribute("aria-activedescendant") == options.nth(1).get_attribute("id")
    page.keyboard.press("Enter")
    expect(page.get_by_role("listbox")).to_be_hidden()
    assert page.evaluate("document.activeElement.textContent").startswith("Paragraph 1 ")
    assert 0 < page.evaluate("document.activeElement.getBoundingClientRect().top") < 800


@pytest.mark.parametrize("word", ["pomegranate", "marmalade", "folded or not", "a comment"])
def test_search_opens_what_is_folded_away(page, word):
    page.keyboard.press("/")
    page.keyboard.type(word)
    page.keyboard.press("Enter")
    page.wait_for_timeout(500)  # Quarto opens its callouts slowly
    found = page.locator(":focus")
    expect(found).to_contain_text(word)
    expect(found).to_be_visible()
    assert (
        found.evaluate("e => e.checkVisibility({checkVisibilityCSS: true})")
        and found.bounding_box()["height"] > 5
    )


def test_search_without_hits_and_its_end(page):
    box = page.get_by_role("combobox", name="Search this page")
    page.keyboard.press("/")
    page.keyboard.type("(no such[")
    expect(page.get_by_role("status").first).to_have_text("No passages")
    expect(box).to_have_attribute("aria-expanded", "false")
    page.keyboard.press("Escape")
    expect(box).to_have_value("")
    page.keyboard.type("a/b")  # in the box / is a letter
    expect(box).to_have_value("a/b")
    page.keyboard.press("Escape")
    page.keyboard.press("/")
    page.get_by_label("The key / goes to this box").uncheck()
    page.reload()
    page.keyboard.press("/")
    expect(box).not_to_be_focused()


def test_folds_and_tabs_by_key(page):
    summary = page.locator("details summary", has_text="Code").first
    code = page.locator("details pre", has_text="a comment")
    expect(code).to_be_hidden()
    summary.focus()
    page.keyboard.press("Enter")
    expect(code).to_be_visible()
    page.get_by_role("tab", name="One").focus()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_text("hides a pomegranate")).to_be_visible()
    assert page.get_by_role("tab", name="Two").get_attribute("aria-selected") == "true"
    folded = (
        page.get_by_role("button", name="Folded")
        .or_(page.locator("summary", has_text="Folded"))
        .first
    )
    folded.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_text("Hidden marmalade")).to_be_visible()


def test_switch_of_colours_is_kept(page):
    def paper():
        return page.evaluate("getComputedStyle(document.body).backgroundColor")

    assert paper() == "rgb(255, 255, 255)"
    switch = page.locator(".page-bar").get_by_role("button").last
    assert "colours" in switch.get_attribute("aria-label")
    switch.focus()
    page.keyboard.press("Enter")
    expect(page.locator("body")).not_to_have_css("background-color", "rgb(255, 255, 255)")
    page.reload()
    assert sum(int(n) for n in paper()[4:-1].split(",")) < 150


def test_search_on_a_phone(browser, made):
    with opened(browser, made, PHONE, 640) as page:
        page.get_by_role("combobox", name="Search this page").fill("sentence")
        panel = page.locator(".search-panel").bounding_box()
        assert panel["x"] >= 0 and panel["x"] + panel["width"] <= PHONE
        page.get_by_role("option").first.click()
        expect(page.locator(":focus")).to_contain_text("first sentence")


def test_a_link_with_a_place_opens_there(browser, made):
    with opened(browser, made, WIDE) as page:
        page.goto(made.as_uri() + "#tbl-wide")
        page.wait_for_timeout(200)
        top = page.locator("#tbl-wide").bounding_box()["y"]
        assert page.locator(".page-bar").bounding_box()["height"] <= top < 400
