"""Training crops: scale, mosaic, photometric changes, and street scenes put together from parts."""

from __future__ import annotations

import io
import math
import random
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter
from scipy import ndimage

from training.data.photos import IGNORE, DensePhoto, concept

SIDE = 224
#: Two windows of a training region lie so far apart.
STRIDE = 112
#: Label maps are kept at a quarter of a window's side: 2 x 2 votes for an 8-pixel key.
LABEL_SIDE = 56

Canvases = tuple[ImageDraw.ImageDraw, ImageDraw.ImageDraw]  # photo, labels
Color = tuple[int, ...]
Pair = tuple[np.ndarray, np.ndarray]  # photo uint8 [H, W, 3], concepts uint8 [H, W]
PERSON, BICYCLE = concept("voc2012", "person"), concept("voc2012", "bicycle")
CYCLIST, POLE, FENCE, PLATE = (concept("made", n) for n in ("cyclist", "pole", "fence", "plate"))
CARS = {concept("voc2012", "car"), concept("voc2012", "bus"), concept("msrc_v2", "car")}
BICYCLES = {BICYCLE, concept("msrc_v2", "bicycle")}
STREET_OBJECTS = CARS | BICYCLES | {PERSON, concept("voc2012", "motorbike")}
GROUND = {concept("labelmefacade", n) for n in ("road", "pavement", "vegetation")}


def resize(pair: Pair, width: int, height: int) -> Pair:
    """Photo bilinearly, labels by nearest neighbor."""
    photo = Image.fromarray(pair[0]).resize((width, height), Image.Resampling.BILINEAR)
    labels = Image.fromarray(pair[1]).resize((width, height), Image.Resampling.NEAREST)
    return np.asarray(photo), np.asarray(labels)


def scaled(pair: Pair, short_side: float, rng: random.Random, stretch: float = 1.15) -> Pair:
    """Short side as asked, the aspect ratio changed by at most `stretch`."""
    height, width = pair[1].shape
    factor = short_side / min(height, width)
    change = stretch ** rng.uniform(-0.5, 0.5)
    return resize(pair, max(8, round(width * factor * change)), max(8, round(height * factor)))


def region(pair: Pair, rng: random.Random, height: int, width: int) -> Pair:
    """A random rectangle; a photo that is too small is continued by its mirror image.

    Flipped half of the time.
    """
    pad = [
        (0, max(0, want - size)) for want, size in zip((height, width), pair[1].shape, strict=True)
    ]
    if any(after for _, after in pad):
        pair = np.pad(pair[0], (*pad, (0, 0)), mode="symmetric"), np.pad(pair[1], pad, "symmetric")
    top = rng.randint(0, pair[1].shape[0] - height)
    left = rng.randint(0, pair[1].shape[1] - width)
    step = rng.choice((1, -1))
    photo, labels = (a[top : top + height, left : left + width][:, ::step] for a in pair)
    return photo.copy(), labels.copy()


def with_cyclists(pair: Pair, rng: random.Random) -> Pair:
    """Renames persons on bicycles, with their bicycles, to cyclist."""
    photo, labels = pair
    person, bicycle = labels == PERSON, labels == BICYCLE
    if not (person.any() and bicycle.any()):
        return pair
    near = ndimage.binary_dilation(bicycle, iterations=3)
    regions, count = ndimage.label(person | near)
    labels = labels.copy()
    for region in range(1, count + 1):
        inside = regions == region
        if (inside & person).sum() > 0.5 * (inside & bicycle).sum() and (inside & bicycle).any():
            labels[inside & (person | bicycle)] = CYCLIST
    return photo, labels


