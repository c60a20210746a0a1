"""What tests of several rooms share."""

from __future__ import annotations

import os

# Before torch is imported, as in app.py: the browser wants the cores too.
os.environ.setdefault("GOMP_SPINCOUNT", "10000")
# Tests neither read nor leave anything in the user's own folders.
os.environ["GLACLIP_CACHE"] = "off"

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def full_size_weights(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Random ViT-B/16 and ViT-B/8 files with the hub's own names, a gigabyte, made once."""
    from glaclip.backbones.clip.models import CLIP_MODELS
    from tests.clip_weights import write_random_weights

    folder = tmp_path_factory.mktemp("full-size") / "weights"
    write_random_weights(CLIP_MODELS["clip-b16"], folder)
    yield folder
    shutil.rmtree(folder)
