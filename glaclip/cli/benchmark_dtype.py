"""What `benchmark` says of types of numbers and of kept words."""

from __future__ import annotations

import argparse
import dataclasses
from typing import Any

from glaclip.backbones.base import Backbone
from glaclip.backbones.dtypes import ENOUGH, Record, keep_record, narrow_type
from glaclip.benchmark.dtype_agreement import dtype_agreement
from glaclip.benchmark.words import WordCost, word_cost
from glaclip.cli.console import Console, table
from glaclip.cli.given import Loader, untrained

SINGLE = "float32"


def loader_of(args: argparse.Namespace, load: Loader) -> Loader:
    """How the benchmark starts backbones: as asked for, or with random weights."""
    return untrained if args.random_weights else load


def beside(args: argparse.Namespace, backbone: Backbone, load: Loader) -> dict[str, Backbone]:
    """Backbones by type for the rows of encoding; the one given does everything else.

    A type that was chosen ("auto") is shown beside float32.
    """
    own = str(backbone.dtype).removeprefix("torch.")
    found = {own: backbone}
    also = [SINGLE] if args.dtype == "auto" else []
    also += [args.also_dtype] if args.also_dtype else []
    for kind in also:
        if kind not in found:
            found[kind] = load(args.backbone, args.device, kind, args.weights)
    return found


def measure_dtype(
    args: argparse.Namespace, backbones: dict[str, Backbone], load: Loader, console: Console
) -> tuple[dict[str, Any], str]:
    """The agreement of labels, as JSON and text; kept for later choices on this computer."""
    first = next(iter(backbones.values()))
    kinds = SINGLE, str(narrow_type(first.device)).removeprefix("torch.")
    single, narrow = (
        backbones.get(kind) or load(args.backbone, args.device, kind, args.weights)
        for kind in kinds
    )
    weights = "random" if args.random_weights else "own"
    record = dtype_agreement(single, narrow, weights, console.progress)
    kept = keep_record(record)
    return dataclasses.asdict(record), _agreement_text(record, kept)


def _agreement_text(record: Record, kept: bool) -> str:
    rows = [[photo, f"{on:.4%}", f"{record.off[photo]:.4%}"] for photo, on in record.on.items()]
    off = sum(record.off.values()) / len(record.off)
    verdict = "enough" if record.share >= ENOUGH else "too few"
    said = "" if kept else " There is no folder to keep this in (GLACLIP_CACHE)."
    random = " of random weights" if record.weights == "random" else ""
    return (
        f"{table(['photo', 'on', 'off'], rows, left=(0,))}\n"
        f"Labels{random} equal in {record.dtype} and float32: {record.share:.4%} with all switches "
        f"on, {off:.4%} each window alone; --dtype auto asks for {ENOUGH:.1%} of the first: "
        f"{verdict}.{said}"
    )


def measure_words(backbone: Backbone) -> tuple[dict[str, Any], str]:
    """First and second start with the longest shipped list, as JSON and text."""
    found = word_cost(backbone)
    return dataclasses.asdict(found), _words_text(found)


def _words_text(found: WordCost) -> str:
    equal = "equal to the last bit" if found.equal else "NOT equal"
    return (
        f"Longest shipped list, {found.words} words, {found.texts:,} texts: first start "
        f"{found.first:.2f} s, second start {found.second:.4f} s (ratio "
        f"{found.second / found.first:.5f}), {equal}."
    )
