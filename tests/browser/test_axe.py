"""axe-core on every tab: nothing of ours that people without eyes or a mouse would miss."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("playwright")

from playwright.sync_api import Page

from tests.browser.site import Site

#: Parts of the page that this project draws; the rest is Gradio's.
OWN = ("#masthead", "#examples", "#photo-ways", "#word-chips", "#viewer", "#readout", "#status",
       "#attention-viewer", "#films", "#patches", "#charts", "#lessons", "#truth-shown",
       "#truth-table", ".group-title", ".small-print", "#sheets")  # fmt: skip
RULES = ("label-content-name-mismatch", "heading-order")
RUN = """async (rules) => {
    const found = await axe.run(document, {rules: Object.fromEntries(
        rules.map((rule) => [rule, {enabled: true}]))});
    return found.violations.flatMap(({id, help, nodes}) =>
        nodes.map(({target, html}) => ({id, help, target: target.flat(9), html})));
}"""


def source() -> str:
    """The program of axe-core."""
    spec = find_spec("axe_playwright_python")
    assert spec, "axe-playwright-python carries it; see requirements-dev.txt"
    assert spec.submodule_search_locations
    return (Path(spec.submodule_search_locations[0]) / "axe.min.js").read_text(encoding="utf-8")


def violations(page: Page) -> list[dict[str, Any]]:
    """What axe finds in the page's own parts."""
    found = page.evaluate(RUN, list(RULES))
    inside = "(node, [target, own]) => Boolean(document.querySelector(target)?.closest(own))"
    body = page.locator("body")
    return [each for each in found if body.evaluate(inside, [each["target"][-1], ", ".join(OWN)])]


def test_axe_finds_nothing_in_our_own_parts_of_any_tab(site: Site) -> None:
    page = site.page
    page.evaluate(source())
    said = {}
    for tab in ("Compare", "Attention", "Windows", "Learn", "Ground truth"):
        site.tab(tab)
        if tab == "Windows":
            page.locator(".film").first.wait_for()
        page.wait_for_timeout(300)
        if found := violations(page):
            said[tab] = [f"{each['id']}: {each['html'][:160]}" for each in found]
    assert not said, said
