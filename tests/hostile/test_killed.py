"""kill -9 in the middle of things: the next start is clean, and partial files are noticed."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import gradio_client
import numpy as np
import pytest
from huggingface_hub import constants
from PIL import Image
from safetensors.numpy import load_file, save

from glaclip.backbones.clip import weights
from glaclip.cli.main import main
from glaclip.files import write_whole
from glaclip.settings import WindowSettings
from glaclip.ui import precompute
from glaclip.ui.examples import examples
from tests.cli.test_cli import toy
from tests.toy import ColorBackbone

ROOT = Path(__file__).resolve().parents[2]


def start(code: str, **environment: str) -> subprocess.Popen[str]:
    """A process that prints a line where it is to be killed."""
    return subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        text=True,
    )


def kill_at_its_line(
    process: subprocess.Popen[str], until: Callable[[], bool] = lambda: True
) -> None:
    assert process.stdout
    assert process.stdout.readline().strip() == "here"
    late = time.monotonic() + 30
    while not until():
        assert time.monotonic() < late
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    assert process.wait(30) == -signal.SIGKILL
    process.stdout.close()


WRITE = """
import pathlib, sys, time
from glaclip import files
path = pathlib.Path({path!r})
def half(self, content):
    with open(self, "wb") as file:
        file.write(content[: len(content) // 2])
    print("here", flush=True)
    time.sleep(60)
pathlib.Path.write_bytes = half
files.write_whole(path, b"new" * 1000)
"""


def test_a_shipped_file_is_whole_or_as_before(tmp_path: Path) -> None:
    path = tmp_path / "china.json"
    write_whole(path, b"old")
    kill_at_its_line(start(WRITE.format(path=str(path))))
    assert path.read_bytes() == b"old"
    write_whole(path, b"newer")
    assert path.read_bytes() == b"newer"
    assert [entry.name for entry in tmp_path.iterdir()] == ["china.json"]


def test_a_full_disk_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "labels.png"
    write_whole(path, b"old")

    def full(self: Path, content: bytes) -> int:
        with self.open("wb") as file:
            file.write(content[:1])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OSError, match="No space left"):
        write_whole(path, b"new")
    assert path.read_bytes() == b"old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["labels.png"]


EVALUATE = """
import sys, time
sys.path.insert(0, {root!r})
from glaclip.cli.main import main
from glaclip.evaluation import store
from tests.cli.test_cli import toy
put, count = store.Store.put, 0
def slow(self, *arguments):
    global count
    put(self, *arguments)
    count += 1
    if count == 3:
        print("here", flush=True)
        time.sleep(60)
store.Store.put = slow
main({arguments!r}, toy)
"""


def test_evaluate_goes_on_after_a_kill(tmp_path: Path) -> None:
    data = tmp_path / "set"
    for name in ("images", "masks"):
        (data / name).mkdir(parents=True)
    (data / "classes.txt").write_text("red\nblue\n")
    for number in range(4):
        values = np.zeros((64, 96), np.uint8)
        values[:, 30 + number :] = 1
        Image.fromarray(values).save(data / "masks" / f"{number}.png")
        colors = np.array([[220, 0, 0], [0, 0, 220]], np.uint8)[values]
        Image.fromarray(colors).save(data / "images" / f"{number}.png")

    def arguments(out: str) -> list[str]:
        report = str(tmp_path / f"{out}.json")
        return ["evaluate", str(data), "--out", str(tmp_path / out), "--json", report, "--quiet"]

    kill_at_its_line(start(EVALUATE.format(root=str(ROOT), arguments=arguments("killed"))))
    assert not (tmp_path / "killed.json").read_bytes()
    stored = next((tmp_path / "killed").rglob("*.jsonl"))
    with stored.open("a") as file:
        file.write('{"photo": "half a li')
    for out in ("killed", "whole"):
        assert main(arguments(out), toy) == 0
    scores = [json.loads((tmp_path / f"{out}.json").read_text()) for out in ("killed", "whole")]
    for left, right in zip(scores[0]["methods"], scores[1]["methods"], strict=True):
        assert (left["miou"], left["ber"]) == (right["miou"], right["ber"])


PRECOMPUTE = """
import pathlib, sys, time
sys.path.insert(0, {root!r})
from tests.toy import ColorBackbone
from glaclip.ui import precompute
precompute.PRECOMPUTED = pathlib.Path({folder!r})
precompute.load = lambda name, dtype: ColorBackbone()
precompute.examples = lambda shipped=precompute.examples: shipped()[:3]
precompute.build_lessons = lambda segmenter: None
whole, written = pathlib.Path.write_bytes, []
def half(self, content):
    written.append(self)
    if len(written) < 2:
        return whole(self, content)
    with open(self, "wb") as file:
        file.write(content[: len(content) // 2])
    print("here", flush=True)
    time.sleep(60)
pathlib.Path.write_bytes = half
precompute.main()
"""


def test_precomputed_results_are_whole_or_as_before_a_kill(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = sorted(f"{example.name}.json" for example in examples()[:3])
    for name in names:
        (tmp_path / name).write_text("{}")
    kill_at_its_line(start(PRECOMPUTE.format(root=str(ROOT), folder=str(tmp_path))))
    found = [json.loads((tmp_path / name).read_text()) for name in names]
    assert sum("compare" in document for document in found) == 1
    monkeypatch.setattr(precompute, "PRECOMPUTED", tmp_path)
    monkeypatch.setattr(precompute, "load", lambda name, dtype: ColorBackbone())
    monkeypatch.setattr(precompute, "examples", lambda: examples()[:3])
    monkeypatch.setattr(precompute, "build_lessons", lambda segmenter: None)
    precompute.main()
    assert sorted(path.name for path in tmp_path.iterdir()) == names
    assert all("compare" in json.loads((tmp_path / name).read_text()) for name in names)


PAGE = """
import sys, time
sys.path.insert(0, {root!r})
from tests.hostile.test_killed import open_page
from tests.toy import ColorBackbone
def stay(self, pixels):
    print("here", flush=True)
    time.sleep(60)
ColorBackbone.encode_windows = stay
page = open_page({port})
print("served", flush=True)
time.sleep(120)
"""


class Toy(ColorBackbone):
    default_windows = WindowSettings(short_side=224, crop=112, stride=112)


def open_page(port: int) -> Any:
    """The whole page on this port."""
    from glaclip.ui.launch import launch_options
    from glaclip.ui.page import build_page
    from glaclip.ui.service import Service

    toy = Toy()
    page = build_page(Service(lambda name: toy), [("Automatic", "auto")])
    page.queue().launch(
        server_name="127.0.0.1",
        server_port=port,
        quiet=True,
        prevent_thread_lock=True,
        **launch_options(),
    )
    return page


def test_the_page_starts_again_after_a_kill_in_the_middle_of_a_run(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    photo = tmp_path / "photo.png"
    Image.new("RGB", (224, 224), "red").save(photo)

    def ask() -> Any:
        client = gradio_client.Client(
            f"http://127.0.0.1:{port}/",
            verbose=False,
            analytics_enabled=False,
            download_files=str(tmp_path),
        )
        handle = gradio_client.handle_file(str(photo))
        return client.submit(photo=handle, vocabulary="red, blue", api_name="/segment")

    process = start(PAGE.format(root=str(ROOT), port=port))
    assert process.stdout
    try:
        while (line := process.stdout.readline()).strip() != "served":
            assert line, "the page did not start"
        ask()
        kill_at_its_line(process)
    finally:
        process.kill()
    page = open_page(port)
    try:
        document, archive = ask().result(timeout=60)
        assert document["photo"] == {"width": 224, "height": 224}
        with zipfile.ZipFile(archive) as files:
            assert files.testzip() is None
    finally:
        page.close(verbose=False)


WEIGHTS = save({"w": np.arange(200_000, dtype=np.float32)})
FILE = weights.WeightFile("someone/model", ("model.safetensors",), 1, "MIT", ("w", (200_000,)))


class Hub(ThreadingHTTPServer):
    """Answers as the model hub does; while it is slow, it stops after half of the file."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answer)
        self.slow = threading.Event()
        self.stopped = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class Answer(BaseHTTPRequestHandler):
    server: Hub

    def do_HEAD(self) -> None:
        self.send_response(200)
        for name, value in (
            ("Content-Length", str(len(WEIGHTS))),
            ("ETag", '"0123456789abcdef"'),
            ("X-Repo-Commit", "0" * 40),
        ):
            self.send_header(name, value)
        self.end_headers()

    def do_GET(self) -> None:
        self.do_HEAD()
        if not self.server.slow.is_set():
            self.wfile.write(WEIGHTS)
            return
        self.wfile.write(WEIGHTS[: len(WEIGHTS) // 2])
        self.server.stopped.wait(60)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def hub() -> Iterator[Hub]:
    with Hub() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.stopped.set()
        server.shutdown()


DOWNLOAD = """
import time
from huggingface_hub import constants
from glaclip.backbones.clip import weights
constants.DOWNLOAD_CHUNK_SIZE = 200_000
file = weights.WeightFile("someone/model", ("model.safetensors",), 1, "MIT", ("w", (200_000,)))
weights.fetch("Model", [file], None, lambda done, total: print("here", flush=True))
"""


def test_a_download_is_clean_after_a_kill(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def parts() -> list[int]:
        return [path.stat().st_size for path in tmp_path.rglob("*.incomplete")]

    hub.slow.set()
    place = {"HF_ENDPOINT": hub.url, "HF_HUB_CACHE": str(tmp_path)}
    process = start(DOWNLOAD, HF_HUB_OFFLINE="0", no_proxy="*", **place)
    kill_at_its_line(process, lambda: sum(parts()) > 0)
    assert 0 < parts()[0] < len(WEIGHTS)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    assert weights.find(FILE, None) is None, "half a file is no file"

    hub.slow.clear()
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "ENDPOINT", hub.url)
    address = hub.url + "/{repo_id}/resolve/{revision}/{filename}"
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", address)
    monkeypatch.setenv("no_proxy", "*")
    (path,) = weights.fetch("Model", [FILE], None)
    assert path.read_bytes() == WEIGHTS
    assert load_file(path)["w"].shape == (200_000,)
    assert weights.find(FILE, None) == path
    assert parts() == []
