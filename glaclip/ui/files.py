"""Files that the page hands out; they live in gradio's cache, which it cleans by age."""

from __future__ import annotations

from gradio.processing_utils import save_bytes_to_cache
from gradio.utils import get_upload_folder


def save_to_cache(content: bytes, name: str) -> str:
    """Path of a file with this content; the same content is stored once."""
    return str(save_bytes_to_cache(content, name, cache_dir=get_upload_folder()))
