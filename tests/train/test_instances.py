"""Training objects: cores and rims of polygons, what the card says, and what is refused."""

from __future__ import annotations

import json

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import rasterio
import shapely
import torch
from affine import Affine
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import geoseg
from geoseg.classes import NODATA
from geoseg.errors import InputError, OptionError
from geoseg.job import Options
from geoseg.progress.reporters import Silent
from geoseg.tiling import Box
from geoseg.train.boxes.targets import objects_of
from geoseg.train.boxes.windows import BoxWindows
from geoseg.train.data.augment import Augment
from geoseg.train.data.class_mapping import parse_classes
from geoseg.train.data.instances import InstanceLabels, cores, instance_entries
from geoseg.train.data.label_images import Sources, read_labels
from geoseg.train.data.labels import NO_VALUE, PolygonLabels
from geoseg.train.fit import Fitted, Task
from geoseg.train.object_scores import object_scores
from geoseg.train.options import TrainOptions
from geoseg.train.prepare import prepare

SMALL = {
    "encoder": "tu-mobilenetv3_small_050", "window": 64, "batch": 4, "windows": 4, "epochs": 1, "augment": 0.0,
    "device": "cpu", "precision": "fp32",
}  # fmt: skip


@given(arrays(np.int32, st.tuples(st.integers(1, 20), st.integers(1, 20)), elements=st.integers(-1, 4)))
def test_every_object_has_a_core_and_only_objects_have_one(instances):
    core = cores(instances)
    assert set(instances[core].tolist()) == set(instances[instances >= 0].tolist())


def test_cores_of_objects_that_touch_are_apart():
    instances = np.repeat(np.arange(4), 7)[None].repeat(7, 0).astype(np.int32)
    core = cores(np.pad(instances, 9, constant_values=-1))
    assert core.sum() == 4 * 9  # depths 1, 2, 3, 4: the inner 3 × 3 of each 7 × 7
    large = cores(np.pad(np.zeros((60, 60), np.int32), 9, constant_values=-1))
    assert large.sum() == 52 * 52  # a rim of 4 pixels, however large the object


@given(st.integers(0, 30), st.integers(0, 30), st.integers(1, 20), st.integers(1, 20))
def test_labels_do_not_depend_on_how_they_are_read(row, col, height, width):
    squares = [shapely.box(x, y, x + 9, y + 9) for x in range(0, 50, 9) for y in range(0, 50, 12)]
    codes = np.arange(len(squares)) % 2
    labels = InstanceLabels(PolygonLabels("squares", np.array(squares, object), codes, Affine.identity()))
    values, labelled = labels.read(Box(0, 0, 60, 60))
    part, there = labels.read(Box(row, col, height, width))
    assert np.array_equal(part, values[row : row + height, col : col + width])
    assert np.array_equal(there, labelled[row : row + height, col : col + width])
    assert set(np.unique(values)) == {NO_VALUE, 0, 1, 2, 3}


@pytest.fixture(scope="module")
def houses(tmp_path_factory):
    """Bright houses of 10 × 10 pixels that touch in pairs on dark ground, and their footprints."""
    folder = tmp_path_factory.mktemp("houses")
    rng = np.random.default_rng(1)
    transform = Affine(0.5, 0, 500_000, 0, -0.5, 5_400_000)
    image = rng.integers(20, 40, (3, 192, 192), dtype=np.uint8)
    boxes = []
    for row in range(6, 180, 20):
        for col in range(6, 170, 26):
            for k in range(2):
                left = col + 10 * k
                image[:, row : row + 10, left : left + 10] = 200 - 60 * k
                corners = transform * (left, row), transform * (left + 10, row + 10)
                boxes.append(shapely.box(corners[0][0], corners[1][1], corners[1][0], corners[0][1]))
    path = folder / "town.tif"
    profile = {"driver": "GTiff", "width": 192, "height": 192, "count": 3, "dtype": "uint8", "crs": "EPSG:32633"}
    with rasterio.open(path, "w", transform=transform, **profile) as file:
        file.write(image)
        for number, name in enumerate(("red", "green", "blue"), 1):
            file.set_band_description(number, name)
    frame = gpd.GeoDataFrame({"kind": ["house"] * len(boxes)}, geometry=boxes, crs="EPSG:32633")
    labels = folder / "footprints.gpkg"
    frame.to_file(labels)
    return path, labels, len(boxes)


