"""`python -m glaclip.benchmark.agreement`: the measurements of types that the program ships.

Those of the embedded backbone, and of the paper's pair with random weights (dtypes.RECORDS).
"""

from __future__ import annotations

import functools
import sys

import torch

from glaclip.backbones.dtypes import RECORDS, write_records
from glaclip.backbones.registry import LITE, load, load_untrained
from glaclip.segmenter.agreement import dtype_agreement


def _main() -> None:
    narrow = torch.bfloat16
    pairs = {
        "embedded": (load(LITE, "cpu", torch.float32), functools.partial(load, LITE)),
        "random": (
            load_untrained("clip-b16", "cpu", torch.float32),
            functools.partial(load_untrained, "clip-b16"),
        ),
    }
    records = []
    for weights, (single, again) in pairs.items():
        record = dtype_agreement(single, functools.partial(again, "cpu", narrow), weights)
        records.append(record)
        sys.stderr.write(f"{record.backbone} ({weights}): {record.share:.4%}\n")
    write_records(RECORDS, records)


if __name__ == "__main__":
    _main()
