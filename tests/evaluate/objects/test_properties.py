"""What must hold for any objects, whatever their order and however space is split."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pyproj
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from geoseg.errors import InputError, OptionError
from geoseg.evaluate import ObjectOptions, evaluate_objects
from geoseg.evaluate.objects.cells import round_number
from geoseg.geodesy.polygons import PolygonAreas

UTM = "EPSG:32633"


def frame(rows, crs=None, **columns):
    shapes = [shapely.box(x, y, x + w, y + h) for x, y, w, h in rows]
    return gpd.GeoDataFrame(columns, geometry=gpd.GeoSeries(shapes, crs=crs), crs=crs)


BOXES = st.lists(
    st.tuples(*(st.floats(0, 50, width=32) for _ in range(2)), *(st.floats(0.5, 20, width=32) for _ in range(2))),
    max_size=25,
)  # fmt: skip
ROWS = st.lists(st.integers(0, 3), min_size=25, max_size=25)


def moved(frame):
    return frame.set_geometry(frame.translate(500_000, 5_400_000))


@settings(max_examples=15, deadline=None)
@given(BOXES, BOXES, ROWS, st.integers(1, 30), st.randoms())
def test_neither_quadrants_nor_the_order_of_features_matter(ours, theirs, scores, most, random):
    objects = moved(frame(ours, score=np.array(scores[: len(ours)], float)))
    reference = moved(frame(theirs))
    once = evaluate_objects(objects, reference, options=ObjectOptions(most=10**9))
    shuffled = [side.iloc[random.sample(range(len(side)), len(side))] for side in (objects, reference)]
    again = evaluate_objects(*shuffled, options=ObjectOptions(most=most))
    assert once.to_dict() == again.to_dict()
    np.testing.assert_array_equal(once.ranked.overlaps.iou, again.ranked.overlaps.iou)
    np.testing.assert_array_equal(once.outcome.matches.of_objects, again.outcome.matches.of_objects)


def test_few_geometries_are_in_memory_at_a_time_even_if_they_are_clustered(monkeypatch):
    from geoseg.evaluate.objects.spool import Spool

    read, sizes = Spool.read, []
    monkeypatch.setattr(Spool, "read", lambda self, numbers: (sizes.append(len(numbers)), read(self, numbers))[1])
    rng = np.random.default_rng(0)
    places = np.repeat([[0, 0], [1e5, 3e5], [1e5, 3.001e5]], 400, axis=0) + rng.uniform(0, 300, (1200, 2))
    objects = frame([(x, y, 4, 4) for x, y in places.tolist()])
    result = evaluate_objects(objects, objects, options=ObjectOptions(most=100))
    assert result.average_precision == 1.0
    assert max(sizes) <= 100
    assert sum(sizes) < 1.5 * 2 * len(objects)


@settings(max_examples=10, deadline=None)
@given(BOXES, BOXES)
def test_overlaps_are_those_of_all_pairs(ours, theirs):
    result = evaluate_objects(frame(ours), frame(theirs), options=ObjectOptions(iou=0.2, most=3))
    mine, other = result.ranked.objects, result.ranked.reference
    a, b = mine.shapes(np.arange(len(mine))), other.shapes(np.arange(len(other)))
    common = shapely.area(shapely.intersection(a[:, None], b[None]))
    iou = common / np.maximum(shapely.area(a)[:, None] + shapely.area(b)[None] - common, 1e-300)
    first, second = np.nonzero(iou >= 0.2)
    found = result.ranked.overlaps
    assert list(zip(found.objects, found.reference, strict=True)) == list(zip(first, second, strict=True))
    np.testing.assert_allclose(found.iou, iou[first, second], rtol=1e-12)


@settings(max_examples=10, deadline=None)
@given(BOXES.filter(bool))
def test_a_perfect_prediction_has_1_everywhere(rows):
    objects = frame(rows, class_name=[f"class {k % 3}" for k in range(len(rows))], score=np.linspace(1, 0, len(rows)))
    result = evaluate_objects(objects, objects.drop(columns="score"))
    values = [result.average_precision, result.ap50, result.ap75, result.precision, result.recall, result.f1]
    values += [value for value in (*result.by_size.values(), result.panoptic_quality) if not np.isnan(value)]
    assert values == [1.0] * len(values)
    cells = result.to_dict()["number"]["cells"]
    assert cells["mean_absolute_error"] == cells["root_mean_square_error"] == 0


def test_the_scores_of_an_operating_point():
    reference = frame([(0, 0, 10, 10), (20, 0, 10, 10), (40, 0, 10, 10), (60, 0, 10, 10)])
    objects = frame(
        [(0, 0, 10, 10), (20, 0, 10, 8), (70, 70, 10, 10), (40, 0, 10, 6), (90, 90, 9, 9)],
        score=[0.9, 0.8, 0.7, 0.6, 0.1],
    )
    result = evaluate_objects(objects, reference)
    assert result.score == 0.6
    assert (result.precision, result.recall, result.f1) == (0.75, 0.75, 0.75)
    assert result.to_dict()["panoptic"] == {"pq": 0.6, "sq": 0.8, "rq": 0.75}
    assert result.totals == (4, 4)
    surer = evaluate_objects(objects, reference, options=ObjectOptions(score=0.8))
    assert (surer.precision, surer.recall, surer.totals) == (1.0, 0.5, (2, 4))
    stricter = evaluate_objects(objects, reference, options=ObjectOptions(iou=0.7))
    assert (stricter.score, stricter.precision, stricter.recall) == (0.8, 1.0, 0.5)


def test_numbers_by_cell():
    reference = frame([(1, 1, 2, 2), (5, 5, 2, 2), (12, 1, 2, 2)])
    objects = frame([(1, 1, 2, 2), (12, 1, 2, 2), (16, 1, 2, 2), (33, 33, 1, 1)])
    result = evaluate_objects(objects, reference, options=ObjectOptions(cell=10))
    cells = result.cells
    assert list(zip(cells.columns, cells.rows, cells.found, cells.wanted, strict=True)) == [
        (0, 0, 1, 2), (1, 0, 2, 1), (3, 3, 1, 0)
    ]  # fmt: skip
    found = cells.to_dict()
    assert (found["mean_error"], found["mean_absolute_error"]) == (pytest.approx(1 / 3), 1.0)
    assert result.to_dict()["number"]["relative_error"] == pytest.approx(1 / 3, abs=1e-6)
    assert [round_number(size) for size in (0, 1, 1.1, 4, 7, 99, 101)] == [1, 1, 2, 5, 10, 100, 200]


def test_objects_outside_of_the_extent_count_neither_as_right_nor_as_wrong():
    reference = frame([(0, 0, 10, 10), (18, 0, 10, 10), (50, 0, 10, 10)])
    objects = frame([(0, 0, 10, 10), (17, 0, 10, 10), (70, 0, 10, 10)], score=[0.5, 0.9, 0.8])
    result = evaluate_objects(objects, reference, options=ObjectOptions(bbox=(-1, -1, 22.5, 20)))
    # The second object's centre is inside, that of its reference object outside: it is no false alarm.
    assert (result.precision, result.recall, result.ap50, result.ap75) == (1.0, 1.0, 1.0, 1.0)
    assert result.to_dict()["reference_outside_extent"] == 2
    assert any("outside of the extent" in note for note in result.notes)


def test_an_extent_in_another_crs():
    objects = moved(frame([(0, 0, 10, 10), (400, 0, 10, 10)], UTM))
    west, south, east, north = objects.iloc[:1].to_crs("EPSG:4326").total_bounds
    around = (west - 1e-4, south - 1e-4, east + 1e-4, north + 1e-4)
    result = evaluate_objects(objects, objects, options=ObjectOptions(bbox=around, bbox_crs="EPSG:4326"))
    assert result.totals == (1, 1)
    bare = frame([(0, 0, 1, 1)])
    with pytest.raises(OptionError, match="the objects have no CRS"):
        evaluate_objects(bare, bare, options=ObjectOptions(bbox=around, bbox_crs="EPSG:4326"))
    with pytest.raises(InputError, match="PROJ does not understand the CRS 'EPSG:0'"):
        evaluate_objects(objects, objects, options=ObjectOptions(bbox=around, bbox_crs="EPSG:0"))
    with pytest.raises(OptionError, match="which is missing"):
        ObjectOptions(bbox_crs="EPSG:4326")


@pytest.mark.parametrize("crs", ["EPSG:4326", UTM, "EPSG:3857", "EPSG:3577"])
def test_areas_are_those_on_the_ellipsoid(crs):
    rng = np.random.default_rng(0)
    x, y = (131.0, -24.0) if crs == "EPSG:3577" else (14.9, 52.0)
    degrees = shapely.box(*(np.array([x, y, x, y])[:, None] + rng.uniform([0, 0, 1e-3, 1e-3], [1e-3, 1e-3, 3e-3, 3e-3],
                            (20, 4)).T))  # fmt: skip
    shapes = gpd.GeoSeries(degrees, crs="EPSG:4326").to_crs(crs)
    geod = pyproj.Geod(ellps="GRS80" if crs == "EPSG:3577" else "WGS84")
    expected = [abs(geod.geometry_area_perimeter(shape)[0]) for shape in degrees]
    np.testing.assert_allclose(PolygonAreas(crs)(shapes.to_numpy()), expected, rtol=2e-6)


def test_areas_across_the_antimeridian_and_in_local_units():
    shapes = gpd.GeoSeries([shapely.box(179.999, -17, 180.001, -16.998)], crs="EPSG:4326")
    fiji = shapely.transform(shapes.to_numpy(), lambda xy: np.column_stack(
        pyproj.Transformer.from_crs("EPSG:4326", "EPSG:32701", always_xy=True).transform(*xy.T)))  # fmt: skip
    same = shapely.box(-0.001, -17, 0.001, -16.998)
    assert PolygonAreas("EPSG:32701")(fiji) == pytest.approx(PolygonAreas("EPSG:4326")([same]), rel=1e-5)
    feet = PolygonAreas('LOCAL_CS["site",UNIT["foot",0.3048]]')
    assert feet.in_metres
    assert feet([shapely.box(0, 0, 10, 10)]) == pytest.approx(100 * 0.3048**2)
    assert not PolygonAreas(None).in_metres


WHOLE = st.lists(st.tuples(*(st.integers(0, 9) for _ in range(2)), *(st.integers(1, 6) for _ in range(2)),
                           st.sampled_from("abc"), st.sampled_from([0.25, 0.5, 0.5, 0.75])), max_size=12)  # fmt: skip


def naive(ours, theirs, least):
    """Match by the rule of COCO, one object after the other; IoU of each match, or None."""

    def overlap(one, other):
        shared = np.prod([max(min(one[k] + one[k + 2], other[k] + other[k + 2]) - max(one[k], other[k]), 0)
                          for k in (0, 1)])  # fmt: skip
        return shared / (one[2] * one[3] + other[2] * other[3] - shared)

    free, found = list(theirs), {}
    for one in sorted(ours, key=lambda row: -row[5]):
        fits = [(overlap(one, other), k) for k, other in enumerate(free) if other is not None and other[4] == one[4]]
        iou, k = max(fits, default=(0, -1))
        if iou >= least:
            free[k] = None
        found[id(one)] = iou if iou >= least else None
    return found


@settings(max_examples=60, deadline=None)
@given(WHOLE, WHOLE, st.sampled_from([0.3, 0.5, 0.75]))
def test_scores_at_an_operating_point_are_those_of_a_naive_count(ours, theirs, least):
    """Precision, recall, F1 at the best score, panoptic quality and numbers; with ties, and classes of one side."""
    # Ties are broken by place.
    ours, theirs = (
        sorted(map(list, side), key=lambda r: (r[0], r[1], r[0] + r[2], r[1] + r[3])) for side in (ours, theirs)
    )
    if ours and theirs and not {row[4] for row in ours} & {row[4] for row in theirs}:
        return
    sides = [frame([row[:4] for row in side], class_name=[row[4] for row in side]) for side in (ours, theirs)]
    result = evaluate_objects(
        sides[0].assign(score=[row[5] for row in ours]), sides[1], options=ObjectOptions(iou=least)
    )
    f1 = {}
    for score in {row[5] for row in ours}:
        taken = [row for row in ours if row[5] >= score]
        right = sum(iou is not None for iou in naive(taken, theirs, least).values())
        f1[score] = 2 * right / (len(taken) + len(theirs))
    best = max(f1, key=lambda score: (f1[score], score), default=np.inf)
    taken = [row for row in ours if row[5] >= best]
    right = sum(iou is not None for iou in naive(taken, theirs, least).values())
    assert result.totals == (len(taken), len(theirs))
    expected = [part / whole if whole else np.nan for part, whole in
                ((right, len(taken)), (right, len(theirs)), (2 * right, len(taken) + len(theirs)))]  # fmt: skip
    np.testing.assert_allclose([result.precision, result.recall, result.f1], expected)
    if ours:
        assert result.score == best
    qualities = []
    for name in sorted({row[4] for row in ours + theirs}):
        own, wanted = ([row for row in side if row[4] == name] for side in (taken, theirs))
        matched = [iou for iou in naive(own, wanted, np.nextafter(0.5, 1)).values() if iou is not None]
        qualities.append(2 * sum(matched) / (len(own) + len(wanted)) if own or wanted else np.nan)
    if qualities:
        np.testing.assert_allclose(result.panoptic_quality, np.nanmean(qualities))
