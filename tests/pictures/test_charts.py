"""Charts: their words, read back from the figure."""

from __future__ import annotations

import io

import numpy as np
import pytest
from matplotlib.figure import Figure

from glaclip.attention.summary import attention_summary
from glaclip.pictures.charts import mass_by_distance_chart, set_size_histogram
from glaclip.pictures.drawing import theme_of
from glaclip.segmenter import Segmenter
from glaclip.settings import CAPTIONS, AttentionSettings
from tests.segmenter.test_segmenter import halves
from tests.toy import ColorBackbone


def text_of(figure: Figure) -> str:
    axes = figure.axes[0]
    words = [axes.get_xlabel(), axes.get_title("left"), *(t.get_text() for t in axes.texts)]
    words += [t.get_text() for t in axes.get_xticklabels()]
    words += [t.get_text() for legend in figure.legends for t in legend.get_texts()]
    return " ".join(words)


def test_charts() -> None:
    segmenter = Segmenter(ColorBackbone())
    encoded = segmenter.encode(halves(448, 336))
    summaries = [
        attention_summary(encoded.tokens.keys, encoded.boxes, rung)
        for rung in AttentionSettings.ladder()
    ]
    for theme in ("light", "dark"):
        bars = mass_by_distance_chart(
            summaries[0].distances, [s.mass_by_distance for s in summaries], theme=theme
        )
        assert CAPTIONS[-1] in text_of(bars)
        assert "own 0.5" in text_of(bars)
        assert "> 2" not in text_of(bars)  # no window is that far
        sizes = summaries[3].set_sizes
        assert sizes is not None
        histogram = set_size_histogram(sizes, theme=theme)
        assert f"median {np.median(sizes):,.0f}" in text_of(histogram)
        for figure in (bars, histogram):
            stream = io.BytesIO()
            figure.savefig(stream)
            assert stream.tell() > 5000
    assert set_size_histogram([1, 1, 1]) is not None
    with pytest.raises(ValueError, match="theme must be light or dark"):
        theme_of("sepia")  # type: ignore[arg-type]


@pytest.mark.parametrize("rungs", [1, 2, 4, 5, 7])
def test_each_rung_has_a_color_of_its_own(rungs: int) -> None:
    masses = [np.array([0.5, 0.5])] * rungs
    names = [f"rung {index}" for index in range(rungs)]
    figure = mass_by_distance_chart(np.array([1.0, np.inf]), masses, names)
    shown = [bars[0].get_facecolor() for bars in figure.axes[0].containers]
    assert len(set(shown)) == rungs
    assert all(name in text_of(figure) for name in names)
