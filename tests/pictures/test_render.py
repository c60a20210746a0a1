"""Pictures: what a person would see in them, read back from their pixels."""

from __future__ import annotations

import io

import numpy as np
import pytest
import torch
from matplotlib.figure import Figure
from PIL import Image

from glaclip.evaluation.metrics import attention_summary
from glaclip.pictures import render
from glaclip.pictures.palette import palette
from glaclip.segmenter import AttentionMaps, Segmenter
from glaclip.settings import AttentionSettings
from glaclip.windows import Box
from tests.test_segmenter import halves
from tests.toy import ColorBackbone

COLORS = palette(3)


@pytest.fixture(scope="module")
def maps() -> AttentionMaps:
    segmenter = Segmenter(ColorBackbone())
    return segmenter.attention(segmenter.encode(halves(448, 336)), (440, 300))


def test_overlay_tints_with_the_class_color() -> None:
    photo = Image.fromarray(halves(40, 20))
    labels = np.array([[0, 2]], dtype=np.int16)  # resized to the photo
    assert (np.asarray(render.overlay(photo, labels, COLORS, 1.0))[5, 30] == COLORS[2]).all()
    assert np.array_equal(np.asarray(render.overlay(photo, labels, COLORS, 0.0)), halves(40, 20))
    half = np.asarray(render.overlay(photo, labels, COLORS, 0.5))[3, 3]
    np.testing.assert_allclose(half, (np.array([230, 0, 0]) + COLORS[0]) / 2, atol=1)
    with pytest.raises(ValueError, match=r"opacity must be a number from 0 to 1; received 1\.5"):
        render.overlay(photo, labels, COLORS, 1.5)


@pytest.mark.parametrize("size", [(3, 5), (12, 20), (6, 40), (1, 1)])
def test_labels_are_resized_at_pixel_centers(size: tuple[int, int]) -> None:
    labels = np.arange(60).reshape(6, 10)
    picture = Image.fromarray(labels.astype(np.uint8))
    expected = np.asarray(picture.resize(size[::-1], Image.Resampling.NEAREST))
    assert np.array_equal(render.resize_labels(labels, size), expected)


@pytest.mark.parametrize("classes", [2, 256, 257, 512])
def test_label_png_keeps_indices(classes: int) -> None:
    labels = np.arange(classes, dtype=np.int16).reshape(1, -1).repeat(4, axis=0)
    colors = palette(classes)
    picture = Image.open(io.BytesIO(render.png_bytes(render.label_png(labels, colors))))
    assert picture.mode == ("P" if classes <= 256 else "I;16")
    assert np.array_equal(np.asarray(picture), labels)
    if classes <= 256:
        assert np.array_equal(np.asarray(picture.convert("RGB"))[0], colors)


def has_color(picture: Image.Image, color: np.ndarray) -> bool:
    return bool((np.asarray(picture.convert("RGB")) == color).all(axis=2).any())


def test_legend_shows_what_covers_something() -> None:
    names = ["sky", "a name so long that it cannot possibly fit into the legend " * 3, "tree"]
    everything = render.legend_image(names, COLORS, width=300)
    assert everything.width == 300
    assert all(has_color(everything, color) for color in COLORS)
    some = render.legend_image(names, COLORS, [0.7, 0.0, 0.3], theme="dark")
    assert [has_color(some, color) for color in COLORS] == [True, False, True]
    assert has_color(some, np.array(render.theme_of("dark").paper))
    assert render.legend_image([], COLORS[:0]).height > 0
    many = render.legend_image([f"class {i}" for i in range(150)], palette(150))
    assert many.height < 150 * 20  # several columns


@pytest.mark.parametrize(
    ("share", "text"),
    [(0, "0 %"), (0.0001, "< 0.1 %"), (0.0432, "4.3 %"), (0.0996, "10 %"), (1, "100 %"),
     (-0.02, "−2.0 %"), (-0.0001, "0 %")],
)  # fmt: skip
def test_percent(share: float, text: str) -> None:
    assert render.percent(share) == text


def test_window_grid_draws_edges_and_sets_one_window_off() -> None:
    photo = Image.new("RGB", (448, 336), (100, 100, 100))
    boxes = [Box(0, 0, 224, 224), Box(0, 112, 224, 336), Box(112, 224, 336, 448)]
    grid = np.asarray(render.window_grid(photo, boxes, (336, 448)))
    assert grid[50, 112].min() > 200  # an edge
    assert (grid[50, 60] == 100).all()
    lit = np.asarray(render.window_grid(photo, boxes, (336, 448), highlight=0))
    assert (lit[50, 60] == 100).all()
    assert lit[300, 60].max() < 80


def test_comparison_holds_all_three_panels() -> None:
    photo = Image.fromarray(halves(400, 300))
    left, right = np.zeros((300, 400), np.int16), np.ones((300, 400), np.int16)
    picture = render.comparison(photo, left, right, ["a", "b", "c"], COLORS, opacity=1, panel=200)
    assert picture.width > 600
    assert has_color(picture, COLORS[0])
    assert has_color(picture, COLORS[1])
    assert not has_color(picture, COLORS[2])
    tall = render.comparison(photo.rotate(90, expand=True), left.T, right.T, list("abc"), COLORS)
    assert tall.height > 720


