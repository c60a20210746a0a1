"""Embeddings of the shipped word lists on disk, so that no start computes them twice.

A list of 150 words under 80 templates is 12,000 passes of a text tower. Only lists that come with
the program are kept, each whole in a file of its own: what visitors type never reaches a disk.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import json
import secrets
import time
from collections.abc import Iterable, Mapping
from pathlib import Path

import torch
from torch import Tensor

from glaclip.segmenter.suggestions import candidates
from glaclip.support.cache import digest
from glaclip.support.files import atomic_write, cache_folder
from glaclip.support.version import versions
from glaclip.vocabulary import ASSETS, load_preset, parse_vocabulary, preset_names

#: What turns text into numbers beside the weights, which the fingerprint names.
_PACKAGES = ("torch", "open_clip_torch", "tokenizers")
#: Seconds after which half a file is what a killed process left behind.
_ABANDONED = 3600

WordList = tuple[str, ...]


@functools.cache
def shipped_lists() -> frozenset[WordList]:
    """Prompts of each preset, of each example and of what is suggested, in their order."""
    entries = json.loads((ASSETS / "photos" / "examples.json").read_text(encoding="utf-8"))
    vocabularies = [load_preset(name).vocabulary for name in preset_names()]
    vocabularies += [parse_vocabulary(entry["vocabulary"]) for entry in entries]
    vocabularies.append(candidates().vocabulary)
    return frozenset(vocabulary.prompts for vocabulary in vocabularies)


class WordStore:
    """Reads and writes embeddings of shipped lists; whatever goes wrong, they are just not there.

    Processes may share a folder: a file appears whole or not at all.
    """

    def __init__(self, folder: Path, lists: Iterable[WordList] | None = None) -> None:
        """Args:
        folder: made when something is written.
        lists: what may be kept; the shipped lists when left out.
        """
        self.folder = folder
        self.lists = shipped_lists() if lists is None else frozenset(lists)

    @classmethod
    def of_this_user(cls, more: Iterable[WordList] = ()) -> WordStore | None:
        """In the user's cache folder; None where nothing is to be kept.

        Args:
            more: shipped lists beside `shipped_lists`.
        """
        folder = cache_folder()
        return None if folder is None else cls(folder / "words", shipped_lists() | set(more))

    def read(
        self, fingerprint: str, templates: tuple[str, ...], wanted: Iterable[str]
    ) -> dict[str, Tensor]:
        """Embeddings [E] of the prompts of every kept list that has one of the wanted.

        Args:
            fingerprint: of the backbone.
            templates: its prompt templates.
            wanted: prompts.
        """
        missing = set(wanted)
        found: dict[str, Tensor] = {}
        for words in self.lists:
            if missing.isdisjoint(words):
                continue
            features = _read(self._path(fingerprint, templates, words), len(words))
            if features is not None:
                found.update(zip(words, features, strict=True))
                missing.difference_update(words)
        return found

    def write(
        self,
        fingerprint: str,
        templates: tuple[str, ...],
        prompts: WordList,
        features: Mapping[str, Tensor],
    ) -> None:
        """Keeps the embeddings [E] of a list if it is a shipped one and not kept yet."""
        if prompts not in self.lists:
            return
        path = self._path(fingerprint, templates, prompts)
        if _read(path, len(prompts)) is not None:
            return
        with contextlib.suppress(OSError):
            self.folder.mkdir(parents=True, exist_ok=True)
            self._remove_abandoned()
            content = _content(torch.stack([features[prompt] for prompt in prompts]))
            atomic_write(path, content, writer=f"{secrets.token_hex(4)}.")

    def _path(self, fingerprint: str, templates: tuple[str, ...], words: WordList) -> Path:
        key = digest(fingerprint, templates, words, _versions())
        return self.folder / f"{key[:32]}.safetensors"

    def _remove_abandoned(self) -> None:
        for part in self.folder.glob(".*.part"):
            with contextlib.suppress(OSError):
                if time.time() - part.stat().st_mtime > _ABANDONED:
                    part.unlink()


@functools.cache
def _versions() -> tuple[tuple[str, str], ...]:
    return tuple(versions(_PACKAGES).items())


def _content(features: Tensor) -> bytes:
    from safetensors.torch import save

    features = features.detach().cpu().contiguous()
    content: bytes = save({"features": features}, {"sum": _sum(features)})
    return content


def _sum(features: Tensor) -> str:
    """The file's format notices a lost end, but not changed numbers."""
    return hashlib.sha256(features.numpy().tobytes()).hexdigest()


def _read(path: Path, count: int) -> Tensor | None:
    """[count, E] as written, or None when it is missing, damaged or of another kind."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as file:
            features: Tensor = file.get_tensor("features")
            kept = (file.metadata() or {}).get("sum")
    except (OSError, SafetensorError, RuntimeError, ValueError):
        return None
    whole = features.ndim == 2 and len(features) == count and features.dtype == torch.float32
    return features.clone() if whole and kept == _sum(features) else None
