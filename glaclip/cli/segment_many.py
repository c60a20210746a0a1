"""`segment` with several photos: labels of each, one summary, and files for other tools."""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import chain
from typing import Any

from glaclip.cli.console import Console, UsageError, table
from glaclip.cli.folder_type import load_for_folder
from glaclip.cli.options import Loader, output_folder, write
from glaclip.cli.segment import SegmentOptions
from glaclip.cli.word_options import vocabulary_of
from glaclip.evaluation.data.errors import DatasetError
from glaclip.evaluation.data.photo_inputs import PhotoFile, photos_of
from glaclip.evaluation.run.evaluate import CACHE_BYTES
from glaclip.evaluation.run.labeling import LabelFolder, Labeling
from glaclip.evaluation.run.team import team_of_environment
from glaclip.pictures.export import method_document
from glaclip.pictures.numbers import percent
from glaclip.segmenter import Segmenter
from glaclip.segmenter.word_store import WordStore
from glaclip.support.text import csv_text


def run_many(options: SegmentOptions, load: Loader, console: Console) -> None:
    """Labels all photos, with all processes that torchrun started, and goes on after a stop."""
    if options.point or options.baseline != "off" or options.left:
        raise UsageError("--point, --baseline and --left are for a single photo")
    team = team_of_environment()
    console.follow(team.rank)
    photos, unread = photos_of(options.photos)
    vocabulary = vocabulary_of(options)
    folder = output_folder(options.out)
    if options.features:
        output_folder(options.features)
    for skip in unread:
        console.say(f"{skip.stem}: {skip.reason}")
    for note in vocabulary.notes:
        console.say(note)
    backbone = options.start(load, console, lambda: load_for_folder(options, load, folder, team))
    segmenter = Segmenter(backbone, CACHE_BYTES, WordStore.of_this_user())
    method = segmenter.method(
        options.attention(backbone).with_stages(options.stages), key_source=options.key_source
    )
    labeling = Labeling(segmenter, vocabulary, method, options.windows(backbone))
    name = options.shard.file_name(team.rank).replace("photos", "labels", 1)
    console.errors_of_process(team.rank)
    labels = LabelFolder(folder, labeling, name, console.say, options.features, options.features_as)
    labels.run(options.shard.of(photos), team, console.progress)
    if team.rank == 0:
        _finish(labels, photos, options, console)
    team.close()


def _finish(
    labels: LabelFolder, photos: Sequence[PhotoFile], options: SegmentOptions, console: Console
) -> None:
    """Writes the summary of all photos that are done, also by other shards, and the formats."""
    document = _summary(labels, photos)
    files = {
        "summary.json": json.dumps(document, ensure_ascii=False, indent=1).encode(),
        "summary.csv": _csv(document),
    }
    written = 0
    for name, content in chain(files.items(), labels.files(options.formats, photos)):
        write(options.out / name, content)
        written += 1
    done, failed = len(document["photos"]), len(document["failed"])
    if options.json:
        console.result(json.dumps(document, ensure_ascii=False, indent=2))
    else:
        console.result(_areas(document))
    rest = len(photos) - done - failed
    console.say(
        f"Labeled {done} of {len(photos)} photos"
        + (f", {failed} cannot be used" if failed else "")
        + (f", {rest} are left for other shards" if rest else "")
        + f"; wrote {written} files beside their label maps to {options.out}"
        + (f", and their features to {options.features}" if options.features else "")
    )
    if not done and not rest:
        raise DatasetError("no photo could be labeled")


def _summary(labels: LabelFolder, photos: Sequence[PhotoFile]) -> dict[str, Any]:
    labeling = labels.labeling
    backbone, classes = labeling.segmenter.backbone, labeling.vocabulary.names
    known = [(photo, labels.records.get(photo.stem, {})) for photo in photos]
    return {
        "backbone": {"name": backbone.name, "title": backbone.title},
        "method": method_document(labeling.method),
        "windows": vars(labeling.windows),
        "classes": list(classes),
        "photos": [
            {
                "photo": photo.name,
                "labels": f"labels/{photo.stem}.png",
                "width": record["size"][0],
                "height": record["size"][1],
                "areas": dict(zip(classes, record["areas"], strict=True)),
                "seconds": record["seconds"],
            }
            for photo, record in known
            if "areas" in record
        ],
        "failed": [
            {"photo": photo.name, "reason": record["failed"]}
            for photo, record in known
            if "failed" in record
        ],
    }


def _csv(document: dict[str, Any]) -> bytes:
    own, classes = ("photo", "width", "height", "seconds"), document["classes"]
    rows = [[*(e[n] for n in own), "", *e["areas"].values()] for e in document["photos"]]
    rows += [
        [e["photo"], "", "", "", e["reason"], *[""] * len(classes)] for e in document["failed"]
    ]
    return csv_text([*own, "failed", *classes], rows).encode()


def _areas(document: dict[str, Any]) -> str:
    """Share of each class over all photos, a pixel counting as much wherever it is."""
    sizes = [entry["width"] * entry["height"] for entry in document["photos"]]
    shares = {
        name: sum(e["areas"][name] * s for e, s in zip(document["photos"], sizes, strict=True))
        / max(sum(sizes), 1)
        for name in document["classes"]
    }
    rows = [[n, percent(s)] for n, s in sorted(shares.items(), key=lambda e: -e[1]) if s]
    return table(["class", f"of {len(sizes)} photos"], rows)
