"""The command `benchmark`: what each step costs on this computer."""

from __future__ import annotations

import argparse
import dataclasses
import json
from collections.abc import Callable

from glaclip.benchmark.agreement import Agreement, agreement
from glaclip.benchmark.growth import YARDSTICK_SHAPES, Growth, Yardstick, growth, yardstick
from glaclip.benchmark.processes import WaitingError, page_ratios, page_rows, start_rows
from glaclip.benchmark.ratios import Memory, Report, Row, benchmark, measure_memory
from glaclip.cli.benchmark_dtype import beside, loader_of, measure_dtype, measure_words
from glaclip.cli.console import Console, UsageError, table
from glaclip.cli.given import (
    Loader,
    attention_of,
    check_writable,
    start_backbone,
    windows_of,
    write,
)
from glaclip.photo import load_photo
from glaclip.pictures.charts import png_of, ratio_chart
from glaclip.segmenter import Segmenter
from glaclip.settings import PRECISIONS
from glaclip.vocabulary import ASSETS, load_preset, parse_vocabulary


def run_benchmark(args: argparse.Namespace, load: Loader, console: Console) -> None:
    """Times every step."""
    if args.repeats < 1:
        raise UsageError(f"--repeats must be at least 1; received {args.repeats}")
    photo = load_photo(args.photo or ASSETS / "photos" / "china.jpg")
    words = load_preset("everyday").vocabulary
    if args.vocabulary is not None:
        words = parse_vocabulary(args.vocabulary)
    if args.all:
        args.yardstick = args.growth = args.agreement = args.page = args.start = args.words = True
    for file in (args.json, args.plot):
        if file is not None:
            check_writable(file)
    load = loader_of(args, load)
    backbone = start_backbone(args, load, console)
    backbones = beside(args, backbone, load)
    report = benchmark(
        backbones,
        photo,
        words,
        windows_of(args, backbone),
        attention_of(args, backbone),
        repeats=args.repeats,
        progress=console.progress,
    )
    print(_times_table(report))
    document = report.document()
    if not args.no_memory:
        console.say("Measuring memory; this takes a minute or two")
        memory = measure_memory(settings=attention_of(args, backbone))
        document["memory"] = dataclasses.asdict(memory) if memory else None
        print("\n" + _memory_text(memory))
    found: list[Yardstick] = []
    if args.yardstick:
        console.say("Measuring beside the dense formulation; this takes a minute or two")
        found = [yardstick(shape, device=backbone.device) for shape in YARDSTICK_SHAPES]
        document["yardstick"] = [dataclasses.asdict(one) for one in found]
        print("\n" + "\n".join(map(_yardstick_text, found)))
    if args.growth:
        console.say("Measuring growth; this takes some minutes")
        grown = [growth(precision) for precision in PRECISIONS]
        document["growth"] = [dataclasses.asdict(one) for one in grown if one]
        print("\n" + "\n".join(map(_growth_text, grown)))
    if args.agreement:
        shares = agreement(Segmenter(backbone), attention_of(args, backbone), console.progress)
        document["agreement"] = [dataclasses.asdict(share) for share in shares]
        print("\n" + _agreement_text(shares))
        document["dtype_agreement"], text = measure_dtype(args, backbones, load, console)
        print("\n" + text)
    if args.words:
        document["words"], text = measure_words(backbone)
        print("\n" + text)
    bars = [
        (f"{row.name}, {row.group}", row.median / one.rows[0].median)
        for one in found
        for row in one.rows
    ]
    if args.start:
        started = _sentence(lambda: start_rows(args.backbone, str(backbone.device), args.weights))
        document["start"] = {row.name: row.median for row in started}
        print("\n" + _start_text(started))
    if args.page:
        console.say("Measuring the page in a browser; this takes a minute or two")
        waited = _sentence(
            lambda: page_rows(args.backbone, args.device, args.weights, args.repeats)
        )
        document["page"] = {row.name: row.median for row in waited}
        print("\n" + _page_text(waited))
        bars += [(f"{name} / {by}", ratio) for name, by, ratio, _ in page_ratios(waited)]
    if args.plot is not None:
        ladder = [row for row in report.rows if row.group == "attention"]
        own = ladder[0].median
        bars = [(f"{row.name} / own window", row.median / own) for row in ladder] + bars
        write(args.plot, png_of(ratio_chart(bars)))
    if args.json is not None:
        write(args.json, (json.dumps(document, indent=2) + "\n").encode())


