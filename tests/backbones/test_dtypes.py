"""Which type a backbone computes in: the choice, with processor, device and measurement given."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from glaclip.backbones import dtypes, registry
from glaclip.backbones.clip.models import ClipModel
from glaclip.backbones.dtypes import ENOUGH, Choice, Record, choose, find_record, keep_record
from glaclip.backbones.lite.backbone import load_lite
from glaclip.segmenter import Segmenter
from glaclip.segmenter.agreement import dtype_agreement
from glaclip.settings import WindowSettings
from glaclip.support.processor import KINDS
from glaclip.vocabulary import parse_vocabulary
from tests.clip_towers import random_photo

CPU = torch.device("cpu")


def record(share: float = 0.998, **changes: str) -> Record:
    made = Record(
        "toy", "own", "f", dtypes.photos_digest(), "bfloat16", {"a.jpg": share}, {"a.jpg": 0.9}
    )
    return dataclasses.replace(made, **changes)  # type: ignore[arg-type]


def never(*arguments: object) -> bool:
    raise AssertionError("this was not to be asked")


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """A processor that is quick at bfloat16, whichever this one is."""
    monkeypatch.setattr(dtypes, "processor", lambda: KINDS[0])


def chosen(found: Record | None = None) -> Choice:
    return choose(
        CPU,
        lambda: "f",
        record_of=lambda fingerprint, dtype: found if fingerprint == "f" else None,
    )


def test_a_gpu_computes_in_half_precision_and_asks_for_nothing() -> None:
    choice = choose(torch.device("cuda:1"), never, record_of=never)  # type: ignore[arg-type]
    assert choice == Choice(torch.float16, "half precision on a GPU")


def test_a_cpu_that_is_quick_at_it_needs_the_measurement_too() -> None:
    assert chosen(found=record(ENOUGH)).dtype == torch.bfloat16
    assert "99.80%" in chosen(found=record()).why
    low = chosen(found=record(0.9909))
    assert low.dtype == torch.float32
    assert low.why == "bfloat16 keeps 99.09% of labels, less than 99.5%"
    assert chosen().dtype == torch.float32
    assert "not measured" in chosen().why


def test_elsewhere_float32(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dtypes, "processor", lambda: KINDS[-1])
    slow = choose(CPU, never, record_of=never)  # type: ignore[arg-type]
    assert slow.dtype == torch.float32
    assert "not quicker" in slow.why
    assert choose(torch.device("mps"), never).dtype == torch.float32  # type: ignore[arg-type]


def test_a_measurement_made_here_is_found_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not keep_record(record())  # the suite keeps nothing
    monkeypatch.setenv("GLACLIP_CACHE", str(tmp_path))
    assert find_record("f", "bfloat16") is None
    assert keep_record(record())
    assert find_record("f", "bfloat16") == record()
    assert find_record("f", "float16") is None
    assert find_record("g", "bfloat16") is None
    keep_record(record(0.5, photos=dtypes.photos_digest(dtypes.few_photos())))
    assert find_record("f", "bfloat16") == record(), "all photos say more than three"
    keep_record(record(fingerprint="h", photos="other photos"))
    assert find_record("h", "bfloat16") is None
    three = record(fingerprint="h", photos=dtypes.photos_digest(dtypes.few_photos()))
    keep_record(three)
    assert find_record("h", "bfloat16") == three
    monkeypatch.setenv("GLACLIP_CACHE", str(tmp_path / "agreement" / "no folder"))
    (tmp_path / "agreement" / "no folder").write_bytes(b"")
    assert not keep_record(record())


@pytest.mark.parametrize(
    "content", ["", "[{}]", "3", '{"a": 1}', json.dumps([dataclasses.asdict(record(7.0))])]
)
def test_a_damaged_measurement_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str
) -> None:
    monkeypatch.setenv("GLACLIP_CACHE", str(tmp_path))
    keep_record(record())
    assert find_record("f", "bfloat16") == record()
    (file,) = (tmp_path / "agreement").iterdir()
    file.write_text(content)
    assert find_record("f", "bfloat16") is None


def test_the_shipped_measurement_is_of_the_shipped_weights_and_photos() -> None:
    found = find_record(load_lite(dtype=torch.float32).fingerprint, "bfloat16")
    assert found is not None, "run `python -m glaclip.benchmark.agreement`"
    assert found.weights == "embedded"
    assert len(found.on) == len(found.off) == 13


def test_the_shipped_figure_is_what_this_computer_measures() -> None:
    single, narrow = (load_lite(dtype=kind) for kind in (torch.float32, torch.bfloat16))
    known = find_record(single.fingerprint, "bfloat16")
    again = dtype_agreement(single, lambda: narrow, "embedded", photos=("horses.jpg",))
    assert known is not None
    assert again.on["horses.jpg"] < 1
    # Computers round the sums of a product in different orders.
    assert again.on["horses.jpg"] == pytest.approx(known.on["horses.jpg"], abs=0.002)
    assert again.off["horses.jpg"] == pytest.approx(known.off["horses.jpg"], abs=0.002)


@pytest.fixture
def tiny(tiny_on_disk: tuple[ClipModel, Path], monkeypatch: pytest.MonkeyPatch) -> Path:
    """The weights of "clip-tiny", which is in the registry."""
    monkeypatch.setitem(registry.CLIP_MODELS, "clip-tiny", tiny_on_disk[0])
    return tiny_on_disk[1]


@pytest.mark.parametrize("share", [0.9, 0.999])
def test_loading_follows_the_measurement(
    tiny: Path, monkeypatch: pytest.MonkeyPatch, share: float
) -> None:
    monkeypatch.setattr(dtypes, "find_record", lambda *asked: record(share))
    expected = torch.bfloat16 if share > ENOUGH else torch.float32
    backbone = registry.load("clip-tiny", weights=tiny)
    same = registry.load("clip-tiny", "cpu", expected, tiny)
    assert backbone.dtype == expected
    assert f"{share:.2%}" in backbone.dtype_why
    assert backbone.fingerprint == same.fingerprint
    assert same.dtype_why == ""
    lite = registry.load("lite")
    assert lite.dtype == expected
    assert f"{share:.2%}" in lite.dtype_why


def test_half_precision_on_an_injected_gpu(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, torch.dtype]] = []
    real = registry.load_clip

    def load_clip(model: ClipModel, place: torch.device, dtype: torch.dtype, folder: Path):  # type: ignore[no-untyped-def]
        asked.append((place.type, dtype))
        return real(model, CPU, dtype, folder)

    monkeypatch.setattr(registry, "load_clip", load_clip)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    backbone = registry.load("clip-tiny", "cuda", weights=tiny)
    assert asked == [("cuda", torch.float16)]
    assert (backbone.dtype, backbone.dtype_why) == (torch.float16, "half precision on a GPU")
    # The same numbers as the GPU's type would go through the rest in.
    backbone.templates = ("{}",)
    segmenter = Segmenter(backbone)
    encoded = segmenter.encode(random_photo(96, 128), WindowSettings(96, 64, 32))
    assert encoded.tokens.values.dtype == torch.float16
    labels = segmenter.segment(encoded, parse_vocabulary("sky, grass")).labels
    assert labels.shape == (96, 128)
    asked.clear()
    assert registry.load("clip-tiny", "cuda", torch.float32, tiny).dtype == torch.float32
    assert asked == [("cuda", torch.float32)]


def test_lite_on_an_injected_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    def fake(place: torch.device, dtype: torch.dtype) -> SimpleNamespace:
        return SimpleNamespace(device=place, dtype=dtype, fingerprint="f", dtype_why="")

    monkeypatch.setattr("glaclip.backbones.lite.backbone.load_lite", fake)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert registry.load("lite", "cuda").dtype == torch.float16


@pytest.mark.usefixtures("tiny")
def test_random_weights_are_always_the_same() -> None:
    state = torch.random.get_rng_state()
    first, second = (registry.load_untrained("clip-tiny", "cpu", "auto") for _ in range(2))
    assert first.fingerprint == second.fingerprint
    assert torch.equal(torch.random.get_rng_state(), state)
    with pytest.raises(registry.BackboneError, match="Random weights are for clip-b16"):
        registry.load_untrained("lite", "cpu", "auto")
