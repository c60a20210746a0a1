"""Writes the lexicon: nouns that were not trained, with the trained words nearest in WordNet.

Beside it, the sentence vectors of the trained words.
"""

from __future__ import annotations

import argparse
import math
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from functools import cached_property
from pathlib import Path

import torch

from glaclip.backbones.lite.backbone import LEXICON, TABLE_NAME
from glaclip.backbones.lite.lexicon import Lexicon, compact, write_table
from glaclip.backbones.lite.sentences import TextTower
from training.data.photos import DENSE_CONCEPTS
from training.data.wordnet import TOO_GENERAL, WordNet
from training.data.words import build, dense_names, meanings

#: Lexicographer files of nouns that can be seen: animal, artifact, body, food, group, location,
#: object, person, phenomenon, plant, substance and the roots.
VISIBLE = frozenset({"03", "05", "06", "08", "13", "14", "15", "17", "18", "19", "20", "27"})
#: A step in the hierarchy divides a neighbor's weight by this.
DECAY = 0.25
#: How far up, and how far down from there.
REACH = {0: 2, 1: 1, 2: 1, 3: 0}
STEPS = 3
SENSES = 3
NEIGHBORS = 6
#: Weight of a narrower or sister word beside that of a broader one.
DOWN = 0.5
#: Weight of a class name in the word's definition ("lawn: a field of mowed grass").
DEFINED = 0.25
#: Names of classes that were marked by masks count so many times.
MARKED = 4.0
#: Names that mean something else in most definitions, and words after which one digresses.
NOT_DEFINING = frozenset(
    ["table", "plate", "column", "post", "monitor", "screen", "train", "barrier", "plants"]
)
DIGRESSION = re.compile(r" (?:for|by|with|used|that|which|who|whose|when|lined|not|as) ")


class Neighborhood:
    """Finds trained words near a noun.

    A trained word counts where it stood for a synset in training. Class names chosen by hand also
    count at their other visible senses of the same kind, less so at later ones.
    """

    def __init__(
        self,
        wordnet: WordNet,
        folder: Path,
        trained: Iterable[str],
        meant: Mapping[str, set[str]],
    ) -> None:
        self.wordnet = wordnet
        self.folder = folder
        self.number = {word: i for i, word in enumerate(trained)}
        self.meant = meant
        names = {name for _, label in DENSE_CONCEPTS for name in dense_names(label)}
        self.marked = names & self.number.keys()

    @cached_property
    def kind(self) -> dict[str, str]:
        """Lexicographer file of each synset."""
        with open(self.folder / "data.noun", encoding="latin-1") as file:
            fields = (line.split(" ", 2) for line in file if not line.startswith("  "))
            return {"n" + offset: kind for offset, kind, _ in fields}

    @cached_property
    def definitions(self) -> dict[str, list[str]]:
        """Marked names in each synset's definition, in order."""
        names = sorted(self.marked - NOT_DEFINING)
        plain = {**{name + "s": name for name in names}, **{name: name for name in names}}
        longest = sorted(plain, key=len, reverse=True)
        pattern = re.compile(r"\b(?:" + "|".join(map(re.escape, longest)) + r")\b(?! of\b)")
        found = {}
        with open(self.folder / "data.noun", encoding="latin-1") as file:
            for line in file:
                if not line.startswith("  "):
                    gloss = line.split(" | ", 1)[1].split(";")[0].split('"')[0].lower()
                    gloss = DIGRESSION.split(gloss, maxsplit=1)[0]
                    given = dict.fromkeys(plain[m] for m in pattern.findall(gloss))
                    found["n" + line[:8]] = list(given)[:3]
        return found

    @cached_property
    def counts(self) -> dict[tuple[str, int], int]:
        """How often a noun's sense was counted in text, by word and number of the sense."""
        found: dict[tuple[str, int], int] = defaultdict(int)
        with open(self.folder / "cntlist.rev", encoding="latin-1") as file:
            for line in file:
                key, number, count = line.split()
                word, _, rest = key.partition("%")
                if rest.startswith("1:"):
                    found[word.replace("_", " "), int(number)] += int(count)
        return found

    def senses(self, word: str) -> list[tuple[str, float]]:
        """Visible senses with their weights, which sum to 1."""
        found = []
        for rank, synset in enumerate(self.wordnet.senses.get(word, ())):
            if self.kind[synset] in VISIBLE:
                found.append((synset, (1 + self.counts[word, rank + 1]) * 0.7**rank))
        found = found[:SENSES]
        total = math.fsum(weight for _, weight in found)
        return [(synset, weight / total) for synset, weight in found]

    @cached_property
    def here(self) -> dict[str, list[tuple[str, float]]]:
        """Trained words of each synset with weights, the most usual first, two at most."""
        found: dict[str, list[tuple[str, float]]] = defaultdict(list)
        for word in self.number:
            senses = [synset for synset, _ in self.senses(word)]
            meant = self.meant.get(word) or set(senses[:1])
            scale = MARKED if word in self.marked else 1.0
            kinds = {self.kind[synset] for synset in meant}
            for rank, synset in enumerate(senses):
                if synset not in meant and word in self.marked and self.kind[synset] in kinds:
                    found[synset].append((word, scale * 0.7**rank))
            for synset in meant:
                found[synset].append((word, scale))
        for synset, pairs in found.items():
            order = self.wordnet.words[synset]
            pairs.sort(key=lambda pair: (-pair[1], order.index(pair[0])))
            del pairs[2:]
        return dict(found)

    @cached_property
    def general(self) -> frozenset[str]:
        """Synsets too general to lead from one word to another."""
        return frozenset(s for s, words in self.wordnet.words.items() if words[0] in TOO_GENERAL)

    def near(self, synset: str) -> dict[int, list[dict[str, float]]]:
        """Groups of trained words, each with weights, by number of steps."""
        groups: dict[int, list[dict[str, float]]] = defaultdict(list)
        seen: set[str] = set()
        layer = {synset}
        for up in range(STEPS + 1):
            below = layer - seen
            for down in range(REACH[up] + 1):
                seen |= below
                found: dict[str, float] = {}
                for s in sorted(below):
                    for word, weight in self.here.get(s, ()):
                        found[word] = max(found.get(word, 0.0), weight)
                if found and up + down <= STEPS:
                    scale = DECAY ** (up + down) * (DOWN if down else 1.0)
                    # A group of many shares the weight of one, a marked name keeps its own.
                    others = sum(1 for word in found if word not in self.marked)
                    groups[up + down].append(
                        {w: scale * v / (1 if w in self.marked else others)
                         for w, v in found.items()}
                    )  # fmt: skip
                below = {c for s in below for c in self.wordnet.children.get(s, ())} - seen
            layer = {p for s in layer for p in self.wordnet.parents[s]} - self.general
        names = self.definitions[synset]
        if names:
            groups[1].append({name: DEFINED * MARKED / len(names) for name in names})
        return groups

    def entry(self, word: str) -> str | None:
        """The lexicon's line for a word that was not trained."""
        weights: dict[str, float] = defaultdict(float)
        steps = STEPS + 1
        for synset, share in self.senses(word):
            for step, groups in self.near(synset).items():
                if share > 0.2:
                    steps = min(steps, step)
                for group in groups:
                    for name, weight in group.items():
                        weights[name] += share * weight
        if not weights or steps > STEPS:
            return None
        best = sorted(weights.items(), key=lambda pair: (-pair[1], pair[0]))[:NEIGHBORS]
        total = math.fsum(weight for _, weight in best)
        shares = [(self.number[name], round(100 * weight / total)) for name, weight in best]
        return " ".join([str(steps), *(f"{n}:{percent}" for n, percent in shares if percent)])


