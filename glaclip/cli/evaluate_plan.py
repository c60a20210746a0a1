"""What `evaluate --paper` will run, and what is missing, before hours are spent."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass

from glaclip.backbones.clip.last_block import BASELINES, KEY_SOURCES
from glaclip.backbones.registry import LITE, BackboneInfo
from glaclip.cli.console import Console
from glaclip.cli.given import Loader
from glaclip.evaluation.data.layouts import LAYOUTS, layout_of
from glaclip.evaluation.paper.plan import Job, Place, plan_table
from glaclip.evaluation.paper.table import BENCHMARKS, TABLES, Able
from glaclip.evaluation.report.tables import photos_text


def say_missing(
    places: Sequence[Place],
    infos: Sequence[BackboneInfo],
    sets: Sequence[str] | None,
    console: Console,
) -> None:
    """What is not here, how large it is and where it comes from, before hours are spent."""
    lines = []
    for info in infos:
        for file in info.missing:
            lines.append(f"  weights of {info.name}: {file}, {file.license}, from the model hub")
    found = {place.preset: place for place in places}
    absent: dict[str, list[str]] = {}
    for preset, benchmark in BENCHMARKS.items():
        if sets and preset not in sets:
            continue
        place = found.get(preset)
        if place is None:
            absent.setdefault(benchmark.download, []).append(benchmark.title)
        elif not place.whole:
            of = LAYOUTS[layout_of(preset)].photos
            lines.append(
                f"  {benchmark.title}: {place.photos} of {of} photos are in {place.folder}"
            )
    lines += [f"  {', '.join(titles)}: {download}" for download, titles in absent.items()]
    if lines:
        console.say("\n".join(["Missing:", *lines]))


@dataclass
class _Unstarted:
    """What real CLIP can do, known without its weights."""

    title: str
    key_sources: tuple[str, ...] = tuple(KEY_SOURCES)
    baselines: tuple[str, ...] = tuple(BASELINES)
    pixel_multiple: int = 1


def unstarted(info: BackboneInfo, load: Loader, args: argparse.Namespace) -> Able:
    """A backbone for planning, which needs no weights."""
    if info.name == LITE:  # needs no weights, and has other baselines
        return load(info.name, args.device, args.dtype, args.weights)
    return _Unstarted(info.title)


def say_plan(
    backbone: Able, places: Sequence[Place], args: argparse.Namespace, console: Console
) -> tuple[Job, ...]:
    """Says what will run, and what of the table cannot."""
    rows = [row for row in TABLES[args.paper] if not args.rows or row.name in args.rows]
    plan = plan_table(rows, places, backbone, args.settings, args.words)
    for sentence in plan.impossible:
        console.say(f"Left out: {sentence}")
    jobs = (f"  {_described(job)}" for job in plan.jobs)
    console.say("\n".join([f"To run with {backbone.title}:", *jobs]))
    return plan.jobs


def _described(job: Job) -> str:
    title = BENCHMARKS[job.place.preset].title
    windows = f"{job.windows.short_side}/{job.windows.crop}/{job.windows.stride}"
    rows = ", ".join(row.title for row in job.rows)
    return (
        f"{title}, {photos_text(job.place.photos)}, windows {windows}, words of {job.words}: {rows}"
    )
