"""Builds what the page shows before anything is computed: `python -m glaclip.ui.precompute`."""

from __future__ import annotations

import json
import sys
from typing import Any

import torch

from glaclip.backbones.registry import load
from glaclip.serving.service import Service
from glaclip.settings import EXACT
from glaclip.support.files import atomic_write
from glaclip.ui import answers
from glaclip.ui.examples import PRECOMPUTED, Example, all_examples, example_form
from glaclip.ui.form import Form
from glaclip.ui.lessons.build import build_lessons
from glaclip.ui.viewers.shown_photo import shown_photo

#: Shipped results are made by the embedded backbone, which every installation has.
BACKBONE = "lite"


def example_document(service: Service, example: Example) -> dict[str, Any]:
    """The shipped result of an example, without the photo, which is shipped anyway."""
    backbone = service.segmenter(BACKBONE).backbone
    form = example_form(Form().with_defaults(backbone), example)
    # Exact, so that every computer builds the same files.
    photo, request = example.photo(), form.changed({"precision": EXACT}).request()
    result = service.answer(photo, request, example.point)
    picture = shown_photo(photo)
    compare = answers.compare_value(photo, picture, result, example.point)
    looked = answers.look(picture, result, example.point)
    attention = looked["attention"]
    del compare["photo"], compare["photo_name"], attention["photo"]
    rows, columns = result.encoded.grid
    return {
        "backbone": backbone.fingerprint,
        "status": f"{backbone.title}, {rows * columns} windows.",
        "compare": compare,
        "attention": attention,
        "readout": looked["readout"],
    }


def main() -> None:
    """Rebuilds assets/precomputed."""
    # In float32, so that every computer builds the same files.
    service = Service(lambda name: load(name, dtype=torch.float32))
    PRECOMPUTED.mkdir(exist_ok=True)
    for example in all_examples():
        document = example_document(service, example)
        text = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
        atomic_write(PRECOMPUTED / f"{example.name}.json", f"{text}\n".encode())
        sys.stderr.write(f"{example.name}: {len(text) // 1024} kB\n")
    build_lessons(service.segmenter(BACKBONE))


if __name__ == "__main__":
    main()
