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
    monkeypatch.setattr(module, "_vendor", lambda: "AuthenticAMD")
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
    said = {"flags": " ".join(sorted(HAS[name]))}
    monkeypatch.setattr(module, "_said", lambda field: said.get(field, ""))
    assert processor().name == name


def test_vectors_of_bfloat16_count_for_amd_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    for question, flag in ASKED.items():
        has = flag in HAS["avx512_bf16"]
        monkeypatch.setattr(torch.cpu, question, lambda has=has: has, raising=False)
    monkeypatch.setattr(module, "_vendor", lambda: "GenuineIntel")
    assert processor().name == "vnni"
    assert not processor().bfloat16


@pytest.mark.parametrize(
    ("linux", "name", "vendor"),
    [
        ("GenuineIntel", "x86_64", "GenuineIntel"),
        ("", "AMD64 Family 25 Model 17 Stepping 1, AuthenticAMD", "AuthenticAMD"),
        ("", "Intel64 Family 6 Model 207 Stepping 2, GenuineIntel", "GenuineIntel"),
        ("", "arm", "arm"),
    ],
)
def test_who_made_it(monkeypatch: pytest.MonkeyPatch, linux: str, name: str, vendor: str) -> None:
    monkeypatch.undo()
    monkeypatch.setattr(module, "_said", lambda field: linux)
    monkeypatch.setattr(module.platform, "processor", lambda: name)
    assert module._vendor() == vendor


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
