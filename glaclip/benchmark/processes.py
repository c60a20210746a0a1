"""What a person waits for: the page in a browser, and the start of a process.

Both run as programs of their own, in the environment that app.py makes for a server: threads that
were started for something else, and what is imported already, would change what is measured.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence

from glaclip.benchmark.ratios import Row

PAGE, START = "page", "start-up"
#: A row of the page, the row it is divided by, and the ratio that it should not pass.
TARGETS: tuple[tuple[str, str, float], ...] = (
    ("press to pixels", "model's own", 1.3),
    ("a switch", "press to pixels", 0.35),
    ("a new word", "press to pixels", 0.1),
    ("first click", "press to pixels", 0.1),
)
_ENVIRONMENT = {
    "GRADIO_ANALYTICS_ENABLED": "False",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "GRADIO_ANALYTICS_CACHE_FREQUENCY": "100000",
    "GOMP_SPINCOUNT": "10000",
}
_START = """
import json, sys, time
began = time.perf_counter(); parts = {}
def part(name):
    global began
    now = time.perf_counter(); parts[name] = now - began; began = now
from glaclip import Segmenter, load_backbone, parse_vocabulary
from glaclip.backbones.base import BackboneError
from glaclip.photo import load_photo
from glaclip.vocabulary import ASSETS
part("imports")
name, device, weights = sys.argv[1:]
try:
    backbone = load_backbone(name, device, weights=weights or None)
except BackboneError as error:
    sys.exit(str(error))
part("model's files")
backbone.prepare()
part("towers")
segmenter, photo = Segmenter(backbone), load_photo(ASSETS / "photos" / "china.jpg")
words = parse_vocabulary("sky, tree, building, water")
segmenter.segment(segmenter.encode(photo), words)
part("first answer")
again = Segmenter(backbone)
again.segment(again.encode(photo), words)
part("the same once warm")
print(json.dumps(parts))
"""


class WaitingError(Exception):
    """Why it cannot be measured here, in a sentence."""


def _answer(arguments: Sequence[str]) -> str:
    done = subprocess.run(
        [sys.executable, *arguments],
        env={**os.environ, **_ENVIRONMENT},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise WaitingError(done.stderr.strip().splitlines()[-1] if done.stderr else "It failed.")
    return done.stdout.strip().splitlines()[-1]


def page_rows(backbone: str, device: str, weights: str | None, repeats: int) -> list[Row]:
    """Rows of `glaclip.benchmark.page`.

    Raises:
        WaitingError: what is missing, such as a browser.
    """
    arguments = ["-m", "glaclip.benchmark.page", "--backbone", backbone, "--device", device]
    arguments += ["--repeats", str(repeats), *(["--weights", weights] if weights else [])]
    found = json.loads(_answer(arguments))
    return [Row(row["group"], row["name"], tuple(row["seconds"])) for row in found]


def start_rows(backbone: str, device: str, weights: str | None, repeats: int = 3) -> list[Row]:
    """From the start of the interpreter's imports to the first answer, in parts.

    Raises:
        WaitingError: the backbone cannot start.
    """
    arguments = ["-c", _START, backbone, device, weights or ""]
    rounds = [json.loads(_answer(arguments)) for _ in range(repeats)]
    return [Row(START, name, tuple(each[name] for each in rounds)) for name in rounds[0]]


def page_ratios(rows: Sequence[Row]) -> list[tuple[str, str, float, float]]:
    """(row, row it is divided by, ratio of the medians, ratio that it should not pass)."""
    medians = {row.name: row.median for row in rows}
    return [(name, by, medians[name] / medians[by], most) for name, by, most in TARGETS]
