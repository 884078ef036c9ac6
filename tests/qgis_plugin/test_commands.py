"""What the user chose as arguments, how a run is going, and which polygons to look at first."""

from __future__ import annotations

import sqlite3

import pytest
from geoseg_qgis import commands
from geoseg_qgis.commands import Scene
from geoseg_qgis.uncertain import Search, most_uncertain
from geoseg_qgis.work import Progress

from geoseg.cli import cli
from tests.qgis_plugin.conftest import wait_for

SCENE = Scene(["/a b.tif"], "blue=1", (-1.5, 2, 3, 4e6), {"scale": 0.0001, "nodata": None, "offset": ""})


def test_only_what_is_set_is_said():
    found = commands.segment(SCENE, "/out", "", min_area=None, no_polygons=True, overwrite=False, window=512)
    assert found == [
        "segment", "/a b.tif", "--bands=blue=1", "--bbox=-1.5,2.0,3.0,4000000.0", "--scale=0.0001",
        "--output=/out", "--no-polygons", "--window=512", "--progress=json",
    ]  # fmt: skip


def test_several_files_are_one_scene():
    assert commands.inspect(Scene(["a", "b"]), "m") == ["inspect", "a", "b", "--stack", "--model=m", "--json"]


@pytest.mark.parametrize(
    "arguments",
    [
        commands.segment(
            SCENE, "/o", "m", min_area=1.0, simplify=2.0, window=64, margin=0, device="cpu", memory="4GB",
            stitch="trim", precision="auto", format="gpkg", no_polygons=True, no_preview=True, overwrite=True,
        ),
        commands.inspect(Scene(["a", "b"], "x=1", (), {"resolution": 10.0, "nodata": 0}), "m"),
        commands.polygonize(
            "c.tif", "p.gpkg", min_area=1.0, simplify=1.0, smooth=True, connectivity="8", classes="a,b",
            exclude="c", keep="d", nodata=255, confidence="f.tif", band=1, overwrite=True,
        ),
        commands.evaluate("p.tif", "r.gpkg", "o.json", class_field="f", overwrite=True),
        commands.train(
            SCENE, ["l.gpkg"], "/m", "base", class_field="c", epochs=1, arch="unet", encoder="resnet18", device="cpu",
            stack=True,
        ),
        commands.models(),
    ],
    ids=lambda arguments: arguments[0],
)  # fmt: skip
def test_geoseg_knows_every_option(arguments):
    """The plugin and the command line must not drift apart."""
    import click

    command, rest = cli.get_command(None, arguments[0]), arguments[1:]
    if isinstance(command, click.Group):
        # `evaluate` without a subcommand compares.
        named = rest[0] in command.commands
        command, rest = command.commands[rest[0] if named else "compare"], rest[named:]
    # Parsing alone: nothing is run.
    command.make_context("geoseg", list(rest), resilient_parsing=False)


def test_stages_become_one_bar():
    progress, seen = Progress(), []
    for stage, total in (("segment x", 4), ("write x", 2), ("polygonize x", 2)):
        for done in range(total + 1):
            event = {"event": "progress", "done": done, "total": total, "message": f"{stage}: 3.1 Mpx/s, 2 min left"}
            assert progress.take(event)
            seen.append(progress.percent)
    assert seen == sorted(seen)
    assert seen[0] < 5
    assert seen[-1] == 100
    assert progress.text() == "polygonize x: 3.1 Mpx/s, 2 min left"


@pytest.mark.parametrize(
    ("message", "device"),
    [("demo: cpu, fp32, channels first", "cpu"), ("a: b: cuda:1, bf16, channels last", "cuda:1"), ("kept", "")],
)
def test_device_is_read_from_what_geoseg_says(message, device):
    progress = Progress()
    progress.take({"event": "info", "message": message})
    assert progress.device == device


def test_the_most_uncertain_area_comes_first(tmp_path):
    path = tmp_path / "p.gpkg"
    rows = [(1, 50.0, 10.0), (2, 90.0, 1000.0), (3, 20.0, 5.0), (4, None, 1e9), (5, 60.0, 30.0)]
    database = sqlite3.connect(path)
    database.execute("CREATE TABLE polygons (fid INTEGER PRIMARY KEY, confidence REAL, area_m2 REAL)")
    database.executemany("INSERT INTO polygons VALUES (?, ?, ?)", rows)
    database.commit()
    database.close()
    known = [row for row in rows if row[1] is not None]
    whole = sum(row[2] for row in known)
    mean = sum(row[1] * row[2] for row in known) / whole
    by_hand = sorted(known, key=lambda row: (row[1] > mean, -(100 - row[1]) * min(row[2], whole / 100)))
    assert most_uncertain(str(path)) == [row[0] for row in by_hand]
    assert most_uncertain(str(path), 2) == [row[0] for row in by_hand[:2]]
    search = Search(str(path))
    assert wait_for(lambda: search.found) == most_uncertain(str(path))
    assert most_uncertain(str(tmp_path / "none.gpkg")) == []
