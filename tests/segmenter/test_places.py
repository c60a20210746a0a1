"""One key for one place, whichever windows show it."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional as F

from glaclip.backbones.base import Grid, Tokens
from glaclip.segmenter import Segmenter
from glaclip.segmenter.places import alone, joined, shares
from glaclip.settings import AttentionSettings, WindowSettings
from glaclip.windows import boxes
from tests.browser.site import halves
from tests.toy import ColorBackbone


def unit(*shape: int) -> Tensor:
    return F.normalize(torch.randn(*shape, generator=torch.Generator().manual_seed(0)), dim=-1)


def places(size: tuple[int, int], crop: int, stride: int, cells: int) -> Tensor:
    """[L, cells, cells, 2]: the place of each cell's center in the photo, in pixels."""
    middle = (torch.arange(cells) + 0.5) * crop / cells
    return torch.stack([
        torch.stack(torch.meshgrid(box.top + middle, box.left + middle, indexing="ij"), -1)
        for box in boxes(size, WindowSettings(short_side=64, crop=crop, stride=stride))
    ])  # fmt: skip


@pytest.mark.parametrize("size", [(64, 64), (96, 64), (64, 128), (96, 160), (84, 64)])
def test_cells_of_one_place_get_the_mean_of_all_windows_that_show_it(size: tuple[int, int]) -> None:
    windows = boxes(size, WindowSettings(short_side=64, crop=64, stride=32))
    where = places(size, 64, 32, 16).flatten(0, 2)  # cells of 4 pixels: on one grid for all
    keys = unit(len(windows), 256, 8)
    same = (where[:, None] == where[None]).all(2).float()
    expected = F.normalize(same @ (keys * 3).flatten(0, 1), dim=1).view_as(keys)
    torch.testing.assert_close(joined(3 * keys, (16, 16), windows, (16, 16)), expected)


def test_one_window_keeps_its_keys_as_unit_vectors() -> None:
    keys = 5 * unit(1, 12, 8)
    found = joined(keys, (3, 4), boxes((64, 64), WindowSettings(64, 64, 32)), (3, 4))
    torch.testing.assert_close(found, keys / 5)


def test_windows_that_do_not_overlap_keep_theirs() -> None:
    windows = boxes((64, 128), WindowSettings(short_side=64, crop=64, stride=64))
    keys = unit(2, 16, 8)
    torch.testing.assert_close(joined(keys, (4, 4), windows, (4, 4)), keys)


def test_alone_is_joined_of_one_window() -> None:
    keys = 3 * unit(2, 64, 8)
    for onto in ((8, 8), (7, 7), (3, 5)):
        windows = boxes((64, 64), WindowSettings(64, 64, 32))
        expected = torch.cat([joined(one[None], (8, 8), windows, onto) for one in keys])
        torch.testing.assert_close(alone(keys, (8, 8), onto), expected)


def test_between_cells_another_window_is_read_in_between() -> None:
    # The second window starts half a cell to the right of the first one's second cell.
    found = shares([0, 24], 64, 4, 4).view(2, 4, 2, 4)
    assert found[0, 0].flatten().tolist() == [1, 0, 0, 0, 0, 0, 0, 0]  # left of the second
    assert found[0, 2, 0].tolist() == [0, 0, 0.5, 0]
    assert found[0, 2, 1].tolist() == [0.25, 0.25, 0, 0]


def test_a_place_on_the_edge_of_two_windows_is_shown_by_both() -> None:
    # The middle of the second window, where the first ends and the third begins.
    found = shares([0, 32, 64], 64, 4, 3).view(3, 3, 3, 4)
    assert found[1, 1].tolist() == [
        pytest.approx([0, 0, 0, 1 / 3]), pytest.approx([0, 1 / 6, 1 / 6, 0]),
        pytest.approx([1 / 3, 0, 0, 0]),
    ]  # fmt: skip


@settings(max_examples=40, deadline=None)
@given(st.integers(64, 200), st.sampled_from([16, 24, 32, 64]), st.sampled_from([4, 7, 8]),
       st.sampled_from([4, 7]))  # fmt: skip
