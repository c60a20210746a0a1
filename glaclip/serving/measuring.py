"""Measures in the background whether weights may compute in bfloat16 from the next start on.

`python -m glaclip.serving.measuring NAME` is what the page starts, once for weights that nobody
measured: a process of the lowest priority, on one thread, which ends with its parent. A model in
memory keeps its type, so that nothing changes in the middle of anybody's work.
"""

from __future__ import annotations

import argparse
import contextlib
import functools
import json
import logging
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import torch

from glaclip.backbones import registry
from glaclip.backbones.base import Backbone, BackboneError
from glaclip.backbones.clip.models import CLIP_MODELS
from glaclip.backbones.dtypes import (
    ENOUGH,
    Record,
    few_photos,
    is_unmeasured,
    keep_record,
    photos_digest,
    record_file,
)
from glaclip.segmenter import Progress
from glaclip.segmenter.agreement import dtype_agreement
from glaclip.support.files import atomic_write, cache_folder
from glaclip.support.processor import processor

_LOG = logging.getLogger(__name__)
#: Seconds from a model's first use: its first photo has the processor to itself.
DELAY = 30.0
#: A measurement whose note is older than this is no longer at work.
_SILENT = 600.0
_NARROW = torch.bfloat16


@dataclass(frozen=True)
class State:
    """How far a measurement is.

    Attributes:
        backbone: registry name.
        done: photos in both types.
        total: twice the photos.
        time: when this was written, in seconds since 1970.
    """

    backbone: str
    done: int
    total: int
    time: float

    def __str__(self) -> str:
        return f"bfloat16 is being measured for {self.backbone}: {self.done} of {self.total} steps"


def running() -> State | None:
    """The measurement at work on this computer, whoever started it."""
    path = _note_path()
    try:
        state = State(**json.loads(path.read_text(encoding="utf-8"))) if path else None
    except (OSError, ValueError, TypeError):
        return None
    return state if state and 0 <= time.time() - state.time < _SILENT else None


def measure(backbone: Backbone, progress: Progress | None = None) -> Record:
    """Counts equal labels on three photos in this process, and keeps the figure.

    Args:
        backbone: a real CLIP in float32 on the CPU; not to be used afterwards.
        progress: called as ("agreement", steps done, steps).
    """

    def note(step: str, done: int, total: int) -> None:
        _note(State(backbone.name, done, total, time.time()))
        if progress:
            progress(step, done, total)

    narrowed = functools.partial(registry.narrowed, backbone, _NARROW)
    try:
        record = dtype_agreement(backbone, narrowed, "own", note, few_photos())
    finally:
        if (path := _note_path()) is not None:
            path.unlink(missing_ok=True)
    keep_record(record)
    return record


def verdict(record: Record) -> str:
    """What follows from a measurement, for people."""
    follows = "used from the next start on" if record.share >= ENOUGH else "float32 stays"
    if not processor().bfloat16:
        follows = "float32 stays, for bfloat16 is not quicker on this processor"
    return (
        f"{record.dtype} keeps {record.share:.2%} of the labels of {len(record.on)} photos; "
        f"{ENOUGH:.1%} are enough: {follows}"
    )


def begin_later(backbone: Backbone, weights: str | None, delay: float = DELAY) -> None:
    """Starts a measurement some time from now if these weights need one; returns at once.

    What comes of it stands in `backbone.dtype_why`, which the page shows.

    Args:
        backbone: as it was loaded with the type "auto".
        weights: the folder that it was loaded with.
        delay: seconds.
    """
    if backbone.name in CLIP_MODELS and is_unmeasured(backbone):
        timer = threading.Timer(delay, _watch, args=(backbone, weights))
        timer.daemon = True
        timer.start()


class SteadyLoad:
    """Loads models for a server: in the type "auto" chose at first, also when they come again.

    A measurement that came out meanwhile is for the next start.
    """

    def __init__(
        self,
        load: Callable[[str, torch.dtype | str], Backbone],
        folder: Callable[[str], str | None],
    ) -> None:
        """Args:
        load: starts a backbone by registry name and type.
        folder: the folder of weights that a name is loaded with.
        """
        self._load, self._folder = load, folder
        self._types: dict[str, torch.dtype] = {}

    def __call__(self, name: str) -> Backbone:
        """Starts a backbone, and has its type measured where nobody did.

        Raises:
            BackboneError: it cannot start.
        """
        known = self._types.get(name)
        backbone = self._load(name, known or "auto")
        if known is not None:
            backbone.dtype_why = "as this server began with it"
            return registry.quickened(backbone)
        self._types[name] = backbone.dtype
        begin_later(backbone, self._folder(name))
        return backbone


def _watch(backbone: Backbone, weights: str | None) -> None:
    if running() is not None or not is_unmeasured(backbone):
        return
    why = backbone.dtype_why
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    with subprocess.Popen(
        command(backbone.name, weights),
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        while process.poll() is None:
            if (state := running()) is not None:
                backbone.dtype_why = str(state)
            time.sleep(1)
        assert process.stderr is not None
        said = process.stderr.read().strip()
    backbone.dtype_why = said if process.returncode == 0 else why
    _LOG.info("%s: %s", backbone.name, said)


def command(name: str, weights: str | None) -> list[str]:
    """What starts a measurement that ends with this process."""
    own = [sys.executable, "-m", __name__, name, "--parent", str(os.getpid())]
    return [*own, "--weights", weights] if weights else own


def _note_path() -> Path | None:
    folder = cache_folder()
    return None if folder is None else folder / "agreement" / "running.json"


def _note(state: State) -> None:
    path = _note_path()
    if path is not None:
        with contextlib.suppress(OSError):
            path.parent.mkdir(parents=True, exist_ok=True)
            atomic_write(path, json.dumps(asdict(state)).encode())


def main() -> int:
    """Measures the weights named on the command line, with the lowest priority."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", help="registry name of a real CLIP")
    parser.add_argument("--weights", help="folder of weights")
    parser.add_argument("--parent", type=int, help="process to end with")
    given = parser.parse_args()
    if hasattr(os, "nice"):
        os.nice(19)
    torch.set_num_threads(1)

    def with_parent(step: str, done: int, total: int) -> None:
        if given.parent and os.getppid() != given.parent:
            raise SystemExit(1)

    try:
        single = registry.load(given.name, "cpu", torch.float32, given.weights)
    except BackboneError as error:
        sys.stderr.write(f"{error}\n")
        return 3
    known = record_file(single.fingerprint, "bfloat16", photos_digest(few_photos()))
    if known is None or known.is_file():
        return 1
    sys.stderr.write(verdict(measure(single, with_parent)) + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
