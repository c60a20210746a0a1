"""What tests of several rooms share."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

# Before torch is imported, as in app.py: the browser wants the cores too.
os.environ.setdefault("GOMP_SPINCOUNT", "10000")
# Tests neither read nor leave anything in the user's own folders.
os.environ["GLACLIP_CACHE"] = "off"
# As in app.py: no summary of all events after each of them.
os.environ["GRADIO_ANALYTICS_CACHE_FREQUENCY"] = "100000"
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ["OMP_NUM_THREADS"] = "1"  # as many processes as cores
# Before gradio is imported anywhere: they are read once. Nothing may ask another host.
os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
os.environ["HF_HUB_OFFLINE"] = "1"
# Before gradio is imported: a server that ends deletes its files, which others may have too.
os.environ["GRADIO_TEMP_DIR"] = tempfile.mkdtemp(prefix="glaclip-tests-")
atexit.register(shutil.rmtree, os.environ["GRADIO_TEMP_DIR"], ignore_errors=True)

#: Files with the longest tests, most of which start processes: what those import is imported once
#: for all that one worker starts.
LONG = (
    "test_rehearsal.py",
    "test_lending.py",
    "test_wheel.py",
    "test_killed.py",
    "test_estimate.py",
    "test_soak.py",
    "test_spread.py",
    "test_registry.py",
    "test_ratios.py",
    "test_word_store.py",
    "test_comparison.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Longest first, browser last: what is left is taken over by whoever is done, test by test."""

    def turn(item: pytest.Item) -> int:
        if "full_size_weights" in getattr(item, "fixturenames", ()):
            return 0  # side by side, so that one process alone makes them
        if item.path.name in LONG:
            return 1
        return 3 if item.path.parent.name == "browser" else 2

    items.sort(key=turn)


@pytest.fixture(scope="session")
def full_size_weights(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Random ViT-B/16 and ViT-B/8 files with the hub's own names, a gigabyte, made once."""
    from glaclip.backbones.clip.models import CLIP_MODELS
    from tests.clip_weights import write_random_weights

    folder = tmp_path_factory.mktemp("full-size") / "weights"
    write_random_weights(CLIP_MODELS["clip-b16"], folder)
    yield folder
    shutil.rmtree(folder)
