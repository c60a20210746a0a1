"""What the steps cost on this computer: ratios within one run, and the memory of attention.

Times of different computers, or of one computer on different days, say little about the program;
ratios of times taken in turns in one run say more. So every group of rows is measured round robin
and shown relative to its first row.
"""

from __future__ import annotations

import itertools
import multiprocessing
import platform
import statistics
import sys
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from glaclip.attention import attend
from glaclip.attention.anchors import Keys
from glaclip.attention.rows import CHUNK_BYTES, Resizing, row_chunks
from glaclip.backbones.base import Backbone
from glaclip.benchmark.dense import dense_attend
from glaclip.segmenter import Encoded, Progress, Segmenter
from glaclip.settings import CAPTIONS, PRECISIONS, AttentionSettings, WindowSettings
from glaclip.support.memory import forget_peak, peak_bytes, resident_bytes
from glaclip.support.processor import processor
from glaclip.vocabulary import Vocabulary

_MB = 2**20
#: A road scene as in the paper: 36 windows of 28 x 28 keys, 28,224 tokens.
MEMORY_SHAPE: tuple[int, int, int, int] = (36, 784, 768, 512)  # L, S, Dk, Dv


@dataclass(frozen=True)
class Row:
    """One measured step.

    Attributes:
        group: rows that are compared with each other; its first row is 1.
        name: what was done.
        seconds: one a repeat.
    """

    group: str
    name: str
    seconds: tuple[float, ...]

    @property
    def median(self) -> float:
        """Median of the repeats."""
        return statistics.median(self.seconds)


@dataclass(frozen=True)
class Report:
    """A run.

    Attributes:
        backbone: name, title and device.
        shapes: what was measured, in numbers.
        rows: all groups.
        threads: of torch.
    """

    backbone: dict[str, str]
    shapes: dict[str, Any]
    rows: tuple[Row, ...]
    threads: int

    def ratios(self) -> list[float]:
        """Each row's median relative to the first of its group."""
        first: dict[str, float] = {}
        for row in self.rows:
            first.setdefault(row.group, row.median)
        return [row.median / first[row.group] for row in self.rows]

    def document(self) -> dict[str, Any]:
        """The run as JSON."""
        return {
            "backbone": self.backbone,
            "shapes": self.shapes,
            "torch": {"version": torch.__version__, "threads": self.threads},
            "processor": platform.machine(),
            "rows": [
                {
                    "group": row.group,
                    "name": row.name,
                    "median_seconds": round(row.median, 6),
                    "ratio": round(ratio, 4),
                    "seconds": [round(value, 6) for value in row.seconds],
                }
                for row, ratio in zip(self.rows, self.ratios(), strict=True)
            ],
        }


@dataclass(frozen=True)
class _Photo:
    """What the groups attend to: an encoded photo, its keys with their grid, and the constants."""

    encoded: Encoded
    keys: Tensor
    grid: tuple[int, int]
    settings: AttentionSettings

    def attend(
        self, settings: AttentionSettings, chunk_bytes: int = CHUNK_BYTES
    ) -> Callable[[], object]:
        values, grid = self.encoded.tokens.values, self.encoded.tokens.value_grid
        given: dict[str, Any] = {"key_grid": self.grid, "value_grid": grid}
        return lambda: attend(self.keys, values, settings, **given, chunk_bytes=chunk_bytes)


