"""A folder of weights that was named is used or refused, and the refusal says what lies there."""

from __future__ import annotations

import argparse
import logging
import shutil
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from huggingface_hub import constants
from PIL import Image
from safetensors.torch import load_file, save_file

from glaclip.backbones import registry
from glaclip.backbones.base import BackboneError
from glaclip.backbones.clip.models import CLIP_MODELS, ClipModel
from glaclip.cli.main import main
from glaclip.cli.options import load_registered
from glaclip.ui.launch import serve
from tests.clip_weights import save_as_on_the_hub
from tests.toy import ColorBackbone

Tiny = tuple[ClipModel, Path]


@pytest.fixture
def tiny(tiny_on_disk: Tiny, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Tiny:
    """A registry of the tiny model alone, and an empty hub cache."""
    monkeypatch.setattr(registry, "CLIP_MODELS", {"clip-tiny": tiny_on_disk[0]})
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "empty-cache"))
    monkeypatch.delenv("GLACLIP_WEIGHTS", raising=False)
    registry._warn.cache_clear()
    return tiny_on_disk


def as_cache(tiny: Tiny, cache: Path, *snapshots: str) -> None:
    """A copy of a hub cache that came without its refs."""
    model, source = tiny
    for file in model.files:
        repo = cache / ("models--" + file.repo.replace("/", "--"))
        for snapshot in snapshots:
            shutil.copytree(source / file.repo, repo / "snapshots" / snapshot)


def deeper(tiny: Tiny, folder: Path) -> None:
    shutil.copytree(tiny[1], folder / "weights")


def home(tiny: Tiny, folder: Path) -> None:
    as_cache(tiny, folder / "hub", "abc")
    for repo in (folder / "hub").iterdir():
        (repo / "refs").mkdir()
        (repo / "refs" / "main").write_text("abc")


def without_refs(tiny: Tiny, folder: Path) -> None:
    as_cache(tiny, folder, "abc")


def prefixed(tiny: Tiny, folder: Path) -> None:
    """Flat, and every name after "model.", as a module that holds the tower saves it."""
    for file in tiny[0].files:
        tensors = load_file(tiny[1] / file.repo / file.names[0])
        save_file(
            {f"model.{name}": value for name, value in tensors.items()}, folder / file.names[0]
        )


def by_the_libraries(tiny: Tiny, folder: Path) -> None:
    save_as_on_the_hub(tiny[0], folder)


@pytest.mark.parametrize("layout", [deeper, home, without_refs, prefixed, by_the_libraries])
def test_what_can_be_used_is_used(
    tiny: Tiny, tmp_path: Path, layout: Callable[[Tiny, Path], None]
) -> None:
    folder = tmp_path / "given"
    folder.mkdir()
    layout(tiny, folder)
    assert registry.resolve("auto", folder) == "clip-tiny"
    expected = registry.load("clip-tiny", weights=tiny[1])
    assert registry.load("auto", weights=folder).fingerprint == expected.fingerprint


def transformers(tiny: Tiny, folder: Path) -> str:
    save_file(
        {"vision_model.embeddings.class_embedding": torch.ones(3)}, folder / "model.safetensors"
    )
    return r"model\.safetensors \(the names of transformers' CLIP, not open_clip's\)"


def nothing(tiny: Tiny, folder: Path) -> str:
    return "There lies nothing"


def photos(tiny: Tiny, folder: Path) -> str:
    for index in range(9):
        (folder / f"{index}.jpg").touch()
    return r"There lies 0\.jpg; .* and 3 more"


def which_snapshot(tiny: Tiny, folder: Path) -> str:
    as_cache(tiny, folder, "abc", "def")
    return r"2 snapshots, and no refs/main that says which"


def nameless(tiny: Tiny, folder: Path) -> str:
    shutil.copytree(tiny[1] / tiny[0].clip.file.repo, folder / "my-clip")
    return r"my-clip/ \(with open_clip_model\.safetensors; a folder of one model must have"


def too_deep(tiny: Tiny, folder: Path) -> str:
    shutil.copytree(tiny[1], folder / "a" / "b")
    return r"a/ \(with b/.*where nothing is looked for"


def another_size(tiny: Tiny, folder: Path) -> str:
    save_file({"visual.conv1.weight": torch.ones(8, 3, 4, 4)}, folder / "big.safetensors")
    return r"big\.safetensors \(visual\.conv1\.weight \[8, 3, 4, 4\]; its name says"


def openais_archive(tiny: Tiny, folder: Path) -> str:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch deprecates what OpenAI used
        trace: Any = torch.jit.trace
        trace(torch.nn.Identity(), torch.ones(4)).save(str(folder / "ViT-B-16.pt"))
    return (
        r"ViT-B-16\.pt \(a TorchScript archive; if it is OpenAI's, "
        r"`python -m glaclip\.backbones\.clip\.torchscript .*ViT-B-16\.pt` converts it\)"
    )


