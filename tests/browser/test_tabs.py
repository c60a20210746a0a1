"""The tabs beside the comparison, links and the download."""

from __future__ import annotations

import io
import itertools
import json
import re
import zipfile
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect

from glaclip.ui.examples import examples, find
from tests.browser.site import LADDER, PATIENCE, PageBackbone, Site, file_of, halves

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

marks = itertools.count(5001)
SIZE = (448, 224)


@pytest.fixture
def pointed(two_colors: Site) -> Site:
    """A point in the red half."""
    two_colors.click_picture("right", 0.25, 0.5)
    expect(two_colors.readout).to_contain_text("Point", timeout=PATIENCE)
    return two_colors


def point_of(site: Site) -> list[int]:
    text = site.page.locator(".av-photo").get_attribute("data-point") or ""
    return [int(part) for part in text.split(",")]


def label_map(*values: int) -> Image.Image:
    """Vertical stripes of class numbers."""
    columns = np.arange(SIZE[0]) * len(values) // SIZE[0]
    labels = np.array(values, np.uint8)[columns]
    return Image.fromarray(np.tile(labels, (SIZE[1], 1)))


# ---------------------------------------------------------------------- a point


def test_click_reads_five_best_classes(two_colors: Site) -> None:
    site = two_colors
    site.set_words("red, blue, green, crimson, sky, tree")
    site.click_picture("left", 0.75, 0.5)
    expect(site.readout).to_contain_text(re.compile(r"Point 33[5-7], 11[1-3]"), timeout=PATIENCE)
    expect(site.readout.locator("th")).to_have_text(["Each window alone", "GLA-CLIP"])
    for cell in site.readout.locator("td").all():
        assert cell.locator(".word").count() == 5
        assert cell.locator(".word").first.text_content() == "blue"
    point = re.search(r"Point (\d+), (\d+)", site.readout.text_content() or "")
    assert point
    site.wait_for_query(point=f"{point[1]},{point[2]}")
    assert site.page.locator(".lv").get_attribute("data-point") == f"{point[1]},{point[2]}"


def test_attention_has_four_panels_and_a_ring(pointed: Site) -> None:
    site = pointed
    site.tab("Attention")
    expect(site.page.locator('.av[data-ready="true"]')).to_be_visible(timeout=PATIENCE)
    panels = site.page.locator(".av-panel")
    expect(site.page.locator(".av-panel-title")).to_have_text(list(LADDER))
    masses = [float(panel.get_attribute("data-own-mass") or -1) for panel in panels.all()]
    assert masses[0] == pytest.approx(1)
    assert masses[1] < 0.6
    expect(panels.first).to_contain_text("100 % in the own window")
    for panel in panels.all():
        expect(panel).to_contain_text("of the tokens")
    expect(site.page.locator(".av-sentence")).to_contain_text("tokens are similar to this patch")
    # The ring: its yellow is nowhere else in this photo; the patch in it stays in sight.
    x, y = point_of(site)
    script = """([x, y]) => {
        const photo = document.querySelector('.av-photo');
        const at = [(x + 0.5) * photo.width / 448, (y + 0.5) * photo.height / 224].map(Math.round);
        const radius = Math.max(9, photo.width / 48), context = photo.getContext('2d');
        return [0, radius].map((away) => Array.from(
            context.getImageData(Math.round(at[0] + away), at[1], 1, 1).data));
    }"""
    middle, ring = site.page.evaluate(script, [x, y])
    assert ring == [255, 214, 10, 255]
    assert middle != ring


