"""Registry, weight files, offline behavior, ZeroGPU, and one full-size CLIP end to end."""

from __future__ import annotations

import json
import os
import resource
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import huggingface_hub
import pytest
import torch
from huggingface_hub import constants
from huggingface_hub.errors import EntryNotFoundError

from glaclip.backbones import registry, zero_gpu
from glaclip.backbones.base import Backbone, BackboneError
from glaclip.backbones.clip import weights
from glaclip.backbones.clip.backbone import ClipBackbone
from glaclip.backbones.clip.models import CLIP_MODELS, ClipModel
from glaclip.backbones.dtypes import Choice
from glaclip.benchmark import costs
from glaclip.segmenter import Segmenter
from glaclip.settings import WindowSettings
from glaclip.ui.launch import serve
from glaclip.vocabulary import parse_vocabulary
from tests.clip_towers import random_photo
from tests.clip_weights import modules_of
from tests.fresh import fresh

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An empty hub cache, downloads switched off, no folder of weights."""
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "empty-cache"))
    monkeypatch.delenv("GLACLIP_WEIGHTS", raising=False)
    monkeypatch.delenv("SPACES_ZERO_GPU", raising=False)


@pytest.fixture
def tiny(
    tiny_on_disk: tuple[ClipModel, Path], monkeypatch: pytest.MonkeyPatch
) -> tuple[ClipModel, Path]:
    """A registry of the tiny model alone."""
    monkeypatch.setattr(registry, "CLIP_MODELS", {"clip-tiny": tiny_on_disk[0]})
    return tiny_on_disk


# --- the registry -----------------------------------------------------------------------------


def test_files_are_the_ones_open_clip_and_timm_name() -> None:
    import open_clip
    import timm

    tags = {
        "clip-b16": "openai",
        "clip-b16-s8": "openai",
        "clip-b16-fast": "openai",
        "clip-b16-dinov2": "openai",
        "clip-l14": "openai",
        "clip-h14": "laion2b_s32b_b79k",
        "metaclip-b16": "metaclip_fullcc",
    }
    assert set(tags) == set(CLIP_MODELS)
    assert set(registry.names()) == {"auto", "lite", *tags}
    for name, tag in tags.items():
        model = CLIP_MODELS[name]
        config = open_clip.get_pretrained_cfg(model.clip.model, tag)
        assert config["hf_hub"].rstrip("/") == model.clip.file.repo
        # Weights that were trained with QuickGELU are never put into a plain tower.
        assert bool(config.get("quick_gelu")) == model.clip.model.endswith("-quickgelu")
        timm_config = timm.models.get_pretrained_cfg(model.vfm.model)
        assert timm_config.hf_hub_id == model.vfm.file.repo
        assert timm_config.url.split("/")[-1] in model.vfm.file.authors
        vision = open_clip.get_model_config(model.clip.model)["vision_cfg"]
        patch = vision["patch_size"]
        assert model.clip.file.probe[1] == (vision["width"], 3, patch, patch)
        if patch == 14 or "dinov2" in name:
            assert "multiples of" in model.note


def test_nothing_is_ready_on_an_empty_computer() -> None:
    infos = {info.name: info for info in registry.available()}
    assert tuple(infos) == tuple(name for name in registry.names() if name != "auto")
    assert infos["lite"].missing == ()
    paper = infos["clip-b16"]
    assert not paper.ready
    assert [str(file) for file in paper.missing] == [
        "timm/vit_base_patch16_clip_224.openai open_clip_model.safetensors (599 MB)",
        "timm/vit_base_patch8_224.dino model.safetensors (343 MB)",
    ]
    assert paper.missing_megabytes == 942
    assert paper.license == "MIT, Apache-2.0"
    assert "non-commercial" in infos["metaclip-b16"].note
    assert "CC-BY-NC" in infos["metaclip-b16"].license


def test_auto_is_real_clip_when_its_weights_are_here_else_lite(
    tiny: tuple[ClipModel, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert registry.resolve("auto") == "lite"
    assert registry.resolve("auto", weights=tiny[1]) == "clip-tiny"
    monkeypatch.setenv("GLACLIP_WEIGHTS", str(tiny[1]))
    assert registry.resolve("auto") == "clip-tiny"
    assert registry.resolve("lite") == "lite"
    assert isinstance(registry.load("auto"), ClipBackbone)


def test_the_registry_prefers_the_paper_and_the_free_license() -> None:
    assert list(CLIP_MODELS)[:2] == ["clip-b16", "clip-b16-s8"]
    assert list(CLIP_MODELS)[-1] == "metaclip-b16"


def test_without_the_papers_vfm_auto_takes_the_small_one_on_the_same_grid(tmp_path: Path) -> None:
    paper, small = CLIP_MODELS["clip-b16"], CLIP_MODELS["clip-b16-s8"]
    for file in (*small.files, *CLIP_MODELS["clip-b16-fast"].files):
        place = tmp_path / file.repo / file.names[0]
        place.parent.mkdir(parents=True, exist_ok=True)
        place.touch()
    assert registry.resolve("auto", tmp_path) == "clip-b16-s8"
    place = tmp_path / paper.vfm.file.repo / paper.vfm.file.names[0]
    place.parent.mkdir(parents=True)
    place.touch()
    assert registry.resolve("auto", tmp_path) == "clip-b16"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"name": "clip-b32"}, "no backbone 'clip-b32'; choose one of auto, lite, clip-b16"),
        ({"name": "clip-b16", "device": "gpu0"}, "'gpu0' is not a device"),
        ({"name": "lite", "device": "vulkan"}, "no vulkan device on this computer"),
        ({"name": "lite", "device": "meta"}, "no meta device on this computer"),
        ({"name": "lite", "device": "cuda:99"}, "no cuda:99 device on this computer"),
        ({"name": "clip-b16", "weights": "/no/such/dir"}, "does not exist.*GLACLIP_WEIGHTS"),
    ],
)
def test_wrong_requests_get_a_sentence(arguments: dict[str, str], sentence: str) -> None:
    with pytest.raises(BackboneError, match=sentence):
        registry.load(**arguments)  # type: ignore[arg-type]


@pytest.mark.skipif(torch.cuda.is_available(), reason="needs a computer without a GPU")
def test_cuda_without_a_gpu_gets_a_sentence() -> None:
    with pytest.raises(BackboneError, match="--device cpu"):
        registry.load("clip-b16", device="cuda")
    assert zero_gpu.default_device() == "cpu"


# --- where files are --------------------------------------------------------------------------


def _flat(model: ClipModel, source: Path, target: Path) -> None:
    for file in model.files:
        shutil.copy(source / file.repo / file.names[0], target / file.names[0])


def _per_model(model: ClipModel, source: Path, target: Path) -> None:
    for file in model.files:
        shutil.copytree(source / file.repo, target / file.repo.split("/")[1])


def _named_after_model(model: ClipModel, source: Path, target: Path) -> None:
    for file in model.files:
        name = file.repo.split("/")[1] + ".safetensors"
        shutil.copy(source / file.repo / file.names[0], target / name)


def _authors(model: ClipModel, source: Path, target: Path) -> None:
    for file, module in zip(model.files, modules_of(model), strict=True):
        torch.save(module.state_dict(), target / file.authors[0])


def _hub_cache(model: ClipModel, source: Path, target: Path) -> None:
    for file in model.files:
        repo = target / ("models--" + file.repo.replace("/", "--"))
        (repo / "refs").mkdir(parents=True)
        (repo / "refs" / "main").write_text("abc")
        shutil.copytree(source / file.repo, repo / "snapshots" / "abc")


LAYOUTS = [shutil.copytree, _flat, _per_model, _named_after_model, _authors, _hub_cache]


def lay_out(layout: Callable[..., object], tiny: tuple[ClipModel, Path], target: Path) -> None:
    model, source = tiny
    if layout is shutil.copytree:
        shutil.copytree(source, target, dirs_exist_ok=True)
    else:
        layout(model, source, target)


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda f: f.__name__.strip("_"))
def test_every_documented_layout_loads(
    tiny: tuple[ClipModel, Path], tmp_path: Path, layout: Callable[..., object]
) -> None:
    folder = tmp_path / "weights"
    folder.mkdir()
    lay_out(layout, tiny, folder)
    assert registry.available(folder)[1].ready
    backbone = registry.load("clip-tiny", weights=folder)
    assert isinstance(backbone, Backbone)
    if layout is not _authors:  # those files hold other random numbers
        expected = registry.load("clip-tiny", weights=tiny[1])
        assert backbone.fingerprint == expected.fingerprint


def test_the_hub_cache_is_used_after_the_folder(
    tiny: tuple[ClipModel, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _hub_cache(*tiny, tmp_path)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    assert registry.available()[1].ready
    assert registry.load("clip-tiny").name == "clip-tiny"
    assert tiny[1] in weights.find(tiny[0].files[0], tiny[1]).parents  # type: ignore[union-attr]


def test_nameless_files_are_told_apart_by_shape(
    tiny: tuple[ClipModel, Path], tmp_path: Path
) -> None:
    _flat(*tiny, tmp_path)
    clip, vfm = tiny[0].files
    assert weights.find(clip, tmp_path)
    other = replace(clip, probe=("visual.conv1.weight", (768, 3, 16, 16)))
    assert weights.find(other, tmp_path) is None
    assert weights.find(replace(clip, probe=("no.such", ())), tmp_path) is None
    assert weights.find(replace(vfm, nameless=False), tmp_path) is None
    for model in CLIP_MODELS.values():
        assert weights.find(model.clip.file, tmp_path) is None
    assert not CLIP_MODELS["metaclip-b16"].clip.file.nameless  # same shapes as OpenAI's


@pytest.mark.parametrize("damage", ["truncated", "empty", "text"])
@pytest.mark.parametrize("which", [0, 1])
def test_damaged_files_get_a_sentence(
    tiny: tuple[ClipModel, Path], tmp_path: Path, damage: str, which: int
) -> None:
    folder = tmp_path / "weights"
    shutil.copytree(tiny[1], folder)
    files = [folder / file.repo / file.names[0] for file in tiny[0].files]
    whole = files[which].read_bytes()
    part = {"truncated": whole[: len(whole) // 2], "empty": b"", "text": b"not here"}
    files[which].write_bytes(part[damage])
    with pytest.raises(
        BackboneError, match=r"cannot be read as the weights of .*Download it again"
    ):
        registry.load("clip-tiny", weights=folder)


class _Program:
    """Unpickling it would create a file."""

    def __init__(self, path: str) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[str, str]]:
        return open, (self.path, "w")


@pytest.mark.parametrize("which", [0, 1])
def test_a_file_that_holds_a_program_is_not_run(
    tiny: tuple[ClipModel, Path], tmp_path: Path, which: int
) -> None:
    folder, trap = tmp_path / "weights", tmp_path / "trap"
    shutil.copytree(tiny[1], folder)
    file = tiny[0].files[which]
    (folder / file.repo / file.names[0]).unlink()
    torch.save({"weights": _Program(str(trap))}, folder / file.repo / file.names[1])
    with pytest.raises(BackboneError, match="holds more than weights"):
        registry.load("clip-tiny", weights=folder)
    assert not trap.exists()


# --- downloads --------------------------------------------------------------------------------


def _python(code: str, **environment: str) -> str:
    result = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "2", **environment},
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


LOAD_AND_TIME = """
import json, time
from glaclip.backbones.registry import BackboneError, load
start = time.perf_counter()
try:
    load("clip-b16")