def cut_objects(photos: Sequence[DensePhoto]) -> dict[str, list[Pair]]:
    """Street objects cut out with their masks, by kind; IGNORE marks what is not the object."""
    cut: dict[str, list[Pair]] = {"person": [], "bicycle": [], "car": [], "other": []}
    for photo in photos:
        image, labels = with_cyclists(photo.read(), random.Random(0))
        wanted = np.isin(labels, list(STREET_OBJECTS | {CYCLIST}))
        regions, _ = ndimage.label(wanted)
        for index, box in enumerate(ndimage.find_objects(regions), 1):
            inside = regions[box] == index
            if inside.shape[0] < 48 or inside.sum() < 1200:
                continue
            mask = np.where(inside, labels[box], IGNORE).astype(np.uint8)
            cut[_kind(mask)].append((image[box].copy(), mask))
    # A rider is put together from a standing person and a bicycle: photos of riders are rare.
    rng = random.Random(0)
    standing = [p for p in cut["person"] if p[1].shape[0] > 1.6 * p[1].shape[1]]
    riders = [_rider(rng.choice(standing), rng.choice(cut["bicycle"]), rng) for _ in range(80)]
    return {**cut, "rider": riders}


def cut_people(photos: Sequence[DensePhoto]) -> list[Pair]:
    """People cut out of photos whose masks name what they wear."""
    cut = []
    for photo in photos:
        image, labels = photo.read()
        regions, _ = ndimage.label(ndimage.binary_closing(labels != IGNORE, iterations=3))
        sizes = np.bincount(regions.ravel())[1:]
        if not len(sizes):
            continue
        box = ndimage.find_objects(regions)[sizes.argmax()]
        inside = ndimage.binary_fill_holes(regions[box] == sizes.argmax() + 1)
        if inside.shape[0] > 1.5 * inside.shape[1]:
            cut.append((image[box].copy(), np.where(inside, PERSON, IGNORE).astype(np.uint8)))
    return cut


def _kind(mask: np.ndarray) -> str:
    values = np.unique(mask[mask != IGNORE])
    if len(values) > 1 or values[0] == CYCLIST:
        return "other"
    if values[0] == PERSON:
        return "person"
    return "bicycle" if values[0] in BICYCLES else "car" if values[0] in CARS else "other"


def _rider(person: Pair, bicycle: Pair, rng: random.Random) -> Pair:
    bike = resize(bicycle, 140, round(90 * rng.uniform(0.9, 1.1)))
    tall = round(150 * rng.uniform(0.9, 1.1))
    body = resize(person, max(24, round(tall * person[1].shape[1] / person[1].shape[0])), tall)
    photo = np.zeros((200, 160, 3), dtype=np.uint8)
    mask = np.full((200, 160), IGNORE, dtype=np.uint8)
    for piece, bottom in ((bike, 200), (body, 180)):
        height, width = piece[1].shape
        left = 80 - width // 2 + (rng.randint(-15, 15) if piece is body else 0)
        here = (slice(bottom - height, bottom), slice(max(0, left), max(0, left) + width))
        inside = piece[1] != IGNORE
        photo[here][inside] = piece[0][inside]
        mask[here][inside] = CYCLIST
    return photo, mask


