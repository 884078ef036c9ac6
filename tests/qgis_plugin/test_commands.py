"""What the user chose as arguments, how a run is going, and which polygons to look at first."""

from __future__ import annotations

import itertools
import sqlite3

import pytest
from geoseg_qgis import commands
from geoseg_qgis.commands import Scene
from geoseg_qgis.estimates import Overheads
from geoseg_qgis.uncertain import Search, most_uncertain
from geoseg_qgis.work import ChangeProgress, Progress, duration

from geoseg.cli import cli
from tests.qgis_plugin.conftest import wait_for

SCENE = Scene(["/a b.tif"], "blue=1", (-1.5, 2, 3, 4e6), {"scale": 0.0001, "nodata": None, "offset": ""})


def test_only_what_is_set_is_said():
    found = commands.segment(SCENE, "/out", "", min_area=None, no_polygons=True, overwrite=False, window=512)
    assert found == [
        "segment", "/a b.tif", "--bands=blue=1", "--bbox=-1.5,2.0,3.0,4000000.0", "--scale=0.0001",
        "--output=/out", "--no-polygons", "--window=512", "--progress=json",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", ""),
        ("blue=1, green=2", ""),
        ("red,green", ""),  # by name: geoseg looks them up in the file
        ("blue=1,green", "not of the form"),
        ("blue=,green=2", "not of the form"),
        ("blue=0", "no band 0"),
        ("blue=1,nir=7", "no band 7, the scene has 6"),
        ("blue=1,blue=2", "named twice"),
    ],
)
def test_bands_are_checked_before_anything_is_started(text, reason):
    assert reason in commands.band_mistake(text, 6)
    assert bool(reason) == bool(commands.band_mistake(text, 6))


def test_variables_of_a_file():
    names = [f'NETCDF:"/a b/cube.nc":{name}' for name in ("red", "nir")]
    assert [commands.file_of(name) for name in names] == ["/a b/cube.nc#red", "/a b/cube.nc#nir"]
    assert commands.file_of("HDF5:C:/a/x.h5://group/red") == "C:/a/x.h5#group/red"
    assert commands.file_of("C:/a/x.tif") == "C:/a/x.tif"
    assert commands.together([commands.file_of(name) for name in names]) == ["/a b/cube.nc#red,nir"]
    for sources in (["a.tif", "b.tif"], ["a.nc#red", "b.nc#red"], ["a.nc#red", "a.nc"], ["a.tif"], []):
        assert commands.together(sources) == sources


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
        commands.sample("c.tif", "p.gpkg", points=60, minimum=5),
        commands.area("p.gpkg", "c.tif", "o.json", overwrite=True),
        commands.train(
            SCENE, ["l.gpkg"], "/m", "base", class_field="c", epochs=1, arch="unet", encoder="resnet18", device="cpu",
            stack=True,
        ),
        commands.sketch(
            SCENE, "l.gpkg", "/m", class_field="c", classes="a:#ffffff,b", quick=True, overwrite=True, model="none",
            **{"from": "/m"},
        ),
        commands.next_labels(["/o"], "n.gpkg", labels="l.gpkg", scenes=["a.tif"], count=5, side=9, overwrite=True),
        commands.change(
            "a.tif", "b.tif", "/o", "m", tolerance=2, min_confidence=60.0, min_area=1.0, simplify=1.0,
            map="a=b,c=", bands="x=1", scale=0.1, window=64, stitch="trim", overwrite=True,
        ),
        commands.models(),
        commands.click_models(),
        commands.click(SCENE, "sam", [(-1.5, 2.0), (3.0, 1e6)], [(0.0, 0.25)], pixel=2.0),
        commands.click(Scene(["a", "b"]), "sam", [(1.0, 2.0)], []),
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
    progress, seen, now = Progress(), [], 0.0
    for stage, total in (("segment x", 4), ("write x", 2), ("polygonize x", 2)):
        for done in range(total + 1):
            event = {"event": "progress", "done": done, "total": total, "message": f"{stage}: 3.1 Mpx/s"}
            now += 1.0
            assert progress.take(event, now)
            seen.append(progress.percent)
    assert seen == sorted(seen)
    assert seen[0] < 5
    assert seen[-1] == 100
    assert progress.seconds_left(now) == 0