def test_a_trained_model_finds_objects_and_its_card_says_so(houses, tmp_path):
    image, labels, _ = houses
    model = geoseg.train(image, labels, tmp_path / "houses", task="instances", class_field="kind", **SMALL)
    card = geoseg.load_model(tmp_path / "houses").card
    assert [c.name for c in card.classes] == ["background", "house rim", "house core"]
    assert (card.objects.background, card.objects.kinds[0].rim, card.objects.kinds[0].core) == (0, 1, 2)
    assert card.objects.kinds[0].area_m2["50"] == pytest.approx(25, rel=1e-3)
    assert card.to_item()["properties"]["mlm:tasks"][0] == "instance-segmentation"
    assert card.title.startswith("Objects (house) from 3 bands")
    scores = card.metrics["validation"]["objects"]
    assert scores["objects"] == scores["classes"]["house"]["objects"] > 0
    assert "objects" in card.describe()
    assert json.loads((tmp_path / "houses" / "metrics.json").read_text("utf-8"))["objects"] == scores
    frame = geoseg.detect(image, model, score=0.0, options=Options(device="cpu", precision="fp32", runtime="torch"))
    assert set(frame.class_name) <= {"house"}
    with pytest.raises(OptionError, match="fine-tune it with --task instances"):
        geoseg.train(image, labels, base=str(tmp_path / "houses"), class_field="kind", **SMALL)
    base = str(tmp_path / "houses")
    again = geoseg.train(image, labels, base=base, task="instances", class_field="kind", **SMALL)
    assert again.card.objects == card.objects


class Told(torch.nn.Module):
    """Answers windows with what it was told of them."""

    def __init__(self, answers):
        super().__init__()
        self.answers = answers

    def forward(self, x):
        return self.answers[x.numpy().tobytes()]


@pytest.mark.parametrize("share", [1.0, 0.5, 0.0])
def test_objects_of_held_out_places_are_counted_once(houses, share):
    """A network that says the labels is right about all objects, and one that says some of them about these."""
    image, labels, _ = houses
    options = TrainOptions(task="instances", window=64, device="cpu", validation=0.4)
    sources = Sources([image], [str(labels)], class_field="kind")
    prepared = prepare(sources, options, None, Silent())
    windows = prepared.validation_windows()
    held = np.zeros((192, 192), bool)
    answers, rng, kept = {}, np.random.default_rng(0), {}
    for number, (scene, read, _) in enumerate(windows.windows):
        x, y, _ = windows.scenes[scene].read(read)
        inside = read.intersection(Box(0, 0, 192, 192))
        held[inside.row : inside.bottom, inside.col : inside.right] |= (windows[number].y.numpy() != 255)[
            inside.within(read)
        ]
        ids = prepared.held[0].labels.source.source.polygons.instances(read)
        for one in np.unique(ids[ids >= 0]).tolist():
            kept.setdefault(one, rng.random() < share)
        y = np.where(np.isin(ids, [one for one, keep in kept.items() if not keep]) | (y == 255), 0, y)
        answers[x[None].tobytes()] = 9 * torch.nn.functional.one_hot(torch.from_numpy(y[None]).long(), 3).movedim(3, 1)
    frame = gpd.read_file(labels)
    centres = np.stack([frame.centroid.x - 500_000, 5_400_000 - frame.centroid.y]) * 2
    wanted = held[tuple(centres[::-1].astype(int))]
    right = wanted & [kept.get(one, False) for one in range(len(frame))]
    matrix = np.zeros((3, 3), np.int64)
    fitted = Fitted({}, matrix, 0, 1, 1, 1, 1, 1e-3, "")
    task = Task(prepared, options, Told(answers), "", None)
    scores = object_scores(task, fitted, 2.0)
    assert scores["objects"] == wanted.sum() > 10
    if share:
        assert scores["recall"] == pytest.approx(right.sum() / wanted.sum(), abs=1e-4)
        assert scores["precision"] == 1
        assert scores["score"] > 0.9
    else:
        assert (scores["ap50"], scores["f1"]) == (0, None)


def labelled(image, labels):
    """Read labels as a training does."""
    options = TrainOptions(task="instances")
    return read_labels([geoseg.open_raster(image)], Sources([image], [str(labels)]), options, 8, Silent())


def test_polygons_without_a_class_are_objects(houses):
    image, labels, _ = houses
    found = labelled(image, labels)
    assert [c.name for c in found.vocabulary.classes] == ["object rim", "object core"]


