"""Attention over windows: the paper's section 3, as in section 2 of the method.

L windows of S tokens each; token i sees the N visible tokens j: those of its own window, or of all.

    1. proxy anchor    q_i = k_i, then T times:  P_i = { j : q_i . k_j > rho },
                                                 q_i = normalize(mean of k_j over P_i)
    2. scores          S_ij = q_i . k_j
    3. normalization   A_ij = w_i (S_ij - u mean_j S_ij)         dynamic
                       A_ij = gamma (S_ij - beta mean_ij S_ij)   fixed
    4. output          softmax_j over A_ij >= min(0, max_j A_ij);  output_i = sum_j weights_ij v_j

k_j are keys of unit length. Rows are independent given the keys: computed in chunks, they need
memory of O(chunk x N), and the result is the same.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import torch
import torch.nn.functional as F
from torch import Tensor

from glaclip.chunks import CHUNK_BYTES, Progress, Resizing, keep_anchors, row_chunks
from glaclip.settings import AttentionSettings
from glaclip.similar import Queries, SimilarTokens, WeightChunk

#: Scores this close to the largest tie with it, so that rounding does not choose among them.
_TIE = 1e-6


class Visible:
    """The N tokens that see each other: those of one window, or of all."""

    def __init__(self, keys: Tensor, windows: int, integers: bool | None = None) -> None:
        """Args:
        keys: [N, Dk] raw keys; never copied to normalize them.
        windows: L_vis, how many windows they come from.
        integers: see `SimilarTokens`.
        """
        # Half precision would blur the comparison with rho, so similarities are at least float32.
        self.keys = keys.to(torch.promote_types(keys.dtype, torch.float32))
        self.norms = self.keys.norm(dim=1).clamp_min(1e-12)  # [N]
        self.mean_key = (1 / self.norms) @ self.keys / len(keys)  # [Dk], of unit keys
        self.windows = windows
        self.similar = SimilarTokens(self.keys, self.norms, integers)

    def __len__(self) -> int:
        return len(self.keys)

    def unit_keys(self, rows: slice) -> Tensor:
        """k_i [R, Dk]."""
        unit: Tensor = self.keys[rows] / self.norms[rows, None]
        return unit

    def cosines(self, queries: Tensor) -> Tensor:
        """[U, Dk] unit queries to S [U, N]."""
        products: Tensor = queries @ self.keys.T
        return products.div_(self.norms)

    def queries(self, rows: slice, settings: AttentionSettings) -> Queries:
        """Step 1: anchors where they are on; |P_i| also where the normalization alone needs it."""
        own = self.unit_keys(rows)
        if not (settings.proxy_anchors or settings.dynamic_normalization):
            return Queries(own, None)
        anchors = self.similar.anchors(own, settings.threshold, settings.iterations)
        if settings.proxy_anchors:
            return anchors
        assert anchors.set_sizes is not None
        return Queries(own, anchors.expand(anchors.set_sizes))

    def weights(
        self, queries: Queries, settings: AttentionSettings, mean_query: Tensor | None
    ) -> Tensor:
        """Steps 2 to 4, without the values: [U, N]."""
        scores = self.cosines(queries.vectors)  # S_ij [U, N]
        shift, scale = self.shift_and_scale(queries, settings, mean_query)
        scores.sub_(shift).mul_(scale)  # A_ij
        floor = (scores.amax(dim=1, keepdim=True) - _TIE).clamp_max(0)
        # F.threshold keeps what is above its limit: everything from 0 on, and no negative number.
        return F.threshold(scores.sub_(floor), -1e-37, -math.inf, inplace=True).softmax(dim=1)

    def shift_and_scale(
        self, queries: Queries, settings: AttentionSettings, mean_query: Tensor | None
    ) -> tuple[Tensor, Tensor | float]:
        """Step 3: what is subtracted from S_ij ([U, 1] or a number), and the factor after it."""
        if not settings.dynamic_normalization:
            assert mean_query is not None
            # mean_ij S_ij = mean(q) . mean(k)
            return settings.beta * (mean_query @ self.mean_key), settings.gamma
        assert queries.set_sizes is not None
        u = dynamic_shift(settings, self.windows)
        mean = (queries.vectors @ self.mean_key).clamp_min(0)  # mean_j S_ij = q_i . mean(k)
        w = 1 + settings.scale / queries.set_sizes.to(mean.dtype)
        return u * mean[:, None], w[:, None]


def dynamic_shift(settings: AttentionSettings, visible_windows: int) -> float:
    """U = 1 + lambda1 ln(1 + L_vis)."""
    return 1.0 + settings.shift * math.log1p(visible_windows)


def attention_chunks(
    keys: Tensor,
    settings: AttentionSettings,
    *,
    chunk_bytes: int = CHUNK_BYTES,
    before_chunk: Callable[[], None] | None = None,
) -> Iterator[WeightChunk]:
    """Weights of every query, in order, a chunk of rows at a time.

    Args:
        keys: [L, S, Dk] raw keys.
        settings: switches and constants.
        chunk_bytes: temporary memory of a chunk.
        before_chunk: called while a first pass takes the mean query; it may raise to stop.
    """
    windows, tokens, _ = keys.shape
    groups = [keys.flatten(0, 1)] if settings.cross_window else keys.unbind(0)
    for first, group in zip(range(0, windows * tokens, len(groups[0])), groups, strict=True):
        visible = Visible(group, windows if settings.cross_window else 1)
        mean, kept = None, None
        if not settings.dynamic_normalization:
            mean, kept = _mean_query(visible, settings, chunk_bytes, before_chunk)
        for rows in row_chunks(len(visible), len(visible), chunk_bytes):
            if kept is not None:
                queries = Queries(kept[rows], None)
            else:
                queries = visible.queries(rows, settings)
            weights = visible.weights(queries, settings, mean)
            yield WeightChunk(first + rows.start, first, weights, queries)


def _mean_query(
    visible: Visible,
    settings: AttentionSettings,
    chunk_bytes: int,
    before_chunk: Callable[[], None] | None = None,
) -> tuple[Tensor, Tensor | None]:
    """Mean query [Dk], and the anchors [N, Dk] when they are small enough to keep."""
    if not settings.proxy_anchors:
        return visible.mean_key, None
    kept = torch.empty_like(visible.keys) if keep_anchors(visible.keys) else None
    total = torch.zeros_like(visible.mean_key)
    for rows in row_chunks(len(visible), len(visible), chunk_bytes):
        if before_chunk:
            before_chunk()
        queries = visible.queries(rows, settings)
        total += queries.total()
        if kept is not None:
            kept[rows] = queries.expand(queries.vectors)
    return total / len(visible), kept


def mean_query(
    keys: Tensor, settings: AttentionSettings, before_chunk: Callable[[], None] | None = None
) -> Tensor:
    """Mean query [Dk] over all windows: what the fixed normalization needs of all other rows.

    Computed once, it serves every `glaclip.clicks.attention_row` of a photo. `before_chunk` is
    called before each chunk of rows and may raise to stop.
    """
    visible = Visible(keys.flatten(0, 1), len(keys))
    return _mean_query(visible, settings, CHUNK_BYTES, before_chunk)[0]


def attend(
    keys: Tensor,
    values: Tensor,
    settings: AttentionSettings,
    *,
    key_grid: tuple[int, int] | None = None,
    value_grid: tuple[int, int] | None = None,
    chunk_bytes: int = CHUNK_BYTES,
    progress: Progress | None = None,
) -> Tensor:
    """Averages values over the windows each query may see (method, section 2).

    Args:
        keys: [L, S, Dk] raw keys of all windows, any float type; similarities are float32.
        values: [L, Sv, Dv]. When Sv != S they count as resized bilinearly to the key grid.
        settings: the switches and their constants; all combinations are valid.
        key_grid: (rows, columns) of the keys; square when left out. Needed only when Sv != S.
        value_grid: (rows, columns) of the values; square when left out.
        chunk_bytes: temporary memory of a chunk of rows; the result does not depend on it.
        progress: called as (windows done, windows) at the start and with each chunk; it may raise
            to stop.

    Returns:
        [L, S, Dv] in the values' type.

    Raises:
        ValueError: shapes that do not belong together.
    """
    resizing = Resizing.between(keys, values, key_grid, value_grid)
    return attend_and_mean_query(keys, values, settings, resizing, chunk_bytes, progress)[0]


def attend_and_mean_query(
    keys: Tensor,
    values: Tensor,
    settings: AttentionSettings,
    resizing: Resizing,
    chunk_bytes: int = CHUNK_BYTES,
    progress: Progress | None = None,
) -> tuple[Tensor, Tensor]:
    """`attend`, and the mean query [Dk], which with context and anchors on equals `mean_query`."""
    windows, tokens, _ = keys.shape
    flat = values.flatten(0, 1).to(torch.promote_types(values.dtype, torch.float32))
    output = flat.new_empty((windows * tokens, flat.shape[1]))
    total = torch.zeros((), device=keys.device)
    done = 0

    def report() -> None:
        if progress:
            progress(done, windows)

    report()
    for chunk in attention_chunks(keys, settings, chunk_bytes=chunk_bytes, before_chunk=report):
        weights = resizing.weights(chunk.weights.to(flat.dtype))  # [U, Nv]
        first = chunk.first // tokens * values.shape[1]
        mixed = chunk.queries.expand(weights @ flat[first : first + weights.shape[1]])  # [R, Dv]
        output[chunk.start : chunk.start + len(mixed)] = mixed
        total = total + chunk.queries.total()
        done = (chunk.start + len(mixed)) // tokens
        report()
    return output.view(windows, tokens, -1).to(values.dtype), total / (windows * tokens)