@pytest.mark.parametrize("scenes", [0, 1, 2])
def test_two_scenes_and_their_comparison_become_one_bar(scenes):
    """Also if a network of change maps both scenes at once, where two were expected."""
    progress, seen = ChangeProgress(scenes=min(scenes * 2, 2)), []
    mapped = [f"{stage} {name}" for name in ("a b", "c")[:scenes] for stage in ("segment", "write")]
    for stage in (*mapped, "compare", "write changes", "polygonize changes"):
        for done in range(5):
            progress.take({"event": "progress", "done": done, "total": 4, "message": f"{stage}: 1 Mpx/s"})
            seen.append(progress.percent)
    assert seen == sorted(seen)
    assert seen[0] < 5
    assert seen[-1] == 100
    assert len(set(seen)) > len(seen) / 2
    assert max(b - a for a, b in itertools.pairwise(seen)) < 50


def test_phases_have_names_before_anything_is_computed():
    progress = Progress()
    assert progress.text() == "Starting geoseg (loading PyTorch)"
    progress.take({"event": "start"})
    assert progress.text() == "Loading scene and model"
    message = "x: measuring the fastest settings for this model, once on this machine"
    progress.take({"event": "info", "message": message})
    assert progress.text().startswith("Measuring the fastest settings")
    progress.take({"event": "progress", "done": 0, "total": 9, "message": "segment x: 0.5 blocks/s, device 85 %"})
    assert progress.text() == "Segmenting", "figures for developers are not shown"


@pytest.mark.parametrize("command", ["segment", "train"])
def test_the_time_left_is_that_of_the_whole_run(command):
    """Of a run at a steady pace, within a factor of 1.5 from a tenth of the way on."""
    progress = Progress(several=False)
    for second in range(101):
        event = {"event": "progress", "done": second, "total": 100, "message": f"{command}: epoch 1/3, loss 0.5"}
        progress.take(event, float(second))
        if 10 <= second < 95:
            assert (100 - second) / 1.5 <= progress.seconds_left(float(second)) <= (100 - second) * 1.5
    assert ("epoch 1/3" in progress.text()) == (command == "train")


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("42 s left", 42), ("1.5 Mpx/s, 3 min left, 2 of 4 workers", 180), ("2.5 h left", 9000), ("3 left", None)],
)
def test_geosegs_own_estimate_counts(text, seconds):
    progress = Progress()
    for second in range(11):
        progress.take(
            {"event": "progress", "done": second, "total": 100, "message": f"segment x: {text}"}, float(second)
        )
    if seconds is None:
        assert progress.seconds_left(10.0) is not None, "without one it is estimated here"
    else:
        assert progress.seconds_left(10.0) == seconds
        assert progress.seconds_left(20.0) == seconds - 10
        assert "left" not in progress.detail


def test_durations():
    assert [duration(s) for s in (0.4, 7, 750, 3900)] == ["0:00", "0:07", "12:30", "1:05:00"]


@pytest.mark.parametrize(("fixed", "factor"), [(1.0, 1.2), (12.0, 2.5), (3.0, 1.0)])
def test_promises_come_within_a_factor_of_two_of_what_happens(fixed, factor):
    """After a few runs on a computer of another speed."""
    overheads = Overheads()
    for model_seconds in (1.0, 300.0, 2.0, 100.0, 1.0, 200.0, 3.0, 50.0):
        overheads.learn(model_seconds, fixed + factor * model_seconds)
    for model_seconds in (0.5, 3.0, 30.0, 1000.0):
        happens = fixed + factor * model_seconds
        assert happens / 2 <= overheads.whole_run(model_seconds) <= happens * 2
    assert Overheads(**overheads.as_dict()) == overheads
    assert overheads.whole_run(None) is None, "a speed that was never measured is not guessed"


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
    database.execute("CREATE TABLE polygons (fid INTEGER PRIMARY KEY, confidence REAL, area_m2 REAL, perimeter_m REAL)")
    database.executemany("INSERT INTO polygons VALUES (?, ?, ?, 40)", rows)
    database.commit()
    database.close()
    known = [row for row in rows if row[1] is not None]
    whole = sum(row[2] for row in known)
    mean = sum(row[1] * row[2] for row in known) / whole
    by_hand = sorted(known, key=lambda row: (row[1] > mean, -(100 - row[1]) * min(row[2], whole / 100)))
    assert most_uncertain(str(path)) == [row[0] for row in by_hand]
    assert most_uncertain(str(path), most=2) == [row[0] for row in by_hand[:2]]
    search = Search(str(path))
    assert wait_for(lambda: search.found) == most_uncertain(str(path))
    assert most_uncertain(str(tmp_path / "none.gpkg")) == []
    odd = path.rename(tmp_path / "fields #1 50%3F.gpkg")  # such signs mean something in an address
    assert most_uncertain(str(odd), most=2) == [row[0] for row in by_hand[:2]]
