"""The windows one by one: crop, prediction before fusion on both sides, attention; top patches."""

from __future__ import annotations

from html import escape

import numpy as np
from PIL import Image
from torch import Tensor

from glaclip.clicks import AttentionMaps
from glaclip.pictures.files import picture_uri
from glaclip.pictures.labels import overlay
from glaclip.pictures.numbers import percent
from glaclip.pictures.palette import class_colors
from glaclip.segmenter import Segmentation, resize_photo
from glaclip.settings import CAPTIONS
from glaclip.ui.service import Comparison

_SIDE = 160
_PATCH = 72
#: More windows than this are not drawn at once.
MAX_WINDOWS = 60


def _uri(picture: Image.Image, side: int = _SIDE) -> str:
    return picture_uri(picture.convert("RGB").resize((side, side)), "JPEG", quality=84)


def working_photo(photo: Image.Image, result: Segmentation) -> Image.Image:
    """The photo at the size the windows were cut from."""
    pixels = resize_photo(photo, result.encoded.size).permute(1, 2, 0).numpy()
    return Image.fromarray((pixels * 255).round().astype(np.uint8))


def _heat(crop: Image.Image, weights: Tensor, grid: tuple[int, int], top: float) -> Image.Image:
    """Attention of one window over its own dimmed crop."""
    share = (weights.cpu().double().numpy().reshape(grid) / top).clip(0, 1) ** 0.5
    mask = Image.fromarray((share * 255).astype(np.uint8)).resize(crop.size)
    dim = Image.eval(crop.convert("L"), lambda v: v // 4 + 10).convert("RGB")
    return Image.composite(Image.new("RGB", crop.size, (255, 190, 60)), dim, mask)


def filmstrip(photo: Image.Image, result: Comparison, maps: AttentionMaps | None) -> str:
    """HTML with a card for every window.

    Args:
        photo: the photo.
        result: both sides.
        maps: attention of the chosen point, if there is one.
    """
    boxes = result.encoded.boxes
    if len(boxes) > MAX_WINDOWS:
        return (
            f"<p>{len(boxes)} windows are too many to show one by one; at most {MAX_WINDOWS} are "
            "drawn. A larger stride or a smaller photo makes fewer.</p>"
        )
    working = working_photo(photo, result.right)
    colors = class_colors(result.right.classes, result.right.vocabulary.background)
    last = maps.rungs[-1] if maps else None
    top = float(last.weights.max()) if last else 1.0
    cards = []
    for index, box in enumerate(boxes):
        crop = working.crop((box.left, box.top, box.right, box.bottom))
        shown = [("Photo", crop)]
        for name, part in (("Alone", result.left), ("Before fusion", result.right)):
            shown.append((name, overlay(crop, part.window_labels(index), colors, 0.62)))
        mass = ""
        own = maps is not None and maps.window == index
        if maps and last:
            heat = _heat(crop, last.weights[index], maps.key_grid, top)
            shown.append(("Attention", heat))
            mass = f" · {percent(float(last.weights[index].sum()))} of the attention"
        pictures = "".join(
            f"<figure><img src='{_uri(picture)}' alt='' width='{_SIDE}' height='{_SIDE}'>"
            f"<figcaption>{name}</figcaption></figure>"
            for name, picture in shown
        )
        row, column = divmod(index, result.encoded.grid[1])
        star = " · the point's own window" if own else ""
        cards.append(
            f"<article class='film{' own' if own else ''}'><h4>Window {index + 1} <span>row "
            f"{row + 1}, column {column + 1}{star}{mass}</span></h4><div>{pictures}</div></article>"
        )
    return f"<div class='films'>{''.join(cards)}</div>"


def top_patches(
    photo: Image.Image,
    result: Comparison,
    maps: AttentionMaps,
    *,
    exclude_own: bool,
    rung: int = len(CAPTIONS) - 1,
    count: int = 12,
) -> str:
    """HTML with the patches that receive most attention at a rung.

    Args:
        photo: the photo.
        result: both sides, for the geometry.
        maps: attention of the point.
        exclude_own: leave the point's own window out.
        rung: which rung of the ladder.
        count: how many patches.
    """
    weights = maps.rungs[rung].weights.clone()  # [L, S]
    if exclude_own:
        weights[maps.window] = 0
    values, order = weights.flatten().topk(min(count, weights.numel()))
    working = working_photo(photo, result.right)
    tokens, columns = weights.shape[1], maps.key_grid[1]
    items = []
    for value, place in zip(values.tolist(), order.tolist(), strict=True):
        if value <= 0:
            continue
        window, token = divmod(place, tokens)
        box = maps.boxes[window]
        size = (box.bottom - box.top) / maps.key_grid[0]
        x = box.left + (token % columns + 0.5) * (box.right - box.left) / columns
        y = box.top + (token // columns + 0.5) * size
        reach = 1.5 * size
        patch = working.crop((int(x - reach), int(y - reach), int(x + reach), int(y + reach)))
        items.append(
            f"<figure><img src='{_uri(patch, _PATCH)}' alt='' width='{_PATCH}' height='{_PATCH}'>"
            f"<figcaption><b>{value * 100:.2f} %</b> window {window + 1}</figcaption></figure>"
        )
    if not items:
        return "<p>No patch outside the own window receives attention at this step.</p>"
    note = "own window left out" if exclude_own else "all windows"
    caption = escape(f"{CAPTIONS[rung]}, {note}")
    return f"<div class='patches'><p>{caption}</p><div>{''.join(items)}</div></div>"
