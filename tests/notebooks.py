"""Runs the code of a notebook as a script."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parent.parent / "notebooks"


def run(name: str, **parameters: object) -> tuple[dict[str, Any], list[Any]]:
    """Names after all cells, and what each cell shows: the value of its last line.

    Args:
        name: of the notebook.
        parameters: take the place of those that the cell with this tag sets.
    """
    names: dict[str, Any] = {"__name__": "__main__"}
    shown = []
    for cell in json.loads((FOLDER / name).read_text(encoding="utf-8"))["cells"]:
        if cell["cell_type"] != "code":
            continue
        source = re.sub(r"^%.*$", "", "".join(cell["source"]), flags=re.MULTILINE)
        tree = ast.parse(source)
        last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
        exec(compile(tree, name, "exec"), names)
        shown.append(last and eval(compile(ast.Expression(last.value), name, "eval"), names))
        if "parameters" in cell["metadata"].get("tags", ()):
            assert parameters.keys() <= names.keys()
            names |= parameters
    return names, shown
