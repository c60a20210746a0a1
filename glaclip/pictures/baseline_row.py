"""A baseline's attention row, drawn on the point's own window and written as arrays."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image
from torch import Tensor

from glaclip.pictures.drawing import paste_star
from glaclip.pictures.numbers import percent
from glaclip.pictures.weights import brightest, heat_on
from glaclip.segmenter import BaselineAttention
from glaclip.windows import resize_photo


def own_words(row: BaselineAttention) -> str:
    """How much of a baseline's attention stays on the patch itself, and goes to no place at all."""
    own = float(row.weights[row.window].view(row.key_grid)[row.token])
    said = f"{percent(own)} stays on the patch itself"
    return f"{said}, {percent(row.cls)} goes to CLS." if row.cls else f"{said}."


def own_window(photo: Image.Image, row: BaselineAttention) -> Image.Image:
    """The window's part of the photo, at the size it was cut at."""
    size = max(box.bottom for box in row.boxes), max(box.right for box in row.boxes)
    pixels = resize_photo(photo.convert("RGB"), size).permute(1, 2, 0).numpy()
    box = row.boxes[row.window]
    whole = Image.fromarray((pixels * 255).round().astype(np.uint8))
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
    rows, columns = row.key_grid
    top = brightest(weights, len(weights)) / len(weights)
    picture = heat_on(window, weights.view(rows, columns), top)
    y, x = row.token
    center = ((x + 0.5) * window.width / columns, (y + 0.5) * window.height / rows)
    paste_star(picture, center, max(5, round(window.width / 24)))
    return picture


def row_npz(row: BaselineAttention) -> bytes:
    """A row as arrays.

    `weights` [L, rows, columns] float32 and `cls`, together 1; `per_head` [H, 1 + S] of the own
    window, CLS first; `baseline`, `boxes` [L, 4], `window`, `token` and `point` as in
    attention.npz.
    """
    heads = row.per_head if row.per_head is not None else row.weights[:0]
    stream = io.BytesIO()
    np.savez_compressed(
        stream,
        weights=row.weights.float().cpu().numpy().reshape(len(row.boxes), *row.key_grid),
        cls=np.array(row.cls),
        per_head=heads.float().cpu().numpy(),
        baseline=np.array(row.baseline),
        boxes=np.array(row.boxes),
        window=np.array(row.window),
        token=np.array(row.token),
        point=np.array(row.point),
    )
    return stream.getvalue()
