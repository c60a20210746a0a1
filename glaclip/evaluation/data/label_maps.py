"""Label maps as people's tools write them: one reader for page, API and command line.

First what a file stores, whatever its depth and mode; then what each value means; then whether
the map fits its photo. Values that belong to no class are counted and never lost in silence.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from glaclip.evaluation.data.class_forms import Color
from glaclip.evaluation.data.class_lists import ClassList
from glaclip.evaluation.data.errors import DatasetError
from glaclip.photo import MAX_PIXELS, open_picture, orientation_of, turned
from glaclip.photo.deep import rawmode_of, samples_of

_VALUES = 65536
#: Values and colors that are named one by one when they belong to no class.
_NAMED = 5
#: Pillow spreads samples of 2 and 4 bits over 0 to 255.
_SPREAD = {"L;2": 85, "L;4": 17}
TRANSPARENT = "transparent"

Labels = NDArray[np.int16]


@dataclass(frozen=True)
class Meaning:
    """What stored values and colors of label maps mean.

    Attributes:
        table: stored value -> class index, [65536]; -1 where it is none.
        colors: color -> stored value, for maps in color; empty when no list gives colors.
        names: stored value -> name, of values that are listed but count for nothing.
    """

    table: NDArray[np.int16]
    colors: Mapping[Color, int] = field(default_factory=dict)
    names: Mapping[int, str] = field(default_factory=dict)

    @classmethod
    def of(cls, classes: Mapping[int, int], listed: ClassList | None = None) -> Meaning:
        """The meaning of stored values; one that is not among them is no class.

        Args:
            classes: stored value -> class index.
            listed: the list that the set brings, for its colors and the names of what is ignored.
        """
        table = np.full(_VALUES, -1, dtype=np.int16)
        for stored, index in classes.items():
            table[stored] = index
        return cls(table, listed.colors, listed.ignored) if listed else cls(table)

    def knows(self, value: int) -> bool:
        """Whether a stored value is a class or is listed as none."""
        return 0 <= value < _VALUES and (self.table[value] >= 0 or value in self.names)

    def name(self, value: int) -> str:
        """A value that belongs to no class, for people."""
        return f"{value} ({self.names[value]})" if value in self.names else str(value)


@dataclass(frozen=True)
class LabelMap:
    """A label map that was read.

    Attributes:
        labels: [H, W] class index, -1 where a pixel belongs to no class.
        outside: pixels that belong to no class, by value or color, such as "255" or "rgb(1, 2, 3)".
        guess: how it was turned, in a sentence, where nothing but the photo's colors tells.
    """

    labels: Labels
    outside: Mapping[str, int]
    guess: str = ""


def outside_sentence(outside: Mapping[str, int], pixels: int) -> str:
    """Names what belongs to no class with its share, or "" when all pixels have one.

    Args:
        outside: pixels by value or color.
        pixels: of all label maps together.
    """
    total = sum(outside.values())
    if not total:
        return ""
    largest = sorted(outside.items(), key=lambda item: -item[1])
    named = [f"{name} ({_share(count, pixels)})" for name, count in largest[:_NAMED]]
    more = [f"{len(largest) - _NAMED} more values"] if len(largest) > _NAMED else []
    return (
        f"{_share(total, pixels)} of the ground truth's pixels belong to no class and are left "
        f"out: {', '.join([*named, *more])}."
    )


def _share(count: int, pixels: int) -> str:
    return f"{100 * count / pixels:.1f} %"


def absent_sentence(names: Sequence[str]) -> str:
    """Names classes without a pixel, or "" when each has some."""
    if not names:
        return ""
    shown = [*names[:20], f"{len(names) - 20} more"] if len(names) > 20 else list(names)
    return (
        f"No pixel of the ground truth belongs to {', '.join(shown)}: not counted in the mean IoU."
    )


# --- reading ----------------------------------------------------------------------------------


def read_label_map(path: str | Path, meaning: Meaning) -> LabelMap:
    """Reads a label map of any depth and mode, upright by its own EXIF orientation.

    Args:
        path: PNG, TIFF, BMP, GIF or another format without loss.
        meaning: of its values.

    Raises:
        DatasetError: no label map; the message says what is accepted.
    """
    name = Path(path).name
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            return _read(Path(path), meaning)
    except DatasetError as error:
        raise DatasetError(f"the ground truth {name} {error}") from None
    except Exception as error:  # Pillow raises many kinds for broken files
        raise DatasetError(f"the ground truth {name} cannot be read") from error


def _read(path: Path, meaning: Meaning) -> LabelMap:
    with open_picture(path) as image:
        if image.width * image.height > MAX_PIXELS:
            raise DatasetError(f"has more than {MAX_PIXELS // 10**6} megapixels")
        if image.format in ("JPEG", "MPO"):
            raise _not_values("a JPEG file, which changes them")
        if image.info.get("compression") in ("jpeg", "webp") or _is_lossy_webp(image, path):
            raise _not_values("compressed with loss, which changes them")
        mode, palette = image.mode, image.getpalette("RGB") if image.mode == "P" else None
        spread = _SPREAD.get(rawmode_of(image)[:3], 1) if mode == "L" else 1
        stored = samples_of(image, lambda: open_picture(path))  # [H, W] or [H, W, channels]
        orientation = orientation_of(image)
    alpha = stored[..., -1] if stored.ndim == 3 and stored.shape[2] in (2, 4) else None
    if stored.ndim == 2:
        codes, found = _of_values(
            stored // spread if spread > 1 else stored, mode, palette, meaning
        )
    elif mode in ("RGB", "RGBA"):
        codes, found = _of_colors(stored[..., :3], mode, meaning)
    elif mode == "LA":
        codes, found = _of_values(stored[..., 0], mode, None, meaning)
    else:
        raise _not_values(f"of the mode {mode}")
    return _label_map(codes, found, alpha, orientation)


def _is_lossy_webp(image: Image.Image, path: Path) -> bool:
    # Pillow does not tell. Lossless pixels are in a chunk VP8L, those with loss in one called VP8.
    return image.format == "WEBP" and b"VP8 " in path.read_bytes()[:4096]


def _not_values(what: str) -> DatasetError:
    return DatasetError(
        "must be a gray or palette picture without loss (PNG) whose values are class indices; "
        f"it is {what}"
    )


#: What a code means: its class index, -1 for none, and the name of what has none.
_Found = dict[int, tuple[int, str]]


def _of_values(
    stored: NDArray[np.generic], mode: str, palette: list[int] | None, meaning: Meaning
) -> tuple[NDArray[np.int64], _Found]:
    """Codes [H, W] of a map with one channel."""
    if stored.dtype.kind == "f":
        known = np.isfinite(stored)
        if not np.array_equal(stored[known], np.round(stored[known])):
            raise _not_values("of fractions")
        stored = np.where(known, stored, -1)
    codes = stored.astype(np.int64)
    values = [int(value) for value in np.unique(codes)]
    if meaning.colors:
        shown = {value: _shown_color(value, palette) for value in values}
        in_list = all(color in meaning.colors for color in shown.values())
        # The colors of a palette are what its maker saw; gray is a number first.
        if in_list and (palette or not all(meaning.knows(value) for value in values)):
            stored_as = {value: meaning.colors[color] for value, color in shown.items()}
            return codes, {v: _meaning_of(as_value, meaning) for v, as_value in stored_as.items()}
    return codes, {value: _meaning_of(value, meaning) for value in values}


def _meaning_of(value: int, meaning: Meaning) -> tuple[int, str]:
    index = int(meaning.table[value]) if 0 <= value < _VALUES else -1
    return index, meaning.name(value)


def _shown_color(value: int, palette: list[int] | None) -> Color:
    red, green, blue = palette[3 * value : 3 * value + 3] if palette else (value, value, value)
    return red, green, blue


def _of_colors(
    stored: NDArray[np.generic], mode: str, meaning: Meaning
) -> tuple[NDArray[np.int64], _Found]:
    """Codes [H, W] of a map with three channels: equal ones are one, others need a list."""
    channels = stored.astype(np.int64)
    gray = bool((channels == channels[..., :1]).all())
    if not meaning.colors and gray:
        return _of_values(channels[..., 0], mode, None, meaning)
    eight = channels >> 8 if stored.dtype == np.uint16 and not gray else channels
    codes = eight[..., 0] << 16 | eight[..., 1] << 8 | eight[..., 2]
    unique = [int(code) for code in np.unique(codes)]
    colors: dict[int, Color] = {c: (c >> 16, c >> 8 & 255, c & 255) for c in unique}
    listed = [color in meaning.colors for color in colors.values()]
    if gray and not all(listed):
        return _of_values(channels[..., 0], mode, None, meaning)
    if not any(listed):
        known = "with none of the colors that the class list gives" if meaning.colors else (
            "and no labelmap.txt or other class list beside it gives the colors of classes"
        )  # fmt: skip
        raise _not_values(f"in color ({mode}, {len(unique)} colors) {known}")
    return codes, {
        code: _meaning_of(meaning.colors[color], meaning)
        if color in meaning.colors
        else (-1, f"rgb{color}")
        for code, color in colors.items()
    }


def _label_map(
    codes: NDArray[np.int64],
    found: _Found,
    alpha: NDArray[np.generic] | None,
    orientation: int,
) -> LabelMap:
    unique = np.array(sorted(found), dtype=np.int64)
    places = np.searchsorted(unique, codes)
    labels = np.array([found[int(c)][0] for c in unique], dtype=np.int16)[places]
    outside: dict[str, int] = {}
    for code, count in zip(unique, np.bincount(places.reshape(-1)), strict=True):
        index, name = found[int(code)]
        if index < 0:
            outside[name] = outside.get(name, 0) + int(count)
    if alpha is not None and (clear := (alpha == 0) & (labels >= 0)).any():
        labels[clear] = -1
        outside[TRANSPARENT] = int(clear.sum())
    return LabelMap(turned_labels(labels, orientation), outside)


def turned_labels(labels: Labels, orientation: int) -> Labels:
    """Label maps [H, W] of stored pixels, upright by an EXIF orientation."""
    if orientation == 1:
        return labels
    image = turned(Image.fromarray(labels.astype(np.int32)), orientation)
    return np.asarray(image).astype(np.int16)
