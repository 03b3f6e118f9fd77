"""Debian's Chromium for the tests of the page: where it is, what it must find, and how a page is
opened in it.
"""

from __future__ import annotations

import shutil
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest

CHROMIUM = (
    shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
)
AXE = Path(sys.prefix) / "node_modules" / "axe-core" / "axe.min.js"  # make puts it there
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
WIDE, TABLET, PHONE = 1280, 768, 320  # px


@contextmanager
def chromium():
    """A running browser; skips the test, with the reason, where there is none."""
    if not CHROMIUM:
        pytest.skip("no chromium on PATH (Debian: apt-get install chromium)")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield browser
        browser.close()


@contextmanager
def opened(
    browser, path: Path, width: int = WIDE, height: int = 800, scheme: str = "light", **options
):
    """The file as a page of that width and colour scheme; fails at the end if it logged an error or
    asked for more.
    """
    context = browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme=scheme,
        bypass_csp=True,
        reduced_motion="reduce",
        **options,
    )
    context.set_default_timeout(10_000)  # ms
    page, said, asked = context.new_page(), [], []
    page.on("console", lambda message: said.append(f"{message.type}: {message.text}"))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    page.goto(path.as_uri())
    yield page
    context.close()
    beyond = [url[:100] for url in asked if not url.startswith(("data:", "blob:", path.as_uri()))]
    assert beyond == [], f"the page asked for {beyond}"
    assert said == [], f"the page logged {said}"


def violations(page, *rules: str) -> list[str]:
    """What axe-core finds, one line for each rule with the first places."""
    if not AXE.is_file():
        pytest.skip("no axe-core (make installs it with npm)")
    page.evaluate(AXE.read_text(encoding="utf-8"))
    only = {"runOnly": list(rules)} if rules else {}
    found = page.evaluate(
        "options => axe.run(document, options)", {"resultTypes": ["violations"], **only}
    )
    return [
        f"{v['impact']} {v['id']} {len(v['nodes'])}: "
        + "; ".join(n["html"][:120] for n in v["nodes"][:3])
        for v in found["violations"]
    ]