def test_coco_labels_are_objects(houses, tmp_path):
    image, labels, _ = houses
    shapes = shapely.transform(
        gpd.read_file(labels).geometry.to_numpy(), lambda xy: (xy - (500_000, 5_400_000)) * (2, -2)
    )
    annotations = [
        {"image_id": 1, "category_id": 5, "segmentation": [np.asarray(shape.exterior.coords).ravel().tolist()]}
        for shape in shapes
    ]
    images = [{"id": 1, "file_name": "town.tif", "height": 192, "width": 192}]
    path = tmp_path / "coco.json"
    path.write_text(json.dumps({
        "images": images, "annotations": annotations, "categories": [{"id": 5, "name": "house"}],
    }))  # fmt: skip
    found = labelled(image, path)
    assert [c.name for c in found.vocabulary.classes] == ["house rim", "house core"]
    assert found.sizes["house"]["50"] == pytest.approx(25, rel=1e-3)
    same = labelled(image, labels).sources[0].read(Box(0, 0, 192, 192))
    assert all(np.array_equal(*pair) for pair in zip(found.sources[0].read(Box(0, 0, 192, 192)), same, strict=True))


def test_what_was_not_looked_at_is_left_out(houses, tmp_path):
    """One polygon below the objects, of a class to ignore, as the panel in QGIS writes it."""
    image, labels, _ = houses
    frame = gpd.read_file(labels)
    rest = gpd.GeoDataFrame(
        {"kind": ["not checked"]}, geometry=[shapely.box(500_000, 5_399_904, 500_048, 5_400_000)], crs=frame.crs
    )
    path = tmp_path / "half.gpkg"
    pd.concat([rest, frame[frame.geometry.bounds.maxx > 500_048]]).to_file(path)
    options = TrainOptions(task="instances", **SMALL | {"validation": 0.0})
    prepared = prepare(Sources([image], [str(path)], "kind", None, ("not checked",)), options, None, Silent())
    whole = prepare(Sources([image], [str(labels)], "kind", None, ()), options, None, Silent())
    assert [c.name for c in prepared.card.classes] == [c.name for c in whole.card.classes]
    half, full = (one.scenes[0].labels.read(Box(0, 0, 192, 192)) for one in (prepared, whole))
    assert np.array_equal(half[:, 106:], full[:, 106:])
    assert (half[:, :86] == NODATA).all()
    assert (full[:, :86] != NODATA).all()


def test_what_cannot_be_trained_is_one_line(houses, place):
    image, labels, _ = houses
    with pytest.raises(OptionError, match="the labels are rasters"):
        geoseg.train(place.image, place.labels, task="instances", **SMALL)
    with pytest.raises(OptionError, match="task 'crowds' is unknown: use semantic, instances, boxes or change"):
        geoseg.train(image, labels, task="crowds", **SMALL)
    with pytest.raises(OptionError, match="tells classes, not objects"):
        geoseg.train(place.image, labels, task="instances", base="landcover", **SMALL)
    lines = gpd.read_file(labels)
    lines.geometry = [
        shapely.box(*shape.bounds[:2], shape.bounds[2], shape.bounds[1] + 0.5) for shape in lines.geometry
    ]
    with pytest.raises(InputError, match="objects need 3 pixels across"):
        geoseg.train(image, lines, task="instances", class_field="kind", **SMALL)


def test_classes_that_the_user_names_are_objects():
    entries = instance_entries(parse_classes("1=house,tree:#117733,background", "background"), "background")
    assert [(entry.key, entry.name) for entry in entries] == [
        ("1 rim", "house rim"), ("1 core", "house core"), ("tree rim", "tree rim"), ("tree core", "tree core"),
        (None, "background"),
    ]  # fmt: skip
    assert entries[3].color == "#117733"


class Warned(Silent):
    """Keeps warnings."""

    def __init__(self):
        self.warnings = []

    def warning(self, message):
        self.warnings.append(message)


def learned(image, frame, task="instances"):
    """Return classes of the pixels, names of the classes and warnings."""
    reporter = Warned()
    more = {"arch": "fcos", "encoder": "mobilenet_v3_small"} if task == "boxes" else {}
    options = TrainOptions(task=task, **{**SMALL, **more, "validation": 0.0})
    prepared = prepare(Sources([image], [frame], None, None, ()), options, None, reporter)
    return prepared.scenes[0].labels.read(Box(0, 0, 192, 192)), prepared.card.classes, reporter.warnings


