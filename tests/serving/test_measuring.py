"""Types measured in the background: once, kept, and followed from the next start on."""

from __future__ import annotations

import dataclasses
import json
import sys
import time
from pathlib import Path

import pytest
import torch

from glaclip.backbones import registry
from glaclip.backbones.clip.models import CLIP_MODELS, ClipModel
from glaclip.backbones.dtypes import (
    ENOUGH,
    Record,
    few_photos,
    find_record,
    keep_record,
    photos_digest,
)
from glaclip.cli.folder_type import load_for_folder
from glaclip.cli.main import main
from glaclip.cli.options import BackboneOptions
from glaclip.evaluation.run.team import Team
from glaclip.serving import measuring
from tests.clip_weights import tiny_model, write_random_weights
from tests.evaluation.sets import colors
from tests.toy import ColorBackbone

Weights = tuple[ClipModel, Path, Path]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Weights:
    """A tiny model with its configuration and files."""
    config, folder = tmp_path_factory.mktemp("config"), tmp_path_factory.mktemp("weights")
    model = tiny_model(config)
    write_random_weights(model, folder)
    return model, folder, config


@pytest.fixture
def tiny(files: Weights, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Weights:
    """It stands in the registry, on a processor that is quick at bfloat16, with a cache."""
    monkeypatch.setitem(CLIP_MODELS, "clip-tiny", files[0])
    monkeypatch.setenv("GLACLIP_PROCESSOR", "avx512_bf16")
    monkeypatch.setenv("GLACLIP_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("GLACLIP_WEIGHTS", raising=False)
    return files


#: `measuring.command` in a process that knows the tiny model; of the usual priority, for beside the
#: other tests it might not come to its end.
CHILD = """
import os
import sys
os.nice = int
from pathlib import Path
from glaclip.backbones.clip.models import CLIP_MODELS
from tests.clip_weights import tiny_model
CLIP_MODELS["clip-tiny"] = tiny_model(Path(sys.argv.pop(1)))
from glaclip.serving import measuring
sys.exit(measuring.main())
"""


def test_unknown_weights_are_measured_in_the_background_and_keep_their_type_until_the_next_start(
    tiny: Weights, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, folder, config = tiny
    own = measuring.command

    def command(name: str, weights: str | None) -> list[str]:
        arguments = own(name, weights)[3:]
        return [sys.executable, "-c", CHILD, str(config), *arguments]

    monkeypatch.setattr(measuring, "command", command)
    backbone = registry.load("clip-tiny", weights=folder)
    assert backbone.dtype == torch.float32
    assert "not measured" in backbone.dtype_why
    fingerprint = backbone.fingerprint
    measuring.begin_later(backbone, str(folder), delay=0)
    said, until = [backbone.dtype_why], time.monotonic() + 120
    while "keeps" not in said[-1] and time.monotonic() < until:
        if backbone.dtype_why != said[-1]:
            said.append(backbone.dtype_why)
        time.sleep(0.1)
    assert "labels of 3 photos" in said[-1], said
    assert backbone.dtype == torch.float32
    assert backbone.fingerprint == fingerprint
    found = find_record(fingerprint, "bfloat16")
    assert found is not None
    assert tuple(sorted(found.on)) == tuple(sorted(few_photos()))
    assert measuring.running() is None
    again = registry.load("clip-tiny", weights=folder)
    expected = torch.bfloat16 if found.share >= ENOUGH else torch.float32
    assert again.dtype == expected
    assert f"{found.share:.2%}" in again.dtype_why


def started(monkeypatch: pytest.MonkeyPatch, backbone: object) -> bool:
    """Whether a measurement of a backbone would begin."""
    timers = []

    class Timer:
        daemon = False

        def __init__(self, delay: float, function: object, args: object) -> None:
            timers.append(args)

        def start(self) -> None: ...

    with monkeypatch.context() as patched:
        patched.setattr(measuring.threading, "Timer", Timer)
        measuring.begin_later(backbone, None)  # type: ignore[arg-type]
    return bool(timers)


def test_only_what_could_gain_is_measured(tiny: Weights, monkeypatch: pytest.MonkeyPatch) -> None:
    single = registry.load("clip-tiny", weights=tiny[1])
    assert started(monkeypatch, single)
    assert not started(monkeypatch, registry.load("clip-tiny", "cpu", "bfloat16", tiny[1]))
    assert not started(monkeypatch, ColorBackbone()), "no real CLIP of the registry"
    monkeypatch.setenv("GLACLIP_PROCESSOR", "plain")
    assert not started(monkeypatch, single), "bfloat16 is not quicker here"
    monkeypatch.setenv("GLACLIP_PROCESSOR", "avx512_bf16")
    monkeypatch.setenv("GLACLIP_CACHE", "off")
    assert not started(monkeypatch, single), "nothing would keep the figure"


def test_measured_weights_are_not_measured_again(
    tiny: Weights, monkeypatch: pytest.MonkeyPatch
) -> None:
    single = registry.load("clip-tiny", weights=tiny[1])
    photos = dict.fromkeys(few_photos(), 0.9)
    record = Record("clip-tiny", "own", single.fingerprint, "", "bfloat16", photos, photos)
    keep_record(dataclasses.replace(record, photos="of other photos"))
    assert started(monkeypatch, single)
    keep_record(dataclasses.replace(record, photos=photos_digest(few_photos())))
    assert not started(monkeypatch, single)
    assert "90.00%" in registry.load("clip-tiny", weights=tiny[1]).dtype_why


def test_a_model_that_comes_again_keeps_the_type_that_the_server_began_with(
    tiny: Weights, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = str(tiny[1])
    begun = []
    monkeypatch.setattr(measuring, "begin_later", lambda *given: begun.append(given))
    load = measuring.SteadyLoad(
        lambda name, dtype: registry.load(name, "cpu", dtype, folder), lambda name: folder
    )
    first = load("clip-tiny")
    photos = dict.fromkeys(few_photos(), 1.0)
    key = photos_digest(few_photos())
    keep_record(Record("clip-tiny", "own", first.fingerprint, key, "bfloat16", photos, photos))
    again = load("clip-tiny")
    assert again.dtype == first.dtype == torch.float32
    assert again.fingerprint == first.fingerprint
    assert again.dtype_why == "as this server began with it"
    assert begun == [(first, folder)]
    restarted = measuring.SteadyLoad(
        lambda name, dtype: registry.load(name, "cpu", dtype, folder), lambda name: folder
    )
    assert restarted("clip-tiny").dtype == torch.bfloat16


@pytest.mark.parametrize("command", ["segment", "evaluate"])
def test_folders_of_photos_start_no_measurement(
    tiny: Weights, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, command: str
) -> None:
    begun: list[object] = []
    monkeypatch.setattr(measuring, "begin_later", lambda *given: begun.append(given))
    monkeypatch.setattr(measuring, "dtype_agreement", lambda *given: begun.append(given))
    photos = colors(tmp_path / "set", 2)
    given = {
        "segment": (str(photos / "images"), "--vocabulary", "a, b"),
        "evaluate": (str(photos),),
    }
    named = ("--backbone", "clip-tiny", "--weights", str(tiny[1]), "--out", str(tmp_path / "out"))
    assert main([command, *given[command], *named, "--quiet"]) == 0
    assert not begun
    assert json.loads((tmp_path / "out" / "types.json").read_text())["clip-tiny"] == "float32"


def test_one_command_measures_at_once_and_says_what_follows(
    tiny: Weights, capsys: pytest.CaptureFixture[str]
) -> None:
    named = ["doctor", "--backbone", "clip-tiny", "--weights", str(tiny[1]), "--device", "cpu"]
    assert main([*named, "--quiet", "--measure"]) == 0
    said = capsys.readouterr().out
    line = next(line for line in said.splitlines() if line.startswith("Measured: bfloat16 keeps"))
    assert "99.5% are enough" in line
    share = line.split("keeps ")[1].split(" of")[0]
    run = next(line for line in said.splitlines() if line.startswith("One photo with"))
    assert share in run
    assert main(["doctor", "--backbone", "lite", "--quiet", "--measure"]) == 3
    assert "--measure is for real CLIP" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("kind", "share", "follows"),
    [
        ("amx", 0.999, "used from the next start on"),
        ("amx", 0.99, ": float32 stays"),
        ("vnni", 0.999, "bfloat16 is not quicker on this processor"),
    ],
)
def test_what_follows_from_a_measurement(
    monkeypatch: pytest.MonkeyPatch, kind: str, share: float, follows: str
) -> None:
    monkeypatch.setenv("GLACLIP_PROCESSOR", kind)
    photos = {"a.jpg": share}
    assert measuring.verdict(Record("x", "own", "f", "p", "bfloat16", photos, photos)).endswith(
        follows
    )


def test_the_doctor_says_how_far_a_measurement_is(
    tiny: Weights, capsys: pytest.CaptureFixture[str]
) -> None:
    state = measuring.State("clip-b16", 2, 6, time.time())
    measuring._note(state)
    assert measuring.running() == state
    assert main(["doctor", "--quiet"], lambda *_: ColorBackbone()) == 0
    assert "bfloat16 is being measured for clip-b16: 2 of 6 steps" in capsys.readouterr().out
    measuring._note(dataclasses.replace(state, time=time.time() - 10_000))
    assert measuring.running() is None


@pytest.mark.parametrize("kind", ["avx512_bf16", "vnni"])
def test_float32_by_name_is_pytorchs_own_and_auto_may_multiply_by_whoever_is_quicker(
    tiny: Weights, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, kind: str
) -> None:
    """Also where a folder or a server goes on with the type that it began with."""
    monkeypatch.setenv("GLACLIP_PROCESSOR", kind)
    quick = kind == "avx512_bf16"
    folder = str(tiny[1])

    def by_onednn(dtype: torch.dtype | str) -> bool:
        return registry.load("clip-tiny", "cpu", dtype, folder).onednn  # type: ignore[attr-defined]

    assert by_onednn("auto") == quick
    assert not by_onednn("float32")
    monkeypatch.setattr(measuring, "begin_later", lambda *given: None)
    steady = measuring.SteadyLoad(
        lambda name, dtype: registry.load(name, "cpu", dtype, folder), lambda name: folder
    )
    options = BackboneOptions(
        backbone="clip-tiny", weights=folder, device="cpu", dtype="auto", key_source=None
    )
    for load in (
        lambda: steady("clip-tiny"),
        lambda: load_for_folder(options, registry.load, tmp_path, Team()),
    ):
        first, again = load(), load()
        assert first.dtype == again.dtype == torch.float32
        assert first.onednn == again.onednn == quick  # type: ignore[attr-defined]
