"""The arguments of `compare`. Nothing here imports PyTorch, which takes seconds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from glaclip.cli.arguments import (
    Help,
    add_quiet,
    add_run,
    add_scales,
    add_words,
    words,
)
from glaclip.settings import STAGE_NAMES

#: Files of figures by their ending.
KINDS = ("png", "pdf", "svg")


def add_compare(commands: Any) -> None:
    """The command `compare`."""
    parser = commands.add_parser(
        "compare",
        formatter_class=Help,
        help="one figure of photos by many methods, with truth and scores",
        description="Draws photos by several methods beside each other: input, ground truth, a "
        "column a method, one palette, mIoU and BER under each. Photos that are named are rows of "
        "one figure; a folder gives a page a photo, and a table. Label maps and a table of scores "
        "are written beside the figure.",
    )
    parser.add_argument("photos", metavar="PHOTO", nargs="+", help="picture files, or a folder")
    parser.add_argument(
        "--methods",
        type=words,
        default=("off", "gla"),
        metavar="LIST",
        help=f"off, gla (all on), switches joined by + ({', '.join(STAGE_NAMES)}), baselines of "
        "the backbone; @ a key source, /gauss blends windows, /splice and /whole join them "
        "(default: off,gla)",
    )
    parser.add_argument(
        "--file",
        dest="files",
        action="append",
        default=[],
        metavar="NAME=FILE",
        help="a further column from a label map of any other method, or from a folder of them with "
        "the photos' names; may be given again",
    )
    parser.add_argument(
        "--truth",
        type=Path,
        metavar="FILE",
        help="ground truth: a label map, or a folder of them with the photos' names; values count "
        "the classes from 0 (255: none), or are what a class list beside the map says",
    )
    add_words(parser, required=True)
    parser.add_argument(
        "--background", nargs="?", const=True, metavar="WORDS", help="add a background class"
    )
    add_scales(parser)
    parser.add_argument(
        "--out", type=Path, required=True, metavar="FILE", help="figure.png, .pdf or .svg"
    )
    parser.add_argument(
        "--columns",
        type=int,
        default=0,
        metavar="N",
        help="at most so many panels beside each other, more go on below (default: all)",
    )
    parser.add_argument("--dpi", type=int, default=300, metavar="N", help="100 to 600")
    parser.add_argument(
        "--seams", action="store_true", help="draw where labels jump at window edges"
    )
    parser.add_argument("--opacity", type=float, default=0.65, help="of the labels, 0 to 1")
    parser.add_argument("--json", action="store_true", help="scores as JSON on stdout")
    add_quiet(parser)
    add_run(parser)
