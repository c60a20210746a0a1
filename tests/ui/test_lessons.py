"""The lessons: what they claim against what was measured, views, and what builds them."""

from __future__ import annotations

import base64
import dataclasses
import itertools
import json
from collections import Counter
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image

from glaclip import Segmenter, load_backbone
from glaclip.backbones.base import BackboneError
from glaclip.backbones.lite.backbone import ATTENTION
from glaclip.pictures.palette import class_colors, hex_of
from glaclip.settings import ATTENTION_PRESETS, RUNG_NAMES, WindowSettings
from glaclip.ui.examples import PRECOMPUTED, find
from glaclip.ui.form import CONTROLS, RANGES, Form
from glaclip.ui.lessons import (
    alone,
    anchors,
    answers,
    bias,
    context,
    keys,
    limits,
    switches,
    windows,
)
from glaclip.ui.lessons import build as lessons_build
from glaclip.ui.lessons.build import (
    LESSONS,
    book_value,
    build_lessons,
    load_document,
    told,
    views,
)
from glaclip.ui.lessons.card import CARD, averages, held_out
from glaclip.ui.lessons.lab import Lab, pack
from glaclip.ui.lessons.lesson import Facts, Part, View, change
from glaclip.ui.tabs.order import TABS
from glaclip.windows import Box
from tests.toy import ColorBackbone, side_by_side

PICTURES = PRECOMPUTED / "lessons"


@pytest.fixture(scope="module")
def document() -> dict:
    document = load_document()
    assert document is not None, "assets/precomputed/lessons.json is missing or out of date"
    return document


@pytest.fixture(scope="module")
def lab() -> Lab:
    try:
        return Lab(Segmenter(load_backbone("lite", dtype=torch.float32)))
    except BackboneError as error:
        pytest.skip(str(error))


def test_a_change_says_what_the_numbers_do() -> None:
    assert change(0.5, 0.25) == "falls from 50 % to 25 %"
    assert change(0.25, 0.5) == "rises from 25 % to 50 %"
    assert change(0.251, 0.252) == "stays at 25 %"


def test_lessons_are_of_readable_length(document: dict) -> None:
    assert len({lesson.slug for lesson in LESSONS}) == len(LESSONS)
    for lesson in LESSONS:
        assert all(np.isfinite(f) for f in facts_of(document, lesson.slug) if str(f) != f)
        count = len(" ".join(told(document, lesson)).split())
        assert 90 <= count <= 180, (lesson.slug, count)


# ---------------------------------------------------------------------- claims


def facts_of(document: dict, slug: str) -> Any:
    return document["lessons"][slug]["facts"].values()


def unpacked(packed: dict) -> np.ndarray:
    steps = np.frombuffer(base64.b64decode(packed["data"]), "<u2").astype(float)
    return packed["low"] + steps * (packed["high"] - packed["low"]) / 65535


def labels_of(name: str) -> np.ndarray:
    with Image.open(PICTURES / name.removeprefix("file:")) as image:
        return np.asarray(image)


def half_of(a: np.ndarray) -> int:
    """Tokens with half of the attention, by the formula, from scores that were adjusted."""
    weights = np.where(a < min(0.0, a.max() - 1e-6), 0, np.exp(a - a.max()))
    shares = np.sort(weights)[::-1] / weights.sum()
    return int(np.searchsorted(np.cumsum(shares), 0.5) + 1)


def spot_half(figure: dict, spot: int, scale: float) -> int:
    chosen = figure["spots"][spot]
    scores, w = unpacked(chosen["scores"]), 1 + scale / chosen["set_size"]
    return half_of(w * (scores - figure["u"] * max(scores.mean(), 0)))


def fixed_half(figure: dict, spot: int) -> int:
    rule, scores = figure["fixed"], unpacked(figure["spots"][spot]["scores"])
    return half_of(rule["gamma"] * (scores - rule["beta"] * rule["mean"]))