def paste(pair: Pair, piece: Pair, rng: random.Random) -> None:
    """Pastes a cut-out with its feet on the ground (in place)."""
    photo, labels = pair
    height, width = labels.shape
    tall = int(min(height, width) * math.exp(rng.uniform(math.log(0.08), math.log(0.45))))
    scale = tall / piece[1].shape[0]
    size = [max(6, round(s * scale)) for s in piece[1].shape]
    if size[1] >= width * 0.7:
        return
    image, mask = resize(piece, size[1], size[0])
    if rng.random() < 0.5:
        image, mask = image[:, ::-1], mask[:, ::-1]
    ground = np.argwhere(np.isin(labels, list(GROUND)))
    if len(ground):
        bottom, center = ground[rng.randrange(len(ground))]
    else:
        bottom, center = rng.randint(height // 2, height - 1), rng.randint(0, width - 1)
    top, left = int(bottom) - size[0], int(center) - size[1] // 2
    y0, x0 = max(0, top), max(0, left)
    y1, x1 = min(height, top + size[0]), min(width, left + size[1])
    if y1 - y0 < 6 or x1 - x0 < 4:
        return
    part = (slice(y0 - top, y1 - top), slice(x0 - left, x1 - left))
    inside = mask[part] != IGNORE
    here = photo[y0:y1, x0:x1]
    # Match the light of the place loosely, so that pasting is not given away by brightness.
    bright = 0.5 + 0.5 * (here.mean() + 30) / (image[part].mean() + 30)
    patch = np.clip(image[part] * np.clip(bright, 0.5, 1.5), 0, 255)
    here[inside] = patch[inside]
    labels[y0:y1, x0:x1][inside] = mask[part][inside]


def draw_street(pair: Pair, rng: random.Random) -> Pair:
    """Draws poles, with or without a sign plate, and fences."""
    height, width = pair[1].shape
    photo = Image.fromarray(pair[0])
    labels = Image.fromarray(pair[1])
    canvases = (ImageDraw.Draw(photo), ImageDraw.Draw(labels))
    gray = rng.randint(20, 150)
    tone = tuple(max(0, gray + rng.randint(-15, 15)) for _ in range(3))
    for _ in range(rng.choice((0, 1, 1, 2, 3))):
        _draw_pole(canvases, rng, width, height, tone)
    if rng.random() < 0.35:
        _draw_fence(canvases, rng, width, height, tone)
    return np.asarray(photo).copy(), np.asarray(labels).copy()


def _draw_pole(
    canvases: Canvases, rng: random.Random, width: int, height: int, tone: Color
) -> None:
    x = rng.randint(0, width - 1)
    thick = max(2, round(height * rng.uniform(0.006, 0.03)))
    bottom = round(height * rng.uniform(0.55, 0.95))
    top = bottom - round(height * rng.uniform(0.25, 0.9))
    fills: tuple[Color | int, ...] = (tone, POLE)
    for canvas, color in zip(canvases, fills, strict=True):
        canvas.rectangle((x, top, x + thick - 1, bottom), fill=color)
    if rng.random() < 0.4:
        half = max(3, round(height * rng.uniform(0.02, 0.06)))
        paint = rng.choice(((190, 30, 30), (30, 60, 150), (220, 220, 215), (210, 180, 40)))
        box = (x - half, top, x + half, top + round(2 * half * rng.choice((1, 1, 1.5))))
        shape = rng.choice(("rectangle", "ellipse"))
        for canvas, tint in zip(canvases, (paint, PLATE), strict=True):
            getattr(canvas, shape)(box, fill=tint)
        inner = tuple(v + (half // 3 + 1) * s for v, s in zip(box, (1, 1, -1, -1), strict=True))
        if inner[2] > inner[0] and inner[3] > inner[1]:
            getattr(canvases[0], shape)(inner, fill=(225, 225, 225))


def _draw_fence(
    canvases: Canvases, rng: random.Random, width: int, height: int, tone: Color
) -> None:
    bottom = round(height * rng.uniform(0.55, 0.9))
    tall = round(height * rng.uniform(0.08, 0.25))
    x0 = rng.randint(-width // 4, width // 2)
    x1 = x0 + round(width * rng.uniform(0.3, 0.9))
    gap = max(3, round(tall * rng.uniform(0.08, 0.4)))
    thick = max(1, round(gap * rng.uniform(0.2, 0.6)))
    canvases[1].rectangle((x0, bottom - tall, x1, bottom), fill=FENCE)
    for x in range(x0, x1, gap):
        canvases[0].rectangle((x, bottom - tall, x + thick - 1, bottom), fill=tone)
    for y in (bottom - tall, bottom - max(2, tall // 6)):
        canvases[0].rectangle((x0, y, x1, y + thick), fill=tone)


def photometric(photo: np.ndarray, rng: random.Random) -> np.ndarray:
    """Light, contrast, color, cast, blur, low resolution, noise: each applied some of the time."""
    image = Image.fromarray(photo)
    if rng.random() < 0.7:
        image = ImageEnhance.Contrast(image).enhance(rng.uniform(0.55, 1.35))
    if rng.random() < 0.7:
        image = ImageEnhance.Color(image).enhance(rng.uniform(0.15, 1.4))
    pixels = np.asarray(image).astype(np.float32) / 255
    if rng.random() < 0.8:
        pixels = pixels ** math.exp(rng.uniform(-0.4, 0.7)) * rng.uniform(0.55, 1.15)
    if rng.random() < 0.5:
        cast = [rng.uniform(0.9, 1.1) for _ in range(3)]
        pixels = pixels * np.asarray(cast, dtype=np.float32)
    if rng.random() < 0.3:
        noise = np.random.default_rng(rng.getrandbits(32)).normal(
            0, rng.uniform(0.005, 0.04), pixels.shape
        )
        pixels = pixels + noise
    image = Image.fromarray((np.clip(pixels, 0, 1) * 255).astype(np.uint8))
    if rng.random() < 0.3:
        image = image.filter(ImageFilter.GaussianBlur(rng.uniform(0.3, 1.2)))
    if rng.random() < 0.3:
        buffer = io.BytesIO()
        image.save(buffer, "JPEG", quality=rng.randint(25, 80))
        image = Image.open(buffer).convert("RGB")
    return np.asarray(image)


#: Short sides that a set's photos are scaled to, from and to, in pixels.
SCALES = {
    "msrc_v2": (200, 480),
    "labelmefacade": (224, 560),
    "voc2012": (150, 420),
    "nyuv2": (230, 520),
    "facades_dusk": (224, 448),
    "facades_cmp": (224, 480),
    "stanford_background": (200, 400),
    "clothing_ccp": (224, 500),
    "backyard_surfaces": (224, 420),
    "animals4": (160, 380),
    "materials_matnet": (200, 400),
    "wild_animals6": (140, 340),
}


def make_region(
    photo: DensePhoto, pieces: dict[str, list[Pair]], rng: random.Random
) -> tuple[np.ndarray, np.ndarray, bool]:
    """Two windows that overlap by half, as the method cuts them.

    Returns:
        Pixels uint8 [224, 336, 3] or [336, 224, 3], concepts uint8 of half the sides, and whether
        the windows lie one below the other.
    """
    pair = photo.read()
    if photo.dataset == "voc2012" and rng.random() < 0.5:
        pair = with_cyclists(pair, rng)
    low, high = SCALES[photo.dataset]
    pair = scaled(pair, math.exp(rng.uniform(math.log(low), math.log(high))), rng)
    upright = pair[1].shape[0] > pair[1].shape[1] if rng.random() < 0.7 else rng.random() < 0.5
    size = (SIDE + STRIDE, SIDE) if upright else (SIDE, SIDE + STRIDE)
    pair = region(pair, rng, *size)
    if photo.dataset == "labelmefacade" and rng.random() < 0.65:
        for _ in range(rng.choice((1, 2, 2, 3, 4, 5, 6))):
            kind = rng.choice(("person", "person", "rider", "car", "bicycle", "other"))
            paste(pair, rng.choice(pieces[kind]), rng)
        pair = draw_street(pair, rng)
    image, labels = pair
    if rng.random() < 0.7:
        image = photometric(image, rng)
    step = SIDE // LABEL_SIDE
    return image, labels[step // 2 :: step, step // 2 :: step], upright


def two_windows(array: np.ndarray, upright: bool) -> tuple[np.ndarray, np.ndarray]:
    """The two windows of a region's pixels or labels."""
    if not upright:
        array = array.swapaxes(0, 1)
    side = array.shape[1]
    first, second = array[:side], array[side // 2 : side // 2 + side]
    return (first, second) if upright else (first.swapaxes(0, 1), second.swapaxes(0, 1))
