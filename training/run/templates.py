"""Compares sets of prompt templates on validation photos."""

from __future__ import annotations

import argparse
from pathlib import Path

from glaclip.backbones.lite.backbone import WEIGHTS
from glaclip.segmenter import Segmenter
from training.data.views import VIEWS, open_view
from training.run.measure import Score, open_backbone, vocabulary

SETS: dict[str, tuple[str, ...]] = {
    "word": ("{}",),
    "sentence": ("a photo of a {}.",),
    "word and sentence": ("{}", "a photo of a {}."),
    "as trained": ("{}", "a photo of a {}.", "the {}"),
    "five": ("{}", "a photo of a {}.", "a photo of the {}.", "the {}", "a {} in the scene."),
    "seven": (
        "{}", "a photo of a {}.", "a photo of the {}.", "the {}", "a {} in the scene.",
        "a photo of many {}.", "a close-up photo of a {}.",
    ),
}  # fmt: skip


def main() -> None:
    """Prints a table of template sets for each validation set."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--weights", type=Path, default=WEIGHTS.parent, help="their folder")
    parser.add_argument("--photos", type=int, default=40, help="validation photos a set")
    arguments = parser.parse_args()
    # One backbone each: templates are part of how untrained words are recognized.
    segmenters = {
        name: Segmenter(open_backbone(arguments.weights, templates))
        for name, templates in SETS.items()
    }
    settings = next(iter(segmenters.values())).backbone.default_attention
    for view in (open_view(arguments.data, v, "validation", arguments.photos) for v in VIEWS):
        words = vocabulary([[name] for name in view.names])
        scores = {(name, on): Score(len(view.names)) for name in SETS for on in (False, True)}
        for photo in view.photos:
            image, truth = photo.read_classes()
            truth = truth if view.remap is None else view.remap[truth]
            for name, segmenter in segmenters.items():
                encoded = segmenter.encode(image)
                for (_, on), score in ((k, s) for k, s in scores.items() if k[0] == name):
                    baseline = None if on else "identity"
                    # Coarse keys: the choice of words does not hang on them, and they are quick.
                    source = "coarse" if on else None
                    score.add(
                        segmenter.segment(
                            encoded, words, settings, baseline=baseline, key_source=source
                        ),
                        truth,
                    )
        print(f"{view.title}, {len(view.names)} names")
        for (name, on), score in scores.items():
            print(f"  {name:18s} {'on, coarse' if on else 'identity':10s} {score}", flush=True)


if __name__ == "__main__":
    main()
