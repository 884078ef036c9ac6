"""A model against labelled images, and the command line of all of it."""

from __future__ import annotations

import json

import numpy as np
import pytest

from geoseg.cli import main
from geoseg.errors import InputError, OptionError
from geoseg.evaluate.model import evaluate_model, pair

SIZE = (64, 80)


@pytest.fixture
def labelled(class_map, patches):
    """Two images whose pixels are their own labels, partly labelled, for the identity model."""
    files = []
    for number in (1, 2):
        array = patches(*SIZE, number)
        labels = array.copy()
        labels[: 10 * number] = 255
        image = class_map(f"i{number}.tif", array, classes=(), nodata=None)
        files.append((image, class_map(f"i{number}_labels.tif", labels, classes=())))
    return files


def test_an_identity_model_is_always_right(identity_model, labelled):
    model = identity_model(6)
    images, labels = zip(*labelled, strict=True)
    said = []
    result = evaluate_model(model, images, labels, progress=lambda *done: said.append(done))
    assert result.scores.overall_accuracy == 1
    assert result.matrix.sum() == 2 * SIZE[0] * SIZE[1] - 30 * SIZE[1]
    assert [entry["pixels"] for entry in result.facts["images"]] == [54 * SIZE[1], 44 * SIZE[1]]
    done, total, texts = zip(*said, strict=True)
    assert list(done) == sorted(done)
    assert done[-1] == total[-1] == 2000
    assert {"evaluate: i1.tif", "evaluate: i2.tif"} <= set(texts)
    assert any(1000 < one < 2000 for one in done), "an image counts by its parts"
    assert result.counts.errors is None
    assert result.counts.reliability.pixels.sum() == result.matrix.sum()
    alone = evaluate_model(model, labelled[0][0], labelled[0][1])
    assert alone.counts.errors is not None


def test_wrong_pixels_are_counted(identity_model, labelled, class_map, patches):
    other = class_map("o.tif", patches(*SIZE, 7), classes=())
    result = evaluate_model(identity_model(6), [labelled[0][0]], [other])
    truth, found = patches(*SIZE, 7), patches(*SIZE, 1)
    assert result.scores.overall_accuracy == pytest.approx((truth == found).mean())


def test_pairing(tmp_path):
    for name in ("images/a.tif", "images/b.tif", "labels/a_labels.tif", "labels/b.gpkg", "one.gpkg"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    images, labels = tmp_path / "images", tmp_path / "labels"
    found = pair(images, labels)
    assert [(one.name, other.name) for one, other in found] == [("a.tif", "a_labels.tif"), ("b.tif", "b.gpkg")]
    assert [other for _, other in pair([images], [tmp_path / "one.gpkg"])] == [tmp_path / "one.gpkg"] * 2
    with pytest.raises(OptionError, match="2 images and 3 labels"):
        pair(images, ["x", "y", "z"])
    with pytest.raises(InputError, match=r"no labels of that name.*one_labels\.tif"):
        pair(["one.tif"], labels)
    with pytest.raises(InputError, match="no rasters in this folder"):
        pair(labels.parent, labels)


def test_nothing_labelled(identity_model, labelled, class_map):
    empty = class_map("e.tif", np.full(SIZE, 255, np.uint8), classes=())
    told = []
    with pytest.raises(InputError, match="no pixel with a class in common"):
        evaluate_model(identity_model(6), [labelled[0][0]], [empty], warn=told.append)
    assert any("no pixel of it is labelled" in line for line in told)


def _run(*args):
    with pytest.raises(SystemExit) as stopped:
        main(["evaluate", *map(str, args)])
    return stopped.value.code


def test_command_line(class_map, patches, tmp_path, capsys):
    first, second = class_map("a.tif", patches(60, 60, 1)), class_map("b.tif", patches(60, 60, 2))
    assert _run(first, second, "-o", tmp_path / "r.json", "--map", "water=") == 0
    out = capsys.readouterr().out
    assert "overall accuracy" in out
    assert str(tmp_path / "r.png") in out
    report = json.loads((tmp_path / "r.json").read_text("utf-8"))
    assert "water" not in report["classes"]
    assert _run(first, second, "-o", tmp_path / "r.json") == 1
    assert "exists" in capsys.readouterr().err
    assert _run(first, second, "--progress", "json") == 0
    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [events[0]["event"], events[-1]["event"]] == ["start", "result"]
    assert any(event["event"] == "progress" and event["done"] == event["total"] for event in events)
    assert events[-1]["evaluation"]["kind"] == "geoseg-evaluation"
    assert _run(first, second, "--json") == 0
    assert json.loads(capsys.readouterr().out)["schema"] == 1
    assert _run(first, second, "-m", "spectral") == 1
    assert "not both" in capsys.readouterr().err
    assert _run(first) == 1
    assert _run("-h") == 0
    assert "sample" in capsys.readouterr().out


def test_sample_and_area_on_the_command_line(class_map, patches, tmp_path, capsys):
    import pyogrio

    path = class_map("a.tif", patches(120, 120, 1))
    points = tmp_path / "p.gpkg"
    assert _run("sample", path, "-o", points, "--points", 120, "--minimum", 10, "--seed", 3) == 0
    assert "% of the map" in capsys.readouterr().out
    assert _run("area", points, path) == 1
    assert "none of its 120 points is interpreted" in capsys.readouterr().err
    frame = pyogrio.read_dataframe(points)
    frame["reference_class"] = frame["map_class"]
    pyogrio.write_dataframe(frame, tmp_path / "done.gpkg")
    assert _run("area", tmp_path / "done.gpkg", path, "-o", tmp_path / "area.json") == 0
    assert "overall accuracy 1.000" in capsys.readouterr().out
    report = json.loads((tmp_path / "area.json").read_text("utf-8"))
    assert report["total_area"] == pytest.approx(120 * 120 * 100, rel=2e-3)  # true ground, not the grid's metres