def test_a_chosen_panel_is_drawn_on_the_photo(pointed: Site) -> None:
    site = pointed
    site.tab("Attention")
    expect(site.page.locator('.av[data-ready="true"]')).to_be_visible(timeout=PATIENCE)
    drawn = "document.querySelector('.av-photo').toDataURL()"
    last = site.page.evaluate(drawn)
    site.page.locator(".av-panel").first.click()
    assert site.page.locator(".av-panel[aria-pressed=true]").count() == 1
    first = site.page.evaluate(drawn)
    assert first != last
    site.page.locator(".av-heat-box").uncheck()
    assert site.page.evaluate(drawn) not in (first, last)
    site.page.locator(".av-heat-box").check()
    assert site.page.evaluate(drawn) == first


def test_arrow_keys_move_the_query(pointed: Site, toy: PageBackbone) -> None:
    site, encoded = pointed, toy.encoded_windows
    site.tab("Attention")
    expect(site.page.locator('.av[data-ready="true"]')).to_be_visible(timeout=PATIENCE)
    x, y = point_of(site)
    site.page.locator(".av-photo").focus()
    for _ in range(3):
        site.page.keyboard.press("ArrowRight")
    site.page.keyboard.press("ArrowDown")
    # Patches of 16 pixels, as the photo is not resized.
    expect(site.page.locator(".av-photo")).to_have_attribute(
        "data-point", f"{x + 48},{y + 16}", timeout=PATIENCE
    )
    expect(site.page.locator("#point-x input")).to_have_value(str(x + 48))
    expect(site.page.locator("#point-y input")).to_have_value(str(y + 16))
    site.wait_for_query(point=f"{x + 48},{y + 16}")
    expect(site.page.locator(".av-read")).to_contain_text(f"Point {x + 48}, {y + 16}")
    assert toy.encoded_windows == encoded
    site.tab("Compare")
    expect(site.readout).to_contain_text(f"Point {x + 48}, {y + 16}")


def test_number_fields_move_the_query(pointed: Site) -> None:
    site = pointed
    site.tab("Attention")
    field = site.page.locator("#point-x input")
    field.fill("400")
    field.press("Enter")
    y = point_of(site)[1]
    expect(site.page.locator(".av-photo")).to_have_attribute(
        "data-point", f"400,{y}", timeout=PATIENCE
    )
    site.wait_for_query(point=f"400,{y}")
    # Outside the photo: moved to its edge, and the field says so.
    field.fill("99999")
    field.press("Tab")
    expect(site.page.locator(".av-photo")).to_have_attribute(
        "data-point", f"447,{y}", timeout=PATIENCE
    )
    expect(field).to_have_value("447")


def test_the_star_in_compare_follows_the_number_fields(pointed: Site) -> None:
    site = pointed
    site.tab("Attention")
    site.page.locator("#point-y input").fill("20")
    site.page.locator("#point-y input").press("Enter")
    expect(site.page.locator(".av-photo")).to_have_attribute(
        "data-point", re.compile(",20$"), timeout=PATIENCE
    )
    site.tab("Compare")
    with site.next_turn():
        site.press("segment")
    expect(site.page.locator(".lv")).to_have_attribute("data-point", re.compile(",20$"))


# ---------------------------------------------------------------------- windows


def test_windows_one_by_one(pointed: Site, toy: PageBackbone) -> None:
    site, encoded = pointed, toy.encoded_windows
    site.tab("Windows")
    cards = site.page.locator("#films .film")
    expect(cards).to_have_count(8, timeout=PATIENCE)
    assert site.page.locator("#films .film.own").count() == 1
    assert cards.first.locator("figcaption").all_text_contents() == [
        "Photo",
        "Each window alone",
        "GLA-CLIP",
        "Attention",
    ]
    own = site.page.locator("#films .film.own h2").text_content() or ""
    number = re.match(r"Window (\d+)", own)
    assert number
    captions = site.page.locator("#patches figcaption")
    expect(captions).to_have_count(12)
    site.page.locator("#exclude-own input").check()
    expect(site.page.locator("#patches")).to_contain_text("own window left out", timeout=PATIENCE)
    assert captions.count() > 0
    assert not [
        text for text in captions.all_text_contents() if text.endswith(f"window {number[1]}")
    ]
    site.page.locator("#rung").get_by_label("Alone", exact=True).check()
    expect(site.page.locator("#patches")).to_contain_text("No patch outside", timeout=PATIENCE)
    assert toy.encoded_windows == encoded


