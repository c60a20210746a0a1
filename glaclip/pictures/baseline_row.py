"""A baseline's attention row, drawn on the point's own window and written as arrays."""

from __future__ import annotations

import numpy as np
from PIL import Image
from torch import Tensor

from glaclip.pictures.drawing import paste_star
from glaclip.pictures.encoding import npz_bytes
from glaclip.pictures.numbers import percent
from glaclip.pictures.placing import canvas_size, token_center, working_photo
from glaclip.pictures.weights import brightest, heat_on
from glaclip.segmenter import BaselineAttention


def own_words(row: BaselineAttention) -> str:
    """How much of a baseline's attention stays on the patch itself, and goes to no place at all."""
    own = float(row.weights[row.window].view(row.key_grid)[row.token])
    said = f"{percent(own)} stays on the patch itself"
    return f"{said}, {percent(row.cls)} goes to CLS." if row.cls else f"{said}."


def own_window(photo: Image.Image, row: BaselineAttention) -> Image.Image:
    """The window's part of the photo, at the size it was cut at."""
    box = row.boxes[row.window]
    whole = working_photo(photo.convert("RGB"), canvas_size(row.boxes))
    return whole.crop((box.left, box.top, box.right, box.bottom))


def mean_picture(photo: Image.Image, row: BaselineAttention) -> Image.Image:
    """The mean over heads on the point's own window, with the point."""
    return _drawn(own_window(photo, row), row, row.weights[row.window])


def head_pictures(photo: Image.Image, row: BaselineAttention) -> list[Image.Image]:
    """The same of each head; empty where heads were not asked for or all do alike."""
    if row.per_head is None or len(row.per_head) < 2:
        return []
    window = own_window(photo, row)
    return [_drawn(window, row, head[1:]) for head in row.per_head]


def _drawn(window: Image.Image, row: BaselineAttention, weights: Tensor) -> Image.Image:
    top = brightest(weights, len(weights)) / len(weights)
    picture = heat_on(window, weights.view(row.key_grid), top)
    center = token_center(row.token, row.key_grid, window.size)
    paste_star(picture, center, max(5, round(window.width / 24)))
    return picture


def row_npz(row: BaselineAttention) -> bytes:
    """A row as arrays.

    `weights` [L, rows, columns] float32 and `cls`, together 1; `per_head` [H, 1 + S] of the own
    window, CLS first; `baseline`, `boxes` [L, 4], `window`, `token` and `point` as in
    attention.npz.
    """
    heads = row.per_head if row.per_head is not None else row.weights[:0]
    return npz_bytes(
        weights=row.weights.float().cpu().numpy().reshape(len(row.boxes), *row.key_grid),
        cls=np.array(row.cls),
        per_head=heads.float().cpu().numpy(),
        baseline=np.array(row.baseline),
        boxes=np.array(row.boxes),
        window=np.array(row.window),
        token=np.array(row.token),
        point=np.array(row.point),
    )
