"""The library as a person imports it: every public name, and a photo by its path."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import glaclip
from glaclip import BackboneError, Segmenter, load_backbone, load_photo
from glaclip.segmenter import HashedPhoto
from tests.segmenter.test_segmenter import halves
from tests.toy import ColorBackbone


def test_every_public_name_is_there_and_is_that_of_its_home() -> None:
    from glaclip import segmenter, settings, vocabulary
    from glaclip.backbones import base, registry
    from glaclip.backbones.clip import backbone

    assert all(getattr(glaclip, name).__name__ for name in glaclip.__all__)
    assert set(glaclip.__all__) <= set(dir(glaclip))
    things = [base.BackboneError, backbone.ClipBackbone, segmenter.Segmenter]
    things += [settings.AttentionSettings, settings.WindowSettings, vocabulary.parse_vocabulary]
    assert all(getattr(glaclip, thing.__name__) is thing for thing in things)
    assert glaclip.load_backbone is registry.load
    with pytest.raises(AttributeError, match="no attribute 'segmenter_of'"):
        _ = glaclip.segmenter_of
    with pytest.raises(BackboneError):
        load_backbone("nothing")


def test_a_photo_is_encoded_by_its_path(tmp_path: Path) -> None:
    path = tmp_path / "photo.png"
    Image.fromarray(halves(120, 90)).save(path)
    segmenter = Segmenter(ColorBackbone())
    encoded = segmenter.encode(str(path))
    assert segmenter.encode(path) is encoded
    assert segmenter.encode(load_photo(path)) is encoded
    assert segmenter.encode(np.asarray(load_photo(path))) is encoded
    hashed = HashedPhoto.of(path)
    assert segmenter.known_encoding(hashed, segmenter.backbone.default_windows) is encoded
