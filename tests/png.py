"""PNG files of depths that Pillow does not write."""

from __future__ import annotations

import struct
import zlib

import numpy as np


def packed_png(samples: np.ndarray, bits: int) -> bytes:
    """Gray [H, W] of 1, 2, 4 or 16 bits, or 16-bit color [H, W, 3 | 4], filters by turns."""
    height, width = samples.shape[:2]
    channels = samples.shape[2] if samples.ndim == 3 else 1
    if bits == 16:
        rows = samples.astype(">u2").reshape(height, -1).view(np.uint8).astype(int)
    else:
        per_byte = 8 // bits
        padded = np.pad(samples, ((0, 0), (0, -width % per_byte)))
        shifts = np.arange(8 - bits, -1, -bits)
        rows = (padded.reshape(height, -1, per_byte) << shifts).sum(axis=2)
    pixel = max(1, bits * channels // 8)
    lines = []
    for y in range(height):
        left = np.concatenate([np.zeros(pixel, int), rows[y][:-pixel]])
        above = rows[y - 1] if y else np.zeros_like(rows[y])
        guess = (0, left, above, (left + above) // 2)[y % 4]
        lines.append(bytes([y % 4]) + ((rows[y] - guess) % 256).astype(np.uint8).tobytes())

    def chunk(kind: bytes, content: bytes) -> bytes:
        body = kind + content
        return struct.pack(">I", len(content)) + body + struct.pack(">I", zlib.crc32(body))

    kind = {1: 0, 2: 4, 3: 2, 4: 6}[channels]
    head = struct.pack(">IIBBBBB", width, height, bits, kind, 0, 0, 0)
    parts = (b"IHDR", head), (b"IDAT", zlib.compress(b"".join(lines))), (b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*part) for part in parts)
