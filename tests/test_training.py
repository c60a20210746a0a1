"""The training program's own parts: splits, labels of patches, street scenes, keys."""

from __future__ import annotations

import random
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

from glaclip.attention import attend
from glaclip.backbones.lite.backbone import WEIGHTS
from glaclip.backbones.lite.heads import resize, stack_maps
from glaclip.backbones.lite.towers import ImageTower
from glaclip.settings import AttentionSettings
from training.data import pack, scenes, streets
from training.data.crops import Pair, cut_people, paste
from training.data.photos import HELD_OUT, IGNORE, concept, dense_photos, select
from training.model import average, lexicon
from training.model.soft_attention import attention_rows
from training.run import keys, train
from training.run.joint import Model
from training.run.measure import Score, open_backbone

PERSON, ROAD = concept("voc2012", "person"), concept("labelmefacade", "road")


@pytest.fixture
def msrc(tmp_path: Path) -> Path:
    """A data folder with 115 tiny photos: 70 for tests, 40 to validate, 5 to train."""
    folder = tmp_path / "dense" / "msrc_v2"
    (folder / "images").mkdir(parents=True)
    (folder / "masks").mkdir()
    for index in range(115):
        Image.new("RGB", (4, 4), (index, 0, 0)).save(folder / "images" / f"{index:03d}.png")
        Image.new("L", (4, 4), index % 24).save(folder / "masks" / f"{index:03d}.png")
    return tmp_path


def test_no_photo_is_in_two_parts_and_the_split_does_not_change(msrc: Path) -> None:
    photos = dense_photos(msrc, "msrc_v2")
    parts = {part: select(photos, part) for part in ("train", "validation", "test")}
    assert (len(parts["validation"]), len(parts["test"])) == HELD_OUT["msrc_v2"]
    names = [photo.image.name for part in parts.values() for photo in part]
    assert len(names) == len(set(names)) == 115
    assert dense_photos(msrc, "msrc_v2") == photos


def test_masks_are_read_as_classes_of_their_set(msrc: Path) -> None:
    for photo in dense_photos(msrc, "msrc_v2"):
        value = int(photo.mask.stem) % 24
        truth = photo.read_classes()[1]
        assert (truth == (value - 1 if value else IGNORE)).all()  # 0 is void


def test_tokens_of_two_windows_at_one_place_have_one_class_and_one_place() -> None:
    concepts = np.full((224, 336), ROAD, dtype=np.uint8)
    concepts[:, 232:] = concept("labelmefacade", "sky")
    photo = np.zeros((224, 336, 3), dtype=np.uint8)
    scene = scenes.cut("labelmefacade", "labelmefacade", photo, concepts)
    assert scene.pixels.shape == (2, 3, 224, 224)
    classes, places = scene.classes.view(2, 28, 28), scene.places.view(2, 28, 28)
    assert (places[0, :, 14:] == places[1, :, :14]).all()
    assert (classes[0, :, 14:] == classes[1, :, :14]).all()
    names = scenes.names_of("labelmefacade")
    assert (classes[0] == names.index("road")).all()
    assert (classes[1, :, 15:] == names.index("sky")).all()
    assert (classes[1, :, :15] == names.index("road")).all()


def test_a_twin_is_at_the_same_place_in_another_window() -> None:
    torch.manual_seed(0)
    places = torch.tensor([0, 1, 1, 2, 1])
    tokens = torch.tensor([1, 1, 1, 1, 0, 3])
    found = keys.twins(places, tokens)
    assert (places[found] == places[tokens]).all()
    assert (found[:4] != 1).all()
    assert found[4:].tolist() == [0, 3]  # nobody else is there


def test_small_classes_ask_more_often_than_their_share_and_unknown_tokens_never() -> None:
    torch.manual_seed(0)
    classes = torch.tensor([3] * 960 + [5] * 30 + [IGNORE] * 10)
    asked = classes[keys.rare_tokens(classes, 4000)]
    assert set(asked.tolist()) == {3, 5}
    assert (asked == 5).float().mean() > 2 * 30 / 990


