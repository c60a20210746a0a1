"""Prints every figure of the model card: held-out photos, the ladder, words."""

from __future__ import annotations

import argparse
import dataclasses
import math
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from glaclip.attention.rows import attention_chunks
from glaclip.backbones.lite.backbone import LEXICON, TEMPLATES, WEIGHTS, LiteBackbone, load_lite
from glaclip.evaluation.score.metrics import confusion, mean_iou, pixel_accuracy
from glaclip.segmenter import Method, Segmentation, Segmenter
from glaclip.segmenter.method import parse_method
from glaclip.segmenter.seams import Pairs, boundary_errors
from glaclip.settings import AttentionSettings
from glaclip.vocabulary import ASSETS, Vocabulary, VocabularyClass
from training.data.photos import DENSE_SETS, dense_photos, select
from training.data.views import VIEWS, Photo, View, class_names, open_view
from training.data.words import TEST_SYNONYMS

#: Constants of attention that the command line may change.
CONSTANTS = ("threshold", "shift", "scale", "beta", "gamma")


def open_backbone(folder: Path, templates: tuple[str, ...] = TEMPLATES) -> LiteBackbone:
    """The backbone with the weights of a folder, and its lexicon if it has one of its own."""
    files = {name: folder / f"{name}.safetensors" for name in ("heads", "keys", "tower")}
    own = folder / LEXICON.name
    return load_lite(
        weights=files["heads"],
        keys=files["keys"],
        tower=files["tower"],
        templates=templates,
        lexicon=own if own.exists() else LEXICON,
    )


def vocabulary(prompts: Sequence[Sequence[str]]) -> Vocabulary:
    """One class for each group of synonyms."""
    return Vocabulary(tuple(VocabularyClass(words[0], tuple(words)) for words in prompts))


class Score:
    """Sums of one setting over a set of photos."""

    def __init__(self, classes: int) -> None:
        self.counts = np.zeros((classes, classes), dtype=np.int64)
        self.photos: list[np.ndarray] = []  # what each photo adds to the counts
        self.pairs = Pairs()
        self.windows = Pairs()

    def add(self, result: Segmentation, truth: np.ndarray) -> None:
        """Counts a photo in."""
        encoded = result.encoded
        self.photos.append(confusion(truth, result.labels, len(self.counts)))
        self.counts += self.photos[-1]
        self.pairs += boundary_errors(result.labels, truth, encoded.boxes, encoded.size)
        self.windows += result.window_pairs

    def __str__(self) -> str:
        return (
            f"mIoU {mean_iou(self.counts):.3f}  accuracy {pixel_accuracy(self.counts):.3f}  "
            f"BER {self.pairs.rate:.4f}  disagreement {self.windows.rate:.4f}"
        )

    def small_recall(self) -> tuple[float, int]:
        """Mean recall of classes under 2 % of the pixels, and how many there are."""
        pixels = self.counts.sum(1)
        small = (pixels > 0) & (pixels < 0.02 * pixels.sum())
        found = self.counts.diagonal()[small] / pixels[small]
        return (float(found.mean()) if small.any() else math.nan), int(small.sum())

    def gain(self, other: Score, draws: int = 1000) -> tuple[float, float]:
        """How much more mIoU than another setting on the same photos, and its standard error.

        The error is the deviation over sets of as many photos drawn from these (bootstrap).
        """
        mine, theirs = np.stack(self.photos), np.stack(other.photos)
        drawn = np.random.default_rng(0).integers(0, len(mine), (draws, len(mine)))
        gains = [mean_iou(mine[d].sum(0)) - mean_iou(theirs[d].sum(0)) for d in drawn]
        return mean_iou(self.counts) - mean_iou(other.counts), float(np.std(gains))

    def iou(self, labels: Sequence[str]) -> str:
        """IoU of each class that is there, for printing."""
        table = self.counts
        union = table.sum(0) + table.sum(1) - table.diagonal()
        present = table.sum(1) > 0
        return " ".join(
            f"{label} {table[i, i] / max(union[i], 1):.2f}"
            for i, label in enumerate(labels)
            if present[i]
        )


