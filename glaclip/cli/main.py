"""The command line: segment, compare, evaluate, benchmark, backbones, verify, doctor, label-studio.

Exit codes: 0 fine, 2 bad input or usage, 3 the backbone cannot start, 130 interrupted.
Results go to stdout, everything else to stderr.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from glaclip.cli.arguments import (
    DTYPES,
    FORMAT_NAMES,
    OPTION_NAMES,
    Help,
    add_backbone,
    add_quiet,
    add_run,
    add_scales,
    add_words,
)
from glaclip.cli.arguments import words as split_words
from glaclip.cli.compare_arguments import add_compare
from glaclip.cli.console import Console, UsageError
from glaclip.cli.evaluate_arguments import add_evaluate
from glaclip.settings import STAGE_NAMES, STAGES
from glaclip.support.version import __version__
from glaclip.vocabulary import BACKGROUND_WORDS

if TYPE_CHECKING:
    from glaclip.cli.options import Loader

OK, BAD_INPUT, NO_BACKBONE, INTERRUPTED = 0, 2, 3, 130


class _Parser(argparse.ArgumentParser):
    """Says what was wrong in one sentence instead of the whole usage."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message} (see `{self.prog} --help`)")


# ---------------------------------------------------------------------------------------------
# Arguments


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
        formatter_class=Help,
        help="label every pixel of photos with your words",
        description="Labels every pixel of a photo with one of your words, by each window alone "
        "and by GLA-CLIP, and writes label maps, overlays, a comparison and what made them. Of "
        "several photos, or of a folder: a label map each by GLA-CLIP, and a summary; the same "
        "command goes on after a stop, and torchrun or --shard spread it.",
    )
    parser.add_argument(
        "photos",
        metavar="PHOTO",
        nargs="+",
        help="picture files, folders with all below them, or a list of files as .txt",
    )
    add_words(parser).add_argument(
        "--suggest",
        action="store_true",
        help="words that common words of the photo suggest; so too where no words are given",
    )
    parser.add_argument(
        "--background",
        nargs="?",
        const=True,
        metavar="WORDS",
        help="add a background class, with words of your own if you like (without: "
        f"{BACKGROUND_WORDS.split(', ', 5)[1]}, {BACKGROUND_WORDS.split(', ', 5)[2]} and more)",
    )
    add_scales(parser, "--threshold")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="where to write")
    parser.add_argument(
        "--format",
        dest="formats",
        type=split_words,
        default=(),
        metavar="LIST",
        help=f"also write the labels for other tools: {', '.join(FORMAT_NAMES)}",
    )
    parser.add_argument(
        "--scores",
        nargs="?",
        const="png",
        choices=("png", "npz"),
        help="also write how probable each word is at each place of the resized photo, both sides: "
        "16-bit png (the default; 65535 is 1), or npz",
    )
    parser.add_argument("--cutouts", action="store_true", help="also cut each word's region out")
    parser.add_argument("--shard", metavar="I/N", help="of several photos only the I-th of N parts")
    parser.add_argument(
        "--baseline",
        default="off",
        metavar="NAME",
        help="the left side: off (each window alone), switches joined by + "
        f"({', '.join(STAGE_NAMES)}), or a baseline of the backbone; /gauss blends windows, "
        "/splice and /whole join them",
    )
    parser.add_argument(
        "--left",
        type=Path,
        metavar="FILE",
        help="the left side from a label map of any other method instead; a class list beside it "
        "names its values, else they count the classes from 0",
    )
    parser.add_argument("--left-name", default="", metavar="NAME", help="its name in the results")
    parser.add_argument(
        "--point",
        type=_point,
        metavar="X,Y",
        help="also draw where the attention of this photo pixel goes",
    )
    parser.add_argument(
        "--features",
        type=Path,
        metavar="PATH",
        help="also write the features of the photo by GLA-CLIP, and those of the words apart, as "
        ".npz (docs/methods.md says what is in it); of several photos into this folder, one each",
    )
    parser.add_argument(
        "--features-as",
        choices=("windows", "stitched"),
        default="windows",
        help="features [L, S, E] of each window, or [E, H, W] on one map",
    )
    parser.add_argument("--opacity", type=float, default=0.55, help="of the overlays, 0 to 1")
    switches = parser.add_argument_group("switches of GLA-CLIP, all on unless left out")
    for stage in STAGES:
        switches.add_argument(
            f"--no-{stage.name}", action="store_true", help=f"without: {stage.help}"
        )
    add_run(parser)
    _add_output(parser)


