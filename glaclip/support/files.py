"""Files that are whole or not there, and the folder of what is kept between two starts."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

#: The variable that names the folder; "off" keeps nothing.
CACHE_VARIABLE = "GLACLIP_CACHE"


def atomic_write(path: Path, content: bytes, writer: str = "") -> None:
    """Writes a file that is there whole or as it was before, also if the program is killed.

    Args:
        path: the file.
        content: all of it.
        writer: a name of one's own where several processes may write the same file at once.

    Raises:
        OSError: it cannot be written; nothing of it is left.
    """
    part = path.with_name(f".{path.name}.{writer}part")
    try:
        part.write_bytes(content)
        os.replace(part, path)
    except OSError:
        part.unlink(missing_ok=True)
        raise


def cache_folder(environment: Mapping[str, str] | None = None) -> Path | None:
    """Where files are kept that can be computed anew; None where nothing is to be kept.

    It need not exist. GLACLIP_CACHE names it; else it is the user's folder for such files.

    Args:
        environment: the process's own when left out.
    """
    known = os.environ if environment is None else environment
    named = known.get(CACHE_VARIABLE, "").strip()
    if named:
        return None if named.lower() == "off" else Path(named).expanduser()
    try:
        home = Path.home()
    except RuntimeError:  # a user without a home
        return None
    if sys.platform == "darwin":
        return home / "Library" / "Caches" / "glaclip"
    if sys.platform == "win32":
        return Path(known.get("LOCALAPPDATA") or home / "AppData" / "Local") / "glaclip" / "Cache"
    return Path(known.get("XDG_CACHE_HOME") or home / ".cache") / "glaclip"
