"""Every command and function that writes refuses places that it cannot write at once, and its own inputs.

``segment`` and ``detect`` write to object storage: see tests/job/test_object_storage.py.
"""

from __future__ import annotations

import numpy as np
import pytest
import rasterio

from geoseg.cli import main
from geoseg.errors import ChangedError, OutputError

BUCKETS = ("s3://bucket/x", "gs://bucket/x", "/vsis3/bucket/x", "az://c/x")
REMOTE = ("s3://bucket/x", "gs://bucket/x", "https://host/x", "/vsis3/bucket/x", "az://c/x", "file:///tmp/x")


def commands(at):
    """Return each command that writes, its output at ``at``; inputs need not exist."""
    return [
        ("segment", "none.tif", "-o", at),
        ("segment", "none.tif", "-o", "out", "--profile", f"{at}.json"),
        ("detect", "none.tif", "-m", "none", "-o", at),
        ("polygonize", "none.tif", "-o", f"{at}.gpkg"),
        ("evaluate", "none.tif", "none2.tif", "-o", f"{at}.json"),
        ("evaluate", "-m", "spectral", "--images", "none.tif", "--labels", "none2.tif", "-o", f"{at}.json"),
        ("evaluate", "sample", "none.tif", "-o", f"{at}.gpkg"),
        ("evaluate", "area", "none.gpkg", "none.tif", "-o", f"{at}.json"),
        ("train", "--images", "none.tif", "--labels", "none2.tif", "-o", at),
        ("adapt", "none", "none.tif", "-o", at),
        ("pretrain", "none.tif", "-o", at),
        ("model", "export", "none", "-o", f"{at}.onnx"),
        ("demo", at),
    ]


@pytest.mark.parametrize("at", REMOTE)
@pytest.mark.parametrize("number", range(len(commands(""))))
def test_commands_refuse_remote_outputs_before_anything_else(tmp_path, monkeypatch, capsys, number, at):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as exit_:
        main([*commands(at)[number]])
    err = capsys.readouterr().err
    assert exit_.value.code == 1
    lines = [line for line in err.splitlines() if line.startswith("error:")]
    assert len(lines) == 1
    if commands(at)[number][0] in ("segment", "detect") and commands(at)[number][-1] in BUCKETS:
        assert "not supported as output" not in lines[0]  # no credentials, or no such model
    else:
        assert "not supported as output" in lines[0]
    assert list(tmp_path.iterdir()) == []


def test_functions_refuse_remote_outputs(tmp_path, monkeypatch):
    import xarray as xr

    import geoseg
    from geoseg.demo import make_scene
    from geoseg.evaluate.points import draw_sample
    from geoseg.models import save_model
    from geoseg.models.export.export import export_model
    from geoseg.write import CogSink, write_qml

    monkeypatch.chdir(tmp_path)
    array = xr.DataArray(np.zeros((4, 4), np.uint8), dims=("y", "x"))
    card = geoseg.load_model("spectral").card
    for at in REMOTE:
        jobs = [] if at in BUCKETS else [lambda at=at: geoseg.Job(["a.tif"], at)]
        for call in (
            *jobs,
            lambda at=at: geoseg.train("a.tif", "b.tif", at),
            lambda at=at: geoseg.polygonize(array, f"{at}.gpkg"),
            lambda at=at: geoseg.write_cog(array, f"{at}.tif"),
            lambda at=at: CogSink(f"{at}.tif", None),
            lambda at=at: write_qml(f"{at}.qml", ()),
            lambda at=at: draw_sample(array, f"{at}.gpkg"),
            lambda at=at: export_model("spectral", f"{at}.pt2"),
            lambda at=at: save_model(at, card, {}),
            lambda at=at: card.write(f"{at}.json"),
            lambda at=at: make_scene(at),
        ):
            with pytest.raises(OutputError, match="not supported as output"):
                call()
    assert list(tmp_path.iterdir()) == []


def write(path, values):
    with rasterio.open(
        path, "w", driver=None if path.suffix != ".png" else "PNG", width=values.shape[1], height=values.shape[0],
        count=1, dtype="uint8", crs="EPSG:32633", transform=rasterio.Affine(10, 0, 5e5, 0, -10, 5e6),
    ) as file:  # fmt: skip
        file.write(values, 1)
    return path


@pytest.fixture
def classes(tmp_path):
    rng = np.random.default_rng(5)
    return write(tmp_path / "classes.tif", np.kron(rng.integers(0, 3, (64, 16)), np.ones((8, 8))).astype(np.uint8))


@pytest.mark.parametrize("overwrite", [True, False])
def test_polygons_do_not_replace_their_map(tmp_path, classes, overwrite, capsys):
    source = tmp_path / "c.gpkg"
    source.write_bytes(classes.read_bytes())  # a GeoTIFF by its content
    flags = ["--overwrite"] if overwrite else []
    with pytest.raises(SystemExit) as exit_:
        main(["polygonize", str(source), "-o", str(source), *flags])
    assert exit_.value.code == 1
    assert ("input" if overwrite else "exists") in capsys.readouterr().err
    assert source.read_bytes() == classes.read_bytes()