def test_windows_follow_the_controls_while_they_are_shown(two_colors: Site) -> None:
    site = two_colors
    site.tab("Windows")
    films = site.page.locator("#films .film")
    expect(films).to_have_count(8, timeout=PATIENCE)
    expect(site.page.locator("#patches")).to_contain_text("Choose a point in Compare first")
    site.press("compute-charts")
    expect(site.page.locator("#set-sizes img:visible")).to_be_visible(timeout=PATIENCE)
    pictures = "[...document.querySelectorAll('.film img')].map(image => image.src).join()"
    before = site.page.evaluate(pictures)
    site.set_words("red, green")  # blue is called something else
    site.page.wait_for_function(f"before => {pictures} !== before", arg=before, timeout=PATIENCE)
    expect(site.page.locator("#set-sizes img")).to_have_count(0)
    site.choose_example("room")  # upright: fewer windows
    expect(films).not_to_have_count(8, timeout=PATIENCE)


def test_charts(two_colors: Site) -> None:
    site = two_colors
    site.tab("Windows")
    site.press("compute-charts")
    for name in ("by-distance", "set-sizes"):
        picture = site.page.locator(f"#{name} img:visible")
        expect(picture).to_be_visible(timeout=PATIENCE)
        site.page.wait_for_function(
            "name => document.querySelector(`#${name} img`).naturalWidth > 300", arg=name
        )
    note = site.page.locator("#charts-note")
    expect(note).to_contain_text("Alone 100 %")
    expect(note).to_contain_text("of the visible tokens")


# ---------------------------------------------------------------------- ground truth


def row(table: Locator, name: str) -> list[str]:
    found = table.locator("tr", has=table.page.get_by_role("rowheader", name=name, exact=True))
    expect(found).to_have_count(1, timeout=PATIENCE)
    return found.locator("td").all_text_contents()


def test_truth_is_measured(two_colors: Site, toy: PageBackbone) -> None:
    site, encoded = two_colors, toy.encoded_windows
    site.tab("Ground truth")
    # The words of the page are others: the class list counts here.
    table = site.measure(file_of(label_map(1, 0), "map.png"), "blue, red, green")
    assert row(table, "mIoU") == ["100 %", "100 %"]
    assert row(table, "BER (boundary error rate)") == ["0 %", "0 %"]
    assert row(table, "red") == ["100 %", "100 %"]
    assert table.locator("tr", has_text="green").count() == 0, "not in the ground truth"
    expect(site.page.locator("#truth-shown img")).to_have_count(6)
    # A quarter is wrong: red 2/3, blue 1/2.
    site.measure(file_of(label_map(0, 0, 0, 1), "map.png"), "red, blue")
    expect(table.locator("tr", has_text="mIoU").locator("td")).to_have_text(["58 %", "58 %"])
    assert row(table, "Pixel accuracy") == ["75 %", "75 %"]
    assert toy.encoded_windows == encoded


def test_a_shipped_truth_turns_the_whole_page_to_its_photo(site: Site) -> None:
    site.tab("Ground truth")
    site.page.locator("#shipped-truth").get_by_label("Cup of coffee").check()
    table = site.page.locator("#truth-table")
    assert len(row(table, "mIoU")) == 2
    assert site.words == ["cup", "plate", "spoon", "table"]
    site.wait_for_query(photo="coffee")
    assert site.page.locator('#examples button[aria-pressed="true"]').get_attribute(
        "data-name"
    ) == ("coffee")
    site.tab("Compare")
    assert set(site.legend) <= set(site.words)
    # Another photo: no measures of the earlier one are left.
    site.choose_example("camels")
    site.tab("Ground truth")
    expect(table.locator("table")).to_have_count(0, timeout=PATIENCE)
    expect(site.page.locator("#shipped-truth input:checked")).to_have_count(0)