def _sentence(measure: Callable[[], list[Row]]) -> list[Row]:
    try:
        return measure()
    except WaitingError as error:
        raise UsageError(str(error)) from error


def _page_text(rows: list[Row]) -> str:
    times = [[row.name, f"{1000 * row.median:.0f}"] for row in rows]
    ratios = [
        [f"{name} / {by}", f"{ratio:.2f}", f"{most:g}"]
        for name, by, ratio, most in page_ratios(rows)
    ]
    return (
        f"{table(['page in a browser', 'milliseconds'], times, left=(0,))}\n\n"
        f"{table(['page', 'ratio', 'at most'], ratios, left=(0,))}"
    )


def _start_text(rows: list[Row]) -> str:
    times = [[row.name, f"{1000 * row.median:.0f}"] for row in rows]
    return table(["start-up", "milliseconds"], times, left=(0,))


def _yardstick_text(found: Yardstick) -> str:
    dense, *others = found.rows
    said = "; ".join(
        f"{row.name} {row.median:.3g} s ({dense.median / row.median:.1f} times as fast, "
        f"{found.apart[row.name]:.1g} apart)"
        for row in others
    )
    return f"Attention, {dense.group}: {dense.name} {dense.median:.3g} s; {said}."


def _growth_text(found: Growth | None) -> str:
    if found is None:
        return "Growth is measured on Linux only."
    rows = [
        [f"{size.tokens:,}", f"{size.seconds:.2f}", f"{size.extra / 2**20:.0f}"]
        for size in found.sizes
    ]
    memory = "" if found.memory is None else f", memory as N^{found.memory:.2f}"
    return (
        f"{table(['tokens', 'seconds', 'MB'], rows)}\n"
        f"Attention, {found.precision}: time grows as N^{found.time:.2f}{memory}."
    )


def _agreement_text(shares: list[Agreement]) -> str:
    rows = [[share.photo, f"{share.on:.4%}", f"{share.off:.4%}"] for share in shares]
    on = sum(share.on for share in shares) / len(shares)
    off = sum(share.off for share in shares) / len(shares)
    return (
        f"{table(['photo', 'on', 'off'], rows, left=(0,))}\n"
        f"Labels equal in both precisions: {on:.4%} with all switches on, {off:.4%} each "
        "window alone."
    )


def _times_table(report: Report) -> str:
    rows = [
        [row.group, row.name, f"{1000 * row.median:.1f}", f"{ratio:.2f}"]
        for row, ratio in zip(report.rows, report.ratios(), strict=True)
    ]
    shapes = report.shapes
    about = (
        f"{report.backbone['title']} on {report.backbone['device']}, {report.threads} threads; "
        f"{shapes['windows']} windows, {shapes['tokens']} tokens, keys {shapes['keys']}, values "
        f"{shapes['values']}, {shapes['prompts']} prompts.\nMedian of "
        f"{len(report.rows[0].seconds)}, taken in turns; ratio to the first row of the step."
    )
    heads = ["step", "", "milliseconds", "ratio"]
    return f"{table(heads, rows, left=(0, 1))}\n\n{about}"


def _memory_text(memory: Memory | None) -> str:
    if memory is None:
        return "Memory of attention is measured on Linux only."
    windows, tokens, key_size, value_size = memory.shape
    return (
        f"Memory of attention, {windows * tokens} tokens (keys of {key_size}, values of "
        f"{value_size}): {memory.extra / 2**20:.0f} MB beyond {memory.inputs / 2**20:.0f} MB of "
        f"inputs and {memory.outputs / 2**20:.0f} MB of outputs; {memory.seconds:.0f} s."
    )