@pytest.mark.parametrize("task", ["instances", "boxes"])
def test_objects_without_a_class_are_not_learned_as_background(houses, task):
    image, labels, _ = houses
    frame = gpd.read_file(labels).rename(columns={"kind": "class_name"})
    below = shapely.box(*frame.total_bounds)
    rest = gpd.GeoDataFrame({"class_name": [None]}, geometry=[below], crs=frame.crs)
    last = pd.concat([frame, rest])  # drawn over all others
    values, classes, warnings = learned(image, last, task)
    whole, same, _ = learned(image, frame, task)
    assert classes == same
    (background,) = (item.id for item in classes if item.name == "background")
    inside = np.zeros((192, 192), bool)
    (left, top), (right, bottom) = ((round((x - 500_000) / 0.5), round((5_400_000 - y) / 0.5))
                                    for x, y in (below.bounds[::3], below.bounds[2:0:-1]))  # fmt: skip
    inside[top:bottom, left:right] = True
    assert np.array_equal(values, np.where(inside & (whole == background), NODATA, whole))
    assert any("1 polygons without a class are left out, neither objects nor background" in text for text in warnings)


@pytest.mark.parametrize("task", ["instances", "boxes"])
def test_what_is_no_polygon_is_told(houses, task):
    image, labels, _ = houses
    frame = gpd.read_file(labels)[["geometry"]]
    others = [shapely.Point(500_001, 5_399_999), shapely.LineString([(500_001, 5_399_999), (500_002, 5_399_999)]), None]
    more = gpd.GeoDataFrame(geometry=others, crs=frame.crs)
    values, _, warnings = learned(image, pd.concat([frame, more]), task)
    assert np.array_equal(values, learned(image, frame, task)[0])
    assert any("2 geometries of type LineString, Point are left out" in text for text in warnings)
    assert any("1 features without a geometry are left out" in text for text in warnings)
    assert not any("without a class" in text for text in warnings)
    with pytest.raises(InputError, match=r"holds LineString, Point geometries.*draw polygons, or give --buffer"):
        learned(image, more, task)


def test_labels_in_pixels_are_told(houses, tmp_path):
    image, _, _ = houses
    pixels = [shapely.box(10, 10, 20, 20), shapely.box(40, 10, 60, 30)]
    with pytest.raises(InputError, match=r"coordinates \(x 10…60, y 10…30\) seem to be its pixels: give"):
        learned(image, gpd.GeoDataFrame(geometry=pixels, crs="EPSG:32633"))
    with pytest.raises(InputError, match=r"has no CRS and .* has one; .* seem to be its pixels"):
        learned(image, gpd.GeoDataFrame(geometry=pixels))
    degrees = gpd.GeoDataFrame(geometry=[shapely.box(48.7, 15, 48.8, 15.1)], crs="EPSG:4326")
    with pytest.raises(InputError, match=r"do not overlap") as caught:
        learned(image, degrees)
    assert "pixels" not in str(caught.value)
    bare = tmp_path / "bare.tif"
    with (
        rasterio.open(image) as source,
        rasterio.open(bare, "w", driver="GTiff", width=192, height=192, count=3, dtype="uint8") as file,
    ):
        file.write(source.read())
    flipped = [shapely.box(10, -20, 20, -10), shapely.box(40, -30, 60, -10)]
    with pytest.raises(InputError, match="QGIS counts its rows as negative y"):
        learned(bare, gpd.GeoDataFrame(geometry=flipped))
    assert (learned(bare, gpd.GeoDataFrame(geometry=pixels))[0][10:20, 10:20] > 0).all()


def test_objects_are_not_called_background(houses):
    image, labels, _ = houses
    frame = gpd.read_file(labels).assign(class_name="background")
    with pytest.raises(InputError, match="give that another with --background"):
        learned(image, frame)


def test_outlines_in_training_windows_are_those_of_their_objects(houses):
    """Houses are rectangles: each mask fills its box, up to the pixels whose centres are beyond."""
    image, labels, _ = houses
    options = TrainOptions(task="boxes", **{**SMALL, "arch": "mask-rcnn", "encoder": "resnet18", "validation": 0.0})
    prepared = prepare(Sources([image], [str(labels)], "kind", None, ()), options, None, Silent())
    scene = prepared.scenes[0]
    objects = objects_of(scene.labels, scene.raster, prepared.card.classes, "background")
    samples = BoxWindows(prepared.scenes, [objects], prepared.sampler(64, Augment(0.0)), Augment(0.0), 0, masks=True)
    seen = 0
    for number in range(4):
        boxes, _, outlines, counted = samples[number].target
        assert len(boxes) == len(outlines) == len(counted)
        for box, outline in zip(boxes.round().int().tolist(), outlines, strict=True):
            expected = torch.zeros((64, 64), dtype=torch.uint8)
            expected[box[1] : box[3], box[0] : box[2]] = 1
            assert torch.equal(outline, expected)
            seen += 1
    assert seen > 20
