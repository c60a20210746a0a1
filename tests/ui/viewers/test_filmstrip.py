from __future__ import annotations

import base64
import dataclasses
import io
import re

import numpy as np
import pytest
from PIL import Image

from glaclip.pictures.placing import working_photo
from glaclip.serving.job import Request
from glaclip.serving.service import Answer, Service
from glaclip.settings import AttentionSettings, WindowSettings
from glaclip.ui.viewers.filmstrip import MAX_WINDOWS, filmstrip, top_patches
from glaclip.vocabulary import parse_vocabulary
from tests.toy import ColorBackbone, side_by_side


def asked(windows: WindowSettings) -> Request:
    return Request(parse_vocabulary("red, blue"), AttentionSettings(), windows)


@pytest.fixture(scope="module")
def service() -> Service:
    return Service(lambda name: ColorBackbone())


@pytest.fixture(scope="module")
def photo() -> Image.Image:
    return side_by_side()


REQUEST = asked(WindowSettings(short_side=96, crop=64, stride=32))


@pytest.fixture(scope="module")
def result(service: Service, photo: Image.Image) -> Answer:
    return service.answer(photo, REQUEST)


def pictures(html: str) -> list[np.ndarray]:
    found = re.findall(r"src='data:image/jpeg;base64,([^']+)'", html)
    return [np.asarray(Image.open(io.BytesIO(base64.b64decode(text)))) for text in found]


def windows_of(html: str) -> list[int]:
    return [int(number) for number in re.findall(r"window (\d+)</figcaption>", html)]


def test_one_card_a_window(service: Service, photo: Image.Image, result: Answer) -> None:
    count = len(result.encoded.boxes)
    html = filmstrip(photo, result, None)
    assert html.count("<article") == count
    assert len(pictures(html)) == 3 * count
    assert "of the attention" not in html
    # The first window's crop is red.
    assert pictures(html)[0].mean(axis=(0, 1)) == pytest.approx([254, 0, 0], abs=6)

    maps = service.attention(photo, (5, 5), REQUEST)
    html = filmstrip(photo, result, maps)
    assert len(pictures(html)) == 4 * count
    assert html.count("film own") == 1
    assert html.count("own window") == 1
    shares = [float(value) for value in re.findall(r"· ([\d.]+) % of the attention", html)]
    assert sum(shares) == pytest.approx(100, abs=count)


def test_too_many_windows_are_refused(service: Service, photo: Image.Image) -> None:
    wide = Image.new("RGB", (640, 160), "red")
    windows = WindowSettings(short_side=160, crop=32, stride=32)
    many = service.answer(wide, asked(windows))
    assert len(many.encoded.boxes) > MAX_WINDOWS
    html = filmstrip(wide, many, None)
    assert "<article" not in html
    assert f"at most {MAX_WINDOWS}" in html


def test_own_window_can_be_left_out(service: Service, photo: Image.Image, result: Answer) -> None:
    maps = service.attention(photo, (5, 5), REQUEST)
    html = top_patches(photo, result, maps, exclude_own=False)
    assert 0 < len(windows_of(html)) <= 12
    without = top_patches(photo, result, maps, exclude_own=True)
    assert windows_of(without)
    assert maps.window + 1 not in windows_of(without)
    assert "own window left out" in without
    # At the first step attention stays in the own window.
    alone = top_patches(photo, result, maps, exclude_own=False, rung=0)
    assert set(windows_of(alone)) == {maps.window + 1}
    nothing = top_patches(photo, result, maps, exclude_own=True, rung=0)
    assert "No patch outside the own window" in nothing


def test_top_patches_are_alike(service: Service, photo: Image.Image, result: Answer) -> None:
    maps = service.attention(photo, (5, 5), REQUEST)
    html = top_patches(photo, result, maps, exclude_own=True)
    shares = [float(value) for value in re.findall(r"<b>(?:< )?([\d.]+) %", html)]
    assert shares == sorted(shares, reverse=True)
    first = pictures(html)[0]
    assert first[..., 0].mean() > first[..., 2].mean()  # a red point looks at red patches


def test_a_collapse_is_said(service: Service, photo: Image.Image, result: Answer) -> None:
    maps = service.attention(photo, (5, 5), REQUEST)
    last = dataclasses.replace(maps.rungs[-1], collapsed=True)
    fallen = dataclasses.replace(maps, rungs=(*maps.rungs[:-1], last))
    assert "the best token alone is kept" in filmstrip(photo, result, fallen)
    assert "the best token alone is kept" in top_patches(photo, result, fallen, exclude_own=False)


def test_working_photo_has_the_windows_size(photo: Image.Image, result: Answer) -> None:
    working = working_photo(photo, result.encoded.size)
    assert working.size == (result.encoded.size[1], result.encoded.size[0])
