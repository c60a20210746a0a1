"""How many labels of the shipped photos are equal in two precisions, or in two types."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from glaclip.backbones.base import Backbone
from glaclip.backbones.dtypes import Record, photos_digest
from glaclip.photo import load_photo
from glaclip.segmenter.progress import Progress, unheard
from glaclip.segmenter.segmenter import Segmenter
from glaclip.settings import EXACT, FAST, AttentionSettings
from glaclip.vocabulary import ASSETS, parse_vocabulary

_MB = 2**20
#: One way of computing labels, made when its turn comes: the other may be gone by then.
Way = Callable[[], tuple[Segmenter, AttentionSettings]]


@dataclass(frozen=True)
class Agreement:
    """Share of a photo's pixels whose labels are equal both ways.

    Attributes:
        photo: file name.
        on: all switches on.
        off: each window alone.
    """

    photo: str
    on: float
    off: float


def _agreement(
    ways: Sequence[Way], progress: Progress | None, photos: Collection[str]
) -> list[Agreement]:
    """Each shipped photo with its words, both sides of it segmented in one way after the other."""
    folder = ASSETS / "photos"
    listed = json.loads((folder / "examples.json").read_text(encoding="utf-8"))
    entries = [entry for entry in listed if not photos or entry["file"] in photos]
    note, found = progress or unheard, []
    for turn, way in enumerate(ways):
        segmenter, settings = way()
        sides: list[list[NDArray[np.int16]]] = []
        for done, entry in enumerate(entries):
            note("agreement", turn * len(entries) + done, len(ways) * len(entries))
            encoded = segmenter.encode(load_photo(folder / entry["file"]))
            words = parse_vocabulary(entry["vocabulary"])
            switches = (settings.on(), settings.off())
            sides.append([segmenter.segment(encoded, words, each).labels for each in switches])
        found.append(sides)
    note("agreement", len(ways) * len(entries), len(ways) * len(entries))
    return [
        Agreement(entry["file"], *(float(np.mean(a == b)) for a, b in zip(*both, strict=True)))
        for entry, *both in zip(entries, *found, strict=True)
    ]


def precision_agreement(
    segmenter: Segmenter, settings: AttentionSettings, progress: Progress | None = None
) -> list[Agreement]:
    """Labels in the exact and the fast precision on each shipped photo.

    Args:
        segmenter: the backbone; its caches take part.
        settings: the constants.
        progress: called as ("agreement", photos done both ways, twice the photos).
    """

    def way(precision: str) -> Way:
        return lambda: (segmenter, dataclasses.replace(settings, precision=precision))

    return _agreement([way(EXACT), way(FAST)], progress, ())


def dtype_agreement(
    single: Backbone,
    narrowed: Callable[[], Backbone],
    weights: str,
    progress: Progress | None = None,
    photos: tuple[str, ...] = (),
) -> Record:
    """Labels of both backbones on each shipped photo with its words, their own best settings.

    Args:
        single: in float32.
        narrowed: gives the same weights in bfloat16 or float16; `single` is not used after it.
        weights: what they are, for people.
        progress: called as ("agreement", photos done in both types, twice the photos).
        photos: file names; all shipped ones when left out.
    """
    settings, fingerprint = single.default_attention, single.fingerprint
    narrow = ""

    def first() -> tuple[Segmenter, AttentionSettings]:
        return Segmenter(single, 512 * _MB), settings

    def second() -> tuple[Segmenter, AttentionSettings]:
        nonlocal narrow
        backbone = narrowed()
        narrow = str(backbone.dtype).removeprefix("torch.")
        return Segmenter(backbone, 512 * _MB), settings

    shares = _agreement([first, second], progress, photos)
    return Record(
        backbone=single.name,
        weights=weights,
        fingerprint=fingerprint,
        photos=photos_digest(photos),
        dtype=narrow,
        on={share.photo: share.on for share in shares},
        off={share.photo: share.off for share in shares},
    )
