"""`evaluate --paper`: every row of a table that data and weights allow, in its own settings."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from glaclip.backbones.base import Backbone, BackboneError
from glaclip.backbones.clip.backbone import ClipBackbone
from glaclip.backbones.registry import LITE, BackboneInfo, available
from glaclip.cli.console import Console, UsageError
from glaclip.cli.evaluate_arguments import EvaluateOptions
from glaclip.cli.evaluate_set import (
    Scorer,
    SetRun,
    check_measured,
    show,
    word_store,
    write_results,
)
from glaclip.cli.folder_type import load_for_folder
from glaclip.cli.options import Loader, described
from glaclip.evaluation.paper.comparison import windows_text
from glaclip.evaluation.paper.names import RELEASED
from glaclip.evaluation.paper.pace import seconds_of
from glaclip.evaluation.paper.plan import (
    Job,
    Place,
    Unstarted,
    find_sets,
    missing,
    plan_table,
    together,
)
from glaclip.evaluation.paper.table import BENCHMARKS, PAPER_BACKBONE, TABLES, Able
from glaclip.evaluation.report.document import Document, paper_document
from glaclip.evaluation.report.tables import photos_text
from glaclip.evaluation.run.evaluate import CACHE_BYTES
from glaclip.evaluation.run.team import Team
from glaclip.segmenter import Segmenter
from glaclip.serving.limits import duration
from glaclip.settings import PLAIN


def run_paper(
    options: EvaluateOptions, load: Loader, console: Console, scorer: Scorer, team: Team
) -> None:
    """Says what is missing, runs the rest, and prints ours beside the paper's.

    Raises:
        UsageError: no such set or row, or no set at all.
        BackboneError: none of the backbones can start.
    """
    assert options.paper is not None
    assert options.data is not None
    rows = [row.name for row in TABLES[options.paper]]
    _check("--sets", options.sets, list(BENCHMARKS))
    _check("--rows", options.rows, rows)
    unreadable: list[Path] = []
    found = find_sets(options.data, unreadable)
    for place in unreadable:
        console.say(f"{place} cannot be opened and is left out")
    places = [place for preset, place in found.items() if preset in (options.sets or found)]
    infos = _backbones(options)
    # What is missing comes before hours are spent.
    if lines := missing(places, infos, options.sets):
        console.say("\n".join(["Missing:", *(f"  {line}" for line in lines)]))
    if not places:
        raise UsageError(f"{options.data} holds none of the sets, or not where they are looked for")
    if options.plan:
        for info in infos:
            _plan_of(info, places, options, load, console)
        return
    runs: list[Document] = []

    def document(of: Sequence[Document]) -> Document:
        return paper_document(str(options.paper), options.settings, options.words, of)

    for backbone in _started(infos, options, load, console, team):
        segmenter = Segmenter(_as_asked(backbone, options), CACHE_BYTES, word_store())
        for jobs in together(_say_plan(backbone, places, options, console)):
            scored = [
                SetRun(
                    job.open(options.limit),
                    job.methods,
                    job.windows,
                    options.out / backbone.name / job.name if options.out else None,
                )
                for job in jobs
            ]
            if done := scorer.score(segmenter, scored):
                runs += done
                # After every set, so that a run that is stopped leaves the table so far.
                write_results(runs, document, options, scorer.worst, console)
    if scorer.reports:
        show(document(runs), options.per_class, console)
        check_measured(runs, options)


def _plan_of(
    info: BackboneInfo,
    places: Sequence[Place],
    options: EvaluateOptions,
    load: Loader,
    console: Console,
) -> None:
    """Says what would run with a backbone and, where it can start, how long that would take."""
    backbone = None
    # The embedded one needs no weights, and has other baselines.
    if info.ready or info.name == LITE:
        backbone = _as_asked(options.load(load, info.name), options)
    jobs = _say_plan(backbone or Unstarted(info.title), places, options, console)
    if backbone is None or not jobs:
        return
    groups = together(jobs)
    segmenter = Segmenter(backbone, CACHE_BYTES, word_store())
    console.say("Timing a photo of each set")
    seconds = seconds_of(
        segmenter, groups, lambda done: console.progress("evaluate", done, len(groups))
    )
    lines = [f"On this computer ({described(backbone)}), by that photo:"]
    for group, each in zip(groups, seconds, strict=True):
        titles = dict.fromkeys(BENCHMARKS[job.place.preset].title for job in group)
        lines.append(
            f"  {' and '.join(titles)}, windows {windows_text(group[0].windows)}: about "
            f"{duration(each)}"
        )
    console.say("\n".join([*lines, f"  all: about {duration(sum(seconds))}"]))


def _as_asked(backbone: Backbone, options: EvaluateOptions) -> Backbone:
    """With position embeddings resized as the settings say."""
    if options.settings == RELEASED and isinstance(backbone, ClipBackbone):
        return backbone.with_positions(PLAIN)
    return backbone


def _check(option: str, wanted: Sequence[str] | None, known: Sequence[str]) -> None:
    unknown = [name for name in wanted or () if name not in known]
    if unknown:
        raise UsageError(f"{option} must be among {', '.join(known)}; received {unknown[0]!r}")


def _backbones(options: EvaluateOptions) -> list[BackboneInfo]:
    """Those asked for: the paper's when nobody says, "all" whose weights are here, or a list."""
    infos = {info.name: info for info in available(options.weights)}
    if options.backbone == "auto":
        return [infos[PAPER_BACKBONE]]
    if options.backbone == "all":
        ready = [info for info in infos.values() if info.ready and info.name != LITE]
        return ready or [infos[PAPER_BACKBONE]]
    names = [name.strip() for name in options.backbone.split(",") if name.strip()]
    unknown = [name for name in names if name not in infos]
    if unknown or not names:
        raise UsageError(
            f"--backbone with --paper must be all, or names among {', '.join(infos)} joined by "
            f"commas; received {options.backbone!r}"
        )
    return [infos[name] for name in names]


def _started(
    infos: Sequence[BackboneInfo],
    options: EvaluateOptions,
    load: Loader,
    console: Console,
    team: Team,
) -> Iterator[Backbone]:
    """Backbones one after the other; those that cannot start are said, unless none can."""
    problem: BackboneError | None = None
    some = False
    for info in infos:
        try:
            backbone = load_for_folder(options, load, options.out, team, info.name)
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


def _say_plan(
    backbone: Able, places: Sequence[Place], options: EvaluateOptions, console: Console
) -> tuple[Job, ...]:
    """Says what will run, and what of the table cannot."""
    rows = TABLES[str(options.paper)]
    if options.rows:
        rows = tuple(row for row in rows if row.name in options.rows)
    plan = plan_table(rows, places, backbone, options.settings, options.words)
    for sentence in plan.impossible:
        console.say(f"Left out: {sentence}")
    lines = [f"To run with {backbone.title}:"]
    for job in plan.jobs:
        windows = windows_text(job.windows)
        lines.append(
            f"  {BENCHMARKS[job.place.preset].title}, {photos_text(job.place.photos)}, windows "
            f"{windows}, words of {job.words}: {', '.join(row.title for row in job.rows)}"
        )
    console.say("\n".join(lines))
    return plan.jobs
