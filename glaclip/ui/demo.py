"""What all visitors of a page share; nothing of a visitor is kept here."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from PIL import Image

from glaclip.backbones.base import Backbone
from glaclip.segmenter import WAITING, HashedPhoto, Progress
from glaclip.serving.job import Request
from glaclip.serving.lending import LENDING
from glaclip.serving.runs import Runs, StoppedError
from glaclip.serving.service import PRESENCE, Service
from glaclip.support.cache import ByteCache
from glaclip.ui.board import Event
from glaclip.ui.form import CONTROLS, Form
from glaclip.ui.viewers.photo_input import keep, read
from glaclip.ui.viewers.shown_photo import ShownPhoto, shown_photo

#: What a run is doing, for people.
STEPS = {
    WAITING: "Waiting for another run",
    LENDING: "On the borrowed GPU",
    "download": "Downloading weights",
    "load": "Loading the model",
    "encode": "Encoding windows",
    "words": "Reading words",
    "attention": "Attention over windows",
    "labels": "Labels",
    PRESENCE: "Words that are not there",
}
#: Seconds between two looks of the bar: each makes the browser work, on a core that the run wants.
PAUSE = 0.2
#: Steps that may say their name once and then take long.
_SILENT = (WAITING, LENDING, "download", "load", "encode")
#: Bytes of decoded photos, and of pictures for the browser, that are kept: what one event is about,
#: the next is mostly about too.
_PHOTO_BYTES, _PICTURE_BYTES = 64 * 2**20, 16 * 2**20
#: What every computation of the page depends on.
ASKED = ("photo", "point", "example", *CONTROLS)


@dataclass
class Demo:
    """One process's page.

    Attributes:
        service: what computes.
        start: the controls of a fresh page.
        backbones: registry names that the page offers.
        runs: which run of a page is the newest.
        looks: which run or click is the newest: a run asked for before a click must not undo it.
        views: which photo is the newest, of a link, the strip or a person: a link whose backbone
            takes long to load must not undo an upload.
    """

    service: Service
    start: Form
    backbones: tuple[str, ...] = ("auto",)
    runs: Runs = field(default_factory=Runs)
    looks: Runs = field(default_factory=Runs)
    views: Runs = field(default_factory=Runs)
    _photos: ByteCache[HashedPhoto] = field(
        default_factory=lambda: ByteCache(
            _PHOTO_BYTES, lambda photo: 3 * photo.image.width * photo.image.height
        )
    )
    _pictures: ByteCache[ShownPhoto] = field(
        default_factory=lambda: ByteCache(_PICTURE_BYTES, lambda picture: len(picture.uri))
    )

    def backbone(self, form: Form) -> Backbone:
        """The backbone that a form names.

        Raises:
            BackboneError: it cannot start.
        """
        return self.service.segmenter(form.backbone).backbone

    def photo(self, path: str | None) -> HashedPhoto:
        """The photo of the input, decoded and hashed once as long as the file stays the same.

        Raises:
            gr.Error: no photo, or one that cannot be read.
        """
        most = self.service.limits.max_pixels
        key = _state(path)
        if key is None:
            return HashedPhoto.of(read(path, most))  # which says what is wrong
        return self._photos.get(key, lambda: HashedPhoto.of(read(path, most)))[0]

    def accept(self, path: str | None) -> str:
        """The file of an upload as the page keeps it, see `keep`; raises as `photo` does."""
        photo = self.photo(path)
        kept = keep(photo.image)
        if key := _state(kept):
            self._photos.put(key, photo)
        return kept

    def picture(self, path: str | None) -> ShownPhoto:
        """The photo of the input as the browser shows it; raises as `photo` does."""
        key = _state(path)
        photo = self.photo(path).image
        return self._pictures.get(key, lambda: shown_photo(photo))[0] if key else shown_photo(photo)

    def stop(self, page: str, at: float | None = None) -> None:
        """Ends whatever an open page waits for, and what was asked for before `at`."""
        self.runs.stop(page, at)
        self.looks.stop(page, at)


def _state(path: str | None) -> tuple[str, int, int] | None:
    """What is known of a file while it stays the same."""
    try:
        file = os.stat(path or "")
    except OSError:
        return None
    return path or "", file.st_mtime_ns, file.st_size


def asked(demo: Demo, event: Event) -> tuple[HashedPhoto, Form, Request]:
    """Photo and request of the controls.

    Raises:
        PhotoError, VocabularyError, SettingsError, gr.Error: what is wrong, in a sentence.
    """
    form = Form.of(event.values).answerable
    return demo.photo(event["photo"]), form, form.request()


def point_in(event: Event, photo: Image.Image) -> tuple[int, int] | None:
    """The chosen point moved into the photo, which may have changed since."""
    point = event["point"]
    if point is None:
        return None
    return (
        min(max(int(point[0]), 0), photo.width - 1),
        min(max(int(point[1]), 0), photo.height - 1),
    )


def follow(event: Event, check: Callable[[], None], pause: float = PAUSE) -> Progress:
    """What a run calls between pieces of work: ends it where nobody waits, shows how far it is.

    One bar for all steps, which never goes back; a download counts its own megabytes.

    Args:
        event: the event that asked for the run.
        check: from `Runs.start`.
        pause: seconds between two looks of the bar.
    """
    # A run that ends before the first look needs no bar: each message costs the browser time.
    furthest, shown, named = 0.0, time.monotonic(), ""

    def step(name: str, done: int, total: int) -> None:
        nonlocal furthest, shown, named
        check()
        now = time.monotonic()
        if now - shown < pause and (name == named or name not in _SILENT):
            return
        shown, named = now, name
        if name == "download":
            event.progress((done, total), desc=STEPS[name], unit="MB")
            return
        furthest = max(furthest, done / total)
        event.progress(furthest, desc=STEPS[name])

    return step


def ended(check: Callable[[], None]) -> bool:
    """Whether a newer run or click has come, by the check that `Runs.start` gave."""
    try:
        check()
    except StoppedError:
        return True
    return False
