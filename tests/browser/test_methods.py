"""Many methods beside each other, one of them from a file, and the left side's own attention."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect

from glaclip.serving.service import Service
from tests.browser.site import LADDER, PATIENCE, box_of, file_of
from tests.toy import FewWindows

if TYPE_CHECKING:
    from tests.browser.conftest import NewPage, Serve
    from tests.browser.site import Site


def test_methods_share_a_pointer_and_a_zoom_and_one_may_come_from_a_file(two_colors: Site) -> None:
    site, page = two_colors, two_colors.page
    site.tab("Methods")
    figures = page.locator(".mv-method")
    expect(figures).to_have_count(4, timeout=PATIENCE)
    assert page.locator(".mv-method h2").all_text_contents() == [
        "Each window alone", "With context", "With context and anchors", "GLA-CLIP",
    ]  # fmt: skip
    expect(figures.first.locator(".mv-note")).to_contain_text("seams")
    first = page.locator(".mv-frame canvas").first
    box = first.bounding_box()
    assert box
    page.mouse.move(box["x"] + 0.2 * box["width"], box["y"] + box["height"] / 2)
    expect(page.locator(".mv-read")).to_have_text("All say red")
    assert page.locator(".mv-word").all_text_contents() == ["red"] * 4
    page.locator(".mv-in").click()
    zooms = page.locator(".mv-frame").evaluate_all("all => all.map(node => node.dataset.zoom)")
    assert zooms == ["1.40"] * 4

    everywhere_blue = Image.fromarray(np.ones((224, 448), np.uint8))
    page.locator("#foreign-name textarea, #foreign-name input").fill("SAM <b>3</b>")
    page.locator("#foreign input[type=file]").set_input_files(
        file_of(everywhere_blue, "other.png")  # type: ignore[arg-type]
    )
    expect(figures).to_have_count(5, timeout=PATIENCE)
    expect(page.locator(".mv-method h2").last).to_have_text("SAM <b>3</b>")
    box = box_of(page.locator(".mv-frame canvas").first)
    page.mouse.move(box["x"] + 0.2 * box["width"], box["y"] + box["height"] / 2)
    expect(page.locator(".mv-read")).to_contain_text("SAM <b>3</b>: blue")
    page.locator("#foreign-left").click()
    expect(page.locator(".lv-title").first).to_have_text("SAM <b>3</b>", timeout=PATIENCE)
    assert site.titles == ["SAM <b>3</b>", "GLA-CLIP"]


@pytest.mark.parametrize(("width", "across"), [(1280, 3), (390, 1)])
def test_six_methods_stand_three_in_a_row_and_nothing_scrolls_sideways(
    new_page: NewPage, serve_page: Serve, width: int, across: int
) -> None:
    page = new_page(viewport={"width": width, "height": 844})
    url = serve_page(Service(lambda name: FewWindows()))
    page.goto(f"{url}#tab=methods")
    figures = page.locator(".mv-method")
    expect(figures).to_have_count(4, timeout=PATIENCE)
    for count, word in ((5, "No attention"), (6, "windows blended")):
        page.locator("#method-names input").first.fill(word)
        page.locator("#method-names [role=option]").first.click()
        expect(figures).to_have_count(count, timeout=PATIENCE)
    frames = [box_of(node) for node in page.locator(".mv-frame").all()]
    assert len({round(box["x"]) for box in frames}) == across
    assert len({round(box["y"]) for box in frames}) == 6 // across
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    if across > 1:  # beside the choice, not below it in the page's whole width
        button, choice = (box_of(page.locator(name)) for name in ("#show-methods", "#method-names"))
        assert button["x"] >= choice["x"] + choice["width"]
        assert button["width"] < 0.25 * width


def test_a_baseline_on_the_left_shows_its_own_attention(two_colors: Site) -> None:
    site = two_colors
    site.click_picture("right", 0.25, 0.5)
    expect(site.readout).to_contain_text("Point", timeout=PATIENCE)
    site.open("Advanced")
    with site.next_turn():
        site.choose("baseline", "No attention")
    site.tab("Attention")
    panels = site.page.locator(".av-panel")
    expect(panels).to_have_count(len(LADDER) + 1, timeout=PATIENCE)
    left = panels.last
    title = "Left side: No attention (each patch alone)"
    expect(left.locator(".av-panel-title")).to_have_text(title)
    mass = left.locator(".av-panel-mass")
    expect(mass).to_have_text("100 % stays on the patch itself.")
    # The pointer reads weights as it does in the steps: all of it is in one patch of 49.
    mosaic = left.locator(".av-mosaic")
    read = mosaic.evaluate("""canvas => {
        const box = canvas.getBoundingClientRect(), said = new Set();
        for (let y = 0.01; y < 1; y += 0.02) for (let x = 0.005; x < 1; x += 0.01) {
            canvas.dispatchEvent(new PointerEvent('pointermove', {
                clientX: box.left + x * box.width, clientY: box.top + y * box.height}));
            said.add(canvas.parentElement.querySelector('.av-here').textContent.split(',')[0]);
        }
        return [...said];
    }""")
    assert set(read) - {""} == {"Not visible", "0 even", "49× even"}
    left.click()
    expect(site.page.locator(".av-step b")).to_have_text(title)
    expect(site.page.locator(".av-crop")).to_have_count(len(LADDER) + 1)
    with site.next_turn():
        site.choose("baseline", "Each window alone")
    expect(panels).to_have_count(len(LADDER), timeout=PATIENCE)
    expect(site.page.locator(".av-step b")).to_contain_text(LADDER[-1])
