"""How probable a word is at each place, and its region cut out of the photo, as files."""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from glaclip.pictures.encoding import npz_bytes, png_bytes
from glaclip.segmenter import Segmentation
from glaclip.segmenter.seams import Labels

_MOST = 65535


def file_name(index: int, name: str) -> str:
    """A word's file without ending: its number, and what of the word any system can name."""
    plain = re.sub(r"\W+", "_", name)[:40].strip("_")
    return f"{index:03d}_{plain}".rstrip("_")


def score_png(score: NDArray[np.float32]) -> bytes:
    """Probabilities [h, w] as a 16-bit gray PNG file: 65535 is 1."""
    return png_bytes(Image.fromarray((score * _MOST).round().astype(np.uint16)))


def score_files(result: Segmentation, side: str, form: str = "png") -> dict[str, bytes]:
    """The probabilities of a result's words at the working size.

    Args:
        result: whose words.
        side: names the folder, or the file.
        form: "png": a file a word; or "npz": one with `probabilities` float16 [C, h, w] and
            `classes`.
    """
    if form == "npz":
        maps = np.stack([score.astype(np.float16) for score in result.scores()])
        arrays = npz_bytes(probabilities=maps, classes=np.array(result.classes))
        return {f"scores_{side}.npz": arrays}
    named = zip(result.classes, result.scores(), strict=True)
    return {
        f"scores_{side}/{file_name(index, name)}.png": score_png(score)
        for index, (name, score) in enumerate(named)
    }


def cutout(photo: Image.Image, labels: Labels, index: int) -> Image.Image:
    """The photo where its labels are a class, transparent elsewhere, trimmed to that region."""
    mask = Image.fromarray(np.where(labels == index, 255, 0).astype(np.uint8))
    cut = photo.convert("RGB")
    cut.putalpha(mask)
    return cut.crop(mask.getbbox())


def cutouts(photo: Image.Image, result: Segmentation) -> Iterator[tuple[str, bytes]]:
    """(name, PNG file) of each word that has a region."""
    for index, name in enumerate(result.classes):
        if result.areas[index]:
            picture = cutout(photo, result.labels, index)
            yield f"cutouts/{file_name(index, name)}.png", png_bytes(picture)