def tile(mosaic: Image.Image, maps: AttentionMaps, window: int, cell: int) -> np.ndarray:
    """One window's pixels."""
    side = maps.key_grid[0] * cell
    gap = max(2, round(side / 28))
    row, column = divmod(window, maps.grid[1])
    top, left = gap + 1 + row * (side + gap), gap + 1 + column * (side + gap)
    return np.asarray(mosaic)[top : top + side, left : left + side]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_mosaic_shows_the_weights_window_by_window(
    maps: AttentionMaps, theme: render.ThemeName
) -> None:
    def draw(rung: int, **more: object) -> Image.Image:
        return render.attention_mosaic(
            maps.rungs[rung].weights, maps.key_grid, maps.grid, maps.window, maps.token,
            theme=theme, cell=4, **more,  # type: ignore[arg-type]
        )  # fmt: skip

    mosaic = draw(3)
    left, own = tile(mosaic, maps, 0, 4), tile(mosaic, maps, maps.window, 4)
    assert left[:, :36].max() < 10  # the red half gets nothing
    assert left[:, 37:].mean() < own.mean()
    assert has_color(mosaic, np.array(render.theme_of(theme).accent))
    empty = draw(0, own_only=True)
    assert (tile(empty, maps, 0, 4) == render.theme_of(theme).unseen).all()
    star = own[maps.token[0] * 4 + 2, maps.token[1] * 4 + 2]
    assert star[2] > 200
    assert star[0] < 120
    assert draw(3, smooth=True).size == mosaic.size


def test_one_scale_for_all_rungs(maps: AttentionMaps) -> None:
    scales = render.rung_scales(maps.rungs)
    # Even attention over six windows is a sixth of that over one: the same color for both.
    assert scales[0] == pytest.approx(6 * scales[3])
    weights = torch.full((6, 196), scales[3])
    mosaic = render.attention_mosaic(
        weights, maps.key_grid, maps.grid, 0, (0, 0), scale_max=scales[3], cell=2
    )
    assert tile(mosaic, maps, 5, 2).mean(axis=(0, 1)).min() > 120  # the scale's bright end


def test_attention_on_the_photo(maps: AttentionMaps) -> None:
    photo = Image.new("RGB", (448, 336), (120, 120, 120))
    picture = np.asarray(render.attention_overlay(photo, maps, 3))
    assert picture.shape == (336, 448, 3)
    assert picture[60, 60].tolist() == [78, 78, 78]  # no weight: the photo, dimmed
    assert np.ptp(picture[60, 300]) > 20  # weight: color
    own = np.asarray(render.attention_overlay(photo, maps, 0))
    assert own[60, 300].tolist() == [78, 78, 78]  # the own window starts below
    assert np.ptp(own[200, 400]) > 20
    large = render.attention_overlay(photo.resize((3000, 2250)), maps, 3, max_side=800)
    assert max(large.size) == 800


def test_panels_for_download(maps: AttentionMaps) -> None:
    photo = Image.fromarray(halves(448, 336))
    light = render.attention_panels(maps, photo, panel=200)
    dark = render.attention_panels(maps, photo, panel=200, theme="dark")
    assert light.size == dark.size
    assert light.width > 4 * 150
    assert light.getpixel((0, 0)) == (255, 255, 255)
    assert "in own window (even: 17 %)" in render.rung_caption(maps.rungs[3])


def text_of(figure: Figure) -> str:
    axes = figure.axes[0]
    words = [axes.get_xlabel(), axes.get_title("left"), *(t.get_text() for t in axes.texts)]
    words += [t.get_text() for t in axes.get_xticklabels()]
    words += [t.get_text() for legend in figure.legends for t in legend.get_texts()]
    return " ".join(words)


def test_charts(maps: AttentionMaps) -> None:
    segmenter = Segmenter(ColorBackbone())
    encoded = segmenter.encode(halves(448, 336))
    summaries = [
        attention_summary(encoded.tokens.keys, encoded.boxes, rung)
        for rung in AttentionSettings.ladder()
    ]
    for theme in ("light", "dark"):
        bars = render.mass_by_distance_chart(summaries, theme=theme)
        assert "+ Normalization" in text_of(bars)
        assert "own 0.5" in text_of(bars)
        assert "> 2" not in text_of(bars)  # no window is that far
        sizes = summaries[3].set_sizes
        assert sizes is not None
        histogram = render.set_size_histogram(sizes, theme=theme)
        assert f"median {np.median(sizes):,.0f}" in text_of(histogram)
        for figure in (bars, histogram):
            stream = io.BytesIO()
            figure.savefig(stream)
            assert stream.tell() > 5000
    assert render.set_size_histogram([1, 1, 1]) is not None
    with pytest.raises(ValueError, match="theme must be light or dark"):
        render.theme_of("sepia")  # type: ignore[arg-type]
