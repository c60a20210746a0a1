"""The small pair beside the paper's: what is timed, and what is said of it."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

from glaclip.backbones.clip.models import CLIP_MODELS
from glaclip.benchmark import towers as module
from glaclip.cli.main import main
from glaclip.segmenter import Encoded, Segmenter
from tests.benchmark.test_dtype import Nothing
from tests.clip_weights import tiny_model
from tests.toy import FewWindows


@pytest.fixture
def tiny(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both names stand for a tiny pair."""
    model = tiny_model(tmp_path)
    for name in (module.PAPER, module.SMALL):
        monkeypatch.setitem(CLIP_MODELS, name, model)
    monkeypatch.setitem(CLIP_MODELS, model.name, model)


@pytest.mark.usefixtures("tiny")
@pytest.mark.parametrize(
    ("kind", "dtype", "most", "way"),
    [
        ("amx", "bfloat16", 0.3, ""),
        ("avx512_bf16", "bfloat16", 0.3, " by oneDNN"),
        ("vnni", "float32", 0.45, ""),
    ],
)
def test_the_processor_says_in_which_type_the_small_pair_runs_and_what_it_may_take(
    monkeypatch: pytest.MonkeyPatch, kind: str, dtype: str, most: float, way: str
) -> None:
    monkeypatch.setenv("GLACLIP_PROCESSOR", kind)
    found = module.towers(Image.new("RGB", (96, 64)), 1)
    assert (found.dtype, found.most) == (dtype, most)
    names = [row.name for row in found.rows]
    assert names[0] == "clip-b16, float32"
    assert names[-3:] == [
        f"clip-b16-s8, {dtype}",
        f"clip-b16, float32{way}, --vfm-view whole",
        f"clip-b16-s8, float32{way}, --vfm-view whole",
    ]
    assert found.ratio == found.rows[-3].median / found.rows[0].median > 0


@pytest.mark.usefixtures("tiny")
def test_other_work_on_the_computer_is_not_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both pairs are the same tiny one, and one of them has to wait for the processor."""
    encode, threads = module.Segmenter.encode, torch.get_num_threads()

    def waiting(self: Segmenter, *given: Any) -> Encoded:
        assert torch.get_num_threads() == 1
        time.sleep(0.3)
        return encode(self, *given)

    monkeypatch.setattr(module.Segmenter, "encode", waiting)
    found = module.towers(Image.new("RGB", (96, 64)), 1)
    assert all(row.median < 0.25 for row in found.rows)
    assert torch.get_num_threads() == threads


@pytest.mark.usefixtures("tiny")
def test_one_command_prints_the_ratio_and_its_bar(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GLACLIP_PROCESSOR", "vnni")
    monkeypatch.setattr("glaclip.cli.benchmark.benchmark", lambda *a, **b: Nothing())
    monkeypatch.setattr("glaclip.cli.benchmark_text.times", lambda report: "")
    report = tmp_path / "b.json"
    more = ["--no-memory", "--towers", "--repeats", "1", "--json", str(report), "--quiet"]
    assert main(["benchmark", *more], lambda *_: FewWindows()) == 0
    document = json.loads(report.read_text())["towers"]
    said = capsys.readouterr().out
    line = f"(float32) takes {document['ratio']:.2f} of clip-b16 in float32; at most 0.45."
    assert line in said
    whole = next(row for row in said.splitlines() if row.startswith("clip-b16, float32, --vfm"))
    rows = {row["name"]: row["seconds"] for row in document["rows"]}
    assert len(rows) == 4
    shown = rows["clip-b16, float32, --vfm-view whole"][0] / rows["clip-b16, float32"][0]
    assert float(whole.split()[-1]) == pytest.approx(shown, abs=0.006)
