"""The type that a folder of results was begun with: `--dtype auto` keeps to it.

Types differ in some labels, so a folder that goes on later, on another computer or after a
measurement came out, must not mix them. The first of several processes decides for all.
"""

from __future__ import annotations

import json
from pathlib import Path

from glaclip.backbones.base import Backbone, BackboneError
from glaclip.backbones.dtypes import TYPES
from glaclip.backbones.registry import quickened
from glaclip.cli.console import UsageError
from glaclip.cli.options import BackboneOptions, Loader, type_name, write
from glaclip.evaluation.run.team import Team

NAME = "types.json"


def load_for_folder(
    options: BackboneOptions, load: Loader, folder: Path | None, team: Team, name: str = ""
) -> Backbone:
    """Loads a backbone in the type of its folder; where none is known, in the first process's.

    Args:
        options: of the command; with another --dtype than auto that type is taken.
        load: starts a backbone.
        folder: of the results; None keeps nothing.
        team: all processes; each calls this.
        name: another backbone than the one asked for.

    Raises:
        BackboneError: it cannot start, here or in the first process.
        UsageError: the folder cannot be written.
    """
    if options.dtype != "auto":
        return options.load(load, name)
    backbone: Backbone | None = None
    problem: BackboneError | UsageError | None = None
    if team.rank == 0:
        try:
            backbone = _first(options, load, folder, name)
        except (BackboneError, UsageError) as error:
            problem = error
    # Also where it failed, for the others wait.
    decided = team.gather(type_name(backbone) if backbone else None)[0]
    if problem is not None:
        raise problem
    if backbone is not None:
        return backbone
    if decided is None:
        raise BackboneError("The backbone cannot start in the first process.")
    return quickened(options.load(load, name, decided))


def _first(options: BackboneOptions, load: Loader, folder: Path | None, name: str) -> Backbone:
    known = _read(folder / NAME) if folder is not None else {}
    named = name or options.backbone
    if (kind := known.get(named)) in TYPES:
        backbone = quickened(options.load(load, name, kind))
        backbone.dtype_why = "as the folder was begun"
        return backbone
    backbone = options.load(load, name)
    if folder is not None:
        kind = type_name(backbone)
        content = json.dumps({**known, named: kind, backbone.name: kind}, indent=1)
        write(folder / NAME, f"{content}\n".encode())
    return backbone


def _read(path: Path) -> dict[str, str]:
    """Types by backbone; none of a file that is missing or damaged."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
