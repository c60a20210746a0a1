"""The command `benchmark`: what each step costs on this computer."""

from __future__ import annotations

import argparse
import dataclasses
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from glaclip.backbones.base import Backbone
from glaclip.backbones.dtypes import keep_record, narrow_type
from glaclip.benchmark.costs import word_cost
from glaclip.benchmark.growth import YARDSTICK_SHAPES, growth, yardstick
from glaclip.benchmark.processes import WaitingError, page_ratios, page_rows, start_rows
from glaclip.benchmark.ratios import Row, benchmark, measure_memory
from glaclip.benchmark.towers import towers
from glaclip.cli import benchmark_text as text
from glaclip.cli.console import Console, UsageError
from glaclip.cli.options import Loader, RunOptions, check_writable, type_name, untrained, write
from glaclip.photo import load_photo
from glaclip.pictures.charts import png_of, ratio_chart
from glaclip.segmenter import Segmenter
from glaclip.segmenter.agreement import dtype_agreement, precision_agreement
from glaclip.settings import PRECISIONS
from glaclip.vocabulary import ASSETS, load_preset, parse_vocabulary

SINGLE = "float32"
#: What is measured on request, all of it by --all.
PARTS = ("towers", "yardstick", "growth", "agreement", "words", "start", "page")


@dataclass(frozen=True, kw_only=True)
class BenchmarkOptions(RunOptions):
    """The arguments of `benchmark`; `parts` are those of PARTS that were asked for."""

    photo: str | None
    vocabulary: str | None
    repeats: int
    also_dtype: str | None
    random_weights: bool
    no_memory: bool
    parts: frozenset[str]
    plot: Path | None
    json: Path | None

    @classmethod
    def of(cls, args: argparse.Namespace, **derived: Any) -> Self:
        """See `Options`."""
        if args.repeats < 1:
            raise UsageError(f"--repeats must be at least 1; received {args.repeats}")
        parts = frozenset(name for name in PARTS if args.all or getattr(args, name))
        return super().of(args, parts=parts, **derived)

    def load(self, load: Loader, name: str = "", dtype: str = "") -> Backbone:
        """See `BackboneOptions`; with --random-weights a real CLIP without its files."""
        return super().load(untrained if self.random_weights else load, name, dtype)

    def beside(self, backbone: Backbone, load: Loader) -> dict[str, Backbone]:
        """Backbones by type for the rows of encoding; the one given does everything else.

        A type that was chosen ("auto") is shown beside float32.
        """
        found = {type_name(backbone): backbone}
        for kind in (SINGLE if self.dtype == "auto" else None, self.also_dtype):
            if kind and kind not in found:
                found[kind] = self.load(load, dtype=kind)
        return found


def run_benchmark(options: BenchmarkOptions, load: Loader, console: Console) -> None:
    """Times every step."""
    photo = load_photo(options.photo or ASSETS / "photos" / "china.jpg")
    words = load_preset("everyday").vocabulary
    if options.vocabulary is not None:
        words = parse_vocabulary(options.vocabulary)
    for file in (options.json, options.plot):
        if file is not None:
            check_writable(file)
    backbone = options.start(load, console)
    backbones = options.beside(backbone, load)
    settings = options.attention(backbone)
    report = benchmark(
        backbones,
        photo,
        words,
        options.windows(backbone),
        settings,
        repeats=options.repeats,
        progress=console.progress,
    )
    console.result(text.times(report))
    document = report.document()

    def result(name: str, found: Any, said: str) -> None:
        document[name] = found
        console.result(f"\n{said}")

    if not options.no_memory:
        console.say("Measuring memory; this takes a minute or two")
        memory = measure_memory(settings=settings)
        result("memory", dataclasses.asdict(memory) if memory else None, text.memory(memory))
    ladder = [row for row in report.rows if row.group == "attention"]
    ratios = [(f"{row.name} / own window", row.median / ladder[0].median) for row in ladder]
    if "towers" in options.parts:
        console.say("Measuring real CLIP with random weights; this takes some minutes")
        pairs = towers(photo, options.repeats)
        result("towers", {"ratio": pairs.ratio, **dataclasses.asdict(pairs)}, text.towers(pairs))
    if "yardstick" in options.parts:
        console.say("Measuring beside the dense formulation; this takes a minute or two")
        sizes = [yardstick(shape, device=backbone.device) for shape in YARDSTICK_SHAPES]
        result("yardstick", _listed(sizes), "\n".join(map(text.yardstick, sizes)))
        ratios += [
            (f"{row.name}, {row.group}", row.median / one.rows[0].median)
            for one in sizes
            for row in one.rows
        ]
    if "growth" in options.parts:
        console.say("Measuring growth; this takes some minutes")
        grown = [growth(precision) for precision in PRECISIONS]
        result("growth", _listed([one for one in grown if one]), "\n".join(map(text.growth, grown)))
    if "agreement" in options.parts:
        shares = precision_agreement(Segmenter(backbone), settings, console.progress)
        result("agreement", _listed(shares), text.agreement(shares))
        _measure_dtype(options, backbones, load, console, result)
    if "words" in options.parts:
        cost = word_cost(backbone)
        result("words", dataclasses.asdict(cost), text.words(cost))
    if "start" in options.parts:
        device = str(backbone.device)
        rows = _measured(start_rows, options.backbone, device, options.weights)
        result("start", _medians(rows), text.start(rows))
    if "page" in options.parts:
        console.say("Measuring the page in a browser; this takes a minute or two")
        rows = _measured(
            page_rows, options.backbone, options.device, options.weights, options.repeats
        )
        result("page", _medians(rows), text.page(rows))
        ratios += [(f"{name} / {by}", ratio) for name, by, ratio, _ in page_ratios(rows)]
    if options.plot is not None:
        write(options.plot, png_of(ratio_chart(ratios)))
    if options.json is not None:
        write(options.json, (json.dumps(document, indent=2) + "\n").encode())


def _listed(values: Sequence[Any]) -> list[dict[str, Any]]:
    return [dataclasses.asdict(value) for value in values]


def _medians(rows: Sequence[Row]) -> dict[str, float]:
    return {row.name: row.median for row in rows}


def _measured(measure: Callable[..., list[Row]], *arguments: object) -> list[Row]:
    try:
        return measure(*arguments)
    except WaitingError as error:
        raise UsageError(str(error)) from error


def _measure_dtype(
    options: BenchmarkOptions,
    backbones: dict[str, Backbone],
    load: Loader,
    console: Console,
    result: Callable[[str, Any, str], None],
) -> None:
    """The agreement of labels of two types, which is kept for later choices on this computer."""
    device = next(iter(backbones.values())).device
    narrow = str(narrow_type(device)).removeprefix("torch.")

    def backbone(kind: str) -> Backbone:
        return backbones.get(kind) or options.load(load, dtype=kind)

    weights = "random" if options.random_weights else "own"
    record = dtype_agreement(backbone(SINGLE), lambda: backbone(narrow), weights, console.progress)
    said = text.dtype_agreement(record, kept=keep_record(record))
    result("dtype_agreement", dataclasses.asdict(record), said)
