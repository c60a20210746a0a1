"""Arguments that commands share. Nothing here imports PyTorch, which takes seconds."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from glaclip.cli.console import UsageError
from glaclip.settings import ATTENTION_PRESETS, EXACT, PRECISIONS, RESAMPLINGS, VFM_VIEWS
from glaclip.vocabulary import DEFAULT_BACKGROUND_THRESHOLD, LOGIT_SCALE, preset_names

DTYPES = ("auto", "float32", "float16", "bfloat16")
#: Option, field of `AttentionSettings`, symbol, what it is.
CONSTANTS = (
    ("--rho", "threshold", "R", "cosine above which a token joins a query's set"),
    ("--iterations", "iterations", "T", "times the proxy anchor is computed"),
    ("--lambda1", "shift", "X", "dynamic normalization: growth of the shift with windows"),
    ("--lambda2", "scale", "X", "dynamic normalization: scale for small sets"),
    ("--beta", "beta", "X", "shift when dynamic normalization is off"),
    ("--gamma", "gamma", "X", "scale when dynamic normalization is off"),
)
WINDOWS = ("short_side", "crop", "stride", "resampling", "vfm_view")
SCALES = ("background_threshold", "logit_scale", "area_threshold")
#: Those that decide what goes to the background, and need one.
THRESHOLDS = ("background_threshold", "area_threshold")
#: What a setting is called here; refusals name the option that was typed.
OPTION_NAMES = {
    **{field: option for option, field, _, _ in CONSTANTS},
    **{
        name: "--" + name.replace("_", "-")
        for name in (*WINDOWS, *SCALES, "baseline", "key_source")
    },
}


#: Names of `glaclip.pictures.formats.FORMATS`, which imports PyTorch; a test keeps them equal.
FORMAT_NAMES = ("png", "coco", "panoptic", "labelme", "geojson", "label-studio", "cvat")
#: The one rule for files of classes.
CLASS_LIST_RULE = (
    "a class list: a class a line, with its index or without, commas or semicolons between its "
    "synonyms; a single line is a list of classes; JSON, YAML, CSV and labelmap.txt too"
)


def check_formats(names: tuple[str, ...]) -> None:
    """Refuses a format that is not known.

    Raises:
        UsageError: its name.
    """
    for name in names:
        if name not in FORMAT_NAMES:
            known = ", ".join(FORMAT_NAMES)
            raise UsageError(f"--format must be among {known}; received {name!r}")


class Help(argparse.ArgumentDefaultsHelpFormatter):
    """Shows defaults, but not those that say nothing."""

    def _get_help_string(self, action: argparse.Action) -> str | None:
        if (
            action.default in (None, False, "", (), 0, argparse.SUPPRESS)
            or not action.option_strings
        ):
            return action.help
        return super()._get_help_string(action)


def add_backbone(parser: argparse.ArgumentParser) -> None:
    """Which backbone, where its weights are, where it runs."""
    group = parser.add_argument_group("backbone")
    group.add_argument(
        "--backbone",
        default="auto",
        metavar="NAME",
        help="auto, lite, clip-b16, ...; `python -m glaclip backbones` lists them",
    )
    group.add_argument(
        "--weights",
        metavar="DIR",
        help="folder of weights, which is used or refused (docs/real-clip.md has the places)",
    )
    group.add_argument("--device", default="auto", help="auto, cpu, cuda or cuda:1")
    group.add_argument(
        "--dtype",
        default="auto",
        choices=DTYPES,
        help="type of the towers; auto is half precision on a GPU, and bfloat16 on a CPU that is "
        "quick at it if the labels of shipped photos were measured to stay (`doctor --measure`); a "
        "folder of results keeps its own",
    )
    group.add_argument(
        "--key-source",
        metavar="NAME",
        help="what attention uses as keys (default: the backbone's first)",
    )


def add_attention(parser: argparse.ArgumentParser) -> None:
    """The constants of attention."""
    group = parser.add_argument_group(
        "attention", "constants left out are those of --constants (method section of the README)"
    )
    group.add_argument(
        "--constants",
        default="backbone",
        choices=("backbone", *ATTENTION_PRESETS),
        help="where constants come from: measured best for the backbone, the paper (rho 0.6), or "
        "the authors' released program, whose script names rho 0.6 but does not pass it on, so "
        "that the program's default of 0.55 runs",
    )
    for name, field, symbol, text in CONSTANTS:
        kind = int if field == "iterations" else float
        group.add_argument(name, dest=field, metavar=symbol, type=kind, help=text)
    group.add_argument(
        "--precision",
        default=EXACT,
        choices=PRECISIONS,
        help="exact as float32, or fast in the float type that the processor is quickest at",
    )


def add_run(parser: argparse.ArgumentParser) -> None:
    """All that a run takes beside its photos and words."""
    add_attention(parser)
    add_windows(parser)
    add_backbone(parser)


def add_quiet(group: Any) -> None:
    """Whether anything but errors is said beside the results."""
    group.add_argument("--quiet", action="store_true", help="nothing on stderr but errors")


def add_words(parser: argparse.ArgumentParser, *, required: bool = False) -> Any:
    """The words, in one of several ways; gives their group."""
    group = parser.add_mutually_exclusive_group(required=required)
    group.add_argument(
        "--vocabulary",
        metavar="WORDS",
        help='classes separated by commas, ; between synonyms: "sky, tree, person; man; woman"',
    )
    group.add_argument("--preset", metavar="NAME", help=", ".join(preset_names()))
    group.add_argument("--vocabulary-file", type=Path, metavar="FILE", help=CLASS_LIST_RULE)
    return group


def add_scales(group: Any, *aliases: str) -> None:
    """What decides between words and the background.

    Args:
        group: of arguments.
        aliases: other names of `--background-threshold`.
    """
    group.add_argument(
        "--background-threshold",
        *aliases,
        type=float,
        metavar="P",
        help="probability below which a pixel is background (default: "
        f"{DEFAULT_BACKGROUND_THRESHOLD})",
    )
    group.add_argument(
        "--logit-scale",
        type=float,
        metavar="X",
        help="factor on cosines before the softmax over words; it changes labels only where there "
        f"is a background (default: {LOGIT_SCALE:g})",
    )
    group.add_argument(
        "--area-threshold",
        type=float,
        metavar="P",
        help="give up classes with a smaller share of what is not background, as SCLIP's program "
        "does with 0.1 on VOC21 (default: keep all)",
    )


def add_windows(parser: argparse.ArgumentParser) -> None:
    """How photos are cut."""
    group = parser.add_argument_group("windows", "left out: measured best for the backbone")
    group.add_argument("--short-side", type=int, metavar="PX", help="short side after resizing")
    group.add_argument("--crop", type=int, metavar="PX", help="side of a window")
    group.add_argument("--stride", type=int, metavar="PX", help="distance of neighboring windows")
    group.add_argument(
        "--resampling",
        choices=RESAMPLINGS,
        help="photos smoothed where they shrink (default), or plain bilinear as OpenCV's",
    )
    group.add_argument(
        "--vfm-view",
        choices=VFM_VIEWS,
        help="real CLIP's vision model for keys sees windows (default), or the whole photo once: "
        "quicker, and not the paper's method",
    )


def words(text: str) -> tuple[str, ...]:
    """Words separated by commas."""
    return tuple(word.strip() for word in text.split(",") if word.strip())
