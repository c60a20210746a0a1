"""Small sets on disk, in the layouts of the benchmarks, and a toy that goes by CLIP's name."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from glaclip.evaluation.data.datasets import Dataset
from tests.toy import ColorBackbone


class Clip(ColorBackbone):
    """Goes by the name of the paper's backbone and has its keys and baselines."""

    name = "clip-b16"
    key_sources = ("vfm", "clearclip", "sclip")
    baselines = ("clip", "maskclip", "sclip", "clearclip", "naclip", "proxyclip")


def clip(name: str, device: str, dtype: str, weights: str | None) -> Clip:
    """Starts it, as the command line does."""
    return Clip()


def photo(path: Path, color: tuple[int, int, int] = (0, 0, 0), size: int = 120) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (size, size), color).save(path)


def truth(path: Path, values: Sequence[int], mode: str = "L") -> None:
    """A square of columns of equal width, one a value."""
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.fromarray(np.tile(np.repeat(values, 2), (2 * len(values), 1)).astype(np.uint8))
    if mode != "L":
        image.putpalette([7, 7, 9] * 256)
    image.convert(mode).save(path)


def first_row(dataset: Dataset) -> list[int]:
    """Classes of the columns of the first truth, as the set reads them."""
    return [int(label) for label in dataset.truth(dataset.samples[0])[0, ::2]]


def voc(root: Path, stems: Sequence[str] = ("one", "two")) -> Path:
    """VOCdevkit/VOC2012 with background and two objects in each truth."""
    place = root / "VOCdevkit" / "VOC2012"
    for index, stem in enumerate(stems):
        photo(place / "JPEGImages" / f"{stem}.jpg", (90 * index, 60, 200 - 90 * index))
        truth(place / "SegmentationClass" / f"{stem}.png", [0, 1, 20, 255], "P")
    lists = place / "ImageSets" / "Segmentation"
    lists.mkdir(parents=True)
    (lists / "val.txt").write_text("\n".join(stems) + "\n")
    return place


def colors(root: Path, count: int = 3) -> Path:
    """A plain folder: photos of one color, the left half of whose truth is another."""
    root.mkdir(parents=True, exist_ok=True)
    shades = ((230, 0, 0), (0, 0, 230), (0, 230, 0))
    for index in range(count):
        photo(root / "images" / f"p{index}.png", shades[index % 3], 240)
        labels = np.full((120, 120), (0, 1, 2)[index % 3], np.uint8)
        labels[:, : 10 * (index + 1)] = (index + 1) % 3
        (root / "masks").mkdir(exist_ok=True)
        Image.fromarray(labels).save(root / "masks" / f"p{index}.png")
    (root / "classes.txt").write_text("red\nblue\ngreen\n")
    return root
