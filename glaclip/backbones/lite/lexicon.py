"""Words the heads were never trained on, by way of trained words near them in WordNet.

The joint space is reliable at trained words and less so between them. An untrained word is moved
towards trained words that WordNet puts next to it: puppy towards dog, sidewalk towards pavement.
"""

from __future__ import annotations

import gzip
import hashlib
import re
import threading
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional as F

from glaclip.backbones.base import BackboneError

FORMAT = "glaclip lexicon 1"
#: Share of the neighbors in a word's vector, by steps in the hierarchy to the nearest of them.
SHARES = (0.9, 0.9, 0.8, 0.6)
#: Share of the last noun in an unknown phrase ("red car").
PHRASE_SHARE = 0.5
#: Share of neighbors by sentence similarity alone, for words that WordNet does not list.
SIMILAR_SHARE = 0.5
#: Neighbors by similarity: how many, and how similar they must be.
SIMILAR_COUNT = 3
SIMILAR_FLOOR = 0.5
#: Sharpness by which neighbors that resemble the word weigh more; it keeps other senses out.
SHARPNESS = 12.0
#: Neighbors that resemble the word less than this do not count at all, twice this fully: they
#: come from a sense that is not meant. Words of the same synset always count.
RESEMBLANCE = 0.1

_ARTICLES = ("a ", "an ", "the ", "some ")
_RELATIONS = re.compile(r" (?:of|with|in|on|at|from|near|under|behind|beside|made|for|and) ")


@dataclass(frozen=True)
class Neighbors:
    """Trained words beside an untrained one.

    Attributes:
        words: at least one.
        weights: of the words, positive.
        share: of all of them together in the word's vector, 0..1.
        synonym: one of them is a synonym or another form of the word.
    """

    words: tuple[str, ...]
    weights: tuple[float, ...]
    share: float
    synonym: bool = False


def compact(word: str) -> str:
    """Spelling without spaces and hyphens: "push-bike" and "pushbike" are one key."""
    return word.replace(" ", "").replace("-", "")


def singulars(word: str) -> tuple[str, ...]:
    """Words that `word` may be the regular plural of."""
    found = []
    for ending, singular in (("ies", "y"), ("ves", "f"), ("ves", "fe"), ("es", ""), ("s", "")):
        if word.endswith(ending) and len(word) > len(ending) + 2 and not word.endswith("ss"):
            found.append(word[: -len(ending)] + singular)
    return tuple(found)


class Lexicon:
    """Nouns with their trained neighbors.

    Attributes:
        trained: the words the heads were trained with.
        digest: hash of the file and of the constants above.
    """

    def __init__(self, trained: Sequence[str], entries: dict[str, str], digest: str = "") -> None:
        """Args:
        trained: the trained words.
        entries: compact spelling to "steps number:weight number:weight ...".
        digest: names file and constants.
        """
        self.trained = tuple(trained)
        self.digest = digest
        self._trained = frozenset(trained)
        self._compact = {compact(word): word for word in reversed(self.trained)}
        self._entries = entries

    @classmethod
    def read(cls, path: Path) -> Lexicon:
        """Reads what `write` wrote.

        Raises:
            BackboneError: the file is missing or is not what this program wrote.
        """
        try:
            packed = path.read_bytes()
            mark, trained, *lines = gzip.decompress(packed).decode().splitlines()
            if mark != FORMAT:
                raise ValueError(mark)
            entries = dict(line.split("\t", 1) for line in lines)
            constants = (SHARES, PHRASE_SHARE, SIMILAR_SHARE, SIMILAR_COUNT, SIMILAR_FLOOR)
            text = repr((constants, SHARPNESS, RESEMBLANCE)).encode()
            lexicon = cls(trained.split("\t"), entries, hashlib.sha256(packed + text).hexdigest())
            for entry in lines[:1]:
                lexicon._neighbors(entry.split("\t", 1)[1])
        except (OSError, EOFError, zlib.error, ValueError, IndexError) as error:
            raise BackboneError(
                f"The word list {path.name} is missing or broken: "
                "restore assets/lite from the repository."
            ) from error
        return lexicon

    def write(self, path: Path) -> None:
        """Writes a compressed text file, the same bytes for the same words."""
        lines = [FORMAT, "\t".join(self.trained)]
        lines += [f"{key}\t{self._entries[key]}" for key in sorted(self._entries)]
        path.write_bytes(gzip.compress("\n".join(lines).encode(), 9, mtime=0))

    def __len__(self) -> int:
        return len(self._entries)

    def knows(self, word: str) -> bool:
        """Whether the heads were trained with the word as it stands."""
        return word in self._trained

    def look_up(self, word: str) -> Neighbors | None:
        """Neighbors of an untrained word or phrase, in lower case; None if WordNet has none."""
        for article in _ARTICLES:
            word = word.removeprefix(article)
        found = self._noun(word)
        if found is not None:
            return found
        head = _RELATIONS.split(word, maxsplit=1)[0].split(" ")[-1]
        found = self._noun(head) if head != word else None
        if found is None:
            return None
        return Neighbors(found.words, found.weights, PHRASE_SHARE * found.share, True)

    def _noun(self, word: str) -> Neighbors | None:
        for form in (word, *singulars(word)):
            key = compact(form)
            if key in self._compact:
                return Neighbors((self._compact[key],), (1.0,), SHARES[0], True)
            if key in self._entries:
                return self._neighbors(self._entries[key])
        return None

    def _neighbors(self, entry: str) -> Neighbors:
        steps, *pairs = entry.split(" ")
        numbers, weights = zip(*(pair.split(":") for pair in pairs), strict=True)
        words = tuple(self.trained[int(number)] for number in numbers)
        return Neighbors(words, tuple(map(float, weights)), SHARES[int(steps)], steps == "0")


