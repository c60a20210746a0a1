"""What tests of backbones share."""

from __future__ import annotations

from pathlib import Path

import pytest

from glaclip.backbones.clip.models import ClipModel
from tests.clip_weights import tiny_model, write_random_weights


@pytest.fixture(scope="session")
def tiny_on_disk(tmp_path_factory: pytest.TempPathFactory) -> tuple[ClipModel, Path]:
    """A tiny model with its files in a folder of weights."""
    model, folder = (
        tiny_model(tmp_path_factory.mktemp("config")),
        tmp_path_factory.mktemp("weights"),
    )
    write_random_weights(model, folder)
    return model, folder
