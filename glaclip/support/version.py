"""The version of this project, and those of what it stands on."""

from __future__ import annotations

import importlib.metadata
import platform
from collections.abc import Iterable

__version__ = "0.1.0"


def versions(packages: Iterable[str], missing: str = "") -> dict[str, str]:
    """Of this project, Python and packages; one that is not there is `missing`, or left out."""
    found = {"glaclip-demo": __version__, "python": platform.python_version()}
    for package in packages:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            if missing:
                found[package] = missing
    return found
