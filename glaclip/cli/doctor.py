"""What this computer can do with the program: versions, backbones, limits, room, one quick run."""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from glaclip.backbones.base import BackboneError
from glaclip.backbones.clip.models import CLIP_MODELS
from glaclip.cli.console import Console, table
from glaclip.cli.options import BackboneOptions, Loader, type_described, type_name
from glaclip.evaluation.verify.verify import doubt
from glaclip.photo import load_photo
from glaclip.segmenter import Segmenter
from glaclip.serving.limits import LimitError, Limits, is_hosted
from glaclip.serving.measuring import measure, running, verdict
from glaclip.support.processor import VARIABLE, ProcessorError, processor
from glaclip.support.version import versions
from glaclip.vocabulary import ASSETS, parse_vocabulary

_PACKAGES = (
    "torch", "torchvision", "timm", "open_clip_torch", "tokenizers", "safetensors",
    "huggingface_hub", "gradio", "pillow", "numpy",
)  # fmt: skip
_WORDS = "sky, building, tree, water"


@dataclass(frozen=True, kw_only=True)
class DoctorOptions(BackboneOptions):
    """The arguments of `doctor`."""

    measure: bool
    json: bool


def run_doctor(options: DoctorOptions, load: Loader, console: Console) -> None:
    """Prints the report.

    Raises:
        BackboneError: the backbone asked for cannot start; said after everything else.
    """
    report: dict[str, Any] = {"versions": versions(_PACKAGES, missing="missing"), "room": _room()}
    report["processor"], processor_problem = _processor()
    report["limits"], problem = _limits()
    report["backbones"], backbone_problem = _backbones(options.weights)
    if options.measure:
        report["measured"] = _measure(options, load, console)
    report["measuring"] = str(running() or "")
    report["run"], run_problem, doubted = _quick_run(options, load, console)
    found = processor_problem, problem, backbone_problem, run_problem, doubted
    report["problems"] = problems = list(dict.fromkeys(text for text in found if text))
    console.result(
        json.dumps(report, indent=2, ensure_ascii=False) if options.json else _text(report)
    )
    if problems:
        raise BackboneError(" ".join(problems))


def _measure(options: DoctorOptions, load: Loader, console: Console) -> str:
    """Measures now what the page measures in the background, for weights in float32.

    Raises:
        BackboneError: the backbone cannot start, or is none that is measured here.
    """
    backbone = options.load(load, dtype="float32")
    if backbone.name not in CLIP_MODELS or backbone.device.type != "cpu":
        raise BackboneError(
            "--measure is for real CLIP on a processor; name one with --backbone and --device cpu."
        )
    return verdict(measure(backbone, console.progress))


def _processor() -> tuple[dict[str, Any], str]:
    try:
        return asdict(processor()), ""
    except ProcessorError as error:
        return {}, str(error)


def _room() -> dict[str, float | None]:
    """Free memory and disk in GB; the disk is that of downloads and of the page's files."""
    memory = None
    if sys.platform.startswith("linux"):
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
        free = next((line for line in lines if line.startswith("MemAvailable")), None)
        memory = int(free.split()[1]) / 1e6 if free else None
    from huggingface_hub import constants

    temporary = os.environ.get("GRADIO_TEMP_DIR") or tempfile.gettempdir()
    places = {"downloads": Path(constants.HF_HUB_CACHE), "page": Path(temporary)}
    room: dict[str, float | None] = {"memory": memory}
    for name, place in places.items():
        while not place.exists():
            place = place.parent
        room[f"disk_{name}"] = shutil.disk_usage(place).free / 1e9
    return room


def _limits() -> tuple[dict[str, Any], str]:
    try:
        limits = Limits.from_environment()
    except LimitError as error:
        return {}, str(error)
    return {**asdict(limits), "hosted": is_hosted()}, ""


