"""Labels in other tools' formats, read back as those tools read them."""

from __future__ import annotations

import io
import json
import struct
import zipfile
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image, ImageDraw
from pycocotools import mask as coco_mask
from pycocotools.coco import COCO

from glaclip.evaluation.data.class_lists import read_class_list
from glaclip.evaluation.data.label_maps import Meaning, read_label_map
from glaclip.pictures.formats import FORMATS, LabeledPhoto, MapPlace, place_of
from glaclip.pictures.formats.outlines import area_of, polygons
from glaclip.pictures.formats.rle import brush_rle

CLASSES = ("sky", "grass & moss", "house: red")
COLORS = np.array([[0, 0, 0], [200, 30, 30], [200, 30, 30]], np.uint8)  # black, and one twice


def rings() -> np.ndarray:
    """Three classes; one lies within a hole of another, with the third in its own hole."""
    y, x = np.mgrid[:90, :120]
    distance = np.hypot(y - 45, x - 60)
    labels = np.zeros((90, 120), np.int16)
    labels[distance < 38] = 1
    labels[distance < 24] = 2
    labels[distance < 10] = 0
    labels[80:, 100:] = 2
    return labels


PHOTO = LabeledPhoto("street 1/a", "street 1/a.jpg", rings(), CLASSES, COLORS)


def files(name: str, *photos: LabeledPhoto) -> dict[str, bytes]:
    return dict(FORMATS[name].files(photos or (PHOTO,)))


def test_indexed_png() -> None:
    found = files("png")
    with Image.open(io.BytesIO(found["labels/street 1/a.png"])) as image:
        assert image.mode == "P"
        np.testing.assert_array_equal(np.asarray(image), PHOTO.labels)
    assert read_class_list(found["labels/classes.txt"].decode()).classes[1].name == "grass & moss"


def test_coco_is_read_by_pycocotools(tmp_path: Path) -> None:
    other = LabeledPhoto("b", "b.jpg", np.full((3, 5), 2), CLASSES, COLORS)
    (tmp_path / "coco.json").write_bytes(files("coco", PHOTO, other)["coco.json"])
    coco = COCO(tmp_path / "coco.json")
    assert [c["name"] for c in coco.loadCats(coco.getCatIds())] == list(CLASSES)
    for image, photo in zip(coco.loadImgs(coco.getImgIds()), (PHOTO, other), strict=True):
        assert (image["height"], image["width"]) == photo.labels.shape
        read = np.full(photo.labels.shape, -1)
        for annotation in coco.loadAnns(coco.getAnnIds(image["id"])):
            mask = coco.annToMask(annotation).astype(bool)
            assert annotation["area"] == mask.sum()
            assert annotation["bbox"] == list(coco_mask.toBbox(annotation["segmentation"]))
            read[mask] = annotation["category_id"] - 1
        np.testing.assert_array_equal(read, photo.labels)


def test_panoptic_pictures_hold_the_segments_of_their_json() -> None:
    found = files("panoptic")
    annotation = json.loads(found["panoptic.json"])["annotations"][0]
    with Image.open(io.BytesIO(found[f"panoptic/{annotation['file_name']}"])) as image:
        red, green, blue = np.moveaxis(np.asarray(image).astype(int), -1, 0)
    ids = red + 256 * green + 65536 * blue
    assert {s["id"]: s["area"] for s in annotation["segments_info"]} == {
        int(i): int((ids == i).sum()) for i in np.unique(ids)
    }
    category = {s["id"]: s["category_id"] for s in annotation["segments_info"]}
    np.testing.assert_array_equal(np.vectorize(category.get)(ids) - 1, PHOTO.labels)


