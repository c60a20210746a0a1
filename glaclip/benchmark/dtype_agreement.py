"""How many labels of the shipped photos stay when they are encoded in a narrower type.

`python -m glaclip.benchmark.dtype_agreement` measures what the program ships (dtypes.RECORDS): the
embedded backbone, and the paper's pair with random weights.
"""

from __future__ import annotations

import json
import sys

import numpy as np
import torch

from glaclip.backbones.base import Backbone
from glaclip.backbones.dtypes import RECORDS, Record, photos_digest, write_records
from glaclip.backbones.registry import LITE, load, load_untrained
from glaclip.photo import load_photo
from glaclip.segmenter import Progress, Segmenter
from glaclip.vocabulary import ASSETS, parse_vocabulary

_MB = 2**20


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
    folder = ASSETS / "photos"
    entries = json.loads((folder / "examples.json").read_text(encoding="utf-8"))
    entries = [entry for entry in entries if not photos or entry["file"] in photos]
    both = [Segmenter(backbone, 512 * _MB) for backbone in (single, narrow)]
    shares: dict[str, dict[str, float]] = {"on": {}, "off": {}}
    for done, entry in enumerate(entries):
        if progress:
            progress("agreement", done, len(entries))
        photo, words = load_photo(folder / entry["file"]), parse_vocabulary(entry["vocabulary"])
        encoded = [segmenter.encode(photo) for segmenter in both]
        settings = single.default_attention
        for name, chosen in (("on", settings.on()), ("off", settings.off())):
            left, right = (
                segmenter.segment(tokens, words, chosen).labels
                for segmenter, tokens in zip(both, encoded, strict=True)
            )
            shares[name][entry["file"]] = float(np.mean(left == right))
    return Record(
        backbone=single.name,
        weights=weights,
        fingerprint=single.fingerprint,
        photos=photos_digest(),
        dtype=str(narrow.dtype).removeprefix("torch."),
        on=shares["on"],
        off=shares["off"],
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
