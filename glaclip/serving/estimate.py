"""What a run will take, before it starts: windows, comparisons, memory, seconds; how far it is.

Counted from shapes alone; nothing is encoded. The memory is what a run holds at its worst moment
beyond the model and beyond what is kept of earlier runs; a test compares it with what runs take.
Seconds are learned from the runs of this process.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from glaclip.attention.fast import fast_bytes
from glaclip.attention.rows import CHUNK_BYTES
from glaclip.backbones.base import Backbone, Tokens
from glaclip.segmenter import Method
from glaclip.segmenter.encoding import windows_per_batch
from glaclip.segmenter.fusion import SPLICE, WHOLE
from glaclip.serving.limits import LimitError, duration
from glaclip.settings import FAST, WHOLE_PHOTO, AttentionSettings, WindowSettings
from glaclip.windows import Size, boxes, working_size

_MB = 2**20
_FLOAT = 4
#: Strips of scores while labels are made, and what libraries take for a short time.
_OVERHEAD = 160 * _MB
#: The fixed normalization keeps anchors of this size at most; see attention/rows.py.
_KEPT_ANCHORS = 96 * _MB
#: What a run may have left to do and still start by itself, or fewer seconds than these, where
#: earlier runs have shown what this computer needs. Two slow cores compare 2e8 tokens a second.
CHEAP_WINDOWS = 40
CHEAP_SIMILARITIES = 2e8
CHEAP_TEXTS = 1000
CHEAP_SCORES = 1e9
CHEAP_SECONDS = 3
#: Seconds a unit before anything was measured: two cores at less than half of what two quiet ones
#: do with the embedded model. A run that turns out slower is ended by its limit; one that is
#: taken for slower than it is would be refused. Of encoding nothing can be said beforehand:
#: backbones differ by a hundred times.
_FIRST = {"attention": 1 / 2e8, "words": 1e-2, "labels": 1 / 2e8}
#: Steps with less to do than this many seconds tell nothing about the pace.
_TELLING = 0.02
#: Weight of the newest run.
_NEWEST = 0.5
#: A step that does not count its work fills this much of its width at most until it is over.
_NEARLY = 0.95


@dataclass(frozen=True)
class Plan:
    """A photo's size, how it is cut, and which methods and words it meets.

    Attributes:
        photo: (height, width).
        windows: how it is cut.
        methods: what is computed on its tokens.
        prompts: Q, words with all synonyms.
    """

    photo: Size
    windows: WindowSettings
    methods: Sequence[Method]
    prompts: int

    @property
    def size(self) -> Size:
        """(height, width) the photo is resized to."""
        return working_size(*self.photo, self.windows)

    @property
    def count(self) -> int:
        """L, windows of the photo."""
        return len(boxes(self.size, self.windows))


def similarities(
    backbone: Backbone, plan: Plan, method: Method, *, anchors_known: bool = False
) -> float:
    """How often two tokens are compared: attention's cost, but for the backbone's pace.

    Once a pair in sight, and again for each iteration of the anchors unless they are known; 0 for a
    baseline.
    """
    settings = method.settings
    if settings is None:
        return 0.0
    # As one window a photo sees all of itself, and so does what is laid on one map.
    whole = method.fusion == WHOLE or settings.cross_window
    compared = _pairs(backbone, plan, method.key_source, whole) * (
        1.0 + settings.iterations * (_needs_sets(settings) and not anchors_known)
    )
    if method.fusion == SPLICE:
        compared += _pairs(backbone, plan, method.key_source, True)
    return compared


def ladder_similarities(backbone: Backbone, plan: Plan, method: Method) -> list[float]:
    """`similarities` of each of the four rungs with the constants and keys of a method."""
    if method.settings is None:
        return []
    rungs = AttentionSettings.ladder(method.settings)
    return [similarities(backbone, plan, Method(rung, method.key_source)) for rung in rungs]


def mean_query_similarities(backbone: Backbone, plan: Plan, method: Method) -> float:
    """What the first click on a photo compares when no run has left the mean anchor behind."""
    if method.settings is None:
        return 0.0
    return _pairs(backbone, plan, method.key_source, True) * float(method.settings.iterations)


def _needs_sets(settings: AttentionSettings) -> bool:
    return settings.proxy_anchors or settings.dynamic_normalization


def _pairs(backbone: Backbone, plan: Plan, source: str, cross_window: bool) -> int:
    blank, windows, pairs = backbone.blank_tokens(plan.windows.crop), plan.count, 0
    for rows, columns in backbone.key_grids(blank, source):
        tokens = rows * columns
        pairs += windows * tokens * (windows * tokens if cross_window else tokens)
    return pairs


def encoded_again(plan: Plan, method: Method) -> float:
    """Pixels that a method encodes beside the windows': those of the photo as one window."""
    return float(plan.size[0] * plan.size[1]) if method.fusion == WHOLE else 0.0


