"""What a run will take, before it starts: windows, comparisons, memory.

Counted from shapes alone; nothing is encoded. The memory is what a run holds at its worst moment
beyond the model and beyond what is kept of earlier runs; a test compares it with what runs take.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from glaclip.attention.chunks import CHUNK_BYTES
from glaclip.attention.fast import fast_bytes
from glaclip.backbones.base import Backbone, Tokens
from glaclip.segmenter import Method
from glaclip.segmenter.encoding import windows_per_batch
from glaclip.settings import FAST, AttentionSettings, WindowSettings
from glaclip.windows import Size, boxes, working_size

_MB = 2**20
_FLOAT = 4
#: Strips of scores while labels are made, and what libraries take for a short time.
_OVERHEAD = 160 * _MB
#: The fixed normalization keeps anchors of this size at most; see chunks.py.
_KEPT_ANCHORS = 96 * _MB


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
    return _pairs(backbone, plan, method.key_source, settings.cross_window) * (
        1.0 + settings.iterations * (_needs_sets(settings) and not anchors_known)
    )


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
    tokens = windows * blank.nbytes
    if blank.joined_grid is not None:  # each window's own keys, and those that all share
        keys = windows * blank.keys.nbytes
        tokens += keys
        encoding = max(encoding, 3 * keys)
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
