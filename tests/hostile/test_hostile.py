"""Hostile input at the programs' door: each case ends in a result or in one clear sentence.

Everything is made by code. The endpoints are called as the server calls them, without the network.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from glaclip.evaluation.data.class_lists import load_class_list
from glaclip.evaluation.data.errors import DatasetError
from glaclip.evaluation.data.label_maps import Meaning, read_label_map
from glaclip.photo import KINDS
from glaclip.pictures.encoding import encoded as file_of
from glaclip.pictures.label_pictures import comparison
from glaclip.serving.limits import LimitError, Limits
from glaclip.serving.service import Service
from glaclip.settings import SettingsError, WindowSettings
from glaclip.ui.api import Endpoints
from glaclip.ui.demo import Demo
from glaclip.ui.form import Form, from_link, to_link
from glaclip.ui.gradio.quick import gr
from glaclip.ui.refusals import UNFORESEEN
from glaclip.vocabulary import VocabularyError, parse_vocabulary
from tests.toy import SmallWindows

LEAKS = ("Traceback", "/tmp", "/work", "/root", "/home", "site-packages", ".py", 'File "')


@pytest.fixture(scope="module")
def endpoints() -> Iterator[Endpoints]:
    backbone = SmallWindows()
    service = Service(lambda name: backbone, limits=Limits(windows=200, words=600))
    small = functools.partial(comparison, panel=160)  # large pictures are what takes the time
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("glaclip.pictures.export.comparison", small)
        yield Endpoints(Demo(service, Form().with_defaults(backbone)))


def picture(mode: str = "RGB", size: tuple[int, int] = (96, 64)) -> Image.Image:
    ramp = np.linspace(0, 255, size[0] * size[1]).astype(np.uint8).reshape(size[1], size[0])
    gray = Image.fromarray(ramp)
    if mode.startswith("I;16"):
        return Image.fromarray(ramp.astype(np.uint16) * 257)
    if mode in ("LA", "PA", "La", "RGBa"):
        return gray.convert("LA" if mode in ("LA", "La") else "RGBA").convert(
            {"PA": "RGBA", "La": "LA", "RGBa": "RGBA"}.get(mode, mode)
        )
    return gray.convert("RGB").convert(mode)


def one_sentence(text: str) -> None:
    assert text
    assert text != UNFORESEEN, "nobody foresaw this case"
    assert len(text) < 700
    for leak in LEAKS:
        assert leak not in text, text


def answers(endpoints: Endpoints, path: Path | str | None, words: str, **more: Any) -> str:
    """A result's "" or the refusal's sentence; then the server still answers."""
    given = {
        "background": False,
        "background_threshold": 0.1,
        "cross_window": True,
        "proxy_anchors": True,
        "dynamic_normalization": True,
        **more,
    }
    try:
        document, archive = endpoints.segment(path and str(path), words, **given)  # type: ignore[arg-type]
    except gr.Error as error:
        one_sentence(error.message)
        return str(error.message)
    assert sum(c["area"]["glaclip"] for c in document["classes"]) == pytest.approx(1, abs=1e-3)
    assert Path(archive).stat().st_size > 100
    return ""


@pytest.fixture(scope="module")
def photo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("hostile") / "photo.png"
    path.write_bytes(file_of(picture(), "PNG"))
    return path


# ---------------------------------------------------------------------- pictures that are fine

FORMATS = [
    ("PNG", mode) for mode in ("1", "L", "LA", "P", "RGB", "RGBA", "I;16")
] + [
    ("JPEG", mode) for mode in ("L", "RGB", "CMYK", "YCbCr")
] + [
    ("TIFF", mode) for mode in ("1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I;16", "F", "LAB")
] + [("WEBP", mode) for mode in ("RGB", "RGBA")] + [
    ("GIF", mode) for mode in ("1", "L", "P", "RGB", "RGBA")
] + [("BMP", mode) for mode in ("1", "L", "P", "RGB")] + [
    ("PPM", "RGB"), ("TGA", "RGBA"), ("ICO", "RGBA"), ("PCX", "RGB"), ("SGI", "RGB"),
    ("JPEG2000", "RGB"), ("DDS", "RGBA"), ("ICNS", "RGBA"), ("QOI", "RGB"), ("AVIF", "RGB"),
]  # fmt: skip


@pytest.mark.parametrize(("form", "mode"), FORMATS)
def test_every_format_ends_in_a_result_or_a_sentence(
    endpoints: Endpoints, tmp_path: Path, form: str, mode: str
) -> None:
    path = tmp_path / "photo.bin"  # the name says nothing
    try:
        path.write_bytes(file_of(picture(mode), form))
    except (KeyError, OSError, ValueError):
        # This Pillow reads the format without writing it: an empty shell of it will do.
        path.write_bytes(form.encode() + b"\0" * 64)
        assert answers(endpoints, path, "red, blue")
        return
    sentence = answers(endpoints, path, "red, blue")
    named = form in map(str.upper, KINDS)
    assert not sentence if named else "JPEG, PNG" in sentence


@pytest.mark.parametrize("turn", range(1, 9))
def test_exif_turns(endpoints: Endpoints, tmp_path: Path, turn: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = turn
    path = tmp_path / "turned.jpg"
    path.write_bytes(file_of(picture(), "JPEG", exif=exif))
    assert answers(endpoints, path, "red, blue") == ""


BOMB = file_of(Image.new("1", (12_000, 12_000)), "PNG")
ODD = {
    "broken icc": file_of(picture(), "PNG", icc_profile=b"not a profile"),
    "huge icc": file_of(picture(), "JPEG", icc_profile=b"\xff" * 200_000),
    "exif of noise": file_of(picture(), "JPEG", exif=b"Exif\0\0" + bytes(range(256)) * 8),
    "animated": file_of(picture(), "GIF", save_all=True, append_images=[picture("L")] * 3),
    "animated webp": file_of(picture(), "WEBP", save_all=True, append_images=[picture()] * 2),
    "one pixel": file_of(Image.new("RGB", (1, 1)), "PNG"),
    "a line": file_of(Image.new("1", (20_000, 16)), "PNG"),
    "a column": file_of(Image.new("1", (16, 20_000)), "PNG"),
    "a bomb": BOMB,
    "transparent all over": file_of(Image.new("RGBA", (64, 64), (0, 0, 0, 0)), "PNG"),
    "empty": b"",
    "zeros": bytes(4096),
    "text": b"just words",
    "svg": b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>",
    "pdf": b"%PDF-1.7\n1 0 obj <</Type /Catalog>> endobj\n%%EOF",
    "html": b"<html><script>alert(1)</script></html>",
    "zip": b"PK\x03\x04" + bytes(200),
    "postscript": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 64 64\n(x) run\n",
    "program": b"\x7fELF" + bytes(300),
    "a png's first bytes": b"\x89PNG\r\n\x1a\n",
    "png of a claimed size": b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + b"\x7f\xff\xff\xff" * 2 + bytes(45),
}  # fmt: skip


@pytest.mark.parametrize("content", ODD.values(), ids=ODD)
def test_odd_files(endpoints: Endpoints, tmp_path: Path, photo: Path, content: bytes) -> None:
    path = tmp_path / "odd.png"
    path.write_bytes(content)
    answers(endpoints, path, "red, blue")
    assert answers(endpoints, photo, "red, blue") == "", "the server still answers"


@pytest.mark.parametrize("form", ["PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP"])
@pytest.mark.parametrize("share", [0.02, 0.3, 0.6, 0.95])
def test_files_cut_short(endpoints: Endpoints, tmp_path: Path, form: str, share: float) -> None:
    whole = file_of(picture(), form)
    path = tmp_path / "cut.png"
    path.write_bytes(whole[: int(len(whole) * share)])
    answers(endpoints, path, "red, blue")


@pytest.mark.parametrize("form", ["PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP"])
@pytest.mark.parametrize("seed", range(3))
def test_files_with_flipped_bits(
    endpoints: Endpoints, tmp_path: Path, form: str, seed: int
) -> None:
    content = bytearray(file_of(picture(), form))
    random = np.random.default_rng(seed)
    for place in random.integers(0, len(content), 12):
        content[place] ^= 1 << int(random.integers(8))
    path = tmp_path / "flipped.png"
    path.write_bytes(content)
    answers(endpoints, path, "red, blue")


def test_no_file_and_a_folder(endpoints: Endpoints, tmp_path: Path) -> None:
    for path in (None, tmp_path, tmp_path / "missing.png"):
        assert answers(endpoints, path, "red, blue")


# ---------------------------------------------------------------------- words

WORDS = {
    "html": "<img src=x onerror=alert(1)>, <script>alert(2)</script>",
    "template": "${alert(1)}, {{7*7}}, {}, {0}, %s",
    "control characters": "red\x00\x01\x1b[31m, blue\x7f",
    "null bytes": "\x00, \x00\x00",
    "right to left": "\u202ered\u202c, \u200fblue",
    "emoji": "🐶, 👩‍👩‍👧, 🏳️‍🌈",
    "combining": "e" + "\u0301" * 60 + ", b",
    "surrogates": "\ud800, red",
    "ten thousand": ", ".join(f"word {i}" for i in range(10_000)),
    "a thousand synonyms": "; ".join(f"word {i}" for i in range(1000)) + ", b",
    "a megabyte": "a" * 1_000_000,
    "a megabyte of commas": "," * 1_000_000,
    "a hundred kilobytes of one word": "red, " * 20_000,
    "comments": "# red\n# blue",
    "separators": ";;;,,,\n\n;;",
    "nothing": "",
    "spaces": " \t\u3000 , \u00a0",
    "one": "red",
    "twice": "red, RED, Red",
    "long phrase": "x " * 200 + ", b",
    "paths": "../../etc/passwd, C:\\Windows",
    "sql": "'; DROP TABLE words; --, b",
}


@pytest.mark.parametrize("words", WORDS.values(), ids=WORDS)
def test_words(endpoints: Endpoints, photo: Path, words: str) -> None:
    answers(endpoints, photo, words)
    assert answers(endpoints, photo, "red, blue") == ""


# ---------------------------------------------------------------------- numbers

NUMBERS: list[tuple[str, Any]] = [
    (name, value)
    for name in ("threshold", "short_side", "crop", "stride", "background_threshold")
    for value in (float("nan"), float("inf"), -1, 0, 1e308, 10**30, "ten", [1], {"a": 1}, True, 1.5)
]


@pytest.mark.parametrize(("name", "value"), NUMBERS)
def test_numbers(endpoints: Endpoints, photo: Path, name: str, value: Any) -> None:
    answers(endpoints, photo, "red, blue", background=True, **{name: value})


@pytest.mark.parametrize("name", ["baseline", "backbone"])
@pytest.mark.parametrize("value", ["../x", "<b>", "", "x" * 10_000, 7, ["off"], {"a": 1}])
def test_choices(endpoints: Endpoints, photo: Path, name: str, value: Any) -> None:
    answers(endpoints, photo, "red, blue", **{name: value})


def test_too_many_windows_name_the_estimate_and_the_limit(
    endpoints: Endpoints, tmp_path: Path
) -> None:
    path = tmp_path / "large.png"
    path.write_bytes(file_of(Image.new("RGB", (2048, 2048)), "PNG"))
    said = answers(endpoints, path, "red, blue", short_side=2048, crop=224, stride=16)
    assert said.startswith("This run would take 13,225 windows; at most 200 are accepted")
    several = ", ".join(f"a {i}; b {i}" for i in range(400))
    said = answers(endpoints, path, several)
    assert said.startswith("This run would read 800 words with all synonyms; at most 600")


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -5, 10**9, "left", None, [1]])
def test_points(endpoints: Endpoints, photo: Path, value: Any) -> None:
    with pytest.raises(gr.Error) as caught:
        endpoints.attention(str(photo), value, 3)
    one_sentence(caught.value.message)


# ---------------------------------------------------------------------- label maps and classes

MAPS = {
    "none": None,
    "color": file_of(picture("RGB"), "PNG"),
    "jpeg": file_of(picture("L"), "JPEG"),
    "text": b"0 0 1 1",
    "empty": b"",
    "other shape": file_of(Image.new("L", (64, 96)), "PNG"),
    "deep": file_of(picture("I;16"), "PNG"),
    "cut": file_of(picture("L"), "PNG")[:80],
    "bomb": BOMB,
}


@pytest.mark.parametrize("content", MAPS.values(), ids=MAPS)
@pytest.mark.parametrize("classes", ["red, blue", "red", "", "red, red, blue", "\x00, b"])
def test_label_maps(
    endpoints: Endpoints, tmp_path: Path, photo: Path, content: bytes | None, classes: str
) -> None:
    path = tmp_path / "map.png"
    if content is not None:
        path.write_bytes(content)
    try:
        scores = endpoints.evaluate(
            str(photo), str(path) if content is not None else "", classes, 255, backbone="auto"
        )
    except gr.Error as error:
        one_sentence(error.message)
    else:
        assert set(scores) == {"baseline", "glaclip"}


# ---------------------------------------------------------------------- fuzzed

#: What `st.text` has by default, whose name of it takes seconds to be looked up.
CHARACTERS = st.characters(exclude_categories=["Cs"])
FUZZ = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    derandomize=True,
)


@FUZZ
@given(st.text(CHARACTERS, max_size=400), st.booleans() | st.text(CHARACTERS, max_size=40))
def test_any_words_are_read_or_refused(text: str, background: bool | str) -> None:
    try:
        vocabulary = parse_vocabulary(text, background=background)
    except VocabularyError as error:
        one_sentence(str(error))
        return
    assert len(vocabulary.names) >= 2
    assert all(prompt.strip() for prompt in vocabulary.prompts)


@FUZZ
@given(
    st.dictionaries(
        st.sampled_from([*Form().values, "point", "photo", "other"]),
        st.text(CHARACTERS, max_size=60),
    )
)
def test_any_link_is_read(query: dict[str, str]) -> None:
    start = Form()
    form, _, point, problems = from_link(query, start)
    for problem in problems:
        one_sentence(problem)
    if point is not None:
        assert min(point) >= 0
    again, *_ = from_link(dict(parse_qsl(to_link(form, start))), start)
    assert again.values["crop"] == form.values["crop"]
    assert urlencode(query) is not None


@FUZZ
@given(
    st.one_of(st.integers(), st.floats(), st.text(CHARACTERS, max_size=5), st.none()),
    st.one_of(st.integers(), st.floats(), st.booleans()),
    st.one_of(st.integers(), st.floats(), st.booleans()),
)
def test_any_windows_are_valid_or_refused(short_side: Any, crop: Any, stride: Any) -> None:
    try:
        windows = WindowSettings(short_side, crop, stride)
    except SettingsError as error:
        one_sentence(str(error))
        return
    assert windows.stride <= windows.crop <= windows.short_side


@FUZZ
@given(st.binary(max_size=300))
def test_any_bytes_as_a_label_map(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "map"
    path.write_bytes(content)
    with pytest.raises(DatasetError):
        read_label_map(path, Meaning.of({0: 0, 1: 1}))


@FUZZ
@given(
    st.one_of(st.text(CHARACTERS, max_size=80), st.binary(max_size=80)),
    st.sampled_from(["classes.txt", "labels.json", "data.yaml", "_classes.csv"]),
)
def test_any_bytes_as_a_class_list(tmp_path: Path, content: str | bytes, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(content.encode("utf-8", "replace") if isinstance(content, str) else content)
    try:
        classes = load_class_list(path).classes
    except DatasetError as error:
        one_sentence(str(error))
        return
    assert all(entry.name.strip() for entry in classes.values())


@FUZZ
@given(
    st.text(CHARACTERS, max_size=12),
    st.sampled_from(["MAX_WINDOWS", "MAX_SECONDS", "DOWNLOADS", "QUEUE"]),
)
def test_any_variable_is_read_or_named(text: str, variable: str) -> None:
    try:
        limits = Limits.from_environment({f"GLACLIP_{variable}": text})
    except LimitError as error:
        one_sentence(str(error).replace(f"GLACLIP_{variable} must be", ""))
        return
    assert limits.windows >= 1
