"""Embeddings of shipped word lists on disk: the same numbers, and never a visitor's words."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
import torch
from safetensors import safe_open

from glaclip.segmenter import Segmenter
from glaclip.segmenter.word_store import WordStore, shipped_lists
from glaclip.support.files import cache_folder
from glaclip.vocabulary import parse_vocabulary
from tests.fresh import fresh
from tests.segmenter.test_segmenter import halves
from tests.toy import ColorBackbone

SHIPPED = "red, blue; crimson, sky"
LISTS = (parse_vocabulary(SHIPPED).prompts,)


def asked(folder: Path, words: str, backbone: ColorBackbone | None = None) -> list[str]:
    """The texts that a fresh start embeds for these words."""
    backbone = backbone or ColorBackbone()
    segmenter = Segmenter(backbone, word_store=WordStore(folder, LISTS))
    segmenter.segment(segmenter.encode(halves(120, 90)), parse_vocabulary(words))
    return backbone.encoded_texts


def files(folder: Path) -> list[Path]:
    return sorted(folder.iterdir()) if folder.exists() else []


def test_presets_and_examples_are_shipped_lists() -> None:
    lists = shipped_lists()
    assert parse_vocabulary("sky, mountain, grass").prompts not in lists
    assert len(lists) > 20
    assert max(map(len, lists)) >= 150


def test_a_second_start_embeds_no_word_of_a_shipped_list(tmp_path: Path) -> None:
    assert asked(tmp_path, SHIPPED) == ["red", "blue", "crimson", "sky"]
    assert asked(tmp_path, SHIPPED) == []
    assert asked(tmp_path, "red, green") == ["green"]


def test_numbers_from_disk_are_the_same_to_the_last_bit(tmp_path: Path) -> None:
    store, words = WordStore(tmp_path, LISTS), LISTS[0]
    features = {word: torch.randn(7) for word in words}
    store.write("f", ("{}",), words, features)
    found = WordStore(tmp_path, LISTS).read("f", ("{}",), ["sky"])
    assert set(found) == set(words)
    assert all(torch.equal(found[word], features[word]) for word in words)


def test_words_of_visitors_leave_no_trace(tmp_path: Path) -> None:
    for words in ("secret, red", "red, blue", f"{SHIPPED}, secret"):
        asked(tmp_path, words)
    assert files(tmp_path) == []
    asked(tmp_path, SHIPPED)
    (file,) = files(tmp_path)
    with safe_open(file, framework="pt") as content:
        assert list(content.keys()) == ["features"]
        assert content.get_slice("features").get_shape() == [4, 3]


def test_other_weights_and_other_templates_have_their_own_files(tmp_path: Path) -> None:
    asked(tmp_path, SHIPPED)
    other, templates = ColorBackbone(), ColorBackbone()
    other.fingerprint = "toy-2"
    templates.templates = ("{}", "a {}")
    assert len(asked(tmp_path, SHIPPED, other)) == 4
    assert len(asked(tmp_path, SHIPPED, templates)) == 8
    assert len(files(tmp_path)) == 3


def _cut(content: bytes) -> bytes:
    return content[:-5]


def _changed(content: bytes) -> bytes:
    return content[:-1] + bytes([content[-1] ^ 1])


def _foreign(content: bytes) -> bytes:
    return b"\x80\x04."  # a pickle


@pytest.mark.parametrize("damage", [_cut, _changed, _foreign, lambda content: b""])
def test_a_damaged_file_is_computed_anew(tmp_path: Path, damage: object) -> None:
    asked(tmp_path, SHIPPED)
    (file,) = files(tmp_path)
    whole = file.read_bytes()
    file.write_bytes(damage(whole))  # type: ignore[operator]
    assert len(asked(tmp_path, SHIPPED)) == 4
    assert file.read_bytes() == whole
    assert asked(tmp_path, SHIPPED) == []


def test_a_folder_that_cannot_be_made_changes_nothing(tmp_path: Path) -> None:
    taken = tmp_path / "file"
    taken.write_bytes(b"mine")
    assert len(asked(taken / "words", SHIPPED)) == 4
    assert taken.read_bytes() == b"mine"


def test_a_full_disk_leaves_no_trace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: Path, content: bytes) -> int:
        with self.open("wb") as file:
            file.write(content[:9])
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", full)
        assert len(asked(tmp_path, SHIPPED)) == 4
    assert files(tmp_path) == []


def test_what_a_killed_process_left_goes_away(tmp_path: Path) -> None:
    old, new = tmp_path / ".a.safetensors.12.part", tmp_path / ".b.safetensors.34.part"
    for part in (old, new):
        part.write_bytes(b"half")
    os.utime(old, (0, 0))
    asked(tmp_path, SHIPPED)
    assert not old.exists()
    assert new.exists()  # another process may be writing it now


def write_and_read(folder: Path) -> None:
    words = tuple(map(str, range(250)))
    features = {word: torch.full((512,), float(word)) for word in words}
    store = WordStore(folder, [words])
    for _ in range(30):
        for file in folder.glob("*.safetensors"):
            file.unlink(missing_ok=True)
        store.write("f", ("{}",), words, features)
        found = store.read("f", ("{}",), words)
        assert not found or all(torch.equal(found[word], features[word]) for word in words)


def test_two_processes_at_once_see_whole_files(tmp_path: Path) -> None:
    both = [fresh().Process(target=write_and_read, args=(tmp_path,)) for _ in range(2)]
    for process in both:
        process.start()
    for process in both:
        process.join(120)
    assert [process.exitcode for process in both] == [0, 0]
    assert not list(tmp_path.glob(".*.part"))


def test_the_folder_is_the_users_or_the_one_named() -> None:
    assert cache_folder({"GLACLIP_CACHE": "/somewhere"}) == Path("/somewhere")
    assert cache_folder({"GLACLIP_CACHE": " Off "}) is None
    assert cache_folder({}) is not None
    if sys.platform.startswith("linux"):
        assert cache_folder({"XDG_CACHE_HOME": "/x"}) == Path("/x/glaclip")