@pytest.mark.parametrize("settings", [
    AttentionSettings(),
    AttentionSettings(threshold=0.3, iterations=3, shift=0.1, scale=400),
])  # fmt: skip
def test_training_attends_as_the_program_does(settings: AttentionSettings) -> None:
    torch.manual_seed(1)
    centers = torch.randn(5, 16)
    tokens = centers[torch.arange(60) % 5] + 0.7 * torch.randn(60, 16)
    values = torch.randn(60, 8)
    rows = torch.arange(0, 60, 7)
    unit = torch.nn.functional.normalize(tokens, dim=1)
    weights, _ = attention_rows(unit, rows, 4, settings)
    expected = attend(tokens.view(4, 15, 16), values.view(4, 15, 8), settings).view(60, 8)
    torch.testing.assert_close(weights @ values, expected[rows], atol=1e-5, rtol=1e-4)


def test_keys_learn_to_part_two_classes() -> None:
    torch.manual_seed(0)
    classes = torch.arange(400) % 2
    scene = scenes.Scene("msrc_v2", "msrc_v2", torch.zeros(0), classes, classes, torch.arange(400))
    text = torch.eye(2, 6)
    values = text[classes] + 0.3 * torch.randn(400, 6)
    raw = torch.randn(1, 12) + 0.8 * torch.randn(2, 12)[classes] + 0.8 * torch.randn(400, 12)
    layer = torch.nn.Linear(12, 12)
    optimizer = torch.optim.Adam(layer.parameters(), 0.01)
    seen = []
    for _ in range(60):
        made = torch.nn.functional.normalize(layer(raw), dim=1)
        found = keys.losses(made, values, scene, text, AttentionSettings())
        seen.append(found["mass"].item())
        optimizer.zero_grad()
        torch.stack(list(found.values())).sum().backward()
        optimizer.step()
    assert seen[-1] < 0.5 * seen[0]


def ground(height: int = 240, width: int = 320) -> Pair:
    photo = np.full((height, width, 3), 120, dtype=np.uint8)
    return photo, np.full((height, width), ROAD, dtype=np.uint8)


def cut_person() -> Pair:
    """A red person whose outline leaves a margin."""
    photo = np.zeros((100, 60, 3), dtype=np.uint8)
    photo[10:, 20:40] = (250, 0, 0)
    mask = np.full((100, 60), IGNORE, dtype=np.uint8)
    mask[10:, 20:40] = PERSON
    return photo, mask


def test_a_pasted_object_is_labelled_where_it_is_seen() -> None:
    photo, labels = ground()
    paste((photo, labels), cut_person(), random.Random(1))
    person = labels == PERSON
    assert 50 < person.sum() < labels.size / 2
    assert (photo[~person] == 120).all()
    # Resizing blends the outermost row of pixels.
    red = photo[..., 0].astype(int) > photo[..., 1].astype(int) + 30
    assert (red & person).sum() > 0.8 * person.sum()


def test_people_are_cut_out_whole_by_what_they_wear(tmp_path: Path) -> None:
    folder = tmp_path / "dense" / "clothing_ccp"
    for name in ("images", "masks"):
        (folder / name).mkdir(parents=True)
    worn = np.zeros((120, 80), dtype=np.uint8)
    worn[10:60, 30:50], worn[60:110, 30:50] = 3, 4
    worn[20:24, 38:42] = 0  # a hole, as a bag may leave one
    Image.fromarray(np.full((120, 80, 3), 90, dtype=np.uint8)).save(folder / "images" / "a.png")
    Image.fromarray(worn).save(folder / "masks" / "a.png")
    [(photo, labels)] = cut_people(dense_photos(tmp_path, "clothing_ccp"))
    assert photo.shape[:2] == labels.shape == (100, 20)
    assert (labels == PERSON).all()


