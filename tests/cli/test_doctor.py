"""`doctor` on the toy backbone."""

from __future__ import annotations

import json

import pytest

from glaclip.backbones.base import Backbone, BackboneError
from glaclip.cli.main import NO_BACKBONE, main
from tests.toy import ColorBackbone, load_toy


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GLACLIP_MAX_WINDOWS", "GLACLIP_WEIGHTS", "SPACE_ID"):
        monkeypatch.delenv(name, raising=False)


def test_the_report_has_all_that_is_promised(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GLACLIP_MAX_WINDOWS", "77")
    assert main(["doctor", "--quiet"], load_toy) == 0
    said = capsys.readouterr().out
    for part in ("torch", "gradio", "lite", "clip-b16", "GLACLIP_MAX_WINDOWS", "memory", "disk"):
        assert part in said
    line = next(line for line in said.splitlines() if "GLACLIP_MAX_WINDOWS" in line)
    assert "77" in line
    assert "One photo with Colors on cpu (float32)" in said


def test_the_report_says_what_the_processor_is_taken_for(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GLACLIP_PROCESSOR", "vnni")
    assert main(["doctor", "--quiet"], load_toy) == 0
    said = capsys.readouterr().out
    assert "Processor: vnni" in said
    assert "sums of keys in 8-bit integers" in said
    assert "linear layers in float32 by PyTorch's choice." in said
    monkeypatch.setenv("GLACLIP_PROCESSOR", "avx512_bf16")
    assert main(["doctor", "--quiet"], load_toy) == 0
    assert "linear layers in float32 by oneDNN." in capsys.readouterr().out
    monkeypatch.setenv("GLACLIP_PROCESSOR", "quick")
    assert main(["doctor", "--quiet"], load_toy) == NO_BACKBONE
    assert capsys.readouterr().err.count("GLACLIP_PROCESSOR must be one of") == 1


def test_the_report_says_why_a_type_was_chosen(capsys: pytest.CaptureFixture[str]) -> None:
    backbone = ColorBackbone()
    backbone.dtype_why = "bfloat16 is not quicker on this processor"
    assert main(["doctor", "--quiet"], lambda *_: backbone) == 0
    line = "on cpu (float32: bfloat16 is not quicker on this processor)"
    assert line in capsys.readouterr().out


def test_the_report_for_programs(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--json", "--quiet"], load_toy) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["problems"] == []
    assert report["limits"]["windows"] == 600
    assert report["limits"]["hosted"] is False
    assert report["run"]["device"] == "cpu"
    assert report["room"]["disk_page"] > 0
    found = {entry["name"]: entry for entry in report["backbones"]}
    assert found["clip-h14"]["ready"] or found["clip-h14"]["missing"]


def test_what_is_wrong_is_said_after_the_report(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(name: str, device: str, dtype: str, weights: str | None) -> Backbone:
        raise BackboneError("The weights are not here.")

    monkeypatch.setenv("GLACLIP_MAX_WINDOWS", "many")
    assert main(["doctor", "--quiet"], broken) == NO_BACKBONE
    said = capsys.readouterr()
    assert "torch" in said.out
    assert "The weights are not here." in said.err
    assert "GLACLIP_MAX_WINDOWS must be a whole number; received 'many'" in said.err
