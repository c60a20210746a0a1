"""One press: what it asks of a segmenter, and what of that is known before it is computed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from glaclip.attention.point import AttentionMaps
from glaclip.segmenter import (
    AnyPhoto,
    BaselineAttention,
    Encoded,
    HashedPhoto,
    Method,
    Progress,
    Segmentation,
    Segmenter,
)
from glaclip.segmenter.key_colors import KeyColors, key_colors, token_kinds
from glaclip.segmenter.method import parse_method
from glaclip.serving import estimate as count
from glaclip.serving.estimate import Plan
from glaclip.settings import AttentionSettings, WindowSettings
from glaclip.vocabulary import Vocabulary

#: Left side of the comparison when no baseline of the backbone is named.
SWITCHES_OFF = "off"
#: (x, y) in photo pixels.
Point = tuple[float, float]


@dataclass(frozen=True)
class Request:
    """Everything a comparison depends on besides the photo.

    Attributes:
        vocabulary: the words.
        attention: switches and constants of the right side; the left uses its constants.
        windows: how the photo is cut.
        baseline: name of the left side's method: "off", one of the backbone's baselines, or a
            method with its own way of fusing windows ("on/gauss").
        key_source: whose keys attention uses; "" for the backbone's first.
        backbone: registry name.
    """

    vocabulary: Vocabulary
    attention: AttentionSettings
    windows: WindowSettings
    baseline: str = SWITCHES_OFF
    key_source: str = ""
    backbone: str = "auto"


@dataclass(frozen=True)
class Work:
    """What a press computes.

    Attributes:
        plan: the photo with the methods that see it.
        amounts: (step, what there is to do) after encoding, in the order of the work.
        whole: whether labels or words are wanted, not only the photo's tokens.
        suggested: how many words are to be found instead of those of the request.
    """

    plan: Plan
    amounts: tuple[tuple[str, float], ...] = ()
    whole: bool = False
    suggested: int = 0


class Job:
    """What a press asks of a segmenter.

    Attributes:
        right: attention with the request's switches.
        left: the other side, mostly `off`.
        off: all switches off, each window by itself.
        encoded: the photo's tokens, where they are known.
        new_words: prompts that are not embedded yet.
    """

    def __init__(self, segmenter: Segmenter, photo: AnyPhoto, request: Request) -> None:
        self.segmenter, self.request, self.photo = segmenter, request, HashedPhoto.of(photo)
        source = request.key_source or None
        self.right = segmenter.method(request.attention, key_source=source)
        self.off = segmenter.method(request.attention.off(), key_source=source)
        self.left = self.off
        if "/" in request.baseline:  # its windows are fused in a way of its own
            self.left = self.named(request.baseline)
        elif request.baseline != SWITCHES_OFF:
            self.left = segmenter.method(baseline=request.baseline)
        self.encoded = segmenter.known_encoding(self.photo, request.windows)
        self.new_words = segmenter.unknown_words(request.vocabulary.prompts)

    @property
    def pace(self) -> str:
        """Whose pace it has: a VFM that sees photos as a whole is another backbone in this."""
        return f"{self.segmenter.backbone.fingerprint} {self.request.windows.vfm_view}"

    def named(self, name: str) -> Method:
        """The method of a short name, with the request's constants and keys.

        Raises:
            SettingsError: a name that is no method's here.
        """
        request, segmenter = self.request, self.segmenter
        method = parse_method(name, segmenter.backbone, request.attention)
        return segmenter.method(method.with_keys(request.key_source))

    # ------------------------------------------------------------------ what there is to do

    def comparing(self, point: Point | None) -> Work:
        """Both sides, and what a point shows."""
        if point is None:
            return self.segmenting(self.right, self.left)
        work = self.segmenting(self.right, self.left, self.off)
        looked = self._looked(work.plan, after_run=True)
        return Work(work.plan, (*work.amounts, looked), whole=True)

    def segmenting(self, *methods: Method) -> Work:
        """Labels by these methods."""
        plan = self._plan(*methods)
        return Work(plan, tuple(self._labeled(plan)), whole=True)

    def looking(self) -> Work:
        """A point alone."""
        plan = self._plan(self.right)
        return Work(plan, (self._looked(plan, after_run=False),))

    def encoding(self) -> Work:
        """The photo's tokens, of which the row of a point in a baseline is a small product."""
        return Work(self._plan())

    def averaging(self) -> Work:
        """Attention over the whole photo at each rung of the ladder."""
        plan = self._plan(self.right)
        compared = count.ladder_similarities(self.segmenter.backbone, plan, self.right)
        return Work(plan, tuple(("attention", each) for each in compared))

    def proposing(self, limit: int, both: bool) -> Work:
        """Words for the photo; with `both` also the sides, and the words found, for `comparing`."""
        plan = self._plan(self.right, self.left) if both else self._plan(self.right)
        found = limit * len(self.segmenter.backbone.templates) if both else 0
        amounts = [("words", float(self.segmenter.unknown_candidates()))]
        amounts += [("attention", self._compared(plan, method)) for method in plan.methods]
        return Work(plan, (*amounts, ("words", float(found))), whole=True, suggested=limit)

    def _plan(self, *methods: Method) -> Plan:
        """The photo with some methods, each once, in the order in which they are computed."""
        image, request = self.photo.image, self.request
        prompts = len(request.vocabulary.prompts)
        distinct = tuple(dict.fromkeys(methods))
        return Plan((image.height, image.width), request.windows, distinct, prompts)

    def _knows(self, method: Method) -> bool:
        return self.encoded is not None and self.segmenter.knows_features(self.encoded, method)

    def _compared(self, plan: Plan, method: Method) -> float:
        """How often tokens are compared for the features of a method."""
        encoded, segmenter = self.encoded, self.segmenter
        if self._knows(method):
            return 0.0
        anchored = encoded is not None and segmenter.knows_anchors(encoded, method)
        return count.similarities(segmenter.backbone, plan, method, anchors_known=anchored)

    def _labeled(self, plan: Plan) -> Iterator[tuple[str, float]]:
        encoded, segmenter, vocabulary = self.encoded, self.segmenter, self.request.vocabulary
        yield "words", float(len(self.new_words) * len(segmenter.backbone.templates))
        for method in plan.methods:
            if again := count.encoded_again(plan, method):
                yield "encode", 0.0 if self._knows(method) else again
            yield "attention", self._compared(plan, method)
            known = encoded is not None and segmenter.knows_labels(encoded, method, vocabulary)
            yield "labels", 0.0 if known else count.scored(plan)

    def _looked(self, plan: Plan, *, after_run: bool) -> tuple[str, float]:
        """Of a point: nothing, once the mean query of the photo is known."""
        encoded, segmenter, settings = self.encoded, self.segmenter, self.request.attention
        known = encoded is not None and segmenter.knows_mean_query(encoded, self.right)
        if after_run and settings.cross_window and settings.proxy_anchors:
            # A run that computes attention leaves the mean query behind.
            known = known or not self._knows(self.right)
        compared = count.mean_query_similarities(segmenter.backbone, plan, self.right)
        return "attention", 0.0 if known else compared

    # ------------------------------------------------------------------ the work

    def encode(self, step: Progress) -> Encoded:
        """The photo's tokens."""
        return self.segmenter.encode(self.photo, self.request.windows, step)

    def segment(self, encoded: Encoded, method: Method, step: Progress) -> Segmentation:
        """Labels by a method."""
        return self.segmenter.segment(encoded, self.request.vocabulary, method, progress=step)

    def maps(self, encoded: Encoded, point: Point, step: Progress) -> AttentionMaps:
        """The four rungs for a point."""
        return self.segmenter.attention(encoded, point, self.right, progress=step)

    @property
    def left_rows(self) -> tuple[str, ...]:
        """The left side's baseline, if it has a row."""
        return (self.left.own_row,) if self.left.own_row else ()

    def rows(
        self, encoded: Encoded, point: Point, names: Iterable[str], step: Progress
    ) -> tuple[BaselineAttention, ...]:
        """The rows of baselines for a point, with each head."""
        return tuple(
            self.segmenter.attention(encoded, point, baseline=name, per_head=True, progress=step)
            for name in names
        )

    def colors(self, encoded: Encoded, step: Progress) -> Iterator[KeyColors]:
        """Each kind of tokens as colors."""
        backbone = self.segmenter.backbone
        for kind in token_kinds(backbone):
            step("attention", 0, 1)
            yield key_colors(backbone, encoded, kind)
