"""Speed and memory of the real CLIP backbones with random weights.

`python -m glaclip.benchmark.costs NAME`.

Random weights cost the same time and memory as trained ones, so nothing needs to be downloaded.
Each backbone is measured in a process of its own, as the peak of memory is a process's.
"""

from __future__ import annotations

import argparse
import dataclasses
import functools
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

from glaclip.backbones.clip.models import CLIP_MODELS, untrained_clip
from glaclip.segmenter import Segmenter
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
    return Measurement(
        name=name,
        windows=windows,
        tokens=windows * keys,
        encode_seconds=encode_seconds,
        attention_seconds=attention_seconds,
        baseline_seconds=baseline_seconds,
        word_seconds=word_seconds,
        peak_gigabytes=peak_gigabytes(),
        threads=threads,
        device=device,
    )


def measure(
    name: str, size: tuple[int, int] = (336, 480), device: str = "cpu", threads: int = 2
) -> Measurement:
    """`measure_here` in a process of its own.

    Raises:
        RuntimeError: the process failed; the message is its last line.
    """
    command = [sys.executable, "-m", "glaclip.benchmark.costs", name, "--json"]
    command += ["--size", f"{size[1]}x{size[0]}", "--device", device, "--threads", str(threads)]
    environment = {**os.environ, "OMP_NUM_THREADS": str(threads)}
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    if done.returncode:
        raise RuntimeError(f"measuring {name} failed: {done.stderr.strip().splitlines()[-1:]}")
    return Measurement(**json.loads(done.stdout.splitlines()[-1]))


def _main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", default=list(CLIP_MODELS), help="registry names")
    parser.add_argument("--size", default="480x336", help="photo, width x height in pixels")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--json", action="store_true", help="measure one name in this process")
    given = parser.parse_args()
    width, height = map(int, given.size.split("x"))
    for name in given.names:
        run = measure_here if given.json else measure
        found = run(name, (height, width), given.device, given.threads)
        sys.stdout.write(json.dumps(dataclasses.asdict(found)) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    _main()
