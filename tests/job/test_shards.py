"""A batch in shards: each scene in one of them, any may be repeated, and their tables join to that of one run."""

from __future__ import annotations

import csv

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geoseg.errors import InputError, OptionError
from geoseg.job.report import join_summaries
from geoseg.job.shards import Shard

ARGUMENTS = ("-m", "spectral", "--device", "cpu", "--precision", "fp32", "--no-preview", "--no-polygons")


@given(st.integers(0, 40), st.integers(1, 12))
def test_shards_partition_a_batch(scenes, count):
    parts = [Shard(index, count).part(range(scenes)) for index in range(count)]
    assert sorted(scene for part in parts for scene in part) == list(range(scenes))
    assert max(map(len, parts)) - min(map(len, parts)) <= 1


@pytest.mark.parametrize("text", ["3/3", "0/0", "1", "a/b", "-1/3", "1/3/4", ""])
def test_shards_that_do_not_exist(text):
    with pytest.raises(OptionError, match=r"shard .* give"):
        Shard.of(text)


def rows(path):
    with path.open(encoding="utf-8", newline="") as file:
        return [{name: value for name, value in row.items() if name != "seconds"} for row in csv.DictReader(file)]


def test_shards_do_what_one_run_does(geoseg, tmp_path, reflectance):
    scenes = [reflectance(tmp_path / f"{name}.tif", 40, 40, seed=ord(name)) for name in "abc"]
    scenes.insert(1, tmp_path / "=bad.tif")
    scenes[1].write_text("no raster")
    one, out = tmp_path / "one", tmp_path / "out"
    assert geoseg("segment", *scenes, "-o", one, *ARGUMENTS, "--progress", "none")[0] == 1
    command = ("segment", *scenes, "-o", out, *ARGUMENTS, "--progress", "none")
    assert geoseg(*command, "--shard", "0/5")[0] == 0
    code, _, err = geoseg("summary", out)
    assert (code, err) == (1, f"error: {out}: shards 1/5, 2/5, 3/5, 4/5 have no summary yet: run them first\n")
    assert geoseg(*command, "--shard", "1/5")[0] == 1
    for shard in (2, 3):
        assert geoseg(*command, "--shard", f"{shard}/5")[0] == 0
    code, _, err = geoseg(*command, "--shard", "4/5")
    assert (code, err.splitlines()[0]) == (0, "shard 4/5 has none of the 4 scenes")
    code, table, _ = geoseg("summary", out)
    assert code == 1, "a scene failed"
    assert [line.split()[1] for line in table.splitlines()] == ["status", "done", "failed", "done", "done"]
    assert rows(out / "summary.csv") == rows(one / "summary.csv")
    for path in one.glob("*.tif"):
        assert (out / path.name).read_bytes() == path.read_bytes()

    assert geoseg(*command, "--shard", "2/5")[0] == 0, "any shard may be repeated"
    join_summaries(out)
    assert [row["status"] for row in rows(out / "summary.csv")] == ["done", "failed", "kept", "done"]


def test_tables_that_do_not_fit_together(tmp_path):
    with pytest.raises(InputError, match="no summary of a shard is here"):
        join_summaries(tmp_path)
    (tmp_path / "summary.0-of-1.csv").write_text("scene,name\nx,y\n")
    with pytest.raises(InputError, match=r"summary\.0-of-1\.csv: is no summary of geoseg .*; run this shard again"):
        join_summaries(tmp_path)
    (tmp_path / "summary.1-of-2.csv").touch()
    with pytest.raises(InputError, match="summaries of 1 and of 2 shards"):
        join_summaries(tmp_path)
