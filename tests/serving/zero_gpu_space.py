"""A ZeroGPU Space in the imitation of its own package, as a process: what happens, as JSON.

Nothing is lent here: the worker's process is a thread in the same imitation, and what travels to
and from it goes through the pickles that `spaces` uses.
"""

from __future__ import annotations

import inspect
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.reduction import ForkingPickler
from types import SimpleNamespace
from typing import Any

import gradio as gr
import numpy as np
from PIL import Image
from spaces.zero import decorator, wrappers

import glaclip.ui.launch as launch
from glaclip.backbones import registry
from glaclip.backbones.base import BackboneError
from glaclip.serving.job import Request
from glaclip.serving.service import Service
from glaclip.settings import AttentionSettings, WindowSettings
from glaclip.vocabulary import parse_vocabulary

REPORT: dict[str, Any] = {"asked": []}
REFUSED = "You have exceeded your ZeroGPU quota (8s requested vs. 3s left)."


def travelled(value: object) -> Any:
    return ForkingPickler.loads(bytes(ForkingPickler.dumps(value)))


class Worker:
    """Stands for the process on the GPU, and for both queues between it and this one."""

    def __init__(self, target: Any, allow_token: str, nvidia_uuid: str) -> None:
        self.task = inspect.getclosurevars(target).nonlocals["task"]
        self.arg_queue = self.res_queue = self
        self.process = SimpleNamespace(is_alive=lambda: False)

    def put(self, work: Any) -> None:
        (self.args, self.kwargs), _ = travelled(work)

    def get(self) -> Any:
        def run() -> Any:
            wrappers.torch.enter_mode()  # of one thread, as there CUDA is of one process
            return self.task(*self.args, **self.kwargs)

        with ThreadPoolExecutor(1) as thread:
            return wrappers.OkResult(travelled(thread.submit(run).result()))


def schedule(*, duration: Any, **_: Any) -> SimpleNamespace:
    REPORT["asked"].append(duration.seconds)
    if REPORT.get("refuse"):
        raise wrappers.error("ZeroGPU quota exceeded", REFUSED)
    return SimpleNamespace(allowToken="", nvidiaIndex=0, nvidiaUUID="", idle=False)


def random_clip(name: str, place: Any, kind: Any, weights: Any) -> Any:
    return (load if name == "lite" else registry.load_untrained)(name, place, kind)


def visit(service: Service) -> None:
    """What a visitor does, in a thread of its own as Gradio's handlers are."""
    segmenter = service.segmenter("auto")
    REPORT["title"], REPORT["device"] = segmenter.backbone.title, str(segmenter.backbone.device)
    assert service.lender
    twin = service.lender._twins[segmenter.backbone.fingerprint]
    for each in (segmenter, twin):
        each.backbone.templates = ("{}",)
    pixels = np.random.default_rng(0).integers(0, 256, (224, 336, 3), dtype=np.uint8)
    photo, windows = Image.fromarray(pixels), WindowSettings(224, 224, 112)
    request = Request(parse_vocabulary("sky, grass"), AttentionSettings(), windows)
    answer = service.answer(photo, request, (10, 20))
    REPORT["run"] = len(REPORT["asked"])
    changed = Request(request.vocabulary, AttentionSettings().off(), windows, baseline="maskclip")
    service.answer(photo, changed, (10, 20))
    service.attention(photo, (40, 30), request)
    REPORT["switch and click"] = len(REPORT["asked"]) - REPORT["run"]
    segmenter.forget()
    alone = segmenter.segment(segmenter.encode(photo, windows), request.vocabulary)
    REPORT["same labels"] = float(np.mean(alone.labels == answer.right.labels))
    REPORT["refuse"] = True
    segmenter.forget()
    try:
        service.answer(photo, request)
    except BackboneError as error:
        REPORT["refusal"] = str(error)
    lite = Request(request.vocabulary, AttentionSettings(), windows, backbone="lite")
    REPORT["lite"] = list(service.answer(photo, lite).right.classes)


def at_launch(page: gr.Blocks, **options: Any) -> None:
    """Called instead of `Blocks.launch`, whose first act is the platform's look."""
    REPORT["decorated"] = len(decorator.decorated_cache)
    REPORT["bound"] = any(hasattr(fn.fn, "zerogpu") for fn in page.fns.values())
    (service,) = SERVICES
    REPORT["models"] = list(service.models.names)
    if "clip-b16" in REPORT["models"]:
        thread = threading.Thread(target=visit, args=(service,))
        thread.start()
        thread.join()
    print(json.dumps({key: value for key, value in REPORT.items() if key != "refuse"}))


SERVICES: list[Service] = []
load = registry.load


def main(backbone: str) -> None:
    registry.load, registry.fetch = random_clip, lambda *given, **options: None
    wrappers.Worker = Worker
    wrappers.client = SimpleNamespace(
        schedule=schedule,
        release=lambda *given, **options: None,
        get_duration_seconds=lambda duration, size: duration.seconds,
    )
    gr.Blocks.launch = at_launch
    build = launch.build_page

    def build_page(service: Service, choices: Any) -> gr.Blocks:
        SERVICES.append(service)
        return build(service, choices)

    launch.build_page = build_page
    launch.serve(backbone=backbone)
