"""What lies in a folder of weights in which nothing could be used, for the person who named it."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path

from glaclip.backbones.base import BackboneError
from glaclip.backbones.clip.checkpoint import naming, without_prefix
from glaclip.backbones.clip.torchscript import conversion, is_torchscript
from glaclip.backbones.clip.weights import WeightFile, header, in_folder

_MOST = 6
#: Depths below a folder at which weights may lie that no search finds; entries that are seen there.
_DEPTHS, _LOOKED = (2, 3, 4, 5), 5000
_WEIGHTS = (".safetensors", ".bin", ".pt", ".pth")


def from_folder(files: Sequence[WeightFile], folder: Path) -> int:
    """How many of a backbone's files a folder gives."""
    return sum(in_folder(file, folder) is not None for file in files)


def unused(what: str, files: Sequence[WeightFile], folder: Path) -> BackboneError:
    """What to raise where nothing in a folder could be used: what was looked for, what lies there.

    Args:
        what: who looked, such as a backbone's title.
        files: that were looked for.
        folder: where.
    """
    places = "; ".join(
        f"{file.repo}/{file.names[0]} or {file.repo.split('/')[-1]}{Path(file.names[0]).suffix}"
        + "".join(f" or {name}" for name in file.authors)
        for file in files
    )
    return BackboneError(
        f"The folder of weights {folder} holds nothing that {what} could use. Looked there, and "
        f"one folder deeper, for {places}. There lies {lying(folder)}. docs/real-clip.md has the "
        "places of files; without --weights and GLACLIP_WEIGHTS no folder is searched."
    )


def lying(folder: Path) -> str:
    """The first entries of a folder, each with what is wrong with it where that can be told."""
    try:
        entries = sorted(each for each in folder.iterdir() if not each.name.startswith("."))
    except OSError as error:
        return f"what cannot be listed ({error.strerror})"
    if not entries:
        return "nothing"
    # What may be weights comes first: a folder of photos may hold thousands of other names.
    entries.sort(key=lambda each: not (each.is_dir() or each.suffix in _WEIGHTS))
    said = [_described(entry) for entry in entries[:_MOST]]
    more = f" and {len(entries) - _MOST} more" if len(entries) > _MOST else ""
    return "; ".join(said) + more


def _described(entry: Path) -> str:
    about = _about_folder(entry) if entry.is_dir() else _about_file(entry)
    name = f"{entry.name}/" if entry.is_dir() else entry.name
    return f"{name} ({about})" if about else name


def _about_folder(folder: Path) -> str:
    if folder.name.startswith("models--"):
        snapshots = [each for each in folder.glob("snapshots/*") if each.is_dir()]
        if len(snapshots) > 1 and not (folder / "refs" / "main").exists():
            return f"{len(snapshots)} snapshots, and no refs/main that says which"
        if not any(each.is_file() for each in folder.glob("snapshots/*/*")):
            return "a hub cache's model without files; links were copied without their blobs"
        return ""
    direct = [each.name for each in sorted(folder.iterdir()) if each.suffix in _WEIGHTS]
    if direct:
        return f"with {direct[0]}; a folder of one model must have the model's name"
    below = itertools.chain(*(folder.glob("/".join("*" * depth)) for depth in _DEPTHS))
    looked_at = itertools.islice(below, _LOOKED)  # whoever names a home folder does not wait
    deep = next((each for each in looked_at if each.suffix in _WEIGHTS), None)
    return f"with {deep.relative_to(folder)}, where nothing is looked for" if deep else ""


def _about_file(file: Path) -> str:
    if file.suffix in (".pt", ".pth", ".bin") and is_torchscript(file):
        return f"a TorchScript archive; if it is OpenAI's, `{conversion(file)}` converts it"
    if file.suffix != ".safetensors":
        return ""
    tensors = header(file)
    if not tensors:
        return "no whole safetensors file"
    plain = without_prefix(tensors)
    if kind := naming(plain):
        return f"the names of {kind}"
    for probe in ("visual.conv1.weight", "patch_embed.proj.weight"):
        if probe in plain:
            return f"{probe} {list(plain[probe])}; its name says of which model it is"
    return f"begins with {next(iter(tensors))}"