def jpeg_as_png() -> dict[str, object]:
    return file_of(label_map(0, 1), "map.jpg") | {"name": "map.png"}


WRONG: tuple[tuple[dict[str, object] | None, str, str], ...] = (
    (None, "red, blue", "Choose a label map first"),
    (jpeg_as_png(), "red, blue", "a JPEG file, which changes them"),
    (file_of(label_map(0, 1), "map.png"), "red, blue, red", "must be named once"),
)


def test_wrong_truth_gets_a_sentence(site: Site) -> None:
    site.upload_and_wait(halves(mark=5000))
    site.tab("Ground truth")
    for truth, classes, sentence in WRONG:
        table = site.measure(file_of(label_map(0, 1), "map.png"), "red, blue")
        assert row(table, "mIoU") == ["100 %", "100 %"]
        if truth is None:
            site.page.locator("#label-map").get_by_label("Clear").click()
            expect(site.page.locator("#label-map .file-preview")).to_have_count(0)
        site.measure(truth, classes)
        shown = site.page.locator("#truth-shown [role=alert]")
        expect(shown).to_contain_text(sentence, timeout=PATIENCE)
        assert "/tmp" not in (shown.text_content() or "")
        # What was measured before would look like the answer.
        expect(table.locator("table")).to_have_count(0)
        expect(site.page.locator("#truth-shown img")).to_have_count(0)


def test_the_table_follows_the_switches(two_colors: Site) -> None:
    site = two_colors
    site.tab("Ground truth")
    table = site.measure(file_of(label_map(0, 1), "map.png"), "red, blue")
    expect(table.locator("thead th").last).to_have_text("GLA-CLIP", timeout=PATIENCE)
    site.page.locator("#proxy-anchors input").uncheck()
    title = "With context and normalization"
    expect(table.locator("thead th").last).to_have_text(title, timeout=PATIENCE)
    expect(site.page.locator(".truth-side h2").last).to_have_text(title)
    # Changed elsewhere, it is measured again when it is looked at.
    site.tab("Compare")
    site.page.locator("#proxy-anchors input").check()
    site.wait_for_query(proxy_anchors=None)
    site.tab("Ground truth")
    expect(table.locator("thead th").last).to_have_text("GLA-CLIP", timeout=PATIENCE)


def test_classes_come_from_a_file(two_colors: Site) -> None:
    site = two_colors
    site.tab("Ground truth")
    listed = {
        "name": "classes.txt",
        "mimeType": "text/plain",
        "buffer": b"0 red; crimson\n1 blue\n",
    }
    file = site.page.locator("#classes-file").locator("xpath=..").locator("input[type=file]").first
    file.set_input_files(listed)  # type: ignore[arg-type]
    field = site.page.locator("#truth-classes textarea, #truth-classes input").first
    expect(field).to_have_value("red; crimson, blue", timeout=PATIENCE)


# ---------------------------------------------------------------------- links, download