def test_a_packed_folder_has_the_same_splits_and_no_photo_that_is_kept_for_tests(
    msrc: Path, tmp_path: Path
) -> None:
    out = tmp_path / "packed"
    for photo in dense_photos(msrc, "msrc_v2"):
        pack.copy_dense(photo, msrc, out)
    packed = dense_photos(out, "msrc_v2")
    assert [(p.image.name, p.part) for p in packed] == [
        (p.image.name, p.part) for p in dense_photos(msrc, "msrc_v2")
    ]
    trained = select(packed, "train")
    for before, after in zip(select(dense_photos(msrc, "msrc_v2"), "train"), trained, strict=True):
        assert (before.read()[1] == after.read()[1]).all()
    kept = [photo for photo in packed if photo.part != "train"]
    assert all(photo.image.stat().st_size == 0 and not photo.mask.exists() for photo in kept)


def test_joint_training_starts_at_what_the_program_computes_and_writes_what_it_reads(
    tmp_path: Path,
) -> None:
    model = Model(WEIGHTS.parent)
    pixels = torch.randint(256, (2, 3, 224, 224), dtype=torch.uint8)

    def agreement(folder: Path) -> float:
        backbone = open_backbone(folder)
        tokens = backbone.encode_windows(pixels.float() / 255)
        values, grid = tokens.values, tokens.value_grid
        with torch.no_grad():
            maps = resize(model(pixels, torch.ones(2, 2))[1], grid)
            mine = maps.flatten(2).transpose(1, 2)
        cosine = torch.cosine_similarity(backbone.project(values), mine, dim=-1)
        return float(cosine.mean())

    assert agreement(WEIGHTS.parent) > 0.99
    with torch.no_grad():
        for parameter in model.tower.parameters():
            if parameter.requires_grad:
                parameter += 0.2 * parameter.std() * torch.randn_like(parameter)
    assert agreement(WEIGHTS.parent) < 0.95
    model.save(tmp_path)
    assert agreement(tmp_path) > 0.99


def test_street_scenes_come_again_and_speak_of_streets_alone() -> None:
    pieces = {kind: [cut_person()] for kind in streets.KINDS}
    photo, labels = streets.put_together(ground(), pieces, "train0")
    again = streets.put_together(ground(), pieces, "train0")
    assert (photo == again[0]).all()
    assert (labels == again[1]).all()
    assert photo.shape[:2] == labels.shape
    assert 300 <= min(labels.shape) <= 420
    image, truth = streets.StreetScene("train-0", (photo, labels)).read_classes()
    assert image.size == truth.shape[::-1]
    assert {streets.NAMES[i] for i in np.unique(truth)} >= {"road", "pedestrian"}
    assert (streets.put_together(ground(), pieces, "train1")[1].shape != labels.shape) or (
        streets.put_together(ground(), pieces, "train1")[1] != labels
    ).any()


def test_facade_classes_become_street_names() -> None:
    remap = streets.facade_remap()
    named = {i: streets.NAMES[int(index)] for i, index in enumerate(remap) if index != IGNORE}
    assert named == {
        0: "building", 1: "car", 2: "building", 3: "pavement", 4: "road", 5: "sky", 6: "tree",
        7: "building",
    }  # fmt: skip


def test_weights_between_two_runs_are_an_average_of_each_tensor() -> None:
    start = {"a": torch.tensor([0.0, 4.0]).half(), "only here": torch.ones(1)}
    end = {"a": torch.tensor([2.0, 0.0]).half()}
    halfway = average.between(start, end, 0.5)
    assert halfway["a"].tolist() == [1, 2]
    assert halfway["a"].dtype == torch.half
    assert list(halfway) == ["a"]
    assert average.between(start, end, 0)["a"].equal(start["a"])
    assert average.between(start, end, 1)["a"].equal(end["a"])