def make(
    wordnet: WordNet, folder: Path, trained: list[str], meant: Mapping[str, set[str]]
) -> Lexicon:
    """All visible nouns of WordNet that have a trained word near them, and irregular plurals."""
    finder = Neighborhood(wordnet, folder, trained, meant)
    taken = {compact(word) for word in trained}
    entries: dict[str, str] = {}
    for word in wordnet.senses:
        key = compact(word)
        if key in taken or key in entries or not key.isascii() or any(c.isdigit() for c in key):
            continue
        line = finder.entry(word)
        if line is not None:
            entries[key] = line
    with open(folder / "noun.exc", encoding="latin-1") as file:
        for plural, singular, *_ in (line.split() for line in file):
            singular = singular.replace("_", " ")
            key, one = compact(plural.replace("_", " ")), compact(singular)
            if key in taken or key == one:
                continue
            if singular in finder.number:
                entries[key] = f"0 {finder.number[singular]}:100"
            elif one in entries:
                entries[key] = entries[one]
    return Lexicon(trained, entries)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--wordnet", type=Path, default=Path("/usr/share/wordnet"))
    parser.add_argument("--leave-out", nargs="*", default=[], help="names trained without")
    parser.add_argument("--out", type=Path, default=LEXICON)
    arguments = parser.parse_args()
    wordnet = WordNet.read(arguments.wordnet)
    trained = build(arguments.data, wordnet, arguments.leave_out).words
    meant = meanings(arguments.data, wordnet)
    lexicon = make(wordnet, arguments.wordnet, trained, meant)
    lexicon.write(arguments.out)
    vectors = TextTower(torch.device("cpu"))(lexicon.trained)
    write_table(arguments.out.with_name(TABLE_NAME), lexicon, vectors)
    print(f"{len(lexicon.trained)} trained words, {len(lexicon)} others, "
          f"{arguments.out.stat().st_size / 1e6:.2f} MB")  # fmt: skip


if __name__ == "__main__":
    main()
