"""Where weight files are: a folder of one's own, the hub cache, and then the network.

The folder is `--weights DIR` or the environment variable GLACLIP_WEIGHTS. Every file may lie there
in any of these places, `timm/vit_base_patch8_224.dino` standing for the hub's name of a model:

    DIR/timm/vit_base_patch8_224.dino/model.safetensors     one folder a model
    DIR/vit_base_patch8_224.dino/model.safetensors          the same without the owner
    DIR/models--timm--vit_base_patch8_224.dino/...          DIR is a copy of a hub cache
    DIR/vit_base_patch8_224.dino.safetensors                flat, named after the model
    DIR/dino_vitbase8_pretrain.pth                          flat, the authors' own name
    DIR/model.safetensors, DIR/open_clip_model.safetensors  flat, one backbone a folder

The last is taken when the file's tensors have the shapes of the model that is asked for; MetaCLIP
cannot be told from OpenAI's CLIP in this way and needs one of the other places. The others may lie
one folder deeper too, as in DIR/hub/models--... where DIR is an HF_HOME. What files may hold is in
checkpoint.py.
"""

from __future__ import annotations

import contextlib
import glob
import os
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from glaclip.backbones.base import BackboneError
from glaclip.backbones.clip.checkpoint import without_prefix

#: Called as (megabytes done, megabytes).
Progress = Callable[[int, int], None]

ENVIRONMENT = "GLACLIP_WEIGHTS"
#: Seconds to wait for the hub to answer at all before calling the network off.
PROBE_SECONDS = 2.0
#: Seconds to wait for what the hub, once it answered, knows about a file.
_FILE_SECONDS = 5.0


@dataclass(frozen=True)
class WeightFile:
    """A file of weights on the hub.

    Attributes:
        repo: the hub's name of the model, owner/name.
        names: file names there, the preferred first.
        megabytes: approximate size.
        license: license of the weights.
        probe: a tensor's name and shape by which a file without a name of its own is recognized.
        authors: file names under which the authors publish the same weights.
        nameless: whether a file `names[0]` lying alone in the folder may be taken.
    """

    repo: str
    names: tuple[str, ...]
    megabytes: int
    license: str
    probe: tuple[str, tuple[int, ...]]
    authors: tuple[str, ...] = ()
    nameless: bool = True

    def __str__(self) -> str:
        size = f"{self.megabytes / 1000:.1f} GB" if self.megabytes > 999 else f"{self.megabytes} MB"
        return f"{self.repo} {self.names[0]} ({size})"


def weights_folder(weights: str | Path | None) -> Path | None:
    """The folder given, or the one the environment names, or None.

    Raises:
        BackboneError: a folder that does not exist.
    """
    given = weights if weights is not None else os.environ.get(ENVIRONMENT) or None
    if given is None:
        return None
    folder = Path(given).expanduser()
    if not folder.is_dir():
        raise BackboneError(
            f"The folder of weights {folder} does not exist; give another with --weights DIR or "
            f"{ENVIRONMENT}, or leave both out."
        )
    return folder