def test_a_stage_that_the_start_leaves_as_it_came_counts_as_pretrained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    start, half = tmp_path / "start", tmp_path / "half"
    start.mkdir()
    stored = {part: load_file(WEIGHTS.parent / f"{part}.safetensors") for part in average.PARTS}
    missing = "blocks.3.0.conv_pw.weight"
    pretrained = ImageTower().net.state_dict()[missing]
    for part, tensors in stored.items():
        save_file({k: v for k, v in tensors.items() if k != missing}, start / f"{part}.safetensors")
    folders = ["--start", str(start), "--end", str(WEIGHTS.parent), "--out", str(half)]
    monkeypatch.setattr("sys.argv", ["average", *folders])
    average.main()
    found = load_file(half / "tower.safetensors")
    expected = (pretrained + stored["tower"][missing].float()) / 2
    assert torch.allclose(found.pop(missing).float(), expected, atol=1e-3)
    assert all(torch.equal(tensor, stored["tower"][name]) for name, tensor in found.items())
    tokens = [
        open_backbone(folder).encode_windows(torch.full((1, 3, 224, 224), 0.3))
        for folder in (half, WEIGHTS.parent)
    ]
    assert tokens[0].values.shape == tokens[1].values.shape
    assert not torch.allclose(tokens[0].values, tokens[1].values)


def test_fresh_heads_know_the_maps_statistics_and_nothing_else() -> None:
    torch.manual_seed(0)
    tower = ImageTower()
    fine, early = torch.randn(48, 48, 28, 28) + 1, 3 * torch.rand(48, 120, 14, 14)
    pairs = SimpleNamespace(parts=[{"fine": fine, "early": early}])
    photos = SimpleNamespace(shard={"early": early[::2]})
    model = train.Model(tower)
    model.begin(tower, pairs, photos)  # type: ignore[arg-type]
    with torch.no_grad():
        stacked = stack_maps((fine[::16], early[::16], *tower.last(early[::16])))
        final = tower.final(tower.last(early[::16])[-1])
        image = model.heads.image
        for maps in (image.normalized(stacked), (final - image.final_mean[:, None, None])):
            assert maps.mean((0, 2, 3)).abs().max() < 1e-3
        assert image.normalized(stacked).std((0, 2, 3)).median() == pytest.approx(1, abs=1e-3)
    trained = load_file(WEIGHTS)["text.linear.weight"].float()
    assert not torch.allclose(model.heads.text.linear.weight, trained, atol=0.01)


def test_weights_bring_their_own_lexicon(tmp_path: Path) -> None:
    for file in WEIGHTS.parent.glob("*.safetensors"):
        (tmp_path / file.name).symlink_to(file)
    shipped = open_backbone(tmp_path).encode_text(["lawn"])
    assert torch.equal(shipped, open_backbone(WEIGHTS.parent).encode_text(["lawn"]))
    lexicon.Lexicon(["dog", "sky"], {"lawn": "1 1:100"}).write(tmp_path / "lexicon.gz")
    (tmp_path / "sentences.safetensors").unlink()
    own = open_backbone(tmp_path)
    likeness = own.encode_text(["lawn"]) @ own.encode_text(["sky", "grass"]).T
    assert likeness[0, 0] > 0.9 > likeness[0, 1]


def score_of(*photos: list[list[int]]) -> Score:
    score = Score(2)
    score.photos = [np.array(photo) for photo in photos]
    score.counts = np.sum(score.photos, axis=0)
    return score


def test_a_gain_comes_with_the_error_that_few_photos_leave() -> None:
    worse = score_of(*[[[8, 2], [2, 8]]] * 6)
    better = score_of(*[[[9, 1], [1, 9]]] * 6)
    gain, error = better.gain(worse)
    assert gain == pytest.approx(9 / 11 - 8 / 12)
    assert error == pytest.approx(0, abs=1e-9)  # all photos say the same
    one_photo = score_of(*[[[8, 2], [2, 8]]] * 5, [[10, 0], [0, 10]])
    gain, error = one_photo.gain(worse)
    assert 0 < gain < 2 * error  # it may be this photo's alone
    assert worse.gain(worse) == (0, 0)
