"""Compares attention constants on validation photos."""

from __future__ import annotations

import argparse
import dataclasses
import itertools
from pathlib import Path

from glaclip.backbones.lite.backbone import WEIGHTS
from glaclip.segmenter import Segmenter
from training.data.views import VIEWS, open_view
from training.run.measure import open_backbone, score, vocabulary


def main() -> None:
    """Prints a table of settings for each validation set."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--weights", type=Path, default=WEIGHTS.parent, help="their folder")
    parser.add_argument("--photos", type=int, default=30, help="validation photos a set")
    parser.add_argument("--threshold", nargs="+", type=float, default=[0.5, 0.6, 0.7])
    parser.add_argument("--iterations", nargs="+", type=int, default=[2])
    parser.add_argument("--shift", nargs="+", type=float, default=[0.3])
    parser.add_argument("--scale", nargs="+", type=float, default=[30.0])
    parser.add_argument("--beta", nargs="+", type=float, default=[1.2])
    parser.add_argument("--gamma", nargs="+", type=float, default=[3.0])
    parser.add_argument("--off", action="store_true", help="vary beta and gamma, switches off")
    arguments = parser.parse_args()
    segmenter = Segmenter(open_backbone(arguments.weights), cache_bytes=2**28)
    base = segmenter.backbone.default_attention
    fields = ("beta", "gamma") if arguments.off else ("threshold", "iterations", "shift", "scale")
    settings = {}
    for values in itertools.product(*(getattr(arguments, field) for field in fields)):
        changed = dataclasses.replace(base, **dict(zip(fields, values, strict=True)))
        name = " ".join(f"{f} {v:g}" for f, v in zip(fields, values, strict=True))
        settings[name] = changed.off() if arguments.off else changed
    if not arguments.off:
        settings = {"off": base.off(), **settings}
    for view in (open_view(arguments.data, v, "validation", arguments.photos) for v in VIEWS):
        words = vocabulary([[name] for name in view.names])
        print(f"{view.title}, {len(view.names)} names")
        results = score(segmenter, view.photos, words, settings, view.remap)
        for name, result in results.items():
            print(f"  {name:50s} {result}", flush=True)


if __name__ == "__main__":
    main()
