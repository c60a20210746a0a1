"""What the commands of the command line do, once their arguments are read."""

from __future__ import annotations

import argparse
import dataclasses
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PIL import Image

from glaclip.backbones.base import Backbone
from glaclip.cli.console import Console, UsageError, table
from glaclip.evaluation.benchmark import (
    Memory,
    Report,
    Row,
    benchmark,
    measure_memory,
    yardstick,
)
from glaclip.evaluation.datasets import Dataset, DatasetError, open_dataset
from glaclip.evaluation.evaluate import CACHE_BYTES as EVALUATION_CACHE
from glaclip.evaluation.evaluate import evaluate, evaluation_document
from glaclip.evaluation.store import Store, StoreError, run_key
from glaclip.methods import NamedMethod, method_title, parse_method
from glaclip.photo import PhotoError, load_photo
from glaclip.pictures.attention import attention_panels
from glaclip.pictures.export import SIDES, result_document, result_files
from glaclip.pictures.numbers import percent
from glaclip.pictures.palette import palette
from glaclip.segmenter import Segmentation, Segmenter
from glaclip.settings import (
    ATTENTION_PRESETS,
    RUNG_NAMES,
    STAGES,
    AttentionSettings,
    SettingsError,
    WindowSettings,
)
from glaclip.vocabulary import (
    ASSETS,
    Vocabulary,
    VocabularyError,
    load_preset,
    parse_vocabulary,
)

#: What a person can mend: reported as one sentence.
FORESEEN = (PhotoError, VocabularyError, SettingsError, DatasetError, StoreError)

#: Starts a backbone: (name, device, dtype, weights folder). Tests pass their own.
Loader = Callable[[str, str, str, str | None], Backbone]


def load_registered(name: str, device: str, dtype: str, weights: str | None) -> Backbone:
    """Starts a backbone of the registry; "auto" as device takes the best one there is."""
    import torch

    from glaclip.backbones.registry import load
    from glaclip.backbones.zero_gpu import default_device

    place = default_device() if device == "auto" else device
    return load(name, place, getattr(torch, dtype), weights)


def _given(args: argparse.Namespace, *fields: str) -> dict[str, Any]:
    values = {field: getattr(args, field) for field in fields}
    return {field: value for field, value in values.items() if value is not None}


def attention_of(args: argparse.Namespace, backbone: Backbone) -> AttentionSettings:
    """The constants asked for, on the backbone's or a preset's."""
    base = ATTENTION_PRESETS.get(args.constants, backbone.default_attention)
    fields = ("threshold", "iterations", "shift", "scale", "beta", "gamma")
    return dataclasses.replace(base, **_given(args, *fields))


def windows_of(args: argparse.Namespace, backbone: Backbone) -> WindowSettings:
    """The windows asked for, on the backbone's."""
    return dataclasses.replace(
        backbone.default_windows, **_given(args, "short_side", "crop", "stride")
    )


def _start_backbone(args: argparse.Namespace, load: Loader, console: Console) -> Backbone:
    backbone = load(args.backbone, args.device, args.dtype, args.weights)
    console.say(f"Backbone: {backbone.title} ({backbone.name}, {backbone.device})")
    if args.key_source is not None and args.key_source not in backbone.key_sources:
        raise UsageError(
            f"--key-source must be one of {', '.join(backbone.key_sources)} for "
            f"{backbone.title}; received {args.key_source!r}"
        )
    return backbone


def _output_folder(path: Path) -> Path:
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"the folder for results cannot be made: {error.strerror}") from error
    return path


def _check_writable(path: Path) -> None:
    try:
        path.open("ab").close()
    except OSError as error:
        raise UsageError(f"{path.name} cannot be written: {error.strerror}") from error


def _write(path: Path, content: bytes) -> None:
    try:
        path.write_bytes(content)
    except OSError as error:
        raise UsageError(f"{path.name} cannot be written: {error.strerror}") from error


def vocabulary_of(args: argparse.Namespace) -> Vocabulary:
    """The vocabulary asked for.

    Raises:
        UsageError: a file that cannot be read, or a threshold without a background.
        VocabularyError: words that cannot be used.
    """
    threshold = args.background_threshold
    background: bool | str = args.background if args.background is not None else False
    if args.preset is not None:
        preset = load_preset(args.preset).vocabulary
        if preset.background is None and background is not False:
            preset = parse_vocabulary(preset.text(), background=background)
        vocabulary = preset
    else:
        vocabulary = parse_vocabulary(_vocabulary_text(args), background=background)
    if threshold is None:
        return vocabulary
    if vocabulary.background is None:
        raise UsageError("--threshold needs --background")
    return dataclasses.replace(vocabulary, background_threshold=threshold)


