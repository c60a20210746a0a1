"""Reading checkpoints: what they may hold, and what is said of those that cannot be used."""

from __future__ import annotations

import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from glaclip.backbones.base import BackboneError
from glaclip.backbones.clip.checkpoint import load_into, read_tensors
from glaclip.backbones.clip.models import CLIP_MODELS, ClipModel, load_clip
from glaclip.backbones.clip.torchscript import conversion, convert, is_torchscript
from tests.clip_weights import modules_of

CPU = torch.device("cpu")


class Two(nn.Module):
    """Two tensors and a scale, as a tower has many."""

    def __init__(self, width: int = 4) -> None:
        super().__init__()
        self.positional_embedding = nn.Parameter(torch.zeros(3, width))
        self.ln = nn.LayerNorm(width)
        self.logit_scale = nn.Parameter(torch.zeros([]))


def filled(width: int = 4) -> dict[str, torch.Tensor]:
    return {name: torch.rand(value.shape) for name, value in Two(width).state_dict().items()}


def load(path: Path) -> Two:
    module = Two()
    load_into(module, path, "someone/two", "someone/two two.pt (1 MB)")
    return module


def with_prefix(prefix: str, tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {prefix + name: value for name, value in tensors.items()}


@pytest.mark.parametrize("legacy", [False, True])
@pytest.mark.parametrize("form", ["plain", "training", "compiled", "model", "beside", "halves"])
def test_what_training_programs_add_is_left_out(tmp_path: Path, form: str, legacy: bool) -> None:
    tensors, path = filled(), tmp_path / "two.pt"
    forms: dict[str, Any] = {
        "plain": tensors,
        "training": {"epoch": 3, "name": "x", "state_dict": with_prefix("module.", tensors)},
        "compiled": with_prefix("module._orig_mod.", tensors),
        "model": {"model": tensors, "optimizer": {"step": 1}},
        "beside": {**tensors, "mask_token": torch.ones(1), "vocab_size": torch.tensor(9)},
        "halves": {**{k: v.half() for k, v in tensors.items()}, "logit_scale": torch.ones(1)},
    }
    torch.save(forms[form], path, _use_new_zipfile_serialization=not legacy)
    found = load(path)
    expected = tensors["positional_embedding"]
    if form == "halves":
        expected = expected.half().float()
    assert torch.equal(found.positional_embedding, expected)
    assert found.positional_embedding.dtype == torch.float32


@pytest.mark.parametrize(
    ("tensors", "said"),
    [
        (filled(6), r"positional_embedding is \[3, 6\] instead of \[3, 4\], ln\.weight is \[6\]"),
        ({"ln.bias": torch.ones(4)}, "lacks positional_embedding, logit_scale, ln.weight"),
        ({**filled(), "proj": torch.ones(1)}, "it has proj, which the model has not"),
        ({**filled(), **{f"b.{i}": torch.ones(1) for i in range(9)}}, "b.0, b.1, b.2 and 6 more"),
        (with_prefix("vision_model.", filled()), "the names of transformers' CLIP, not open_clip"),
        (with_prefix("encoder.layer.0.", filled()), "the names of transformers' ViT, not timm's"),
    ],
)
def test_the_first_names_and_shapes_that_differ_are_said(
    tmp_path: Path, tensors: dict[str, torch.Tensor], said: str
) -> None:
    path = tmp_path / "two.safetensors"
    save_file(tensors, path)
    with pytest.raises(BackboneError, match=said) as error:
        load(path)
    assert "two.safetensors is not of the model someone/two" in str(error.value)
    assert "Needed is someone/two two.pt (1 MB)" in str(error.value)


def test_dinos_full_checkpoint_is_told_from_the_backbone_alone(tmp_path: Path) -> None:
    torch.save({"student": filled(), "teacher": filled(), "epoch": 3}, tmp_path / "full.pth")
    with pytest.raises(BackboneError, match="DINO's full checkpoint"):
        load(tmp_path / "full.pth")


def test_what_is_no_checkpoint_is_a_sentence(tmp_path: Path) -> None:
    torch.save([torch.ones(1)], tmp_path / "list.pt")
    with pytest.raises(BackboneError, match=r"cannot be read as the weights of someone/two"):
        load(tmp_path / "list.pt")


def test_a_text_tower_of_another_size_is_a_sentence(
    tiny_on_disk: tuple[ClipModel, Path], tmp_path: Path
) -> None:
    model, folder = tiny_on_disk
    clip = folder / model.clip.file.repo / model.clip.file.names[0]
    tensors = load_file(clip)
    wide = {
        k: torch.zeros(77, 24) if k == "positional_embedding" else v for k, v in tensors.items()
    }
    target = tmp_path / "tiny_clip.random.safetensors"
    save_file(wide, target)
    with pytest.raises(BackboneError, match=r"positional_embedding is \[77, 24\] instead of \[77"):
        load_clip(model, CPU, torch.float32, _beside(model, folder, tmp_path))


def _beside(model: ClipModel, source: Path, target: Path) -> Path:
    """The VFM's file in the folder too."""
    file = model.vfm.file
    (target / file.repo).parent.mkdir(parents=True, exist_ok=True)
    (target / file.repo).symlink_to(source / file.repo)
    return target


@pytest.mark.parametrize("legacy", [False, True])
def test_the_authors_own_dino_file_loads(
    tiny_on_disk: tuple[ClipModel, Path], tmp_path: Path, legacy: bool
) -> None:
    model, folder = tiny_on_disk
    _, vfm = modules_of(model)
    target = tmp_path / model.vfm.file.authors[0]
    torch.save(vfm.state_dict(), target, _use_new_zipfile_serialization=not legacy)
    (tmp_path / "tiny_clip.random").symlink_to(folder / model.clip.file.repo)
    found = load_clip(model, CPU, torch.float32, tmp_path)
    assert found.vfm is not None
    ours = found.vfm.model.state_dict()
    assert all(torch.equal(value, ours[name]) for name, value in vfm.state_dict().items())


def test_authors_files_that_are_not_known_to_load_are_not_looked_for() -> None:
    assert CLIP_MODELS["metaclip-b16"].clip.file.authors == ()
    for model in CLIP_MODELS.values():
        assert all(name.endswith(".pth") for name in model.vfm.file.authors)


# --- TorchScript ------------------------------------------------------------------------------


class Scaled(nn.Module):
    """Traced, it stands for OpenAI's archives: halves, and three numbers beside them."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.rand(4).half(), requires_grad=False)
        for name in ("input_resolution", "context_length", "vocab_size"):
            self.register_buffer(name, torch.tensor(7))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * self.weight


@pytest.fixture
def archive(tmp_path: Path) -> tuple[Scaled, Path]:
    module, path = Scaled(), tmp_path / "ViT-tiny.pt"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch deprecates what OpenAI used
        trace: Any = torch.jit.trace
        trace(module, torch.ones(4)).save(str(path))
    return module, path


def test_openais_archive_is_refused_with_the_command_that_converts_it(
    archive: tuple[Scaled, Path], tmp_path: Path
) -> None:
    module, path = archive
    assert is_torchscript(path)
    with pytest.raises(BackboneError) as error:
        load(path)
    command = conversion(path)
    assert command in str(error.value)
    ran = subprocess.run(
        [sys.executable, *command.split()[1:]], capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    assert f"--weights {tmp_path}" in ran.stdout
    converted = read_tensors(tmp_path / "ViT-tiny.safetensors")
    assert list(converted) == ["weight"]
    assert converted["weight"].dtype == torch.float32
    assert torch.equal(converted["weight"], module.weight.float())


def test_a_checkpoint_is_no_archive(tmp_path: Path) -> None:
    torch.save(filled(), tmp_path / "ViT-B-16.pt")
    assert not is_torchscript(tmp_path / "ViT-B-16.pt")
    (tmp_path / "text.pt").write_text("text")
    assert not is_torchscript(tmp_path / "text.pt")


def test_an_archive_of_a_published_name_must_be_the_published_one(
    archive: tuple[Scaled, Path], tmp_path: Path
) -> None:
    other = archive[1].rename(tmp_path / "ViT-B-16.pt")
    with pytest.raises(ValueError, match="is not the file that OpenAI published"):
        convert(other)
    assert not list(tmp_path.glob("*.safetensors"))
