"""Scoring one set, and what is said, printed and written about it."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from glaclip.cli.console import Console, UsageError, table
from glaclip.cli.given import output_folder, write
from glaclip.evaluation.data.classes import DatasetError
from glaclip.evaluation.data.datasets import Dataset
from glaclip.evaluation.data.layouts import Skip
from glaclip.evaluation.report.document import Document, worst_photos
from glaclip.evaluation.report.files import result_files
from glaclip.evaluation.report.tables import classes_table, photos_text, tables_of
from glaclip.evaluation.report.worst import WorstPhoto, worst_pictures
from glaclip.evaluation.run.evaluate import Evaluation, evaluate
from glaclip.evaluation.run.processes import Shard, Team
from glaclip.evaluation.run.setting import Entry, Run
from glaclip.evaluation.run.store import Store
from glaclip.segmenter import Segmenter
from glaclip.settings import WindowSettings

#: Photos that are named when they are left out; all of them are in scores.json.
_NAMED = 10


def shard_of(args: argparse.Namespace) -> Shard:
    """The part of the set asked for.

    Raises:
        UsageError: not i/n, or no folder to keep its counts in.
    """
    if args.shard is None:
        return Shard()
    try:
        shard = Shard.parse(args.shard)
    except ValueError as error:
        raise UsageError(f"--shard {error}") from error
    if args.out is None:
        raise UsageError("--shard needs --out DIR, where its counts are kept for --merge")
    return shard


def score_set(
    segmenter: Segmenter,
    dataset: Dataset,
    methods: Sequence[Entry],
    windows: WindowSettings,
    args: argparse.Namespace,
    *,
    folder: Path | None,
    team: Team,
    console: Console,
) -> Evaluation:
    """Scores a set with the processes there are, from the counts in a folder on.

    Raises:
        DatasetError: --strict, and a photo is missing or broken.
        StoreError: the folder holds counts of another run.
    """
    say_skipped(dataset.missing, console)
    if args.strict and dataset.missing:
        raise DatasetError(
            f"--strict: of {dataset.name} {photos_text(len(dataset.missing))} cannot be used"
        )
    shard = shard_of(args)
    store = None
    if folder is not None:
        run = Run.of(dataset, segmenter.backbone, windows)
        store = Store(folder, run, shard.file_name(team.rank))
    photos, classes = len(dataset.samples), len(dataset.vocabulary.classes)
    samples = shard.of(dataset.samples)
    part = f", of which part {shard.index} of {shard.count} here: {len(samples)}"
    console.say(
        f"{dataset.name}: {photos_text(photos)}, {classes} classes{part if shard.count > 1 else ''}"
    )
    console.errors_of_process(team.rank)
    evaluation = evaluate(
        segmenter,
        dataset,
        methods,
        windows,
        store=store,
        team=team,
        samples=samples,
        strict=args.strict,
        progress=console.progress,
    )
    say_skipped(evaluation.skipped[len(dataset.missing) :], console)
    return evaluation


def say_skipped(skipped: Sequence[Skip], console: Console) -> None:
    """Lists photos that are left out."""
    if not skipped:
        return
    lines = [f"  {skip.stem}: {skip.reason}" for skip in skipped[:_NAMED]]
    if len(skipped) > _NAMED:
        lines.append(f"  and {len(skipped) - _NAMED} more")
    count = "1 photo is" if len(skipped) == 1 else f"{len(skipped)} photos are"
    console.say("\n".join([f"{count} left out (--strict stops instead):", *lines]))


def pictures_of(
    segmenter: Segmenter, dataset: Dataset, evaluation: Evaluation, count: int, console: Console
) -> list[WorstPhoto]:
    """Pictures of the worst photos."""
    stems = [entry["photo"] for entry in worst_photos(evaluation, count)]
    if stems:
        console.say(f"Drawing the {len(stems)} worst photos")
    method = evaluation.methods[-1]
    return worst_pictures(segmenter, dataset, evaluation.run.windows, method, stems)


def write_results(
    document: Document,
    out: Path | None,
    json_file: Path | None,
    worst: Mapping[str, Sequence[WorstPhoto]],
    console: Console,
) -> None:
    """Writes the files asked for."""
    if json_file is not None:
        write(json_file, (json.dumps(document, indent=2, ensure_ascii=False) + "\n").encode())
    if out is not None:
        output_folder(out)
        files = result_files(document, worst)
        for name, text in files.items():
            write(out / name, text.encode())
        console.say(f"Wrote {', '.join(files)} to {out}")


def show(document: Document, per_class: bool, console: Console) -> None:
    """Prints the tables."""
    tables = tables_of(document)
    runs = document.get("runs", [document])
    if per_class:
        tables += [classes_table(run) for run in runs]
    parts = []
    for entry in tables:
        heading = f"{entry.title}\n\n" if len(tables) > 1 else ""
        notes = "\n".join(entry.notes)
        parts.append(f"{heading}{table(entry.heads, entry.rows)}\n\n{notes}".rstrip())
    console.result("\n\n".join(parts))