def scored(plan: Plan) -> float:
    """Scores that labels are made of: each word at each pixel of canvas and photo, a method."""
    (height, width), (rows, columns) = plan.size, plan.photo
    return float(plan.prompts) * (height * width + rows * columns)


def memory(backbone: Backbone, plan: Plan) -> int:
    """Bytes of a run at its worst moment, what stays in the caches included.

    The photo, the batch in the backbone, tokens, features and scores of all methods, and the
    larger of what attention, the projection and the canvas hold for a while.
    """
    windows, crop = plan.count, plan.windows.crop
    blank = backbone.blank_tokens(crop)
    batch = min(windows, windows_per_batch(backbone, crop))
    (height, width), pixels = plan.size, plan.photo[0] * plan.photo[1]
    resized = 3 * height * width * (_FLOAT + 1)
    encoding = resized + batch * (3 * crop * crop * _FLOAT + backbone.forward_bytes(crop))
    view = plan.windows.vfm_view == WHOLE_PHOTO
    if view or any(encoded_again(plan, method) for method in plan.methods):
        encoding = max(encoding, resized + backbone.forward_bytes(math.isqrt(height * width)))
    tokens = windows * blank.nbytes
    features = [_features(backbone, blank, method) * windows for method in plan.methods]
    scores = sum(
        windows * plan.prompts * _cells(backbone, blank, method) * _FLOAT for method in plan.methods
    )
    attending = max(
        (_attending(backbone, blank, windows, method) for method in plan.methods), default=0
    )
    canvas = plan.prompts * height * width * _FLOAT
    # Of the photo: its bytes for the hash beside it, and the labels of each method.
    photo = pixels * (3 + 3 + 2 * len(plan.methods))
    held = tokens + sum(features) + scores
    return photo + _OVERHEAD + max(encoding + tokens, held + max(attending, canvas))


def _cells(backbone: Backbone, blank: Tokens, method: Method) -> int:
    """S of the features that a method gives for one window."""
    if method.settings is None:
        return blank.value_grid[0] * blank.value_grid[1]
    rows, columns = backbone.key_grids(blank, method.key_source)[0]
    return rows * columns


def _features(backbone: Backbone, blank: Tokens, method: Method) -> int:
    """Bytes of one window's unit features; a value is at least as wide as the joint space."""
    return _cells(backbone, blank, method) * blank.values.shape[2] * _FLOAT


def _attending(backbone: Backbone, blank: Tokens, windows: int, method: Method) -> int:
    """Bytes of attention and projection for a while, beside what is held."""
    features = _features(backbone, blank, method) * windows
    if method.settings is None:
        return 8 * blank.values.nbytes * windows
    key_sets = len(backbone.key_grids(blank, method.key_source))
    # Keys of a further source are computed from the tokens; the anchors' sums need 8-bit planes.
    keys = blank.keys.numel() * windows
    if method.settings.precision == FAST:
        seen = windows if method.settings.cross_window else 1
        cells = blank.keys.shape[1] * seen
        fast = fast_bytes(cells, blank.keys.shape[2], blank.values.shape[2])
        return fast + 4 * keys + (key_sets + 1) * features
    return CHUNK_BYTES + _KEPT_ANCHORS + 3 * keys + (key_sets + 1) * features


class ExpensiveError(LimitError):
    """A run that is not cheap and that nobody asked for in so many words; the message says so."""


@dataclass
class Part:
    """A piece of a run.

    Attributes:
        step: as a `Progress` names it; a step may come again for the other side.
        seconds: estimate; None when nothing is known of it yet.
        amount: what there is to do: window pixels to encode, similarities, texts, or scores of
            labels; 0 where a cache answers.
    """

    step: str
    seconds: float | None
    amount: float = 0.0


@dataclass(frozen=True)
class Estimate:
    """What a run has left to compute.

    Attributes:
        windows: all windows of the photo.
        to_encode: windows that are not encoded yet.
        words: prompts of the run with all synonyms.
        megabytes: what the run holds at its worst moment.
        parts: in the order of the work.
    """

    windows: int
    to_encode: int
    words: int
    megabytes: float
    parts: tuple[Part, ...]

    @property
    def seconds(self) -> float:
        """Of all steps; of a step that nothing is known of yet, none."""
        return sum(part.seconds or 0.0 for part in self.parts)

    @property
    def certain(self) -> bool:
        """Whether earlier runs have shown how long encoding takes here, if it is needed."""
        return all(part.seconds is not None for part in self.parts)

    def amount(self, step: str) -> float:
        """What there is to do of a step, see `Part`."""
        return sum(part.amount for part in self.parts if part.step == step)

    @property
    def cheap(self) -> bool:
        """Whether a run may start without being asked for."""
        little = (
            self.to_encode <= CHEAP_WINDOWS
            and self.amount("attention") <= CHEAP_SIMILARITIES
            and self.amount("words") <= CHEAP_TEXTS
            and self.amount("labels") <= CHEAP_SCORES
        )
        return little or (self.certain and self.seconds <= CHEAP_SECONDS)

    def check_cheap(self) -> None:
        """Refuses a run that must not start without being asked for.

        Raises:
            ExpensiveError: it is not cheap.
        """
        if not self.cheap:
            raise ExpensiveError(self.sentence)

    @property
    def sentence(self) -> str:
        """The estimate for people."""
        if self.to_encode:
            what = f"{self.windows} windows take"
        elif self.amount("attention") > CHEAP_SIMILARITIES:
            what = "Attention over all windows takes"
        else:
            what = f"Reading and placing {self.words} words takes"
        seconds = f"about {duration(self.seconds)}"
        if not self.certain:
            seconds = "a while" if self.seconds < CHEAP_SECONDS else f"{seconds} or more"
        return f"{what} {seconds} here: press Segment to start."


