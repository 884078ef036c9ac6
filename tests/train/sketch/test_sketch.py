"""Drawings in, a model folder out; each bad input says what is wrong."""

from __future__ import annotations

import json
import shutil
from types import SimpleNamespace

import geopandas as gpd
import numpy as np
import pytest
import rasterio
import torch
from affine import Affine
from shapely.geometry import LineString, MultiPolygon, Point, box

import geoseg
from geoseg.errors import InputError, ModelError, OptionError, OutputError
from geoseg.models.networks.sketch import Layout, SketchNet
from geoseg.raster.raster import Raster
from geoseg.train.sketch.cache import CACHE_FILE, read_cache, write_cache
from geoseg.train.sketch.features import describe_pixels
from geoseg.train.sketch.shapes import drawn_pixels, read_drawings

T = Affine(10, 0, 500000, 0, -10, 5400000)
NAMES = ("wood", "field", "water")


def square(row, col, side=6):
    return box(*(T * (col, row + side)), *(T * (col + side, row)))


@pytest.fixture(scope="module")
def few(place):
    """Three squares of each class on the scene ``place``, well inside its patches of 16 pixels."""
    rng = np.random.default_rng(0)
    corners = place.classes[::16, ::16]
    rows = []
    for k, name in enumerate(NAMES):
        cells = np.argwhere(corners == k)
        for r, c in cells[rng.choice(len(cells), 3, replace=False)]:
            rows.append((name, square(int(r) * 16 + 5, int(c) * 16 + 5)))
    frame = gpd.GeoDataFrame({"class": [r[0] for r in rows]}, geometry=[r[1] for r in rows], crs="EPSG:32633")
    path = place.folder / "few.gpkg"
    frame.to_file(path)
    return SimpleNamespace(path=path, frame=frame)


@pytest.fixture(scope="module")
def made(place, few, hearing, tmp_path_factory):
    """A sketch, and what was reported."""
    heard = hearing()
    folder = tmp_path_factory.mktemp("sketch") / "model"
    model = geoseg.sketch(place.image, few.path, folder, reporter=heard)
    return SimpleNamespace(model=model, folder=folder, heard=heard)


def mapped(image, model, **reading):
    """The map as a run over the scene makes it, without measuring which settings are fastest; names of classes."""
    from geoseg.models.inference.predictor import Execution, Predictor

    model, raster = geoseg.load_model(model), geoseg.open_raster(image, **reading)
    pixels = raster.read(raster.box)
    predictor = Predictor(model, model.card.affine(raster.bands), Execution(device="cpu"))
    with torch.inference_mode():
        classes = predictor.classify(pixels.data[None], pixels.valid[None])[0][0]
    return np.array([c.name for c in model.card.classes])[classes]


def test_the_map_is_right_and_the_folder_is_a_model_like_any_other(place, made):
    assert (mapped(place.image, made.folder) == np.array(NAMES)[place.classes]).mean() > 0.99
    assert sorted(path.name for path in made.folder.iterdir()) == [CACHE_FILE, "model.json", "weights.safetensors"]


def test_the_card_says_what_was_drawn_and_how_well_held_out_drawings_went(made):
    card = made.model.card
    held = card.metrics["held_out"]
    assert held["balanced_accuracy"] > 0.9
    assert held["places"] == 9
    assert held["not_judged"] == []
    assert "held out" in card.description
    assert "wood 108 in 3" in card.training_data[1]
    result = made.heard.all("result")[0]
    assert result["outputs"] == {"model": str(made.folder)}
    assert result["metrics"] == held


def test_features_of_pixels_are_those_of_the_whole_scene(place, made):
    # Cells around pixels, whatever their size, give what one pass over the scene gives.
    raster = geoseg.open_raster(place.image)
    affine = made.model.card.affine(raster.bands)
    layout = Layout(4, (0, 1, 2, 3), ((1, 0), (3, 2)), (3, 9), (), 0, answers=False, prior=False, hidden=0, classes=2)
    network = SketchNet(layout).eval()
    pixels = np.sort(np.random.default_rng(0).choice(256 * 192, 40, replace=False))
    found, valid = describe_pixels(network, raster, affine, pixels, (16, 16))
    whole = raster.read(raster.box).data.astype(np.float32)
    x = np.stack([band * np.float32(step.a) + np.float32(step.b) for band, step in zip(whole, affine, strict=True)])
    with torch.inference_mode():
        wanted = network.describe(torch.from_numpy(x)[None])[0].flatten(1)[:, pixels].T.numpy()
    assert valid.all()
    assert found == pytest.approx(wanted, abs=1e-4)