def score(
    segmenter: Segmenter,
    photos: Sequence[Photo],
    words: Vocabulary,
    settings: Mapping[str, AttentionSettings | Method | None],
    remap: np.ndarray | None = None,
    key_source: str | None = None,
) -> dict[str, Score]:
    """Scores of each setting; None stands for the identity baseline.

    Args:
        remap: [256] from the set's class indexes to those of `words`; 255 is ignored.
        key_source: one of the backbone's; None for its first.
    """
    scores = {name: Score(len(words.classes)) for name in settings}
    for photo in photos:
        image, truth = photo.read_classes()
        truth = truth if remap is None else remap[truth]
        encoded = segmenter.encode(image)
        for name, setting in settings.items():
            baseline = "identity" if setting is None else None
            source = None if isinstance(setting, Method) else key_source
            result = segmenter.segment(
                encoded, words, setting, baseline=baseline, key_source=source
            )
            scores[name].add(result, truth)
    return scores


def rungs(default: AttentionSettings) -> dict[str, AttentionSettings | None]:
    """Each window by itself, then the four rungs of the ladder."""
    names = ("off", "+context", "+anchors", "on")
    return {"identity": None, **dict(zip(names, AttentionSettings.ladder(default), strict=True))}


def collapsed(segmenter: Segmenter, photos: Iterable[Image.Image]) -> dict[str, float]:
    """Share of tokens that put more than 90 % of their weight on one token, by rung."""
    counts: dict[str, list[int]] = {}
    backbone = segmenter.backbone
    for photo in photos:
        tokens = segmenter.encode(photo).tokens
        for name, settings in rungs(backbone.default_attention).items():
            if settings is None:
                continue
            found = counts.setdefault(name, [0, 0])
            ((keys, _),) = backbone.keys(tokens, backbone.key_sources[0])
            with torch.inference_mode():
                for chunk in attention_chunks(keys, settings):
                    most = chunk.queries.expand(chunk.weights.amax(1, keepdim=True))
                    found[0] += int((most > 0.9).sum())
                    found[1] += len(most)
    return {name: some / total for name, (some, total) in counts.items()}


def print_dense(
    segmenter: Segmenter,
    view: View,
    detail: bool = True,
    key_source: str | None = None,
    collapse: int = 0,
    methods: Sequence[str] = (),
) -> None:
    """Each window by itself, off, on and, with `detail`, the ladder between; or other methods.

    Args:
        collapse: photos whose attention is looked at.
        methods: short names of what is scored instead.
    """
    ladder: dict[str, AttentionSettings | Method | None] = {
        **rungs(segmenter.backbone.default_attention)
    }
    if not detail:
        ladder = {name: ladder[name] for name in ("identity", "off", "on")}
    if methods:
        ladder = {
            name: parse_method(name, segmenter.backbone).with_keys(key_source) for name in methods
        }
    words = vocabulary([[name] for name in view.names])
    scores = score(segmenter, view.photos, words, ladder, view.remap, key_source)
    print(f"{view.title}, {len(view.names)} names")
    for name, result in scores.items():
        recall, number = result.small_recall()
        print(f"  {name:10s} {result}  recall of {number} small classes {recall:.3f}")
    for name in scores if methods else ("identity", "off"):
        if name != "on" and "on" in scores:
            gain, error = scores["on"].gain(scores[name])
            print(f"  on less {name}: mIoU {gain:+.4f} +- {error:.4f}")
    if detail and not methods:
        for name in ("identity", "off", "on"):
            print(f"  {name}: {scores[name].iou(view.names)}")
    if collapse:
        photos = [photo.read_classes()[0] for photo in view.photos[:collapse]]
        shares = collapsed(segmenter, photos)
        print("  collapsed: " + "  ".join(f"{n} {share:.2%}" for n, share in shares.items()))
    sys.stdout.flush()


def recall(counts: np.ndarray, index: int) -> float:
    """Share of a class's pixels that were found."""
    return float(counts[index, index] / max(counts[index].sum(), 1))


def print_synonyms(segmenter: Segmenter, data: Path, datasets: Sequence[str], part: str) -> None:
    """Recall of a class when asked by a word never trained, beside its trained name."""
    shares = []
    for dataset in datasets:
        labels, names = DENSE_SETS[dataset], class_names(dataset)
        photos = select(dense_photos(data, dataset), part)
        settings = {"on": segmenter.backbone.default_attention}
        base = score(segmenter, photos, vocabulary([[n] for n in names]), settings)["on"].counts
        for index, label in enumerate(labels):
            for word in TEST_SYNONYMS.get(label, ()):
                mine = [p for p in photos if (p.read_classes()[1] == index).mean() > 0.003]
                if not mine:
                    continue
                words = [[word if i == index else n] for i, n in enumerate(names)]
                there = score(segmenter, mine, vocabulary(words), settings)["on"].counts
                name_recall, word_recall = recall(base, index), recall(there, index)
                shares.append(word_recall / max(name_recall, 1e-6))
                print(f"  {dataset:14s} {names[index]:14s} {name_recall:.2f}  {word:12s} "
                      f"{word_recall:.2f}  kept {shares[-1]:.0%}")  # fmt: skip
    kept = np.minimum(shares, 1.0)
    print(f"  mean share kept {np.mean(kept):.2f}, words at 80 % or more: "
          f"{sum(s >= 0.8 for s in shares)} of {len(shares)}")  # fmt: skip