#: Words of a lesson, and when its own figure and facts allow them. Of the claims of one group
#: exactly those whose condition holds are said, so both ways of each sentence are tried.
CLAIMS: list[tuple[str, str, Callable[[SimpleNamespace, dict], bool]]] = [
    ("windows", "Most places lie in more", lambda n, f: covered_twice(f) > 0.5),
    ("windows", "Some places lie in more", lambda n, f: covered_twice(f) <= 0.5),
    ("answers", "Alone, they contradict each other", lambda n, f: len(said(f, "off")) > 1),
    ("answers", "all of them say the same", lambda n, f: len(said(f, "off")) == 1),
    ("answers", "switches on, they agree", lambda n, f: len(said(f, "on")) == 1),
    ("answers", "switches on, they still differ", lambda n, f: len(said(f, "on")) > 1),
    ("bias", "still prefers those of its own", lambda n, f: own(f) > even(f)),
    ("bias", "no more from its own than", lambda n, f: own(f) <= even(f)),
    ("bias", "This is window bias", lambda n, f: n.other_window < n.same_window),
    ("bias", "no less alike", lambda n, f: n.other_window >= n.same_window),
    (
        "normalization",
        "keeps the sharper attention",
        lambda n, f: spot_half(f, 0, f["scale"]) < spot_half(f, 1, f["scale"]),
    ),
    (
        "normalization",
        "the wider attention of the two",
        lambda n, f: spot_half(f, 0, f["scale"]) >= spot_half(f, 1, f["scale"]),
    ),
    ("normalization", "rule subtracts too much", lambda n, f: n.collapsed > 0),
    ("normalization", "In none of the", lambda n, f: n.collapsed == 0),
    (
        "normalization",
        "beside the fixed rule half of its attention widens",
        lambda n, f: fixed_half(f, 0) < n.small_half or fixed_half(f, 1) < n.large_half,
    ),
    ("needed", "blending is enough", lambda n, f: n.seams_blended <= n.seams_on),
    ("needed", "attention leaves fewer", lambda n, f: n.seams_blended > n.seams_on),
    ("keys", "keys of different windows can be compared", lambda n, f: n.common < n.random / 2),
    ("keys", "windows hardly agree", lambda n, f: n.common >= n.random / 2),
    ("alone", "they do not replace it", lambda n, f: f["differ"]["on"][1] < n.without),
    ("alone", "they do as well without it", lambda n, f: f["differ"]["on"][1] >= n.without),
]


def covered_twice(figure: dict) -> float:
    covered = np.zeros(figure["working_size"], int)
    for top, left, bottom, right in figure["boxes"]:
        covered[top:bottom, left:right] += 1
    return float((covered > 1).mean())


def said(figure: dict, method: str) -> set[int]:
    """Answers at the starred place, from the figure's picture of every window's labels."""
    strip, (x, y) = labels_of(figure["answers"][method]), figure["place"]
    side = strip.shape[1]
    return {
        int(
            strip[
                k * side + (y - top) * side // (bottom - top), (x - left) * side // (right - left)
            ]
        )
        for k, (top, left, bottom, right) in enumerate(figure["boxes"])
        if top <= y < bottom and left <= x < right
    }


def own(figure: dict) -> float:
    return float(np.mean([photo["own"]["context"] for photo in figure["photos"]]))


def even(figure: dict) -> float:
    return float(np.mean([photo["even"]["context"] for photo in figure["photos"]]))


@pytest.mark.parametrize(("slug", "words", "holds"), CLAIMS)
def test_what_a_lesson_claims_is_what_was_measured(
    document: dict, slug: str, words: str, holds: Callable
) -> None:
    lesson = next(lesson for lesson in LESSONS if lesson.slug == slug)
    measured = document["lessons"][slug]
    text = " ".join(told(document, lesson))
    assert (words in text) == holds(Facts(**measured["facts"]), measured["figure"])


