"""`evaluate --paper`: every row of a table that data and weights allow, in its own settings."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence

from glaclip.backbones.base import Backbone, BackboneError
from glaclip.backbones.registry import LITE, BackboneInfo, available
from glaclip.cli.arguments import CONSTANTS
from glaclip.cli.console import Console, UsageError
from glaclip.cli.evaluate_plan import say_missing, say_plan, unstarted
from glaclip.cli.evaluate_set import pictures_of, score_set, show, write_results
from glaclip.cli.given import Loader, described
from glaclip.evaluation.paper.plan import Place, find_sets
from glaclip.evaluation.paper.table import BENCHMARKS, PAPER_BACKBONE, TABLES
from glaclip.evaluation.report.document import Document, evaluation_document, paper_document
from glaclip.evaluation.report.worst import WorstPhoto
from glaclip.evaluation.run.evaluate import CACHE_BYTES
from glaclip.evaluation.run.processes import Team
from glaclip.segmenter import Segmenter
from glaclip.segmenter.word_store import WordStore

#: Options that the table sets by itself.
_FIXED = (
    *((field, option) for option, field, _, _ in CONSTANTS),
    *((name, f"--{name.replace('_', '-')}") for name in ("short_side", "crop", "stride")),
    ("methods", "--methods"), ("switches", "--switches"), ("key_source", "--key-source"),
    ("classes_from", "--classes-from"), ("list", "--list"),
)  # fmt: skip


def run_paper(args: argparse.Namespace, load: Loader, console: Console, team: Team) -> None:
    """Says what is missing, runs the rest, and prints ours beside the paper's.

    Raises:
        UsageError: options that do not go with --paper, or no set at all.
        BackboneError: none of the backbones can start.
    """
    _check(args)
    places = _wanted(find_sets(args.data), args.sets)
    infos = _backbones(args)
    say_missing(places, infos, args.sets, console)
    if not places:
        raise UsageError(f"{args.data} holds none of the sets, or not where they are looked for")
    runs: list[Document] = []
    worst: dict[str, list[WorstPhoto]] = {}
    if args.plan:
        for info in infos:
            say_plan(unstarted(info, load, args), places, args, console)
        return
    for backbone in _started(infos, args, load, console):
        _run_jobs(backbone, places, args, console, team, runs, worst)
    if team.rank == 0:
        show(_document(args, runs), args.per_class, console)


def _check(args: argparse.Namespace) -> None:
    given = [option for name, option in _FIXED if getattr(args, name) is not None]
    given += ["--ladder"] if args.ladder else []
    if given:
        raise UsageError(
            f"--paper sets {', '.join(given)} by itself; leave that out, or evaluate a DATASET"
        )
    if args.data is None:
        raise UsageError("--paper needs --data ROOT, the folder that holds the sets")
    rows = [row.name for row in TABLES[args.paper]]
    for option, wanted, known in (
        ("--sets", args.sets, list(BENCHMARKS)),
        ("--rows", args.rows, rows),
    ):
        unknown = [name for name in wanted or () if name not in known]
        if unknown:
            raise UsageError(f"{option} must be among {', '.join(known)}; received {unknown[0]!r}")


def _wanted(found: dict[str, Place], sets: Sequence[str] | None) -> list[Place]:
    return [place for preset, place in found.items() if not sets or preset in sets]


def _backbones(args: argparse.Namespace) -> list[BackboneInfo]:
    """Those asked for: the paper's when nobody says, "all" whose weights are here, or a list."""
    infos = {info.name: info for info in available(args.weights)}
    if args.backbone == "auto":
        return [infos[PAPER_BACKBONE]]
    if args.backbone == "all":
        ready = [info for info in infos.values() if info.ready and info.name != LITE]
        return ready or [infos[PAPER_BACKBONE]]
    names = [name.strip() for name in args.backbone.split(",") if name.strip()]
    unknown = [name for name in names if name not in infos]
    if unknown or not names:
        raise UsageError(
            f"--backbone with --paper must be all, or names among {', '.join(infos)} joined by "
            f"commas; received {args.backbone!r}"
        )
    return [infos[name] for name in names]


def _started(
    infos: Sequence[BackboneInfo], args: argparse.Namespace, load: Loader, console: Console
) -> Iterator[Backbone]:
    """Backbones one after the other; those that cannot start are said, unless none can."""
    problem: BackboneError | None = None
    some = False
    for info in infos:
        try:
            backbone = load(info.name, args.device, args.dtype, args.weights)
        except BackboneError as error:
            problem = error
            if len(infos) > 1:
                console.say(str(error))
            continue
        some = True
        console.say(f"Backbone: {described(backbone)}")
        yield backbone
    if problem is not None and not some:
        raise problem


def _run_jobs(
    backbone: Backbone,
    places: Sequence[Place],
    args: argparse.Namespace,
    console: Console,
    team: Team,
    runs: list[Document],
    worst: dict[str, list[WorstPhoto]],
) -> None:
    segmenter = Segmenter(backbone, CACHE_BYTES, WordStore.of_this_user())
    for job in say_plan(backbone, places, args, console):
        dataset = job.open(args.limit)
        folder = args.out / backbone.name / job.name if args.out else None
        evaluation = score_set(
            segmenter, dataset, job.methods, job.windows, args,
            folder=folder, team=team, console=console,
        )  # fmt: skip
        if team.rank != 0:
            continue
        document = evaluation_document(evaluation)
        if args.worst:
            worst[document["run"]] = pictures_of(
                segmenter, dataset, evaluation, args.worst, console
            )
        runs.append(document)
        # After every set, so that a run that is stopped leaves the table so far.
        write_results(_document(args, runs), args.out, args.json, worst, console)


def _document(args: argparse.Namespace, runs: Sequence[Document]) -> Document:
    return paper_document(args.paper, args.settings, args.words, runs)
