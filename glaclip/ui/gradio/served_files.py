"""Files that the page hands out; they live in gradio's cache, which it cleans by age.

Gradio 6.31.0 keeps for itself where that is; needless once it hands out bytes with a name.
"""

from __future__ import annotations

from glaclip.ui.gradio.quick import gr


def save_to_cache(content: bytes, name: str) -> str:
    """Path of a file with this content; the same content is stored once."""
    folder = gr.utils.get_upload_folder()
    return str(gr.processing_utils.save_bytes_to_cache(content, name, cache_dir=folder))