def test_only_what_is_new_is_computed_again(place, few, made, hearing, tmp_path, monkeypatch):
    from geoseg.train.sketch import features

    more = gpd.GeoDataFrame({"class": ["wood"]}, geometry=[square(100, 100, 4)], crs="EPSG:32633")
    frame = geoseg_concat(few.frame, more)
    asked = []
    inner = features.describe_pixels

    def spy(network, raster, affine, pixels, *rest):
        asked.append(len(pixels))
        return inner(network, raster, affine, pixels, *rest)

    monkeypatch.setattr(features, "describe_pixels", spy)
    again = geoseg.sketch(place.image, frame, tmp_path / "again", previous=made.folder)
    assert asked == [16]
    whole = geoseg.sketch(place.image, frame, tmp_path / "whole")
    assert asked[1] == 9 * 36 + 16
    assert again.card.value_scaling == whole.card.value_scaling
    assert again.card.metrics == whole.card.metrics
    assert (mapped(place.image, again) == mapped(place.image, whole)).mean() > 0.999


def geoseg_concat(*frames):
    import pandas as pd

    return pd.concat(frames, ignore_index=True)


def test_a_quick_one_learns_as_the_earlier_one_did(place, few, made, hearing, tmp_path):
    """Nothing is compared; held-out drawings judge it all the same, and the same drawings give the same model."""
    heard = hearing()
    again = geoseg.sketch(place.image, few.path, tmp_path / "m", previous=made.folder, quick=True, reporter=heard)
    ways = [m.card.hyperparameters["training"] for m in (again, made.model)]
    assert ways[0] == ways[1]
    assert again.card.metrics == made.model.card.metrics
    (result,) = (facts for event, facts in heard.events if event == "result")
    assert result["compared"] == 1
    assert result["learned"] == {**ways[0], "hidden": made.model.card.hyperparameters["kwargs"]["hidden"]}
    assert result["places"] == dict.fromkeys(("field", "water", "wood"), 3)
    assert (mapped(place.image, again) == mapped(place.image, made.model)).all()


def test_a_quick_one_without_an_earlier_one_takes_what_is_usual(place, few):
    from geoseg.train.sketch.learn import usual

    card = geoseg.sketch(place.image, few.path, quick=True).card
    wanted = usual({"bands": 1, "ratios": 1, "window 3": 1})
    assert card.hyperparameters["training"]["features"] == list(wanted.groups)
    assert card.metrics["held_out"]["places"] == 9


@pytest.mark.parametrize(
    ("where", "value"),
    [
        ("features", ["bands", "nix"]), ("features", []), ("features", None), ("decay", 0), ("decay", "x"),
        ("decay", float("nan")), ("trust_in_pretrained", 2.0), ("trust_in_pretrained", -1), ("hidden", 10**9),
        ("hidden", None),
    ],
)  # fmt: skip
def test_an_earlier_card_that_makes_no_sense_is_not_followed(made, where, value):
    from geoseg.train.sketch.card import candidate_of

    groups = {"bands": 3, "ratios": 3, "window 3": 6}
    hyperparameters = made.model.card.hyperparameters
    assert candidate_of(made.model.card, groups) is not None
    part = "kwargs" if where == "hidden" else "training"
    changed = {**hyperparameters, part: {**hyperparameters[part], where: value}}
    assert candidate_of(made.model.card.model_copy(update={"hyperparameters": changed}), groups) is None


def test_sketches_share_what_was_measured_of_their_speed(place, few, made):
    other = geoseg.sketch(place.image, few.frame.iloc[::2], quick=True)
    assert other.fingerprint != made.model.fingerprint
    windows = [m.card.hyperparameters["kwargs"]["windows"] for m in (other, made.model)]
    assert (other.pace_key == made.model.pace_key) == (windows[0] == windows[1])
    network = geoseg.load_model("landcover")
    assert network.pace_key == network.fingerprint


def test_an_earlier_sketch_may_be_replaced_by_one_that_starts_from_it(place, few, tmp_path):
    geoseg.sketch(place.image, few.path, tmp_path / "m")
    with pytest.raises(OutputError, match="already holds a model"):
        geoseg.sketch(place.image, few.path, tmp_path / "m")
    geoseg.sketch(place.image, few.path, tmp_path / "m", previous=tmp_path / "m")


