"""`evaluate`: a set, the paper's table, or the merging of what other runs left."""

from __future__ import annotations

import argparse
from dataclasses import replace

from glaclip.backbones.base import Backbone
from glaclip.cli.console import Console, UsageError
from glaclip.cli.evaluate_merge import run_merge
from glaclip.cli.evaluate_paper import run_paper
from glaclip.cli.evaluate_set import pictures_of, score_set, shard_of, show, write_results
from glaclip.cli.given import (
    Loader,
    attention_of,
    check_writable,
    output_folder,
    start_backbone,
    windows_of,
)
from glaclip.evaluation.data.datasets import Dataset, open_dataset
from glaclip.evaluation.report.document import evaluation_document
from glaclip.evaluation.run.evaluate import CACHE_BYTES
from glaclip.evaluation.run.processes import Team, team_of_environment
from glaclip.evaluation.run.setting import Entry
from glaclip.segmenter import Segmenter
from glaclip.segmenter.method import parse_method
from glaclip.segmenter.word_store import WordStore
from glaclip.settings import RUNG_NAMES


def run_evaluate(args: argparse.Namespace, load: Loader, console: Console) -> None:
    """Scores methods, with all processes that torchrun started."""
    _check(args)
    if args.merge:
        run_merge(args, console)
        return
    team = team_of_environment()
    # One report and one progress line: the other processes speak only of what fails in their part.
    console.follow(team.rank)
    if args.paper:
        run_paper(args, load, console, team)
    else:
        _run_set(args, load, console, team)
    team.close()


def _check(args: argparse.Namespace) -> None:
    """Refuses what can be refused without data and weights."""
    asked = [name for name in ("dataset", "paper", "merge") if getattr(args, name)]
    if not asked:
        raise UsageError("give a DATASET, or --paper TABLE1 --data ROOT, or --merge DIRS")
    if args.merge and args.dataset:
        raise UsageError("--merge reads folders of counts and takes no DATASET")
    if args.paper and args.dataset:
        raise UsageError("--paper takes no DATASET; the folder that holds the sets is --data ROOT")
    if args.worst < 0:
        raise UsageError(f"--worst must be at least 0; received {args.worst}")
    if args.worst and args.out is None:
        raise UsageError("--worst needs --out DIR, where report.html is written")
    if args.worst and args.merge:
        raise UsageError("--worst needs photos and weights; --merge has neither")
    shard_of(args)
    if args.out is not None:
        output_folder(args.out)
    if args.json is not None:
        check_writable(args.json)


def _run_set(args: argparse.Namespace, load: Loader, console: Console, team: Team) -> None:
    dataset = _dataset_of(args)
    backbone = start_backbone(args, load, console)
    methods = _methods_of(args, backbone)
    segmenter = Segmenter(backbone, CACHE_BYTES, WordStore.of_this_user())
    evaluation = score_set(
        segmenter, dataset, methods, windows_of(args, backbone), args,
        folder=args.out, team=team, console=console,
    )  # fmt: skip
    if team.rank != 0:
        return
    document = evaluation_document(evaluation)
    worst = {}
    if args.worst:
        pictures = pictures_of(segmenter, dataset, evaluation, args.worst, console)
        worst[document["run"]] = pictures
    show(document, args.per_class, console)
    write_results(document, args.out, args.json, worst, console)


def _methods_of(args: argparse.Namespace, backbone: Backbone) -> list[Entry]:
    names = RUNG_NAMES if args.ladder else [args.switches] if args.switches else args.methods
    base = attention_of(args, backbone)
    found = (parse_method(name, backbone, base) for name in names or ("off", "on"))
    # --key-source changes no name: it is the same for all that name no keys of their own.
    entries = dict.fromkeys(map(Entry.of, found))
    return [replace(entry, method=entry.method.with_keys(args.key_source)) for entry in entries]


def _dataset_of(args: argparse.Namespace) -> Dataset:
    stems = None
    if args.list is not None:
        try:
            stems = args.list.read_text(encoding="utf-8-sig").split("\n")
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError("the list of photos cannot be read") from error
        stems = [stem.strip() for stem in stems if stem.strip()]
    return open_dataset(
        args.dataset,
        layout=args.layout,
        classes_from=args.classes_from,
        ignore=args.ignore,
        stems=stems,
        limit=args.limit,
    )
