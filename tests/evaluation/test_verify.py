"""Whether weights are right: stand-ins that know the photos pass, all others are found out."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
import shutil
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

from glaclip.backbones import registry
from glaclip.backbones.clip.backbone import CLIP_NORMALIZATION
from glaclip.backbones.clip.checkpoint import difference, shapes
from glaclip.backbones.clip.models import CLIP_MODELS, ClipModel
from glaclip.cli.main import main
from glaclip.evaluation.verify import behavior, verify
from glaclip.evaluation.verify.check import Check
from glaclip.evaluation.verify.files import known_digest, neighbor_checks, numbers_check
from glaclip.evaluation.verify.photos import WORDS, asked_words, subject_photos
from glaclip.serving.service import Service
from glaclip.ui.launch import warm_up
from glaclip.vocabulary import ASSETS
from tests.clip_towers import random_pixels, text_tower, tiny_backbone, visual_tower
from tests.clip_weights import open_clip, push, save_as_on_the_hub, timm_hub, tiny_model
from tests.lazy import Lazy
from tests.seeing_clip import seeing_clip

timm = Lazy("timm")
Standin = tuple[ClipModel, Path]


@pytest.fixture(scope="module")
def seeing(tmp_path_factory: pytest.TempPathFactory) -> Standin:
    """A tiny model that knows the photos, saved by the libraries' own functions."""
    plain = tiny_model(tmp_path_factory.mktemp("config"))
    clip = dataclasses.replace(plain.clip.file, repo="timm/tiny_clip.openai")
    vfm = dataclasses.replace(plain.vfm.file, repo="timm/vit_tiny_patch16_224.augreg_in21k_ft_in1k")
    towers = {
        "clip": dataclasses.replace(plain.clip, file=clip),
        "vfm": dataclasses.replace(plain.vfm, file=vfm),
    }
    model = dataclasses.replace(plain, **towers)
    folder = tmp_path_factory.mktemp("seeing")
    trained = seeing_clip(model)
    trained[0].half().float()  # as OpenAI published it
    save_as_on_the_hub(model, folder, trained)
    return model, folder


@pytest.fixture
def tiny(seeing: Standin, monkeypatch: pytest.MonkeyPatch) -> Iterator[Standin]:
    """It stands in the registry alone."""
    known = dict(CLIP_MODELS)
    CLIP_MODELS.clear()
    CLIP_MODELS["clip-tiny"] = seeing[0]
    monkeypatch.delenv("GLACLIP_WEIGHTS", raising=False)
    yield seeing
    CLIP_MODELS.clear()
    CLIP_MODELS.update(known)


def run(folder: Path, *more: str) -> int:
    return main(["verify", "--backbone", "clip-tiny", "--weights", str(folder), "--quiet", *more])


