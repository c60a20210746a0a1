"""The benchmark on the toy backbone: that it measures what it says."""

from __future__ import annotations

import json
import multiprocessing
import sys
from collections.abc import Sequence
from pathlib import Path
from zlib import crc32

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

from glaclip.benchmark.growth import growth, yardstick
from glaclip.benchmark.ratios import Row, benchmark, measure_memory
from glaclip.cli.main import main
from glaclip.segmenter import Segmenter
from glaclip.segmenter.agreement import precision_agreement
from glaclip.settings import AttentionSettings, WindowSettings
from glaclip.ui.examples import all_examples
from glaclip.vocabulary import parse_vocabulary
from tests.fresh import fresh
from tests.segmenter.test_segmenter import halves
from tests.toy import ColorBackbone, FewWindows


def test_every_step_is_measured_in_turns() -> None:
    steps: list[tuple[str, int, int]] = []
    backbone = ColorBackbone()
    report = benchmark(
        {"float32": backbone, "bfloat16": backbone},
        Image.fromarray(halves(300, 200)),
        parse_vocabulary("red, blue; navy"),
        WindowSettings(),
        AttentionSettings(),
        repeats=2,
        progress=lambda *step: steps.append(step),
    )
    assert steps[-1] == ("benchmark", 7, 7)
    groups = list(dict.fromkeys(row.group for row in report.rows))
    assert groups == [
        "encode", "attention", "yardstick", "keys", "chunk", "mean over similar tokens", "answer"
    ]  # fmt: skip
    assert [row.name for row in report.rows[:2]] == ["float32", "bfloat16"]
    assert [row.name for row in report.rows if row.group == "keys"] == ["colors", "twice"]
    assert all(len(row.seconds) == 2 and row.median > 0 for row in report.rows)
    first = [ratio for row, ratio in zip(report.rows, report.ratios(), strict=True)
             if row.name in ("float32", "Alone", "floats")]  # fmt: skip
    assert first == [1, 1, 1]
    assert report.shapes["prompts"] == 3
    assert report.shapes["tokens"] == report.shapes["windows"] * 196
    json.dumps(report.document(), allow_nan=False)


def test_the_yardstick_is_timed_beside_attention_and_agrees_with_it() -> None:
    found = yardstick((2, 50, 32, 8), repeats=1)
    assert [row.name for row in found.rows] == ["dense", "attend, exact", "attend, fast"]
    assert found.apart["dense"] == 0
    assert found.apart["attend, exact"] < 1e-5
    assert found.apart["attend, fast"] < 0.1


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_growth_is_between_the_smallest_and_the_largest(monkeypatch: pytest.MonkeyPatch) -> None:
    context = fresh()
    monkeypatch.setattr(multiprocessing, "get_context", lambda method: context)
    grown = growth("exact", ((1, 196, 16, 8), (8, 784, 16, 8)))
    assert grown is not None
    assert [size.tokens for size in grown.sizes] == [196, 6272]
    assert 0.5 < grown.time < 3  # quadratic, less what every call takes


class AnyWordBackbone(FewWindows):
    """Each word has a direction of its own: equal scores would leave labels to rounding."""

    def encode_text(self, prompts: Sequence[str]) -> Tensor:
        generators = (torch.Generator().manual_seed(crc32(word.encode())) for word in prompts)
        return F.normalize(torch.stack([torch.randn(3, generator=g) for g in generators]), dim=1)


def test_agreement_counts_equal_labels(monkeypatch: pytest.MonkeyPatch) -> None:
    shares = precision_agreement(Segmenter(AnyWordBackbone()), AttentionSettings())
    assert len(shares) == len(all_examples())
    assert all(0.9 < min(share.on, share.off) <= 1 for share in shares)

    def careless(keys: Tensor, values: Tensor, *rest: object) -> tuple[Tensor, Tensor]:
        return -values.mean(dim=(0, 1)).expand(*keys.shape[:2], -1), keys[0, 0]  # what fits least

    monkeypatch.setattr("glaclip.attention.fast.attend", careless)
    wrong = precision_agreement(Segmenter(AnyWordBackbone()), AttentionSettings())
    assert min(share.on for share in wrong) < 0.9


def test_the_median_is_not_moved_by_one_slow_repeat() -> None:
    assert Row("g", "n", (1.0, 90.0, 1.2)).median == 1.2


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_memory_of_attention_stays_within_its_bound() -> None:
    memory = measure_memory((4, 784, 64, 32))
    assert memory is not None
    assert memory.inputs == 4 * 784 * (64 + 32) * 4
    assert memory.outputs == 4 * 784 * 32 * 4
    assert memory.extra < 256 * 2**20


def test_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    photo, report = tmp_path / "p.png", tmp_path / "b.json"
    Image.fromarray(np.full((60, 90, 3), 99, np.uint8)).save(photo)
    arguments = ["benchmark", "--photo", str(photo), "--vocabulary", "red, blue", "--repeats", "1"]
    more = ["--no-memory", "--json", str(report), "--short-side", "224", "--also-dtype", "float16"]
    assert main([*arguments, *more], lambda *_: ColorBackbone()) == 0
    said = capsys.readouterr()
    assert "+ Normalization" in said.out
    assert "Colors on cpu" in said.out
    rows = json.loads(report.read_text())["rows"]
    assert rows[1]["name"] == "float16"
    assert main([*arguments[:-1], "0"], lambda *_: ColorBackbone()) == 2
