"""What a notebook shows of a result: drawn by a room above, that the package's face names here."""

from collections.abc import Callable
from typing import Any

#: A `Segmentation` as HTML; set by `glaclip/__init__.py`, which runs before any room does.
as_html: Callable[[Any], str]