def test_weights_that_know_the_photos_pass(
    tiny: Standin, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(tiny[1], "--json") == 0
    said = json.loads(capsys.readouterr().out)
    assert said["right"]
    for entry, file in zip(said["files"], tiny[0].files, strict=True):
        content = (tiny[1] / file.repo / file.names[0]).read_bytes()
        assert entry["repo"] == file.repo
        assert entry["bytes"] == len(content)
        assert entry["sha256"] == hashlib.sha256(content).hexdigest()
        assert entry["known_sha256"] is None
    seen = {check["name"]: check for check in said["checks"]}
    assert seen["numbers of the CLIP"]["seen"] == "100.0% fit"
    assert seen["subject first among 20 words"]["right"]
    assert int(seen["subject first among 20 words"]["seen"].split(" of 12")[0]) >= 10
    assert seen["open_clip_config.json"]["right"]
    assert seen["seams, all switches on"]["right"]


def test_random_weights_fail_clearly(
    tiny: Standin, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    save_as_on_the_hub(tiny[0], tmp_path)
    assert run(tmp_path) == 3
    said = capsys.readouterr()
    line = next(line for line in said.out.splitlines() if line.startswith("subject first"))
    assert "at least 10 of 12 photos" in line
    assert line.endswith("WRONG")
    assert "WRONG weights (clip-tiny)." in said.out
    assert "The weights of clip-tiny are not right: " in said.err
    assert "subject first among 20 words" in said.err


def in_openais_place(tiny: Standin, folder: Path) -> Path:
    """The same weights before anybody rounded them, as MetaCLIP's and LAION's are."""
    shutil.copytree(tiny[1], folder, dirs_exist_ok=True)
    path = folder / tiny[0].clip.file.repo / tiny[0].clip.file.names[0]
    tensors = {name: value * 1.0001 for name, value in load_file(path).items()}
    save_file(tensors, path)
    return path


def test_others_of_the_same_shapes_are_noticed_by_their_numbers(
    tiny: Standin, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    in_openais_place(tiny, tmp_path)
    assert run(tmp_path) == 3
    assert "not right: numbers of the CLIP." in capsys.readouterr().err


def test_numbers_are_those_of_the_file_whatever_type_they_were_loaded_in(
    tiny: Standin, tmp_path: Path
) -> None:
    path = in_openais_place(tiny, tmp_path)
    torch.save(load_file(path), tmp_path / "plain.bin")
    for each in (path, tmp_path / "plain.bin"):
        assert [check.right for check in numbers_check(tiny[0].clip, each)] == [False]
    rounded = registry.load("clip-tiny", "cpu", "bfloat16", tmp_path)
    wrong = [c.name for c in verify.quick_checks(rounded, tmp_path) if c.right is False]
    assert wrong == ["numbers of the CLIP"]
    assert not list(numbers_check(CLIP_MODELS["clip-tiny"].vfm, path)), "OpenAI's alone"


@pytest.mark.parametrize(
    ("said", "seen"),
    [
        ({"quick_gelu": False}, "quick_gelu False"),
        ({"embed_dim": 512}, "embed_dim 512"),
        ({"vision_cfg": {"width": 64, "layers": 2}}, "width 64"),
        ({"vision_cfg": {"width": 32, "another": 1}, "text_cfg": {}}, "the same"),
        ({"quick_gelu": True, "embed_dim": 24}, "the same"),
        ({}, "the same"),
    ],
)
def test_a_configuration_beside_the_file_is_believed(
    tiny: Standin, tmp_path: Path, said: dict[str, object], seen: str
) -> None:
    path = tmp_path / "open_clip_model.safetensors"
    (tmp_path / "open_clip_config.json").write_text(json.dumps({"model_cfg": said}))
    (check,) = neighbor_checks(tiny[0].clip, path)
    assert check.seen == seen
    assert check.right == (seen == "the same")


def test_a_tag_beside_the_file_tells_openais_from_metaclips(tmp_path: Path) -> None:
    openai, metaclip = CLIP_MODELS["clip-b16"].clip, CLIP_MODELS["metaclip-b16"].clip
    config = {
        "architecture": "vit_base_patch16_clip_224",
        "pretrained_cfg": {"tag": "metaclip_2pt5b"},
    }
    (tmp_path / "config.json").write_text(json.dumps(config))
    path = tmp_path / "open_clip_model.safetensors"
    assert [check.right for check in neighbor_checks(openai, path)] == [False]
    assert [check.right for check in neighbor_checks(metaclip, path)] == [True]
    (tmp_path / "config.json").write_text("[")
    assert not list(neighbor_checks(openai, path))


def test_the_hubs_own_hash_is_found_in_a_cache_and_beside_a_download(tmp_path: Path) -> None:
    digest = hashlib.sha256(b"weights").hexdigest()
    blob = tmp_path / "models--a--b" / "blobs" / digest
    blob.parent.mkdir(parents=True)
    blob.write_bytes(b"weights")
    link = tmp_path / "models--a--b" / "snapshots" / "abc" / "model.safetensors"
    link.parent.mkdir(parents=True)
    link.symlink_to(blob)
    assert known_digest(link) == digest
    plain = tmp_path / "dir" / "model.safetensors"
    note = tmp_path / "dir" / ".cache/huggingface/download/model.safetensors.metadata"
    note.parent.mkdir(parents=True)
    plain.write_bytes(b"weights")
    assert known_digest(plain) == ""
    note.write_text(f"0123abc\n{digest}\n1700000000.0\n")
    assert known_digest(plain) == digest


def test_a_file_that_changed_since_its_download_is_wrong(
    tiny: Standin, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(tiny[1], tmp_path, dirs_exist_ok=True)
    file = tiny[0].vfm.file
    note = tmp_path / file.repo / f".cache/huggingface/download/{file.names[0]}.metadata"
    note.parent.mkdir(parents=True)
    note.write_text(f"0123abc\n{'0' * 64}\n1700000000.0\n")
    assert run(tmp_path) == 3
    assert f"not right: hash of {file.names[0]}." in capsys.readouterr().err


@pytest.mark.parametrize(
    ("gelu", "right"),
    [(-3.0, True), (-0.5, False), (-1.005, None), (-0.95, None)],
)
def test_the_activation_that_makes_subjects_less_likely_is_wrong(
    monkeypatch: pytest.MonkeyPatch, gelu: float, right: bool | None
) -> None:
    backbone = tiny_backbone(encode_text=_text())
    shape = (len(subject_photos()), WORDS)

    def shares(asked: object, templates: object) -> torch.Tensor:
        kind = behavior.activation(asked.visual)  # type: ignore[attr-defined]
        return torch.full(shape, gelu if kind == "GELU" else -1.0)

    monkeypatch.setattr(behavior, "log_shares", shares)
    (check,) = behavior.activation_checks(backbone, torch.full(shape, -1.0))
    assert check.right is right
    assert "with GELU" in check.seen


def _text() -> object:
    tower = text_tower()
    tower.model.visual = visual_tower()
    return tower


def test_the_other_activation_is_a_copy_on_the_same_weights() -> None:
    text = _text()
    backbone = tiny_backbone(encode_text=text, visual=text.model.visual)  # type: ignore[attr-defined]
    other = behavior.with_activation(backbone, "GELU")
    assert behavior.activation(backbone.visual) == "QuickGELU"
    assert behavior.activation(other.visual) == "GELU"
    assert other.visual.proj is backbone.visual.proj
    pixels = random_pixels()
    assert not torch.equal(other.embed(pixels), backbone.embed(pixels))
    again = behavior.with_activation(other, "QuickGELU")
    assert torch.equal(again.embed(pixels), backbone.embed(pixels))


def test_the_embedded_model_is_not_verified(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify", "--backbone", "lite", "--quiet"]) == 3
    assert "Only weights of real CLIP are verified" in capsys.readouterr().err


def test_every_example_names_its_subject_and_no_two_the_same() -> None:
    entries = json.loads((ASSETS / "photos" / "examples.json").read_text(encoding="utf-8"))
    subjects = [entry["subject"] for entry in entries if entry.get("listed", True)]
    assert all(subject.strip() for subject in subjects)
    assert len(set(subjects)) == len(subjects) <= WORDS
    assert [photo.subject for photo in subject_photos()] == subjects
    assert len(asked_words()) == WORDS
    assert set(subjects) <= set(asked_words())


def _shapes_of_every_file() -> dict[str, dict[str, tuple[int, ...]]]:
    """Names and shapes of all tensors by the hub's name of the model, without a number in them."""
    found = {}
    with torch.device("meta"):
        for model in CLIP_MODELS.values():
            config = open_clip.get_model_config(model.clip.model)
            found[model.clip.file.repo] = shapes(open_clip.CLIP(**config).state_dict())
            vfm = timm.create_model(model.vfm.model, num_classes=0)
            found[model.vfm.file.repo] = shapes(vfm.state_dict())
    return found


def test_every_file_of_the_hub_is_told_from_the_others_by_its_tensors() -> None:
    found = _shapes_of_every_file()
    files = {file.repo: file for model in CLIP_MODELS.values() for file in model.files}
    assert set(found) == set(files)
    for repo, tensors in found.items():
        name, shape = files[repo].probe
        assert tensors[name] == shape
        values = sum(math.prod(each) for each in tensors.values())
        assert 4 * values / 1e6 == pytest.approx(files[repo].megabytes, rel=0.01)
        same = [other for other in found if not difference(found[other], tensors)]
        # These two have the same shapes: files of one are told by numbers and configurations.
        twins = {
            "timm/vit_base_patch16_clip_224.openai",
            "timm/vit_base_patch16_clip_224.metaclip_2pt5b",
        }
        assert set(same) == (twins if repo in twins else {repo})


def _save_configurations(folder: Path) -> dict[str, Path]:
    """What the libraries' own functions write beside the weights of each of the hub's models."""
    found = {}
    for model in CLIP_MODELS.values():
        with torch.device("meta"):
            vfm = timm.create_model(model.vfm.model, num_classes=0)
        for tower in (model.clip, model.vfm):
            found[tower.file.repo] = place = folder / tower.file.repo
            place.mkdir(parents=True, exist_ok=True)
        timm_hub.save_config_for_hf(vfm, found[model.vfm.file.repo] / "config.json")
        mean, std = CLIP_NORMALIZATION
        visual = SimpleNamespace(image_mean=mean, image_std=std)
        path = found[model.clip.file.repo] / "open_clip_config.json"
        config = open_clip.get_model_config(model.clip.model)
        push.save_config_for_hf(SimpleNamespace(visual=visual), path, config)
    return found


def test_every_configuration_of_the_hub_fits_its_own_model_alone(tmp_path: Path) -> None:
    places = _save_configurations(tmp_path)
    towers = {t.file.repo: t for model in CLIP_MODELS.values() for t in (model.clip, model.vfm)}
    assert set(places) == set(towers)
    for own, tower in towers.items():
        for other, place in places.items():
            checks = neighbor_checks(tower, place / tower.file.names[0])
            right = [check.right for check in checks]
            if "clip" in own.lower() and "clip" in other.lower():
                # OpenAI's and MetaCLIP's are alike; numbers and tags tell them.
                assert right == [tower.model == towers[other].model], (own, other)
            else:  # what another kind of tower brought says nothing of this one
                assert right == ([True] if own == other else []), (own, other)


def test_a_flat_folder_with_both_configurations_is_right(tiny: Standin, tmp_path: Path) -> None:
    """Both downloads into one folder: the second configuration takes the first one's place."""
    flat = tmp_path / "flat"
    flat.mkdir()
    for file in tiny[0].files:
        for path in (tiny[1] / file.repo).iterdir():
            shutil.copy(path, flat)
    assert {"open_clip_config.json", "config.json"} <= {path.name for path in flat.iterdir()}
    assert run(flat) == 0


# --- auto's first load ------------------------------------------------------------------------


def test_what_auto_takes_is_looked_at_once_and_doubted_aloud(
    tiny: Standin,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("GLACLIP_CACHE", str(tmp_path / "cache"))
    good = registry.load("clip-tiny", weights=tiny[1], dtype="float32")
    assert verify.doubt(good, tiny[1]) == ""
    save_as_on_the_hub(tiny[0], tmp_path / "random")
    random = registry.load("clip-tiny", weights=tmp_path / "random", dtype="float32")
    said = verify.doubt(random, tmp_path / "random")
    assert "do not look right (" in said
    assert "subject first among 20 words" in said
    assert "python -m glaclip verify --backbone clip-tiny" in said

    def never(*asked: object) -> tuple[Check, ...]:
        raise AssertionError("this was looked at before")

    monkeypatch.setattr(verify, "quick_checks", never)
    assert verify.doubt(good, tiny[1]) == ""
    assert verify.doubt(random, tmp_path / "random") == said


def test_a_command_that_takes_real_clip_by_itself_warns(
    tiny: Standin, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    photo = tmp_path / "a.png"
    Image.new("RGB", (64, 64)).save(photo)
    save_as_on_the_hub(tiny[0], tmp_path / "random")
    common = ["segment", str(photo), "--vocabulary", "a, b", "--out", str(tmp_path / "out")]
    weights = ["--weights", str(tmp_path / "random")]
    assert main([*common, *weights]) == 0
    assert "do not look right" in capsys.readouterr().err
    assert main([*common, *weights, "--backbone", "clip-tiny"]) == 0
    assert "do not look right" not in capsys.readouterr().err


def test_the_page_warns_of_weights_that_nobody_named(
    tiny: Standin, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    save_as_on_the_hub(tiny[0], tmp_path)
    folder = str(tmp_path)
    service = Service(
        lambda name: registry.load(name, weights=folder), resolve=lambda name: "clip-tiny"
    )
    warm_up(service, "clip-tiny", "clip-tiny", folder)
    assert "do not look right" not in caplog.text
    warm_up(service, "auto", "clip-tiny", folder)
    assert "do not look right" in caplog.text
