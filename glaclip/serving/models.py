"""The models of a process: each loaded once, beside the runs of others, the idle ones let go."""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from weakref import WeakKeyDictionary

from glaclip.backbones.base import Backbone, BackboneError
from glaclip.segmenter import Progress, Segmenter
from glaclip.segmenter.word_store import WordStore

_LOG = logging.getLogger(__name__)
#: Seconds between two looks of a run that waits for a model.
_LOOK = 0.2

Load = Callable[[str], Backbone]
#: Brings what a name needs onto this computer: (name, progress).
Fetch = Callable[[str, Progress], None]


@dataclass
class _Loading:
    """A model on its way: what its thread does, and what will come of it."""

    future: Future[Segmenter] = field(default_factory=Future)
    step: tuple[str, int, int] = ("load", 0, 1)


class Models:
    """Segmenters by registry name.

    A model loads in a thread of its own: a visitor who leaves loses nothing for the others who
    wait for it, and visitors of other models do not wait at all.
    """

    def __init__(
        self,
        load: Load,
        fetch: Fetch | None = None,
        resolve: Callable[[str], str] = str,
        most: int = 2,
        cache_bytes: int = 2**30,
        word_store: WordStore | None = None,
    ) -> None:
        """Args:
        load: makes a backbone by resolved name; raises BackboneError with one sentence.
        fetch: brings its files here first; raises BackboneError too.
        resolve: the name that a choice such as "auto" stands for; asked once a name.
        most: models kept; the least recently used leaves.
        cache_bytes: for the caches of all models together.
        word_store: where all models keep shipped word lists.
        """
        self._load, self._fetch, self._resolve = load, fetch, resolve
        self._most, self._cache_bytes = most, cache_bytes // most
        self._word_store = word_store
        self._lock = threading.Lock()
        self._names: dict[str, str] = {}
        self._ready: OrderedDict[str, Segmenter] = OrderedDict()
        self._loading: dict[str, _Loading] = {}
        self._preparing: WeakKeyDictionary[Segmenter, _Loading] = WeakKeyDictionary()

    def resolved(self, name: str) -> str:
        """What a choice stands for, the same for the life of the process.

        Raises:
            BackboneError: a name that stands for nothing.
        """
        known = self._names.get(name)
        if known is None:
            known = self._names[name] = self._resolve(name)
        return known

    @property
    def names(self) -> tuple[str, ...]:
        """Models in memory, the least recently used first."""
        with self._lock:
            return tuple(self._ready)

    @property
    def loading(self) -> tuple[str, ...]:
        """Models on their way."""
        with self._lock:
            return tuple(self._loading)

    @property
    def cached_bytes(self) -> int:
        """What the caches of all models hold."""
        with self._lock:
            return sum(segmenter.cached_bytes for segmenter in self._ready.values())

    def get(self, name: str, progress: Progress | None = None) -> Segmenter:
        """The segmenter of a choice; waits for it without holding anything.

        Args:
            name: a registry name, or one that `resolve` knows.
            progress: called as ("download" | "load", done, total) while it is on its way; it may
                raise to leave. Downloads count megabytes.

        Raises:
            BackboneError: it cannot start.
        """
        resolved = self.resolved(name)
        with self._lock:
            if resolved in self._ready:
                self._ready.move_to_end(resolved)
                return self._ready[resolved]
            loading = self._loading.get(resolved)
            if loading is None:
                loading = self._loading[resolved] = _Loading()
                threading.Thread(
                    target=self._bring,
                    args=(resolved, loading),
                    name=f"load {resolved}",
                    daemon=True,
                ).start()
        return _result(loading, progress)

    def start(self, name: str) -> Segmenter:
        """Loads a choice in this thread, before visitors come; see `get`."""
        resolved = self.resolved(name)
        if resolved not in self.names:
            loading = self._loading[resolved] = _Loading()
            self._bring(resolved, loading)
            loading.future.result()
        return self.get(resolved)

    def prepare(self, segmenter: Segmenter, progress: Progress | None = None) -> None:
        """Reads everything that its backbone reads on first use; see `get`."""
        with self._lock:
            preparing = self._preparing.get(segmenter)
            if preparing is None:
                preparing = self._preparing[segmenter] = _Loading()
                threading.Thread(
                    target=self._prepare, args=(segmenter, preparing), daemon=True
                ).start()
        _result(preparing, progress)

    def _prepare(self, segmenter: Segmenter, preparing: _Loading) -> None:
        try:
            segmenter.backbone.prepare()
        except Exception as error:
            with self._lock:
                del self._preparing[segmenter]  # the next visitor tries again
            preparing.future.set_exception(_in_a_sentence(error, segmenter.backbone.name))
        else:
            preparing.future.set_result(segmenter)

    def _bring(self, name: str, loading: _Loading) -> None:
        def note(step: str, done: int, total: int) -> None:
            loading.step = (step, done, total)

        try:
            if self._fetch:
                self._fetch(name, note)
            note("load", 0, 1)
            segmenter = Segmenter(self._load(name), self._cache_bytes, self._word_store)
        except Exception as error:
            with self._lock:
                del self._loading[name]  # the next visitor tries again
            loading.future.set_exception(_in_a_sentence(error, name))
            return
        with self._lock:
            del self._loading[name]
            self._ready[name] = segmenter
            while len(self._ready) > self._most:
                left, _ = self._ready.popitem(last=False)
                _LOG.info("the model %s leaves the memory", left)
        loading.future.set_result(segmenter)


def _result(loading: _Loading, progress: Progress | None) -> Segmenter:
    while True:
        try:
            return loading.future.result(timeout=_LOOK)
        except TimeoutError:  # of the wait: what a load raises is a BackboneError
            if progress:
                progress(*loading.step)


def _in_a_sentence(error: Exception, name: str) -> BackboneError:
    if isinstance(error, BackboneError):
        _LOG.warning("%s", error)  # with the commands that the page leaves out
        return error
    _LOG.error("loading %s failed", name, exc_info=error)
    return BackboneError(f"The backbone {name} could not be loaded on this server.")