def _backbones(weights: str | None) -> tuple[list[dict[str, Any]], str]:
    from glaclip.backbones.registry import available, resolve

    problem, auto = "", ""
    try:
        auto = resolve("auto", weights)
        infos = available(weights)
    except BackboneError as error:
        if weights is None or not Path(weights).is_dir():
            return [], str(error)
        infos, problem = available(weights), str(error)
    return [
        {
            "name": info.name,
            "auto": info.name == auto,
            "ready": info.ready,
            "missing": [str(file) for file in info.missing],
        }
        for info in infos
    ], problem


def _quick_run(
    options: DoctorOptions, load: Loader, console: Console
) -> tuple[dict[str, Any], str, str]:
    """Start of the backbone and one shipped photo, in seconds; what is wrong, and doubtful."""
    try:
        start = time.perf_counter()
        backbone = options.load(load)
        backbone.prepare()
        loaded = time.perf_counter() - start
        segmenter, photo = Segmenter(backbone), load_photo(ASSETS / "photos" / "china.jpg")
        start = time.perf_counter()
        encoded = segmenter.encode(photo, progress=console.progress)
        result = segmenter.segment(encoded, parse_vocabulary(_WORDS), progress=console.progress)
        seconds = time.perf_counter() - start
    except (BackboneError, ProcessorError) as error:
        return {}, str(error), ""
    return (
        {
            "backbone": backbone.name,
            "title": backbone.title,
            "device": str(backbone.device),
            "dtype": type_name(backbone),
            "dtype_why": backbone.dtype_why,
            "dtype_said": type_described(backbone),
            "windows": len(encoded.boxes),
            "load_seconds": round(loaded, 2),
            "run_seconds": round(seconds, 2),
            "largest": result.classes[int(result.areas.argmax())],
        },
        "",
        doubt(backbone, options.weights) if options.backbone == "auto" else "",
    )


def _text(report: dict[str, Any]) -> str:
    versions = table(["package", "version"], list(map(list, report["versions"].items())), (0, 1))
    rows = [
        [
            f"{entry['name']}{' (auto)' if entry['auto'] else ''}",
            "ready"
            if entry["ready"]
            else "missing: " + "; ".join(entry["missing"] or ["packages"]),
        ]
        for entry in report["backbones"]
    ]
    parts = [versions, table(["backbone", "can start"], rows, (0, 1))]
    if kind := report["processor"]:
        fast = "threefold bfloat16" if kind["threefold"] else "float32"
        towers = "bfloat16 where it was measured" if kind["bfloat16"] else "float32"
        layers = "oneDNN" if kind["onednn"] else "PyTorch's choice"
        sums = "8-bit integers" if kind["integers"] else "float32"
        parts.append(
            f"Processor: {kind['name']} ({kind['title']}; {VARIABLE} names another). "
            f"Fast precision in {fast}, backbones in {towers}, sums of keys in {sums}, real "
            f"CLIP's linear layers in float32 by {layers}."
        )
    if report["limits"]:
        shown = {key: value for key, value in report["limits"].items() if key != "hosted"}
        limits = Limits(**shown)
        head = ["limit of the page", "value", "variable"]
        hosted = "yes" if report["limits"]["hosted"] else "no"
        lines = [list(row) for row in limits.rows()]
        lines.append(["strangers reach this server", hosted, "GLACLIP_HOSTED"])
        parts.append(table(head, lines, (0, 2)))
    room = report["room"]
    free = [
        [name, "unknown" if room[key] is None else f"{room[key]:.1f} GB"]
        for key, name in (
            ("memory", "memory"),
            ("disk_downloads", "disk, for downloaded weights"),
            ("disk_page", "disk, for the page's files"),
        )
    ]
    parts.append(table(["free", ""], free))
    if said := report.get("measured"):
        parts.append(f"Measured: {said}.")
    if report["measuring"]:
        parts.append(f"In the background {report['measuring']}.")
    run = report["run"]
    if run:
        parts.append(
            f"One photo with {run['title']} on {run['device']} ({run['dtype_said']}): "
            f"{run['load_seconds']:.1f} s to load, {run['run_seconds']:.1f} s for "
            f"{run['windows']} windows; most of it is {run['largest']}."
        )
    return "\n\n".join(parts)