def test_a_folder_that_is_no_sketch_is_not_continued(place, few, tmp_path):
    with pytest.raises(OptionError, match="no model folder"):
        geoseg.sketch(place.image, few.path, tmp_path / "m", previous=tmp_path)
    geoseg.sketch(place.image, few.path, tmp_path / "m")
    (tmp_path / "m" / CACHE_FILE).write_bytes(b"\x10" * 40)
    with pytest.raises(OptionError, match="no sketch that can be continued"):
        geoseg.sketch(place.image, few.path, tmp_path / "n", previous=tmp_path / "m")


def test_what_a_file_says_is_not_trusted(place, few, made, tmp_path):
    from dataclasses import replace

    known = read_cache(made.folder)
    wrong = (
        replace(known, values=replace(known.values, logs=(0, 9))),
        replace(known, values=replace(known.values, pairs=((0, 9),))),
        replace(known, values=replace(known.values, spread=np.zeros(4))),
        replace(known, values=replace(known.values, zero=np.zeros(3))),
        replace(known, features={scene: array[:-1] for scene, array in known.features.items()}),
        replace(known, pixels={scene: array[::-1].copy() for scene, array in known.pixels.items()}),
    )
    for cache in wrong:
        write_cache(tmp_path, cache)
        assert read_cache(tmp_path) is None
    # A model at a path that the file names is not opened.
    folder = shutil.copytree(made.folder, tmp_path / "m")
    write_cache(folder, replace(known, pretrained=(str(made.folder), made.model.fingerprint)))
    with pytest.raises(OptionError, match="name it with --model"):
        geoseg.sketch(place.image, few.path, tmp_path / "n", previous=folder)


def test_a_pretrained_model_that_fits_is_weighed_in_and_kept(reflectance, tmp_path):
    image = reflectance(tmp_path / "scene.tif", 96, 128, nodata=False)
    patches = np.random.default_rng(0).integers(0, 6, (12, 16))
    rows = [(f"c{patches[r, c]}", square(r * 8 + 1, c * 8 + 1, 6)) for r in range(12) for c in range(16)][:60]
    frame = gpd.GeoDataFrame({"class": [r[0] for r in rows]}, geometry=[r[1] for r in rows], crs="EPSG:32633")
    model = geoseg.sketch(image, frame, tmp_path / "m")
    base = model.card.hyperparameters["kwargs"]["base"]
    assert base is None or base["name"] == "landcover"
    cache = read_cache(tmp_path / "m")
    assert cache.pretrained[0] == "landcover"
    again = geoseg.sketch(image, frame, tmp_path / "n", previous=tmp_path / "m")
    assert again.card.metrics == model.card.metrics
    without = geoseg.sketch(image, frame, pretrained=None)
    assert without.card.hyperparameters["kwargs"]["base"] is None
    with pytest.raises(ModelError, match="cannot be part of a sketch"):
        geoseg.sketch(image, frame, pretrained=tmp_path / "m")
    with pytest.raises(ModelError, match="cannot be part of a sketch"):
        geoseg.sketch(image, frame, pretrained="spectral")


def test_only_the_surroundings_of_drawings_are_read(few, write, tmp_path, monkeypatch):
    # A scene of 64 Mpx of which one block is written: GDAL stores nothing else of it.
    path = tmp_path / "large.tif"
    profile = {"driver": "GTiff", "count": 4, "height": 8000, "width": 8000, "dtype": "uint16", "tiled": True,
               "sparse_ok": True, "crs": "EPSG:32633", "transform": T}  # fmt: skip
    with rasterio.open(path, "w", **profile) as file:
        rng = np.random.default_rng(0)
        file.write(rng.integers(100, 3000, (4, 256, 192), dtype=np.uint16), window=((0, 256), (0, 192)))
    area = []
    inner = Raster.read

    def count(self, box):
        area.append(box.area)
        return inner(self, box)

    monkeypatch.setattr(Raster, "read", count)
    geoseg.sketch(path, few.path)
    # Up to a million pixels at 25 places tell how values are distributed, wherever drawings are.
    assert sum(area) < 1_000_000 + 9 * 9 * 112**2


