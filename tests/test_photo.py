"""Every kind of picture a person may bring is handled or refused with a sentence."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from glaclip.photo import KINDS, PhotoError, as_photo, load_photo, open_picture
from glaclip.pictures.encoding import encoded

RAMP = np.tile(np.linspace(0, 255, 64).astype(np.uint8), (48, 1))


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "CMYK", "P", "LA", "1", "YCbCr"])
def test_modes_become_rgb_with_the_same_colors(mode: str) -> None:
    image = Image.fromarray(RAMP).convert(mode)
    kind = {"CMYK": "TIFF", "YCbCr": "JPEG"}.get(mode, "PNG")
    photo = load_photo(encoded(image, kind))
    assert photo.mode == "RGB"
    assert photo.size == (64, 48)
    assert np.asarray(photo)[24, 60].mean() > np.asarray(photo)[24, 3].mean() + 100


def test_sixteen_bits_are_scaled_not_clipped() -> None:
    image = Image.fromarray((RAMP.astype(np.uint16) * 257).astype(np.uint16))
    photo = np.asarray(load_photo(encoded(image, "PNG")))[..., 0]
    assert np.abs(photo.astype(int) - RAMP).max() <= 1


def test_float_grey_in_unit_range() -> None:
    photo = np.asarray(as_photo(Image.fromarray((RAMP / 255).astype(np.float32))))[..., 0]
    assert np.abs(photo.astype(int) - RAMP).max() <= 1


def test_transparency_is_white() -> None:
    image = Image.new("RGBA", (32, 32), (255, 0, 0, 0))
    assert as_photo(image).getpixel((5, 5)) == (255, 255, 255)
    palette = Image.new("P", (32, 32), 0)
    palette.putpalette([9, 9, 9] * 256)
    photo = load_photo(encoded(palette, "GIF", transparency=0))
    assert photo.getpixel((5, 5)) == (255, 255, 255)


def test_exif_rotation_is_applied() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # rotated by 90 degrees
    photo = load_photo(encoded(Image.fromarray(RAMP).convert("RGB"), "JPEG", exif=exif))
    assert photo.size == (48, 64)
    assert np.asarray(photo)[60].mean() > np.asarray(photo)[3].mean() + 100


def test_first_frame_of_an_animation() -> None:
    frames = [Image.new("RGB", (32, 32), color) for color in ("red", "blue")]
    photo = load_photo(encoded(frames[0], "GIF", save_all=True, append_images=frames[1:]))
    assert photo.getpixel((3, 3)) == (255, 0, 0)


@pytest.mark.parametrize(
    ("size", "sentence"),
    [
        ((1, 1), "each side must have at least 16"),
        ((1, 300), "each side must have at least 16"),
        ((20_000, 40), "at most 16 times"),
        ((20_000, 2_001), "at most 40 megapixels"),
    ],
)
def test_sizes_out_of_range(size: tuple[int, int], sentence: str) -> None:
    with pytest.raises(PhotoError, match=sentence):
        load_photo(encoded(Image.new("1", size), "PNG"))


def test_twenty_thousand_pixels_wide_is_accepted_in_proportion() -> None:
    assert load_photo(encoded(Image.new("L", (20_000, 1_300)), "PNG")).size == (20_000, 1_300)


def test_decompression_bomb_is_refused_before_decoding() -> None:
    bomb = encoded(Image.new("1", (30_000, 30_000)), "PNG")
    assert len(bomb) < 200_000
    with pytest.raises(PhotoError, match="megapixels"):
        load_photo(bomb)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"not a picture",
        encoded(Image.fromarray(RAMP), "PNG")[:-60],
        encoded(Image.effect_noise((64, 64), 50), "JPEG")[:900],
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
    ],
)
def test_unreadable_files_are_a_sentence_without_a_path(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "photo.jpg"
    path.write_bytes(content)
    with pytest.raises(PhotoError) as caught:
        load_photo(path)
    assert str(tmp_path) not in str(caught.value)
    assert "JPEG, PNG" in str(caught.value)


GRADIENT = Image.fromarray(RAMP).convert("RGB").resize((256, 256))


@pytest.mark.parametrize("kind", [*KINDS, "MPO"])  # MPO: the JPEG of a camera with two lenses
def test_kinds_that_are_named_are_read(kind: str) -> None:
    assert load_photo(encoded(GRADIENT, kind)).size == (256, 256)


@pytest.mark.parametrize(
    "kind", ["EPS", "ICNS", "ICO", "PPM", "TGA", "PCX", "SGI", "JPEG2000", "DDS", "QOI"]
)
def test_kinds_that_are_not_named_meet_no_decoder(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = encoded(GRADIENT, kind)
    with Image.open(io.BytesIO(content)) as image:
        assert image.format == kind, "Pillow reads it"

    def opened(*_: object) -> None:
        raise AssertionError("a decoder saw it")

    monkeypatch.setitem(Image.OPEN, kind, (opened, None))
    for read in (load_photo, lambda content: open_picture(io.BytesIO(content))):
        with pytest.raises((PhotoError, OSError)) as refused:
            read(content)
        assert not isinstance(refused.value.__context__, AssertionError)
    with pytest.raises(PhotoError, match="JPEG, PNG, WebP, GIF, BMP and TIFF files are accepted"):
        load_photo(content)


def test_missing_file() -> None:
    with pytest.raises(PhotoError, match="no such file"):
        load_photo("nowhere.jpg")


@pytest.mark.parametrize(
    "array", [np.zeros((40, 40, 2), np.uint8), np.zeros((40, 40, 3)), np.zeros(40, np.uint8)]
)
def test_arrays_of_another_kind(array: np.ndarray) -> None:
    with pytest.raises(PhotoError, match="must be uint8"):
        as_photo(array)


def test_paths(tmp_path: Path) -> None:
    path = tmp_path / "photo.jpg"
    path.write_bytes(encoded(GRADIENT, "JPEG"))
    for source in (path, str(path)):
        assert np.array_equal(as_photo(source), load_photo(path))
    with pytest.raises(PhotoError, match="no such file"):
        as_photo("nowhere.jpg")
    with pytest.raises(PhotoError, match=r"a PIL image, a uint8 array or the path .* received int"):
        as_photo(3)  # type: ignore[arg-type]


def test_arrays() -> None:
    assert as_photo(RAMP).mode == "RGB"
    assert as_photo(np.zeros((40, 50, 3), np.uint8)).size == (50, 40)
