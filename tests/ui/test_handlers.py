from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import gradio as gr
import pytest
from PIL import Image

from glaclip.ui.form import Form
from glaclip.ui.handlers import Page
from glaclip.ui.service import Service
from tests.toy import ColorBackbone


@pytest.mark.parametrize("handler", ["windows", "charts", "files"])
def test_what_the_model_refuses_is_said_beside_every_tab(handler: str, tmp_path: Path) -> None:
    """A window side that no form can refuse: it depends on the model."""
    Image.new("RGB", (200, 150), "red").save(tmp_path / "photo.png")
    form = Form(words=("red", "blue"), crop=100, stride=100)
    page = Page(Service(lambda name: ColorBackbone()), form)
    first: dict[str, tuple[Any, ...]] = {
        "windows": (None, "+ Normalization", False),
        "charts": (),
        "files": (None, ""),
    }
    values = [getattr(form, field.name) for field in dataclasses.fields(form)]
    with pytest.raises(gr.Error, match=r"multiple of 16 .*received 100") as refused:
        getattr(page, handler)(str(tmp_path / "photo.png"), *first[handler], *values)
    assert str(tmp_path) not in str(refused.value.message)
