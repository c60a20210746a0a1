"""A GPU lent for the length of a call: what one visitor's run asks of it, and what is refused."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from glaclip.backbones.base import BackboneError
from glaclip.segmenter import Segmenter
from glaclip.serving.job import Request
from glaclip.serving.lending import Lender, Order, seconds_of
from glaclip.serving.limits import Limits
from glaclip.serving.service import Service
from glaclip.settings import AttentionSettings, WindowSettings
from glaclip.vocabulary import parse_vocabulary
from tests.toy import ColorBackbone, side_by_side

WINDOWS = WindowSettings(64, 64, 32)
PHOTO = np.random.default_rng(1).integers(0, 256, (96, 160, 3), dtype=np.uint8)


def space(backbone: str, folder: Path) -> dict[str, Any]:
    """What a ZeroGPU Space that starts with a backbone does."""
    code = f"from tests.serving.zero_gpu_space import main; main({backbone!r})"
    zero = {
        "SPACES_ZERO_GPU": "true",
        "SPACES_ZERO_DEVICE_API_URL": "http://127.0.0.1:9",
        "ZEROGPU_OFFLOAD_DIR": str(folder / "offload"),
        "HF_HUB_OFFLINE": "1",
        "GRADIO_ANALYTICS_ENABLED": "False",
        "GLACLIP_BACKBONES": "lite",
    }
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=Path(__file__).parents[2],
        env={**os.environ, **zero},
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr
    report: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return report


def test_a_space_starts_lends_once_a_run_and_goes_on_without_quota(tmp_path: Path) -> None:
    """With the real package in its imitation of CUDA, and the paper's towers."""
    report = space("clip-b16", tmp_path)
    assert report["decorated"] >= 1
    assert report["bound"]
    assert sorted(report["models"]) == ["clip-b16", "lite"]
    assert report["device"] == "cpu"
    assert report["run"] == 1
    assert report["switch and click"] == 0
    assert report["same labels"] > 0.999
    assert all(seconds >= 5 for seconds in report["asked"])
    assert "8s requested vs. 3s left" in report["refusal"]
    assert "embedded model goes on working" in report["refusal"]
    assert report["lite"] == ["sky", "grass"]


def test_a_space_with_the_embedded_model_alone_has_a_decorated_function(tmp_path: Path) -> None:
    report = space("lite", tmp_path)
    assert report["decorated"] >= 1
    assert report["models"] == ["lite"]


class Counting(Lender):
    """A lent GPU that is here."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        super().__init__()
        monkeypatch.setattr(torch, "set_num_threads", lambda count: None)
        self.orders: list[Order] = []

    def compute(self, order: Order) -> Any:
        self.orders.append(order)
        return super().compute(order)


def request(words: str = "red, blue", **options: Any) -> Request:
    return Request(parse_vocabulary(words), AttentionSettings(), WINDOWS, **options)


@pytest.fixture
def lender(monkeypatch: pytest.MonkeyPatch) -> Counting:
    lender = Counting(monkeypatch)
    lender.add(ColorBackbone())
    return lender


def served(lender: Lender) -> tuple[Service, ColorBackbone]:
    """A service whose own backbone counts what it computes."""
    own = ColorBackbone()
    return Service(lambda name: own, lender=lender), own


def test_one_call_computes_all_that_is_long(lender: Counting) -> None:
    service, own = served(lender)
    answer = service.answer(PHOTO, request(), (5, 5))
    plain = Service(lambda name: ColorBackbone()).answer(PHOTO, request(), (5, 5))
    np.testing.assert_array_equal(answer.right.labels, plain.right.labels)
    np.testing.assert_array_equal(answer.left.labels, plain.left.labels)
    assert (len(lender.orders), own.encoded_windows, own.encoded_texts) == (1, 0, [])
    assert not answer.encoded_cached
    service.answer(PHOTO, request(baseline="identity"), (9, 9))
    assert len(lender.orders) == 1


def test_new_words_alone_are_a_call_without_the_photo(lender: Counting) -> None:
    service, own = served(lender)
    service.answer(PHOTO, request())
    service.answer(PHOTO, request("red, green"))
    order = lender.orders[1]
    assert (order.photo, order.prompts) == (None, ("green",))
    assert own.encoded_texts == []


def test_words_for_a_new_photo_and_its_result_are_one_call(lender: Counting) -> None:
    service, own = served(lender)
    photo = side_by_side(left=(153, 204, 255), right=(51, 102, 25))
    words, _ = service.suggest(photo, request(), 3)
    plain = Service(lambda name: ColorBackbone()).suggest(photo, request(), 3)
    assert words == plain[0] == ("tree", "sky")
    service.answer(photo, request(", ".join(words)))
    assert (len(lender.orders), own.encoded_windows, own.encoded_texts) == (1, 0, [])
    # The list is known now: on a known photo nothing is left to borrow.
    service.suggest(photo, request(), 3)
    assert len(lender.orders) == 1


def test_a_run_brings_the_list_that_presence_and_suggestions_need(lender: Counting) -> None:
    service, own = served(lender)
    service.answer(PHOTO, request())
    service.suggest(PHOTO, request(), 3)
    assert (len(lender.orders), own.encoded_texts) == (1, [])


def test_a_click_on_a_new_photo_lends_for_its_tokens(lender: Counting) -> None:
    service, own = served(lender)
    maps = service.attention(PHOTO, (5, 5), request())
    assert maps.rungs
    assert (len(lender.orders), own.encoded_windows) == (1, 0)


def test_nothing_is_lent_before_a_visitor_comes(lender: Counting) -> None:
    served(lender)[0].warm_up("auto")
    assert lender.orders == []


def test_what_the_quota_is_asked_for_is_rounded_up_and_five_seconds_at_least() -> None:
    orders = [Order("", seconds, None, WINDOWS) for seconds in (0.2, 5.1, 12.0)]
    assert [seconds_of(order) for order in orders] == [5, 6, 12]


def test_a_gpu_that_fails_is_a_sentence(lender: Counting, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(order: Order) -> None:
        raise RuntimeError("/home/user/secret: CUDA error")

    lender.call = broken  # type: ignore[method-assign, assignment]
    with pytest.raises(BackboneError, match="not lent: it failed") as caught:
        served(lender)[0].answer(PHOTO, request())
    assert "secret" not in str(caught.value)


def test_a_space_offers_what_it_has_loaded_and_keeps_it() -> None:
    limits = Lender().limits({"lite", "clip-b16"}, Limits(memory=500, models=1, cache=10))
    assert (limits.backbones, limits.models, limits.cache) == (("clip-b16", "lite"), 2, 4000)


def test_what_was_computed_travels_as_arrays() -> None:
    segmenter = Segmenter(ColorBackbone())
    method = segmenter.method()
    computed = segmenter.compute(PHOTO, WINDOWS, (method,), ("red",))
    packed = computed.packed()
    assert packed.encoded
    assert isinstance(packed.encoded.tokens.keys, np.ndarray)
    back = packed.unpacked()
    assert back.encoded
    assert computed.encoded
    assert torch.equal(back.encoded.tokens.values, computed.encoded.tokens.values)
    other = Segmenter(ColorBackbone())
    other.keep(back)
    assert other.knows_features(back.encoded, method)
    assert other.unknown_words(("red", "blue")) == ("blue",)
