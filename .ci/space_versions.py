"""Checks that what a Space installs resolves for its Python, from wheels alone.

python .ci/space_versions.py            # exit 1 where it does not; 0 also without an index
python .ci/space_versions.py --newest   # pre-requirements.txt anew, on stdout
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
PYTHON, SDK = (
    re.search(rf'^{key}: "?([\d.]+)"?$', README, re.MULTILINE)[1]
    for key in ("python_version", "sdk_version")
)
#: A Space's wheels; pip takes the names one by one when it is asked for another Python's.
PLATFORMS = [
    "manylinux1",
    "manylinux2010",
    "manylinux2014",
    *(f"manylinux_2_{n}" for n in range(5, 37)),
]
#: Chosen by the platform and by sdk_version.
UNPINNED = {"gradio", "gradio-client", "huggingface-hub", "spaces"}
#: The newest torch that ZeroGPU has.
NEWEST_TORCH = "torch<=2.13.0"


def resolve(*wanted: str) -> dict[str, str]:
    """Versions by name that pip would install on a Space.

    Raises:
        RuntimeError: pip finds none.
    """
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder, "report.json")
        command = [sys.executable, "-m", "pip", "install", "--dry-run", "--quiet"]
        command += ["--ignore-installed", "--only-binary=:all:", "--target", folder]
        command += ["--python-version", PYTHON, "--report", str(report)]
        command += [f"--platform={name}_x86_64" for name in PLATFORMS]
        command += [f"gradio[oauth,mcp]=={SDK}", "spaces", "--requirement", "requirements.txt"]
        done = subprocess.run([*command, *wanted], cwd=ROOT, capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(done.stderr)
        found = [entry["metadata"] for entry in json.loads(report.read_text())["install"]]
    return {re.sub("[-_.]+", "-", entry["name"]).lower(): entry["version"] for entry in found}


def main() -> int:
    """Checks, or prints the list anew, and returns an exit code."""
    asked = subprocess.run(
        [sys.executable, "-m", "pip", "index", "versions", "spaces"], capture_output=True
    )
    if asked.returncode:
        print("The package index does not answer: a Space's versions are not checked.")
        return 0
    if "--newest" in sys.argv:
        lock = (ROOT / "pre-requirements.txt").read_text(encoding="utf-8")
        print(*(line for line in lock.splitlines() if line.startswith("#")), sep="\n")
        for name, version in sorted(resolve(NEWEST_TORCH).items()):
            if name not in UNPINNED and not name.startswith(("nvidia-", "cuda-")):
                print(f"{name}=={version}")
        return 0
    try:
        found = resolve("--requirement", "pre-requirements.txt", NEWEST_TORCH)
    except RuntimeError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"A Space gets Python {PYTHON}, gradio {SDK}, torch {found['torch']} and", end=" ")
    print(f"{len(found) - 2} more packages, all as wheels.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
