"""Blocks that fail: again where the reason may pass, named where not; memory and disk; two runs at once."""

from __future__ import annotations

import errno
import json
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pytest
import rasterio
from filelock import FileLock

import geoseg.job.dispatch
from geoseg.errors import DeviceMemoryError, GeosegError, ModelError, OutputError, ReadError
from geoseg.job import scene_running
from geoseg.job.batch import run
from geoseg.job.failures import backoff, is_transient
from geoseg.job.outputs import Products
from geoseg.job.request import Job
from geoseg.segment import plan
from geoseg.segment.plan import Options
from geoseg.system.locks import is_locked, locked
from tests.job.processes import SMALL, Run, blocks_in, wait_until

FAST = Options(device="cpu", precision="fp32", window=32, block=32)
PLAIN = Products(polygons=False, preview=False)
TOTAL = 12


@pytest.fixture
def job(tmp_path, reflectance):
    scene = reflectance(tmp_path / "scene.tif", 96, 128)
    return Job([scene], tmp_path / "out", "spectral", options=FAST, products=PLAIN)


@pytest.fixture
def failing(monkeypatch):
    """Make blocks fail: ``failing({index: [error, error, …]})``; returns the list of what was computed."""
    segment_block = geoseg.job.dispatch.segment_block

    def arrange(errors):
        computed, left = [], {index: list(several) for index, several in errors.items()}

        def block(recipe, index, **more):
            computed.append(index)
            if left.get(index):
                raise left[index].pop(0)
            return segment_block(recipe, index, **more)

        monkeypatch.setattr(geoseg.job.dispatch, "segment_block", block)
        return computed

    return arrange


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch):
    monkeypatch.setattr("geoseg.job.failures.FIRST_BACKOFF", 0.01)


def classes(result):
    with rasterio.open(result.outputs["classes"]) as file:
        return file.read(1)


def test_passing_reasons_are_tried_again(job, failing, tmp_path):
    (whole,) = run(replace(job, output=tmp_path / "whole"))
    network = ReadError("scene: cannot read")
    network.__cause__ = OSError(errno.EIO, "network file system")
    computed = failing({3: [network, MemoryError()], 7: [DeviceMemoryError("GPU is full")]})
    (result,) = run(job)
    assert result.status == "done"
    assert np.array_equal(classes(result), classes(whole))
    assert (computed.count(3), computed.count(7), len(computed)) == (3, 2, TOTAL + 3)


def test_other_reasons_are_not(job, failing):
    computed = failing({3: [ReadError("cut off")], 7: [ModelError("NaN")], 8: [MemoryError()] * 9})
    (result,) = run(job)
    assert result.status == "failed"
    text = str(result.error)
    assert "3 of 12 blocks failed for good: block 3 (rows 0–31, columns 96–127): cut off; block 7 (" in text
    assert "block 8 (rows 64–95, columns 0–31): out of memory" in text
    assert (computed.count(3), computed.count(7), computed.count(8)) == (1, 1, 3)
    assert blocks_in(job.output) == TOTAL - 3, "every other block is finished"
    again = failing({})
    (result,) = run(job)
    assert result.status == "done"
    assert sorted(again) == [3, 7, 8], "a rerun computes the missing ones alone"


def test_no_retries_if_none_are_wanted(job, failing):
    computed = failing({0: [MemoryError()]})
    (result,) = run(replace(job, retries=0))
    assert result.status == "failed"
    assert computed.count(0) == 1


