"""The commands `segment` and `backbones`."""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from PIL import Image

from glaclip.cli.arguments import check_formats
from glaclip.cli.console import Console, UsageError, table
from glaclip.cli.options import Loader, Options, check_writable, output_folder, write
from glaclip.cli.word_options import WordOptions, vocabulary_of
from glaclip.evaluation.data.foreign_side import side_from_file
from glaclip.evaluation.data.photo_inputs import is_one_photo
from glaclip.evaluation.run.team import Shard
from glaclip.photo import load_photo
from glaclip.pictures.export import SIDES, result_document, result_files
from glaclip.pictures.formats import FORMATS, LabeledPhoto, place_of
from glaclip.pictures.mosaics import attention_panels
from glaclip.pictures.numbers import percent
from glaclip.pictures.palette import class_colors
from glaclip.pictures.scores import cutouts, score_files
from glaclip.segmenter import Segmentation, Segmenter
from glaclip.segmenter.dense import features_npz
from glaclip.segmenter.method import parse_method
from glaclip.segmenter.suggestions import at_least_two
from glaclip.segmenter.word_store import WordStore
from glaclip.settings import STAGES

if TYPE_CHECKING:
    from glaclip.backbones.registry import BackboneInfo


@dataclass(frozen=True, kw_only=True)
class SegmentOptions(WordOptions):
    """The arguments of `segment`; `stages` are the switches that are on.

    `suggest` is true too where no words were given.
    """

    photos: tuple[str, ...]
    suggest: bool
    out: Path
    baseline: str
    point: tuple[float, float] | None
    opacity: float
    stages: tuple[str, ...]
    left: Path | None
    left_name: str
    features: Path | None
    features_as: str
    scores: str | None
    cutouts: bool
    formats: tuple[str, ...]
    shard: Shard
    json: bool

    @classmethod
    def of(cls, args: argparse.Namespace, **derived: Any) -> Self:
        """See `Options`."""
        stages = tuple(stage.name for stage in STAGES if not getattr(args, f"no_{stage.name}"))
        check_formats(args.formats)
        try:
            shard = Shard() if args.shard is None else Shard.parse(args.shard)
        except ValueError as error:
            raise UsageError(f"--shard {error}") from error
        photos = tuple(args.photos)
        given = (args.vocabulary, args.preset, args.vocabulary_file)
        if (args.scores or args.cutouts) and not is_one_photo(photos):
            raise UsageError("--scores and --cutouts are of one photo")
        if args.scores and args.left:
            raise UsageError("--scores needs both sides computed here, not --left")
        suggest = args.suggest or all(words is None for words in given)
        file = args.features is not None and args.features.suffix.lower() == ".npz"
        if args.features is not None and file != is_one_photo(photos):
            what = "be a folder for several photos" if file else "end in .npz for one photo"
            raise UsageError(f"--features must {what}; received {args.features.name}")
        if suggest and not is_one_photo(photos):
            raise UsageError("several photos need words: --vocabulary, --preset or a file of them")
        own = {"stages": stages, "shard": shard, "photos": photos, "suggest": suggest}
        return super().of(args, **own, **derived)


def _check_point(point: tuple[float, float] | None, photo: Image.Image) -> None:
    if point and not (0 <= point[0] < photo.width and 0 <= point[1] < photo.height):
        raise UsageError(
            f"--point must lie inside the photo, x from 0 to {photo.width - 1} and y from 0 to "
            f"{photo.height - 1}; received {point[0]:g},{point[1]:g}"
        )


#: What suggested words may be refused for is found with these, before any weights are read.
_STAND_INS = ("something", "something else")


