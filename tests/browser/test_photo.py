"""A photo of one's own: on the screen at once, small enough, and sent again where it was lost."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

pytest.importorskip("playwright")

from PIL import Image
from playwright.sync_api import expect

from glaclip.ui.demo import Demo
from tests.browser.conftest import NewPage
from tests.browser.site import PATIENCE, PageBackbone, Site, file_of, halves

marks = itertools.count(31_001)
#: The color in the middle of the left side's right half.
COLOR = """() => {
    const canvas = document.querySelector('.lv-picture');
    return [...canvas.getContext('2d').getImageData(
        0.75 * canvas.width, canvas.height / 2, 1, 1).data].slice(0, 3);
}"""


def test_a_new_photo_is_shown_plain_while_its_result_is_computed(
    site: Site, toy: PageBackbone
) -> None:
    site.click_picture("right", 0.5, 0.5)
    expect(site.page.locator("#readout table")).to_be_visible(timeout=PATIENCE)
    expect(site.status.locator(".line").first).to_be_visible()
    site.upload_and_hold(halves("red", "lime", mark=next(marks)), toy)
    assert site.page.evaluate(COLOR) == [0, 255, 0]
    expect(site.page.locator(".lv-wait")).to_be_visible()
    assert site.legend == [] or not site.page.locator(".lv-legend").is_visible()
    # Nothing is said beside it that is about the former photo.
    expect(site.page.locator("#readout table")).to_be_hidden()
    expect(site.status.locator(".line").first).to_be_hidden()
    with site.next_turn():
        toy.gate.set()
    expect(site.page.locator(".lv-wait")).to_be_hidden()
    expect(site.page.locator(".chips")).to_contain_text("Proposed", timeout=PATIENCE)
    site.set_words("red, lime")
    assert site.name_at("right", 0.75, 0.5) == "lime"


def test_a_large_photo_is_shrunk_before_it_is_sent(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: list[tuple[int, int]] = []
    accept = Demo.accept

    def note(demo: Demo, path: str | None) -> str:
        sizes.append(Image.open(str(path)).size)
        return accept(demo, path)

    monkeypatch.setattr(Demo, "accept", note)
    site.upload_and_wait(halves(size=(4000, 2000), mark=next(marks)))
    assert sizes == [(2048, 1024)]
    site.set_words("red, blue")
    assert site.name_at("right", 0.75, 0.5) == "blue"


def test_a_photo_that_the_server_lost_is_sent_again(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Old uploads are deleted; the page goes on with the press that met it."""
    kept: list[str] = []
    accept = Demo.accept

    def note(demo: Demo, path: str | None) -> str:
        kept.append(accept(demo, path))
        return kept[-1]

    monkeypatch.setattr(Demo, "accept", note)
    site.upload_and_wait(halves(mark=next(marks)), again=True)
    Path(kept[0]).unlink()
    with site.next_turn():
        site.page.locator("#cross-window input").uncheck()
    assert len(kept) == 2
    expect(site.page.locator("#photo-note")).to_contain_text("sent again")
    assert site.titles[1] == "With anchors and normalization"


def test_a_page_that_is_loaded_anew_keeps_its_photo_and_a_link_asks_for_it(
    site: Site, new_page: NewPage
) -> None:
    """Gradio loads the page anew once a server that was gone is back."""
    site.upload_and_wait(halves(mark=next(marks)))
    expect(site.page.locator(".chips")).to_contain_text("Proposed", timeout=PATIENCE)
    site.set_words("red, blue")
    site.wait_for_query(photo="own")
    link = site.page.url
    site.page.reload()
    expect(site.page.locator("#photo-note")).to_contain_text("sent again", timeout=PATIENCE)
    site.page.wait_for_function("() => document.querySelector('.lv-entry-name')?.textContent")
    assert set(site.legend) == {"red", "blue"}
    # A link on the page was followed, and Back pressed; streams that end with the page say so.
    site.page.evaluate("() => { console.error = () => {}; location.href = 'about:blank'; }")
    site.page.wait_for_url("about:blank")
    site.page.go_back()
    expect(site.page.locator("#photo-note")).to_contain_text("sent again", timeout=PATIENCE)
    site.page.wait_for_function("() => document.querySelector('.lv-entry-name')?.textContent")
    assert set(site.legend) == {"red", "blue"}
    other = new_page()
    other.goto(link)
    empty = other.locator(".lv-empty")
    expect(empty).to_contain_text("does not travel", timeout=PATIENCE)
    with other.expect_file_chooser() as chooser:
        empty.get_by_role("button", name="Choose the photo").click()
    chooser.value.set_files(file_of(halves(mark=next(marks))))  # type: ignore[arg-type]
    expect(other.locator(".lv-entry-name")).to_have_count(2, timeout=PATIENCE)


def test_the_ladder_is_one_stop_of_the_tab_key_and_arrows_climb_it(two_colors: Site) -> None:
    page = two_colors.page
    page.locator("#ladder input").last.focus()
    with two_colors.next_turn():
        page.keyboard.press("ArrowLeft")
    assert page.locator("#ladder input").nth(2).is_checked()
    page.keyboard.press("Tab")
    assert not page.evaluate("document.activeElement.closest('#ladder')")


def test_a_refusal_is_in_the_sheet_that_covers_the_status_line(
    new_page: NewPage, page_url: str
) -> None:
    site = Site(new_page(viewport={"width": 390, "height": 844}), page_url)
    site.page.get_by_role("button", name="Words", exact=True).click()
    for _ in range(len(site.words)):
        site.page.locator("#words .token-remove").first.click()
    site.press("segment")
    refusal = site.page.locator("#words-group #refusal")
    expect(refusal).to_contain_text("at least two", timeout=PATIENCE)
    expect(refusal).to_be_in_viewport()


def test_the_time_of_an_upload_is_the_whole_wait(site: Site, toy: PageBackbone) -> None:
    toy.pause = 0.05  # a window; words are proposed from the same eight
    site.upload_and_wait(halves(mark=next(marks)))
    toy.pause = 0
    expect(site.status).to_contain_text("8 windows")
    expect(site.status).not_to_contain_text("photo from cache")
    seconds = site.status.locator("b").nth(1).text_content() or ""
    assert float(seconds.removesuffix(" s")) >= 8 * 0.05