def test_labelme_draws_the_labels_again() -> None:
    document = json.loads(files("labelme")["street 1/a.json"])
    # What labelme's own schema asks for.
    assert document.keys() >= {"version", "flags", "shapes", "imagePath", "imageData"}
    assert (document["imageHeight"], document["imageWidth"]) == PHOTO.labels.shape
    assert document["imagePath"] == "a.jpg"
    scale = 8
    canvas = Image.new("L", (120 * scale, 90 * scale), 255)
    for shape in document["shapes"]:  # one over the other, as labelme's shapes_to_label does
        assert shape["shape_type"] == "polygon"
        points = [(scale * x, scale * y) for x, y in shape["points"]]
        assert len(points) > 2
        ImageDraw.Draw(canvas).polygon(points, fill=CLASSES.index(shape["label"]))
    drawn = np.asarray(canvas)[scale // 2 :: scale, scale // 2 :: scale]
    assert (drawn != PHOTO.labels).mean() < 0.01


@pytest.mark.parametrize("place", [None, MapPlace((0.5, 0, 1000, 0, -0.5, 2000), 32633)])
def test_geojson_rings_hold_their_pixels(place: MapPlace | None) -> None:
    photo = LabeledPhoto("a", "a.tif", rings(), CLASSES, COLORS, place)
    document = json.loads(files("geojson", photo)["a.geojson"])
    one = 0.25 if place else 1.0
    for feature in document["features"]:
        area = 0.0
        for polygon in feature["geometry"]["coordinates"]:
            for number, ring in enumerate(np.array(r) for r in polygon):
                assert ring[0].tolist() == ring[-1].tolist()
                assert (area_of(ring) > 0) == (number == 0), "outer rings turn left, holes right"
                area += area_of(ring)
        assert area / one == pytest.approx(feature["properties"]["pixels"], rel=0.02)
    corners = np.concatenate([np.array(p[0]) for f in document["features"]
                              for p in f["geometry"]["coordinates"]])  # fmt: skip
    if place:
        assert document["crs"]["properties"]["name"] == "urn:ogc:def:crs:EPSG::32633"
        assert corners.min(axis=0).tolist() == [1000, 1955]
        assert corners.max(axis=0).tolist() == [1060, 2000]
    else:
        assert corners.min(axis=0).tolist() == [0, 0]
        assert corners.max(axis=0).tolist() == [120, 90]
        assert "crs" not in document


def test_outline_of_one_pixel_and_of_nothing() -> None:
    mask = np.zeros((5, 6), bool)
    assert polygons(mask) == []
    mask[2, 3] = True
    ((ring,),) = polygons(mask)
    assert ring.mean(axis=0) == pytest.approx([3.5, 2.5], abs=0.2)


def brush_of(content: list[int]) -> np.ndarray:
    """Values of Label Studio's run lengths, by its own JavaScript decoder."""
    bits, place = "".join(f"{byte:08b}" for byte in content), 0

    def read(count: int) -> int:
        nonlocal place
        place += count
        return int(bits[place - count : place], 2)

    count, size = read(32), read(5) + 1
    sizes = [read(4) + 1 for _ in range(4)]
    values: list[int] = []
    while len(values) < count:
        same = read(1)
        length = read(sizes[read(2)]) + 1
        values += [read(size)] * length if same else [read(size) for _ in range(length)]
    return np.array(values)


def test_label_studio_brushes_are_decoded_to_the_masks() -> None:
    found = files("label-studio")
    (task,) = json.loads(found["label_studio.json"])
    assert task["data"]["image"].endswith("street 1/a.jpg")
    read = np.full(PHOTO.labels.shape, -1)
    for result in task["predictions"][0]["result"]:
        size = result["original_height"], result["original_width"]
        alpha = brush_of(result["value"]["rle"]).reshape(*size, 4)[..., 3]
        read[alpha > 0] = CLASSES.index(result["value"]["brushlabels"][0])
    np.testing.assert_array_equal(read, PHOTO.labels)
    interface = ElementTree.fromstring(found["label_studio.xml"])
    brush = interface.find("BrushLabels")
    assert brush is not None
    assert [label.get("value") for label in brush] == list(CLASSES)
    assert (brush.get("name"), brush.get("toName")) == (result["from_name"], result["to_name"])


def test_long_runs_of_a_brush() -> None:
    mask = np.zeros((300, 400), bool)
    mask[10:, 3:] = True
    np.testing.assert_array_equal(brush_of(brush_rle(mask)).reshape(300, 400, 4)[..., 0] > 0, mask)


def test_cvat_archive_is_read_by_our_reader_of_color_lists(tmp_path: Path) -> None:
    zipfile.ZipFile(io.BytesIO(files("cvat")["cvat.zip"])).extractall(tmp_path)
    assert (tmp_path / "ImageSets/Segmentation/default.txt").read_text() == "street 1/a\n"
    listed = read_class_list((tmp_path / "labelmap.txt").read_text(), "labelmap.txt")
    assert [c.name for c in listed.classes.values()] == [
        "background", "sky", "grass & moss", "house red",
    ]  # fmt: skip
    assert len(listed.colors) == 4, "a color each, black for the background alone"
    for folder in ("SegmentationClass", "SegmentationObject"):
        path = tmp_path / folder / "street 1/a.png"
        read = read_label_map(path, Meaning.of({i: i - 1 for i in range(4)}, listed))
        np.testing.assert_array_equal(read.labels, PHOTO.labels)


def test_pixels_without_a_class_are_in_no_format() -> None:
    labels = rings()
    labels[:5] = -1
    photo = LabeledPhoto("a", "a.png", labels, CLASSES, COLORS)
    (task,) = json.loads(files("label-studio", photo)["label_studio.json"])
    masks = [brush_of(r["value"]["rle"]).reshape(90, 120, 4)[..., 0] > 0
             for r in task["predictions"][0]["result"]]  # fmt: skip
    assert not np.any(masks, axis=0)[:5].any()
    (annotation,) = json.loads(files("panoptic", photo)["panoptic.json"])["annotations"]
    assert sum(s["area"] for s in annotation["segments_info"]) == (labels >= 0).sum()


# --- places on a map --------------------------------------------------------------------------


def test_world_file_speaks_of_the_middle_of_a_pixel(tmp_path: Path) -> None:
    Image.new("RGB", (20, 20)).save(tmp_path / "a.jpg")
    assert place_of(tmp_path / "a.jpg") is None
    (tmp_path / "a.jgw").write_text("2\n0\n0\n-2\n101\n199\n")
    place = place_of(tmp_path / "a.jpg")
    assert place is not None
    np.testing.assert_allclose(place.of(np.array([[0.0, 0.0], [20.0, 10.0]])),
                               [[100, 200], [140, 180]])  # fmt: skip
    (tmp_path / "a.jgw").write_text("2\n0\nnan\n-2\n101\n199\n")
    assert place_of(tmp_path / "a.jpg") is None


@pytest.mark.parametrize(("kind", "shift"), [(1, 0.0), (2, 0.5)])
def test_geotiff_tags(tmp_path: Path, kind: int, shift: float) -> None:
    from PIL.TiffImagePlugin import ImageFileDirectory_v2

    tags = ImageFileDirectory_v2()
    tags[33550], tags.tagtype[33550] = (10.0, 10.0, 0.0), 12
    tags[33922], tags.tagtype[33922] = (0.0, 0.0, 0.0, 5000.0, 9000.0, 0.0), 12
    tags[34735] = struct.unpack(
        "12H", struct.pack("12H", 1, 1, 0, 2, 1025, 0, 1, kind, 3072, 0, 1, 32633)
    )
    tags.tagtype[34735] = 3
    Image.new("RGB", (20, 20)).save(tmp_path / "a.tif", tiffinfo=tags)
    place = place_of(tmp_path / "a.tif")
    assert place is not None
    assert place.epsg == 32633
    np.testing.assert_allclose(
        place.of(np.array([[shift, shift], [2 + shift, 1 + shift]])), [[5000, 9000], [5020, 8990]]
    )