@pytest.mark.parametrize(
    ("slug", "facts", "words"),
    [
        ("windows", {"shared": 0.2}, "Some places lie in more"),
        ("answers", {"kinds_off": 1, "kinds_on": 2}, "they still differ"),
        ("bias", {"context": 0.1, "even": 0.2}, "no more from its own than"),
        ("bias", {"same_window": 0.7, "other_window": 0.8}, "no less alike"),
        ("normalization", {"small_half": 9, "large_half": 5}, "the wider attention of the two"),
        ("normalization", {"collapsed": 0}, "In none of the"),
        ("keys", {"common": 0.2, "random": 0.3}, "windows hardly agree"),
        ("keys", {"common": 0.1, "random": 0.3}, "can be compared"),
        ("alone", {"without": 0.1, "on": 0.2}, "they do as well without it"),
        ("seams", {"off": 0.1, "on": 0.2}, "it rises from 10"),
        ("limits", {"worst": 0.4, "gained": 14}, "In 14 of"),
        ("limits", {"worst": 0.4}, "mIoU is 0.4 points higher"),
        ("limits", {"worst": -2.5}, "mIoU is 2.5 points lower"),
        ("limits", {"area": 0.2, "left": 0.2}, "takes none of that back"),
        ("limits", {"doubted": 2, "more": 3}, "marks 2 of the 3"),
        ("limits", {"area": 0.2, "left": 0.1}, "leaves it 10"),
        ("normalization", {"large_half": 20, "large_half_fixed": 5}, "widens from 5 to 20 tokens"),
        ("normalization", {"small_half": 1, "small_half_fixed": 5}, "narrows from 5 to 1 token."),
        ("needed", {"seams_blended": 0.01, "seams_on": 0.02}, "blending is enough"),
        ("needed", {"seams_blended": 0.02, "seams_on": 0.01}, "attention leaves fewer of them"),
        ("needed", {"seams_blended": -0.001}, "to about 0;"),
        ("switches", {"apart_1": 0.9, "apart_0": 0.1}, "context buys"),
    ],
)
def test_other_numbers_bring_other_words(
    document: dict, slug: str, facts: dict, words: str
) -> None:
    lesson = next(lesson for lesson in LESSONS if lesson.slug == slug)
    measured = document["lessons"][slug]["facts"]
    assert words in " ".join(lesson.text(Facts(**{**measured, **facts})))


def test_the_scale_narrows_attention_where_the_lesson_says_so(document: dict) -> None:
    part = document["lessons"]["normalization"]
    figure, facts = part["figure"], part["facts"]
    for spot, kind in enumerate(("small", "large")):
        # Scores travel as 16-bit steps, which may move the middle by a token.
        for scale, fact in ((figure["scale"], "half"), (0, "half_plain")):
            assert spot_half(figure, spot, scale) == pytest.approx(
                facts[f"{kind}_{fact}"], rel=0.02, abs=1
            )
        assert fixed_half(figure, spot) == pytest.approx(
            facts[f"{kind}_half_fixed"], rel=0.02, abs=1
        )
    # The slider changes what it is there to show.
    assert spot_half(figure, 0, figure["scale"]) < spot_half(figure, 0, 0)
    assert facts["small_set"] < facts["large_set"]
    assert facts["small_w"] > facts["large_w"]


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: lesson.slug)
def test_a_figures_sliders_hold_the_settings_they_show(document: dict, lesson: Any) -> None:
    figure = document["lessons"][lesson.slug]["figure"]
    for field, slider in figure.get("sliders", {}).items():
        default = getattr(ATTENTION, field)
        assert figure[field] == default
        assert slider["min"] <= default <= slider["max"]
        assert slider["max"] >= 2 * default, "one has room to both sides of the default"
        steps = (default - slider["min"]) / slider["step"]
        assert steps == round(steps), "a key press and another lead back to the default"


def test_the_pages_sliders_hold_every_backbones_defaults() -> None:
    for settings in (ATTENTION, *ATTENTION_PRESETS.values(), WindowSettings()):
        for field, value in dataclasses.asdict(settings).items():
            low, high, _ = RANGES.get(field, (value, value, 0))
            assert low <= value <= high, field


def test_a_tab_is_called_as_its_lesson() -> None:
    for lesson in LESSONS:
        assert lesson.short.lower().rstrip("?") in lesson.title.lower(), lesson.slug


def test_what_a_switch_buys_follows_from_its_figures() -> None:
    before, better = (0.1, 0.05, 0.4), (0.05, 0.04, 0.5)
    assert switches.bought(before, better) == "buys agreement, clean edges and mIoU"
    assert switches.bought(better, before) == (
        "buys nothing here and costs agreement, clean edges and mIoU"
    )
    mixed = switches.bought(before, (0.05, 0.05001, 0.3))
    assert mixed == "buys agreement and costs mIoU"
    # Less than a whole percent is a difference; the text says tenths.
    slight = switches.bought((0.1, 0.05, 0.563), (0.1, 0.05, 0.558))
    assert slight == "buys nothing here and costs mIoU"
    assert switches.points(0.5575) in ("55.7 %", "55.8 %")


def test_the_averages_are_those_of_the_cards_tests(document: dict) -> None:
    facts = document["lessons"]["switches"]["facts"]
    found = averages()
    for at, rung in enumerate(RUNG_NAMES):
        kept = [facts[f"{kind}_{at}"] for kind in ("miou", "ber", "apart")]
        assert kept == pytest.approx(found[rung], abs=1e-5), "run `python -m glaclip.ui.precompute`"
    # By hand, from the card's lines.
    lines = CARD.read_text(encoding="utf-8").splitlines()
    on = [line.split("|")[4] for line in lines if "| on | 0." in line]
    assert len(on) == len(held_out())
    assert found["on"][0] == pytest.approx(np.mean([float(cell) for cell in on]))


