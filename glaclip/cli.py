"""The command line: segment, evaluate, benchmark, backbones.

Exit codes: 0 fine, 2 bad input or usage, 3 the backbone cannot start, 130 interrupted.
Results go to stdout, everything else to stderr.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import io
import json
import math
import os
import sys
import time
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Any, NoReturn

from PIL import Image

from glaclip import __version__
from glaclip.backbones.base import Backbone, BackboneError
from glaclip.benchmark import Memory, Report, benchmark, measure_memory
from glaclip.datasets import LAYOUTS, Dataset, DatasetError, open_dataset
from glaclip.evaluate import CACHE_BYTES as EVALUATION_CACHE
from glaclip.evaluate import Store, StoreError, evaluate, evaluation_document, run_key
from glaclip.export import SIDES, result_document, result_files
from glaclip.methods import LADDER, SWITCHES, NamedMethod, method_title, parse_method
from glaclip.palette import palette
from glaclip.photo import PhotoError, load_photo
from glaclip.render import attention_panels, percent
from glaclip.segmenter import Segmentation, Segmenter
from glaclip.settings import ATTENTION_PRESETS, AttentionSettings, SettingsError, WindowSettings
from glaclip.vocabulary import (
    ASSETS,
    BACKGROUND_WORDS,
    DEFAULT_BACKGROUND_THRESHOLD,
    Vocabulary,
    VocabularyError,
    load_preset,
    parse_vocabulary,
    preset_names,
)

#: What a person can mend: reported as one sentence.
_FORESEEN = (PhotoError, VocabularyError, SettingsError, DatasetError, StoreError)
OK, BAD_INPUT, NO_BACKBONE, INTERRUPTED = 0, 2, 3, 130
DTYPES = ("float32", "float16", "bfloat16")

#: Starts a backbone: (name, device, dtype, weights folder). Tests pass their own.
Loader = Callable[[str, str, str, str | None], Backbone]


class UsageError(ValueError):
    """Something the person typed that cannot be used; the message is one sentence."""


def load_registered(name: str, device: str, dtype: str, weights: str | None) -> Backbone:
    """Starts a backbone of the registry; "auto" as device takes the best one there is."""
    import torch

    from glaclip.backbones import load
    from glaclip.gpu import default_device

    place = default_device() if device == "auto" else device
    return load(name, place, getattr(torch, dtype), weights)


# ---------------------------------------------------------------------------------------------
# Talking to the person


class Console:
    """Progress and remarks on stderr: one changing line on a terminal, few lines otherwise."""

    def __init__(self, quiet: bool = False) -> None:
        """Args:
        quiet: say nothing but errors.
        """
        self.quiet = quiet
        # Kept, because a quiet run sends what libraries print on sys.stderr nowhere.
        self._stream = sys.stderr
        self._tty = self._stream.isatty()
        self._open = False
        self._quarter: tuple[str, int] = ("", -1)
        self._started: tuple[str, int, float] = ("", 0, 0.0)

    def progress(self, step: str, done: int, total: int) -> None:
        """A step's state; matches `glaclip.segmenter.Progress`."""
        if self.quiet or total < 2:
            return
        names = {
            "encode": "Encoding windows",
            "words": "Encoding words",
            "evaluate": "Photos",
            "benchmark": "Steps",
        }
        text = f"{names.get(step, step)}: {done} of {total}{self._remaining(step, done, total)}"
        if self._tty:
            print(f"\r\033[K{text}", end="", file=self._stream, flush=True)
            self._open = True
            if done >= total:
                self.end_line()
            return
        quarter = (step, 4 * done // total)
        if quarter != self._quarter:
            self._quarter = quarter
            print(text, file=self._stream, flush=True)

    def _remaining(self, step: str, done: int, total: int) -> str:
        """How long a step will still take, once it is worth saying."""
        if step != self._started[0] or done == 0:
            self._started = (step, done, time.monotonic())
        _, first, start = self._started
        elapsed = time.monotonic() - start
        if elapsed < 15 or done in (first, total):
            return ""
        minutes = elapsed / (done - first) * (total - done) / 60
        return f", about {math.ceil(minutes)} min left"

    def end_line(self) -> None:
        """Finishes the changing line, so that what follows starts on its own."""
        if self._open:
            print(file=self._stream)
            self._open = False

    def say(self, text: str) -> None:
        """A remark."""
        if not self.quiet:
            self.end_line()
            print(text, file=self._stream, flush=True)

    def error(self, text: str) -> None:
        """What went wrong, in a sentence, also when quiet."""
        self.end_line()
        print(f"glaclip: {text}", file=self._stream, flush=True)


class _Parser(argparse.ArgumentParser):
    """Says what was wrong in one sentence instead of the whole usage."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message} (see `{self.prog} --help`)")


class _Help(argparse.ArgumentDefaultsHelpFormatter):
    """Shows defaults, but not those that say nothing."""

    def _get_help_string(self, action: argparse.Action) -> str | None:
        if action.default in (None, False, "", argparse.SUPPRESS) or not action.option_strings:
            return action.help
        return super()._get_help_string(action)


# ---------------------------------------------------------------------------------------------
# Arguments shared by the commands


def _add_backbone(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("backbone")
    group.add_argument(
        "--backbone",
        default="auto",
        metavar="NAME",
        help="auto, lite, clip-b16, ...; `python -m glaclip backbones` lists them",
    )
    group.add_argument("--weights", metavar="DIR", help="folder of weights to look into first")
    group.add_argument("--device", default="auto", help="auto, cpu, cuda or cuda:1")
    group.add_argument("--dtype", default="float32", choices=DTYPES, help="type of the towers")
    group.add_argument(
        "--key-source",
        metavar="NAME",
        help="what attention uses as keys (default: the backbone's first)",
    )


def _add_attention(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group(
        "attention", "constants left out are those of --constants (method section of the README)"
    )
    group.add_argument(
        "--constants",
        default="backbone",
        choices=("backbone", *ATTENTION_PRESETS),
        help="where constants come from: measured best for the backbone, the paper, or the "
        "authors' released program",
    )
    for name, field, symbol, text in (
        ("--rho", "threshold", "R", "cosine above which a token joins a query's set"),
        ("--iterations", "iterations", "T", "times the proxy anchor is computed"),
        ("--lambda1", "shift", "X", "dynamic normalization: growth of the shift with windows"),
        ("--lambda2", "scale", "X", "dynamic normalization: scale for small sets"),
        ("--beta", "beta", "X", "shift when dynamic normalization is off"),
        ("--gamma", "gamma", "X", "scale when dynamic normalization is off"),
    ):
        kind = int if field == "iterations" else float
        group.add_argument(name, dest=field, metavar=symbol, type=kind, help=text)


def _add_windows(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("windows", "left out: measured best for the backbone")
    group.add_argument("--short-side", type=int, metavar="PX", help="short side after resizing")
    group.add_argument("--crop", type=int, metavar="PX", help="side of a window")
    group.add_argument("--stride", type=int, metavar="PX", help="distance of neighboring windows")


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


# ---------------------------------------------------------------------------------------------
# segment


def _point(text: str) -> tuple[float, float]:
    parts = text.split(",")
    try:
        x, y = (float(part) for part in parts)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"must be two numbers X,Y in photo pixels; received {text!r}"
        ) from None
    return x, y


def _add_segment(commands: Any) -> None:
    parser = commands.add_parser(
        "segment",
        formatter_class=_Help,
        help="label every pixel of a photo with your words",
        description="Labels every pixel of a photo with one of your words, by each window alone "
        "and by GLA-CLIP, and writes label maps, overlays, a comparison and what made them.",
    )
    parser.add_argument("photo", metavar="PHOTO", help="picture file")
    words = parser.add_mutually_exclusive_group(required=True)
    words.add_argument(
        "--vocabulary",
        metavar="WORDS",
        help='classes separated by commas, ; between synonyms: "sky, tree, person; man; woman"',
    )
    words.add_argument("--preset", metavar="NAME", help=", ".join(preset_names()))
    words.add_argument("--vocabulary-file", type=Path, metavar="FILE", help="a class a line")
    parser.add_argument(
        "--background",
        nargs="?",
        const=True,
        metavar="WORDS",
        help="add a background class, with words of your own if you like (without: "
        f"{BACKGROUND_WORDS.split(', ', 5)[1]}, {BACKGROUND_WORDS.split(', ', 5)[2]} and more)",
    )
    parser.add_argument(
        "--threshold",
        dest="background_threshold",
        type=float,
        metavar="P",
        help="probability below which a pixel is background (default: "
        f"{DEFAULT_BACKGROUND_THRESHOLD})",
    )
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="where to write")
    parser.add_argument(
        "--baseline",
        default="off",
        metavar="NAME",
        help="the left side: off (each window alone), switches joined by + "
        f"({', '.join(SWITCHES)}), or a baseline of the backbone",
    )
    parser.add_argument(
        "--point",
        type=_point,
        metavar="X,Y",
        help="also draw where the attention of this photo pixel goes",
    )
    parser.add_argument("--opacity", type=float, default=0.55, help="of the overlays, 0 to 1")
    switches = parser.add_argument_group("switches of GLA-CLIP, all on unless left out")
    switches.add_argument("--no-context", action="store_true", help="each window sees itself only")
    switches.add_argument("--no-anchors", action="store_true", help="no proxy anchors")
    switches.add_argument(
        "--no-normalization", action="store_true", help="fixed instead of dynamic normalization"
    )
    _add_attention(parser)
    _add_windows(parser)
    _add_backbone(parser)
    _add_output(parser)
    parser.set_defaults(run=run_segment)


def _add_output(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("output")
    group.add_argument("--json", action="store_true", help="machine-readable summary on stdout")
    group.add_argument("--quiet", action="store_true", help="nothing on stderr but errors")


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


def run_segment(args: argparse.Namespace, load: Loader, console: Console) -> int:
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
    right_settings = base.with_switches(
        not args.no_context, not args.no_anchors, not args.no_normalization
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
    return OK


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


def table(heads: Sequence[str], rows: Sequence[Sequence[str]], left: Collection[int] = (0,)) -> str:
    """Plain columns, to the right but for those named in `left`."""
    widths = [max(len(row[i]) for row in [heads, *rows]) for i in range(len(heads))]

    def line(row: Sequence[str]) -> str:
        cells = [
            cell.ljust(width) if i in left else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        return "  ".join(cells).rstrip()

    return "\n".join([line(heads), line(["-" * w for w in widths]), *map(line, rows)])


# ---------------------------------------------------------------------------------------------
# evaluate


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]


def _add_evaluate(commands: Any) -> None:
    parser = commands.add_parser(
        "evaluate",
        formatter_class=_Help,
        help="mIoU, BER and seam rate on a set with truth",
        description="Scores methods on a set with ground truth: mIoU and accuracy over the whole "
        "set, boundary error rate (BER) and seam rate. A set is images/, masks/ and classes.txt, "
        "or PASCAL VOC, PASCAL-Context, ADE20K, Cityscapes or COCO-Stuff as they come.",
    )
    parser.add_argument("dataset", metavar="DATASET", help="folder of the set")
    parser.add_argument("--layout", default="auto", choices=("auto", "folder", *LAYOUTS))
    parser.add_argument("--classes-from", metavar="PRESET", help="names and synonyms of a preset")
    parser.add_argument(
        "--ignore",
        type=_words,
        default=[],
        metavar="WORDS",
        help="further indices or names of classes.txt that mean no class",
    )
    parser.add_argument(
        "--list", type=Path, metavar="FILE", help="only these photos, a stem a line"
    )
    parser.add_argument("--limit", type=int, metavar="N", help="at most N photos, drawn by a seed")
    which = parser.add_mutually_exclusive_group()
    which.add_argument(
        "--methods",
        type=_words,
        default=["off", "on"],
        metavar="LIST",
        help=f"off, on, switches joined by + ({', '.join(SWITCHES)}), baselines; @ a key source",
    )
    which.add_argument("--ladder", action="store_true", help=f"the ablation: {', '.join(LADDER)}")
    which.add_argument("--switches", choices=("off", "on"), help="all three off, or all three on")
    parser.add_argument(
        "--out",
        type=Path,
        metavar="DIR",
        help="keep the counts of every photo, and go on from them",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write everything as JSON")
    parser.add_argument("--per-class", action="store_true", help="also the IoU of every class")
    _add_attention(parser)
    _add_windows(parser)
    _add_backbone(parser)
    parser.add_argument("--quiet", action="store_true", help="nothing on stderr but errors")
    parser.set_defaults(run=run_evaluate)


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


def run_evaluate(args: argparse.Namespace, load: Loader, console: Console) -> int:
    """Scores methods on a set."""
    dataset = _dataset_of(args)
    if args.out is not None:
        _output_folder(args.out)
    if args.json is not None:
        _check_writable(args.json)  # before the long work, not after it
    backbone = _start_backbone(args, load, console)
    names = LADDER if args.ladder else [args.switches] if args.switches else args.methods
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
    return OK


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


# ---------------------------------------------------------------------------------------------
# benchmark


def _add_benchmark(commands: Any) -> None:
    parser = commands.add_parser(
        "benchmark",
        formatter_class=_Help,
        help="what each step costs on this computer",
        description="Times the steps on one photo, in turns within one run, and shows ratios; then "
        "the memory that attention needs for 28,224 tokens (Linux).",
    )
    parser.add_argument("--photo", metavar="PHOTO", help="picture file (default: a shipped one)")
    parser.add_argument(
        "--vocabulary",
        metavar="WORDS",
        help="classes separated by commas (default: everyday words)",
    )
    parser.add_argument("--repeats", type=int, default=5, metavar="N", help="of each step")
    parser.add_argument(
        "--also-dtype", choices=DTYPES[1:], help="also encode with towers of this type"
    )
    parser.add_argument("--no-memory", action="store_true", help="leave the memory out")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write everything as JSON")
    _add_attention(parser)
    _add_windows(parser)
    _add_backbone(parser)
    parser.add_argument("--quiet", action="store_true", help="nothing on stderr but errors")
    parser.set_defaults(run=run_benchmark)


def run_benchmark(args: argparse.Namespace, load: Loader, console: Console) -> int:
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
    if args.json is not None:
        _write(args.json, (json.dumps(document, indent=2) + "\n").encode())
    return OK


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


# ---------------------------------------------------------------------------------------------
# backbones


def _add_backbones(commands: Any) -> None:
    parser = commands.add_parser(
        "backbones",
        formatter_class=_Help,
        help="list backbones and whether each can start",
        description="Lists the backbones and whether each can start without a download.",
    )
    parser.add_argument("--weights", metavar="DIR", help="folder of weights to look into")
    _add_output(parser)
    parser.set_defaults(run=run_backbones)


def run_backbones(args: argparse.Namespace, load: Loader, console: Console) -> int:
    """Prints the registry."""
    from glaclip.backbones import available, resolve

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
        return OK
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
    return OK


# ---------------------------------------------------------------------------------------------


def build_parser() -> argparse.ArgumentParser:
    """All commands."""
    parser = _Parser(
        prog="python -m glaclip",
        description="Training-free open-vocabulary segmentation across windows (GLA-CLIP).",
        epilog="Exit codes: 0 fine, 2 bad input or usage, 3 the backbone cannot start, "
        "130 interrupted.",
    )
    parser.add_argument("--version", action="version", version=f"glaclip-demo {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True, parser_class=_Parser)
    _add_segment(commands)
    _add_evaluate(commands)
    _add_benchmark(commands)
    _add_backbones(commands)
    return parser


def main(argv: Sequence[str] | None = None, load: Loader = load_registered) -> int:
    """Runs a command and returns its exit code.

    Args:
        argv: arguments; those of the process when left out.
        load: starts the backbone.
    """
    console = Console()
    try:
        args = build_parser().parse_args(argv)
        console.quiet = args.quiet
        with contextlib.ExitStack() as stack:
            if args.quiet:
                stack.enter_context(contextlib.redirect_stderr(io.StringIO()))
            return int(args.run(args, load, console))
    except (UsageError, *_FORESEEN) as error:
        console.error(str(error))
        return BAD_INPUT
    except BackboneError as error:
        console.error(str(error))
        return NO_BACKBONE
    except BrokenPipeError:  # the reader of stdout, such as `head`, had enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return OK
    except KeyboardInterrupt:
        console.error("interrupted")
        return INTERRUPTED