class WordMixer:
    """Moves the vectors of untrained words; safe between threads."""

    def __init__(
        self,
        lexicon: Lexicon,
        templates: Sequence[str],
        sentences: Callable[[Sequence[str]], Tensor],
        table: Tensor | None = None,
    ) -> None:
        """Args:
        lexicon: trained words and neighbors.
        templates: prompts to recognize, each with one `{}`.
        sentences: texts to unit vectors [P, D] of the text tower.
        table: these vectors of the lexicon's trained words, from `read_table`; computed when they
            are first needed, which takes seconds, if left out.
        """
        self.lexicon = lexicon
        self._sentences = sentences
        lower = [template.lower().partition("{}")[::2] for template in templates]
        self._templates = sorted({*lower, ("", "")}, key=lambda t: -len(t[0] + t[1]))
        self._lock = threading.Lock()
        self._kept: dict[str, Tensor] = {}
        self._table = table

    def __call__(self, texts: Sequence[str], head: Callable[[Tensor], Tensor]) -> Tensor:
        """Joint-space vectors.

        Args:
            texts: prompts in lower case.
            head: sentence vectors [..., D] to unit vectors [..., E].

        Returns:
            [P, E] unit vectors; those of trained words are the head's own.
        """
        parts = [self._split(text) for text in texts]
        found = {
            word: self.lexicon.look_up(word)
            for _, word, _ in parts
            if word and not self.lexicon.knows(word)
        }
        alone = [word for word, neighbors in found.items() if neighbors is None]
        # All that is sure to be needed takes one pass: short texts cost the tower little more
        # together than one alone.
        known = self._encode([*texts, *alone], _prompts(parts, found))
        for word in alone:
            found[word] = self._similar(known[word])
        known |= self._encode([], _prompts(parts, {word: found[word] for word in alone}))
        sentences = torch.stack([known[text] for text in texts])
        vectors = head(sentences)
        for row, (before, word, after) in enumerate(parts):
            neighbors = found.get(word)
            if neighbors is None:
                continue
            near = torch.stack([known[f"{before}{name}{after}"] for name in neighbors.words])
            resemblance = near @ sentences[row]  # [N]
            weights = torch.tensor(neighbors.weights, device=near.device)
            weights = weights * torch.exp(SHARPNESS * resemblance)
            mixture = F.normalize(weights @ head(near), dim=-1)
            share = neighbors.share
            if not neighbors.synonym:
                share *= min(max(float(resemblance.max()) / RESEMBLANCE - 1, 0.0), 1.0)
            mixed = (1 - share) * vectors[row] + share * mixture
            vectors[row] = F.normalize(mixed, dim=-1)
        return vectors

    def _split(self, text: str) -> tuple[str, str, str]:
        """The template around a prompt's word: before, word, after."""
        for before, after in self._templates:
            end = len(text) - len(after)
            if text.startswith(before) and text.endswith(after) and len(before) <= end:
                return before, text[len(before) : end].strip(), after
        return "", text, ""

    def _encode(self, own: Sequence[str], near: Sequence[str]) -> dict[str, Tensor]:
        """Sentence vectors [D] of all these texts; of those of `near`, of our words, also later."""
        # Not computed under the lock: a run may pause there until another has had its turn.
        with self._lock:
            known = {text: self._kept[text] for text in near if text in self._kept}
        if new := [text for text in dict.fromkeys([*own, *near]) if text not in known]:
            known |= zip(new, self._sentences(new), strict=True)
            with self._lock:  # texts of users are not kept
                self._kept |= {text: known[text].clone() for text in near}
        return known

    def _similar(self, own: Tensor) -> Neighbors | None:
        """Trained words nearest to a sentence vector [D], if near enough."""
        if self._table is None:
            self._table = self._sentences(self.lexicon.trained).half()
        table = self._table.to(own.device, own.dtype)
        values, where = (table @ own).topk(min(SIMILAR_COUNT, len(table)))
        pairs = [
            (self.lexicon.trained[index], value)
            for index, value in zip(where.tolist(), values.tolist(), strict=True)
            if value >= SIMILAR_FLOOR
        ]
        if not pairs:
            return None
        words, weights = zip(*pairs, strict=True)
        return Neighbors(words, weights, SIMILAR_SHARE)


def _prompts(
    parts: Sequence[tuple[str, str, str]], found: Mapping[str, Neighbors | None]
) -> list[str]:
    """The neighbors of each prompt's word, in the prompt's template."""
    return [
        f"{before}{name}{after}"
        for before, word, after in parts
        if (neighbors := found.get(word)) is not None
        for name in neighbors.words
    ]


def write_table(path: Path, lexicon: Lexicon, vectors: Tensor) -> None:
    """Keeps the sentence vectors [N, D] of the lexicon's trained words, in half precision."""
    from safetensors.torch import save

    path.write_bytes(save({"vectors": vectors.half()}, {"words": _digest(lexicon)}))


def read_table(path: Path, lexicon: Lexicon) -> Tensor | None:
    """What `write_table` wrote, [N, D] float16; None if there is none of this lexicon's words.

    Raises:
        BackboneError: the file is not what this program wrote.
    """
    from safetensors import SafetensorError, safe_open

    if not path.exists():
        return None
    try:
        with safe_open(path, framework="pt") as file:
            if (file.metadata() or {}).get("words") != _digest(lexicon):
                return None
            vectors: Tensor = file.get_tensor("vectors")
    except (OSError, SafetensorError) as error:
        raise BackboneError(
            f"The word vectors {path.name} are broken: restore assets/lite from the repository."
        ) from error
    return vectors


def _digest(lexicon: Lexicon) -> str:
    return hashlib.sha256("\t".join(lexicon.trained).encode()).hexdigest()[:16]
