"""What the commands of the command line do, once their arguments are read."""

from __future__ import annotations

import argparse
import dataclasses
import json
import time
from collections.abc import Callable

from PIL import Image

from glaclip.cli.benchmark import run_benchmark
from glaclip.cli.console import Console, UsageError, table
from glaclip.cli.doctor import run_doctor
from glaclip.cli.evaluate import run_evaluate
from glaclip.cli.given import (
    Loader,
    attention_of,
    output_folder,
    start_backbone,
    windows_of,
    write,
)
from glaclip.photo import load_photo
from glaclip.pictures.attention import attention_panels
from glaclip.pictures.export import SIDES, result_document, result_files
from glaclip.pictures.numbers import percent
from glaclip.pictures.palette import class_colors
from glaclip.segmenter import Segmentation, Segmenter
from glaclip.segmenter.method import parse_method
from glaclip.segmenter.word_store import WordStore
from glaclip.settings import STAGES
from glaclip.vocabulary import Vocabulary, load_preset, parse_vocabulary


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
    folder = output_folder(args.out)
    for note in vocabulary.notes:
        console.say(note)

    backbone = start_backbone(args, load, console)
    base = attention_of(args, backbone)
    right_settings = base.with_stages(
        stage.name for stage in STAGES if not getattr(args, f"no_{stage.name}")
    )
    left_method = parse_method(args.baseline, backbone, base).with_keys(args.key_source)
    segmenter = Segmenter(backbone, word_store=WordStore.of_this_user())
    start = time.perf_counter()
    encoded = segmenter.encode(photo, windows_of(args, backbone), console.progress)
    encode_seconds = time.perf_counter() - start
    right = segmenter.segment(
        encoded, vocabulary, right_settings, key_source=args.key_source, progress=console.progress
    )
    left = segmenter.segment(encoded, vocabulary, left_method)
    colors = class_colors(vocabulary.names, vocabulary.background)
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
        write(folder / name, content)
    if args.json:
        print(json.dumps({**document, "files": sorted(files)}, ensure_ascii=False, indent=2))
    else:
        print(_areas_table(left, right, document["seam_rate"]))
    console.say(f"Wrote {len(files)} files to {folder}")


def _areas_table(left: Segmentation, right: Segmentation, seams: dict[str, float | None]) -> str:
    """Shares of the photo by class, largest first, both sides."""
    heads = [result.method.title for result in (left, right)]
    rows = [
        [right.classes[i], percent(left.areas[i]), percent(right.areas[i])]
        for i in sorted(range(len(right.classes)), key=lambda i: -right.areas[i])
        if left.areas[i] or right.areas[i]
    ]
    rates = [seams[side] for side in SIDES]
    if all(rate is not None for rate in rates):
        rows.append(["(seam rate)", *(percent(rate) for rate in rates if rate is not None)])
    return table(["class", *heads], rows)


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
    "doctor": run_doctor,
}