def _vocabulary_text(args: argparse.Namespace) -> str:
    if args.vocabulary_file is None:
        return str(args.vocabulary)
    try:
        text: str = args.vocabulary_file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise UsageError(f"the vocabulary file cannot be read: {reason}") from error
    return text


def _check_point(point: tuple[float, float] | None, photo: Image.Image) -> None:
    if point and not (0 <= point[0] < photo.width and 0 <= point[1] < photo.height):
        raise UsageError(
            f"--point must lie inside the photo, x from 0 to {photo.width - 1} and y from 0 to "
            f"{photo.height - 1}; received {point[0]:g},{point[1]:g}"
        )


def run_segment(args: argparse.Namespace, load: Loader, console: Console) -> None:
    """Segments one photo on both sides and writes the files."""
    # Everything that can be refused without weights is refused first.
    photo = load_photo(args.photo)
    vocabulary = vocabulary_of(args)
    _check_point(args.point, photo)
    if not 0 <= args.opacity <= 1:
        raise UsageError(f"--opacity must be a number from 0 to 1; received {args.opacity:g}")
    folder = _output_folder(args.out)
    for note in vocabulary.notes:
        console.say(note)

    backbone = _start_backbone(args, load, console)
    base = attention_of(args, backbone)
    right_settings = base.with_stages(
        stage.name for stage in STAGES if not getattr(args, f"no_{stage.name}")
    )
    left_method = parse_method(args.baseline, backbone, base)
    segmenter = Segmenter(backbone)
    start = time.perf_counter()
    encoded = segmenter.encode(photo, windows_of(args, backbone), console.progress)
    encode_seconds = time.perf_counter() - start
    right = segmenter.segment(
        encoded, vocabulary, right_settings, key_source=args.key_source, progress=console.progress
    )
    left = segmenter.segment(
        encoded,
        vocabulary,
        left_method.settings,
        baseline=left_method.baseline or None,
        key_source=left_method.key_source or args.key_source,
    )
    colors = palette(len(vocabulary.classes), vocabulary.background)
    panels = None
    if args.point:
        maps = segmenter.attention(encoded, args.point, base, key_source=args.key_source)
        panels = attention_panels(maps, photo)
    document = result_document(
        left, right, backbone, colors, point=args.point, encode_seconds=encode_seconds
    )
    files = result_files(
        left,
        right,
        backbone,
        colors,
        photo,
        opacity=args.opacity,
        panels=panels,
        document=document,
    )
    for name, content in files.items():
        _write(folder / name, content)
    if args.json:
        print(json.dumps({**document, "files": sorted(files)}, ensure_ascii=False, indent=2))
    else:
        print(_areas_table(left, right, document["seam_rate"]))
    console.say(f"Wrote {len(files)} files to {folder}")


def _areas_table(left: Segmentation, right: Segmentation, seams: dict[str, float | None]) -> str:
    """Shares of the photo by class, largest first, both sides."""
    heads = [method_title(result.method) for result in (left, right)]
    rows = [
        [right.classes[i], percent(left.areas[i]), percent(right.areas[i])]
        for i in sorted(range(len(right.classes)), key=lambda i: -right.areas[i])
        if left.areas[i] or right.areas[i]
    ]
    rates = [seams[side] for side in SIDES]
    if all(rate is not None for rate in rates):
        rows.append(["(seam rate)", *(percent(rate) for rate in rates if rate is not None)])
    return table(["class", *heads], rows)


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


def run_evaluate(args: argparse.Namespace, load: Loader, console: Console) -> None:
    """Scores methods on a set."""
    dataset = _dataset_of(args)
    if args.out is not None:
        _output_folder(args.out)
    if args.json is not None:
        _check_writable(args.json)  # before the long work, not after it
    backbone = _start_backbone(args, load, console)
    names = RUNG_NAMES if args.ladder else [args.switches] if args.switches else args.methods
    base = attention_of(args, backbone)
    methods = [parse_method(name, backbone, base) for name in dict.fromkeys(names)]
    if args.key_source:
        methods = [_with_source(method, args.key_source) for method in methods]
    windows = windows_of(args, backbone)
    store = None
    if args.out is not None:
        key = run_key(dataset, backbone, windows)
        store = Store(args.out / "photos.jsonl", key, len(dataset.vocabulary.classes))
    photos = len(dataset.samples)
    console.say(f"{dataset.name}: {photos} photos, {len(dataset.vocabulary.classes)} classes")
    scores = evaluate(
        Segmenter(backbone, EVALUATION_CACHE),
        dataset,
        methods,
        windows,
        store=store,
        progress=console.progress,
    )
    document = evaluation_document(dataset, backbone, windows, methods, scores)
    if args.json is not None:
        _write(args.json, (json.dumps(document, indent=2, ensure_ascii=False) + "\n").encode())
    print(_scores_table(document))
    if args.per_class:
        print("\n" + _classes_table(document))


