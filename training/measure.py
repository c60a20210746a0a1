"""Prints every figure of the model card: held-out photos, the ladder, words."""

from __future__ import annotations

import argparse
import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from glaclip.backbones.lite.backbone import TEMPLATES, WEIGHTS, LiteBackbone, load_lite
from glaclip.backbones.lite.towers import ImageTower
from glaclip.evaluation.metrics import confusion, mean_iou, pixel_accuracy
from glaclip.seams import Pairs, boundary_errors
from glaclip.segmenter import Segmentation, Segmenter
from glaclip.settings import AttentionSettings
from glaclip.vocabulary import Vocabulary, VocabularyClass
from training.data import DENSE_SETS, dense_photos, select
from training.views import VIEWS, Photo, View, class_names, open_view
from training.words import TEST_SYNONYMS


class KeptTower(nn.Module):
    """An image tower that keeps its maps of windows on disk, so that heads can be compared."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.tower, self.folder = ImageTower(), folder
        folder.mkdir(parents=True, exist_ok=True)

    def forward(self, pixels: Tensor) -> tuple[Tensor, ...]:
        """The tower's maps, from the folder if they are there."""
        name = hashlib.sha1(pixels.numpy().tobytes()).hexdigest()
        path = self.folder / f"{name}.pt"
        if not path.exists():
            maps = tuple(m.half() for m in self.tower(pixels))
            torch.save(maps, path.with_suffix(".part"))
            path.with_suffix(".part").replace(path)
        return tuple(m.float() for m in torch.load(path, weights_only=True))

    def final(self, last: Tensor) -> Tensor:
        """As the tower's."""
        final: Tensor = self.tower.final(last)
        return final


def open_backbone(
    heads: Path, keep: Path | None, templates: tuple[str, ...] = TEMPLATES
) -> LiteBackbone:
    """The backbone with these heads; with `keep`, tower maps come from and go to that folder."""
    backbone = load_lite(weights=heads, templates=templates)
    if keep is not None:
        backbone._image = KeptTower(keep)  # type: ignore[assignment]
    return backbone


def vocabulary(prompts: Sequence[Sequence[str]]) -> Vocabulary:
    """One class for each group of synonyms."""
    return Vocabulary(tuple(VocabularyClass(words[0], tuple(words)) for words in prompts))


class Score:
    """Sums of one setting over a set of photos."""

    def __init__(self, classes: int) -> None:
        self.counts = np.zeros((classes, classes), dtype=np.int64)
        self.pairs = Pairs()

    def add(self, result: Segmentation, truth: np.ndarray) -> None:
        """Counts a photo in."""
        encoded = result.encoded
        self.counts += confusion(truth, result.labels, len(self.counts))
        self.pairs += boundary_errors(result.labels, truth, encoded.boxes, encoded.size)

    def __str__(self) -> str:
        return (
            f"mIoU {mean_iou(self.counts):.3f}  accuracy {pixel_accuracy(self.counts):.3f}  "
            f"BER {self.pairs.rate:.4f}"
        )

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
    settings: Mapping[str, AttentionSettings | None],
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
            result = segmenter.segment(
                encoded, words, setting, baseline=baseline, key_source=key_source
            )
            scores[name].add(result, truth)
    return scores


def print_dense(
    segmenter: Segmenter, view: View, detail: bool = True, key_source: str | None = None
) -> None:
    """Off, on, each window by itself and, with `detail`, the ladder between."""
    default = segmenter.backbone.default_attention
    rungs: dict[str, AttentionSettings | None] = dict(
        zip(("off", "+context", "+anchors", "on"), AttentionSettings.ladder(default), strict=True)
    )
    if not detail:
        rungs = {name: rungs[name] for name in ("off", "on")}
    rungs["identity"] = None
    words = vocabulary([[name] for name in view.names])
    scores = score(segmenter, view.photos, words, rungs, view.remap, key_source)
    print(f"{view.title}, {len(view.names)} names")
    for name, result in scores.items():
        print(f"  {name:10s} {result}")
    off, on = scores["off"].pairs.rate, scores["on"].pairs.rate
    print(f"  BER on / off {on / off:.2f}")
    for name in ("off", "on"):
        print(f"  {name}: {scores[name].iou(view.names)}", flush=True)


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
) -> list[float]:
    """Recall of names that these heads were trained without, among all names of their set."""
    ratios = []
    for dataset in ("msrc_v2", "voc2012", "labelmefacade"):
        labels = DENSE_SETS[dataset]
        asked = [i for i, label in enumerate(labels) if label in names]
        photos = [
            p for p in select(dense_photos(data, dataset), part)
            if np.isin(p.read_classes()[1], asked).mean() > 0.003
        ]  # fmt: skip
        if not photos:
            continue
        settings = {"on": segmenter.backbone.default_attention}
        words = vocabulary([[name] for name in class_names(dataset)])
        counts = score(segmenter, photos, words, settings)["on"].counts
        for index in asked:
            if counts[index].sum():
                ratios.append(recall(counts, index) * len(labels))
                print(f"  {dataset:14s} {labels[index]:14s} recall {recall(counts, index):.2f} "
                      f"= {ratios[-1]:.1f} x chance")  # fmt: skip
    return ratios


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--heads", type=Path, default=WEIGHTS)
    parser.add_argument("--keep", type=Path, help="folder that keeps the tower's maps")
    parser.add_argument("--part", default="test", choices=("validation", "test"))
    parser.add_argument("--what", nargs="+", default=["dense", "synonyms"])
    parser.add_argument("--sets", nargs="+", default=VIEWS, choices=VIEWS, metavar="SET")
    parser.add_argument("--left-out", nargs="*", default=[])
    parser.add_argument("--key-source", help="keys of attention in the dense table")
    parser.add_argument("--brief", action="store_true", help="off and on alone")
    arguments = parser.parse_args()
    # Enough to attend each photo once, whatever words are asked.
    segmenter = Segmenter(open_backbone(arguments.heads, arguments.keep), cache_bytes=3 * 2**30)
    if "dense" in arguments.what:
        for name in arguments.sets:
            view = open_view(arguments.data, name, arguments.part)
            print_dense(segmenter, view, not arguments.brief, arguments.key_source)
    if "synonyms" in arguments.what:
        print_synonyms(
            segmenter, arguments.data, ("msrc_v2", "voc2012", "labelmefacade"), arguments.part
        )
    if arguments.left_out:
        ratios = print_left_out(segmenter, arguments.data, arguments.left_out, arguments.part)
        print(f"  mean {np.mean(ratios):.1f} x chance over {len(ratios)}")


if __name__ == "__main__":
    main()
