"""Objects found in slabs are the objects of one pass: none doubled, lost or fused, whatever is cut where."""

from __future__ import annotations

import itertools
from dataclasses import replace
from unittest.mock import patch

import geopandas as gpd
import numpy as np
import pytest
import rasterio.features
import shapely
import xarray as xr
from affine import Affine
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from geoseg.classes import MapClass
from geoseg.errors import OptionError
from geoseg.polygonize.objects import ObjectFilter, ObjectMap, ObjectReading, api, label_objects, write_objects
from geoseg.polygonize.reshape import ReshapeOptions
from geoseg.polygonize.source import open_source
from tests.polygonize.polygon_helpers import spiral

BACKGROUND, RIM, CORE, NODATA = 0, 1, 2, 255
TREE = (MapClass(1, "tree", "#117733"),)
READING = ObjectReading(TREE, cores=((CORE, 1),), rims=((RIM, 1),), reach=3)
TWO = ObjectReading((*TREE, MapClass(4, "house", "#cc6677")), ((2, 1), (4, 4)), ((1, 1), (3, 4)), reach=3)
LARGE = replace(TWO, least=3)
READINGS = [READING, TWO, LARGE, ObjectReading.of_classes(TREE)]
EVERYTHING = ObjectFilter(score=0.0)
AROUND = ((-1, 0), (0, -1), (0, 1), (1, 0))


def regions(mask: np.ndarray) -> np.ndarray:
    """Label 4-connected regions pixel by pixel, from 1."""
    out = np.zeros(mask.shape, int)
    for start in zip(*np.nonzero(mask), strict=True):
        if out[start]:
            continue
        out[start] = number = out.max() + 1
        todo = [start]
        while todo:
            row, col = todo.pop()
            for drow, dcol in AROUND:
                place = row + drow, col + dcol
                inside = 0 <= place[0] < mask.shape[0] and 0 <= place[1] < mask.shape[1]
                if inside and mask[place] and not out[place]:
                    out[place] = number
                    todo.append(place)
    return out


def one_pass(classes: np.ndarray, reading: ObjectReading) -> tuple[np.ndarray, list[int]]:
    """The object of every pixel, from 1, and the class id of each: the definition, in plain Python."""
    cores, rims = dict(reading.cores), dict(reading.rims)
    ids = regions(np.isin(classes, list(cores)))
    found = []
    for number in range(1, ids.max() + 1):
        votes = [cores[value] for value in classes[ids == number].tolist()]
        order = [item.id for item in reading.classes]
        found.append(max(order, key=lambda one: (votes.count(one), -order.index(one))))
    ids = np.where(np.append(0, np.bincount(ids.ravel())[1:] >= reading.least)[ids], ids, 0)
    rims = {**rims, **cores}  # cores that are too small are rims
    for _ in range(reading.reach if cores else 0):
        before = np.pad(ids, 1)
        for row, col in zip(*np.nonzero(np.isin(classes, list(rims)) & (ids == 0)), strict=True):
            near = [int(before[row + 1 + r, col + 1 + c]) for r, c in AROUND]
            votes = before[row : row + 3, col : col + 3].ravel().tolist()
            best = max((label for label in near if label), key=votes.count, default=0)
            ids[row, col] = best
    for item in reading.classes:
        values = [value for value, number in rims.items() if number == item.id]
        alone = regions(np.isin(classes, values) & (ids == 0))
        ids = np.where(alone > 0, alone + len(found), ids)
        found += [item.id] * int(alone.max())
    return ids, found


def written(
    tmp_path, classes, reading=READING, *, rows=None, percent=None, chosen=EVERYTHING, name="o.gpkg", **options
):
    """Write the objects of an array, found in slabs of ``rows`` rows."""
    percent = np.full(classes.shape, 80, np.uint8) if percent is None else percent
    sources = [open_source(xr.DataArray(a.astype(np.uint8), dims=("y", "x"))) for a in (classes, percent)]
    path = tmp_path / name
    with patch.object(api, "slab_rows", (lambda *_: rows) if rows else api.slab_rows):
        summary = write_objects(ObjectMap(*sources, reading), path, chosen, workers=2, **options)
    return path, summary


def expected(classes: np.ndarray, reading: ObjectReading) -> list[tuple[int, bytes]]:
    return polygons(*one_pass(classes, reading))