def _with_source(method: NamedMethod, source: str) -> NamedMethod:
    if method.settings is None or method.key_source:
        return method
    return dataclasses.replace(method, key_source=source)


def _share(value: float | None, digits: int = 1) -> str:
    return "–" if value is None else f"{100 * value:.{digits}f}"


def _scores_table(document: dict[str, Any]) -> str:
    """Scores in percent, and why a method has no number of the paper's beside it."""
    rows, reasons = [], []
    for method in document["methods"]:
        paper = method["paper_miou"]
        rows.append(
            [
                f"{method['title']} ({method['name']})",
                _share(method["miou"]),
                _share(method["pixel_accuracy"]),
                _share(method["ber"], 2),
                _share(method["seam_rate"], 2),
                "not comparable" if paper is None else f"{paper:.1f}",
            ]
        )
        if method["not_comparable"] and method["not_comparable"] not in reasons:
            reasons.append(method["not_comparable"])
    heads = ["percent", "mIoU", "accuracy", "BER", "seam rate", "mIoU in the paper"]
    lines = [table(heads, rows), ""]
    lines.append(f"mIoU over the whole set of {document['photos']} photos, not a mean of photos.")
    if any(method["paper_miou"] is not None for method in document["methods"]):
        lines.append("The paper's numbers: Table 1; its words for the classes may differ.")
    lines += [f"Not comparable with the paper: {reason}." for reason in reasons]
    return "\n".join(lines)


def _classes_table(document: dict[str, Any]) -> str:
    methods = document["methods"]
    rows = [
        [name, *(_share(method["iou"][name]) for method in methods)] for name in methods[0]["iou"]
    ]
    return table(["IoU, percent", *(method["name"] for method in methods)], rows)


def run_benchmark(args: argparse.Namespace, load: Loader, console: Console) -> None:
    """Times every step."""
    if args.repeats < 1:
        raise UsageError(f"--repeats must be at least 1; received {args.repeats}")
    photo = load_photo(args.photo or ASSETS / "photos" / "china.jpg")
    words = load_preset("everyday").vocabulary
    if args.vocabulary is not None:
        words = parse_vocabulary(args.vocabulary)
    if args.json is not None:
        _check_writable(args.json)
    backbones = {args.dtype: _start_backbone(args, load, console)}
    backbone = backbones[args.dtype]
    if args.also_dtype:
        backbones[args.also_dtype] = load(args.backbone, args.device, args.also_dtype, args.weights)
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
    if args.yardstick:
        console.say("Measuring 11,760 tokens beside the dense formulation; this takes a minute")
        found, apart = yardstick()
        document["yardstick"] = {row.name: row.seconds for row in found} | {"apart": apart}
        print("\n" + _yardstick_text(found, apart))
    if args.json is not None:
        _write(args.json, (json.dumps(document, indent=2) + "\n").encode())


def _yardstick_text(rows: list[Row], apart: float) -> str:
    dense, *others = rows
    said = ", ".join(
        f"{row.name} {row.median:.2f} s ({dense.median / row.median:.1f} times as fast)"
        for row in others
    )
    return (
        f"Attention, {dense.group}: {dense.name} {dense.median:.2f} s, {said}; "
        f"results at most {apart:.1g} apart."
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


def run_backbones(args: argparse.Namespace, load: Loader, console: Console) -> None:
    """Prints the registry."""
    from glaclip.backbones.registry import available, resolve

    infos = available(args.weights)
    auto = resolve("auto", args.weights)
    if args.json:
        rows = [
            {
                "name": info.name,
                "title": info.title,
                "ready": info.ready,
                "auto": info.name == auto,
                "download_megabytes": info.missing_megabytes,
                "license": info.license,
                "note": info.note,
            }
            for info in infos
        ]
        print(json.dumps(rows, ensure_ascii=False, indent=2))
        return
    lines = [
        [
            f"{info.name}{' (auto)' if info.name == auto else ''}",
            "ready" if info.ready else f"{info.missing_megabytes} MB to download",
            info.license,
            info.title,
        ]
        for info in infos
    ]
    print(table(["name", "state", "license of weights", "title"], lines, left=range(4)))


#: By the command's name.
COMMANDS: dict[str, Callable[[argparse.Namespace, Loader, Console], None]] = {
    "segment": run_segment,
    "evaluate": run_evaluate,
    "benchmark": run_benchmark,
    "backbones": run_backbones,
}