def test_blending_changes_no_windows_answer(document: dict) -> None:
    cells = document["lessons"]["needed"]["figure"]["cells"]
    plain, blended, attention, both = (row[3] for row in cells)
    assert plain == blended
    assert attention == both


def test_windows_color_a_place_alike_where_colors_are_common(document: dict) -> None:
    part = document["lessons"]["keys"]
    figure, facts = part["figure"], part["facts"]
    rows, columns = figure["key_grid"]
    apart = {}
    for way, name in figure["colors"].items():
        colors = labels_of(name).astype(float).reshape(-1, rows, columns, 3)
        found = []
        for a, b in itertools.combinations(range(len(figure["boxes"])), 2):
            (top, left, _, right), other = figure["boxes"][a], figure["boxes"][b]
            if other[0] != top or not left < other[1] < right:
                continue  # of one row, and overlapping
            step = (right - left) / columns
            shift = round((other[1] - left) / step)  # to the nearest token
            found.append(np.abs(colors[a][:, shift:] - colors[b][:, : columns - shift]).mean())
        apart[way] = np.mean(found) / 255
    assert apart["common"] < apart["alone"] / 2
    assert facts["common"] < facts["alone"]
    assert (facts["alone"] - apart["alone"], facts["common"] - apart["common"]) == pytest.approx(
        (0, 0), abs=0.1
    )  # the facts are of all photos


def test_colors_apart_are_distances_of_what_two_windows_hold() -> None:
    encoded = Segmenter(ColorBackbone()).encode(side_by_side((448, 224)), WindowSettings(224))
    assert [box.left for box in encoded.boxes] == [0, 112, 224]
    colors = np.zeros((3, 14, 14, 3), np.uint8)
    assert keys.colors_apart(colors, encoded) == 0
    colors[1] = 51  # of each pair of windows that share places, one
    assert keys.colors_apart(colors, encoded) == pytest.approx(0.2)
    colors[2] = 102
    assert keys.colors_apart(colors, encoded) == pytest.approx(0.2)
    colors[:, :, :7], colors[:, :, 7:] = 0, 255
    assert keys.colors_at_random(colors) == pytest.approx(0.5, abs=0.1)


def test_the_seam_rates_are_those_of_the_shown_labels(document: dict) -> None:
    part = document["lessons"]["seams"]
    figure, facts = part["figure"], part["facts"]
    for side, fact in (("alone", "off"), ("gla", "on")):
        labels = labels_of(figure["labels"][side]).astype(int)
        rates = []
        for lines in (figure["edges"], figure["control"]):
            pairs = [labels[at - 1] != labels[at] for at in lines["rows"]]
            pairs += [labels[:, at - 1] != labels[:, at] for at in lines["columns"]]
            rates.append(np.concatenate(pairs).mean())
        assert rates[0] - rates[1] == pytest.approx(facts[fact], abs=1e-5)


def test_the_sets_are_the_tokens_above_the_threshold(document: dict) -> None:
    part = document["lessons"]["anchors"]
    for spot in part["figure"]["spots"]:
        for step, size in enumerate(spot["sizes"]):
            above = (unpacked(spot["cosines"][step]) > part["figure"]["rho"]).sum()
            assert above == pytest.approx(size, rel=0.02, abs=2)
    first = part["figure"]["spots"][0]
    assert (part["facts"]["first"], part["facts"]["last"]) == (
        first["sizes"][0],
        first["sizes"][-1],
    )


def test_the_cut_is_in_the_labels_without_context_alone(document: dict) -> None:
    part = document["lessons"]["alone"]
    cut = part["figure"]["cut"]
    span = slice(cut["start"], cut["start"] + cut["length"])
    word = part["figure"]["classes"].index(part["facts"]["word"])
    for name, straight in (("without", True), ("on", False)):
        labels = labels_of(part["figure"]["labels"][name])
        labels = labels if cut["axis"] == "rows" else labels.T
        before, after = labels[cut["at"] - 1, span], labels[cut["at"], span]
        assert (before != after).all() if straight else (before == word).all(), name
    side = part["figure"]["working_size"][0 if cut["axis"] == "columns" else 1]
    assert part["facts"]["cut"] == pytest.approx(cut["length"] / side, abs=1e-5)


