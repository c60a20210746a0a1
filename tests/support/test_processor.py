"""What the processor is quick at: by what it says it has, or by a name, never by a clock."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch

from glaclip.support import processor as module
from glaclip.support.processor import KINDS, ProcessorError, processor

ASKED = {"_is_amx_tile_supported": "amx_tile", "_is_avx512_bf16_supported": "avx512_bf16",
         "_is_vnni_supported": "avx512_vnni"}  # fmt: skip
HAS = {
    "amx": {"amx_tile", "avx512_bf16", "avx512_vnni"},
    "avx512_bf16": {"avx512_bf16", "avx512_vnni"},
    "vnni": {"avx512_vnni"},
    "plain": {"avx2"},
}


@pytest.fixture(autouse=True)
def unasked(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Not asked yet, and not afterwards."""
    monkeypatch.delenv("GLACLIP_PROCESSOR", raising=False)
    module._found.cache_clear()
    yield
    module._found.cache_clear()


@pytest.mark.parametrize("name", HAS)
def test_the_first_row_that_pytorch_says_it_has(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for question, flag in ASKED.items():
        monkeypatch.setattr(torch.cpu, question, lambda flag=flag: flag in HAS[name], raising=False)
    assert processor().name == name


@pytest.mark.parametrize("name", HAS)
def test_where_pytorch_cannot_say_linux_does(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for question in ASKED:
        monkeypatch.delattr(torch.cpu, question, raising=False)
    monkeypatch.setattr(module, "_flags", lambda: HAS[name])
    assert processor().name == name


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_a_row_can_be_named(kind: module.Processor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GLACLIP_PROCESSOR", kind.name)
    assert processor() == kind
    threefold = processor().fast_type(torch.device("cpu")) == torch.bfloat16
    assert threefold == (kind.name == "amx")
    assert processor().fast_type(torch.device("cuda")) == torch.float32


def test_another_name_is_refused_in_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GLACLIP_PROCESSOR", "quick")
    sentence = "^GLACLIP_PROCESSOR must be one of amx, avx512_bf16, vnni, plain; received 'quick'$"
    with pytest.raises(ProcessorError, match=sentence):
        processor()