def test_points_and_lines_label_the_pixels_that_they_touch(place):
    raster = geoseg.open_raster(place.image)
    frame = gpd.GeoDataFrame(
        {"class": ["wood", "field", "water"]},
        geometry=[Point(T * (20.5, 10.5)), LineString([T * (3.5, 40.5), T * (7.5, 40.5)]), square(100, 50, 2)],
        crs="EPSG:32633",
    )
    for moved in (frame, frame.to_crs(4326)):
        drawings = read_drawings([moved], [raster], None)
        found = drawn_pixels(drawings, raster, np.arange(3))
        rows, cols = np.divmod(found.pixels, raster.shape[1])
        names = [drawings.vocabulary.classes[k].name for k in found.codes]
        assert list(zip(names, rows, cols, strict=True)) == [
            ("wood", 10, 20), *[("field", 40, c) for c in range(3, 8)],
            *[("water", r, c) for r in (100, 101) for c in (50, 51)],
        ]  # fmt: skip
        assert len(np.unique(found.places)) == 3


def test_layers_of_points_lines_and_polygons_of_one_file_count_together(place, few, tmp_path):
    path = tmp_path / "layers.gpkg"
    few.frame.iloc[:4].to_file(path, layer="areas")
    dots = few.frame.iloc[4:].copy()
    dots.geometry = dots.geometry.centroid
    dots.to_file(path, layer="dots")
    model = geoseg.sketch(place.image, path)
    assert sorted(c.name for c in model.card.classes) == sorted(NAMES)


def test_parts_of_a_multipolygon_are_places_of_their_own_and_touching_ones_are_one(place):
    raster = geoseg.open_raster(place.image)
    apart = MultiPolygon([square(0, 0, 4), square(0, 40, 4)])
    touching = [square(100, 0, 4), square(104, 0, 4), square(108, 0, 4)]
    frame = gpd.GeoDataFrame({"class": ["wood"] * 4}, geometry=[apart, *touching], crs="EPSG:32633")
    found = drawn_pixels(read_drawings([frame], [raster], None), raster, np.arange(1))
    assert len(np.unique(found.places)) == 3


def test_the_drawing_that_comes_last_counts(place, few, heard):
    over = gpd.GeoDataFrame({"class": ["water"]}, geometry=[few.frame.geometry[0]], crs="EPSG:32633")
    model = geoseg.sketch(place.image, geoseg_concat(few.frame, over), reporter=heard)
    assert any("36 pixels are drawn with several classes" in text for text in heard.all("warning"))
    assert "wood 72 in 2" in model.card.training_data[1]
    assert "water 144 in 4" in model.card.training_data[1]


def test_a_class_that_later_drawings_cover_is_not_called_missing(place, few, heard):
    covered = few.frame.assign(**{"class": "below"})
    geoseg.sketch(place.image, geoseg_concat(covered, few.frame), reporter=heard)
    told = heard.all("warning")
    assert any("no pixel is left of below" in text for text in told)
    assert not any("no drawing of" in text for text in told)


def test_one_class_is_not_enough(place, few):
    with pytest.raises(InputError, match=r"a model needs 2 classes: draw what is not of this class, too$"):
        geoseg.sketch(place.image, few.frame[few.frame["class"] == "wood"])


def test_drawings_elsewhere(place, few, heard):
    far = few.frame.set_geometry(few.frame.translate(1e5))
    with pytest.raises(InputError, match="no drawing lies on the image"):
        geoseg.sketch(place.image, far)
    some = geoseg_concat(few.frame, far.assign(**{"class": "ice"}))
    geoseg.sketch(place.image, some, reporter=heard)
    assert any("no drawing of ice lies on the images" in text for text in heard.all("warning"))


def test_a_class_of_one_pixel_is_learned_and_not_judged(place, few, heard):
    dot = gpd.GeoDataFrame({"class": ["mast"]}, geometry=[Point(T * (30.5, 30.5))], crs="EPSG:32633")
    model = geoseg.sketch(place.image, geoseg_concat(few.frame, dot), reporter=heard)
    assert "mast" in [c.name for c in model.card.classes]
    assert model.card.metrics["held_out"]["not_judged"] == ["mast"]
    assert any("mast" in text for text in heard.all("warning"))


def test_labels_in_another_crs_give_the_same_pixels(place, few):
    raster = geoseg.open_raster(place.image)
    one, other = (
        drawn_pixels(read_drawings([frame], [raster], None), raster, np.arange(3))
        for frame in (few.frame, few.frame.to_crs(3857))
    )
    assert np.array_equal(one.pixels, other.pixels)


