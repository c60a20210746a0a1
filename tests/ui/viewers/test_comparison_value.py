from __future__ import annotations

import base64
import io
import json

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from glaclip.pictures.palette import BACKGROUND
from glaclip.segmenter.seams import Edges
from glaclip.ui.viewers.comparison_value import (
    Side,
    ViewerValue,
    packed_labels,
    seam_runs,
    viewer_value,
)
from glaclip.ui.viewers.shown_photo import shown_photo, shown_size
from glaclip.windows import Box

SIZE = (40, 60)


def noise(count: int, size: tuple[int, int] = SIZE, seed: int = 0) -> NDArray[np.int16]:
    return np.random.default_rng(seed).integers(0, count, size).astype(np.int16)


def picture(size: tuple[int, int] = SIZE) -> Image.Image:
    return Image.new("RGB", (size[1], size[0]), (90, 120, 150))


def opened(uri: str) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(uri.split(",", 1)[1])))


def build(count: int = 3, **options: object) -> ViewerValue:
    return viewer_value(
        picture(),
        Side(noise(count), "Left", "one", 0.1, 0.2, noise(5, (12, 18)).astype(np.uint8)),
        Side(noise(count, seed=1), "Right"),
        classes=[f"class {i}" for i in range(count)],
        **options,  # type: ignore[arg-type]
    )


def test_words_that_are_probably_not_there_are_marked_but_never_the_background() -> None:
    classes = build(presence=[0.9, 0.01, 0.01], background=2)["classes"]
    assert [entry.get("absent", False) for entry in classes] == [False, True, False]
    assert not any("absent" in entry for entry in build()["classes"])


@pytest.mark.parametrize("count", [3, 256, 257, 513])
def test_labels_survive_the_png(count: int) -> None:
    labels = noise(count)
    wide = count > 256
    channels = np.asarray(Image.open(io.BytesIO(packed_labels(labels, wide))))
    read = channels[..., 0] + 256 * channels[..., 1].astype(int) if wide else channels
    assert np.array_equal(read, labels)


def test_value_is_json_and_complete() -> None:
    value = json.loads(json.dumps(build(point=(12.7, 39.9))))
    assert value["photo_size"] == value["size"] == list(SIZE)
    assert value["point"] == [12, 39]
    assert [side["title"] for side in value["sides"]] == ["Left", "Right"]
    assert [side["seam_rate"] for side in value["sides"]] == [0.1, None]
    assert [side["disagreement"] for side in value["sides"]] == [0.2, None]
    assert np.array_equal(
        np.asarray(opened(value["sides"][0]["contradictions"])), noise(5, (12, 18))
    )
    assert value["sides"][1]["contradictions"] == ""
    assert opened(value["photo"]).size == (SIZE[1], SIZE[0])
    assert np.array_equal(np.asarray(opened(value["sides"][0]["labels"])), noise(3))


def test_areas_and_changed_are_those_of_the_photo() -> None:
    left, right = noise(3), noise(3, seed=1)
    value = build(picture=shown_photo(picture(), 20))
    assert value["size"] == [13, 20]
    assert value["changed"] == pytest.approx(np.mean(left != right))
    for side, labels in zip(value["sides"], (left, right), strict=True):
        expected = np.bincount(labels.ravel(), minlength=3) / labels.size
        assert side["areas"] == pytest.approx(expected, abs=1e-6)


def test_one_side() -> None:
    value = viewer_value(picture(), Side(noise(2), "Only"), classes=("a", "b"))
    assert len(value["sides"]) == 1
    assert value["changed"] is None
    assert value["point"] is None


def test_background_is_gray() -> None:
    colors = [entry["color"] for entry in build(background=1)["classes"]]
    assert colors[1] == "#" + bytes(BACKGROUND).hex()
    assert len(set(colors)) == 3


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ((480, 640), (480, 640)),
        ((2000, 4000), (640, 1280)),
        ((4000, 2000), (1280, 640)),
        ((100, 1600), (80, 1280)),
        ((1, 5000), (1, 1280)),
    ],
)
def test_shown_size(size: tuple[int, int], expected: tuple[int, int]) -> None:
    assert shown_size(size) == expected


def test_seams_are_the_facing_pairs_that_differ() -> None:
    labels = noise(2)
    edges = Edges(rows=(13, 27), columns=(20, 40))
    runs = seam_runs(labels, edges, SIZE)
    drawn = {
        "rows": {(y, x) for y, start, stop in runs["rows"] for x in range(start, stop)},
        "columns": {(x, y) for x, start, stop in runs["columns"] for y in range(start, stop)},
    }
    assert drawn["rows"] == {
        (y, x) for y in edges.rows for x in range(SIZE[1]) if labels[y - 1, x] != labels[y, x]
    }
    assert drawn["columns"] == {
        (x, y) for x in edges.columns for y in range(SIZE[0]) if labels[y, x - 1] != labels[y, x]
    }


def test_seams_when_the_photo_is_shown_smaller() -> None:
    labels = np.zeros(SIZE, dtype=np.int16)
    labels[20:, 30:33] = 1  # three pixels jump across the edge between rows 19 and 20
    runs = seam_runs(labels, Edges(rows=(20,), columns=()), (10, 15))
    assert runs == {"rows": [(5.0, 7, 9)], "columns": []}


def test_edges_come_from_the_windows() -> None:
    windows = (Box(0, 0, 20, 20), Box(0, 10, 20, 30))
    value = build(windows=windows, working_size=(20, 30))
    assert value["edges"] == {"rows": [], "columns": [20.0, 40.0]}
    assert all(run[0] in (20.0, 40.0) for run in value["sides"][0]["seams"]["columns"])


@pytest.mark.parametrize("point", [(-3.0, 2.0), (500.0, 2.0)])
def test_point_stays_inside(point: tuple[float, float]) -> None:
    x, y = build(point=point)["point"] or []
    assert 0 <= x < SIZE[1]
    assert y == 2


def test_labels_are_checked() -> None:
    with pytest.raises(ValueError, match="like the photo"):
        viewer_value(picture(), Side(noise(2, (5, 5)), ""), classes=("a", "b"))
    with pytest.raises(ValueError, match="received 0 to 4"):
        viewer_value(picture(), Side(noise(5), ""), classes=("a", "b"))