def test_a_link_reopens_the_view(
    site: Site, new_page: Callable[..., Page], page_url: str, toy: PageBackbone
) -> None:
    with site.next_turn():
        site.choose_example("coffee")
    site.page.locator("#words .token", has_text="plate").locator(".token-remove").click()
    site.wait_for_query(words="cup, spoon, table", photo="coffee")
    site.page.locator("#proxy-anchors input").uncheck()
    site.wait_for_query(proxy_anchors="0")
    site.open("Advanced")
    site.type_number("threshold", "0.45")
    site.wait_for_query(threshold="0.45")
    site.click_picture("left", 0.3, 0.6)
    expect(site.readout).to_contain_text("Point 1", timeout=PATIENCE)
    site.page.wait_for_function(
        "() => !['540,250', null].includes(new URLSearchParams(location.search).get('point'))",
        timeout=PATIENCE,
    )
    point, legend, encoded = site.query["point"], site.legend, toy.encoded_windows

    other = new_page(locale="en-GB")
    query = "?" + site.page.url.partition("?")[2]
    opened = Site(other, page_url, query)
    expect(opened.readout).to_contain_text(f"Point {point.replace(',', ', ')}", timeout=PATIENCE)
    assert opened.words == ["cup", "spoon", "table"]
    assert opened.switched_off == ["proxy-anchors"]
    assert opened.rung is None
    assert opened.legend == legend
    assert opened.titles == site.titles
    assert other.locator(".lv").get_attribute("data-point") == point
    opened.open("Advanced")
    assert other.locator("#threshold input[type=number]").input_value() == "0.45"
    opened.tab("Attention")
    expect(other.locator("#point-x input")).to_have_value(point.split(",")[0])
    assert toy.encoded_windows == encoded
    # A reload of the page it came from shows the same.
    assert opened.query == site.query


def test_a_link_keeps_tab_view_and_lines(site: Site, new_page: Callable[..., Page]) -> None:
    page = site.page
    page.locator('.lv-mode[data-value="changed"]').click()
    page.locator('.lv-toggle[data-value="grid"]').click()
    page.locator('.lv-toggle[data-value="seams"]').click()
    site.tab("Attention")
    page.wait_for_function("() => location.hash.includes('attention')")
    site = Site(new_page(), page.url)
    page = site.page
    selected = page.locator("#tabs [role=tab][aria-selected=true]")
    expect(selected).to_have_text("Attention", timeout=PATIENCE)
    # Its photo is that of Compare, which nobody has looked at yet.
    expect(page.locator('.av[data-ready="true"]')).to_be_visible()
    site.choose_example("camels")
    camels = find("camels")
    assert camels
    point = ",".join(map(str, camels.point))
    expect(page.locator(".av-photo")).to_have_attribute("data-point", point, timeout=PATIENCE)
    site.tab("Compare")
    expect(page.locator(".lv-mode[aria-pressed=true]")).to_have_text("Changed")
    expect(page.locator(".lv-toggle[aria-pressed=true]")).to_have_text(["Window grid", "Seams"])
    page.locator('.lv-mode[data-value="side"]').click()
    for line in ("grid", "seams"):
        page.locator(f'.lv-toggle[data-value="{line}"]').click()
    page.wait_for_function("() => location.hash === ''")


def test_a_link_opens_a_tab_that_a_phone_keeps_in_its_menu(
    new_page: Callable[..., Page], page_url: str
) -> None:
    site = Site(new_page(viewport={"width": 390, "height": 844}), page_url, "#tab=truth")
    expect(site.page.locator("#tab-truth")).to_be_visible(timeout=PATIENCE)
    site.tab("Compare")
    site.page.wait_for_function("() => location.hash === ''")
    site.page.locator("#tabs .overflow-menu button").first.click()
    site.page.locator(".overflow-dropdown button", has_text="Ground truth").click()
    site.page.wait_for_function("() => location.hash === '#tab=truth'")


def test_a_link_can_choose_backbone_and_left_side(
    new_page: Callable[..., Page], page_url: str
) -> None:
    site = Site(new_page(), page_url, "?photo=coffee&backbone=second&baseline=maskclip")
    expect(site.page.locator(".lv-title").first).to_have_text("MaskCLIP", timeout=PATIENCE)
    expect(site.status.locator(".badge")).to_have_text("Second")
    with site.next_turn():
        site.page.locator("#cross-window input").uncheck()
    site.wait_for_query(backbone="second", baseline="maskclip", cross_window="0")