def _add_output(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("output")
    group.add_argument("--json", action="store_true", help="machine-readable summary on stdout")
    add_quiet(group)


def _add_benchmark(commands: Any) -> None:
    parser = commands.add_parser(
        "benchmark",
        formatter_class=Help,
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
        "--also-dtype", choices=DTYPES[2:], help="also encode with towers of this type"
    )
    parser.add_argument(
        "--random-weights",
        action="store_true",
        help="real CLIP without its files: random weights take the same time",
    )
    parser.add_argument("--no-memory", action="store_true", help="leave the memory out")
    for name, text in (
        (
            "towers",
            "also time encoding by clip-b16-s8, as this computer runs it, beside clip-b16 in "
            "float32 (random weights)",
        ),
        ("yardstick", "also time made-up tokens beside the dense formulation (4 GB of memory)"),
        ("growth", "also measure how time and memory grow from 1,176 to 28,224 tokens (Linux)"),
        (
            "agreement",
            "also count the labels of the shipped photos that both precisions share, and those "
            "that float32 and the narrower type of --dtype auto share, which is kept for its "
            "choice",
        ),
        ("words", "also time the longest shipped word list at a first and at a second start"),
        ("page", "also drive the page in Chromium (needs playwright): from pressing to pixels"),
        ("start", "also time a new process to its first answer, in parts"),
        ("all", "all of these together"),
    ):
        parser.add_argument(f"--{name}", action="store_true", help=text)
    parser.add_argument("--plot", type=Path, metavar="FILE", help="also draw the ratios as PNG")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write everything as JSON")
    add_run(parser)
    add_quiet(parser)


def _add_backbones(commands: Any) -> None:
    parser = commands.add_parser(
        "backbones",
        formatter_class=Help,
        help="list backbones and whether each can start",
        description="Lists the backbones and whether each can start without a download.",
    )
    parser.add_argument("--weights", metavar="DIR", help="folder of weights to look into")
    _add_output(parser)


def _add_verify(commands: Any) -> None:
    parser = commands.add_parser(
        "verify",
        formatter_class=Help,
        help="whether the weights of a real CLIP are the right ones",
        description="Looks at the files of a real CLIP, at its numbers and at what it sees in the "
        "shipped photos, in float32, and prints what it expects and what it saw. Exit code 3 where "
        "something is wrong. Takes about a minute on two cores.",
    )
    add_backbone(parser)
    _add_output(parser)


def _add_doctor(commands: Any) -> None:
    parser = commands.add_parser(
        "doctor",
        formatter_class=Help,
        help="what this computer can do: versions, backbones, limits, one quick run",
        description="Prints versions, which backbones can start and what the others lack, the "
        "limits of the page with their variables, free memory and disk, and the seconds of one "
        "quick run.",
    )
    parser.add_argument(
        "--measure",
        action="store_true",
        help="first measure whether these weights keep their labels in bfloat16, as the page does "
        "in the background; --dtype auto follows it from the next start on",
    )
    add_backbone(parser)
    _add_output(parser)


def _add_label_studio(commands: Any) -> None:
    parser = commands.add_parser(
        "label-studio",
        formatter_class=Help,
        help="label photos in advance for Label Studio",
        description="Answers Label Studio as an ML backend: the labels of a project's brush are "
        "the words, and each photo gets a brush label a class.",
    )
    parser.add_argument("--photos", type=Path, metavar="DIR", help="what it serves as local files")
    parser.add_argument("--url", metavar="URL", help="Label Studio, for photos uploaded there")
    parser.add_argument("--token", metavar="TOKEN", help="its access token")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--port", type=int, default=9090, help="port to listen on")
    add_run(parser)
    add_quiet(parser)


def build_parser() -> argparse.ArgumentParser:
    """All commands."""
    parser = _Parser(
        prog="python -m glaclip",
        description="Training-free open-vocabulary segmentation across windows (GLA-CLIP).",
        epilog="Exit codes: 0 fine, 2 bad input or usage, 3 the backbone cannot start, "
        "130 interrupted.",
    )
    parser.add_argument("--version", action="version", version=f"glaclip-demo {__version__}")
    commands = parser.add_subparsers(
        dest="command", metavar="COMMAND", required=True, parser_class=_Parser
    )
    _add_segment(commands)
    add_compare(commands)
    add_evaluate(commands)
    _add_benchmark(commands)
    _add_backbones(commands)
    _add_verify(commands)
    _add_doctor(commands)
    _add_label_studio(commands)
    return parser


def main(argv: Sequence[str] | None = None, load: Loader | None = None) -> int:
    """Runs a command and returns its exit code.

    Args:
        argv: arguments; those of the process when left out.
        load: starts the backbone; from the registry when left out.
    """
    console = Console()
    try:
        return _run(build_parser().parse_args(argv), load, console)
    except UsageError as error:
        console.error(str(error))
        return BAD_INPUT
    except BrokenPipeError:  # the reader of stdout, such as `head`, had enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return OK
    except KeyboardInterrupt:
        console.error("interrupted")
        return INTERRUPTED


def _run(args: argparse.Namespace, load: Loader | None, console: Console) -> int:
    # Only now: PyTorch takes seconds to import, and help and usage errors need none of it.
    from glaclip.backbones.base import BackboneError
    from glaclip.cli.commands import COMMANDS, FORESEEN
    from glaclip.cli.options import load_registered
    from glaclip.settings import SettingsError

    read, run = COMMANDS[args.command]
    console.quiet = args.quiet
    try:
        with contextlib.ExitStack() as stack:
            if args.quiet:
                stack.enter_context(contextlib.redirect_stderr(io.StringIO()))
            run(read(args), load or load_registered, console)
    except SettingsError as error:
        console.error(error.named(OPTION_NAMES))
        return BAD_INPUT
    except FORESEEN as error:
        console.error(str(error))
        return BAD_INPUT
    except BackboneError as error:
        console.error(str(error))
        return NO_BACKBONE
    return OK