def measure(
    group: str,
    actions: Mapping[str, Callable[[], object]],
    repeats: int,
    device: torch.device,
    clock: Callable[[], float] = time.perf_counter,
) -> list[Row]:
    """Times actions in turns, after one unmeasured round.

    Args:
        group: name of the group.
        actions: by name, in the order of the rows.
        repeats: measured rounds.
        device: waited for, since a GPU works on after the call.
        clock: gives seconds.
    """
    seconds: dict[str, list[float]] = {name: [] for name in actions}
    for round_ in range(repeats + 1):
        for name, action in actions.items():
            _wait(device)
            start = clock()
            action()
            _wait(device)
            if round_:
                seconds[name].append(clock() - start)
    return [Row(group, name, tuple(values)) for name, values in seconds.items()]


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def benchmark(
    backbones: Mapping[str, Backbone],
    photo: Image.Image,
    vocabulary: Vocabulary,
    windows: WindowSettings,
    settings: AttentionSettings,
    *,
    repeats: int = 5,
    progress: Progress | None = None,
) -> Report:
    """Times every step of one photo.

    Args:
        backbones: by type of their towers ("float32", "bfloat16"); the first does everything, the
            others only encode.
        photo: the photo.
        vocabulary: the words.
        windows: how the photo is cut.
        settings: constants of attention.
        repeats: measured rounds.
        progress: called as ("benchmark", groups done, groups).
    """
    backbone = next(iter(backbones.values()))
    encoded = Segmenter(backbone).encode(photo, windows)
    keys, grid = backbone.keys(encoded.tokens, backbone.key_sources[0])[0]
    seen = _Photo(encoded, keys, grid, settings)
    groups: dict[str, Callable[[], Mapping[str, Callable[[], object]]]] = {
        "encode": lambda: _encode_actions(backbones, photo, windows),
        "attention": lambda: _ladder_actions(seen),
        "yardstick": lambda: _yardstick_actions(seen),
        "keys": lambda: _source_actions(backbone, encoded, settings),
        "chunk": lambda: _chunk_actions(seen),
        "mean over similar tokens": lambda: _member_actions(keys, settings),
        "answer": lambda: _answer_actions(backbone, encoded, vocabulary, settings),
    }
    rows: list[Row] = []
    for done, (group, actions) in enumerate(groups.items()):
        if progress:
            progress("benchmark", done, len(groups))
        with torch.inference_mode():
            rows += measure(group, actions(), repeats, backbone.device)
    if progress:
        progress("benchmark", len(groups), len(groups))
    return Report(
        backbone={
            "name": backbone.name,
            "title": backbone.title,
            "device": str(backbone.device),
        },
        shapes=_shapes(encoded, keys, vocabulary),
        rows=tuple(rows),
        threads=torch.get_num_threads(),
    )


def _shapes(encoded: Encoded, keys: Tensor, vocabulary: Vocabulary) -> dict[str, Any]:
    return {
        "photo": [encoded.photo_size[1], encoded.photo_size[0]],
        "windows": len(encoded.boxes),
        "tokens": keys.shape[0] * keys.shape[1],
        "keys": list(keys.shape),
        "values": list(encoded.tokens.values.shape),
        "classes": len(vocabulary.classes),
        "prompts": len(vocabulary.prompts),
    }


def _encode_actions(
    backbones: Mapping[str, Backbone], photo: Image.Image, windows: WindowSettings
) -> dict[str, Callable[[], object]]:
    def encode(backbone: Backbone) -> Callable[[], object]:
        return lambda: Segmenter(backbone).encode(photo, windows)  # a new one has no cache

    # What others are compared with comes first, whichever type does everything else.
    ordered = sorted(backbones, key=lambda dtype: dtype != "float32")
    return {dtype: encode(backbones[dtype]) for dtype in ordered}


def _ladder_actions(photo: _Photo) -> dict[str, Callable[[], object]]:
    rungs = AttentionSettings.ladder(photo.settings)
    return {caption: photo.attend(rung) for caption, rung in zip(CAPTIONS, rungs, strict=True)}


def _yardstick_actions(photo: _Photo) -> dict[str, Callable[[], object]]:
    """All switches on: the formulas as they read (`dense`), and `attend`."""
    keys, tokens = photo.keys, photo.encoded.tokens
    on, fast = (replace(photo.settings.on(), precision=name) for name in PRECISIONS)
    resizing = Resizing.between(keys, tokens.values, photo.grid, tokens.value_grid)
    return {
        "dense": lambda: dense_attend(keys, tokens.values, on, resizing),
        "attend": photo.attend(on),
        "attend, fast": photo.attend(fast),
        "attend, each window alone": photo.attend(on.off()),
    }


def _source_actions(
    backbone: Backbone, encoded: Encoded, settings: AttentionSettings
) -> dict[str, Callable[[], object]]:
    """All switches on, with the keys of each source, found anew as a run does."""
    warm = Segmenter(backbone, cache_bytes=0)
    on = settings.on()

    def run(source: str) -> Callable[[], object]:
        method = warm.method(on, key_source=source)
        return lambda: warm.features(encoded, method)

    return {source: run(source) for source in backbone.key_sources}