def test_partial_results_say_what_is_missing_and_are_completed_later(job, failing, tmp_path):
    (whole,) = run(replace(job, output=tmp_path / "whole"))
    failing({index: [ModelError(f"bad {index}")] for index in (0, 5, 6, 11)})
    (result,) = run(replace(job, allow_partial=True))
    assert result.status == "partial"
    assert [block["block"] for block in result.report["failed_blocks"]] == [0, 5, 6, 11]
    assert result.report["failed_blocks"][1] == {"block": 5, "rows": [32, 63], "columns": [32, 63], "cause": "bad 5"}
    assert "and 1 more" in str(result.error)
    found, expected = classes(result), classes(whole)
    missing = np.zeros(found.shape, bool)
    for row, col in ((0, 0), (1, 1), (1, 2), (2, 3)):
        missing[32 * row : 32 * row + 32, 32 * col : 32 * col + 32] = True
    assert (found[missing] == 255).all()
    assert np.array_equal(found[~missing], expected[~missing])
    again = failing({})
    (result,) = run(job)
    assert result.status == "done"
    assert sorted(again) == [0, 5, 6, 11]
    assert result.outputs["classes"].read_bytes() == whole.outputs["classes"].read_bytes()


def test_a_full_disk_ends_the_scene_at_once(job, failing):
    computed = failing({2: [OutputError("the disk is full")]})
    (result,) = run(replace(job, options=replace(FAST, workers=1), allow_partial=True))
    assert isinstance(result.error, OutputError)
    assert len(computed) < TOTAL


def test_what_passes():
    assert is_transient(ReadError("x"), ["https://host/x.tif"])
    assert is_transient(ReadError("x"), ["/vsis3/bucket/x.tif"])
    assert not is_transient(ReadError("x"), ["/data/x.tif"])
    assert not is_transient(ModelError("NaN"), ["https://host/x.tif"])
    assert [backoff(attempt) for attempt in (1, 2, 3, 20)] == [0.01, 0.02, 0.04, 30.0]