def polygons(ids: np.ndarray, found: list[int]) -> list[tuple[int, bytes]]:
    """Classes and outlines of numbered objects."""
    shapes = rasterio.features.shapes(ids.astype(np.int32), mask=ids > 0)
    pairs = [(found[int(value) - 1], shapely.geometry.shape(shape)) for shape, value in shapes]
    assert len(pairs) == len(np.unique(ids[ids > 0]))  # the definition keeps objects 4-connected
    return sorted((number, shapely.to_wkb(shapely.normalize(shape))) for number, shape in pairs)


def canonical(path) -> list[tuple[int, bytes]]:
    frame = gpd.read_parquet(path)
    return sorted(zip(frame.class_id, shapely.to_wkb(shapely.normalize(frame.geometry.to_numpy())), strict=True))


SHAPES = st.tuples(st.integers(1, 24), st.integers(1, 14))
MAPS = SHAPES.flatmap(
    lambda shape: arrays(np.uint8, shape, elements=st.sampled_from([BACKGROUND, RIM, RIM, CORE, NODATA]))
)
LONG = np.pad(np.full((24, 2), CORE, np.uint8), ((0, 0), (1, 1)), constant_values=RIM)
RINGS = np.minimum.reduce([*np.indices((17, 17)), 16 - np.indices((17, 17))[0], 16 - np.indices((17, 17))[1]]) % 3


@settings(max_examples=25, deadline=None)
@given(classes=MAPS, rows=st.integers(1, 9), data=st.data())
@example(classes=LONG, rows=2, data=None)
@example(classes=np.hstack([LONG, LONG]), rows=1, data=None)
@example(classes=RINGS.astype(np.uint8), rows=2, data=None)
@example(classes=spiral(20) * CORE, rows=1, data=None)
@example(classes=np.eye(9, dtype=np.uint8) * CORE, rows=3, data=None)  # touch at corners only
@example(classes=np.ones((9, 9), np.uint8), rows=2, data=None)  # no core at all
@example(classes=np.full((1, 1), CORE, np.uint8), rows=1, data=None)
def test_objects_in_slabs_are_those_of_one_pass(tmp_path_factory, classes, rows, data):
    reading = (
        READING if data is None else data.draw(st.sampled_from([READING, TWO, LARGE, ObjectReading.of_classes(TREE)]))
    )
    folder = tmp_path_factory.mktemp("objects")
    if reading in (TWO, LARGE):
        classes = np.where(np.indices(classes.shape).sum(0) % 5 < 2, np.where(classes == 1, 3, classes * 2), classes)
        classes = np.where(classes > 4, NODATA, classes).astype(np.uint8)
    cut, _ = written(folder, classes, reading, rows=rows, name="cut.parquet")
    whole, _ = written(folder, classes, reading, rows=64, name="whole.parquet")
    assert canonical(cut) == expected(classes, reading)
    ids, kinds = label_objects(classes, reading)
    assert ids.max() == len(kinds)
    assert polygons(ids, kinds.tolist()) == canonical(cut)
    assert cut.read_bytes() == whole.read_bytes()


def test_touching_objects_share_one_line(tmp_path):
    classes = np.full((9, 12), RIM, np.uint8)
    classes[3:6, 2:4] = classes[3:6, 8:10] = CORE
    path, _ = written(tmp_path, classes, ObjectReading(TREE, ((CORE, 1),), ((RIM, 1),), reach=20), rows=2)
    one, two = gpd.read_file(path).geometry
    assert one.intersection(two).length == 9
    assert shapely.union_all([one, two]).area == classes.size


def test_simplified_objects_share_their_borders(tmp_path):
    rows, cols = np.indices((60, 60))
    classes = np.where(np.abs(rows - cols) < 4, RIM, CORE).astype(np.uint8)  # two cores, a slanting rim between them
    reading, chosen = replace(READING, reach=9), ObjectFilter(0, reshape=ReshapeOptions(2.0))
    files = [
        written(tmp_path, classes, reading, rows=rows, chosen=chosen, name=f"{rows}.parquet")[0] for rows in (7, 64)
    ]
    assert files[0].read_bytes() == files[1].read_bytes()
    one, two = gpd.read_parquet(files[0]).geometry
    assert one.intersection(two).area == 0
    assert shapely.union_all([one, two]).area == classes.size
    assert len(one.exterior.coords) + len(two.exterior.coords) < 20


