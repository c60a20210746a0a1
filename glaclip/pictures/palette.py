"""Colors for classes: one fixed sequence, told apart also by color-blind eyes.

The sequence is grown by greedy farthest point: every next color is the candidate whose nearest
color so far is as far as possible, in OKLab, for normal vision and for simulated protanopia,
deuteranopia and tritanopia at once. So color i never depends on how many colors are asked for.

Words of well-known things come first in it, with the candidate nearest to their own color that is
far enough from the others' (`class_colors`).
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from glaclip.pictures.own_colors import own_color

#: 512 classes and the background.
MAX_COLORS: Final = 513

#: The background class: a gray, which the sequence never comes near.
BACKGROUND: Final = (140, 143, 150)

#: Full-severity dichromacy in linear RGB: Machado, Oliveira and Fernandes, "A Physiologically-based
#: Model for Simulation of Color Vision Deficiency", IEEE TVCG 15(6), 2009.
DEFICIENCIES: Final[dict[str, tuple[tuple[float, float, float], ...]]] = {
    "protanopia": (
        (0.152286, 1.052583, -0.204868),
        (0.114503, 0.786281, 0.099216),
        (-0.003882, -0.048116, 1.051998),
    ),
    "deuteranopia": (
        (0.367322, 0.860646, -0.227968),
        (0.280085, 0.672501, 0.047413),
        (-0.011820, 0.042940, 0.968881),
    ),
    "tritanopia": (
        (1.255528, -0.076749, -0.178779),
        (-0.078411, 0.930809, 0.147602),
        (0.004733, 0.691367, 0.303900),
    ),
}

# Bjorn Ottosson, "A perceptual color space for image processing", 2020.
_RGB_TO_LMS: Final = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
)
_LMS_TO_OKLAB: Final = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
)

# Steps of each sRGB channel among the candidates.
_CHANNEL_STEPS: Final = 18
# OKLab lightness: darker drowns in shadows, lighter in clouds.
_LIGHTNESS: Final = (0.42, 0.92)
# OKLab chroma: below, a color looks like a gray part of the photo; above, it glares on a screen.
_CHROMA: Final = (0.06, 0.21)
_FIRST: Final = (45, 90, 195)
# Normal vision sees most pairs further apart; counted in full it would never be the limit, and
# ordinary eyes would get colors that differ by lightness alone.
_NORMAL_WEIGHT: Final = 0.5
# Words with a color of their own keep this share of the distance that colors without words reach,
# and no more than is enough: Okabe and Ito's well-known palette keeps 0.076.
_OWN_APART: Final = 0.8
_ENOUGH: Final = 0.085
# A darker blue is still the sky's; a green one is not.
_LIGHTNESS_WEIGHT: Final = 0.6


def _linear(rgb: NDArray[np.uint8]) -> NDArray[np.float64]:
    share = rgb.astype(np.float64) / 255
    return np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)


def oklab(rgb: NDArray[np.uint8], deficiency: str | None = None) -> NDArray[np.float64]:
    """OKLab [..., 3] (lightness 0..1, a, b) of sRGB colors [..., 3].

    Args:
        rgb: sRGB colors.
        deficiency: a key of `DEFICIENCIES`: the colors as such eyes see them.
    """
    linear = _linear(rgb)
    if deficiency is not None:
        linear = np.clip(linear @ np.array(DEFICIENCIES[deficiency]).T, 0, 1)
    return np.asarray(np.cbrt(linear @ _RGB_TO_LMS.T) @ _LMS_TO_OKLAB.T)


def _candidates() -> NDArray[np.uint8]:
    steps = np.rint(np.linspace(0, 255, _CHANNEL_STEPS)).astype(np.uint8)
    rgb = np.stack(np.meshgrid(steps, steps, steps, indexing="ij"), axis=-1).reshape(-1, 3)
    lightness, a, b = oklab(rgb).T
    chroma = np.hypot(a, b)
    fits = (lightness >= _LIGHTNESS[0]) & (lightness <= _LIGHTNESS[1])
    fits &= (chroma >= _CHROMA[0]) & (chroma <= _CHROMA[1])
    return np.asarray(rgb[fits], dtype=np.uint8)


class _Choice:
    """Candidates, and how far each is from the chosen colors, for the eyes it is worst for."""

    def __init__(self) -> None:
        self.rgb, self.seen = _candidates_as_seen()
        self.nearest = np.full(len(self.rgb), np.inf)  # squared

    def take(self, index: int) -> NDArray[np.uint8]:
        """The color of a candidate; from now on it is one to keep away from."""
        distance = ((self.seen - self.seen[:, index : index + 1]) ** 2).sum(axis=2)  # [4, K]
        self.nearest = np.minimum(self.nearest, distance.min(axis=0))
        color: NDArray[np.uint8] = self.rgb[index]
        return color

    def farthest(self) -> NDArray[np.uint8]:
        """Takes the candidate farthest from all chosen ones; the first is `_FIRST`."""
        if np.isinf(self.nearest[0]):
            return self.take(self._closest(_FIRST, np.ones(len(self.rgb), dtype=bool)))
        # Rounding leaves ties to the first candidate whatever the last bits of a library's cbrt.
        return self.take(int(np.argmax(np.round(self.nearest, 9))))

    def near(self, color: tuple[int, int, int], apart: float) -> NDArray[np.uint8]:
        """Takes the candidate nearest to a color among those at least `apart` from the chosen."""
        allowed = self.nearest >= apart**2
        return self.take(self._closest(color, allowed)) if allowed.any() else self.farthest()

    def _closest(self, color: tuple[int, int, int], allowed: NDArray[np.bool_]) -> int:
        target = oklab(np.array(color, dtype=np.uint8))
        weights = (_LIGHTNESS_WEIGHT, 1, 1)
        offset = (((oklab(self.rgb) - target) * weights) ** 2).sum(axis=1)
        return int(np.argmin(np.where(allowed, np.round(offset, 9), np.inf)))


@functools.lru_cache(maxsize=1)
def _candidates_as_seen() -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    """Candidates [K, 3] and their OKLab [4, K, 3], by normal and by color-blind eyes."""
    rgb = _candidates()
    seen = np.stack([oklab(rgb), *(oklab(rgb, name) for name in DEFICIENCIES)])
    seen[0] *= _NORMAL_WEIGHT
    return rgb, seen


@functools.lru_cache(maxsize=1)
def _sequence() -> NDArray[np.uint8]:
    """[MAX_COLORS, 3]; about a quarter of a second, once, on first use and not on import."""
    choice = _Choice()
    colors = np.stack([choice.farthest() for _ in range(MAX_COLORS)])
    colors.setflags(write=False)
    return colors


def palette(count: int, background: int | None = None) -> NDArray[np.uint8]:
    """The first `count` colors [count, 3], sRGB; color i is the same for every count.

    Args:
        count: 1 to 513.
        background: index of the background class, which gets `BACKGROUND` instead.

    Raises:
        ValueError: count outside 1..513, or background outside the colors.
    """
    if not 1 <= count <= MAX_COLORS:
        raise ValueError(f"count must be from 1 to {MAX_COLORS}; received {count}")
    colors = _sequence()[:count].copy()
    if background is not None:
        if not 0 <= background < count:
            raise ValueError(f"background must be from 0 to {count - 1}; received {background}")
        colors[background] = BACKGROUND
    return colors


def class_colors(names: Sequence[str], background: int | None = None) -> NDArray[np.uint8]:
    """Colors of classes by their names [C, 3], sRGB: a sky is blue and grass is green.

    Words that name no well-known thing continue with colors far from all others; without any
    well-known thing the colors are those of `palette`.

    Args:
        names: shown names, 1 to 513.
        background: index of the background class, which gets `BACKGROUND`.

    Raises:
        ValueError: as `palette`.
    """
    return _class_colors(tuple(names), background).copy()


@functools.lru_cache(maxsize=64)
def _class_colors(names: tuple[str, ...], background: int | None) -> NDArray[np.uint8]:
    colors = palette(len(names), background)
    own = [None if i == background else own_color(name) for i, name in enumerate(names)]
    if not any(own):
        return colors
    choice, apart = _Choice(), min(_ENOUGH, _OWN_APART * _closest_of(len(names)))
    for index, color in enumerate(own):
        if color:
            colors[index] = choice.near(color, apart)
    for index, color in enumerate(own):
        if not color and index != background:
            colors[index] = choice.farthest()
    return colors


@functools.lru_cache(maxsize=64)
def _closest_of(count: int) -> float:
    """How far the two closest of the first `count` colors are, to the eyes that see it worst."""
    choice, least = _Choice(), np.inf
    for _ in range(count):
        index = int(np.argmax(np.round(choice.nearest, 9)))
        least = min(least, choice.nearest[index])
        choice.farthest()
    return float(np.sqrt(least)) if np.isfinite(least) else 0.0


def hex_of(colors: NDArray[np.uint8]) -> tuple[str, ...]:
    """Colors [C, 3] as "#rrggbb"."""
    return tuple(f"#{red:02x}{green:02x}{blue:02x}" for red, green, blue in colors)


def ink(rgb: NDArray[np.uint8] | tuple[int, int, int]) -> str:
    """The more readable text color on a background: "#000000" or "#ffffff" (WCAG contrast)."""
    red, green, blue = _linear(np.asarray(rgb, dtype=np.uint8))
    luminance = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    # Black has contrast (Y + 0.05) / 0.05 and white 1.05 / (Y + 0.05).
    return "#000000" if (luminance + 0.05) ** 2 > 1.05 * 0.05 else "#ffffff"
