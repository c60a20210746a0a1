"""What a person changes and what it changes are on one screen, whatever is done."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import TYPE_CHECKING

from playwright.sync_api import expect

from glaclip.ui.tabs.order import TABS
from tests.browser.site import PATIENCE, SWITCHES, Site, box_of, drawn, halves

if TYPE_CHECKING:
    from playwright.sync_api import Page

marks = itertools.count(12_001)
SIZES = [(1280, 720), (1366, 768), (1440, 900), (1920, 1080)]
PICTURES = tuple(f'.lv-frame[data-side="{side}"]' for side in ("left", "right"))
DESKTOP = (
    "#examples",
    "#words",
    "#method",
    "#ladder",
    *(f"#{name}" for name in SWITCHES),
    "#segment",
    ".lv-bar",
    *PICTURES,
    ".lv-entries",
    "#status",
)
NewPage = Callable[..., "Page"]
Box = dict[str, float]
#: All at once: one by one they are many questions to the browser.
BOXES = """selectors => Object.fromEntries(selectors.map(selector => {
    const node = document.querySelector(selector);
    const {x, y, width, height} = node?.getBoundingClientRect() ?? {};
    const shown = node?.checkVisibility({visibilityProperty: true}) && width && height;
    return [selector, shown ? {x, y, width, height} : null];
}))"""
HEIGHTS = "nodes => nodes.map(node => node.getBoundingClientRect().height)"
UNCOVERED = """selectors => selectors.every(selector => {
    const node = document.querySelector(selector), box = node.getBoundingClientRect();
    const at = [box.x + box.width / 2, box.y + box.height / 2];
    return node.contains(document.elementFromPoint(...at));
})"""


def boxes(page: Page, selectors: tuple[str, ...]) -> dict[str, Box]:
    """Where things are in the window; none of them may be out of sight or covered."""
    size = page.viewport_size
    assert size
    found: dict[str, Box] = page.evaluate(BOXES, list(selectors))
    for selector, box in found.items():
        assert box, f"{selector} is not shown"
        inside = box["x"] >= 0 and box["x"] + box["width"] <= size["width"]
        inside &= box["y"] >= 0 and box["y"] + box["height"] <= size["height"]
        assert inside, f"{selector} is out of sight: {box}"
    return found


def uncovered(page: Page, *selectors: str) -> bool:
    """Whether a press on the middle of each meets it."""
    return bool(page.evaluate(UNCOVERED, list(selectors)))


def test_everything_is_on_one_screen_after_every_action(site: Site) -> None:
    page, first = site.page, {}

    def at_every_size(check: Callable[[tuple[int, int]], object]) -> None:
        for width, height in SIZES:
            page.set_viewport_size({"width": width, "height": height})
            drawn(page)
            check((width, height))

    def starts(size: tuple[int, int]) -> None:
        first[size] = boxes(page, DESKTOP)
        assert first[size]["#method"]["y"] < 110
        assert first[size][PICTURES[0]]["width"] >= 350
        same_places(size, first[size])

    def same_places(size: tuple[int, int], now: dict[str, Box] | None = None) -> None:
        assert page.evaluate("window.scrollY") == 0
        now = now or boxes(page, DESKTOP)
        for fixed in ("#method", "#ladder", "#status"):
            assert now[fixed] == first[size][fixed], (fixed, size)
        assert uncovered(page, *PICTURES, ".lv-entry")
        assert now[".lv-bar"]["height"] < 45, "one line of buttons"

    at_every_size(starts)
    with site.next_turn():
        page.locator("#proxy-anchors input").uncheck()
    at_every_size(same_places)
    with site.next_turn():
        site.choose_example("coffee")
    at_every_size(same_places)
    site.type_word("a word of the layout")
    site.wait_for_query(words="cup, plate, spoon, table, a word of the layout")
    at_every_size(same_places)
    site.upload_and_wait(halves(mark=next(marks), size=(300, 320)))
    at_every_size(same_places)
    for mode in ("Slider", "Changed", "Side by side"):
        page.get_by_role("button", name=mode, exact=True).click()
        at_every_size(lambda size: boxes(page, PICTURES[:1]))


def test_pictures_use_the_width_there_is(site: Site) -> None:
    site.page.set_viewport_size({"width": 1440, "height": 1000})
    layout = boxes(site.page, ("#masthead",))["#masthead"]
    assert layout["width"] >= 1400


def test_the_attention_of_a_point_is_on_one_screen(site: Site) -> None:
    for name in ("hills", "room"):  # wide and upright
        site.choose_example(name)
        site.wait_for_query(photo=name)
        site.tab("Attention")
        for width, height in SIZES:
            site.page.set_viewport_size({"width": width, "height": height})
            expect(site.page.locator('.av[data-ready="true"]')).to_be_visible()
            found = boxes(site.page, ("#method", ".av-tools", ".av-photo", ".av-step", "#status"))
            assert found[".av-tools"]["height"] < 45, "one line of buttons"
            sentence = found[".av-step"]
            assert sentence["y"] + sentence["height"] <= found["#status"]["y"]
            crops = boxes(site.page, (".av-crops",))[".av-crops"]
            assert crops["y"] + crops["height"] <= found["#status"]["y"], "all steps in sight"
        site.tab("Compare")


def test_try_it_ends_at_the_pictures(site: Site) -> None:
    site.page.set_viewport_size({"width": 1280, "height": 720})
    site.tab("Learn")
    expect(site.page.locator("#controls")).to_be_hidden()
    expect(site.page.locator("#method")).to_be_hidden()
    with site.next_turn():
        site.page.locator(".lb-try").scroll_into_view_if_needed()
        site.page.locator(".lb-try").click()
    expect(site.page.locator("#method")).to_be_visible()
    site.page.wait_for_function("() => window.scrollY === 0")
    views = "'#viewer, #attention-viewer, #films'"
    site.page.wait_for_function(f"document.activeElement.closest({views}) !== null")
    boxes(site.page, ("#ladder", "#segment", "#tabs .tab-wrapper"))


def test_the_method_bar_stays_in_every_tab_with_pictures(site: Site) -> None:
    for tab in (tab.title for tab in TABS if tab.id != "learn"):
        site.tab(tab)
        site.page.evaluate("window.scrollTo(0, 500)")
        boxes(site.page, ("#ladder", *(f"#{name}" for name in SWITCHES), "#stop", "#status"))
        assert uncovered(site.page, "#ladder"), tab


def test_on_a_phone_picture_and_ladder_share_the_screen(new_page: NewPage, page_url: str) -> None:
    page = new_page(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    site = Site(page, page_url)
    shown = ("#photo", "#examples button", PICTURES[0], "#ladder", "#segment", "#stop")
    cut = "node => node.scrollHeight > node.clientHeight"
    assert not page.locator("#status").evaluate(cut), "what an example shows is said in full"
    assert page.locator(PICTURES[1]).is_hidden(), "one picture with a slider"
    found = boxes(page, (*shown, ".lv-present"))
    assert found["#photo"]["x"] < found["#examples button"]["x"], "an own photo comes first"
    for target in ("#photo", "#examples button", "#ladder label", "#sheets button", "#segment"):
        heights = page.locator(target).evaluate_all(HEIGHTS)
        assert heights
        assert min(heights) >= 44, target
    progress = box_of(page.locator("#run-state"))
    assert (progress["x"], progress["width"]) == (0, 390), "a run's progress has a strip"
    tools, whole = found[".lv-present"], found[PICTURES[0]]
    assert tools["x"] + tools["width"] <= whole["x"] + whole["width"] + 1
    with site.next_turn():
        page.get_by_label("+ Context", exact=True).check()
    boxes(page, shown)
    # Words and switches are sheets that leave the method bar where it is.
    sheets = {"Words": "#words", "Switches": "#proxy-anchors", "Advanced": "#backbone"}
    for title, inside in sheets.items():
        page.get_by_role("button", name=title, exact=True).click()
        expect(page.locator(inside)).to_be_visible()
        boxes(page, (inside, "#ladder"))
        assert uncovered(page, inside)
    page.keyboard.press("Escape")
    expect(page.locator("#words")).to_be_hidden()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_many_words_leave_the_page_as_it_is(site: Site) -> None:
    before = boxes(site.page, ("#words",))["#words"]
    site.page.locator("#words input").click()
    site.page.keyboard.insert_text(", ".join(f"word {i}" for i in range(150)))
    site.page.keyboard.press("Enter")
    expect(site.page.locator("#words .token")).to_have_count(154, timeout=PATIENCE)
    after = boxes(site.page, ("#words",))["#words"]
    assert after["height"] <= before["height"] + 60
    boxes(site.page, ("#ladder", *PICTURES))
