"""The type of numbers a backbone computes in when nobody names one: measured, never guessed.

A GPU computes in half precision. A CPU computes in bfloat16 where it has instructions for it
(`support.processor`) and where it was measured, for exactly these weights, that nearly all labels
of the shipped photos stay; else in float32. Measurements come with the program (RECORDS) or were
made on this computer: on all photos by `python -m glaclip benchmark --agreement`, or on three by
the page, in the background (serving/measuring.py), and by `python -m glaclip doctor --measure`.
"""

from __future__ import annotations

import contextlib
import functools
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import torch

from glaclip.backbones.base import Backbone, BackboneError
from glaclip.settings import brief
from glaclip.support.cache import digest
from glaclip.support.files import atomic_write, cache_folder
from glaclip.support.processor import processor
from glaclip.vocabulary import ASSETS

#: What a type may be called, beside "auto": `choose`.
TYPES = {"float32": torch.float32, "float16": torch.float16, "bfloat16": torch.bfloat16}
#: Share of labels that must stay.
ENOUGH = 0.995
RECORDS = ASSETS / "dtype_agreement.json"


@dataclass(frozen=True)
class Record:
    """How many labels of the shipped photos stay when windows and words are encoded in `dtype`.

    Attributes:
        backbone: registry name.
        weights: what they are, for people: "embedded", "random", "own".
        fingerprint: of the backbone in float32.
        photos: hash of the photos and their words.
        dtype: "bfloat16" or "float16".
        on: share of equal labels with all switches on, by photo.
        off: the same with each window alone.
    """

    backbone: str
    weights: str
    fingerprint: str
    photos: str
    dtype: str
    on: Mapping[str, float]
    off: Mapping[str, float]

    @property
    def share(self) -> float:
        """Mean over the photos with all switches on, which is what decides."""
        return sum(self.on.values()) / len(self.on)


@dataclass(frozen=True)
class Choice:
    """A type, and why it was chosen, in a few words."""

    dtype: torch.dtype
    why: str


@functools.cache
def photos_digest(photos: tuple[str, ...] = ()) -> str:
    """Hash of shipped photos with their words, which a record is of.

    Args:
        photos: file names; all of examples.json when left out.
    """
    folder = ASSETS / "photos"
    listed = json.loads((folder / "examples.json").read_text(encoding="utf-8"))
    entries = sorted(listed, key=lambda entry: str(entry["file"]))
    if photos:
        entries = [entry for entry in entries if entry["file"] in photos]
    words = [entry["vocabulary"] for entry in entries]
    return digest(words, *((folder / entry["file"]).read_bytes() for entry in entries))[:16]


@functools.cache
def few_photos() -> tuple[str, ...]:
    """The three photos that a measurement in the background takes: those that have a truth."""
    index = ASSETS / "ground_truth" / "index.json"
    return tuple(entry["photo"] for entry in json.loads(index.read_text(encoding="utf-8")))


def type_named(dtype: torch.dtype | str) -> torch.dtype | None:
    """The type that was asked for by name or as PyTorch's; None for "auto".

    Raises:
        BackboneError: none of `TYPES`.
    """
    if dtype == "auto":
        return None
    name = str(dtype).removeprefix("torch.") if isinstance(dtype, torch.dtype) else dtype
    if name not in TYPES:
        known = ", ".join(("auto", *TYPES))
        raise BackboneError(f"dtype must be one of {known}; received {brief(name)}.")
    return TYPES[name]


def narrow_type(device: torch.device) -> torch.dtype:
    """The quick type that comes into question on a device."""
    return torch.float16 if device.type == "cuda" else torch.bfloat16


def choose(
    device: torch.device,
    fingerprint: Callable[[], str],
    *,
    record_of: Callable[[str, str], Record | None] | None = None,
) -> Choice:
    """The type for a backbone on a device.

    Args:
        device: where it runs.
        fingerprint: of the backbone in float32; asked for only if that matters.
        record_of: the measurement for (fingerprint, type); `find_record` when left out.
    """
    if device.type == "cuda":
        return Choice(torch.float16, "half precision on a GPU")
    if device.type != "cpu":
        return Choice(torch.float32, f"bfloat16 is not measured on {device.type}")
    if not processor().bfloat16:
        return Choice(torch.float32, "bfloat16 is not quicker on this processor")
    record = (record_of or find_record)(fingerprint(), "bfloat16")
    if record is None:
        return Choice(torch.float32, "bfloat16 is not measured for these weights")
    if record.share < ENOUGH:
        why = f"bfloat16 keeps {record.share:.2%} of labels, less than {ENOUGH:.1%}"
        return Choice(torch.float32, why)
    return Choice(torch.bfloat16, f"quicker here, and {record.share:.2%} of labels stay")


def find_record(fingerprint: str, dtype: str) -> Record | None:
    """The measurement on all photos, made on this computer or shipped, else the one on three.

    Args:
        fingerprint: of the backbone in float32.
        dtype: "bfloat16" or "float16".
    """
    for photos in ((), few_photos()):
        asked = (fingerprint, dtype, photos_digest(photos))
        own = record_file(*asked)
        records = (*(_read(own) if own else ()), *_read(RECORDS))
        found = next((r for r in records if (r.fingerprint, r.dtype, r.photos) == asked), None)
        if found is not None:
            return found
    return None


def is_unmeasured(backbone: Backbone) -> bool:
    """Whether a measurement could let a backbone compute quicker here, and there is none."""
    return (
        backbone.device.type == "cpu"
        and backbone.dtype == torch.float32
        and processor().bfloat16
        and cache_folder() is not None
        and find_record(backbone.fingerprint, "bfloat16") is None
    )


def keep_record(record: Record) -> bool:
    """Keeps a measurement for later starts on this computer; whether that was possible."""
    path = record_file(record.fingerprint, record.dtype, record.photos)
    if path is None:
        return False
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        write_records(path, [record])
        return True
    return False


def write_records(path: Path, records: list[Record]) -> None:
    """Writes measurements as `find_record` reads them.

    Raises:
        OSError: the file cannot be written.
    """
    text = json.dumps([asdict(record) for record in records], indent=1)
    atomic_write(path, f"{text}\n".encode())


def record_file(fingerprint: str, dtype: str, photos: str) -> Path | None:
    """Where a measurement made on this computer lies; None where nothing is to be kept.

    Args:
        fingerprint: of the backbone in float32.
        dtype: "bfloat16" or "float16".
        photos: `photos_digest` of the photos that it is of.
    """
    folder = cache_folder()
    name = digest(fingerprint, dtype, photos)[:32]
    return None if folder is None else folder / "agreement" / f"{name}.json"


def _read(path: Path) -> tuple[Record, ...]:
    """Records of a file; none of one that is missing or damaged."""
    try:
        records = tuple(Record(**entry) for entry in json.loads(path.read_text(encoding="utf-8")))
        shares = [share for r in records for share in (*r.on.values(), *r.off.values(), r.share)]
        return records if all(0 <= share <= 1 for share in shares) else ()
    except (OSError, ValueError, TypeError, AttributeError, ZeroDivisionError):
        return ()
