"""The sets that are measured: photos, and the names they are asked by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from PIL import Image

from training.data import streets
from training.data.photos import DENSE_SETS, IGNORE, dense_photos, select
from training.data.words import dense_names

#: Names of the views; facades are asked by their own eight names and by a driving set's eleven.
VIEWS = (
    "streets", "labelmefacade-streets", "msrc_v2", "nyuv2", "voc2012", "labelmefacade",
    "stanford_background", "facades_dusk", "facades_cmp", "clothing_ccp", "backyard_surfaces",
    "materials_matnet", "animals4", "wild_animals6",
)  # fmt: skip


class Photo(Protocol):
    """Anything with a photo and its true classes."""

    def read_classes(self) -> tuple[Image.Image, np.ndarray]:
        """Photo and class indexes int [H, W], 255 where ignored."""


@dataclass(frozen=True)
class View:
    """Photos asked by names; `remap` [256] turns the photos' class indexes into the names'."""

    title: str
    photos: Sequence[Photo]
    names: Sequence[str]
    remap: np.ndarray | None = None


def class_names(dataset: str) -> list[str]:
    """The names a set's classes are asked by."""
    return [dense_names(label)[0] for label in DENSE_SETS[dataset]]


def open_view(data: Path, name: str, part: str, count: int | None = None) -> View:
    """A view of the first `count` photos of a part; None for all."""
    if name == "streets":
        scenes = streets.street_scenes(data, part, count)
        return View(f"{len(scenes)} street scenes put together, {part}", scenes, streets.NAMES)
    dataset = name.removesuffix("-streets")
    photos = select(dense_photos(data, dataset), part)[:count]
    title = f"{dataset}, {len(photos)} {part} photos"
    if dataset != name:
        return View(title, photos, streets.NAMES, streets.facade_remap())
    labels = DENSE_SETS[dataset]
    kept = [index for index, label in enumerate(labels) if label != "void"]
    remap = np.full(256, IGNORE)
    remap[kept] = np.arange(len(kept))
    return View(title, photos, [dense_names(labels[index])[0] for index in kept], remap)
