"""The shipped label maps: they fit their photos and are what their outlines draw."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from glaclip.pictures.palette import BACKGROUND, palette
from training.data.draw_ground_truth import FOLDER, IGNORE, borders, draw, inside, near

PHOTOS = Path(__file__).resolve().parents[2] / "assets" / "photos"
INDEX = json.loads((FOLDER / "index.json").read_text(encoding="utf-8"))
OUTLINES = json.loads((FOLDER / "polygons.json").read_text(encoding="utf-8"))
maps = pytest.mark.parametrize("entry", INDEX, ids=lambda entry: entry["photo"])


def classes_of(entry):
    return [name.strip() for name in entry["classes"].split(",")]


def test_index_lists_every_outlined_photo_with_its_words():
    words = {p["file"]: p["vocabulary"] for p in json.loads((PHOTOS / "examples.json").read_text())}
    assert [entry["photo"] for entry in INDEX] == list(OUTLINES)
    for entry in INDEX:
        assert entry["classes"] == words[entry["photo"]]
        assert classes_of(entry) == OUTLINES[entry["photo"]]["classes"]
        assert entry["ignore"] == IGNORE


@maps
def test_map_fits_its_photo(entry):
    with Image.open(FOLDER / entry["map"]) as image, Image.open(PHOTOS / entry["photo"]) as photo:
        assert image.mode == "P"
        assert image.size == photo.size
        labels = np.asarray(image)
        colors = np.array(image.getpalette("RGB")).reshape(-1, 3)
    count = len(classes_of(entry))
    assert set(np.unique(labels)) == {*range(count), IGNORE}
    assert np.mean(labels == IGNORE) < 0.15
    np.testing.assert_array_equal(colors[:count], palette(count))
    assert tuple(colors[IGNORE]) == BACKGROUND


@maps
def test_map_is_what_the_outlines_draw(entry):
    with Image.open(FOLDER / entry["map"]) as image:
        labels = np.asarray(image)
    np.testing.assert_array_equal(labels, draw(OUTLINES[entry["photo"]]))


def test_files_are_small():
    assert sum(path.stat().st_size for path in FOLDER.iterdir()) < 150_000


def test_inside_counts_pixel_centers():
    mask = inside([[1, 1], [4, 1], [4, 3], [1, 3]], 4, 5)
    expected = np.zeros((4, 5), dtype=bool)
    expected[1:3, 1:4] = True
    np.testing.assert_array_equal(mask, expected)
    triangle = inside([[0, 0], [4, 0], [0, 4]], 4, 4)
    assert triangle.sum() == 6 or triangle.sum() == 10  # centers on the slope go one way
    assert triangle[0, 0]
    assert not triangle[3, 3]


def test_near_is_a_line_of_that_width():
    mask = near([[0, 2], [6, 2]], 2, 5, 6)
    assert mask[1:3].all()
    assert not mask[[0, 3, 4]].any()


def test_borders_are_four_pixels_wide():
    labels = np.zeros((3, 10), dtype=np.uint8)
    labels[:, 5:] = 1
    np.testing.assert_array_equal(np.flatnonzero(borders(labels)[1]), [3, 4, 5, 6])


def test_later_shapes_cover_earlier_ones():
    square = [[0, 0], [4, 0], [4, 4], [0, 4]]
    photo = {
        "size": [4, 4],
        "classes": ["a", "b"],
        "shapes": [
            {"class": "a", "points": square},
            {"class": "b", "points": [[2, 0], [4, 0], [4, 4], [2, 4]]},
            {"class": "unsure", "line": 1, "points": [[0, 0.5], [4, 0.5]]},
        ],
    }
    labels = draw(photo, band=False)
    assert (labels[0] == IGNORE).all()
    np.testing.assert_array_equal(labels[1], [0, 0, 1, 1])
