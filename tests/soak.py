"""Many visitors for minutes: `python -m tests.soak`. Prints one table.

A server of its own process answers visitors who each bring photos, words, switches and points of
their own, over HTTP. Every answer is compared with the one computed alone beforehand. Then many
different photos pass through, until the cache is full and on, and the server's memory is watched.
"""

from __future__ import annotations

import argparse
import dataclasses
import io
import itertools
import json
import math
import os
import sys
import tempfile
import threading
import time
import urllib.request
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from glaclip.backbones.base import Backbone
from glaclip.segmenter import Method, Segmenter
from glaclip.serving import estimate as costs
from glaclip.serving.estimate import Plan
from glaclip.serving.limits import Limits
from glaclip.settings import FAST, WindowSettings
from glaclip.support.memory import peak_bytes, resident_bytes
from glaclip.vocabulary import parse_vocabulary
from tests.fresh import fresh

SWITCHES = ("cross_window", "proxy_anchors", "dynamic_normalization")
PALETTES = ("red, green, blue", "sky, building, tree, water", "tree, red", "water, sky, green")
#: Megabytes of the server's cache: small, so that it is full soon.
CACHE = 48


def backbone_of(name: str) -> Backbone:
    if name == "toy":
        from tests.toy import ColorBackbone

        return ColorBackbone()
    import torch

    from glaclip.backbones.registry import load

    return load(name, dtype=torch.float32)


