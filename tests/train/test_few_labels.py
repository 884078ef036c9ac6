"""Few labels do not stop a training: every class is learned, what cannot be judged is said, epochs are short."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
import shapely
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

import geoseg
from geoseg.errors import GeosegError
from geoseg.evaluate.model import evaluate_model
from geoseg.raster import open_raster
from geoseg.train.data.label_images import Sources
from geoseg.train.data.windows import WindowSampler, are_few, places_of
from geoseg.train.fit import Sizes, Task
from geoseg.train.options import TrainOptions
from geoseg.train.prepare import prepare

NAMES = ("wood", "field", "water", "sand", "road", "roof")


def _frame(shapes, names):
    import geopandas as gpd

    return gpd.GeoDataFrame({"class": list(names)}, geometry=list(shapes), crs="EPSG:32633")


def _squares(rng, number, side=60.0):
    x, y = rng.uniform(500000, 501920 - side, number), rng.uniform(5397440, 5400000 - side, number)
    return shapely.box(x, y, x + side, y + side)


def _trained(prepared) -> np.ndarray:
    """Which classes training windows are drawn of."""
    return WindowSampler(prepared.shapes, prepared.split.parts, prepared.cell, prepared.window).class_chances > 0


@settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 10_000), number=st.integers(6, 40), draw=st.integers(0, 3))
def test_every_class_is_trained_however_few_the_labels(place, hearing, seed, number, draw):
    rng = np.random.default_rng(seed)
    names = [NAMES[i] for i in (*range(6), *rng.integers(0, 6, number - 6))]
    heard = hearing()
    frame = _frame(_squares(rng, number), names)
    raster = open_raster(place.image)
    from geoseg.train.data.polygons import read_polygons

    raw, labelled = read_polygons([frame], "class", None).on(raster.grid, "scene").read(raster.box)
    assume(len(np.unique(raw[labelled])) == 6)  # a later square may hide all of a class
    prepared = prepare(Sources([place.image], [frame], "class"), TrainOptions(seed=draw), None, heard)
    assert prepared.few
    assert _trained(prepared).all()
    training, held = prepared.split.training(), prepared.split.held()
    assert (training > 0).all()
    said = " ".join(heard.all("warning"))
    for item in prepared.card.classes:
        if held.any() and not held[item.id]:
            assert item.name in said.partition("no validation labels of")[2]
    assert held.any() or "nothing tells how good the model is" in said


def test_23_polygons_of_6_classes(place, heard):
    frame = _frame(_squares(np.random.default_rng(5), 23), [NAMES[i % 6] for i in range(23)])
    for seed in range(5):
        prepared = prepare(Sources([place.image], [frame], "class"), TrainOptions(seed=seed), None, heard)
        assert prepared.split.training().all()
        assert prepared.validated


def test_one_place_is_trained_on_whole_and_said_to_be_unjudged(place, small, heard, tmp_path):
    corner = shapely.box([500000, 500100], [5399900, 5399900], [500060, 500160], [5400000, 5400000])
    frame = _frame(corner, ["wood", "field"])
    options = {name: value for name, value in small.items() if name != "block_size"} | {"epochs": 1}
    model = geoseg.train(place.image, frame, tmp_path / "m", class_field="class", reporter=heard, **options)
    assert any("no place can be held out without losing a class" in line for line in heard.all("warning"))
    assert "Not validated" in model.card.description
    with pytest.raises(GeosegError, match="--tune compares trials on the validation part, but there is none"):
        geoseg.train(place.image, frame, class_field="class", tune=1, **options)
    with pytest.raises(GeosegError, match="would leave a part empty"):
        geoseg.train(place.image, frame, class_field="class", **options, block_size=500.0)


def test_epochs_fit_few_labels(place, heard, tmp_path):
    from geoseg.train.start.network import start_network

    frame = _frame(_squares(np.random.default_rng(5), 23), [NAMES[i % 6] for i in range(23)])
    options = TrainOptions(encoder="tu-mobilenetv3_small_050", memory="2GB")
    prepared = prepare(Sources([place.image], [frame], "class"), options, None, heard)
    network, start = start_network(prepared.card, options, None, prepared.window)
    sizes = Sizes.of(Task(prepared, options, network, start, tmp_path), "cpu")
    assert (prepared.window, sizes.batch, sizes.windows) == (64, 8, 64)
    asked = TrainOptions(window=128, windows=20, batch=4)
    prepared = prepare(Sources([place.image], [frame], "class"), asked, None, heard)
    assert (prepared.window, Sizes.of(Task(prepared, asked, network, start, tmp_path), "cpu").windows) == (128, 20)


def test_full_labels_are_treated_as_ever(place, heard):
    """Window, blocks and their choice are those of version 0.1, before few labels had rules of their own."""
    from geoseg.train.fit import _usual_windows

    known = {0: "23b525544646fa3f", 1: "8a970553112e9949", 2: "23b525544646fa3f"}
    for seed, digest in known.items():
        prepared = prepare(Sources([place.image], [place.labels]), TrainOptions(seed=seed), None, heard)
        assert not prepared.few
        assert (prepared.window, _usual_windows(prepared, 8)) == (128, 128)
        assert hashlib.sha256(prepared.split.parts[0].validation.tobytes()).hexdigest()[:16] == digest


@settings(max_examples=25)
@given(seed=st.integers(0, 999), cell=st.sampled_from([8, 16]), window=st.sampled_from([64, 128]))
def test_places_are_the_lattice_windows_with_labels(seed, cell, window):
    rng = np.random.default_rng(seed)
    counts = [(rng.random((*rng.integers(1, 40, 2), 2)) < 0.02).astype(np.int64) * 5 for _ in range(2)]
    wanted = 0
    step = window // cell
    for count in counts:
        for row in range(0, count.shape[0], step):
            for col in range(0, count.shape[1], step):
                wanted += bool(count[row : row + step, col : col + step].any())
    assert places_of(counts, cell, window) == wanted
    full = np.full((20, 20, 1), cell**2, np.int64)
    assert not are_few([full], cell, window)
    assert are_few([np.pad(full[:1, :1], ((0, 19), (0, 19), (0, 0)))], cell, window)


def test_points_and_lines_are_labels(place, heard, tmp_path):
    import geopandas as gpd

    rng = np.random.default_rng(1)
    rows, cols = rng.integers(0, 256, 60), rng.integers(0, 192, 60)
    points = shapely.points(500005 + 10.0 * cols, 5399995 - 10.0 * rows)
    names = np.array(["wood", "field", "water"])[place.classes[rows, cols]]
    frame = gpd.GeoDataFrame({"class": names}, geometry=points, crs="EPSG:32633").to_crs(4326)
    path = tmp_path / "points.gpkg"
    frame.to_file(path)
    prepared = prepare(Sources([place.image], [path], "class"), TrainOptions(validation=0), None, heard)
    pixels = len(set(zip(rows.tolist(), cols.tolist(), strict=True)))
    assert prepared.split.training().sum() == pixels
    wide = prepare(Sources([place.image], [path], "class"), TrainOptions(validation=0, buffer=15), None, heard)
    assert wide.split.training().sum() > 4 * pixels
    line = _frame(
        shapely.linestrings([[[500005, 5399995], [500905, 5399995]], [[500005, 5399005], [500905, 5399005]]]),
        ["a", "b"],
    )
    prepared = prepare(Sources([place.image], [line], "class"), TrainOptions(validation=0), None, heard)
    assert prepared.split.training().tolist() == [91, 91]


def test_points_judge_a_model(place, trained_on_points, tmp_path):
    model, frame, pixels = trained_on_points
    found = evaluate_model(model, [place.image], [frame], class_field="class")
    assert found.matrix.sum() == pixels
    wide = evaluate_model(model, [place.image], [frame], class_field="class", buffer=15.0)
    assert wide.matrix.sum() > 4 * pixels


@pytest.fixture(scope="module")
def trained_on_points(place, small):
    rng = np.random.default_rng(2)
    rows, cols = rng.integers(0, 256, 90), rng.integers(0, 192, 90)
    names = np.array(["wood", "field", "water"])[place.classes[rows, cols]]
    frame = _frame(shapely.points(500005 + 10.0 * cols, 5399995 - 10.0 * rows), names)
    options = {name: value for name, value in small.items() if name != "block_size"} | {"epochs": 1, "windows": 4}
    model = geoseg.train(place.image, frame, class_field="class", **options)
    return model, frame, len(set(zip(rows.tolist(), cols.tolist(), strict=True)))


def test_bad_buffers(place, polygons, trained_on_points):
    for buffer, labels, message in (
        (0.0, polygons.path, "buffer must be positive, got 0"),
        (float("nan"), polygons.path, "buffer must be positive, got nan"),
        (5.0, polygons.path, "buffer is for points and lines, but the labels are polygons"),
        (5.0, place.labels, "buffer is for points and lines, but the labels are rasters"),
    ):
        with pytest.raises(GeosegError, match=message):
            geoseg.train(place.image, labels, buffer=buffer)
    for buffer, labels, message in (
        (-1.0, polygons.path, "buffer must be positive, got -1"),
        (5.0, polygons.path, "buffer is for points and lines, but it holds polygons"),
        (5.0, place.labels, "buffer is for points and lines, but .* is a raster"),
    ):
        with pytest.raises(GeosegError, match=message):
            evaluate_model(trained_on_points[0], [place.image], [labels], buffer=buffer)