def _chunk_actions(photo: _Photo) -> dict[str, Callable[[], object]]:
    return {
        f"{size // _MB} MB": photo.attend(photo.settings.on(), size)
        for size in (CHUNK_BYTES, CHUNK_BYTES // 8, CHUNK_BYTES * 4)
    }


def _member_actions(keys: Tensor, settings: AttentionSettings) -> dict[str, Callable[[], object]]:
    """Proxy anchors of all tokens, their sums as products of floats, of integers, or gathered."""
    flat = keys.flatten(0, 1)

    def anchors(**way: Any) -> Callable[[], object]:
        def run() -> object:
            seen = Keys(flat, **way)
            return [
                seen.anchors(seen.unit(rows), settings.threshold, settings.iterations)
                for rows in row_chunks(len(flat), len(flat), CHUNK_BYTES)
            ]

        return run

    ways = {
        "floats": anchors(integers=False, sparse_share=-1.0),
        "gathered": anchors(integers=False, sparse_share=2.0),
        "as chosen": anchors(),
    }
    if processor().integers:
        ways["integers"] = anchors(integers=True)
    return ways


def _answer_actions(
    backbone: Backbone, encoded: Encoded, vocabulary: Vocabulary, settings: AttentionSettings
) -> dict[str, Callable[[], object]]:
    """What a visitor waits for after the photo is encoded."""
    warm = Segmenter(backbone)
    on = settings.on()
    warm.segment(encoded, vocabulary, on)
    texts = [t.replace("{}", p) for p in vocabulary.prompts for t in backbone.templates]
    batches = [texts[first : first + 128] for first in range(0, len(texts), 128)]
    point = (encoded.photo_size[1] // 2, encoded.photo_size[0] // 2)
    warm.attention(encoded, point, on)
    # Each time another place: what a point shows is kept.
    places = itertools.product(range(encoded.photo_size[1]), range(encoded.photo_size[0]))
    return {
        "labels, all else known": lambda: warm.segment(encoded, vocabulary, on),
        "new words": lambda: [backbone.encode_text(batch) for batch in batches],
        "click (four rungs)": lambda: warm.attention(encoded, next(places), on),
        "first click": lambda: Segmenter(backbone).attention(encoded, point, on),
    }


# ---------------------------------------------------------------------------------------------
# Memory


@dataclass(frozen=True)
class Memory:
    """Memory of one call of `attend`.

    Attributes:
        shape: (L, S, Dk, Dv).
        inputs: bytes of keys and values.
        outputs: bytes of the result.
        extra: bytes that the process grew by at its peak, beyond inputs and outputs.
        seconds: time of the call.
    """

    shape: tuple[int, int, int, int]
    inputs: int
    outputs: int
    extra: int
    seconds: float

    @property
    def tokens(self) -> int:
        """N."""
        return self.shape[0] * self.shape[1]


def measure_memory(
    shape: tuple[int, int, int, int] = MEMORY_SHAPE, settings: AttentionSettings | None = None
) -> Memory | None:
    """Peak memory of attention on the CPU in a process of its own; None where it cannot be read.

    Args:
        shape: (L, S, Dk, Dv); by default 28,224 tokens.
        settings: switches and constants, all on when left out.
    """
    if not sys.platform.startswith("linux"):
        return None
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        return pool.submit(_memory, shape, settings or AttentionSettings()).result()


def _memory(shape: tuple[int, int, int, int], settings: AttentionSettings) -> Memory:
    windows, tokens, key_size, value_size = shape
    generator = torch.Generator().manual_seed(0)

    def attended(count: int) -> tuple[Tensor, Tensor]:
        # Half of each key is one of 64 directions, so that tokens have similar ones to average.
        centers = F.normalize(torch.randn(64, key_size, generator=generator), dim=1)
        keys = torch.empty(count, tokens, key_size)
        for window in keys:
            chosen = torch.randint(64, (tokens,), generator=generator)
            noise = torch.randn(tokens, key_size, generator=generator) * key_size**-0.5
            torch.add(centers[chosen], noise, alpha=0.7, out=window)
        return keys, torch.randn(count, tokens, value_size, generator=generator)

    small = attended(1)
    attend(*small, settings)  # threads and libraries take their memory before the measure
    keys, values = attended(windows)
    before = resident_bytes()
    forget_peak()
    start = time.perf_counter()
    result = attend(keys, values, settings)
    seconds = time.perf_counter() - start
    outputs = result.numel() * result.element_size()
    inputs = sum(t.numel() * t.element_size() for t in (keys, values))
    return Memory(shape, inputs, outputs, peak_bytes() - before - outputs, seconds)
