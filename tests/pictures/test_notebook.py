"""What a notebook shows of a result."""

from __future__ import annotations

import base64
import io
import re

import numpy as np
from PIL import Image

from glaclip.segmenter import Segmentation, Segmenter
from glaclip.vocabulary import parse_vocabulary
from tests.toy import ColorBackbone


def result() -> Segmentation:
    """Three quarters red, one quarter blue."""
    pixels = np.full((240, 320, 3), (230, 0, 0), np.uint8)
    pixels[:, 240:] = (0, 0, 230)
    segmenter = Segmenter(ColorBackbone())
    words = parse_vocabulary("blue, red; crimson, green")
    encoded = segmenter.encode(pixels)
    return segmenter.segment(encoded, words, segmenter.backbone.default_attention.off())


def test_a_notebook_shows_overlay_and_legend() -> None:
    page = result()._repr_html_()
    found = re.search(r'src="data:image/jpeg;base64,([^"]+)"', page)
    assert found
    picture = np.asarray(Image.open(io.BytesIO(base64.b64decode(found[1]))))
    assert picture[100, 20].argmax() == 0
    assert picture[100, -20].argmax() == 2
    assert page.index("red") < page.index("blue")  # the larger first
    assert "green" not in page


def test_a_word_is_no_markup() -> None:
    shown = result()
    words = parse_vocabulary("<b>x</b>, y")
    object.__setattr__(shown, "vocabulary", words)
    object.__setattr__(shown, "labels", np.zeros((240, 320), np.int16))
    assert "<b>" not in shown._repr_html_()


def test_a_result_is_a_line_of_text() -> None:
    shown = result()
    assert re.fullmatch(r"<Segmentation: 320 x 240, red 7\d%, blue 2\d%>", repr(shown))
    assert len(repr(shown.encoded)) < 80
