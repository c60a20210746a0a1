"""Attention over windows: the paper's section 3."""

from glaclip.attention.rows import attend, attention_chunks

__all__ = ["attend", "attention_chunks"]
