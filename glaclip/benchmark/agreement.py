"""How many labels of the shipped photos stay when attention is computed in the fast precision."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass

import numpy as np

from glaclip.photo import load_photo
from glaclip.segmenter import Progress, Segmenter
from glaclip.settings import FAST, AttentionSettings
from glaclip.vocabulary import ASSETS, parse_vocabulary


@dataclass(frozen=True)
class Agreement:
    """Share of a photo's pixels whose labels are equal in both precisions.

    Attributes:
        photo: file name.
        on: all switches on.
        off: each window alone.
    """

    photo: str
    on: float
    off: float


def agreement(
    segmenter: Segmenter, settings: AttentionSettings, progress: Progress | None = None
) -> list[Agreement]:
    """Each shipped photo with its words.

    Args:
        segmenter: the backbone; its caches take part.
        settings: the constants.
        progress: called as ("agreement", photos done, photos).
    """
    folder = ASSETS / "photos"
    entries = json.loads((folder / "examples.json").read_text(encoding="utf-8"))
    found = []
    for done, entry in enumerate(entries):
        if progress:
            progress("agreement", done, len(entries))
        encoded = segmenter.encode(load_photo(folder / entry["file"]))
        words = parse_vocabulary(entry["vocabulary"])
        shares = []
        for exact in (settings.on(), settings.off()):
            fast = dataclasses.replace(exact, precision=FAST)
            labels = [segmenter.segment(encoded, words, each).labels for each in (exact, fast)]
            shares.append(float(np.mean(labels[0] == labels[1])))
        found.append(Agreement(entry["file"], *shares))
    return found
