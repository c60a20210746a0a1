"""The command `verify`: whether the weights of a real CLIP are the right ones."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from typing import Any

from glaclip.backbones.base import BackboneError
from glaclip.cli.console import Console, table
from glaclip.cli.options import BackboneOptions, Loader, described
from glaclip.evaluation.verify.verify import Verification, verify


@dataclass(frozen=True, kw_only=True)
class VerifyOptions(BackboneOptions):
    """The arguments of `verify`."""

    json: bool


def run_verify(options: VerifyOptions, load: Loader, console: Console) -> None:
    """Prints what is expected of the weights and what was seen.

    Raises:
        BackboneError: the backbone cannot start, or its weights are not right; said last.
    """
    # In float32 whatever --dtype would take: the numbers themselves are looked at.
    backbone = options.load(load, dtype="float32")
    console.say(f"Backbone: {described(backbone)}")
    found = verify(backbone, options.weights, console.progress)
    console.result(
        json.dumps(_document(found), indent=2, ensure_ascii=False) if options.json else _text(found)
    )
    if found.wrong:
        reasons = ", ".join(check.name for check in found.wrong)
        raise BackboneError(
            f"The weights of {found.backbone} are not right: {reasons}. docs/real-clip.md says "
            "where the right ones come from."
        )


def _document(found: Verification) -> dict[str, Any]:
    return {
        "backbone": found.backbone,
        "right": not found.wrong,
        "files": [
            {
                "repo": file.repo,
                "path": str(file.path),
                "bytes": file.size,
                "sha256": file.digest,
                "known_sha256": file.known or None,
            }
            for file in found.files
        ],
        "checks": [dataclasses.asdict(check) for check in found.checks],
    }


def _text(found: Verification) -> str:
    files = "\n".join(f"{file.repo}: {file.path}" for file in found.files)
    rows = [[c.name, c.expected, c.seen, c.verdict] for c in found.checks]
    wide = ["what", "expected", "seen", ""]
    verdict = "WRONG weights" if found.wrong else "The weights are right, as far as can be told"
    return f"{files}\n\n{table(wide, rows, left=range(4))}\n\n{verdict} ({found.backbone})."
