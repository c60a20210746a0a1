"""Downloads: what is in the archive, and what must never be."""

from __future__ import annotations

import io
import json
import zipfile

import numpy as np
import pytest
from PIL import Image

from glaclip import __version__
from glaclip.pictures.export import citation, result_document, result_files, zip_files
from glaclip.pictures.mosaics import attention_panels
from glaclip.pictures.palette import palette
from glaclip.segmenter import Segmentation, Segmenter
from glaclip.settings import AttentionSettings, WindowSettings
from glaclip.vocabulary import parse_vocabulary
from tests.segmenter.test_segmenter import halves
from tests.toy import ColorBackbone

BACKBONE = ColorBackbone()
PHOTO = Image.fromarray(halves(448, 336))
COLORS = palette(4, 3)


@pytest.fixture(scope="module")
def sides() -> tuple[Segmentation, Segmentation]:
    segmenter = Segmenter(BACKBONE)
    words = parse_vocabulary("red; crimson, größe, blue, blue", background="gray")
    encoded = segmenter.encode(PHOTO)
    left = segmenter.segment(encoded, words, baseline="identity")
    return left, segmenter.segment(encoded, words, AttentionSettings(threshold=0.5))


def test_document(sides: tuple[Segmentation, Segmentation]) -> None:
    document = result_document(*sides, BACKBONE, COLORS, point=(3, 4), encode_seconds=0.5)
    again = json.loads(json.dumps(document, allow_nan=False))
    assert again["program"] == {"name": "glaclip-demo", "version": __version__}
    assert again["backbone"] == {"name": "toy", "title": "Colors"}
    assert again["photo"] == {"width": 448, "height": 336}
    assert again["windows"]["stride"] == 112
    assert again["methods"]["baseline"]["title"] == "No attention (each patch alone)"
    assert again["methods"]["baseline"]["attention"] is None
    assert again["methods"]["glaclip"]["attention"]["threshold"] == 0.5
    red, background = again["classes"][0], again["classes"][3]
    assert red["synonyms"] == ["red", "crimson"]
    assert red["color"] == "#{:02x}{:02x}{:02x}".format(*COLORS[0])
    assert red["area"]["glaclip"] == pytest.approx(sides[1].areas[0], abs=1e-6)
    assert background["background"]
    assert again["background_threshold"] == 0.1
    assert again["notes"] == ["“blue” was given twice; kept once."]
    assert set(again["seam_rate"]) == set(again["disagreement"]) == {"baseline", "glaclip"}
    assert again["seconds"]["encode"] == 0.5
    assert again["point"] == {"x": 3, "y": 4}


def test_one_window_has_no_seam_rate_and_no_disagreement() -> None:
    segmenter = Segmenter(BACKBONE)
    result = segmenter.segment(
        segmenter.encode(halves(200, 200)),
        parse_vocabulary("red, blue"),
    )
    single = segmenter.segment(
        segmenter.encode(halves(224, 224), WindowSettings(short_side=224)),
        parse_vocabulary("red, blue"),
    )
    assert result_document(result, result, BACKBONE, COLORS)["seam_rate"]["glaclip"] is not None
    document = result_document(single, single, BACKBONE, COLORS)
    assert document["seam_rate"] == document["disagreement"] == {"baseline": None, "glaclip": None}
    assert document["point"] is None


def test_archive(sides: tuple[Segmentation, Segmentation]) -> None:
    segmenter = Segmenter(BACKBONE)
    maps = segmenter.attention(segmenter.encode(PHOTO), (20, 30))
    panels = attention_panels(maps, PHOTO, panel=150)
    files = result_files(*sides, BACKBONE, COLORS, PHOTO, opacity=1.0, panels=panels)
    content = zip_files(files)
    archive = zipfile.ZipFile(io.BytesIO(content))
    assert archive.testzip() is None
    assert set(archive.namelist()) == {
        "labels_baseline.png", "labels_glaclip.png", "overlay_baseline.png",
        "overlay_glaclip.png", "comparison.png", "attention.png", "legend.json", "settings.json",
        "CITATION.txt", "README.txt",
    }  # fmt: skip
    labels = Image.open(io.BytesIO(archive.read("labels_glaclip.png")))
    assert np.array_equal(np.asarray(labels), sides[1].labels)
    assert labels.getpalette()[:12] == COLORS.ravel().tolist()
    overlay = Image.open(io.BytesIO(archive.read("overlay_glaclip.png")))
    assert np.array_equal(np.asarray(overlay), COLORS[sides[1].labels])
    assert json.loads(archive.read("legend.json"))[1]["name"] == "größe"
    assert "2603.23030" in archive.read("CITATION.txt").decode()
    assert len(archive.read("README.txt").decode().splitlines()) == 2
    again = result_files(*sides, BACKBONE, COLORS, PHOTO, opacity=1.0, panels=panels)
    assert zip_files(again) == content


def test_without_a_point_there_are_no_panels(sides: tuple[Segmentation, Segmentation]) -> None:
    files = result_files(*sides, BACKBONE, COLORS, PHOTO)
    assert "attention.png" not in files
    assert "classes" not in json.loads(files["settings.json"])


def test_clip_is_cited_when_it_is_used() -> None:
    class Clip(ColorBackbone):
        name = "clip-b16"

    assert "ProxyCLIP" not in citation(BACKBONE)
    assert "ProxyCLIP" in citation(Clip())
    assert "Radford" in citation(Clip())