def print_left_out(
    segmenter: Segmenter, data: Path, names: Sequence[str], part: str
) -> list[tuple[float, float]]:
    """Recall of names that these heads were trained without, among all names of their set.

    Returns:
        By set and name, times the number of names: without attention, and with all of it.
    """
    ratios = []
    print("  set, name: recall without attention and with all three switches on")
    for dataset in ("msrc_v2", "voc2012", "labelmefacade"):
        labels = DENSE_SETS[dataset]
        asked = [i for i, label in enumerate(labels) if label in names]
        photos = [
            p for p in select(dense_photos(data, dataset), part)
            if np.isin(p.read_classes()[1], asked).mean() > 0.003
        ]  # fmt: skip
        if not photos:
            continue
        settings = {"identity": None, "on": segmenter.backbone.default_attention}
        words = vocabulary([[name] for name in class_names(dataset)])
        scores = score(segmenter, photos, words, settings)
        for index in asked:
            if scores["on"].counts[index].sum():
                alone, ours = (recall(scores[name].counts, index) for name in ("identity", "on"))
                ratios.append((alone * len(labels), ours * len(labels)))
                print(f"  {dataset:14s} {labels[index]:14s} {alone:.2f} {ours:.2f} "
                      f"= {ratios[-1][0]:.1f} and {ratios[-1][1]:.1f} x chance")  # fmt: skip
    return ratios


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--weights", type=Path, default=WEIGHTS.parent, help="their folder")
    parser.add_argument("--part", default="test", choices=("validation", "test"))
    parser.add_argument("--what", nargs="+", default=["dense", "synonyms", "examples"])
    parser.add_argument("--sets", nargs="+", default=VIEWS, choices=VIEWS, metavar="SET")
    parser.add_argument("--photos", type=int, help="the first photos of each set; all if left out")
    parser.add_argument("--collapse", type=int, default=4, help="photos a set whose weights count")
    parser.add_argument("--left-out", nargs="*", default=[])
    parser.add_argument("--key-source", help="keys of attention in the dense table")
    parser.add_argument("--methods", nargs="*", default=(), help="scored instead: off/splice ...")
    parser.add_argument("--brief", action="store_true", help="no rungs between, no classes")
    for field in CONSTANTS:
        parser.add_argument(f"--{field}", type=float)
    arguments = parser.parse_args()
    backbone = open_backbone(arguments.weights)
    changed = {f: getattr(arguments, f) for f in CONSTANTS if getattr(arguments, f) is not None}
    backbone.default_attention = dataclasses.replace(backbone.default_attention, **changed)
    # Enough to attend each photo once, whatever words are asked.
    segmenter = Segmenter(backbone, cache_bytes=3 * 2**29)
    if "dense" in arguments.what:
        for name in arguments.sets:
            view = open_view(arguments.data, name, arguments.part, arguments.photos)
            print_dense(
                segmenter,
                view,
                not arguments.brief,
                arguments.key_source,
                arguments.collapse,
                arguments.methods,
            )
    if "examples" in arguments.what:
        for path in sorted((ASSETS / "photos").glob("*.jpg")):
            shares = collapsed(segmenter, [Image.open(path).convert("RGB")])
            print(f"  {path.name:14s} " + "  ".join(f"{n} {v:.2%}" for n, v in shares.items()))
    if "synonyms" in arguments.what:
        print_synonyms(
            segmenter, arguments.data, ("msrc_v2", "voc2012", "labelmefacade"), arguments.part
        )
    if arguments.left_out:
        ratios = print_left_out(segmenter, arguments.data, arguments.left_out, arguments.part)
        alone, ours = np.mean(ratios, axis=0)
        print(f"  mean {alone:.1f} and {ours:.1f} x chance over {len(ratios)}")


if __name__ == "__main__":
    main()
