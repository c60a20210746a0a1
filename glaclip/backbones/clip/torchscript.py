"""OpenAI's original CLIP files, such as `ViT-B-16.pt`: programs around weights, converted once.

`python -m glaclip.backbones.clip.torchscript ViT-B-16.pt` writes the weights beside the archive,
under the name by which a folder of weights is searched. PyTorch reads the archive for that, which
may run what is in it: convert only files whose origin is known.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
import zipfile
from pathlib import Path
from typing import Any

#: SHA-256 of OpenAI's files, which their addresses contain (openai/CLIP, clip.py), and the hub's
#: name of the same weights.
PUBLISHED = {
    "ViT-B-16.pt": (
        "5806e77cd80f8b59890b7e101eabd078d9fb84e6937f9e85e4ecb61988df416f",
        "vit_base_patch16_clip_224.openai",
    ),
    "ViT-L-14.pt": (
        "b8cca3fd41ae0c99ba7e8951adf17d267cdb84cd88be6f7c2e0eca1737a03836",
        "vit_large_patch14_clip_224.openai",
    ),
}
_NUMBERS = ("input_resolution", "context_length", "vocab_size")
_BLOCK = 2**22


def is_torchscript(path: Path) -> bool:
    """Whether a file is a TorchScript archive: a zip with code in it. Nothing of it is run."""
    try:
        with zipfile.ZipFile(path) as archive:
            parts = [name.split("/", 1)[-1] for name in archive.namelist()]
    except (OSError, zipfile.BadZipFile):
        return False
    return "constants.pkl" in parts and any(part.startswith("code/") for part in parts)


def conversion(path: Path) -> str:
    """The command that converts an archive."""
    return f"python -m {__name__} {path}"


def sha256(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal digits.

    Raises:
        OSError: it cannot be read.
    """
    found = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            found.update(block)
    return found.hexdigest()


def convert(path: Path) -> Path:
    """Writes the weights of an archive beside it, in float32, and returns the new file.

    Raises:
        ValueError: no TorchScript archive, or one of a published name and another content.
        OSError: it cannot be read or the new file cannot be written.
    """
    import torch
    from safetensors.torch import save_file

    if not is_torchscript(path):
        raise ValueError(f"{path.name} is no TorchScript archive; it needs no conversion")
    expected, name = PUBLISHED.get(path.name, ("", path.stem))
    if expected and sha256(path) != expected:
        raise ValueError(f"{path.name} is not the file that OpenAI published; download it again")
    read: Any = torch.jit.load  # without types in some versions
    state = read(str(path), map_location="cpu").state_dict()
    tensors = {k: v.float().contiguous() for k, v in state.items() if k not in _NUMBERS}
    target = path.with_name(f"{name}.safetensors")
    save_file(tensors, target)
    return target


def _main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("archive", type=Path, help="OpenAI's file")
    given = parser.parse_args()
    try:
        written = convert(given.archive)
    except (OSError, ValueError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    sys.stdout.write(f"Wrote {written}; start with --weights {written.parent}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(_main())
