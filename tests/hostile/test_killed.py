"""kill -9 in the middle of things: the next start is clean, and partial files are noticed."""

from __future__ import annotations

import itertools
import json
import os
import signal
import socket
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerProcess
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
from glaclip.evaluation.run import store
from glaclip.support.files import atomic_write
from glaclip.ui import precompute
from glaclip.ui.examples import examples
from tests.evaluation.sets import colors
from tests.fresh import fresh
from tests.toy import ColorBackbone, FewWindows, load_toy


@dataclass
class Victim:
    """A process that says where it is to be killed."""

    process: ForkServerProcess
    said: Connection

    def kill_where_it_says(self, until: Callable[[], bool] = lambda: True) -> None:
        assert self.hears() == "here"
        late = time.monotonic() + 30
        while not until():
            assert time.monotonic() < late
            time.sleep(0.02)
        self.process.kill()
        self.process.join(30)
        assert self.process.exitcode == -signal.SIGKILL

    def hears(self) -> object:
        assert self.said.poll(120), "it says nothing"
        return self.said.recv()


@pytest.fixture
def start() -> Iterator[Callable[..., Victim]]:
    """Starts a process with a function that is given how to speak, and these arguments."""
    victims = []

    def begin(work: Callable[..., None], *given: Any) -> Victim:
        heard, spoken = fresh().Pipe(duplex=False)
        process = fresh().Process(target=work, args=(spoken, *given))
        process.start()
        spoken.close()  # so that the end of the process is the end of what it says
        victims.append(Victim(process, heard))
        return victims[-1]

    yield begin
    for victim in victims:
        victim.process.kill()
        victim.process.join(30)
        victim.said.close()


def wait_here(say: Connection) -> None:
    say.send("here")
    time.sleep(60)


