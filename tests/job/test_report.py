"""Throughput, and the table of a batch as text and CSV."""

from __future__ import annotations

import csv
import re

import pytest

from geoseg.errors import InputError, OutputError
from geoseg.job.dispatch import BlockSummary
from geoseg.job.report import Throughput, summary_rows, summary_table, versions, write_summary
from geoseg.job.request import SceneResult
from geoseg.job.scene_list import SceneEntry

AREAS = {"classes": {"tree": {"area_m2": 2_500_000.0, "pixels": 9}, "water": {"area_m2": 0.0, "pixels": 0}}}
PIXELS = {"classes": {"tree": {"pixels": 123_456}}}


def results():
    return [
        SceneResult("a", "done", report={**AREAS, "seconds": {"total": 200.0}}),
        SceneResult("b", "partial", report={**PIXELS, "seconds": {"total": 3.5}}, error=InputError("block 3, lost")),
        SceneResult("bad.tif", "failed", error=InputError("bad.tif: no raster")),
    ]


def scenes(folder):
    return [SceneEntry([folder / "a1.tif", folder / "a2.tif"], "a"), folder / "b.tif", "bad.tif"]


def test_rows_have_areas_or_pixels(tmp_path):
    a, b, bad = summary_rows(scenes(tmp_path), results())
    assert a == {
        "scene": f"{tmp_path / 'a1.tif'};{tmp_path / 'a2.tif'}", "name": "a", "status": "done", "seconds": 200.0,
        "area_m2": {"tree": 2_500_000.0, "water": 0.0}, "error": None,
    }  # fmt: skip
    assert (b["scene"], b["pixels"], b["error"]) == (str(tmp_path / "b.tif"), {"tree": 123_456}, "block 3, lost")
    assert (bad["status"], bad["seconds"], bad["pixels"]) == ("failed", None, {})


def test_the_csv_has_a_column_per_class_and_unit(tmp_path):
    rows = write_summary(tmp_path / "new", scenes(tmp_path), results())
    assert rows == summary_rows(scenes(tmp_path), results())
    with (tmp_path / "new" / "summary.csv").open(encoding="utf-8", newline="") as file:
        a, b, bad = csv.DictReader(file)
    assert list(a) == [
        "scene", "name", "status", "seconds", "tree area_m2", "water area_m2", "tree pixels", "error",
    ]  # fmt: skip
    assert (a["tree area_m2"], a["water area_m2"], a["tree pixels"]) == ("2500000.0", "0.0", "")
    assert (b["tree area_m2"], b["tree pixels"], b["error"]) == ("", "123456", "block 3, lost")
    assert (bad["seconds"], bad["error"]) == ("", "bad.tif: no raster")


def test_no_cell_of_the_csv_is_a_formula(tmp_path):
    names = ["=1+1", "+1", "-1", "@x", "\tx", "\rx", "\uff1dx", "a\x1b[2J", "a\nb", "\udcff"]
    report = {"classes": {name: {"pixels": 1} for name in names}, "seconds": {"total": -1.0}}
    result = SceneResult("=name", "done", report=report, error=InputError("=error"))
    write_summary(tmp_path, ["=scene"], [result])
    with (tmp_path / "summary.csv").open(encoding="utf-8", newline="") as file:
        header, row = csv.reader(file)
    assert header[4:-1] == [
        "'=1+1 pixels", "'+1 pixels", "'-1 pixels", "'@x pixels", r"'\tx pixels", r"'\rx pixels", "'\uff1dx pixels",
        r"a\x1b[2J pixels", r"a\nb pixels", r"\udcff pixels",
    ]  # fmt: skip
    assert (row[0], row[1], row[3], row[-1]) == ("'=scene", "'=name", "-1.0", "'=error")


def test_a_table_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "out").touch()
    with pytest.raises(OutputError, match=r"summary\.csv cannot be written"):
        write_summary(tmp_path / "out", scenes(tmp_path), results())


def test_the_text_table_is_aligned(tmp_path):
    lines = summary_table(summary_rows(scenes(tmp_path), results())).splitlines()
    assert [re.split(" {2,}", line.strip()) for line in lines] == [
        ["scene", "status", "time", "tree km²", "water km²"],
        ["a", "done", "3 min", "2.500", "0.000"],
        ["b", "partial", "4 s"],
        ["bad.tif", "failed"],
    ]
    assert {line.index(word) for line, word in zip(lines, ("status", "done", "partial", "failed"), strict=True)} == {9}
    assert lines[0].index("tree km²") + len("tree km²") == lines[1].index("2.500") + len("2.500")
    rows = summary_rows([tmp_path / "b.tif"], results()[1:2])
    assert summary_table(rows).splitlines()[0].split() == ["scene", "status", "time", "tree", "px"]
    assert summary_table(rows).endswith("123,456")


def test_throughput(monkeypatch):
    now = [50.0]
    monkeypatch.setattr("geoseg.job.report.time.perf_counter", lambda: now[0])
    throughput = Throughput(blocks=10, todo=4, pixels=4_000_000, streams=2, workers=4)
    now[0] += 2.0
    throughput.add(BlockSummary(0, 1_000_000, 3, {"forward": 1.0, "read": 0.5, "store": 0.3, "wait": 9.0}))
    throughput.add(BlockSummary(1, 1_000_000, 0, {}))
    assert (throughput.done, throughput.pixels_done, throughput.forwards) == (2, 2_000_000, 3)
    assert throughput.shares() == {"blocks_per_s": 1.0, "mpx_per_s": 1.0, "device_share": 0.25, "io_share": 0.1}
    assert throughput.message() == "1.00 Mpx/s, 1.0 blocks/s, device 25 %, I/O 10 %"
    throughput.add(BlockSummary(2, 0, 0, {"forward": 100.0}))
    assert throughput.shares()["device_share"] == 1.0, "a share is never above 1"


def test_versions_are_those_installed():
    import rasterio

    found = versions()
    assert found["rasterio"] == rasterio.__version__
    assert found["gdal"] == rasterio.__gdal_version__