#: The last word before anything is computed; it raises where nothing is to be started.
Unless = Callable[[Estimate], None]


def always(estimate: Estimate) -> None:
    """Starts a run whatever it takes, within the limits."""


def cheap_only(wanted: bool) -> Unless:
    """What is not cheap waits to be asked for, if that is wanted."""
    return Estimate.check_cheap if wanted else always


class Pace:
    """Seconds of each step by backbone, learned from runs; safe between threads."""

    def __init__(self, first: Mapping[str, float] = _FIRST) -> None:
        """Args:
        first: seconds a unit of those steps that something is known of before any run.
        """
        self._first = first
        self._lock = threading.Lock()
        self._paces: dict[tuple[str, str], float] = {}

    def parts(self, backbone: str, amounts: Iterable[tuple[str, float]]) -> tuple[Part, ...]:
        """The estimate of each piece of a run.

        Args:
            backbone: its fingerprint, and what else makes a pace of its own.
            amounts: (step, what there is to do), in the order of the work.
        """
        with self._lock:
            return tuple(Part(s, self._seconds(backbone, s, n), n) for s, n in amounts)

    def _seconds(self, backbone: str, step: str, amount: float) -> float | None:
        pace = self._paces.get((step, backbone), self._first.get(step))
        if pace is None:
            return None if amount else 0.0
        return amount * pace

    def learn(self, backbone: str, estimate: Estimate, spent: Mapping[str, float]) -> None:
        """What the steps of a run took; a step that came from a cache tells nothing."""
        with self._lock:
            for step, seconds in spent.items():
                amount = estimate.amount(step)
                if not amount or seconds <= 0:
                    continue
                known, newest = self._paces.get((step, backbone)), seconds / amount
                if known is None and (seconds >= _TELLING or step not in self._first):
                    self._paces[step, backbone] = newest
                elif known is not None and max(seconds, known * amount) >= _TELLING:
                    self._paces[step, backbone] = _NEWEST * newest + (1 - _NEWEST) * known


class Bar:
    """The share of a run that is done, each part as wide as its estimate; it never goes back."""

    def __init__(self, parts: Sequence[Part]) -> None:
        """Args:
        parts: in the order of the work; those that a cache answers take 0 seconds.
        """
        self._parts = [replace(part) for part in parts]
        self._at, self._done = -1, 0
        self._began = self._share = 0.0

    def share(self, step: str, done: int, total: int, seconds: float) -> float:
        """How much of the run is done, 0..1.

        Args:
            step: what is at work; a step that is none of the parts leaves the share as it was.
            done: pieces of the step that are done.
            total: its pieces; 1 where it does not count them.
            seconds: that the run has computed so far.
        """
        if self._enter(step, done, seconds):
            part, spent = self._parts[self._at], seconds - self._began
            if part.seconds is None and done:
                part.seconds = spent * total / done
            self._share = max(self._share, self._filled(part, done, total, spent))
        return self._share

    def _enter(self, step: str, done: int, seconds: float) -> bool:
        names, again = [part.step for part in self._parts], done < self._done
        self._done = done
        if self._at >= 0 and names[self._at] == step:
            if not again or names[self._at + 1 : self._at + 2] != [step]:
                return True
        elif step not in names[self._at + 1 :]:
            return False
        self._at, self._began = names.index(step, self._at + 1), seconds
        return True

    def _filled(self, part: Part, done: int, total: int, spent: float) -> float:
        widths = [each.seconds for each in self._parts]
        if part.seconds is None or None in widths[self._at :]:
            return 0.0  # what is to come cannot be compared with anything
        known = [width or 0.0 for width in widths]
        if total > 1:
            share = done / total
        else:
            share = min(_NEARLY, spent / part.seconds) if part.seconds else 0.0
        whole = sum(known)
        return (sum(known[: self._at]) + share * part.seconds) / whole if whole else 0.0
