"""The text tower against the library whose model it is."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch.nn import functional as F

from glaclip.backbones.base import BackboneError
from glaclip.backbones.lite import sentences

TEXTS = (
    "lamp",
    "a photo of a Red Car.",
    "push-bike",
    "naïve café",
    "窗户 window",
    "",
    "x" * 500,
    " ".join(["word"] * 100),
)


def test_vectors_are_those_of_transformers() -> None:
    from transformers import AutoTokenizer, BertModel

    folder = sentences.model_folder()
    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    model = BertModel.from_pretrained(folder, local_files_only=True).eval()
    batch = tokenizer(
        list(TEXTS), padding=True, truncation=True, max_length=64, return_tensors="pt"
    )
    with torch.inference_mode():
        hidden = model(**batch).last_hidden_state
    mask = batch["attention_mask"][..., None]
    expected = F.normalize((hidden * mask).sum(1) / mask.sum(1), dim=-1)
    found = sentences.TextTower(torch.device("cpu"))(TEXTS)
    assert torch.allclose(found, expected, atol=2e-6)


def test_a_text_is_the_same_alone_and_among_longer_ones() -> None:
    tower = sentences.TextTower(torch.device("cpu"))
    assert torch.allclose(tower(["lamp"])[0], tower(TEXTS)[0], atol=2e-6)
    assert tower([]).shape == (0, sentences.CHANNELS)


@pytest.mark.parametrize("name", ["tokenizer.json", "model.safetensors"])
def test_a_broken_file_is_a_sentence(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for file in ("tokenizer.json", "model.safetensors"):
        (tmp_path / file).symlink_to(sentences.model_folder() / file)
    (tmp_path / name).unlink()
    (tmp_path / name).write_bytes(b"{}")
    monkeypatch.setattr(sentences, "model_folder", lambda: tmp_path)
    with pytest.raises(BackboneError, match="pip install --force-reinstall"):
        sentences.TextTower(torch.device("cpu"))