# ---------------------------------------------------------------------- views and files


def test_views_open_what_exists(document: dict) -> None:
    opened = views(document)
    assert set(opened) == {lesson.slug for lesson in LESSONS}
    for slug, view in opened.items():
        example = find(view.example)
        assert example is not None, slug
        photo = example.photo()
        assert 0 <= view.point[0] < photo.width
        assert 0 <= view.point[1] < photo.height
        assert view.tab in {tab.id for tab in TABS}
        assert set(view.changes) <= set(CONTROLS)
        form = Form(words=("sky", "tree")).changed(view.changes)
        form.request()


def test_the_value_embeds_every_picture_once(document: dict) -> None:
    value = book_value()
    assert value is not None
    text = json.dumps(value)
    assert "file:" not in text
    assert set(value["pictures"]) == {p.name for p in (PRECOMPUTED / "lessons").iterdir()}
    assert all(uri.startswith("data:image/") for uri in value["pictures"].values())
    assert len(text) < 1_500_000


def test_without_shipped_numbers_there_is_no_value(tmp_path) -> None:
    assert book_value(tmp_path) is None
    (tmp_path / "lessons.json").write_text('{"lessons": {}}', encoding="utf-8")
    assert book_value(tmp_path) is None


def test_numbers_of_older_texts_are_not_shown(tmp_path, document: dict) -> None:
    older = json.loads(json.dumps(document))
    older["lessons"]["seams"]["facts"].pop("off")
    (tmp_path / "lessons.json").write_text(json.dumps(older), encoding="utf-8")
    assert load_document(tmp_path) is None


def test_build_writes_what_the_page_reads(tmp_path, monkeypatch, document: dict) -> None:
    view = View("china", {"words": ("sky", "sea")}, (1, 2), "compare")

    def part(slug: str) -> Part:
        facts = document["lessons"][slug]["facts"] | {"off": 0.123456789}
        return Part(facts, {"photo": "file:a.png"}, view, {"a.png": b"x"})

    parts = {lesson.slug: part(lesson.slug) for lesson in LESSONS}
    monkeypatch.setattr(lessons_build, "measure_all", lambda _: parts)
    (tmp_path / "lessons").mkdir()
    (tmp_path / "lessons" / "old.png").write_bytes(b"")
    build_lessons(Segmenter(ColorBackbone()), tmp_path)
    assert [file.name for file in (tmp_path / "lessons").iterdir()] == ["a.png"]
    value = book_value(tmp_path)
    assert value is not None
    assert value["lessons"][0]["figure"]["photo"] == "a.png"
    assert list(value["pictures"]) == ["a.png"]
    written = load_document(tmp_path)
    assert written is not None
    assert views(written)["seams"] == view
    assert written["lessons"]["seams"]["facts"]["off"] == 0.123457


# ---------------------------------------------------------------------- measuring


def test_where_attention_loses_is_what_the_card_says(document: dict) -> None:
    sets = {one.name: one for one in held_out()}
    card = CARD.read_text(encoding="utf-8")
    for name, one in sets.items():
        sign = "+" if one.gain > 0 else ""
        assert f"| {sign}{one.gain:.1f} ± {one.error:.1f} |" in card
        assert card.count(f"| {name} |") == 2  # its recalls, and what it gains
    facts = document["lessons"]["limits"]["facts"]
    assert {name: facts[name] for name in limits.on_photos_not_seen()} == (
        limits.on_photos_not_seen()
    ), "run `python -m glaclip.ui.precompute`"
    assert facts["worst"] == min(one.gain for one in sets.values())


def test_mean_shift_is_the_methods() -> None:
    torch.manual_seed(0)
    keys = F.normalize(torch.randn(40, 6), dim=1)
    queries, sets = anchors.mean_shift(keys, 3, 0.4, 2)
    first = keys @ keys[3] > 0.4
    assert torch.equal(sets[1], first)
    torch.testing.assert_close(queries[1], F.normalize(keys[first].mean(0), dim=0))
    assert torch.equal(sets[2], keys @ queries[1] > 0.4)
    alone = anchors.mean_shift(keys, 3, 1.0, 2)[1]
    assert alone.sum(dim=1).tolist() == [1, 1, 1]


