"""A computed number of the page shows where it comes from, to every hand: in a browser."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

import pages
from browser import PHONE, WIDE, opened, violations
from lmreport.display import again
from lmreport.runs import records

NAMES = ["Value", "Formula", "Run", "Date", "Command"]


@pytest.fixture
def page(browser, made):
    with opened(browser, made, permissions=["clipboard-read", "clipboard-write"]) as it:
        yield it


def number(page, name: str):
    """The computed number of the small report with that name."""
    return page.locator("main .computed", has_text=str(pages.numbers()[name])).first


def card(page):
    return page.locator(".number-card")


def shown(page) -> dict[str, str]:
    """The facts on the card that is open."""
    expect(card(page)).to_be_visible()
    return dict(
        zip(
            card(page).locator("dt").all_inner_texts(),
            card(page).locator("dd").all_inner_texts(),
            strict=True,
        )
    )


def test_hover_shows_value_formula_run_date_and_command_of_the_record(page):
    number(page, "ACCURACY").hover()
    (record,) = [r for r in records.all_records() if r.name == "tfidf_svm"]
    assert shown(page) == {
        "Value": repr(float(record.correct.mean())),
        "Formula": f"accuracy({record.symbol})",
        "Run": f"{record.name}-{record.key}",
        "Date": record.made["date"][:10],
        "Command": f"lmreport run {record.name} {again.options(record)}",
    }
    card(page).hover()  # the pointer may go to it
    page.wait_for_timeout(500)
    expect(card(page)).to_be_visible()
    page.mouse.move(2, 2)
    expect(card(page)).to_be_hidden()


@pytest.mark.parametrize("key", ["Enter", " "])
def test_a_key_shows_it_and_escape_goes_back_to_the_number(page, key):
    it = number(page, "MORE")
    it.focus()
    page.keyboard.press(key)
    assert list(shown(page)) == NAMES and shown(page)["Value"] == "0.0, word 1 of 3"
    expect(it).to_have_attribute("aria-expanded", "true")
    dialog = page.get_by_role("dialog", name="Where “more” comes from")
    described = dialog.get_attribute("aria-describedby")
    assert "order(accuracy(" in page.locator(f"#{described}").inner_text()
    expect(dialog.get_by_role("button")).to_be_focused()
    page.keyboard.press("Escape")
    expect(card(page)).to_be_hidden()
    expect(it).to_be_focused()
    assert it.get_attribute("aria-expanded") is None


def test_copy_writes_the_facts_and_says_so(page):
    number(page, "TIMES").click()
    facts = shown(page)
    names = [f"{r.name}-{r.key}" for r in records.all_records() if r.name in ("lstm", "tfidf_svm")]
    assert sorted(facts["Run"].split()) == sorted(names)
    page.keyboard.press("Enter")
    expect(card(page).get_by_role("button")).to_have_text("Copied")
    expect(page.get_by_role("status").first).to_have_text("Copied")
    text = page.evaluate("navigator.clipboard.readText()")
    assert text.splitlines() == [f"{name}: {fact}" for name, fact in facts.items()]


def test_what_the_line_of_its_table_tells_is_shown_of_a_number_that_tells_nothing(page):
    number(page, "OWN").hover()
    assert shown(page) == {
        "Value": "1234.0",
        "Formula": "tables.own",
        "Run": "Run line-0123",
        "Date": "2026-01-02",
        "Command": "lmreport run line --force",
    }


def test_one_stop_for_each_section_and_arrows_between_the_numbers(page):
    stops = page.locator("main .computed[tabindex='0']")
    sections = page.locator("main .computed").evaluate_all(
        "all => new Set(all.map(e => e.closest('section'))).size"
    )
    assert stops.count() == sections < page.locator("main .computed").count()
    number(page, "ACCURACY").focus()
    for name in ("MORE", "TIMES", "OWN"):
        page.keyboard.press("ArrowRight")
        expect(page.locator(":focus")).to_have_text(str(pages.numbers()[name]))
    assert stops.count() == sections
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")  # from the card the way goes on after the number
    expect(card(page)).to_be_hidden()
    assert page.locator(":focus").evaluate("e => !e.matches('.computed') && !!e.closest('main')")


def test_on_a_phone_a_tap_shows_it_within_the_window(browser, made):
    with opened(browser, made, PHONE, 640, has_touch=True) as page:
        number(page, "TIMES").tap()
        assert list(shown(page)) == NAMES
        box = card(page).bounding_box()
        assert box["x"] >= 0 and box["x"] + box["width"] <= PHONE and box["y"] >= 0
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE
        page.touchscreen.tap(5, 5)
        expect(card(page)).to_be_hidden()


@pytest.mark.parametrize("width, scheme", [(WIDE, "light"), (PHONE, "dark")])
def test_axe_finds_nothing_in_the_card(browser, made, width, scheme):
    with opened(browser, made, width, scheme=scheme) as page:
        number(page, "ACCURACY").click()
        assert violations(page) == []