@pytest.mark.parametrize("which", ["map", "reference", "points"])
def test_reports_do_not_replace_what_is_compared(tmp_path, classes, which, capsys):
    import geoseg

    if which == "map":  # the figure beside the report would
        kept = write(tmp_path / "map.png", rasterio.open(classes).read(1))
        arguments = ["evaluate", kept, classes, "-o", tmp_path / "map.json"]
    elif which == "reference":
        kept = tmp_path / "reference.json"
        geoseg.polygonize(classes).to_file(kept, driver="GeoJSON")
        arguments = ["evaluate", classes, kept, "--class-field", "class_id", "-o", kept]
    else:
        kept = tmp_path / "points.json"
        kept.write_text("{}")
        arguments = ["evaluate", "area", kept, classes, "-o", kept]
    before = kept.read_bytes()
    with pytest.raises(SystemExit) as exit_:
        main([*map(str, arguments), "--overwrite"])
    assert exit_.value.code == 1
    assert "would be replaced" in capsys.readouterr().err
    assert kept.read_bytes() == before
    if which == "reference":
        result = geoseg.evaluate(classes, kept, class_field="class_id")
        with pytest.raises(OutputError, match="would be replaced"):
            result.write(kept, overwrite=True)
        assert kept.read_bytes() == before


def test_a_cog_does_not_replace_the_raster_that_it_is_computed_from(classes):
    import geoseg

    before = classes.read_bytes()
    lazy = geoseg.open_raster(classes).to_xarray(masked=False, scaled=False)[0]
    with pytest.raises(OutputError, match="would be replaced"):
        geoseg.write_cog(lazy, classes, kind="classes", overwrite=True)
    assert classes.read_bytes() == before


def test_a_model_does_not_replace_its_images(tmp_path, classes):
    import geoseg

    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "model.json").write_text("{}")
    image = folder / "image.tif"
    image.write_bytes(classes.read_bytes())
    with pytest.raises(OutputError, match="would be replaced"):
        geoseg.train(image, classes, folder, overwrite=True)
    assert image.read_bytes() == classes.read_bytes()


def once(path, values):
    """Return a progress function that rewrites a raster when it is first called."""
    calls = []

    def progress(*_):
        calls.append(1)
        if len(calls) == 1:
            write(path, values)

    return progress


def test_a_map_that_changes_while_it_is_polygonized_gives_no_file(tmp_path, classes):
    import geoseg

    new = 2 - rasterio.open(classes).read(1)
    target = tmp_path / "land.gpkg"
    with pytest.raises(ChangedError, match=r"classes\.tif.*run again"):
        geoseg.polygonize(classes, target, memory=10**6, progress=once(classes, new))
    assert not target.exists()
    summary = geoseg.polygonize(classes, target)
    assert {value: round(one.area_m2) for value, one in summary.classes.items()}.keys() == set(np.unique(new).tolist())


@pytest.mark.parametrize("which", ["map", "reference", "polygons"])
def test_a_file_that_changes_during_an_evaluation_gives_no_scores(tmp_path, classes, which):
    import geoseg

    values = rasterio.open(classes).read(1)
    reference = write(tmp_path / "reference.tif", values)
    if which == "polygons":
        reference = tmp_path / "reference.gpkg"
        geoseg.polygonize(classes, reference)
        change = lambda *_: geoseg.polygonize(classes, reference, only=[1], overwrite=True)  # noqa: E731
    else:
        change = once(classes if which == "map" else reference, 2 - values)
    field = {"class_field": "class_id"} if which == "polygons" else {}
    with pytest.raises(ChangedError, match="run again"):
        geoseg.evaluate(classes, reference, progress=change, **field)
    if which == "polygons":
        geoseg.polygonize(classes, reference, overwrite=True)
    scores = geoseg.evaluate(classes, reference, **field).scores
    assert scores.overall_accuracy == pytest.approx(1.0 if which == "polygons" else float((values == 1).mean()))


@pytest.mark.parametrize("which", ["sample", "area"])
def test_a_map_that_changes_while_points_are_drawn_or_counted(tmp_path, classes, which):
    import geopandas as gpd

    from geoseg.evaluate.points import draw_sample, estimate_area

    values, points = rasterio.open(classes).read(1), tmp_path / "points.gpkg"
    if which == "sample":
        with pytest.raises(ChangedError):
            draw_sample(classes, points, progress=once(classes, 2 - values))
        assert not points.exists()
        return
    draw_sample(classes, points)
    frame = gpd.read_file(points, layer="points")
    frame["reference_class"] = frame["map_class"]
    with pytest.raises(ChangedError):
        estimate_area(frame, classes, progress=once(classes, 2 - values))