def test_squared_objects_share_their_walls(tmp_path):
    classes = np.full((40, 60), BACKGROUND, np.uint8)
    classes[8:32, 6:54] = RIM
    classes[10:30, 8:28] = classes[11:31, 32:52] = CORE
    classes[7, 20:30] = RIM  # rough outlines
    reading, chosen = replace(READING, reach=9), ObjectFilter(0, reshape=ReshapeOptions(2.0, regularize="square"))
    files = [
        written(tmp_path, classes, reading, rows=rows, chosen=chosen, name=f"{rows}.parquet")[0] for rows in (5, 64)
    ]
    assert files[0].read_bytes() == files[1].read_bytes()
    frame = gpd.read_parquet(files[0])
    one, two = frame.geometry
    assert one.intersection(two).area == 0
    assert one.intersection(two).length > 23
    assert [len(shape.exterior.coords) for shape in (one, two)] == [5, 5]
    assert frame.area_m2.sum() == pytest.approx((classes > 0).sum(), rel=0.02)


def test_a_score_is_the_mean_over_the_pixels_and_cut_means_the_edge_of_valid_pixels(tmp_path):
    classes = np.zeros((12, 12), np.uint8)
    classes[2:4, 2:4] = classes[0, 8:10] = classes[8:10, 8:10] = CORE
    classes[10, 9] = NODATA
    percent = np.where(classes == CORE, 90, 0).astype(np.uint8)
    percent[2, 2] = 31
    percent[10, 9] = NODATA
    path, summary = written(tmp_path, classes, rows=3, percent=percent)
    frame = gpd.read_file(path)
    assert frame.score.round(6).tolist() == [0.9, 0.7525, 0.9]
    assert frame.cut.tolist() == [True, False, True]
    assert frame.object_id.tolist() == [1, 2, 3]
    assert (summary.counts.objects, summary.counts.cut) == ({1: 3}, {1: 2})
    few, summary = written(tmp_path, classes, percent=percent, chosen=ObjectFilter(0.8, 3), name="few.gpkg")
    assert gpd.read_file(few).object_id.tolist() == [1]
    assert summary.counts.left_out == 2


pytestmark = pytest.mark.filterwarnings("ignore:'crs' was not provided", "ignore:More than one layer")


@pytest.mark.parametrize("suffix", [".gpkg", ".parquet", ".fgb"])
def test_without_objects_the_layer_is_empty_and_complete(tmp_path, suffix):
    path, summary = written(tmp_path, np.zeros((5, 5), np.uint8), name=f"none{suffix}")
    frame = gpd.read_parquet(path) if suffix == ".parquet" else gpd.read_file(path)
    assert len(frame) == 0
    columns = ["object_id", "class_id", "class_name", "score", "area_m2", "perimeter_m", "cut", "geometry"]
    assert list(frame.columns) == columns
    assert summary.counts.objects == {}


def test_bytes_do_not_depend_on_workers_and_memory(tmp_path):
    rng = np.random.default_rng(4)
    classes = rng.choice([0, 1, 2], (700, 90), p=[0.5, 0.3, 0.2]).astype(np.uint8)
    files = [
        written(tmp_path, classes, rows=rows, memory=memory, name=f"{number}.gpkg")[0].read_bytes()
        for number, (rows, memory) in enumerate(itertools.product((37, 512), (2_000_000, 1_000_000_000)))
    ]
    assert len(set(files)) == 1


@pytest.mark.parametrize("options", [{"score": 1.5}, {"score": -0.1}, {"min_area": -1}, {"min_area": float("inf")}])
def test_impossible_filters_are_refused(options):
    with pytest.raises(OptionError, match=r"^(score|min-area) must (be 0 or larger|lie in 0…1), got "):
        ObjectFilter(**options)
    with pytest.raises(OptionError, match="simplify must be 0 or larger, got -2"):
        ReshapeOptions(simplify=-2)


def test_georeference_is_kept(tmp_path):
    from odc.geo.geobox import GeoBox
    from odc.geo.xr import xr_coords

    box = GeoBox((6, 6), Affine(0.5, 0, 500_000, 0, -0.5, 5_400_000), "EPSG:32633")
    data = xr.DataArray(np.full((6, 6), CORE, np.uint8), coords=xr_coords(box), dims=("y", "x"))
    source = open_source(data)
    summary = write_objects(ObjectMap(source, open_source(data * 0 + 50), READING), tmp_path / "o.gpkg", EVERYTHING)
    frame = gpd.read_file(summary.path)
    assert frame.crs.to_epsg() == 32633
    assert frame.total_bounds.tolist() == [500_000, 5_399_997, 500_003, 5_400_000]
    assert frame.area_m2[0] == pytest.approx(9, rel=1e-3)
