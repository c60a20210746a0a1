"""Speed and memory of the real CLIP backbones with random weights; a word list's first start.

`python -m glaclip.benchmark.costs NAME`.

Random weights cost the same time and memory as trained ones, so nothing needs to be downloaded.
Each backbone is measured in a process of its own, as the peak of memory is a process's.
"""

from __future__ import annotations

import argparse
import dataclasses
import functools
import json
import multiprocessing
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from glaclip.backbones.base import Backbone
from glaclip.backbones.clip.models import CLIP_MODELS, untrained_clip
from glaclip.segmenter import Segmenter
from glaclip.segmenter.word_store import WordStore, shipped_lists
from glaclip.support.memory import peak_gigabytes


@dataclass(frozen=True)
class Measurement:
    """One backbone on one photo with its default windows.

    Attributes:
        name: registry name.
        windows: how many windows the photo has.
        tokens: keys of all windows together.
        encode_seconds: pixels to tokens.
        attention_seconds: all three switches on, with the projection to the joint space.
        baseline_seconds: the same, switches off (ProxyCLIP).
        word_seconds: one prompt with all its templates.
        peak_gigabytes: most memory the process ever held (GiB), with the library and the weights.
        threads: CPU threads.
        device: where it ran.
    """

    name: str
    windows: int
    tokens: int
    encode_seconds: float
    attention_seconds: float
    baseline_seconds: float
    word_seconds: float
    peak_gigabytes: float
    threads: int
    device: str


def _seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def measure_here(
    name: str, size: tuple[int, int] = (336, 480), device: str = "cpu", threads: int = 2
) -> Measurement:
    """Measures one backbone in this process.

    Args:
        name: one of `CLIP_MODELS`.
        size: (height, width) of the photo.
        device: where the modules run.
        threads: CPU threads.
    """
    torch.set_num_threads(threads)
    segmenter = Segmenter(untrained_clip(CLIP_MODELS[name], device))
    backbone = segmenter.backbone
    photo = np.random.default_rng(0).integers(0, 255, (*size, 3), dtype=np.uint8)
    encode_seconds = _seconds(functools.partial(segmenter.encode, photo))
    encoded = segmenter.encode(photo)  # from the cache
    attention_seconds, baseline_seconds = (
        _seconds(functools.partial(segmenter.features, encoded, segmenter.method(settings)))
        for settings in (backbone.default_attention, backbone.default_attention.off())
    )
    prompts = [template.replace("{}", "sky") for template in backbone.templates]
    with torch.inference_mode():
        word_seconds = _seconds(functools.partial(backbone.encode_text, prompts))
    windows, keys, _ = encoded.tokens.keys.shape
    seconds = (encode_seconds, attention_seconds, baseline_seconds, word_seconds)
    return Measurement(name, windows, windows * keys, *seconds, peak_gigabytes(), threads, device)


def measure(
    name: str, size: tuple[int, int] = (336, 480), device: str = "cpu", threads: int = 2
) -> Measurement:
    """`measure_here` in a process of its own.

    Raises:
        RuntimeError: it failed.
    """
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=spawn) as pool:
        try:
            return pool.submit(measure_here, name, size, device, threads).result()
        except Exception as error:
            raise RuntimeError(f"measuring {name} failed: {error!r}") from error


@dataclass(frozen=True)
class WordCost:
    """Seconds from a list to its embeddings.

    Attributes:
        words: of the list.
        texts: words times templates.
        first: nothing is on disk yet.
        second: another process's segmenter finds them there.
        equal: whether both have the same numbers to the last bit.
    """

    words: int
    texts: int
    first: float
    second: float
    equal: bool


def word_cost(backbone: Backbone, words: tuple[str, ...] | None = None) -> WordCost:
    """Times both starts in a folder of its own, which is removed.

    Args:
        backbone: encodes the texts.
        words: a list; the longest shipped one when left out.
    """
    chosen = max(shipped_lists(), key=lambda each: (len(each), each)) if words is None else words
    with tempfile.TemporaryDirectory() as folder, torch.inference_mode():
        both = [Segmenter(backbone, word_store=WordStore(Path(folder), [chosen])) for _ in "12"]
        first, second = (_seconds(functools.partial(s.text_features, chosen)) for s in both)
        equal = torch.equal(*(segmenter.text_features(chosen) for segmenter in both))
    return WordCost(len(chosen), len(chosen) * len(backbone.templates), first, second, equal)


def _main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", default=list(CLIP_MODELS), help="registry names")
    parser.add_argument("--size", default="480x336", help="photo, width x height in pixels")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, default=2)
    given = parser.parse_args()
    width, height = map(int, given.size.split("x"))
    for name in given.names:
        found = measure(name, (height, width), given.device, given.threads)
        sys.stdout.write(json.dumps(dataclasses.asdict(found)) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    _main()
