"""Colors that people expect of well-known things: a blue sky, green grass, a gray road."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

#: sRGB colors near a thing's own, and the words that name it. The palette moves them apart where
#: two would look alike, to normal or to color-blind eyes.
_THINGS: Final[tuple[tuple[str, str], ...]] = (
    ("#6fb7f2", "sky, blue sky, air"),
    ("#c9dcf5", "cloud, fog, mist, smoke, steam"),
    ("#2c6fc4", "water, sea, ocean, lake, river, pond, stream, pool, waterfall, blue"),
    ("#7cc242", "grass, meadow, lawn, pasture, green, terrain"),
    ("#2f7d32", "tree, forest, wood, bush, vegetation, hedge, shrub, palm, jungle"),
    ("#9ccc3c", "plant, leaf, foliage, potted plant, fern, lettuce, cucumber"),
    ("#c9b23a", "field, wheat, hay, straw, crop, corn"),
    ("#e66aa8", "flower, rose, blossom, pink"),
    ("#e8cf8e", "sand, beach, desert, dune"),
    ("#8a5a3c", "soil, ground, earth, mud, dirt, brown, chocolate, coffee"),
    ("#9a8778", "rock, stone, boulder, cliff, gravel"),
    ("#8f7aa6", "mountain, mountain range, hill, volcano"),
    ("#d3ecf7", "snow, ice, glacier, white"),
    ("#7a6a86", "road, street, asphalt, highway, runway, gray, grey"),
    ("#b58fae", "sidewalk, pavement, path, footpath, pedestrian area"),
    ("#b5653f", "building, house, brick, roof, castle, tower, skyscraper, barn, church"),
    ("#d8b48a", "wall, facade, plaster, cardboard"),
    ("#a9713f", "floor, table, desk, door, wooden wall, fence, bench, cabinet, log, board"),
    ("#e8503f", "person, man, woman, child, people, pedestrian, boy, girl, rider, human, crowd"),
    ("#e0313a", "red, crimson, tomato, strawberry, apple, fire truck, stop sign"),
    ("#c98a4b", "dog, horse, lion, deer, camel, kangaroo, bread, teddy bear, violin"),
    ("#f08a24", "orange, fire, flame, carrot, pumpkin, fox, tiger, goldfish, sunset, basketball"),
    ("#f2d22e", "sun, yellow, banana, lemon, sunflower, taxi, cheese, traffic light"),
    ("#8c4fc2", "purple, violet, lavender, grape, eggplant, plum"),
)
_OWN: Final = {
    word: (int(color[1:3], 16), int(color[3:5], 16), int(color[5:7], 16))
    for color, words in _THINGS
    for word in words.split(", ")
}


def own_color(name: str) -> tuple[int, int, int] | None:
    """The sRGB color of a thing whose color is known by heart, or None.

    Of several words the last counts: "a palm tree" is a tree, "wooden wall" is known as a whole.
    """
    return next((_OWN[word] for word in _readings(name) if word in _OWN), None)


def _readings(name: str) -> Iterator[str]:
    whole = " ".join(name.lower().replace("-", " ").replace("_", " ").split())
    words = whole.split(" ")
    for text in (whole, " ".join(words[-2:]), words[-1]):
        yield text
        if text.endswith("ies"):
            yield text[:-3] + "y"
        if text.endswith("es"):
            yield text[:-2]
        if text.endswith("s"):
            yield text[:-1]