def photo_of(seed: int, side: int = 224) -> Image.Image:
    """Blocks of color, different for every seed."""
    blocks = np.random.default_rng(seed).integers(0, 255, (4, 6, 3)).astype(np.uint8)
    return Image.fromarray(blocks).resize((side * 3 // 2, side), Image.Resampling.NEAREST)


@dataclass(frozen=True)
class Question:
    """What a visitor asks, and the labels computed alone."""

    photo: str
    words: str
    switches: dict[str, bool]
    point: tuple[int, int]
    labels: Any
    own_window: int


@dataclass
class Report:
    """What came of it."""

    visitors: int
    minutes: float
    seconds: list[float] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    wrong: int = 0
    warm: int = 0
    end: int = 0
    photos: int = 0
    full: int = 0
    after: int = 0
    cache: int = 0
    largest: int = 0

    @staticmethod
    def _growth(before: int, after: int) -> float:
        return 100 * (after / before - 1) if before else 0.0

    @property
    def growth(self) -> float:
        """Percent of the server's memory between the end of warming up and the end."""
        return self._growth(self.warm, self.end)

    @property
    def photo_growth(self) -> float:
        """Percent between the photo that filled the cache and the last."""
        return self._growth(self.full, self.after)

    def at(self, share: float) -> float:
        """Seconds that this share of the answers took at most."""
        ranked = sorted(self.seconds)
        return ranked[min(len(ranked) - 1, math.ceil(share * len(ranked)) - 1)] if ranked else 0.0

    def table(self) -> str:
        """One row for each figure."""
        rows = [
            ("cases", f"{len(self.seconds)}"),
            ("visitors", f"{self.visitors}"),
            ("minutes", f"{self.minutes:.1f}"),
            ("lost", f"{len(self.lost)}"),
            ("unlike the answer alone", f"{self.wrong}"),
            ("p50", f"{self.at(0.5):.2f} s"),
            ("p95", f"{self.at(0.95):.2f} s"),
            ("worst latency", f"{self.at(1):.2f} s"),
            ("growth after warming up", f"{self.growth:.1f} %"),
            ("different photos", f"{self.photos}"),
            ("growth after the cache was full", f"{self.photo_growth:.1f} %"),
            ("cache, of its budget", f"{self.cache} of {CACHE} MB"),
            ("40 megapixels at the limits", f"{self.largest / 2**30:.2f} GB"),
        ]
        width = max(len(name) for name, _ in rows)
        return "\n".join(f"{name:<{width}}  {value:>12}" for name, value in rows)


def serve(name: str, folder: str, say: Connection) -> None:
    """The server's process: says its address and answers until it is ended."""
    os.environ["GRADIO_TEMP_DIR"] = folder
    from glaclip.serving.service import Service
    from glaclip.ui.launch import launch_options
    from glaclip.ui.page import build_page

    backbone = backbone_of(name)
    service = Service(lambda _: backbone, limits=Limits(cache=CACHE, models=1))
    demo = build_page(service)
    _, url, _ = demo.launch(
        server_name="127.0.0.1", prevent_thread_lock=True, quiet=True, **launch_options(service)
    )
    say.send(url)
    threading.Event().wait()


@contextmanager
def server(name: str) -> Iterator[tuple[str, int]]:
    """Address and process id of a server of its own."""
    with tempfile.TemporaryDirectory() as folder:
        heard, spoken = fresh().Pipe(duplex=False)
        process = fresh().Process(target=serve, args=(name, folder, spoken))
        process.start()
        spoken.close()  # so that the end of the process ends the wait for its address
        assert process.pid
        try:
            yield heard.recv(), process.pid
        finally:
            process.kill()
            process.join()


@contextmanager
def client_of(url: str) -> Iterator[tuple[Any, Path]]:
    """A client of the server, and a folder for its files."""
    import gradio_client

    with tempfile.TemporaryDirectory() as folder:
        options = {"verbose": False, "analytics_enabled": False, "download_files": folder}
        yield gradio_client.Client(url, **options), Path(folder)


def questions(name: str, visitor: int, folder: Path) -> list[Question]:
    """A visitor's photos, words, switches and points with the answers computed alone."""
    segmenter = Segmenter(backbone_of(name))
    found = []
    for turn in range(3):
        photo, words = photo_of(1000 * visitor + turn), PALETTES[(visitor + turn) % len(PALETTES)]
        path = folder / f"{visitor}-{turn}.png"
        photo.save(path)
        switches = {switch: bool(visitor + turn >> i & 1) for i, switch in enumerate(SWITCHES)}
        # As the page asks.
        base = dataclasses.replace(segmenter.backbone.default_attention, precision=FAST)
        settings = dataclasses.replace(base, **switches)
        encoded = segmenter.encode(photo, segmenter.backbone.default_windows)
        result = segmenter.segment(encoded, parse_vocabulary(words), settings)
        point = (17 + 40 * turn, 11 + 13 * (visitor % 9))
        maps = segmenter.attention(encoded, point, base)
        found.append(Question(str(path), words, switches, point, result.labels, maps.window))
    return found


def visit(
    url: str, asked: list[Question], until: float, report: Report, lock: threading.Lock
) -> None:
    """One visitor: segments and clicks in turns until the time is over, once at least."""
    with client_of(url) as (client, _):
        for question, click in itertools.cycle(itertools.product(asked, (False, True))):
            start, same = time.monotonic(), False
            try:
                same = _answer(client, question, click)
            except Exception as error:
                with lock:
                    report.lost.append(f"{type(error).__name__}: {error}")
            else:
                with lock:
                    report.seconds.append(time.monotonic() - start)
                    report.wrong += not same
            if time.monotonic() >= until:  # but each has asked once, on a busy computer too
                return


def _answer(client: Any, question: Question, click: bool) -> bool:
    """Whether the server answers as the question was answered alone."""
    import gradio_client

    photo = gradio_client.handle_file(question.photo)
    if click:
        x, y = question.point
        document, _ = client.predict(photo=photo, x=x, y=y, api_name="/attention")
        return bool(document["own_window"] == question.own_window)
    document, archive = client.predict(
        photo=photo, vocabulary=question.words, **question.switches, api_name="/segment"
    )
    with zipfile.ZipFile(archive) as files:
        labels = np.asarray(Image.open(io.BytesIO(files.read("labels_glaclip.png"))))
    Path(archive).unlink()
    return bool(np.array_equal(labels, question.labels))


def many_photos(url: str, process: int, count: int, report: Report) -> None:
    """Different photos one after another; memory when the cache is full, and at the end."""
    import gradio_client

    with client_of(url) as (client, folder):
        path = folder / "photo.png"
        for number in range(count):
            photo_of(10**6 + number).save(path)
            client.predict(
                photo=gradio_client.handle_file(str(path)),
                vocabulary=PALETTES[0],
                api_name="/segment",
            )
            if number == count // 2:
                report.full = resident_bytes(process)
    report.photos, report.after = count, resident_bytes(process)


#: Width and height of a photo of just under 40 megapixels.
LARGE = (7744, 5164)
_WORDS = 1000


def at_the_limits(name: str) -> list[dict[str, Any]]:
    """Options of the largest runs that the limits allow: most windows, and most words."""
    from glaclip.ui.viewers.photo_input import LONG_SIDE

    backbone, limits = backbone_of(name), Limits()
    off = backbone.default_attention.off()
    method = Method(off, backbone.key_sources[0])
    photo = (LONG_SIDE * LARGE[1] // LARGE[0], LONG_SIDE)  # as the server shrinks it

    def megabytes(windows: WindowSettings, words: int) -> float:
        plan = Plan(photo, windows, (method, method), words)
        return math.inf if plan.count > limits.windows else costs.memory(backbone, plan) / 2**20

    usual = backbone.default_windows
    sizes = [
        WindowSettings(short_side, usual.crop, stride)
        for short_side in (448, 896, 2048)
        for stride in range(16, usual.crop + 1, 16)
    ]
    allowed = [size for size in sizes if megabytes(size, 2) <= limits.memory]
    most = max(allowed, key=lambda size: megabytes(size, 2))
    assert megabytes(usual, _WORDS) <= limits.memory
    many = ", ".join(f"word {number}; sign {number}" for number in range(_WORDS // 2))
    window = {"short_side": most.short_side, "crop": most.crop, "stride": most.stride}
    return [{"vocabulary": PALETTES[0], **window}, {"vocabulary": many}]


def largest(name: str) -> int:
    """Peak bytes of a fresh server that answers the largest allowed runs, all switches off."""
    import gradio_client

    with server(name) as (url, process), client_of(url) as (client, folder):
        for number, options in enumerate(at_the_limits(name)):
            path = folder / "photo.png"
            photo_of(number).resize(LARGE, Image.Resampling.NEAREST).save(path)
            photo = gradio_client.handle_file(str(path))
            off = dict.fromkeys(SWITCHES, False)
            client.predict(photo=photo, **off, **options, api_name="/segment")
        return peak_bytes(process)


def soak(name: str, visitors: int, minutes: float, photos: int) -> Report:
    """Runs it all."""
    report, lock = Report(visitors, minutes), threading.Lock()
    with tempfile.TemporaryDirectory() as folder, server(name) as (url, process):
        asked = [questions(name, visitor, Path(folder)) for visitor in range(visitors)]
        until = time.monotonic() + 60 * minutes
        threads = [
            threading.Thread(target=visit, args=(url, own, until, report, lock)) for own in asked
        ]
        for thread in threads:
            thread.start()
        time.sleep(max(0.0, 12 * minutes))  # a fifth of the time: everything was asked once
        report.warm = resident_bytes(process)
        for thread in threads:
            thread.join()
        report.end = resident_bytes(process)
        many_photos(url, process, photos, report)
        with urllib.request.urlopen(f"{url}health") as answer:
            health = json.load(answer)
        report.cache = health["cache_megabytes"]
        assert health["runs"] == 0, "a run was left behind"
    return report


def main() -> None:
    """Reads the options, runs, prints the table; the exit code says whether all went well."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--visitors", type=int, default=12)
    parser.add_argument("--minutes", type=float, default=5)
    parser.add_argument("--photos", type=int, default=300, help="different ones, afterwards")
    parser.add_argument("--backbone", default="lite", help="a registry name, or toy")
    options = parser.parse_args()
    report = soak(options.backbone, options.visitors, options.minutes, options.photos)
    report.largest = largest(options.backbone)
    print(report.table())
    for problem in report.lost[:5]:
        print(problem)
    if report.lost or report.wrong or report.largest > 4 * 2**30:
        sys.exit(1)


if __name__ == "__main__":
    main()