def test_dragged_windows_hold_the_place_and_say_what_windows_there_say(lab: Lab) -> None:
    encoded = lab.encoded("china")
    x, y = 300, 40
    boxes = answers.windows_around(x, y, encoded)
    assert len(set(boxes)) == len(boxes) > 20
    assert all(b.left <= x < b.right and b.top <= y < b.bottom for b in boxes)
    assert all(b.right <= encoded.size[1] and b.bottom <= encoded.size[0] for b in boxes)
    # A window of the usual places gives the usual answer.
    result = lab.segment("china", "off")
    moved = lab.segmenter.segment(
        lab.cut("china", encoded.boxes[2:3]), result.vocabulary, lab.settings("off")
    )
    # Not to the last pixel: bfloat16 rounds by batch.
    assert (moved.window_labels(0) == result.window_labels(2)).mean() > 0.99


def test_a_patch_in_the_frame_may_be_another_windows(lab: Lab) -> None:
    encoded, tokens = lab.encoded("china"), lab.keys("china").shape[1]
    outside = anchors.beyond(encoded, 0).reshape(-1, tokens)
    assert not outside[0].any()
    assert 0.2 < outside[1].float().mean() < 0.8


def test_packed_numbers_come_back() -> None:
    values = np.array([-1.0, 0.0, 0.7, 1.0])
    assert np.allclose(unpacked(pack(values, -1.0, 1.0)), values, atol=2e-5)


def test_votes_on_a_place_are_those_of_the_windows_that_hold_it(lab: Lab) -> None:
    result = lab.segment("meadow", "off")
    windows = result.encoded.boxes
    y, x = np.argwhere(result.contradictions() == result.contradictions().max())[0]
    said = answers.answers_at(result, x, y)
    assert len(said) == sum(b.left <= x < b.right and b.top <= y < b.bottom for b in windows)
    assert len(said) - Counter(said).most_common(1)[0][1] == result.contradictions()[y, x] > 0
    assert answers.votes([1, 2, 1], ("a", "b", "c")) == "2 × b, 1 × c"


def test_the_contested_place_is_amid_the_disagreement() -> None:
    alone_given = np.zeros((60, 80), np.uint8)
    alone_given[20:50, 30:70] = 1
    x, y = answers.contested(alone_given, np.zeros_like(alone_given))
    assert 40 <= x <= 60
    assert 30 <= y <= 40


def test_the_longest_run() -> None:
    assert alone.longest_run(np.array([0, 1, 1, 0, 1, 1, 1], bool)) == (4, 3)
    assert alone.longest_run(np.zeros(4, bool)) == (0, 0)


def test_neighbors_of_another_window_are_compared_at_the_same_place() -> None:
    # Keys that turn with the place alone: who encoded them makes no difference.
    boxes, grid = (Box(0, 0, 80, 80), Box(0, 40, 80, 120)), (4, 4)
    angles = torch.tensor([[b.left + 20 * c for c in range(4)] * 4 for b in boxes]) / 200
    keys = torch.stack([angles.cos(), angles.sin()], dim=2)
    same, other = bias.neighbor_cosines(keys, boxes, grid)
    assert same == pytest.approx(other, abs=1e-6)
    assert same == pytest.approx(float(np.cos(0.1)), abs=1e-6)
    keys[1] = torch.tensor([0.0, 1.0])
    assert bias.neighbor_cosines(keys, boxes, grid)[1] < same


def test_colors_are_the_pages(document: dict) -> None:
    figure = document["lessons"]["seams"]["figure"]
    assert figure["colors"] == list(hex_of(class_colors(figure["classes"])))


@pytest.mark.parametrize("lesson", [windows, context, anchors], ids=lambda m: m.LESSON.slug)
def test_shipped_numbers_are_the_models(document: dict, lab: Lab, lesson: Any) -> None:
    if document["fingerprint"] != lab.segmenter.backbone.fingerprint:
        pytest.fail("the lessons were built with other weights: rebuild the shipped results")
    # Averages over all photos take a minute, and have tests of their own.
    lab.average_disagreement = lambda method: 0.0  # type: ignore[method-assign]
    part = lesson.measure(lab)
    shipped = document["lessons"][lesson.LESSON.slug]
    for name, fact in part.facts.items():
        if isinstance(fact, str):
            assert shipped["facts"][name] == fact
        elif name not in ("alone", "together", "before", "after"):
            # Sets are counted at a threshold, where rounding may move a token or two.
            assert shipped["facts"][name] == pytest.approx(fact, rel=0.03, abs=2e-3), name
    assert View.of(shipped["view"]) == part.view
