"""Window geometry against hand-made tables and its invariants."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from glaclip.segmenter.seams import control_lines, interior_edges
from glaclip.settings import SettingsError, WindowSettings
from glaclip.windows import Box, boxes, crops, own_window, starts, stitch, window_grid, working_size


@pytest.mark.parametrize(
    ("length", "expected"),
    [
        (224, [0]),
        (225, [0, 1]),
        (336, [0, 112]),
        (337, [0, 112, 113]),
        (448, [0, 112, 224]),
        (504, [0, 112, 224, 280]),
    ],
)
def test_starts(length: int, expected: list[int]) -> None:
    assert starts(length, 224, 112) == expected
    assert len(expected) == math.ceil((length - 224) / 112) + 1


@pytest.mark.parametrize(
    ("photo", "expected"),
    [
        ((480, 640), (336, 448)),
        ((640, 480), (448, 336)),
        ((100, 100), (336, 336)),  # small photos are enlarged
        ((1000, 6500), (315, 2048)),  # the long side's limit
        ((100, 1600), (224, 2048)),  # a side below the window is stretched to it
        ((1600, 100), (2048, 224)),
        ((336, 336), (336, 336)),
    ],
)
def test_working_size(photo: tuple[int, int], expected: tuple[int, int]) -> None:
    assert working_size(*photo, WindowSettings()) == expected


def test_boxes_row_by_row() -> None:
    assert boxes((336, 340), WindowSettings()) == (
        Box(0, 0, 224, 224),
        Box(0, 112, 224, 336),
        Box(0, 116, 224, 340),
        Box(112, 0, 336, 224),
        Box(112, 112, 336, 336),
        Box(112, 116, 336, 340),
    )
    assert window_grid((336, 340), WindowSettings()) == (2, 3)


@given(
    height=st.integers(1, 3000),
    width=st.integers(1, 3000),
    crop=st.sampled_from([32, 64, 224]),
    share=st.floats(0.25, 1),
)
@settings(max_examples=80, deadline=None)
def test_windows_cover_everything_and_stay_inside(
    height: int, width: int, crop: int, share: float
) -> None:
    options = WindowSettings(short_side=crop + 40, crop=crop, stride=max(16, int(crop * share)))
    size = working_size(height, width, options)
    covered = torch.zeros(size, dtype=torch.bool)
    windows = boxes(size, options)
    for b in windows:
        assert b.bottom - b.top == b.right - b.left == crop
        assert b.top >= 0
        assert b.bottom <= size[0]
        assert b.left >= 0
        assert b.right <= size[1]
        covered[b.top : b.bottom, b.left : b.right] = True
    assert covered.all()
    rows, columns = window_grid(size, options)
    assert rows * columns == len(windows)


def test_crops_cut_what_the_boxes_say() -> None:
    pixels = torch.rand(3, 336, 448)
    windows = boxes((336, 448), WindowSettings())
    cut = crops(pixels, windows)
    assert cut.shape == (6, 3, 224, 224)
    assert torch.equal(cut[4], pixels[:, 112:336, 112:336])


def test_stitching_full_size_maps_returns_the_picture() -> None:
    picture = torch.rand(2, 336, 340)
    windows = boxes((336, 340), WindowSettings())
    torch.testing.assert_close(stitch(crops(picture, windows), windows, (336, 340)), picture)


def test_stitching_averages_overlaps_and_resizes_bilinearly() -> None:
    windows = boxes((224, 336), WindowSettings(short_side=224))
    maps = torch.rand(2, 3, 14, 14)
    canvas = stitch(maps, windows, (224, 336))
    full = F.interpolate(maps, size=(224, 224), mode="bilinear", align_corners=False)
    torch.testing.assert_close(canvas[:, :, :112], full[0][:, :, :112])
    middle = (full[0][:, :, 112:] + full[1][:, :, :112]) / 2
    torch.testing.assert_close(canvas[:, :, 112:224], middle)


def test_edges_at_the_photos_scale() -> None:
    windows = boxes((336, 448), WindowSettings())
    edges = interior_edges(windows, (336, 448), (672, 896))
    assert edges.rows == (224, 448)
    assert edges.columns == (224, 448, 672)
    lines = control_lines(windows, (336, 448), (672, 896), 112)
    assert lines.rows == (112, 336, 560)
    assert lines.columns == (112, 336, 560, 784)


def test_one_window_has_no_edges() -> None:
    windows = boxes((224, 224), WindowSettings(short_side=224))
    assert interior_edges(windows, (224, 224), (500, 500)) == ((), ())
    assert control_lines(windows, (224, 224), (500, 500), 112) == ((), ())


def test_control_lines_keep_away_from_edges() -> None:
    size = (336, 504)  # the last window starts at 280, half a stride after 224
    windows = boxes(size, WindowSettings())
    edges = interior_edges(windows, size, size)
    lines = control_lines(windows, size, size, 112)
    assert lines.columns
    assert all(abs(line - edge) >= 14 for line in lines.columns for edge in edges.columns)


def test_own_window_is_the_most_central_one() -> None:
    windows = boxes((336, 448), WindowSettings())
    assert own_window((5, 5), windows) == 0
    assert own_window((224, 112), windows) == 1
    assert own_window((447, 335), windows) == 5
    with pytest.raises(ValueError, match="outside every window"):
        own_window((448, 0), windows)


@pytest.mark.parametrize(
    ("field", "value"),
    [("crop", 20), ("short_side", 200), ("stride", 0), ("stride", 300), ("crop", 224.0)],
)
def test_settings_name_field_range_and_received(field: str, value: object) -> None:
    with pytest.raises(SettingsError, match=rf"{field} must be a whole number from .* received"):
        WindowSettings(**{field: value})  # type: ignore[arg-type]
