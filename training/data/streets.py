"""Street scenes put together from facade photos, cut-out objects and drawn poles, fences and signs.

A driving set divides a street by eleven names. Facade photos show six of them; the scenes made
here show all. Objects come from photos of the same part (train, validation, test) as the facade.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from training.data.crops import Pair, cut_objects, draw_street, paste, photometric, scaled
from training.data.photos import DENSE_CONCEPTS, FACADE, IGNORE, dense_photos, select

NAMES = (
    "sky", "building", "pole", "road", "pavement", "tree", "sign", "fence", "car", "pedestrian",
    "bicyclist",
)  # fmt: skip
#: The street name that covers a class of another set.
COVERED_BY = {
    "sky": "sky", "building": "building", "door": "building", "window": "building", "road": "road",
    "pavement": "pavement", "vegetation": "tree", "car": "car", "bus": "car",
    "person": "pedestrian", "bicycle": "bicyclist", "cyclist": "bicyclist", "pole": "pole",
    "plate": "sign", "fence": "fence",
}  # fmt: skip
#: Kinds of cut-out objects and how often each is drawn.
KINDS = ("person", "person", "rider", "car", "bicycle", "other")


@dataclass(frozen=True)
class StreetScene:
    """A scene; `pair` holds its photo uint8 [H, W, 3] and concepts uint8 [H, W]."""

    name: str
    pair: Pair

    def read_classes(self) -> tuple[Image.Image, np.ndarray]:
        """Photo and indexes of `NAMES` int [H, W], 255 where none is known."""
        return Image.fromarray(self.pair[0]), concept_remap()[self.pair[1]]


def street_scenes(data: Path, part: str, count: int | None = None) -> list[StreetScene]:
    """A scene for each facade photo of a part; the same scenes in every run."""
    sources = [p for name in ("voc2012", "msrc_v2") for p in select(dense_photos(data, name), part)]
    pieces = cut_objects(sources)
    facades = select(dense_photos(data, "labelmefacade"), part)[:count]
    return [
        StreetScene(f"{part}-{index}", put_together(photo.read(), pieces, f"{part}{index}"))
        for index, photo in enumerate(facades)
    ]


def put_together(pair: Pair, pieces: dict[str, list[Pair]], seed: str) -> Pair:
    """Photo and concepts of a scene on the ground of a facade photo."""
    rng = random.Random(seed)
    photo, labels = scaled(pair, rng.uniform(300, 420), rng, stretch=1.05)
    pair = (photo.copy(), labels.copy())
    for _ in range(rng.randint(2, 7)):
        paste(pair, rng.choice(pieces[rng.choice(KINDS)]), rng)
    photo, labels = draw_street(pair, rng)
    return (photometric(photo, rng) if rng.random() < 0.6 else photo), labels


def concept_remap() -> np.ndarray:
    """[256] concept to index of `NAMES`; 255 is ignored."""
    remap = np.full(256, IGNORE)
    for index, (_, label) in enumerate(DENSE_CONCEPTS):
        if label in COVERED_BY:
            remap[index] = NAMES.index(COVERED_BY[label])
    return remap


def facade_remap() -> np.ndarray:
    """[256] facade class index to index of `NAMES`; 255 is ignored."""
    remap = np.full(256, IGNORE)
    remap[: len(FACADE)] = [NAMES.index(COVERED_BY[label]) for label in FACADE]
    return remap
