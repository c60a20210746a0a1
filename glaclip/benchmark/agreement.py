"""How many labels of the shipped photos stay in the fast precision, and in a narrower type.

`python -m glaclip.benchmark.agreement` measures what the program ships (dtypes.RECORDS): the
embedded backbone, and the paper's pair with random weights.
"""

from __future__ import annotations

import dataclasses
import json
import sys
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from glaclip.backbones.base import Backbone
from glaclip.backbones.dtypes import RECORDS, Record, photos_digest, write_records
from glaclip.backbones.registry import LITE, load, load_untrained
from glaclip.photo import load_photo
from glaclip.segmenter import Progress, Segmenter
from glaclip.settings import EXACT, FAST, AttentionSettings
from glaclip.vocabulary import ASSETS, parse_vocabulary

_MB = 2**20


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
    ways: Sequence[tuple[Segmenter, str]],
    settings: AttentionSettings,
    progress: Progress | None,
    photos: Collection[str] = (),
) -> list[Agreement]:
    """Each shipped photo with its words, segmented by two segmenters in their precisions."""
    folder = ASSETS / "photos"
    entries = json.loads((folder / "examples.json").read_text(encoding="utf-8"))
    entries = [entry for entry in entries if not photos or entry["file"] in photos]
    found = []
    for done, entry in enumerate(entries):
        if progress:
            progress("agreement", done, len(entries))
        photo, words = load_photo(folder / entry["file"]), parse_vocabulary(entry["vocabulary"])
        encoded = [segmenter.encode(photo) for segmenter, _ in ways]
        shares = []
        for switched in (settings.on(), settings.off()):
            left, right = (
                segmenter.segment(
                    tokens, words, dataclasses.replace(switched, precision=precision)
                ).labels
                for (segmenter, precision), tokens in zip(ways, encoded, strict=True)
            )
            shares.append(float(np.mean(left == right)))
        found.append(Agreement(entry["file"], *shares))
    return found


def precision_agreement(
    segmenter: Segmenter, settings: AttentionSettings, progress: Progress | None = None
) -> list[Agreement]:
    """Labels in the exact and the fast precision on each shipped photo.

    Args:
        segmenter: the backbone; its caches take part.
        settings: the constants.
        progress: called as ("agreement", photos done, photos).
    """
    return _agreement([(segmenter, EXACT), (segmenter, FAST)], settings, progress)


def dtype_agreement(
    single: Backbone,
    narrow: Backbone,
    weights: str,
    progress: Progress | None = None,
    photos: tuple[str, ...] = (),
) -> Record:
    """Labels of both backbones on each shipped photo with its words, their own best settings.

    Args:
        single: in float32.
        narrow: the same weights in bfloat16 or float16.
        weights: what they are, for people.
        progress: called as ("agreement", photos done, photos).
        photos: file names; all shipped ones when left out.
    """
    settings = single.default_attention
    ways = [(Segmenter(each, 512 * _MB), settings.precision) for each in (single, narrow)]
    shares = _agreement(ways, settings, progress, photos)
    return Record(
        backbone=single.name,
        weights=weights,
        fingerprint=single.fingerprint,
        photos=photos_digest(),
        dtype=str(narrow.dtype).removeprefix("torch."),
        on={share.photo: share.on for share in shares},
        off={share.photo: share.off for share in shares},
    )


def _main() -> None:
    kinds = (torch.float32, torch.bfloat16)
    pairs = {
        "embedded": [load(LITE, "cpu", kind) for kind in kinds],
        "random": [load_untrained("clip-b16", "cpu", kind) for kind in kinds],
    }
    records = []
    for weights, (single, narrow) in pairs.items():
        record = dtype_agreement(single, narrow, weights)
        records.append(record)
        sys.stderr.write(f"{record.backbone} ({weights}): {record.share:.4%}\n")
    write_records(RECORDS, records)


if __name__ == "__main__":
    _main()