def test_a_link_to_an_example_shows_the_shipped_result(
    new_page: Callable[..., Page], page_url: str, toy: PageBackbone
) -> None:
    encoded = toy.encoded_windows
    example = examples()[-1]
    site = Site(new_page(), page_url, f"?photo={example.name}")
    words = site.page.locator("#words .token")
    expect(words).to_have_text(example.vocabulary.split(", "), timeout=PATIENCE)
    expect(site.status).to_contain_text("Computed beforehand")
    pressed = site.page.locator("#examples button[aria-pressed=true]")
    expect(pressed).to_have_attribute("data-name", example.name)
    assert toy.encoded_windows == encoded


def test_the_copy_button_says_what_it_did(pointed: Site) -> None:
    pointed.press("copy-link")
    expect(pointed.toasts).to_contain_text("The link is in the address bar", timeout=PATIENCE)


@pytest.mark.parametrize(("write", "said"), [("resolve", "on the clipboard"), ("reject", "http")])
def test_in_a_frame_the_copied_link_is_the_frames(
    new_page: Callable[..., Page], page_url: str, write: str, said: str
) -> None:
    """As on a Space, whose page around the frame has an address that knows no views."""
    page = new_page()
    page.goto(f"{page_url}health")
    page.set_content(f'<iframe src="{page_url}" style="width: 1200px; height: 800px"></iframe>')
    frame = page.frame_locator("iframe")
    frame.locator("#viewer .lv[data-ready=true]").wait_for(timeout=PATIENCE)
    written = f"(text) => {{ window.text = text; return Promise.{write}(); }}"
    page.frames[1].evaluate(f"() => {{ navigator.clipboard.writeText = {written}; }}")
    frame.locator("#copy-link").click()
    expect(frame.locator(".toast-wrap")).to_contain_text(said, timeout=PATIENCE)
    expect(frame.locator(".toast-wrap")).not_to_contain_text("address bar")
    assert str(page.frames[1].evaluate("window.text")).startswith(f"{page_url}?")


def test_download_holds_label_maps_with_their_legend(pointed: Site) -> None:
    site = pointed
    with site.page.expect_download(timeout=PATIENCE) as waiting:
        site.press("download")
    download = waiting.value
    assert download.suggested_filename == "gla-clip-photo.zip"
    archive = zipfile.ZipFile(download.path())
    assert archive.testzip() is None
    names = set(archive.namelist())
    assert {"labels_baseline.png", "labels_glaclip.png", "attention.png"} <= names
    assert {"overlay_baseline.png", "overlay_glaclip.png", "comparison.png"} <= names
    photo = Image.open(io.BytesIO(archive.read("photo.png")))
    assert photo.getpixel((100, 100)) == (255, 0, 0)
    assert "words=red%2C+blue" in archive.read("link.txt").decode()
    numbers = np.load(io.BytesIO(archive.read("attention.npz")))
    windows = len(numbers["boxes"])
    assert numbers["weights"].shape[:2] == (4, windows)
    np.testing.assert_allclose(numbers["weights"].sum(axis=(1, 2, 3)), 1, atol=1e-5)
    assert len([name for name in names if name.startswith("windows_glaclip/")]) == windows
    legend = json.loads(archive.read("legend.json"))
    assert [entry["name"] for entry in legend] == ["red", "blue"]
    for side in ("baseline", "glaclip"):
        values = np.asarray(Image.open(io.BytesIO(archive.read(f"labels_{side}.png"))))
        assert values.shape == SIZE[::-1]
        assert (values[100, 100], values[100, 400]) == (0, 1)
        assert legend[1]["area"][side] == pytest.approx(float(np.mean(values == 1)), abs=1e-5)
    settings = json.loads(archive.read("settings.json"))
    assert settings["windows"]["crop"] == 112
    assert settings["point"] == dict(
        zip("xy", map(int, site.query["point"].split(",")), strict=True)
    )
    everything = b"".join(archive.read(name) for name in names if not name.endswith(".png"))
    assert b"/tmp" not in everything
