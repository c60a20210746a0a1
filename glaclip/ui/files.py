"""Files that the page hands out; they live in gradio's cache, which it cleans by age."""

from __future__ import annotations

import io

from gradio.processing_utils import save_bytes_to_cache
from gradio.utils import get_upload_folder
from matplotlib.figure import Figure
from PIL import Image


def save_to_cache(content: bytes, name: str) -> str:
    """Path of a file with this content; the same content is stored once."""
    return str(save_bytes_to_cache(content, name, cache_dir=get_upload_folder()))


def figure_image(figure: Figure) -> Image.Image:
    """A chart as a picture."""
    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi=144)
    return Image.open(stream)
