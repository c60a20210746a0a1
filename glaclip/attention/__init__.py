"""Attention over windows: the paper's section 3."""

from glaclip.attention import method
from glaclip.attention.precision import attend
from glaclip.attention.rows import attention_chunks

__all__ = ["attend", "attention_chunks", "method"]