def metaclips_checkpoint(tiny: Tiny, folder: Path) -> str:
    """As training programs save: beside the weights, what only pickle itself would read."""
    clip = load_file(tiny[1] / tiny[0].clip.file.repo / tiny[0].clip.file.names[0])
    saved = {"state_dict": clip, "loss": np.float64(1), "args": argparse.Namespace(lr=1)}
    torch.save(saved, folder / "b16_fullcc2.5b.pt")
    return r"There lies b16_fullcc2\.5b\.pt"


def damaged(tiny: Tiny, folder: Path) -> str:
    (folder / "open_clip_model.safetensors").write_bytes(b"half")
    return "no whole safetensors file"


USELESS = [
    transformers, nothing, photos, which_snapshot, nameless, too_deep, another_size,
    openais_archive, metaclips_checkpoint, damaged,
]  # fmt: skip


@pytest.mark.parametrize("content", USELESS)
def test_what_cannot_be_used_is_refused_with_what_lies_there(
    tiny: Tiny, tmp_path: Path, content: Callable[[Tiny, Path], str]
) -> None:
    folder = tmp_path / "given"
    folder.mkdir()
    lies = content(tiny, folder)
    for name in ("auto", "clip-tiny"):
        with pytest.raises(BackboneError, match=lies) as error:
            registry.load(name, weights=folder)
        assert "Looked there, and one folder deeper, for" in str(error.value)
        assert "someone/tiny_clip.random/open_clip_model.safetensors" in str(error.value)
        assert "tiny_pretrain.pth" in str(error.value)


def test_half_of_a_model_is_named_as_such(tiny: Tiny, tmp_path: Path) -> None:
    clip, vfm = tiny[0].files
    shutil.copytree(tiny[1] / clip.repo, tmp_path / "given" / clip.repo)
    with pytest.raises(BackboneError, match="has only the rest of it") as error:
        registry.resolve("auto", tmp_path / "given")
    assert f"hf download {vfm.repo} {vfm.names[0]}" in str(error.value)
    assert clip.repo not in str(error.value)


def test_a_named_folder_comes_before_better_weights_elsewhere(
    tiny: Tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, root in (("clip-b16", "empty-cache"), ("metaclip-b16", "given")):
        for file in CLIP_MODELS[name].files:
            place = tmp_path / root / ("models--" + file.repo.replace("/", "--")) / "snapshots/a"
            place.mkdir(parents=True)
            (place / file.names[0]).touch()
    monkeypatch.setattr(registry, "CLIP_MODELS", CLIP_MODELS)
    assert registry.resolve("auto") == "clip-b16"
    assert registry.resolve("auto", tmp_path / "given") == "metaclip-b16"


def test_the_environments_folder_warns_once_and_the_embedded_model_starts(
    tiny: Tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("GLACLIP_WEIGHTS", str(tmp_path))
    with caplog.at_level(logging.WARNING):
        assert registry.resolve("auto") == "lite"
        assert registry.resolve("auto") == "lite"
    (record,) = caplog.records
    assert "holds nothing that a real CLIP" in record.getMessage()


def test_every_command_ends_with_exit_code_3(
    tiny: Tiny, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    named = ["--weights", str(tmp_path)]
    photo = tmp_path / "a.png"
    Image.new("RGB", (64, 64)).save(photo)
    out = ["--vocabulary", "a,b", "--out", str(tmp_path / "out")]
    assert main(["segment", str(photo), *out, *named]) == 3
    assert "There lies" in capsys.readouterr().err
    assert main(["segment", str(photo), *out, *named, "--backbone", "lite"]) == 3
    assert "--weights is for real CLIP" in capsys.readouterr().err
    assert main(["backbones", *named]) == 3
    said = capsys.readouterr()
    assert "clip-tiny" in said.out
    assert "There lies" in said.err
    assert main(["doctor", *named], lambda *_: ColorBackbone()) == 3
    said = capsys.readouterr()
    assert "clip-tiny" in said.out
    assert "There lies" in said.err


@pytest.mark.parametrize("name", ["auto", "clip-tiny"])
def test_the_page_does_not_start_with_a_folder_of_no_use(
    tiny: Tiny, tmp_path: Path, name: str
) -> None:
    with pytest.raises(BackboneError, match="There lies nothing"):
        serve(backbone=name, weights=str(tmp_path))


def test_a_named_folder_that_is_used_starts(tiny: Tiny) -> None:
    assert load_registered("auto", "cpu", "float32", str(tiny[1])).name == "clip-tiny"
