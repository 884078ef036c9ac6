"""Bad paths, values and lists through every command: one line that says what is wrong, and nothing unforeseen."""

from __future__ import annotations

import json
import os
import shlex
from pathlib import Path

import numpy as np
import pytest
import rasterio

import geoseg.models

ESC = "\x1b"
CPU = "-m spectral --device cpu --precision fp32"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Inputs of all cases."""
    base = tmp_path_factory.mktemp("hostile")
    profile = {
        "driver": "GTiff", "width": 48, "height": 48, "crs": "EPSG:32633",
        "transform": rasterio.Affine(10, 0, 500000, 0, -10, 5400000),
    }  # fmt: skip
    with rasterio.open(base / "s.tif", "w", count=6, dtype="uint16", **profile) as file:
        for number, name in enumerate(("blue", "green", "red", "nir", "swir16", "swir22"), 1):
            file.write(np.full((48, 48), 600 * number, "uint16"), number)
            file.set_band_description(number, name)
    with rasterio.open(base / "map.tif", "w", count=1, dtype="uint8", **profile) as file:
        file.write((np.arange(48 * 48).reshape(48, 48) // 600).astype("uint8"), 1)
    with rasterio.open(base / "two.tif", "w", count=2, dtype="uint8", **profile) as file:
        file.write(np.ones((2, 48, 48), "uint8"))
    (base / "text.tif").write_text("no raster")
    (base / "file").write_text("a file where a folder is meant")
    (base / "nul.txt").write_bytes(b"s.tif\0\n")
    (base / "latin.txt").write_bytes(b"sc\xe8ne.tif\n")
    (base / "empty.txt").write_text("# nothing\n")
    (base / "escape.txt").write_text(f"{ESC}[2Jnone.tif\n")
    (base / "twice.txt").write_text("s.tif\n./s.tif\n")
    (base / "longname.txt").write_text("x" * 6000 + ".tif\n")
    (base / "field.csv").write_text("scene\n" + "x" * 140_000 + "\n")
    (base / "columns.csv").write_text(f"a,{ESC}b\n1,2\n")
    (base / "items.json").write_text('{"type": "FeatureCollection", "features": [5]}')
    (base / "object.json").write_text("[]")
    (base / "deep.json").write_text("[" * 100_000)
    with (base / "big.txt").open("wb") as file:
        file.truncate(66 << 20)
    (base / "lines.shp").write_bytes(b"\0\0\x27\x0a")
    for name, feature in (("lines", {"type": "Feature"}), ("items", {"type": "Feature", "assets": {}})):
        content = {"type": "FeatureCollection", "features": [feature]}
        (base / f"{name}.geojson").write_text(json.dumps(content), encoding="utf-8")
    if hasattr(os, "mkfifo"):
        os.mkfifo(base / "fifo")
    else:
        (base / "fifo").mkdir()
    return base


# Command line, exit code, and words of the one line on stderr.
CASES = [
    # --- inspect
    ("inspect none.tif", 1, "none.tif: no such file"),
    ("inspect text.tif", 1, "not a raster that geoseg reads"),
    ("inspect lines.shp", 1, "holds vectors, not pixels; name the image that they lie on"),
    ("inspect lines.geojson", 1, "it holds vectors: name the image they lie on"),
    ("inspect items.geojson", 1, "to segment all its items use --scenes"),
    (f"inspect 'x{ESC}[2J\nerror: forged'", 1, r"x\x1b[2J\nerror: forged: no such file"),
    ("inspect '\u202efit.exe'", 1, r"\u202efit.exe: no such file"),
    ("inspect '{no json'", 1, "not XML or JSON text"),
    ("inspect '<VRTDataset/>'", 1, "not XML or JSON text"),
    (f"inspect {'y' * 5000}", 1, "yyyy"),
    ("inspect s.tif -m none", 1, "no model is called 'none'"),
    ("inspect s.tif -m s.tif", 1, "s.tif"),
    ("inspect s.tif -m file", 1, "file is a file, not a model folder"),
    (f"inspect s.tif -m 'x{ESC}]0;t\nb'", 1, r"x\x1b]0;t\nb"),
    ("inspect s.tif --bbox 1,2,3", 2, "four numbers"),
    ("inspect s.tif --bbox nan,nan,nan,nan", 1, "four finite numbers"),
    ("inspect s.tif --bbox 0,0,1e400,1", 1, "four finite numbers"),
    ("inspect s.tif --bbox-crs EPSG:4326", 1, "bbox-crs is given without bbox"),
    (f"inspect s.tif --bbox 0,0,1,1 --bbox-crs '{ESC}[2J'", 1, r"\x1b[2J"),
    ("inspect s.tif --scale 0", 1, "scale must be a finite number other than 0"),
    ("inspect s.tif --scale nan", 1, "scale must be a finite number"),
    ("inspect s.tif --scale 1/0", 2, "not a number or fraction"),
    ("inspect s.tif --offset inf", 1, "offset"),
    ("inspect s.tif --nodata inf", 1, "nodata inf cannot occur"),
    ("inspect s.tif --nodata -1", 1, "nodata -1 cannot occur"),
    ("inspect s.tif --resolution 0", 1, "resolution must be a positive number"),
    ("inspect s.tif --resolution nan", 1, "resolution must be a positive number"),
    ("inspect s.tif --resolution 1e-300", 1, "resolution must be a positive number"),
    ("inspect s.tif --resolution 1e300", 1, "resolution must be a positive number"),
    (f"inspect s.tif --bands 'blue{ESC}=1'", 1, r"blue\x1b"),
    ("inspect s.tif --bands blue=99999999999999999999", 1, "99999999999999999999"),
    ("inspect s.tif --memory lots", 1, "memory 'lots' is not a size"),
    ("inspect s.tif --memory 1e400GB", 1, "memory '1e400GB' is not a size"),
    ("inspect s.tif --window 0", 2, "--window"),
    ("inspect s.tif --stitch glue", 2, "'glue' is not one of"),
    ("inspect", 2, "SCENE"),
    # --- segment
    ("segment s.tif", 2, "--output"),
    ("segment -o out", 2, "name scenes"),
    ("segment none.tif -o out --no-polygons", 1, "none.tif: no such file"),
    ("segment s.tif -o file", 1, "file/.geoseg/s cannot be written: Not a directory"),
    ("segment s.tif -o fifo/x", 1, "fifo/x/.geoseg/s cannot be written"),
    ("segment s.tif -o out --scheduler none", 1, "scheduler 'none' is unknown"),
    ("segment s.tif -o out --device none", 1, "device 'none' is unknown"),
    ("segment s.tif -o out --min-area nan", 1, "min-area must be 0 or larger, got nan"),
    ("segment s.tif -o out --simplify inf", 1, "simplify must be 0 or larger, got inf"),
    (f"segment s.tif -o out --probabilities 'x{ESC}'", 1, "is not a class of model 'spectral'"),
    ("segment s.tif -o out --profile none/x.json", 1, "its folder does not exist"),
    ("segment s.tif s.tif -o out", 1, "s.tif is listed twice"),
    ("segment -o out --scenes none.txt", 1, "none.txt: the list of scenes cannot be read: No such file"),
    ("segment -o out --scenes nul.txt", 1, "nul.txt, line 1: has a NUL character"),
    ("segment -o out --scenes latin.txt", 1, "latin.txt: is not text in UTF-8"),
    ("segment -o out --scenes empty.txt", 1, "empty.txt: lists no scene"),
    ("segment -o out --scenes escape.txt", 1, r"\x1b[2Jnone.tif: no such file"),
    ("segment -o out --scenes twice.txt", 1, "twice.txt, line 2: ./s.tif is listed twice"),
    ("segment -o out --scenes longname.txt", 1, "File name too long"),
    ("segment -o out --scenes field.csv", 1, "field.csv, line 2: not CSV (field larger than field limit"),
    ("segment -o out --scenes columns.csv", 1, r"has no column 'scene'; its columns are a, \x1bb"),
    ("segment -o out --scenes items.json", 1, "item 1 has no id"),
    ("segment -o out --scenes object.json", 1, "not a STAC ItemCollection"),
    ("segment -o out --scenes deep.json", 1, "deep.json: not JSON"),
    ("segment -o out --scenes big.txt", 1, "big.txt: has 66 MB, more than the 64 MB that are read of such a file"),
    ("segment -o out --scenes fifo", 1, "fifo: is a named pipe, not a file"),
    ("segment -o out --scenes .", 1, ".: the list of scenes cannot be read: Is a directory"),
    ("segment s.tif -o out --clean -m none", 1, "no model is called 'none'"),
    # --- change
    ("change map.tif", 2, "AFTER.tif"),
    ("change none.tif map.tif -o out", 1, "none.tif: no such file"),
    ("change map.tif text.tif -o out", 1, "text.tif"),
    ("change map.tif two.tif -o out", 1, "two.tif has 2 bands"),
    ("change map.tif map.tif -o file", 1, "file is a file: give the name of a folder"),
    ("change map.tif map.tif -o file/x", 1, "Not a directory"),
    ("change map.tif map.tif -o s3://bucket/x", 1, "not supported as output here; name a local folder"),
    ("change map.tif map.tif -o out --name ''", 1, "name is empty"),
    ("change map.tif map.tif -o out --map ''", 1, "map is empty"),
    (f"change map.tif map.tif -o out --map 'x{ESC}=y'", 1, r"x\x1b"),
    ("change map.tif map.tif -o out --tolerance 99", 2, "--tolerance"),
    ("change map.tif map.tif -o out --min-area nan", 1, "min-area must be 0 or larger, got nan"),
    ("change map.tif map.tif -o out --min-confidence 50", 1, "the maps have no confidence"),
    # --- sketch
    ("sketch", 2, "SCENE"),
    ("sketch s.tif -o m", 2, "--labels"),
    ("sketch s.tif --labels none.gpkg -o m", 1, "none.gpkg: no such file"),
    ("sketch s.tif --labels map.tif -o m", 1, "a sketch is drawn"),
    ("sketch none.tif --labels none.gpkg -o m", 1, "none.tif"),
    ("sketch s.tif --labels none.gpkg -o file", 1, "file is a file"),
    # --- polygonize
    ("polygonize none.tif -o x.gpkg", 1, "none.tif"),
    ("polygonize text.tif -o x.gpkg", 1, "text.tif"),
    ("polygonize two.tif -o x.gpkg", 1, "--band"),
    ("polygonize map.tif -o x.shp", 1, "unknown format '.shp'"),
    ("polygonize map.tif -o file/x.gpkg", 1, "folder file does not exist"),
    ("polygonize map.tif -o none/x.gpkg", 1, "folder none does not exist"),
    ("polygonize map.tif -o x.gpkg --band 99", 1, "band 99 of map.tif does not exist"),
    ("polygonize map.tif -o x.gpkg --nodata nan", 1, "nodata must be a finite number, got nan"),
    ("polygonize map.tif -o x.gpkg --nodata inf", 1, "nodata must be a finite number, got inf"),
    ("polygonize map.tif -o x.gpkg --min-area nan", 1, "min-area must be 0 or larger, got nan"),
    ("polygonize map.tif -o x.gpkg --simplify -1", 1, "simplify must be 0 or larger, got -1"),
    (f"polygonize map.tif -o x.gpkg --classes 'a{ESC}[2J'", 1, r"a\x1b[2J"),
    ("polygonize map.tif -o x.gpkg --connectivity 5", 2, "'5' is not one of"),
    ("polygonize map.tif -o x.gpkg --memory none", 1, "memory"),
    ("polygonize map.tif -o x.gpkg --confidence none.tif", 1, "none.tif"),
    # --- evaluate
    ("evaluate map.tif", 1, "name the map and the reference"),
    ("evaluate none.tif map.tif", 1, "none.tif"),
    ("evaluate map.tif none.tif", 1, "none.tif"),
    ("evaluate map.tif file", 1, "file"),
    ("evaluate map.tif map.tif --map x", 1, "x"),
    ("evaluate map.tif map.tif --tolerance nan", 1, "tolerance"),
    ("evaluate map.tif map.tif --confidence none.tif", 1, "none.tif"),
    ("evaluate map.tif map.tif -o file/x.json", 1, "file/x.json"),
    ("evaluate map.tif -m spectral", 1, "not both"),
    ("evaluate -m spectral --images s.tif", 1, "add --images"),
    ("evaluate sample map.tif -o x.txt", 1, "x.txt"),
    ("evaluate sample map.tif -o x.gpkg --seed -1", 2, "--seed"),
    ("evaluate sample map.tif -o x.gpkg --expected much", 1, "much"),
    ("evaluate sample map.tif -o x.gpkg --standard-error 0", 1, "standard error 0"),
    ("evaluate sample map.tif -o x.gpkg --standard-error nan", 1, "standard error nan"),
    ("evaluate area none.gpkg map.tif", 1, "none.gpkg"),
    ("evaluate area file map.tif", 1, "file"),
    # --- train
    ("train", 2, "--labels"),
    ("train --labels map.tif -o made", 2, "--images"),
    ("train --images none.tif --labels map.tif -o made", 1, "none.tif"),
    ("train --images s.tif --labels none.tif -o made", 1, "none.tif"),
    ("train --images s.tif --labels map.tif -o file", 1, "file is a file"),
    ("train --images s.tif --labels map.tif -o made --loss none", 1, "none"),
    ("train --images s.tif --labels map.tif -o made --lr nan", 1, "lr"),
    ("train --images s.tif --labels map.tif -o made --validation nan", 1, "validation"),
    ("train --images s.tif --labels map.tif -o made --block-size nan", 1, "block"),
    ("train --images s.tif --labels map.tif -o made --groups none.csv --split groups", 1, "none.csv"),
    ("train --images s.tif --labels map.tif -o made --from none", 1, "none"),
    ("train --images s.tif --labels map.tif -o made --classes ,", 1, "classes"),
    ("train --images s.tif --labels map.tif -o made --augment nan", 1, "augment"),
    # --- model, demo
    ("model show none", 1, "no model is called 'none'"),
    (f"model show 'a{ESC}[2J\nerror: b'", 1, r"a\x1b[2J\nerror: b"),
    ("model show fifo", 1, "fifo is a pipe or device, not a model folder"),
    (f"model show {'m' * 5000}", 1, "no model is called 'mmmm"),
    ("model check file", 1, "file is a file"),
    ("model export none -o x.onnx", 1, "no model is called 'none'"),
    ("model export spectral -o x.txt", 1, "x.txt"),
    ("model export spectral -o x.onnx --images s.tif", 2, "go together"),
    ("demo made --size 1", 2, "--size"),
    ("demo file", 2, "file"),
    (f"none{ESC}[2J", 2, "No such command"),
    (f"inspect --none{ESC}[2J", 2, "--none"),
]


@pytest.mark.parametrize(("line", "code", "words"), CASES, ids=[repr(case[0])[1:60] for case in CASES])
def test_one_line_says_what_is_wrong(geoseg, monkeypatch, folder, tmp_path, line, code, words):
    monkeypatch.chdir(folder)
    arguments = shlex.split(line)
    arguments = [str(tmp_path / word) if word in ("out", "made") else word for word in arguments]
    if arguments[0] in ("inspect", "segment") and code == 1:
        arguments[1:1] = shlex.split(CPU)  # what the case gives comes later and counts
    before = sorted(folder.iterdir())
    found, out, err = geoseg(*arguments)
    assert found == code, err
    assert "unexpected" not in err
    assert ESC not in out + err
    errors = [row for row in err.splitlines() if row.lower().startswith("error: ")]
    assert len(errors) == 1, err
    assert words in errors[0]
    assert sorted(folder.iterdir()) == before


@pytest.mark.skipif(os.name == "nt", reason="Windows forbids these characters in names")
@pytest.mark.parametrize("name", ["a;b", "a!b", "a:b", "a#b?c", "{a}", "<a>", "a'b\"c", "w" * 240])
def test_odd_names_are_names(geoseg, folder, tmp_path, name):
    home = tmp_path / name[:100]
    home.mkdir()
    scene = home / f"{name}.tif"
    scene.write_bytes((folder / "s.tif").read_bytes())
    assert geoseg("inspect", scene, "-m", "spectral")[0] == 0
    code, _, err = geoseg("segment", scene, "-o", home / "out", *shlex.split(CPU), "--no-preview")
    assert code == 0, err
    assert len(list((home / "out").glob("*_polygons.gpkg"))) == 1
    made = []
    for output in (home / f"{name}.gpkg", tmp_path / "plain.gpkg"):
        code, _, err = geoseg("polygonize", folder / "map.tif", "-o", output)
        assert code == 0, err
        made.append(output.read_bytes())
    assert made[0] == made[1]
    assert [path.name for path in home.iterdir() if path.name.startswith(".")] == []


@pytest.mark.skipif(os.name == "nt", reason="POSIX permissions")
def test_a_folder_that_may_not_be_searched(geoseg, monkeypatch, folder):
    def refuse(path, *_, **__):
        raise PermissionError(13, "Permission denied", str(path))

    with monkeypatch.context() as patch:
        patch.chdir(folder)
        patch.setattr(Path, "stat", refuse)
        patch.setattr(Path, "read_bytes", refuse)
        code, _, err = geoseg("segment", "-o", "out", "--scenes", "locked/list.txt", *shlex.split(CPU))
    assert code == 1
    assert err == "error: locked/list.txt: the list of scenes cannot be read: Permission denied\n"


@pytest.fixture
def hostile_model(tmp_path):
    """A folder with the bundled model spectral, whose card carries what would forge lines and clear the screen."""
    item = json.loads((Path(geoseg.models.__file__).parent / "bundled" / "spectral" / "model.json").read_text("utf-8"))
    item["properties"]["title"] = f"x{ESC}[2Jerror: forged\nerror: second\u202e"
    item["properties"]["description"] = f"a{ESC}]0;b\nerror: third"
    for number, facts in enumerate(item["properties"]["mlm:output"][0]["classification:classes"]):
        for key in ("title", "description"):
            facts[key] = f"=class {number}\u200berror: fourth"
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "model.json").write_text(json.dumps(item), "utf-8")
    return tmp_path / "model"


def test_a_card_forges_no_line(geoseg, monkeypatch, folder, tmp_path, hostile_model):
    monkeypatch.chdir(folder)
    cpu = ["-m", hostile_model, "--device", "cpu", "--precision", "fp32"]
    commands = [
        ["model", "show", hostile_model],
        ["model", "show", hostile_model, "--json"],
        ["model", "check", hostile_model],
        ["inspect", "s.tif", *cpu],
        ["inspect", "s.tif", *cpu, "--bands", "blue=1"],
        ["segment", "s.tif", "two.tif", "-o", tmp_path / "out", *cpu],
        ["segment", "s.tif", "-o", tmp_path / "json", *cpu, "--progress", "json"],
        ["segment", "s.tif", "-o", tmp_path / "names", *cpu, "--probabilities", "tree"],
        ["evaluate", tmp_path / "out" / "s_classes.tif", tmp_path / "out" / "s_classes.tif"],
        ["evaluate", "sample", tmp_path / "out" / "s_classes.tif", "-o", tmp_path / "points.gpkg"],
        ["polygonize", tmp_path / "out" / "s_classes.tif", "-o", tmp_path / "out" / "new.gpkg", "--classes", "x"],
    ]
    for command in commands:
        code, out, err = geoseg(*command)
        assert code in (0, 1), command
        assert "unexpected" not in err, command
        assert not set(out + err) & {ESC, "\u202e", "\u200b"}, command
        assert not any(line.startswith(("error: forged", "error: second")) for line in (out + err).splitlines())
        assert not any(line.startswith(("error: third", "error: fourth")) for line in (out + err).splitlines())
        if "json" in command:
            assert all(isinstance(json.loads(line), dict) for line in out.splitlines())
    assert "\n=class" not in (tmp_path / "out" / "summary.csv").read_text("utf-8").replace(",", "\n")


def test_a_bad_scene_among_good_ones_is_one_row(geoseg, monkeypatch, folder, tmp_path):
    monkeypatch.chdir(folder)
    code, _, err = geoseg(
        "segment", "s.tif", f"none{ESC}[2J\nerror: x.tif", "-o", tmp_path, *CPU.split(), "--no-polygons", "--no-preview"
    )
    assert code == 1
    assert ESC not in err
    assert [row.split()[0] for row in err.splitlines() if row.startswith("error")] == ["error:"]
