"""`label-studio`: answers Label Studio as one of its ML backends, which label photos in advance.

Its protocol: GET /health, POST /setup and POST /predict with JSON; the words are the labels of the
project's brush (https://labelstud.io/guide/ml_create).
"""

from __future__ import annotations

import json
import urllib.parse
import urllib.request
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Lock
from typing import Any
from xml.etree import ElementTree

from glaclip.cli.console import Console, UsageError
from glaclip.cli.options import Loader, RunOptions
from glaclip.evaluation.run.evaluate import CACHE_BYTES
from glaclip.photo import PhotoError, load_photo
from glaclip.pictures.formats import LabeledPhoto
from glaclip.pictures.formats.annotation_tools import MODEL_VERSION, prediction_of
from glaclip.pictures.palette import class_colors
from glaclip.segmenter import Segmenter
from glaclip.segmenter.word_store import WordStore
from glaclip.settings import AttentionSettings, WindowSettings
from glaclip.vocabulary import VocabularyError, parse_vocabulary

_LOCAL = "/data/local-files/"
_LARGEST_BODY, _LARGEST_PHOTO = 16 * 2**20, 200 * 2**20
_PATIENCE = 60  # seconds for a photo to arrive


@dataclass(frozen=True, kw_only=True)
class LabelStudioOptions(RunOptions):
    """The arguments of `label-studio`."""

    photos: Path | None
    url: str | None
    token: str | None
    host: str
    port: int


class LabelStudioBackend:
    """An ML backend: words from the project's brush, a brush label a class as the answer."""

    def __init__(
        self,
        segmenter: Segmenter,
        settings: AttentionSettings,
        windows: WindowSettings,
        photos: Path | None = None,
        url: str = "",
        token: str = "",
    ) -> None:
        """Args:
        segmenter: with the backbone.
        settings: of attention.
        windows: how photos are cut.
        photos: the folder that Label Studio serves as local files.
        url: of Label Studio; photos are fetched from there and from nowhere else.
        token: its access token.
        """
        self._segmenter, self._settings, self._windows = segmenter, settings, windows
        self._photos, self._url, self._token = photos, url.rstrip("/"), token
        self._turn = Lock()

    def answer(self, path: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """Status and document that answer a request; what is wrong with it is a sentence."""
        try:
            match path.rstrip("/"):
                case "" | "/health":
                    return 200, {"status": "UP", "model_class": type(self).__name__}
                case "/setup":
                    return 200, {"model_version": MODEL_VERSION}
                case "/predict":
                    return 200, {"results": self._predict(body)}
                case "/train" | "/webhook":
                    return 200, {"status": "nothing is trained here"}
            return 404, {"detail": "there is no such address"}
        except (PhotoError, VocabularyError, UsageError) as error:
            return 400, {"detail": str(error)}

    def _predict(self, body: dict[str, Any]) -> list[dict[str, Any]]:
        brush, image, key, words = _interface(str(body.get("label_config") or ""))
        vocabulary = parse_vocabulary("\n".join(words))
        colors = class_colors(vocabulary.names, vocabulary.background)
        tasks = body.get("tasks")
        if not isinstance(tasks, list) or not all(isinstance(task, dict) for task in tasks):
            raise UsageError("a request must have a list of tasks")
        found = []
        for task in tasks:
            address = (task.get("data") or {}).get(key)
            if not isinstance(address, str):
                raise UsageError(f"a task has no photo under data.{key}")
            photo = load_photo(self._content(address))
            with self._turn:
                encoded = self._segmenter.encode(photo, self._windows)
                result = self._segmenter.segment(encoded, vocabulary, self._settings)
            labeled = LabeledPhoto(address, address, result.labels, vocabulary.names, colors)
            found.append(prediction_of(labeled, brush, image))
        return found

    def _content(self, address: str) -> bytes:
        """The bytes of a photo: a local file below the folder, or from Label Studio itself."""
        parts = urllib.parse.urlsplit(address)
        if parts.path == _LOCAL and self._photos is not None:
            name = urllib.parse.parse_qs(parts.query).get("d", [""])[0]
            root = self._photos.resolve()
            path = (root / name).resolve()
            if not path.is_relative_to(root) or not path.is_file():
                raise UsageError(f"there is no photo {name[:80]!r} in the folder of --photos")
            return path.read_bytes()
        whole = urllib.parse.urljoin(f"{self._url}/", address)
        if (
            not self._url
            or urllib.parse.urlsplit(whole)[:2] != urllib.parse.urlsplit(self._url)[:2]
        ):
            raise UsageError("photos come from --photos or from Label Studio at --url alone")
        request = urllib.request.Request(whole, headers={"Authorization": f"Token {self._token}"})
        try:
            with urllib.request.urlopen(request, timeout=_PATIENCE) as response:
                content: bytes = response.read(_LARGEST_PHOTO)
        except OSError as error:
            raise UsageError(f"Label Studio did not give the photo: {error}") from error
        return content


def _interface(config: str) -> tuple[str, str, str, list[str]]:
    """Names of brush and image, the image's key in a task, and the brush's labels."""
    try:
        tree = ElementTree.fromstring(config)
    except ElementTree.ParseError as error:
        raise UsageError("the labeling interface cannot be read") from error
    brush = tree.find(".//BrushLabels")
    image = tree.find(".//Image")
    if brush is None or image is None:
        raise UsageError("the labeling interface needs an <Image> and <BrushLabels>")
    words = [label.get("value", "") for label in brush.iter("Label")]
    key = image.get("value", "$image").lstrip("$")
    return brush.get("name", "labels"), image.get("name", "image"), key, words


def _handler(backend: LabelStudioBackend) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def _send(self, status: int, document: dict[str, Any]) -> None:
            content = json.dumps(document).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def do_GET(self) -> None:
            self._send(*backend.answer(self.path, {}))

        def do_POST(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            try:
                body = json.loads(self.rfile.read(min(length, _LARGEST_BODY)) or b"{}")
            except ValueError:
                body = None
            if not isinstance(body, dict):
                self._send(400, {"detail": "a request must be a JSON object"})
            else:
                self._send(*backend.answer(self.path, body))

        def log_message(self, *arguments: Any) -> None:
            """Says nothing of each request."""

    return Handler


def server_of(backend: LabelStudioBackend, host: str, port: int) -> ThreadingHTTPServer:
    """A server that is bound and not yet running.

    Raises:
        UsageError: the port is taken.
    """
    try:
        return ThreadingHTTPServer((host, port), _handler(backend))
    except OSError as error:
        raise UsageError(f"port {port} cannot be used: {error.strerror}") from error


def run_label_studio(options: LabelStudioOptions, load: Loader, console: Console) -> None:
    """Serves until it is interrupted."""
    backbone = options.start(load, console)
    backend = LabelStudioBackend(
        Segmenter(backbone, CACHE_BYTES, WordStore.of_this_user()),
        options.attention(backbone),
        options.windows(backbone),
        options.photos,
        options.url or "",
        options.token or "",
    )
    with server_of(backend, options.host, options.port) as server:
        console.say(f"Listening on http://{options.host}:{server.server_port}")
        server.serve_forever()
