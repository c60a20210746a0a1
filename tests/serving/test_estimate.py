"""What a run is said to take, against what it takes."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor

import numpy as np
import pytest
import torch
from PIL import Image

from glaclip.backbones.base import Backbone
from glaclip.segmenter import Method, Segmenter
from glaclip.serving import estimate as costs
from glaclip.serving.estimate import Plan
from glaclip.settings import PRECISIONS, AttentionSettings, WindowSettings
from glaclip.support.memory import forget_peak, peak_bytes, resident_bytes
from glaclip.vocabulary import parse_vocabulary
from tests.fresh import fresh
from tests.toy import ColorBackbone

ON, OFF = AttentionSettings(), AttentionSettings().off()


def plan(*methods: Method, windows: WindowSettings | None = None, prompts: int = 3) -> Plan:
    return Plan((224, 336), windows or WindowSettings(224, 224, 112), methods, prompts)


def test_similarities_count_every_key_set_of_the_source() -> None:
    backbone = ColorBackbone()
    tokens = plan().count * 14 * 14
    for source, sets in (("colors", 1), ("twice", 2)):
        counted = costs.similarities(backbone, plan(), Method(ON, source))
        assert counted == sets * tokens**2 * 3
        counted = costs.similarities(backbone, plan(), Method(OFF, source))
        assert counted == sets * tokens * 196
    assert costs.similarities(backbone, plan(), Method(None, baseline="identity")) == 0


def test_counting_computes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    backbone = ColorBackbone()

    def refuse(*_: object) -> None:
        raise AssertionError("something is computed to be counted")

    monkeypatch.setattr(backbone, "keys", refuse)
    monkeypatch.setattr(backbone, "encode_windows", refuse)
    method = Method(ON, "twice")
    assert costs.similarities(backbone, plan(), method) > 0
    assert all(each > 0 for each in costs.ladder_similarities(backbone, plan(), method))
    assert costs.memory(backbone, plan(method)) > 0


def _lite() -> Backbone:
    from glaclip.backbones.lite.backbone import load_lite

    return load_lite()


def _tiny() -> Backbone:
    from tests.clip_towers import tiny_backbone

    return tiny_backbone()


@pytest.mark.parametrize("make", [ColorBackbone, _tiny, _lite])
@pytest.mark.parametrize("crop", [64, 96])
def test_blank_tokens_have_the_shapes_of_real_ones(make: type[ColorBackbone], crop: int) -> None:
    backbone = make()
    blank = backbone.blank_tokens(crop)
    real = backbone.encode_windows(torch.rand(1, 3, crop, crop))
    assert (blank.key_grid, blank.value_grid) == (real.key_grid, real.value_grid)
    assert (blank.keys.shape, blank.values.shape) == (real.keys.shape, real.values.shape)
    assert blank.nbytes == real.nbytes
    for source in backbone.key_sources:
        assert backbone.key_grids(blank, source) == backbone.key_grids(real, source)
    assert backbone.forward_bytes(crop) > 0


def test_a_look_at_the_whole_photo_is_counted() -> None:
    backbone, windows = _tiny(), WindowSettings(512, 64, 64)
    by_window, whole = (
        costs.memory(backbone, Plan((512, 1024), each, (), 3))
        for each in (windows, dataclasses.replace(windows, vfm_view="whole"))
    )
    side = 724  # of a square of as many pixels
    assert whole - by_window > 0.9 * backbone.forward_bytes(side)


def _measured(
    precision: str, photo: tuple[int, int], crop: int, stride: int, short_side: int, words: int
) -> tuple[int, int]:
    """Estimate and peak of one run beyond what the process holds before it, in bytes."""
    torch.set_num_threads(2)
    on = AttentionSettings(precision=precision)
    backbone = _lite()
    segmenter = Segmenter(backbone, cache_bytes=2**30)
    # What words mean is nothing to the memory: only the first comes from the text tower.
    sky = backbone.encode_text(["sky"])
    backbone.templates = ("{}",)
    backbone.encode_text = lambda texts: torch.nn.functional.normalize(  # type: ignore[method-assign]
        sky + torch.randn(len(texts), sky.shape[1]), dim=1
    )
    pixels = np.random.default_rng(0).integers(0, 255, (*photo, 3), np.uint8)

    vocabulary = parse_vocabulary(", ".join(map(str, range(words))))

    def run(windows: WindowSettings, seed: int) -> Plan:
        picture = Image.fromarray(np.roll(pixels, seed, 0))
        encoded = segmenter.encode(picture, windows)
        source = segmenter.backbone.key_sources[0]
        results = [segmenter.segment(encoded, vocabulary, s) for s in (on, on.off())]
        assert len(results) == 2
        methods = (Method(on, source), Method(on.off(), source))
        return Plan((picture.height, picture.width), windows, methods, words)

    run(WindowSettings(224, 224, 224), 0)  # libraries take their memory before the measure
    segmenter.forget()
    forget_peak()
    before = resident_bytes()
    done = run(WindowSettings(short_side, crop, stride), 7)
    return costs.memory(segmenter.backbone, done), peak_bytes() - before


@pytest.fixture
def processes() -> Iterator[ProcessPoolExecutor]:
    """A process of its own, whose peak is of nothing else."""
    with ProcessPoolExecutor(1, mp_context=fresh()) as pool:
        yield pool


#: In each, another part of the estimate is the largest.
@pytest.mark.parametrize(
    "case",
    [
        ((900, 900), 224, 112, 448, 6),
        ((900, 1200), 64, 48, 384, 6),
        ((450, 600), 224, 112, 336, 300),
    ],
    ids=["many windows", "small windows", "many words"],
)
@pytest.mark.parametrize("precision", PRECISIONS)
def test_a_run_takes_about_the_memory_it_was_said_to(
    processes: ProcessPoolExecutor,
    case: tuple[tuple[int, int], int, int, int, int],
    precision: str,
) -> None:
    estimate, taken = processes.submit(_measured, precision, *case).result()
    assert taken <= estimate, f"{taken / 2**20:.0f} MB taken, {estimate / 2**20:.0f} MB said"
    assert estimate <= 2.5 * taken + 250 * 2**20


def test_known_anchors_are_not_counted_again() -> None:
    backbone, method = ColorBackbone(), Method(ON, "twice")
    whole = costs.similarities(backbone, plan(), method)
    known = costs.similarities(backbone, plan(), method, anchors_known=True)
    assert whole == known * (1 + ON.iterations)


def test_windows_that_are_joined_are_compared_across_the_photo() -> None:
    off = AttentionSettings().off()
    backbone = ColorBackbone()
    alone, spliced, whole = (Method(off, fusion=fusion) for fusion in ("", "splice", "whole"))
    three = plan(alone, spliced, whole)
    by = {method: costs.similarities(backbone, three, method) for method in three.methods}
    across = costs.similarities(backbone, three, Method(off.with_stages(("context",))))
    assert by[spliced] == by[alone] + across
    assert by[whole] == across
    # The photo as one window is encoded beside its windows, and held at once.
    height, width = three.size
    assert costs.encoded_again(three, whole) == height * width
    assert costs.encoded_again(three, spliced) == 0
    assert costs.memory(backbone, plan(whole)) >= costs.memory(backbone, plan(alone))
