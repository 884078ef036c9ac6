"""The state of scenes in an output folder, told from its files alone, and removal of unfinished work."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from geoseg.errors import OutputError
from geoseg.job.request import Job, fingerprint_of, manifest_of, open_scene, request_of
from geoseg.job.status import SceneStatus, as_json, clean, status
from geoseg.segment.plan import Options
from geoseg.system.locks import locked


@pytest.fixture
def out(tmp_path):
    return tmp_path / "out"


@pytest.fixture
def scene(tmp_path, reflectance):
    return reflectance(tmp_path / "scene.tif", 32, 32)


@pytest.fixture
def request_(out, scene):
    return request_of(Job([scene], out, "spectral"))


@pytest.fixture
def blocks(out, scene, request_):
    """Write the files of an unfinished run: ``blocks(done, blocks)``; returns their folder."""

    def write(done, blocks, name="scene", **manifest):
        folder = out / ".geoseg" / name
        folder.mkdir(parents=True)
        manifest = {**manifest_of(open_scene(scene, request_), request_), "blocks": blocks, **manifest}
        (folder / "manifest.json").write_text(json.dumps(manifest))
        for index in range(done):
            ending = "tif" if index % 2 else "empty"
            (folder / f"{index:07d}.{manifest['fingerprint'][:10]}.{ending}").touch()
        (folder / f"{done:07d}.0123456789.tif").touch()  # another run's
        return folder

    return write


@pytest.fixture
def report(out, scene, request_):
    def write(name="scene", **content):
        out.mkdir(exist_ok=True)
        facts = {"fingerprint": fingerprint_of(open_scene(scene, request_), request_), "tiling": {"blocks": 12}}
        (out / f"{name}_report.json").write_text(json.dumps({**facts, **content}))

    return write


def only(states):
    (state,) = states
    return state


def test_nothing_has_begun(out, scene, request_):
    assert status(out) == []
    assert status(out, [scene], request_) == [SceneStatus("scene", "not begun")]


def test_results_are_done(out, scene, request_, report):
    report()
    assert status(out) == status(str(out), [scene], request_) == [SceneStatus("scene", "done", 12, 12)]


def test_blocks_without_results_are_interrupted(out, scene, request_, blocks):
    blocks(3, 12)
    state = only(status(out, [scene], request_))
    assert state == only(status(out))
    assert (state.state, state.done, state.blocks) == ("interrupted", 3, 12)
    assert "run the same command again" in state.message


def test_blocks_that_can_be_viewed_are_named(out, blocks):
    folder = blocks(3, 12)
    (folder / "finished_so_far.vrt").touch()
    assert only(status(out)).message == f"open {folder / 'finished_so_far.vrt'} to view them"


def test_a_held_lock_is_a_running_scene(out, blocks):
    with locked(blocks(3, 12)):
        assert only(status(out)) == SceneStatus("scene", "running", 3, 12)
    with locked(out / ".geoseg" / "begins"):
        assert SceneStatus("begins", "running") in status(out)


def test_missing_blocks_are_partial(out, blocks, report):
    blocks(11, 12)
    report(failed_blocks=[{"block": 3}])
    state = only(status(out))
    assert (state.state, state.done, state.blocks) == ("partial", 11, 12)


def test_files_of_another_model_or_option_are_other(out, scene, request_, blocks, report):
    changed = replace(request_, options=Options(stitch="linear"))
    report()
    assert only(status(out, [scene], changed)).state == "other"
    blocks(3, 12)
    assert only(status(out, [scene], changed)).state == "other"
    assert only(status(out, [scene], request_)).state == "interrupted"
    with locked(out / ".geoseg" / "scene"):
        state = only(status(out, [scene], changed))
    assert state.state == "running"
    assert "would not be used" in state.message


def test_scenes_that_cannot_be_opened_do_not_hide_the_others(out, scene, request_, tmp_path):
    (tmp_path / "bad.tif").write_text("no raster")
    states = status(out, [tmp_path / "bad.tif", scene], request_)
    assert [state.state for state in states] == ["unreadable", "not begun"]
    assert "bad.tif" in states[0].message
    with pytest.raises(ValueError, match="without the request"):
        status(out, [scene])


def test_damaged_manifests_and_reports_count_as_absent(out, blocks):
    (blocks(3, 12) / "manifest.json").write_text("{")
    (out / "scene_report.json").write_text("[]")
    assert only(status(out)) == SceneStatus("scene", "not begun")


def test_text_and_json():
    half = SceneStatus("a", "interrupted", 1, 3, "continue")
    assert half.as_text() == "a: interrupted: 1 of 3 blocks (33 %); continue"
    assert SceneStatus("b", "not begun").as_text() == "b: not begun"
    assert json.loads(as_json([half])) == {
        "event": "status",
        "scenes": [{"name": "a", "state": "interrupted", "done": 1, "blocks": 3, "message": "continue"}],
    }


def test_clean_removes_unfinished_work_but_no_results(out, blocks, report):
    report()
    blocks(3, 12)
    blocks(1, 12, name="other")
    assert clean(out, ["scene"]) == (["scene"], [])
    assert (out / ".geoseg" / "other").is_dir()
    assert clean(out) == (["other"], [])
    assert [path.name for path in out.iterdir()] == ["scene_report.json"]
    assert clean(out) == clean(out / "none") == ([], [])


def test_clean_leaves_running_scenes_alone(out, blocks):
    folder = blocks(3, 12)
    blocks(1, 12, name="idle")
    with locked(folder):
        assert clean(str(out)) == (["idle"], ["scene"])
    assert (folder / "manifest.json").exists()


def test_clean_says_what_it_cannot_remove(out, blocks, monkeypatch):
    import shutil

    def held(path, *_, **__):
        raise PermissionError(13, "Permission denied", str(path))

    folder = blocks(3, 12)
    monkeypatch.setattr(shutil, "rmtree", held)
    with pytest.raises(OutputError, match=r"scene cannot be removed: Permission denied"):
        clean(out)
    assert folder.is_dir()
