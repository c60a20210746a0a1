"""The left column and the comparison: what a person changes and what is shown then."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from playwright.sync_api import expect

from glaclip.backbones.clip.baselines import BASELINES
from glaclip.segmenter.method import baseline_title
from glaclip.ui.examples import examples
from glaclip.vocabulary import load_preset
from tests.browser.site import (
    LADDER,
    PATIENCE,
    SWITCHES,
    PageBackbone,
    Site,
    box_of,
    halves,
    requests_of,
)

if TYPE_CHECKING:
    from playwright.sync_api import Page

marks = itertools.count(1)


def test_first_screen_is_alive_before_anything_is_computed(
    page: Page, page_url: str, toy: PageBackbone
) -> None:
    first, encoded, texts = examples()[0], toy.encoded_windows, len(toy.encoded_texts)
    site = Site(page, page_url)
    assert toy.encoded_windows == encoded
    assert site.titles == ["Each window alone", "GLA-CLIP"]
    assert site.words == [word.strip() for word in first.vocabulary.split(",")]
    assert set(site.legend) <= {word.split(";")[0] for word in site.words}
    expect(site.status).to_contain_text(first.look)
    expect(site.status).to_contain_text("Computed beforehand")
    expect(site.readout).to_contain_text(f"Point {first.point[0]}, {first.point[1]}")
    assert site.name_at("right", 0.5, 0.02) == "sky"
    assert site.switched_off == []
    assert site.rung == LADDER[-1]
    assert toy.encoded_windows == encoded
    assert len(toy.encoded_texts) == texts


def test_example_shows_its_shipped_result(site: Site, toy: PageBackbone) -> None:
    encoded = toy.encoded_windows
    for example in (examples()[4], examples()[1]):
        with site.next_turn():
            site.choose_example(example.name)
        expect(site.status).to_contain_text(example.look)
        expect(site.page.locator("#words .token")).to_have_count(len(example.vocabulary.split(",")))
        assert ", ".join(site.words) == example.vocabulary
        assert set(site.legend) <= {word.split(";")[0] for word in site.words}
        site.wait_for_query(photo=example.name)
        pressed = site.page.locator("#examples button[aria-pressed=true]")
        assert pressed.get_attribute("data-name") == example.name
    site.page.wait_for_timeout(700)  # a run would have begun by now
    assert toy.encoded_windows == encoded
    expect(site.status).to_contain_text("Computed beforehand")


def test_example_brings_the_switches_back(site: Site) -> None:
    with site.next_turn():
        site.page.get_by_label("Alone", exact=True).check()
    with site.next_turn():
        site.choose_example("horses")
    expect(site.page.locator("#proxy-anchors input")).to_be_checked()
    assert site.switched_off == []
    assert site.rung == LADDER[-1]
    assert site.titles == ["Each window alone", "GLA-CLIP"]


def test_upload_runs_by_itself(site: Site, toy: PageBackbone) -> None:
    encoded = toy.encoded_windows
    site.upload_and_wait(halves(mark=next(marks)))
    assert toy.encoded_windows == encoded + 8  # 448 x 224 in windows of 112
    expect(site.status).to_contain_text("8 windows, 2 × 4")
    expect(site.status).to_contain_text("Colors")
    site.set_words("red, blue")
    for side in ("left", "right"):
        assert site.name_at(side, 0.25, 0.5) == "red"
        assert site.name_at(side, 0.75, 0.5) == "blue"
    assert sorted(site.legend) == ["blue", "red"]
    assert site.query["photo"] == "own"
    expect(site.readout).to_have_text("")


def test_a_typed_word_becomes_a_tag_and_runs(two_colors: Site, toy: PageBackbone) -> None:
    site, encoded = two_colors, toy.encoded_windows
    site.type_word("crimson; dark red")
    site.wait_for_query(words="red, blue, crimson; dark red")
    assert site.words == ["red", "blue", "crimson; dark red"]
    assert toy.encoded_windows == encoded
    # The field left without Enter counts too.
    site.page.locator("#words input").click()
    site.page.keyboard.type("green")
    site.page.keyboard.press("Tab")
    site.wait_for_query(words="red, blue, crimson; dark red, green")


def test_a_pasted_list_is_split(two_colors: Site) -> None:
    site = two_colors
    site.page.locator("#words input").click()
    site.page.keyboard.insert_text("sky, tree; oak,water, ")
    site.page.keyboard.press("Enter")
    site.wait_for_query(words="red, blue, sky, tree; oak, water")
    assert site.words == ["red", "blue", "sky", "tree; oak", "water"]


def test_removed_tags_are_gone_from_the_result(two_colors: Site) -> None:
    site = two_colors
    site.type_word("green")
    site.wait_for_query(words="red, blue, green")
    site.page.locator("#words .token", has_text="blue").locator(".token-remove").click()
    site.wait_for_query(words="red, green")
    assert "blue" not in site.legend
    # One word alone is chosen against the background, which switches itself on and says so.
    site.page.locator("#words input").click()
    site.page.keyboard.press("Backspace")
    expect(site.status).to_contain_text("One word alone", timeout=PATIENCE)
    expect(site.page.locator("#background input")).to_be_checked()
    site.wait_for_query(words="red", background="1")
    # Clearing the list on the way to other words is no mistake.
    site.page.keyboard.press("Backspace")
    site.page.wait_for_timeout(700)
    expect(site.status.locator(".problem")).to_have_count(0)
    site.type_word("green")
    site.wait_for_query(words="green")
    expect(site.status).to_contain_text("windows")


def test_preset_sets_words_and_background(two_colors: Site) -> None:
    site, preset = two_colors, load_preset("voc21")
    site.choose("preset", preset.title)
    expect(site.page.locator("#words .token")).to_have_count(
        len(preset.vocabulary.classes) - 1, timeout=PATIENCE
    )
    expect(site.page.locator("#background input")).to_be_checked()
    site.wait_for_query(background="1")
    assert site.query["words"].startswith(preset.vocabulary.classes[1].name)
    site.choose("preset", load_preset("voc20").title)
    expect(site.page.locator("#background input")).not_to_be_checked()
    site.wait_for_query(background=None)
    expect(site.page.locator("#words .token")).to_have_count(20)


def test_background_takes_what_no_word_fits(two_colors: Site) -> None:
    site = two_colors
    site.set_words("red, green")
    assert "background" not in site.legend
    site.open("Background settings")
    words = site.page.locator("#background-words textarea, #background-words input").first
    words.fill("blue")
    words.press("Enter")
    with site.next_turn():
        site.page.locator("#background input").check()
    site.wait_for_query(background="1", background_words="blue")
    assert "background" in site.legend
    assert site.name_at("right", 0.75, 0.5) == "background"
    assert site.name_at("right", 0.25, 0.5) == "red"


def test_switches_run_again_without_encoding(two_colors: Site, toy: PageBackbone) -> None:
    site, encoded = two_colors, toy.encoded_windows
    for off, switch in enumerate(SWITCHES, start=1):
        with site.next_turn():
            site.page.locator(f"#{switch} input").uncheck()
        site.wait_for_query(**{switch.replace("-", "_"): "0"})
        assert site.switched_off == list(SWITCHES[:off])
    assert site.titles[1] == "Each window alone"
    expect(site.page.locator("#ladder input").first).to_be_checked()
    expect(site.status).to_contain_text("photo from cache")
    assert toy.encoded_windows == encoded


def questions_of(site: Site, act: Callable[[], object]) -> int:
    """How often the page asks the server for an event, with what a result brings about after it."""
    with requests_of(site.page) as asked:
        act()
        site.page.wait_for_timeout(700)
    return sum(bool(re.search(r"/queue/join|/run/predict", url)) for url in asked)


def test_a_press_asks_the_server_once(two_colors: Site) -> None:
    site = two_colors

    def switched() -> None:
        with site.next_turn():
            site.page.locator(f"#{SWITCHES[-1]} input").uncheck()

    def worded() -> None:
        site.type_word("green")
        site.wait_for_query(words="red, blue, green")

    assert questions_of(site, switched) == 1
    assert questions_of(site, worded) == 1


def test_a_page_without_a_link_opens_without_a_question(page: Page, page_url: str) -> None:
    with requests_of(page) as asked:
        Site(page, page_url, "?__theme=light")
        page.wait_for_timeout(700)
    assert asked
    assert not [url for url in asked if "/queue/join" in url]


def test_ladder_and_switches_never_disagree(two_colors: Site) -> None:
    site = two_colors
    for index in (0, 1, 2, 3, 0):
        with site.next_turn():
            site.page.locator("#ladder input").nth(index).check()
        assert site.switched_off == list(SWITCHES[index:])
        assert site.rung == LADDER[index]
    with site.next_turn():
        site.page.locator("#proxy-anchors input").check()  # between two rungs
    assert site.switched_off == [name for name in SWITCHES if name != "proxy-anchors"]
    assert site.rung is None
    assert site.titles[1] == "With anchors"
    with site.next_turn():
        site.page.locator("#cross-window input").check()
    assert site.rung == "+ Anchors"


def test_fast_changes_leave_ladder_and_switches_in_step(two_colors: Site) -> None:
    site = two_colors
    rungs = site.page.locator("#ladder input")
    for index in (0, 3, 1):
        rungs.nth(index).check()
    last = site.page.locator("#dynamic-normalization input")
    expect(last).not_to_be_checked()
    last.check()
    site.wait_for_query(dynamic_normalization=None, proxy_anchors="0", cross_window=None)
    site.page.wait_for_timeout(500)
    assert site.switched_off == ["proxy-anchors"]
    assert site.rung is None


def test_second_run_says_that_it_came_from_the_cache(two_colors: Site) -> None:
    site = two_colors
    site.type_word("a word of this test alone")
    site.wait_for_query(words="red, blue, a word of this test alone")
    expect(site.status).not_to_contain_text("words from cache")
    site.press("segment")
    expect(site.status).to_contain_text("words from cache", timeout=PATIENCE)
    expect(site.status).to_contain_text("photo from cache")
    expect(site.status).to_contain_text("attention from cache")
    # That is for those who ask.
    expect(site.status.get_by_text("attention from cache")).to_be_hidden()
    site.status.get_by_text("How computed").click()
    expect(site.status.get_by_text("attention from cache")).to_be_visible()


def test_a_newer_run_ends_the_older_one(two_colors: Site, toy: PageBackbone) -> None:
    site = two_colors
    encoded, before = toy.encoded_windows, site.turn
    site.upload_and_hold(halves("red", "green", mark=next(marks)), toy)
    toy.waiting.clear()
    # The older run is in the model; two changes follow.
    site.page.locator("#cross-window input").uncheck()
    site.page.locator("#proxy-anchors input").uncheck()
    expect(site.page.locator("#proxy-anchors input")).not_to_be_checked()
    site.page.wait_for_timeout(1500)
    toy.gate.set()
    site.wait_for_query(cross_window="0", proxy_anchors="0")
    assert site.titles[1] == "With normalization"
    assert site.turn == str(int(before) + 1), "results of ended runs must not be shown"
    # The first run stopped after the window it was in; the last one encoded all eight.
    assert toy.encoded_windows - encoded < 16
    expect(site.status).to_contain_text("8 windows")


def test_stop_keeps_the_photo_that_was_brought(two_colors: Site, toy: PageBackbone) -> None:
    site = two_colors
    encoded, before = toy.encoded_windows, site.turn
    site.upload_and_hold(halves("green", "red", mark=next(marks)), toy)
    # The new photo is there, plain, and stays: it is what Segment and a click are about.
    expect(site.page.locator(".lv-wait")).to_be_visible()
    site.press("stop")
    expect(site.status).to_contain_text("Stopped", timeout=PATIENCE)
    toy.gate.set()
    site.page.wait_for_timeout(1000)
    expect(site.status).to_contain_text("Segment starts it again")
    expect(site.page.locator(".lv-wait")).to_be_hidden()
    assert site.turn == before
    expect(site.page.locator(".lv[data-plain]")).to_be_visible()
    centre = """document.querySelector('.lv-frame[data-side="right"] .lv-picture').getContext('2d')
        .getImageData(100, 100, 1, 1).data.slice(0, 3).join()"""
    assert site.page.evaluate(centre) == "0,128,0"
    site.wait_for_query(photo="own")
    assert toy.encoded_windows - encoded == 1
    # And the page still works.
    site.press("segment")
    site.wait_for_turn(before)
    assert toy.encoded_windows - encoded == 9


def test_progress_does_not_hide_the_viewer(two_colors: Site, toy: PageBackbone) -> None:
    site = two_colors
    site.upload_and_hold(halves("green", "blue", mark=next(marks)), toy)
    state = site.page.locator("#run-state")
    expect(state).to_contain_text(re.compile(r"Encoding windows - \d+"), timeout=PATIENCE)
    expect(state).to_contain_text("%")
    box = box_of(site.page.locator('.lv-frame[data-side="right"]'))
    at = [box["x"] + box["width"] / 2, box["y"] + box["height"] / 2]
    inside = "([x, y]) => Boolean(document.elementFromPoint(x, y)?.closest('.lv-frame'))"
    assert site.page.evaluate(inside, at)
    with site.next_turn():
        toy.gate.set()


def test_expensive_changes_wait_for_the_button(site: Site, toy: PageBackbone) -> None:
    toy.pause = 0.2
    site.upload_and_wait(halves(mark=next(marks)))
    toy.pause = 0
    encoded, before = toy.encoded_windows, site.turn
    site.open("Advanced")
    stride = site.type_number("stride", "32")
    expect(site.status).to_contain_text("60 windows take about", timeout=PATIENCE)
    expect(site.status).to_contain_text("press Segment")
    site.tab("Windows")
    films = site.page.locator("#films")
    expect(films).to_contain_text("60 windows take about", timeout=PATIENCE)
    assert toy.encoded_windows == encoded
    assert site.turn == before
    toy.gate.clear()
    site.press("segment")
    expect(site.status).not_to_contain_text("press Segment")  # while it runs
    assert site.turn == before
    toy.gate.set()
    site.wait_for_turn(before)
    expect(site.status).to_contain_text("60 windows, 5 × 12")
    assert toy.encoded_windows == encoded + 60
    expect(films.locator(".film")).to_have_count(60, timeout=PATIENCE)
    # Now that they are encoded, little is left to compute for a switch.
    with site.next_turn():
        site.page.locator("#cross-window input").uncheck()
    assert site.titles[1] == "With anchors and normalization"
    assert toy.encoded_windows == encoded + 60
    with site.next_turn():
        site.press("reset")
    assert stride.input_value() == "112"


def test_a_window_larger_than_the_photo_is_refused_in_a_sentence(two_colors: Site) -> None:
    site = two_colors
    before = site.titles, site.legend
    site.open("Advanced")
    crop = site.type_number("crop", "448")
    expect(site.status).to_contain_text("Short side must be", timeout=PATIENCE)
    crop.fill("112")
    stride = site.page.locator("#stride input[type=number]")
    stride.fill("160")
    stride.press("Enter")
    refused = "Stride must be a whole number from 16 to 112, the side of a window; received 160"
    expect(site.status).to_have_text(refused)
    assert (site.titles, site.legend) == before


def test_another_backbone_brings_its_settings_and_each_baseline_can_be_the_left_side(
    two_colors: Site,
) -> None:
    site = two_colors
    site.open("Advanced")
    site.choose("backbone", "Second")
    expect(site.status.locator(".badge")).to_have_text("Second", timeout=PATIENCE)
    assert site.page.locator("#crop input[type=number]").input_value() == "224"
    site.wait_for_query(backbone="second", crop="224")
    for name in (*BASELINES, "newcomer"):
        label = baseline_title(name)
        assert (label == name) == (name == "newcomer"), "a title for all but the newcomer"
        with site.next_turn():
            site.choose("baseline", label)
        assert site.titles[0] == label
        site.wait_for_query(baseline=name)


def test_keyboard_only(page: Page, page_url: str) -> None:
    site = Site(page, page_url)

    def focused() -> str:
        return str(
            page.evaluate("document.activeElement.closest('[id]:not(input):not(textarea)')?.id")
        )

    def tab_to(wanted: str, limit: int = 60) -> None:
        for _ in range(limit):
            page.keyboard.press("Tab")
            inside = page.evaluate(
                "id => Boolean(document.activeElement.closest('#' + id))", wanted
            )
            tag = page.evaluate("document.activeElement.tagName")
            if inside and tag in ("INPUT", "BUTTON"):
                return
        raise AssertionError(f"{wanted} is not reached; the focus is in {focused()}")

    tab_to("words")
    page.keyboard.type("a word of the keyboard")
    page.keyboard.press("Enter")
    site.wait_for_query(words=f"{examples()[0].vocabulary}, a word of the keyboard")
    expect(site.status).not_to_contain_text("words from cache")
    tab_to("segment")
    page.keyboard.press("Enter")
    expect(site.status).to_contain_text("words from cache", timeout=PATIENCE)


def test_the_tab_key_passes_without_covering_the_page(site: Site) -> None:
    page = site.page
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#tab-compare")).to_be_focused()
    assert page.evaluate("window.scrollY") == 0
    page.keyboard.press("Tab")
    expect(page.locator(".lv-mode").first).to_be_focused()
    # Passing by a list does not open it; asking for it does.
    choices = page.locator("ul[role=listbox]:visible")
    page.locator("#suggest-words").focus()
    page.keyboard.press("Tab")
    expect(page.locator("#preset input")).to_be_focused()
    page.wait_for_timeout(200)
    expect(choices).to_have_count(0)
    page.keyboard.press("ArrowDown")
    expect(choices).to_have_count(1)


def test_controls_have_names_pictures_have_words_and_switches_have_help(site: Site) -> None:
    page = site.page
    for word in site.words:
        expect(page.get_by_role("button", name=f"Remove {word}", exact=True)).to_have_count(1)
    for switch in SWITCHES:
        expect(page.locator(f"#{switch} input")).to_have_accessible_description(re.compile("..+"))
    for side in ("left", "right"):
        picture = page.locator(f'.lv-frame[data-side="{side}"] .lv-top')
        expect(picture).to_have_accessible_name(re.compile("segmented photo"))
    for photo in page.locator("#examples button").all():
        expect(photo).to_have_accessible_name(re.compile("..+"))
        expect(photo).to_have_accessible_description(re.compile("..+"))


def test_without_a_camera_one_sentence_says_so_until_the_next_press(site: Site) -> None:
    site.page.evaluate(
        "() => { navigator.mediaDevices.getUserMedia = () => Promise.reject(new Error()); }"
    )
    site.page.get_by_role("button", name="Camera", exact=True).click()
    note = site.page.locator("#photo-note")
    expect(note).to_have_text("No camera can be used here.")
    expect(site.page.locator("#camera")).to_be_hidden()
    box, column = box_of(note), box_of(site.page.locator("#photo-group"))
    assert box["height"] < 24, "one line"
    assert column["x"] <= box["x"]
    assert box["x"] + box["width"] <= column["x"] + column["width"]
    site.page.locator("#masthead").click()
    expect(note).to_be_empty()


def test_a_photo_dropped_on_a_picture_is_taken(site: Site) -> None:
    before = site.turn
    frame = site.page.locator('.lv-frame[data-side="right"]')
    frame.evaluate("""async (node) => {
        const canvas = new OffscreenCanvas(336, 224);
        canvas.getContext('2d').fillRect(0, 0, 224, 224);
        const bag = new DataTransfer();
        bag.items.add(new File([await canvas.convertToBlob()], 'own.png', {type: 'image/png'}));
        const dropped = {dataTransfer: bag, bubbles: true, cancelable: true};
        node.dispatchEvent(new DragEvent('dragover', dropped));
        node.dispatchEvent(new DragEvent('drop', dropped));
    }""")
    site.wait_for_turn(before)
    expect(site.status).to_contain_text("6 windows, 2 × 3", timeout=PATIENCE)