def header(path: Path) -> dict[str, tuple[int, ...]]:
    """Shapes by name of a safetensors file, of which the header alone is read; {} if it is none."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as file:
            return {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError):
        return {}


def _in_cache(file: WeightFile, cache: Path | None) -> Path | None:
    """The file in a hub cache: as its ref says, else in the only snapshot that has it."""
    from huggingface_hub import constants, try_to_load_from_cache

    for name in file.names:
        found = try_to_load_from_cache(file.repo, name, cache_dir=cache)
        if isinstance(found, str):
            return Path(found)
    # A copy of a cache may have come without its refs.
    model = Path(cache or constants.HF_HUB_CACHE) / f"models--{file.repo.replace('/', '--')}"
    if not (model / "refs" / "main").exists():
        for name in file.names:
            copies = list(model.glob(f"snapshots/*/{name}"))
            if len(copies) == 1:
                return copies[0]
    return None


def in_folder(file: WeightFile, folder: Path) -> Path | None:
    """The file in a folder or one level deeper, where names say what it is."""
    for root in (folder, *subfolders(folder)):
        if (found := _named(file, root)) is not None:
            return found
    bare = folder / file.names[0]
    if file.nameless and bare.is_file():
        name, shape = file.probe
        if without_prefix(header(bare)).get(name) == shape:
            return bare
    return None


def subfolders(folder: Path) -> list[Path]:
    """Folders in a folder that may hold models, by name."""
    try:
        found = [each for each in folder.iterdir() if each.is_dir()]
    except OSError:
        return []
    return sorted(each for each in found if not each.name.startswith((".", "models--")))


def _named(file: WeightFile, root: Path) -> Path | None:
    short = file.repo.split("/")[-1]
    places = [root / place / name for name in file.names for place in (file.repo, short)]
    places += [root / f"{short}{Path(name).suffix}" for name in file.names]
    places += [root / name for name in file.authors]
    found = next((place for place in places if place.is_file()), None)
    return found or _in_cache(file, root)


def find(file: WeightFile, folder: Path | None) -> Path | None:
    """Where a file is on this computer, the given folder first; None when it is not."""
    found = in_folder(file, folder) if folder else None
    return found or _in_cache(file, None)


def _network_problem() -> str:
    """Why the hub cannot be asked, or nothing. Waits `PROBE_SECONDS` at most, tries once."""
    from huggingface_hub import constants

    if constants.is_offline_mode():
        return "downloads are switched off by HF_HUB_OFFLINE"
    answered = threading.Event()

    def ask() -> None:
        request = urllib.request.Request(constants.ENDPOINT, method="HEAD")
        try:
            with urllib.request.urlopen(request, timeout=PROBE_SECONDS):
                answered.set()
        except urllib.error.HTTPError:
            answered.set()  # it answered, whatever it said
        except (OSError, ValueError):
            pass

    # In a thread of its own, since looking up a name may hang past any timeout.
    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(PROBE_SECONDS)
    return "" if answered.is_set() else "the model hub cannot be reached"


def missing_weights(title: str, missing: Sequence[WeightFile], why: str) -> BackboneError:
    """What to raise where files are missing, with the commands that get them.

    Args:
        title: what needs them.
        missing: the files.
        why: they were not found or fetched, as a part of a sentence.
    """
    files = "; ".join(map(str, missing))
    commands = " && ".join(
        f"hf download {file.repo} {file.names[0]} --local-dir DIR/{file.repo}" for file in missing
    )
    return BackboneError(
        f"{title} needs weights that are not on this computer: {files}; and {why}. On a computer "
        f"with a connection run `{commands}`, bring DIR here, and start with --weights DIR or "
        f"{ENVIRONMENT}=DIR; or use the backbone that needs no download, --backbone lite.",
        brief=f"{title} needs weights that are not on this server, and {why}. Choose another "
        "backbone; the README says how to bring weights.",
    )


def _download(file: WeightFile, progress: Progress | None) -> Path:
    """From the hub into its cache, the first of the file's names that exists there.

    A file lies there under another name until it is whole; what cut off downloads of it left is
    removed then.
    """
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import EntryNotFoundError

    options: dict[str, Any] = {"etag_timeout": _FILE_SECONDS}
    if progress:
        options["tqdm_class"] = _bar(progress)
    for name in file.names[:-1]:
        with contextlib.suppress(EntryNotFoundError):
            return _without_parts(Path(hf_hub_download(file.repo, name, **options)))
    return _without_parts(Path(hf_hub_download(file.repo, file.names[-1], **options)))


def _without_parts(path: Path) -> Path:
    """A whole file of the hub's cache, the halves of it that killed downloads left removed."""
    blob = path.resolve()
    for part in blob.parent.glob(f"{glob.escape(blob.name)}.*.incomplete"):
        part.unlink(missing_ok=True)
    return path


def _bar(progress: Progress) -> type:
    """The hub's progress bar, drawing nothing and telling megabytes."""
    from huggingface_hub.utils.tqdm import tqdm

    parent: Any = tqdm  # to a type checker, a class without types

    class Bar(parent):  # type: ignore[misc]
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **{**kwargs, "disable": True})
            self._done, self._all = kwargs.get("initial") or 0, kwargs.get("total") or 0

        def update(self, n: float | None = 1) -> bool | None:
            self._done += n or 0
            progress(int(self._done / 1e6), max(1, int(self._all / 1e6)))
            return None

    return Bar


def fetch(
    title: str,
    files: Sequence[WeightFile],
    folder: Path | None,
    progress: Progress | None = None,
    *,
    downloads: bool = True,
) -> tuple[Path, ...]:
    """Paths of files, downloaded into the hub cache where they are not on this computer yet.

    Args:
        title: what needs them, for the message.
        files: the files.
        folder: searched first.
        progress: called as (megabytes done, megabytes) of the file that is downloaded; the hub
            draws a bar of its own when left out.
        downloads: whether the network may be asked at all.

    Raises:
        BackboneError: a file is missing and cannot be downloaded; the message lists all that are,
            their sizes, and the commands that get them.
    """
    missing = [file for file in files if find(file, folder) is None]
    if missing and not downloads:
        raise BackboneError(
            f"{title} needs weights that are not on this server, and downloads are switched off "
            "here; choose another backbone."
        )
    if missing and (why := _network_problem()):
        raise missing_weights(title, missing, why)
    try:
        return tuple(find(file, folder) or _download(file, progress) for file in files)
    except Exception as error:  # the hub's client raises many kinds; all mean the same here
        why = f"the download failed ({type(error).__name__})"
        raise missing_weights(title, missing, why) from error
