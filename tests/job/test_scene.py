"""The states of a scene, and the lock that passes from one to the next."""

from __future__ import annotations

import json

import pytest

from geoseg.errors import GeosegError, OutputError
from geoseg.job.block_store import read_manifest
from geoseg.job.dispatch import BlockSummary, compute_and_store
from geoseg.job.failures import BlockFailure
from geoseg.job.outputs import Products
from geoseg.job.request import Job, open_scene, request_of
from geoseg.job.scene import FinishedScene, KeptScene, Scene
from geoseg.job.scene_planned import PlannedScene, prepare
from geoseg.job.scene_running import RunningScene
from geoseg.models import Execution
from geoseg.segment.plan import Options
from tests.recorder import Recorder


class Alone:
    """A backend that computes one block at a time and measures nothing."""

    cluster = None

    def choose(self, plan):
        return Execution()

    def slots(self, plan):
        return 1, 1

    def workers_text(self):
        return ""


@pytest.fixture
def make(tmp_path, reflectance):
    """Open the scene anew, as another run of the same command does."""
    path = reflectance(tmp_path / "scene.tif", 64, 64)

    def scene(**fields):
        options = Options(device="cpu", precision="fp32", window=32, block=32)
        products = Products(polygons=False, preview=False)
        request = request_of(Job([path], tmp_path / "out", "spectral", options=options, products=products, **fields))
        return Scene(open_scene(path, request), request, Recorder())

    return scene


def start(scene) -> RunningScene:
    planned = prepare(scene)
    assert isinstance(planned, PlannedScene)
    running = planned.start(Alone())
    assert isinstance(running, RunningScene)
    return running


def compute(running, indices) -> None:
    for index in indices:
        outcome = compute_and_store(running.work, index)
        assert isinstance(outcome, BlockSummary)
        running.block_done(outcome)


def test_a_scene_goes_from_planned_to_published(make):
    scene = make()
    running = start(scene)
    assert sorted(running.todo) == [0, 1, 2, 3]
    assert scene.folder.is_locked()
    compute(running, running.todo)
    assert not running.ended
    running.blocks_ended()
    finished = running.write(alone=True)
    assert not any(path.exists() for path in scene.outputs.values()), "nothing has its final name yet"
    assert scene.folder.is_locked()
    result = finished.publish()
    assert result.status == "done"
    assert result.report["tiling"]["blocks"] == 4
    assert all(path.exists() for path in scene.outputs.values())
    assert not scene.folder.path.parent.exists()
    ((_, facts),) = scene.reporter.of("result")
    assert (facts["scene"], facts["status"]) == ("scene", "done")

    again = make()
    kept = prepare(again)
    assert isinstance(kept, KeptScene)
    assert kept.keep().report == result.report
    assert isinstance(prepare(make(overwrite=True)), PlannedScene)


def test_finished_blocks_are_taken_over(make):
    first = start(make())
    compute(first, [2, 0])
    first.close()
    second = make()
    running = start(second)
    running.report_start()
    assert sorted(running.todo) == [1, 3]
    assert any("2 of 4 blocks are there already" in args[0] for args, _ in second.reporter.of("info"))
    running.close()


def test_files_that_were_not_renamed_are_published_by_the_next_run(make):
    running = start(make())
    compute(running, running.todo)
    running.blocks_ended()
    running.write(alone=True)
    running.close()
    finished = prepare(make()).start(Alone())
    assert isinstance(finished, FinishedScene)
    assert finished.publish().status == "done"


def test_missing_blocks_are_an_error_or_a_partial_result(make):
    def failed(**fields):
        running = start(make(**fields))
        compute(running, [index for index in running.todo if index != 3])
        running.block_failed(BlockFailure(3, "cut off"))
        running.blocks_ended()
        return running

    running = failed()
    with pytest.raises(GeosegError, match="--allow-partial"):
        running.write(alone=True)
    running.close()
    result = failed(allow_partial=True).write(alone=True).publish()
    assert result.status == "partial"
    assert "block 3" in str(result.error)
    assert [block["block"] for block in result.report["failed_blocks"]] == [3]
    assert make().folder.path.is_dir(), "the other blocks are kept"
    assert isinstance(prepare(make()), PlannedScene), "a partial result is not complete"


def test_a_fatal_failure_is_the_scenes_error(make):
    running = start(make(allow_partial=True))
    running.block_failed(BlockFailure(0, "the disk is full", fatal=True))
    running.blocks_ended()
    with pytest.raises(OutputError, match="scene: the disk is full"):
        running.write(alone=True)
    running.close()


def test_a_scene_that_cannot_start_is_unlocked(make):
    scene = make()
    scene.outputs["classes"].parent.mkdir()
    scene.outputs["classes"].write_text("of somebody else")
    with pytest.raises(OutputError, match="--overwrite"):
        prepare(scene).start(Alone())
    assert not scene.folder.is_locked()
    assert scene.outputs["classes"].read_text() == "of somebody else"
    running = start(make(overwrite=True))
    with pytest.raises(OutputError, match="another run"):
        prepare(make(overwrite=True)).start(Alone())
    assert scene.folder.is_locked(), "the first run holds it still"
    running.close()
    assert not scene.folder.is_locked()


def test_a_file_that_cannot_be_replaced_leaves_no_report_and_is_tried_again(make, monkeypatch):
    scene = make()
    running = start(scene)
    compute(running, running.todo)
    running.blocks_ended()
    finished = running.write(alone=True)
    scene.outputs["report"].write_text(json.dumps({"fingerprint": "old"}))
    replace = type(scene.folder.path).replace

    def held(path, target):
        if path.name == "scene_confidence.tif":
            raise PermissionError(13, "Permission denied", str(target))
        return replace(path, target)

    with monkeypatch.context() as patch:
        patch.setattr(type(scene.folder.path), "replace", held)
        with pytest.raises(OutputError, match="close it in other programs"):
            finished.publish()
    assert not scene.outputs["report"].exists(), "an old report must not vouch for new files"
    assert not scene.folder.is_locked()
    assert prepare(make()).start(Alone()).publish().status == "done"


def test_leftovers_of_other_scenes_are_not_removed(make):
    running = start(make())
    compute(running, running.todo)
    running.blocks_ended()
    running.write(alone=True).publish()
    scene = make()
    scene.folder.path.mkdir(parents=True)
    (scene.folder.path / "manifest.json").write_text(json.dumps({"fingerprint": "of others"}))
    KeptScene(scene).keep()
    assert read_manifest(scene.folder) == {"fingerprint": "of others"}
    (scene.folder.path / "manifest.json").unlink()
    KeptScene(scene).keep()
    assert not scene.folder.path.parent.exists()
