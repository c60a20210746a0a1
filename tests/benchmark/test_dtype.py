"""`benchmark` on types of numbers and on kept words, with the toy backbone."""

from __future__ import annotations

import functools
import json
from pathlib import Path

import pytest
import torch

from glaclip.backbones.dtypes import few_photos, find_record
from glaclip.benchmark.costs import word_cost
from glaclip.cli.benchmark import BenchmarkOptions
from glaclip.cli.main import build_parser, main
from glaclip.segmenter.agreement import Agreement, dtype_agreement
from tests.toy import FewWindows


class Narrow(FewWindows):
    """Sees red and blue exchanged, as no rounding would, in half of each window's colors."""

    dtype = torch.bfloat16
    fingerprint = "toy-1-bfloat16"

    def encode_windows(self, pixels):  # type: ignore[no-untyped-def]
        return super().encode_windows(pixels.flip(1))


def toys(name: str, device: str, dtype: str, weights: str | None) -> FewWindows:
    return Narrow() if dtype == "bfloat16" else FewWindows()


def test_agreement_of_types_counts_equal_labels() -> None:
    same = dtype_agreement(FewWindows(), FewWindows, "own", photos=("china.jpg",))
    assert same.on == same.off == {"china.jpg": 1.0}
    other = dtype_agreement(FewWindows(), Narrow, "own", photos=("china.jpg", "cows.jpg"))
    assert (other.dtype, other.fingerprint, len(other.on)) == ("bfloat16", "toy-1", 2)
    assert 0 < other.share < 0.9


def test_a_second_start_with_words_reads_the_same_numbers() -> None:
    backbone = FewWindows()
    found = word_cost(backbone, ("red", "blue", "sky"))
    assert (found.words, found.texts, found.equal) == (3, 3, True)
    assert backbone.encoded_texts == ["red", "blue", "sky"]


def test_the_chosen_type_is_shown_beside_float32() -> None:
    def beside(backbone: FewWindows, *arguments: str) -> list[str]:
        options = BenchmarkOptions.of(build_parser().parse_args(["benchmark", *arguments]))
        return list(options.beside(backbone, toys))

    assert beside(Narrow()) == ["bfloat16", "float32"]
    assert beside(FewWindows()) == ["float32"]
    assert beside(FewWindows(), "--dtype", "float32", "--also-dtype", "bfloat16") == [
        "float32",
        "bfloat16",
    ]
    assert main(["benchmark", "--random-weights", "--backbone", "lite", "--quiet"]) == 3


def test_one_command_prints_and_keeps_the_agreement(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GLACLIP_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("glaclip.cli.benchmark.benchmark", lambda *a, **b: Nothing())
    monkeypatch.setattr("glaclip.cli.benchmark_text.times", lambda report: "")
    shares = [Agreement("a.jpg", 1, 1)]
    monkeypatch.setattr("glaclip.cli.benchmark.precision_agreement", lambda *_: shares)
    two = functools.partial(dtype_agreement, photos=few_photos())
    monkeypatch.setattr("glaclip.cli.benchmark.dtype_agreement", two)
    report = tmp_path / "b.json"
    more = ["--no-memory", "--agreement", "--words", "--json", str(report), "--quiet"]
    assert main(["benchmark", *more], toys) == 0
    said = capsys.readouterr().out
    assert "equal in bfloat16 and float32" in said
    assert "too few" in said
    assert "Longest shipped list" in said
    assert "equal to the last bit" in said
    found = find_record("toy-1", "bfloat16")
    assert found is not None
    document = json.loads(report.read_text())
    assert document["dtype_agreement"]["on"] == found.on
    assert document["words"]["equal"]
    monkeypatch.setenv("GLACLIP_CACHE", "off")
    assert main(["benchmark", *more], toys) == 0
    assert "no folder to keep this in" in capsys.readouterr().out


class Nothing:
    rows = ()

    def document(self) -> dict[str, object]:
        return {}
