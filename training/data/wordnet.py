"""The noun hierarchy of WordNet 3.0, read from its data and index files."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

#: Too general to be seen in a patch of a photo.
TOO_GENERAL = frozenset(
    [
        "entity",
        "physical entity",
        "abstraction",
        "abstract entity",
        "object",
        "physical object",
        "whole",
        "unit",
        "matter",
        "thing",
        "artifact",
        "artefact",
        "instrumentality",
        "instrumentation",
        "causal agent",
        "cause",
        "causal agency",
        "substance",
        "part",
        "piece",
        "way",
        "facility",
        "installation",
        "attribute",
        "relation",
        "communication",
        "living thing",
        "animate thing",
        "organism",
        "being",
        "artificial object",
        "natural object",
        "physical condition",
        "psychological feature",
        "event",
        "group",
        "grouping",
        "measure",
        "amount",
        "quantity",
        "covering",
        "structure",
        "construction",
        "device",
        "commodity",
        "trade good",
        "good",
        "conveyance",
        "equipment",
        "implement",
        "process",
        "physical process",
        "chordate",
        "craniate",
        "placental",
        "placental mammal",
        "eutherian",
        "eutherian mammal",
        "vertebrate",
        "invertebrate",
        "consumer goods",
        "article",
        "product",
        "creation",
        "mechanism",
        "state",
        "location",
        "region",
        "area",
        "surface",
        "line",
        "shape",
        "form",
        "body part",
        "material",
        "stuff",
        "food product",
        "solid",
        "nutrient",
        "nutriment",
        "nourishment",
        "nutrition",
        "sustenance",
        "aliment",
        "alimentation",
        "victuals",
        "foodstuff",
        "work",
        "piece of work",
        "decoration",
        "ornament",
        "ornamentation",
        "restraint",
        "constraint",
        "instrument",
        "durables",
        "durable goods",
        "consumer durables",
    ]
)


@dataclass(frozen=True)
class WordNet:
    """Noun synsets by WordNet id (`n` and eight digits).

    Attributes:
        words: the words of a synset, most frequent first.
        parents: its hypernyms.
    """

    words: dict[str, tuple[str, ...]]
    parents: dict[str, tuple[str, ...]]
    senses: dict[str, tuple[str, ...]]

    @classmethod
    def read(cls, folder: Path) -> WordNet:
        """Reads `data.noun` and `index.noun`."""
        words, parents = {}, {}
        for fields in _lines(folder / "data.noun"):
            count = int(fields[3], 16)
            name = "n" + fields[0]
            words[name] = tuple(w.replace("_", " ").lower() for w in fields[4 : 4 + 2 * count : 2])
            pointers = fields[4 + 2 * count + 1 :]
            parents[name] = tuple(
                "n" + pointers[4 * i + 1]
                for i in range(int(fields[4 + 2 * count]))
                if pointers[4 * i] in ("@", "@i")
            )
        senses = {}
        for fields in _lines(folder / "index.noun"):
            senses[fields[0].replace("_", " ")] = tuple(
                "n" + offset for offset in fields[-int(fields[2]) :]
            )
        return cls(words, parents, senses)

    def ancestors(self, synset: str) -> tuple[str, ...]:
        """Hypernyms up to the root, nearest first."""
        found: list[str] = []
        queue = list(self.parents[synset])
        while queue:
            parent = queue.pop(0)
            if parent not in found:
                found.append(parent)
                queue += self.parents[parent]
        return tuple(found)

    @cached_property
    def children(self) -> dict[str, tuple[str, ...]]:
        """Hyponyms by synset."""
        found: dict[str, list[str]] = {}
        for child, parents in self.parents.items():
            for parent in parents:
                found.setdefault(parent, []).append(child)
        return {parent: tuple(children) for parent, children in found.items()}


def _lines(path: Path) -> Iterator[list[str]]:
    with open(path, encoding="latin-1") as file:
        for line in file:
            if not line.startswith("  "):
                yield line.split(" | ")[0].split()
