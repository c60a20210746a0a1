"""The arguments of `evaluate`. Nothing here imports PyTorch, which takes seconds."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from glaclip.cli.arguments import (
    CLASS_LIST_RULE,
    CONSTANTS,
    FORMAT_NAMES,
    OPTION_NAMES,
    SCALES,
    WINDOWS,
    Help,
    add_quiet,
    add_run,
    add_scales,
    check_formats,
    words,
)
from glaclip.cli.console import UsageError
from glaclip.cli.options import RunOptions
from glaclip.evaluation.data.layouts import LAYOUTS
from glaclip.evaluation.paper.names import SETTINGS, TABLE_NAMES, WORDS
from glaclip.evaluation.run.team import Shard
from glaclip.settings import RUNG_NAMES, STAGE_NAMES

#: Options that the paper's table sets by itself, by their fields.
_FIXED = {
    **{name: OPTION_NAMES[name] for _, name, _, _ in CONSTANTS},
    **{name: OPTION_NAMES[name] for name in (*WINDOWS, *SCALES)},
    "methods": "--methods", "switches": "--switches", "key_source": "--key-source",
    "classes_from": "--classes-from", "list": "--list",
}  # fmt: skip
_EXAMPLES = """examples:
  python -m glaclip evaluate FOLDER --ladder --out scores
  python -m glaclip evaluate --paper TABLE1 --data DATASETS --out table1
  torchrun --nproc-per-node 4 -m glaclip evaluate --paper TABLE1 --data DATASETS --out table1
  python -m glaclip evaluate FOLDER --shard 2/8 --out part2
  python -m glaclip evaluate --merge part1 part2 ... --out scores