def test_class_fields_of_numbers_texts_and_nulls(place, few, heard):
    frame = few.frame.copy()
    frame["kind"] = frame["class"].map({"wood": 3.0, "field": 1.0, "water": 20.0})
    frame.loc[0, "kind"] = np.nan
    model = geoseg.sketch(place.image, frame, class_field="kind", reporter=heard)
    assert [c.name for c in model.card.classes] == ["1", "3", "20"]
    assert any("1 drawings without a class" in text for text in heard.all("warning"))
    with pytest.raises(InputError, match="there is no field 'sort'"):
        geoseg.sketch(place.image, frame, class_field="sort")


def test_two_hundred_classes(write, tmp_path):
    rng = np.random.default_rng(0)
    spectra = rng.integers(100, 10000, (200, 6))
    bands = np.moveaxis(np.kron(spectra[np.arange(400).reshape(20, 20) % 200], np.ones((4, 4, 1))), -1, 0)
    image = write(tmp_path / "many.tif", (bands + rng.integers(0, 50, bands.shape)).astype(np.uint16))
    rows = [(f"c{v % 200:03}", square(v // 20 * 4 + 1, v % 20 * 4 + 1, 2)) for v in range(400)]
    frame = gpd.GeoDataFrame({"class": [r[0] for r in rows]}, geometry=[r[1] for r in rows], crs="EPSG:32633")
    model = geoseg.sketch(image, frame)
    assert len(model.card.classes) == 200
    assert model.card.metrics["held_out"]["balanced_accuracy"] > 0.9


@pytest.mark.parametrize("dtype", ["uint8", "float32"])
def test_one_band(write, place, few, tmp_path, dtype):
    image = write(tmp_path / "one.tif", (place.bands[3] / 16).astype(dtype))
    model = geoseg.sketch(image, few.path, tmp_path / "m")
    assert len(model.card.classes) == 3
    assert (mapped(image, model) == np.array(NAMES)[place.classes]).mean() > 0.99


def test_decibels_below_zero_and_a_constant_band(write, place, few, tmp_path, heard):
    bands = np.stack([-30 + place.bands[3] / 150, place.bands[0] / 90 - 25, np.full(place.classes.shape, 7.0)])
    image = write(tmp_path / "radar.tif", bands.astype(np.float32), ("vv", "vh", "flat"))
    model = geoseg.sketch(image, few.path, tmp_path / "m", reporter=heard)
    assert any("band flat is constant" in text for text in heard.all("warning"))
    assert len(model.card.classes) == 3
    assert (mapped(image, model) == np.array(NAMES)[place.classes]).mean() > 0.99


def test_nodata_around_the_drawings(write, place, few, tmp_path, heard):
    hole = np.zeros(place.classes.shape, bool)
    for geometry in few.frame.geometry:
        col, row = ~T * (geometry.bounds[0], geometry.bounds[3])
        hole[round(row) : round(row) + 6, round(col) : round(col) + 6] = True
    image = write(tmp_path / "holes.tif", np.where(hole, place.bands, 0), nodata=0)
    geoseg.sketch(image, few.path, tmp_path / "m", reporter=heard)
    assert not any("no data" in text for text in heard.all("warning"))
    empty = write(tmp_path / "empty.tif", np.where(hole, 0, place.bands), nodata=0)
    with pytest.raises(InputError, match="nothing is drawn on pixels with data"):
        geoseg.sketch(empty, few.path)


def test_class_rasters_and_empty_files_are_refused(place, tmp_path):
    with pytest.raises(InputError, match="a sketch is drawn"):
        geoseg.sketch(place.image, place.labels)
    path = tmp_path / "empty.gpkg"
    gpd.GeoDataFrame({"class": []}, geometry=[], crs="EPSG:32633").to_file(path)
    with pytest.raises(InputError, match="holds no geometries"):
        geoseg.sketch(place.image, path)


def test_the_command_line(place, few, tmp_path, geoseg):
    code, out, err = geoseg("sketch", place.image, "--labels", few.path, "-o", tmp_path / "m", "--progress", "json")
    assert code == 0, err
    events = [json.loads(line) for line in out.splitlines()]
    assert events[0]["event"] == "start"
    assert events[-1]["event"] == "result"
    assert events[-1]["outputs"]["model"] == str(tmp_path / "m")
    code, _, err = geoseg("sketch", place.image, "--labels", few.path, "-o", tmp_path / "m")
    assert code == 1
    assert err.startswith("error: ")
    assert len(err.strip().splitlines()) == 1