except BackboneError as error:
    print(json.dumps([time.perf_counter() - start, str(error)]))
"""


@pytest.fixture
def silent_server() -> Iterator[str]:
    """An address that takes connections and never answers."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


def _check_offline(seconds: float, sentence: str, why: str) -> None:
    assert seconds < 5
    assert why in sentence
    for part in (
        "timm/vit_base_patch16_clip_224.openai open_clip_model.safetensors (599 MB)",
        "timm/vit_base_patch8_224.dino model.safetensors (343 MB)",
        "hf download timm/vit_base_patch8_224.dino model.safetensors --local-dir DIR/",
        "--weights DIR",
        "GLACLIP_WEIGHTS=DIR",
        "--backbone lite",
    ):
        assert part in sentence


def test_offline_by_choice_says_what_is_missing(tmp_path: Path) -> None:
    output = _python(LOAD_AND_TIME, HF_HUB_OFFLINE="1", HF_HOME=str(tmp_path))
    _check_offline(*json.loads(output), "HF_HUB_OFFLINE")


def test_an_endpoint_that_never_answers_says_what_is_missing(
    monkeypatch: pytest.MonkeyPatch, silent_server: str
) -> None:
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "ENDPOINT", silent_server)
    monkeypatch.setenv("no_proxy", "*")
    start = time.perf_counter()
    with pytest.raises(BackboneError) as error:
        registry.load("clip-b16")
    _check_offline(time.perf_counter() - start, str(error.value), "cannot be reached")


