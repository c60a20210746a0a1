"""Every kind of picture a person may bring is handled or refused with a sentence."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from glaclip.photo import KINDS, PhotoError, as_photo, load_photo, open_picture, upright_size
from glaclip.pictures.encoding import encoded
from tests.png import packed_png

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


def shown(content: bytes) -> tuple[np.ndarray, list[str]]:
    """Pixels of a file, and what was said of its depth."""
    said: list[str] = []
    return np.asarray(load_photo(content, say=said.append)).astype(int), said


@pytest.mark.parametrize("bits", [10, 12, 14])
def test_fewer_bits_in_sixteen_are_as_bright_and_said(bits: int) -> None:
    ramp = RAMP.astype(np.uint16) << (bits - 8)
    color = np.stack([ramp, ramp[:, ::-1], ramp], axis=-1)
    for samples, expected in (
        (ramp, np.repeat(RAMP[..., None], 3, axis=2)),
        (color, np.stack([RAMP, RAMP[:, ::-1], RAMP], axis=-1)),
        (np.dstack([color, np.full_like(ramp, 65535)]), color >> (bits - 8)),
    ):
        pixels, said = shown(packed_png(samples, 16))
        assert np.abs(pixels - expected).max() <= 1
        assert f"read as {bits} bits" in said[0]


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("packed", [False, True])
def test_sixteen_bit_color_tiff_keeps_its_lower_bytes(order: str, packed: bool) -> None:
    samples = np.stack([RAMP, RAMP[::-1], RAMP], axis=-1).astype(np.uint16)
    samples[..., 1] += 256  # more than a byte
    pixels, said = shown(color_tiff(samples, order, packed))
    assert np.abs(pixels - samples / 1023 * 255).max() <= 1
    assert "read as 10 bits" in said[0]


def color_tiff(samples: np.ndarray, order: str, packed: bool) -> bytes:
    """A TIFF file of one strip of 16-bit colors."""
    height, width, channels = samples.shape
    content = samples.astype(f"{order}u2").tobytes()
    content = zlib.compress(content) if packed else content
    tags = {256: width, 257: height, 258: 0, 259: 8 if packed else 1, 262: 2, 273: 0,
            277: channels, 278: height, 279: len(content)}  # fmt: skip
    depths = 8 + 2 + 12 * len(tags) + 4
    tags |= {258: depths, 273: depths + 2 * channels}
    head = {"<": b"II*\0", ">": b"MM\0*"}[order] + struct.pack(f"{order}IH", 8, len(tags))
    for tag, value in tags.items():
        head += struct.pack(f"{order}HH", tag, 3 if tag == 258 else 4)
        head += struct.pack(f"{order}II", channels if tag == 258 else 1, value)
    head += struct.pack(f"{order}I{channels}H", 0, *[16] * channels)
    return head + content


@pytest.mark.parametrize("missing", [np.nan, -9999.0, np.inf, -3.4e38])
def test_what_is_no_value_darkens_nothing_else(missing: float) -> None:
    samples = (RAMP / 255).astype(np.float32)
    samples[:4] = missing
    pixels, said = shown(encoded(Image.fromarray(samples), "TIFF"))
    assert np.abs(pixels[4:, :, 0] - RAMP[4:]).max() <= 1
    assert (pixels[:4] == 0).all()
    assert said == ["8.3 % of its pixels hold no value and are black."]


def test_a_tiffs_own_tag_names_no_data() -> None:
    samples = (RAMP / 255).astype(np.float32)
    samples[:4] = 0.25
    pixels, _ = shown(encoded(Image.fromarray(samples), "TIFF", tiffinfo={42113: "0.25"}))
    assert (pixels[:4] == 0).all()
    assert (pixels[4:, 40] > 100).all()


def test_large_integers_are_stretched_and_said() -> None:
    samples = RAMP.astype(np.int32) * 1000 + 5_000_000
    samples[0, 0] = -9999
    pixels, said = shown(encoded(Image.fromarray(samples), "TIFF"))
    assert np.abs(pixels[1:, :, 0] - RAMP[1:]).max() < 8
    assert "stretched from black to white (a guess)" in said[0]


def test_heic_is_named_with_what_helps(tmp_path: Path) -> None:
    path = tmp_path / "photo.heic"
    path.write_bytes(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(60))
    for source in (path, path.read_bytes(), io.BytesIO(path.read_bytes())):
        with pytest.raises(PhotoError, match=r"HEIC picture.*save it as JPEG or PNG"):
            load_photo(source)


def test_heic_is_read_where_the_extra_is_installed(tmp_path: Path) -> None:
    pillow_heif = pytest.importorskip("pillow_heif")
    path = tmp_path / "photo.heic"
    pillow_heif.from_pillow(GRADIENT).save(path, quality=95)
    photo = load_photo(path)
    assert photo.size == GRADIENT.size
    assert np.abs(np.asarray(photo).astype(int) - np.asarray(GRADIENT)).mean() < 3


def large(width: int, height: int, kind: str, **options: Any) -> bytes:
    """A ramp from black to white of many pixels, in few bytes."""
    ramp = Image.fromarray(RAMP).resize((width, height), Image.Resampling.NEAREST)
    return encoded(ramp, kind, **options)


def test_a_photo_above_forty_megapixels_is_shrunk_and_said_so() -> None:
    said: list[str] = []
    photo = load_photo(large(9_000, 6_000, "PNG", compress_level=1), say=said.append)
    assert photo.size == (7745, 5163)
    assert said == ["The photo has 54 megapixels: it was shrunk to 7745 x 5163 pixels."]
    assert photo.getpixel((7700, 3000))[0] > 250  # type: ignore[index]


def test_a_large_jpeg_is_decoded_small_whatever_pillow_says_of_it() -> None:
    """Pillow refuses 179 megapixels by itself."""
    exif = Image.Exif()
    exif[0x0112] = 6
    content = large(18_000, 11_000, "JPEG", exif=exif)  # 198
    said: list[str] = []
    photo = load_photo(content, say=said.append)
    assert photo.width * photo.height <= 40_000_000
    assert abs(photo.height / photo.width - 18 / 11) < 0.01  # upright
    assert "198 megapixels" in said[0]
    with pytest.raises(PhotoError, match="at most 2 megapixels are accepted of a JPEG"):
        load_photo(content, max_pixels=400_000)


def test_the_upright_size_is_read_from_the_header(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    GRADIENT.resize((80, 50)).save(tmp_path / "lying.jpg", exif=exif)
    assert upright_size(tmp_path / "lying.jpg") == (50, 80)


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
        ((20_000, 4_001), "at most 80 megapixels are accepted, 200 of a JPEG"),
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
