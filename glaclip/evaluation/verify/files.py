"""The files of a backbone: which they are, how large, and what lies beside them that names them.

The hub names large files by their SHA-256. Its client keeps that name: in a cache as the file's
own, and for `hf download --local-dir` in a file below `.cache/huggingface`. Elsewhere no hash is
known to compare with.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from glaclip.backbones.clip.checkpoint import read_tensors
from glaclip.backbones.clip.models import ClipModel, Tower
from glaclip.backbones.clip.torchscript import sha256
from glaclip.evaluation.verify.check import Check

_SHA256 = re.compile(r"[0-9a-f]{64}")
#: Files of the same weights are as long as on the hub, but for a header.
_SIZE = 0.02
#: Tensors of each kind that OpenAI published in half precision; normalizations and embeddings it
#: did not.
_HALVES = ("visual.conv1.weight", "visual.proj", "visual.transformer.resblocks.0.mlp.c_fc.weight")
_OPENAI = ".openai"
#: Parts of open_clip's configuration that say of which shape and kind a model is.
_CONFIGURED = ("embed_dim", "vision_cfg", "text_cfg", "quick_gelu")


@dataclass(frozen=True)
class FoundFile:
    """A file of weights as it lies on this computer.

    Attributes:
        repo: the hub's name of the model that it is taken for.
        path: where it lies.
        size: bytes.
        digest: SHA-256, empty where it was not computed.
        known: SHA-256 by which the hub knows it, empty where nothing here says that.
    """

    repo: str
    path: Path
    size: int
    digest: str
    known: str

    @classmethod
    def of(cls, repo: str, path: Path) -> FoundFile:
        """Reads a file once for its hash.

        Raises:
            OSError: it cannot be read.
        """
        return cls(repo, path, path.stat().st_size, sha256(path), known_digest(path))


def known_digest(path: Path) -> str:
    """SHA-256 by which the hub's client noted a file; empty where it did not."""
    blob = path.resolve()
    if blob.parent.name == "blobs" and _SHA256.fullmatch(blob.name):
        return blob.name
    for folder in path.parents[:4]:  # --local-dir may be above the folders in a file's name
        inner = path.relative_to(folder)
        note = folder / ".cache" / "huggingface" / "download" / f"{inner}.metadata"
        if note.is_file():
            lines = note.read_text(encoding="utf-8", errors="replace").splitlines()
            return next((line for line in lines if _SHA256.fullmatch(line.strip())), "").strip()
    return ""


def file_checks(model: ClipModel, found: tuple[FoundFile, FoundFile]) -> Iterator[Check]:
    """Size, hash and neighbors of both files."""
    for tower, file in zip((model.clip, model.vfm), found, strict=True):
        name = file.path.name
        megabytes = tower.file.megabytes
        near = abs(file.size / 1e6 - megabytes) <= max(1, _SIZE * megabytes)
        # Half precision or another container may be as good.
        yield Check(
            f"size of {name}",
            f"{megabytes} MB, as on the hub",
            f"{file.size / 1e6:.0f} MB ({file.size:,} bytes)",
            True if near else None,
        )
        same = file.digest == file.known if file.known else None
        yield Check(
            f"hash of {name}", file.known or "not known here", f"SHA-256 {file.digest}", same
        )
        yield from neighbor_checks(tower, file.path)


def neighbor_checks(tower: Tower, path: Path) -> Iterator[Check]:
    """What configurations beside a file say of which model it is; nothing where there are none.

    In a flat folder both towers' files lie beside what one of them brought.
    """
    import open_clip

    known = open_clip.get_model_config(tower.model)  # None for a VFM
    if known and (config := _json(path.parent / "open_clip_config.json")) is not None:
        yield _open_clip_check(tower, known, config)
    config = _json(path.parent / "config.json") or {}
    said = config.get("pretrained_cfg")
    name, _, expected = tower.file.repo.rpartition("/")[2].partition(".")
    own = config.get("architecture", name) == name
    if own and isinstance(said, dict) and (tag := said.get("tag")) is not None:
        yield Check("config.json", f"{name} of {expected}", f"a model of {tag}", tag == expected)


def numbers_check(tower: Tower, path: Path) -> Iterator[Check]:
    """Whether the numbers of OpenAI's CLIP fit half precision, as it was published; others' do not.

    Asked of the file, since a tower in another type has its numbers rounded.
    """
    if not tower.file.repo.endswith(_OPENAI):
        return
    values = torch.cat([tensor.flatten().float() for tensor in _tensors(path, _HALVES)])
    share = float((values.half().float() == values).float().mean())
    yield Check(
        "numbers of the CLIP",
        "all fit half precision, as OpenAI published it",
        f"{share:.1%} fit",
        share == 1.0,
    )


def _tensors(path: Path, ends: tuple[str, ...]) -> list[torch.Tensor]:
    """The tensors whose names end in these ways; of safetensors no other is read."""
    if path.suffix != ".safetensors":
        return [tensor for name, tensor in read_tensors(path).items() if name.endswith(ends)]
    from safetensors import safe_open

    with safe_open(path, framework="pt") as file:
        return [file.get_tensor(name) for name in file.keys() if name.endswith(ends)]  # noqa: SIM118


def _open_clip_check(tower: Tower, known: Mapping[str, Any], config: Mapping[str, Any]) -> Check:
    said = config.get("model_cfg", {})
    expected = {"quick_gelu": False, **known}
    other = _differing(expected, {name: said[name] for name in _CONFIGURED if name in said})
    seen = ", ".join(f"{name} {value}" for name, (_, value) in other.items())
    needed = ", ".join(f"{name} {value}" for name, (value, _) in other.items())
    return Check("open_clip_config.json", needed or tower.model, seen or "the same", not other)


def _differing(expected: Mapping[str, Any], said: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """(expected, said) by name where both say something and not the same.

    A configuration that does not mention QuickGELU, say, leaves it open: some loaders force it.
    """
    found: dict[str, tuple[Any, Any]] = {}
    for name in expected.keys() & said.keys():
        here, there = expected[name], said[name]
        if isinstance(here, dict) and isinstance(there, dict):
            found |= _differing(here, there)
        elif here != there:
            found[name] = (here, there)
    return found


def _json(path: Path) -> dict[str, Any] | None:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None