def write_half(say: Connection, path: Path, content: bytes) -> None:
    with open(path, "wb") as file:
        file.write(content[: len(content) // 2])
    wait_here(say)


def write_a_file(say: Connection, path: Path) -> None:
    Path.write_bytes = lambda self, content: write_half(say, self, content)  # type: ignore[assignment,method-assign]
    atomic_write(path, b"new" * 1000)


def test_a_shipped_file_is_whole_or_as_before(start: Callable[..., Victim], tmp_path: Path) -> None:
    path = tmp_path / "china.json"
    atomic_write(path, b"old")
    start(write_a_file, path).kill_where_it_says()
    assert path.read_bytes() == b"old"
    atomic_write(path, b"newer")
    assert path.read_bytes() == b"newer"
    assert [entry.name for entry in tmp_path.iterdir()] == ["china.json"]


def test_a_full_disk_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "labels.png"
    atomic_write(path, b"old")

    def full(self: Path, content: bytes) -> int:
        with self.open("wb") as file:
            file.write(content[:1])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OSError, match="No space left"):
        atomic_write(path, b"new")
    assert path.read_bytes() == b"old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["labels.png"]


def evaluate(say: Connection, arguments: list[str]) -> None:
    put, count = store.Store.put, itertools.count(1)

    def third(self: store.Store, *given: Any) -> None:
        put(self, *given)
        if next(count) == 3:
            wait_here(say)

    store.Store.put = third  # type: ignore[method-assign]
    main(arguments, load_toy)


def test_evaluate_goes_on_after_a_kill(start: Callable[..., Victim], tmp_path: Path) -> None:
    data = colors(tmp_path / "set", 4)

    def arguments(out: str) -> list[str]:
        report = str(tmp_path / f"{out}.json")
        return ["evaluate", str(data), "--out", str(tmp_path / out), "--json", report, "--quiet"]

    start(evaluate, arguments("killed")).kill_where_it_says()
    assert not (tmp_path / "killed.json").read_bytes()
    stored = next((tmp_path / "killed").rglob("*.jsonl"))
    with stored.open("a") as file:
        file.write('{"photo": "half a li')
    for out in ("killed", "whole"):
        assert main(arguments(out), load_toy) == 0
    scores = [json.loads((tmp_path / f"{out}.json").read_text()) for out in ("killed", "whole")]
    for left, right in zip(scores[0]["methods"], scores[1]["methods"], strict=True):
        assert (left["miou"], left["ber"]) == (right["miou"], right["ber"])


def precompute_three(folder: Path) -> None:
    precompute.PRECOMPUTED = folder
    precompute.load = lambda name, dtype: ColorBackbone()
    precompute.all_examples = lambda: examples()[:3]
    precompute.build_lessons = lambda segmenter: None  # type: ignore[assignment]
    precompute.main()


def precompute_half(say: Connection, folder: Path) -> None:
    whole, count = Path.write_bytes, itertools.count(1)

    def second(self: Path, content: bytes) -> int:
        if next(count) == 2:
            write_half(say, self, content)
        return whole(self, content)

    Path.write_bytes = second  # type: ignore[assignment,method-assign]
    precompute_three(folder)


def test_precomputed_results_are_whole_or_as_before_a_kill(
    start: Callable[..., Victim], tmp_path: Path
) -> None:
    names = sorted(f"{example.name}.json" for example in examples()[:3])
    for name in names:
        (tmp_path / name).write_text("{}")
    start(precompute_half, tmp_path).kill_where_it_says()
    found = [json.loads((tmp_path / name).read_text()) for name in names]
    assert sum("compare" in document for document in found) == 1
    again = fresh().Process(target=precompute_three, args=(tmp_path,))
    again.start()
    again.join(60)
    assert again.exitcode == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == names
    assert all("compare" in json.loads((tmp_path / name).read_text()) for name in names)


def serve(say: Connection, port: int, backbone: ColorBackbone) -> None:
    """The whole page on this port."""
    from glaclip.serving.service import Service
    from glaclip.ui.launch import launch_options
    from glaclip.ui.page import build_page

    page = build_page(Service(lambda name: backbone), [("Automatic", "auto")])
    page.queue().launch(
        server_name="127.0.0.1",
        server_port=port,
        quiet=True,
        prevent_thread_lock=True,
        **launch_options(),
    )
    say.send("served")
    time.sleep(120)


def serve_until_a_run(say: Connection, port: int) -> None:
    backbone = FewWindows()
    backbone.encode_windows = lambda pixels: wait_here(say)  # type: ignore[assignment,method-assign]
    serve(say, port, backbone)


def serve_well(say: Connection, port: int) -> None:
    serve(say, port, FewWindows())


def test_the_page_starts_again_after_a_kill_in_the_middle_of_a_run(
    start: Callable[..., Victim], tmp_path: Path
) -> None:
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

    first = start(serve_until_a_run, port)
    assert first.hears() == "served"
    ask()
    first.kill_where_it_says()
    assert start(serve_well, port).hears() == "served"
    document, archive = ask().result(timeout=60)
    assert document["photo"] == {"width": 224, "height": 224}
    with zipfile.ZipFile(archive) as files:
        assert files.testzip() is None


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


def places(url: str, folder: Path) -> dict[str, Any]:
    """Values of the hub client's constants."""
    return {
        "HF_HUB_OFFLINE": False,
        "ENDPOINT": url,
        "HUGGINGFACE_CO_URL_TEMPLATE": url + "/{repo_id}/resolve/{revision}/{filename}",
        "HF_HUB_CACHE": str(folder),
        "DOWNLOAD_CHUNK_SIZE": 200_000,
    }


def download(say: Connection, url: str, folder: Path) -> None:
    os.environ["no_proxy"] = "*"
    for name, value in places(url, folder).items():
        setattr(constants, name, value)
    weights.fetch("Model", [FILE], None, lambda done, total: say.send("here"))


def test_a_download_is_clean_after_a_kill(
    start: Callable[..., Victim], hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def parts() -> list[int]:
        return [path.stat().st_size for path in tmp_path.rglob("*.incomplete")]

    hub.slow.set()
    victim = start(download, hub.url, tmp_path)
    victim.kill_where_it_says(lambda: sum(parts()) > 0)
    assert 0 < parts()[0] < len(WEIGHTS)
    monkeypatch.setenv("no_proxy", "*")
    for name, value in places(hub.url, tmp_path).items():
        monkeypatch.setattr(constants, name, value)
    assert weights.find(FILE, None) is None, "half a file is no file"

    hub.slow.clear()
    (path,) = weights.fetch("Model", [FILE], None)
    assert path.read_bytes() == WEIGHTS
    assert load_file(path)["w"].shape == (200_000,)
    assert weights.find(FILE, None) == path
    assert parts() == []