def test_what_all_windows_show_alike_stays_as_it_is(
    length: int, stride: int, cells: int, onto: int
) -> None:
    """A ramp along the photo is the same from every window, away from where it is cut off."""
    starts = sorted({box.left for box in boxes((64, length), WindowSettings(64, 64, stride))})
    found = shares(starts, 64, cells, onto)
    torch.testing.assert_close(found.sum(1), torch.ones(len(found)))
    assert (found >= 0).all()
    side = 64 / cells

    def ramp(count: int) -> Tensor:
        middles = (torch.arange(count) + 0.5) * 64 / count
        return torch.cat([start + middles for start in starts])

    assert (found @ ramp(cells) - ramp(onto)).abs().max() <= side / 2 + 1e-4


class Shifting(ColorBackbone):
    """A window's keys depend on the window: each has a direction of its own beside the color."""

    fingerprint = "shifting"

    def __init__(self, onto: Grid | None) -> None:
        super().__init__()
        self.onto = onto

    def encode_windows(self, pixels: Tensor) -> Tokens:
        tokens = super().encode_windows(pixels)
        own = torch.zeros(*tokens.keys.shape[:2], 64)
        for row in range(len(own)):
            own[row, :, (self.encoded_windows - len(own) + row) % 64] = 1
        keys = torch.cat([tokens.keys, own], 2)
        return Tokens(keys, tokens.key_grid, tokens.values, tokens.value_grid, {}, self.onto)


@pytest.mark.parametrize("onto", [(4, 4), (2, 2), None])
def test_the_segmenter_joins_keys_where_a_backbone_asks_for_it(onto: Grid | None) -> None:
    encoded = Segmenter(Shifting(onto)).encode(
        halves(size=(128, 64)), WindowSettings(short_side=64, crop=64, stride=32)
    )
    rows, columns = encoded.tokens.key_grid
    assert (rows, columns) == (onto or (4, 4))
    for cross_window in (True, False):
        seen = encoded.tokens.seen(cross_window)
        keys = F.normalize(seen.keys, dim=-1).view(3, rows, columns, -1)
        here, there = keys[0, :, columns // 2 :], keys[1, :, : columns // 2]  # one place
        assert torch.allclose(here, there) == (cross_window and onto is not None)


def test_a_window_that_sees_itself_alone_knows_nothing_of_the_others() -> None:
    """Its own answer and a click's first rung stay when the photo goes on differently."""
    settings = WindowSettings(short_side=64, crop=64, stride=32)
    photo = halves(size=(128, 64))
    other = photo.copy()
    other.paste("green", (64, 0, 128, 64))  # the first window ends here
    found = []
    for picture in (photo, other):
        segmenter = Segmenter(Shifting((4, 4)))
        encoded = segmenter.encode(picture, settings)
        method = segmenter.method(AttentionSettings().off())
        features = segmenter.features(encoded, method)[0][0][0]
        maps = segmenter.attention(encoded, (5, 30))
        assert maps.window == 0
        found.append((features, maps.rungs[0].weights[0], maps.views[0].row.weights[0]))
    for one, another in zip(*found, strict=True):
        torch.testing.assert_close(one, another)


@pytest.mark.parametrize("onto", [(4, 4), None])
def test_keys_are_made_once_where_all_are_each_windows_own(onto: Grid | None) -> None:
    backbone, asked = Shifting(onto), list[str]()
    segmenter = Segmenter(backbone)
    encoded = segmenter.encode(
        halves(size=(128, 64)), WindowSettings(short_side=64, crop=64, stride=32)
    )
    plain = backbone.keys
    backbone.keys = lambda tokens, source: (asked.append(source), plain(tokens, source))[1]  # type: ignore[method-assign]
    segmenter.attention(encoded, (5, 30))
    assert len(asked) == (1 if onto is None else 2)


def test_tokens_keep_shared_keys_when_they_move() -> None:
    encoded = Segmenter(Shifting((4, 4))).encode(
        halves(size=(128, 64)), WindowSettings(short_side=64, crop=64, stride=32)
    )
    tokens = encoded.tokens
    assert tokens.shared is not None
    moved = tokens.to("cpu")
    assert moved.shared is not None
    assert torch.equal(moved.shared, tokens.shared)
    assert tokens.nbytes == sum(t.nbytes for t in (tokens.keys, tokens.values, tokens.shared))
    assert tokens.seen(True).shared is None