def run_segment(options: SegmentOptions, load: Loader, console: Console) -> None:
    """Segments one photo on both sides and writes the files."""
    # Everything that can be refused without weights is refused first.
    path = Path(options.photos[0])
    photo = load_photo(path, say=console.say)
    stand_ins = _STAND_INS if options.suggest else ()
    vocabulary = vocabulary_of(options, stand_ins)
    _check_point(options.point, photo)
    if not 0 <= options.opacity <= 1:
        raise UsageError(f"--opacity must be a number from 0 to 1; received {options.opacity:g}")
    folder = output_folder(options.out)
    if options.features:
        output_folder(options.features.parent)
        check_writable(options.features)
    for note in vocabulary.notes:
        console.say(note)

    backbone = options.start(load, console)
    base = options.attention(backbone)
    right_settings = base.with_stages(options.stages)
    left_method = parse_method(options.baseline, backbone, base).with_keys(options.key_source)
    segmenter = Segmenter(backbone, word_store=WordStore.of_this_user())
    start = time.perf_counter()
    encoded = segmenter.encode(photo, options.windows(backbone), console.progress)
    encode_seconds = time.perf_counter() - start
    if options.suggest:
        method = segmenter.method(right_settings, key_source=options.key_source)
        words = segmenter.suggest(encoded, settings=method, progress=console.progress)
        console.say(f"Suggested words: {', '.join(words)}")
        vocabulary = vocabulary_of(options, at_least_two(words))
    right = segmenter.segment(
        encoded,
        vocabulary,
        right_settings,
        key_source=options.key_source,
        progress=console.progress,
    )
    if options.left:
        left = side_from_file(options.left, options.left_name, right, path)
    else:
        left = segmenter.segment(encoded, vocabulary, left_method)
    colors = class_colors(vocabulary.names, vocabulary.background)
    panels = None
    if options.point:
        maps = segmenter.attention(encoded, options.point, base, key_source=options.key_source)
        row = None
        if left_method.own_row and not options.left:
            row = segmenter.attention(encoded, options.point, baseline=left_method.own_row)
        panels = attention_panels(maps, photo, left=row)
    document = result_document(
        left, right, backbone, colors, point=options.point, encode_seconds=encode_seconds
    )
    files = result_files(
        left,
        right,
        backbone,
        colors,
        photo,
        opacity=options.opacity,
        panels=panels,
        document=document,
    )
    labeled = LabeledPhoto(
        path.stem, path.name, right.labels, right.classes, colors, place_of(path)
    )
    if options.scores:
        for side, result in zip(SIDES, (left, right), strict=True):
            files |= score_files(result, side, options.scores)
    if options.cutouts:
        files |= dict(cutouts(photo, right))
    for form in options.formats:
        files |= dict(FORMATS[form].files([labeled]))
    for name, content in files.items():
        write(folder / name, content)
    if options.features:
        content = features_npz(segmenter, encoded, right.method, vocabulary, options.features_as)
        write(options.features, content)
    if options.json:
        console.result(
            json.dumps({**document, "files": sorted(files)}, ensure_ascii=False, indent=2)
        )
    else:
        console.result(_areas_table(left, right, document))
    console.say(f"Wrote {len(files)} files to {folder}")


def _areas_table(left: Segmentation, right: Segmentation, document: Mapping[str, Any]) -> str:
    """Shares of the photo by class, largest first, and what windows do to them, both sides."""
    heads = [result.method.title for result in (left, right)]
    rows = [
        [right.classes[i], percent(left.areas[i]), percent(right.areas[i])]
        for i in sorted(range(len(right.classes)), key=lambda i: -right.areas[i])
        if left.areas[i] or right.areas[i]
    ]
    for name in ("seam_rate", "disagreement"):
        rates = [document[name][side] for side in SIDES]
        if None not in rates:
            rows.append([f"({name.replace('_', ' ')})", *map(percent, rates)])
    return table(["class", *heads], rows)


@dataclass(frozen=True, kw_only=True)
class BackbonesOptions(Options):
    """The arguments of `backbones`."""

    weights: str | None
    json: bool


def run_backbones(options: BackbonesOptions, load: Loader, console: Console) -> None:
    """Prints the registry.

    Raises:
        BackboneError: a folder of weights that helps no backbone to start; said after the list.
    """
    from glaclip.backbones.base import BackboneError
    from glaclip.backbones.registry import available, resolve

    infos = available(options.weights)
    problem, auto = None, ""
    try:
        auto = resolve("auto", options.weights)
    except BackboneError as error:
        problem = error
    _list_backbones(infos, auto, options, console)
    if problem is not None:
        raise problem


def _list_backbones(
    infos: Sequence[BackboneInfo], auto: str, options: BackbonesOptions, console: Console
) -> None:
    if options.json:
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
        console.result(json.dumps(rows, ensure_ascii=False, indent=2))
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
    console.result(table(["name", "state", "license of weights", "title"], lines, left=range(4)))