@pytest.mark.parametrize("endpoint", ["http://127.0.0.1:9", "http://no-such-host.invalid", "x:/"])
def test_a_dead_endpoint_is_asked_once(monkeypatch: pytest.MonkeyPatch, endpoint: str) -> None:
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "ENDPOINT", endpoint)
    monkeypatch.setenv("no_proxy", "*")
    start = time.perf_counter()
    with pytest.raises(BackboneError, match="hub cannot be reached"):
        registry.load("clip-b16")
    assert time.perf_counter() - start < 5


def test_only_the_missing_file_is_named(tiny: tuple[ClipModel, Path], tmp_path: Path) -> None:
    clip, vfm = tiny[0].files
    shutil.copytree(tiny[1] / clip.repo, tmp_path / clip.repo)
    with pytest.raises(BackboneError) as error:
        registry.load("clip-tiny", weights=tmp_path)
    assert vfm.repo in str(error.value)
    assert clip.repo not in str(error.value)
    assert registry.available(tmp_path)[1].missing == (vfm,)


def test_downloads_fall_back_to_the_other_file_name(
    tiny: tuple[ClipModel, Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    asked = []
    for file, module in zip(tiny[0].files, modules_of(tiny[0]), strict=True):
        torch.save(module.state_dict(), tmp_path / file.names[1])

    def download(repo: str, name: str, **options: object) -> str:
        asked.append((repo, name))
        if name.endswith(".safetensors"):
            raise EntryNotFoundError("no such file")
        return str(tmp_path / name)

    monkeypatch.setattr(huggingface_hub, "hf_hub_download", download)
    monkeypatch.setattr(weights, "_network_problem", lambda: "")
    assert registry.load("clip-tiny").name == "clip-tiny"
    assert asked == [(file.repo, name) for file in tiny[0].files for name in file.names]


def test_a_download_that_breaks_gets_a_sentence(
    tiny: tuple[ClipModel, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def download(repo: str, name: str, **options: object) -> str:
        raise ConnectionResetError("reset")

    monkeypatch.setattr(huggingface_hub, "hf_hub_download", download)
    monkeypatch.setattr(weights, "_network_problem", lambda: "")
    with pytest.raises(BackboneError, match=r"download failed \(ConnectionResetError\)"):
        registry.load("clip-tiny")


def test_available_never_asks_the_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(*args: object, **kwargs: object) -> None:
        raise AssertionError("the network was asked")

    monkeypatch.setattr(socket, "getaddrinfo", forbidden)
    monkeypatch.setattr(socket.socket, "connect", forbidden)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    assert not any(info.ready for info in registry.available() if info.name != "lite")


# --- loaded models ----------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_loaded_model_segments(tiny: tuple[ClipModel, Path], dtype: torch.dtype) -> None:
    backbone = registry.load("clip-tiny", dtype=dtype, weights=tiny[1])
    assert not any(p.requires_grad for p in backbone.visual.parameters())  # type: ignore[attr-defined]
    activation = backbone.visual.transformer.resblocks[0].mlp.gelu  # type: ignore[attr-defined]
    assert type(activation).__name__ == "QuickGELU"
    backbone.templates = ("a photo of a {}.",)
    segmenter = Segmenter(backbone)
    encoded = segmenter.encode(random_photo(96, 128), WindowSettings(96, 64, 32))
    assert encoded.tokens.values.dtype == backbone.dtype == dtype
    result = segmenter.segment(encoded, parse_vocabulary("sky, grass"))
    assert result.labels.shape == (96, 128)


@pytest.mark.parametrize("load", [registry.load, registry.load_untrained])
@pytest.mark.parametrize("dtype", ["float32", torch.float16, "auto", "bfloat16"])
def test_a_types_name_is_that_type(
    tiny: tuple[ClipModel, Path],
    monkeypatch: pytest.MonkeyPatch,
    load: Callable[..., Backbone],
    dtype: torch.dtype | str,
) -> None:
    monkeypatch.setenv(weights.ENVIRONMENT, str(tiny[1]))
    monkeypatch.setattr(registry, "choose", lambda *_: Choice(torch.bfloat16, "chosen"))
    backbone = load("clip-tiny", "cpu", dtype)
    expected = (
        torch.bfloat16 if dtype == "auto" else getattr(torch, str(dtype).removeprefix("torch."))
    )
    assert backbone.dtype == expected
    assert backbone.dtype_why == ("chosen" if dtype == "auto" else "")


@pytest.mark.parametrize("dtype", ["float99", "torch.float32", "Auto", "", torch.int8])
def test_what_is_no_type_is_refused_at_every_door(
    tiny: tuple[ClipModel, Path], dtype: torch.dtype | str
) -> None:
    doors: list[Callable[[], object]] = [
        lambda: registry.load("lite", dtype=dtype),
        lambda: registry.load("clip-tiny", "cpu", dtype),
        lambda: registry.load_untrained("clip-tiny", "cpu", dtype),
        lambda: serve(dtype=dtype),  # type: ignore[arg-type]
    ]
    for door in doors:
        with pytest.raises(BackboneError, match="one of auto, float32, float16, bfloat16; receiv"):
            door()


def segment_in_full_size(folder: Path) -> dict[str, Any]:
    torch.set_num_threads(2)
    os.environ[weights.ENVIRONMENT] = str(folder)
    backbone = registry.load("clip-b16")
    backbone.templates = backbone.templates[:1]  # of 80: the text tower's time is not the point
    segmenter = Segmenter(backbone)
    encoded = segmenter.encode(random_photo(224, 336), WindowSettings(224, 224, 112))
    result = segmenter.segment(encoded, parse_vocabulary("sky, grass, person; man; woman"))
    return {
        "windows": len(encoded.boxes),
        "keys": list(encoded.tokens.keys.shape),
        "values": list(encoded.tokens.values.shape),
        "labels": list(result.labels.shape),
        "finite": bool(torch.isfinite(result.window_scores).all()),
        "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20,
    }


def test_full_size_clip_b16_end_to_end_within_6_gb(full_size_weights: Path) -> None:
    with ProcessPoolExecutor(1, mp_context=fresh()) as processes:
        found = processes.submit(segment_in_full_size, full_size_weights).result()
    assert found["windows"] == 2
    assert found["keys"] == [2, 784, 768]
    assert found["values"] == [2, 196, 768]
    assert found["labels"] == [224, 336]
    assert found["finite"]
    assert found["peak"] < 6  # GiB


def test_measuring_needs_no_weights(
    tiny: tuple[ClipModel, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(CLIP_MODELS, "clip-tiny", tiny[0])
    found = costs.measure_here("clip-tiny", size=(336, 480))
    assert (found.windows, found.tokens) == (8, 8 * 14 * 14)
    assert found.encode_seconds > 0
    assert found.word_seconds > 0
    assert 0.1 < found.peak_gigabytes < 16
    with pytest.raises(RuntimeError, match="measuring no-such-model failed"):
        costs.measure("no-such-model")


# --- ZeroGPU ----------------------------------------------------------------------------------


def on_gpu(function: Callable[..., object]) -> Callable[..., object]:
    return zero_gpu.on_gpu(function, lambda *given: 5)


def test_off_a_space_the_function_is_left_as_it_is() -> None:
    def function() -> None: ...

    assert on_gpu(function) is function


def test_on_a_space_without_the_package_the_function_is_left_as_it_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def function() -> None: ...

    monkeypatch.setenv("SPACES_ZERO_GPU", "true")
    monkeypatch.setitem(sys.modules, "spaces", None)  # importing it fails
    assert on_gpu(function) is function


def test_the_processor_is_the_own_device_of_a_zero_gpu_space(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert zero_gpu.default_device() == "cuda"
    monkeypatch.setenv("SPACES_ZERO_GPU", "true")
    assert zero_gpu.default_device() == "cpu"


def test_lite_is_ready_when_its_packages_and_heads_are_here(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(registry, "_LITE_PACKAGES", ("json", "pickle"))
    monkeypatch.setattr(registry, "_LITE_HEADS", tmp_path / "heads.safetensors")
    assert not registry.available()[0].ready
    (tmp_path / "heads.safetensors").touch()
    assert registry.available()[0].ready
    monkeypatch.setattr(registry, "_LITE_PACKAGES", ("json", "no_such_package"))
    assert not registry.available()[0].ready