def test_a_damaged_block_is_computed_again(job, monkeypatch):
    """What a power cut may leave where a disk lies about what it has written."""
    monkeypatch.setattr(scene_running, "write_products", lambda *_, **__: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        run(job)
    monkeypatch.undo()
    victim = sorted((job.output / ".geoseg" / "scene").glob("0*.tif"))[3]
    victim.write_bytes(victim.read_bytes()[:100])
    (result,) = run(job)
    assert result.status == "failed"
    assert "run the same command again" in str(result.error)
    (result,) = run(job)
    assert result.status == "done"
    assert result.report["tiling"]["blocks_reused"] == TOTAL - 1


# --- resuming


def test_windows_that_the_memory_chose_do_not_change_under_way(tmp_path, reflectance, failing):
    """A run began with much memory goes on with the windows it began with, although less is free."""
    scene = reflectance(tmp_path / "scene.tif", 96, 128)
    options = Options(device="cpu", precision="fp32")
    job = Job([scene], tmp_path / "out", "spectral", options=options, products=PLAIN)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scene_running, "write_products", lambda *_, **__: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            run(job)
    with pytest.MonkeyPatch.context() as patch:
        from geoseg.tiling import Tiling

        patch.setattr(plan, "choose_tiling", lambda raster, *_: Tiling(*raster.shape, keep=32, block=32))
        again = failing({})
        (result,) = run(job)
    assert result.status == "done"
    assert again == []
    assert result.report["tiling"]["blocks_reused"] == 1
    (kept,) = run(replace(job, options=replace(options, memory="2GB")))
    assert kept.status == "kept"


def test_two_runs_on_one_folder(tmp_path, reflectance):
    """Real processes at once: one wins, the other says so in one line."""
    scene = reflectance(tmp_path / "scene.tif", 640, 640)
    first, second = (Run(scene, "-o", tmp_path / "out", *SMALL, "--no-polygons") for _ in range(2))
    codes = sorted([first.wait(), second.wait()])
    loser = first if first.process.returncode else second
    if codes == [0, 0]:  # one had ended before the other began
        assert any("kept" in run.messages() for run in (first, second))
        return
    assert codes == [0, 1]
    assert len(loser.errors) == 1
    assert "another run (process " in loser.errors[0]
    assert not (tmp_path / "out" / ".geoseg").exists()


def test_locks_exclude_however_often_they_are_taken(tmp_path):
    """Many processes take and leave one lock, which is deleted each time: never two at once."""
    code = (
        "import sys, time, pathlib\n"
        "from geoseg.errors import OutputError\n"
        "from geoseg.system.locks import locked\n"
        "folder, end, got = pathlib.Path(sys.argv[1]), time.time() + 2.5, 0\n"
        "while time.time() < end:\n"
        "    try:\n"
        "        with locked(folder):\n"
        "            (folder / 'inside').touch(exist_ok=False)\n"
        "            (folder / 'inside').unlink()\n"
        "            got += 1\n"
        "    except OutputError as error:\n"
        "        assert 'another run' in str(error), error\n"
        "print(got)\n"
    )
    folder = tmp_path / "work"
    processes = [
        subprocess.Popen([sys.executable, "-c", code, str(folder)], stdout=subprocess.PIPE, text=True) for _ in range(3)
    ]
    counts = [int(process.communicate(timeout=60)[0]) for process in processes]
    assert [process.returncode for process in processes] == [0, 0, 0]
    assert sum(counts) > 3
    assert not is_locked(folder)
    with locked(folder):
        assert is_locked(folder)
        with pytest.raises(OutputError, match="another run"), locked(folder):
            pass
    FileLock(folder.with_name("work.lock")).acquire(timeout=1)


# --- how far it is, and tidying up


def test_status_and_clean(geoseg, tmp_path, reflectance):
    scene, out = reflectance(tmp_path / "scene.tif", 1024, 1024), tmp_path / "out"
    arguments = [argument for argument in SMALL if argument not in ("--progress", "json")]
    arguments += ["-o", out, "--no-polygons"]
    assert geoseg("segment", scene, *arguments, "--status") == (0, "scene: not begun\n", "")
    assert geoseg("segment", "-o", out, "--status")[1].endswith("no run has begun here\n")
    running = Run(scene, *arguments, "--progress", "json")
    wait_until(lambda: blocks_in(out) >= 20)
    code, said, _ = geoseg("segment", scene, *arguments, "--status")
    assert code == 0
    assert said.startswith("scene: running: ")
    assert " of 256 blocks (" in said
    assert geoseg("segment", "-o", out, "--clean")[0] == 1, "a running scene is left alone"
    running.kill()
    done = blocks_in(out)
    started = time.monotonic()
    code, said, _ = geoseg("segment", scene, *arguments, "--status", "--progress", "json")
    assert time.monotonic() - started < 20
    (state,) = json.loads(said)["scenes"]
    assert (state["state"], state["done"], state["blocks"]) == ("interrupted", done, 256)
    code, said, _ = geoseg("segment", scene, *arguments, "--stitch", "linear", "--status")
    assert "of another scene, model or options" in said
    assert geoseg("segment", "-o", out, "--status")[1] == said_line(state)
    code, said, _ = geoseg("segment", "-o", out, "--clean")
    assert (code, said) == (0, "removed unfinished work on scene\n")
    assert list(out.iterdir()) == []


def said_line(state):
    message = f"; {state['message']}" if state["message"] else ""
    share = f"{state['done']} of {state['blocks']} blocks ({100 * state['done'] / state['blocks']:.0f} %)"
    return f"{state['name']}: interrupted: {share}{message}\n"


def test_status_loads_no_network(tmp_path, reflectance):
    scene = reflectance(tmp_path / "scene.tif")
    code = (
        "import sys\nfrom geoseg.cli import _run\n"
        f"_run(['segment', {str(scene)!r}, '-o', {str(tmp_path)!r}, '-m', 'spectral', '--status'], debug=True)\n"
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_usage(geoseg, tmp_path):
    assert geoseg("segment", "-o", tmp_path)[0] == 2
    assert geoseg("segment", "x.tif", "-o", tmp_path, "--retries", "-1")[0] == 2
    code, _, err = geoseg("segment", "x.tif", "-o", tmp_path, "--profile", tmp_path / "none" / "trace.json")
    assert code == 1
    assert "folder does not exist" in err
    assert isinstance(OutputError("x"), GeosegError)