"""


@dataclass(frozen=True, kw_only=True)
class EvaluateOptions(RunOptions):
    """The arguments of `evaluate`; see there what each means."""

    dataset: str | None
    layout: str
    classes_from: str | None
    background_threshold: float | None
    logit_scale: float | None
    area_threshold: float | None
    ignore: tuple[str, ...]
    list: Path | None
    limit: int | None
    strict: bool
    methods: tuple[str, ...]
    paper: str | None
    data: Path | None
    sets: tuple[str, ...] | None
    rows: tuple[str, ...] | None
    settings: str
    words: str
    plan: bool
    shard: Shard
    merge: tuple[Path, ...]
    out: Path | None
    json: Path | None
    per_class: bool
    worst: int
    save: str | None
    formats: tuple[str, ...]

    @classmethod
    def of(cls, args: argparse.Namespace, **derived: Any) -> Self:
        """See `Options`."""
        shard = _checked(args)
        names = RUNG_NAMES if args.ladder else [args.switches] if args.switches else args.methods
        methods = tuple(names or ("off", "on"))
        merge = tuple(args.merge or ())
        return super().of(args, shard=shard, methods=methods, merge=merge, **derived)


def _checked(args: argparse.Namespace) -> Shard:
    """Refuses what can be refused without data and weights; returns the part asked for."""
    if not (args.dataset or args.paper or args.merge):
        raise UsageError("give a DATASET, or --paper TABLE1 --data ROOT, or --merge DIRS")
    if args.merge and args.dataset:
        raise UsageError("--merge reads folders of counts and takes no DATASET")
    if args.paper and args.dataset:
        raise UsageError("--paper takes no DATASET; the folder that holds the sets is --data ROOT")
    if args.worst < 0:
        raise UsageError(f"--worst must be at least 0; received {args.worst}")
    if args.worst and args.out is None:
        raise UsageError("--worst needs --out DIR, where report.html is written")
    check_formats(args.formats)
    if args.formats and not args.save:
        raise UsageError("--format needs --save labels")
    if args.save and (args.out is None or args.merge or args.paper):
        raise UsageError("--save labels needs --out DIR and a DATASET")
    if args.worst and args.merge:
        raise UsageError("--worst needs photos and weights; --merge has neither")
    try:
        shard = Shard() if args.shard is None else Shard.parse(args.shard)
    except ValueError as error:
        raise UsageError(f"--shard {error}") from error
    if args.shard is not None and args.out is None:
        raise UsageError("--shard needs --out DIR, where its counts are kept for --merge")
    if args.paper and not args.merge:
        fixed = [option for name, option in _FIXED.items() if getattr(args, name) is not None]
        fixed += ["--ladder"] if args.ladder else []
        if fixed:
            raise UsageError(
                f"--paper sets {', '.join(fixed)} by itself; leave that out, or evaluate a DATASET"
            )
        if args.data is None:
            raise UsageError("--paper needs --data ROOT, the folder that holds the sets")
    return shard


class _RawEpilog(Help, argparse.RawDescriptionHelpFormatter):
    """Keeps the lines of the examples."""


def add_evaluate(commands: Any) -> None:
    """The command `evaluate`."""
    parser = commands.add_parser(
        "evaluate",
        formatter_class=_RawEpilog,
        usage="python -m glaclip evaluate DATASET [options]\n"
        "       python -m glaclip evaluate --paper TABLE1 --data ROOT [options]\n"
        "       python -m glaclip evaluate --merge DIR [DIR ...] [options]",
        help="mIoU, BER and window disagreement on a set with truth; the paper's table",
        description="Scores methods on a set with ground truth: mIoU and accuracy over the whole\n"
        "set, boundary error rate (BER), seam rate and window disagreement. A set is images/,\n"
        "masks/ and classes.txt, or PASCAL VOC, PASCAL-Context, ADE20K, Cityscapes or COCO-Stuff\n"
        "as they come. With --paper, the paper's table on all of its sets that are there.",
        epilog=_EXAMPLES,
    )
    parser.add_argument("dataset", metavar="DATASET", nargs="?", help="folder of the set")
    _add_set(parser)
    _add_methods(parser)
    _add_paper(parser)
    _add_spread(parser)
    _add_output(parser)
    add_run(parser)


def _add_set(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("set")
    group.add_argument("--layout", default="auto", choices=("auto", "folder", *LAYOUTS))
    group.add_argument(
        "--classes-from",
        metavar="WORDS",
        help="names and synonyms of a preset (voc21), of the field's lists (field/voc21), or of a "
        "file like the authors' cls_*.txt, the background first where there is one; "
        f"{CLASS_LIST_RULE}",
    )
    add_scales(group)
    group.add_argument(
        "--ignore",
        type=words,
        default=(),
        metavar="WORDS",
        help="further indices or names of classes.txt that mean no class",
    )
    group.add_argument("--list", type=Path, metavar="FILE", help="only these photos, a name a line")
    group.add_argument("--limit", type=int, metavar="N", help="at most N photos, drawn by a seed")
    group.add_argument(
        "--strict",
        action="store_true",
        help="stop at a photo that is missing or broken instead of leaving it out",
    )


def _add_methods(parser: argparse.ArgumentParser) -> None:
    which = parser.add_mutually_exclusive_group()
    which.add_argument(
        "--methods",
        type=words,
        metavar="LIST",
        help=f"off, on, switches joined by + ({', '.join(STAGE_NAMES)}), baselines; @ a key "
        "source, /gauss blends windows, /splice and /whole join them (default: off,on)",
    )
    which.add_argument(
        "--ladder", action="store_true", help=f"the ablation: {', '.join(RUNG_NAMES)}"
    )
    which.add_argument("--switches", choices=("off", "on"), help="all three off, or all three on")


def _add_paper(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("the paper's table")
    group.add_argument(
        "--paper",
        choices=TABLE_NAMES,
        help="run every row of Table 1, or of the ablation, that data and weights allow",
    )
    group.add_argument(
        "--data", type=Path, metavar="ROOT", help="folder that holds the sets, up to two below"
    )
    group.add_argument(
        "--sets", type=words, metavar="LIST", help="only these, such as voc21,ade20k"
    )
    group.add_argument("--rows", type=words, metavar="LIST", help="only these: sclip,gla,...")
    group.add_argument(
        "--settings",
        default="paper",
        choices=SETTINGS,
        help="windows and rho of the paper's text, or all that each method's released program "
        "runs with: windows, rho, logit scale, thresholds, resizing without antialiasing",
    )
    group.add_argument(
        "--words",
        default="field",
        choices=WORDS,
        help="words for the classes: the released lists, or this project's presets",
    )
    group.add_argument(
        "--plan",
        action="store_true",
        help="say what would run, what is missing and, where weights are, how long it takes; stop",
    )


def _add_spread(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group(
        "more than one process",
        "start with torchrun and all processes share the photos; the numbers are the same",
    )
    group.add_argument(
        "--shard", metavar="I/N", help="only the I-th of N parts, for machines that do not talk"
    )
    group.add_argument(
        "--merge",
        type=Path,
        nargs="+",
        metavar="DIR",
        help="the scores of what other runs left in these folders",
    )


def _add_output(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("output")
    group.add_argument(
        "--out",
        type=Path,
        metavar="DIR",
        help="keep the counts of every photo and go on from them; also scores.json, .csv, .md, "
        ".tex, classes.csv and report.html",
    )
    group.add_argument(
        "--save",
        choices=("labels",),
        help="also keep in --out what each method says: METHOD/labels/PHOTO.png, and --format",
    )
    group.add_argument(
        "--format",
        dest="formats",
        type=words,
        default=(),
        metavar="LIST",
        help=f"with --save labels, also for other tools: {', '.join(FORMAT_NAMES)}",
    )
    group.add_argument("--json", type=Path, metavar="FILE", help="also write everything as JSON")
    group.add_argument("--per-class", action="store_true", help="also the IoU of every class")
    group.add_argument(
        "--worst",
        type=int,
        default=0,
        metavar="N",
        help="pictures of the N worst photos in report.html",
    )
    add_quiet(group)
