"""The windows one by one: crop, own prediction on both sides, attention; top patches."""

from __future__ import annotations

from html import escape

from PIL import Image

from glaclip.attention.point import AttentionMaps
from glaclip.pictures.drawing import paste_star
from glaclip.pictures.encoding import picture_uri
from glaclip.pictures.label_pictures import overlay
from glaclip.pictures.numbers import percent
from glaclip.pictures.palette import class_colors
from glaclip.pictures.placing import token_center, working_photo
from glaclip.pictures.weights import COLLAPSED, heat_on, weight_scales
from glaclip.serving.service import Answer
from glaclip.settings import CAPTIONS
from glaclip.windows import Box

_SIDE = 200
#: Side of a patch in pixels, and most of them.
_PATCH, _PATCHES = 72, 12
#: Pixels of a picture that a press shows larger, and how many windows have such pictures.
_LARGER, _FEW = 336, 24
#: More windows than this are not drawn at once.
MAX_WINDOWS = 60


def _uri(picture: Image.Image, side: int = _SIDE) -> str:
    return picture_uri(picture.convert("RGB").resize((side, side)), "JPEG", quality=84)


def filmstrip(photo: Image.Image, result: Answer, maps: AttentionMaps | None) -> str:
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
    working = working_photo(photo, result.encoded.size)
    cards = [_card(working, index, result, maps) for index in range(len(boxes))]
    note = COLLAPSED if maps and maps.rungs[-1].collapsed else ""
    head = f"<p class='note'>{CAPTIONS[-1]}: {note}</p>" if note else ""
    return f"{head}<div class='films'>{''.join(cards)}</div>"


def _card(working: Image.Image, index: int, result: Answer, maps: AttentionMaps | None) -> str:
    """One window: its pictures, its place, and what it receives."""
    # A page of many windows has less of each.
    side = _LARGER if len(result.encoded.boxes) <= _FEW else _SIDE
    classes, background = result.right.classes, result.right.vocabulary.background
    colors, box = class_colors(classes, background), result.encoded.boxes[index]
    crop = working.crop((box.left, box.top, box.right, box.bottom))
    shown = [("Photo", _starred(crop, index, maps))]
    for part in (result.left, result.right):
        labels = overlay(crop, part.window_labels(index), colors, 0.62)
        shown.append((part.method.title, labels))
    mass = ""
    if maps:
        last, top = maps.rungs[-1], weight_scales(maps.rungs).weights(maps.rungs)[-1]
        shown.append(("Attention", heat_on(crop, last.weights[index].view(maps.key_grid), top)))
        mass = f" · {percent(float(last.weights[index].sum()))} of the attention"
    pictures = "".join(
        f"<figure><button type='button' class='larger' title='Shows it larger'><img "
        f"src='{_uri(picture, side)}' alt='{name} of window {index + 1}' width='{_SIDE}' "
        f"height='{_SIDE}'></button><figcaption>{name}</figcaption></figure>"
        for name, picture in shown
    )
    row, column = divmod(index, result.encoded.grid[1])
    own = maps is not None and maps.window == index
    star = " · the point's own window" if own else ""
    return (
        f"<article class='film{' own' if own else ''}'><h2>Window {index + 1} <span>row "
        f"{row + 1}, column {column + 1}{star}{mass}</span></h2><div>{pictures}</div></article>"
    )


def _starred(crop: Image.Image, index: int, maps: AttentionMaps | None) -> Image.Image:
    """The window's part of the photo, with the point in every window that holds it."""
    view = next((v for v in maps.views if v.window == index), None) if maps else None
    if maps is None or view is None:
        return crop
    starred, center = crop.copy(), token_center(view.token, maps.key_grid, crop.size)
    paste_star(starred, center, max(5, round(crop.width / 16)))
    return starred


def top_patches(
    photo: Image.Image,
    result: Answer,
    maps: AttentionMaps,
    *,
    exclude_own: bool,
    rung: int = len(CAPTIONS) - 1,
) -> str:
    """HTML with the patches that receive most attention at a rung.

    Args:
        photo: the photo.
        result: both sides, for the geometry.
        maps: attention of the point.
        exclude_own: leave the point's own window out.
        rung: which rung of the ladder.
    """
    weights = maps.rungs[rung].weights.clone()  # [L, S]
    if exclude_own:
        weights[maps.window] = 0
    values, order = weights.flatten().topk(min(_PATCHES, weights.numel()))
    working = working_photo(photo, result.encoded.size)
    tokens, columns = weights.shape[1], maps.key_grid[1]
    items = []
    for value, place in zip(values.tolist(), order.tolist(), strict=True):
        if value <= 0:
            continue
        window, token = divmod(place, tokens)
        patch = _patch(working, maps.boxes[window], divmod(token, columns), maps.key_grid)
        items.append(
            f"<figure><img src='{_uri(patch, _PATCH)}' alt='Patch of window {window + 1}' "
            f"width='{_PATCH}' height='{_PATCH}'><figcaption><b>{percent(value)}</b> window "
            f"{window + 1}</figcaption></figure>"
        )
    if not items:
        return "<p>No patch outside the own window receives attention at this step.</p>"
    note = "own window left out" if exclude_own else "all windows"
    why = f" {COLLAPSED}" if maps.rungs[rung].collapsed else ""
    caption = escape(f"{CAPTIONS[rung]}, {note}.{why}")
    return f"<div class='patches'><p>{caption}</p><div>{''.join(items)}</div></div>"


def _patch(
    working: Image.Image, box: Box, token: tuple[int, int], grid: tuple[int, int]
) -> Image.Image:
    """A token and what is around it, moved inside the photo at its border."""
    side = box.right - box.left, box.bottom - box.top
    reach, (x, y) = round(3 * side[1] / grid[0]), token_center(token, grid, side)
    left = round(min(max(box.left + x - reach / 2, 0), max(0, working.width - reach)))
    top = round(min(max(box.top + y - reach / 2, 0), max(0, working.height - reach)))
    return working.crop((left, top, left + reach, top + reach))
