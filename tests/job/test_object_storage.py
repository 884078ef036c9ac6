"""Runs whose results go to a bucket: the bytes of a local run, whatever the server does and whoever is killed."""

from __future__ import annotations

import itertools
import json
import os
import pickle
import random
import signal
import tempfile
import time
import zlib

import pytest

pytest.importorskip("obstore")
pytest.importorskip("moto")

from geoseg.job import dask_pool
from geoseg.job.batch import run
from geoseg.job.dispatch import Work
from geoseg.job.outputs import Products
from geoseg.job.request import Job
from geoseg.models import load_model
from geoseg.segment.plan import Options
from geoseg.system.storage import connection
from geoseg.system.storage.storage import storage_of
from tests.job.processes import SMALL, Run, wait_until
from tests.job.s3 import serving
from tests.recorder import Recorder

pytestmark = pytest.mark.timeout(900)

OPTIONS = Options(device="cpu", precision="fp32", window=64, block=64)


@pytest.fixture(scope="module")
def server():
    with serving() as found:
        yield found


@pytest.fixture
def bucket(server, monkeypatch, tmp_path):
    """A bucket of its own, and what runs in this process need to write to it."""
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)
    (tmp_path / "scratch").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "scratch"))
    monkeypatch.setattr(server, "fault", lambda _: None)
    server.requests.clear()
    server.faults.clear()
    return server.make_bucket(f"b{time.monotonic_ns()}")


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory, reflectance):
    """A scene of six blocks, and what a local run makes of it."""
    folder = tmp_path_factory.mktemp("unbroken")
    scene = reflectance(folder / "scene.tif", 128, 192, seed=11)
    (result,) = run(Job([scene], folder / "out", "spectral", options=OPTIONS))
    assert result.status == "done"
    return scene, {path.name: path.read_bytes() for path in (folder / "out").iterdir()}


def job(scene, bucket, **fields):
    return Job([scene], f"s3://{bucket}/run2", "spectral", options=OPTIONS, **fields)


def check(server, bucket, unbroken) -> None:
    """The bucket holds what the local folder holds, byte by byte, and nothing else."""
    found = server.contents(bucket, "run2")
    expected = unbroken[1]
    assert sorted(found) == sorted(expected)
    for name in found:
        if not name.endswith(("_report.json", "_report.html")):  # they tell how long the run took
            assert found[name] == expected[name], name
    there, here = (json.loads(data["scene_report.json"]) for data in (found, expected))
    for changing in ("seconds", "rates", "tiling", "options"):
        there.pop(changing), here.pop(changing)
    assert there == here


def test_a_run_equals_a_local_run(server, bucket, unbroken, tmp_path):
    (result,) = run(job(unbroken[0], bucket))
    assert result.status == "done"
    assert result.outputs["classes"] == f"s3://{bucket}/run2/scene_classes.tif"
    check(server, bucket, unbroken)
    assert not list((tmp_path / "scratch").iterdir())
    head = server.client.head_object(Bucket=bucket, Key="run2/scene_classes.tif")
    assert "cloud-optimized" in head["ContentType"]
    assert "testing" not in str(server.contents(bucket)["run2/scene_report.json"])

    recorder = Recorder()
    (again,) = run(job(unbroken[0], bucket), recorder)
    assert again.status == "kept"
    (other,) = run(job(unbroken[0], bucket, products=Products(min_area=500)), recorder)
    assert f"s3://{bucket}/run2/scene_classes.tif exists and is of another scene, model or" in str(other.error)
    check(server, bucket, unbroken)


FAULTS = ("500", "lost", "stall", "cut")


def test_a_server_that_fails_stalls_and_cuts_answers_short(server, bucket, unbroken, monkeypatch):
    monkeypatch.setattr(connection, "READ_TIMEOUT", 0.5)
    turns = itertools.count()
    chance = random.Random(5)

    def fault(environ):
        if next(turns) < 8 or chance.random() > 0.25:  # the check before the run is not so patient
            return None
        possible = [kind for kind in FAULTS if kind != "cut" or environ["REQUEST_METHOD"] == "GET"]
        return chance.choice([kind for kind in possible if kind not in server.faults] or possible)  # each at least once

    monkeypatch.setattr(server, "fault", fault)
    (result,) = run(job(unbroken[0], bucket, retries=5))
    monkeypatch.setattr(server, "fault", lambda _: None)
    assert result.status == "done", result.error
    assert len(server.faults) >= 6
    assert set(server.faults) == set(FAULTS)
    check(server, bucket, unbroken)


def test_a_server_that_ends_in_the_middle_is_named_and_the_run_goes_on_later(server, bucket, unbroken, monkeypatch):
    """Finished blocks are kept; also when half of the results have their names already."""
    monkeypatch.setattr(connection, "RETRIES", 0)
    monkeypatch.setattr(connection.connect, "__defaults__", (0,))
    for last in ("0000003.", "scene_confidence.tif"):
        dead = []

        def fault(environ, last=last, dead=dead):
            if environ["REQUEST_METHOD"] == "PUT" and last in environ["PATH_INFO"]:
                dead.append(1)
            return "500" if dead else None

        monkeypatch.setattr(server, "fault", fault)
        (result,) = run(job(unbroken[0], bucket, retries=0), Recorder())
        assert result.status == "failed"
        assert "run the same command again" in str(result.error)
        assert "the server fails (InternalError)" in str(result.error)
        monkeypatch.setattr(server, "fault", lambda _: None)
        assert "run2/scene_report.json" not in server.contents(bucket)
    recorder = Recorder()
    (result,) = run(job(unbroken[0], bucket), recorder)
    assert result.status == "done", result.error
    assert any("6 of 6 blocks are there already" in args[0] for args, _ in recorder.of("info"))
    check(server, bucket, unbroken)


@pytest.mark.parametrize("fault", ["denied", "unknown key"])
def test_what_cannot_be_written_is_refused_before_anything_is_computed(
    server, bucket, unbroken, monkeypatch, fault, geoseg
):
    monkeypatch.setattr(server, "fault", lambda env: fault if env["REQUEST_METHOD"] in ("PUT", "DELETE") else None)
    code, out, err = geoseg("segment", unbroken[0], "-o", f"s3://{bucket}/run2", *SMALL, "--progress", "none")
    assert code == 1
    assert len(err.splitlines()) == 1, err
    assert err.startswith(f"error: s3://{bucket}/run2 cannot be written: ")
    assert not server.contents(bucket)
    assert [json.loads(line)["event"] for line in out.splitlines()] == ["error"]


def test_a_bucket_that_is_not_there(server, bucket, unbroken, geoseg, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for place, message in (
        ("s3://nowhere/run2", "error: s3://nowhere/run2 cannot be written: there is no bucket nowhere\n"),
        ("/vsis3/nowhere/run2", "error: s3://nowhere/run2 cannot be written: there is no bucket nowhere\n"),
        ("s3://a:SECRET@b/run2", "error: s3://…@…: an address has no credentials in it"),
        ("https://host/run2", "error: https://host/run2: is not supported as output here; name a local folder"),
        ("/vsizip/a.zip", "error: /vsizip/a.zip: is not supported as output here"),
    ):
        code, _, err = geoseg("segment", unbroken[0], "-o", place, *SMALL, "--progress", "none")
        assert code == 1
        assert err.startswith(message), err
        assert err.count("\n") == 1
        assert "SECRET" not in err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["scratch"], "no folder called s3:"


def test_two_runs_in_one_place(server, bucket, unbroken):
    blocks = storage_of(f"s3://{bucket}/run2") / ".geoseg" / "scene"
    with blocks.lock():
        (result,) = run(job(unbroken[0], bucket), Recorder())
    assert result.status == "failed"
    assert f"another run (process {os.getpid()} on " in str(result.error)
    assert not server.contents(bucket)


def test_shards_status_clean_and_scenes_in_the_bucket(server, bucket, unbroken, geoseg):
    data = unbroken[0].read_bytes()
    for key in ("in/north.tif", "in/south.tif"):
        server.client.put_object(Bucket=bucket, Key=key, Body=data)
    server.client.put_object(Bucket=bucket, Key="in/list.txt", Body=f"north.tif\ns3://{bucket}/in/south.tif\n".encode())
    arguments = ("--scenes", f"s3://{bucket}/in/list.txt", "-o", f"s3://{bucket}/out", *SMALL, "--no-polygons")
    out = f"s3://{bucket}/out"
    for shard in ("0/2", "1/2"):
        code, _, err = geoseg("segment", *arguments, "--shard", shard, "--progress", "none")
        assert code == 0, err
    code, text, _ = geoseg("summary", out)
    assert code == 0
    assert [line.split()[:2] for line in text.splitlines()[1:]] == [["north", "done"], ["south", "done"]]
    found = server.contents(bucket, "out")
    assert found["north_classes.tif"] == found["south_classes.tif"] == unbroken[1]["scene_classes.tif"]
    assert {"summary.csv", "summary.0-of-2.csv", "summary.1-of-2.csv"} <= set(found)

    unfinished = storage_of(out) / ".geoseg" / "west"
    unfinished.write("manifest.json", json.dumps({"fingerprint": "x", "blocks": 4}).encode())
    unfinished.write("0000001.x.tif", b"1")
    _, text, _ = geoseg("segment", "-o", out, "--status")
    assert text.splitlines() == [
        "north: done: 6 of 6 blocks (100 %)", "south: done: 6 of 6 blocks (100 %)",
        "west: interrupted: 1 of 4 blocks (25 %); run the same command again to continue",
    ]  # fmt: skip
    with unfinished.lock():
        code, text, err = geoseg("segment", "-o", out, "--clean")
        assert (code, text) == (1, "nothing to remove\n")
        assert "skipped, because another run is writing there: west" in err
    assert geoseg("segment", "-o", out, "--clean")[1] == "removed unfinished work on west\n"
    assert not [name for name in server.contents(bucket, "out") if name.startswith(".geoseg")]
    code, _, err = geoseg("segment", "--scenes", f"s3://{bucket}/in/none.txt", "-o", out)
    assert (code, err) == (1, f"error: s3://{bucket}/in/none.txt: the list of scenes cannot be read: no such object\n")


def test_a_worker_without_permission_is_named_before_its_first_block(server, bucket, unbroken, monkeypatch):
    """What the client may do, a worker may not."""
    seen = []

    def submitted(_, work: Work, indices, done):
        monkeypatch.setattr(server, "fault", lambda env: "denied" if env["REQUEST_METHOD"] == "PUT" else None)
        seen.extend(dask_pool._compute_group(dask_pool.__version__, zlib.compress(pickle.dumps(work)), indices))
        raise KeyboardInterrupt

    monkeypatch.setattr(dask_pool, "_where", lambda: "worker tcp://1.2.3.4:5 on node7")
    monkeypatch.setattr("geoseg.job.dispatch.Threads.submit", submitted)
    with pytest.raises(KeyboardInterrupt):
        run(job(unbroken[0], bucket))
    (failure,) = seen
    assert failure.fatal
    assert failure.cause.startswith("worker tcp://1.2.3.4:5 on node7: s3://")
    assert "access is denied (AccessDenied)" in failure.cause


def test_workers_upload_what_they_write(server, bucket, unbroken, tmp_path, reflectance):
    """Each from a scratch of its own; the client puts the report, which vouches for the rest, last."""
    from distributed import Client

    scenes = [unbroken[0], *(reflectance(tmp_path / f"{seed}.tif", 64, 128, seed=seed) for seed in range(3))]
    recorder = Recorder()
    with Client(processes=False, n_workers=1, threads_per_worker=2, dashboard_address=None) as client:
        fields = {"options": OPTIONS, "scheduler": client, "products": Products(preview=False)}
        results = run(Job(scenes, f"s3://{bucket}/run2", "spectral", **fields), recorder)
    assert [result.status for result in results] == ["done"] * 4
    assert any(args[2] == "write scene on a worker" for args, _ in recorder.of("progress"))
    found = server.contents(bucket, "run2")
    plain = [name for name in unbroken[1] if not name.endswith((".png", ".html"))]
    assert len(found) == 4 * len(plain) + 1
    for name in plain:
        assert name.endswith("_report.json") or found[name] == unbroken[1][name], name
    report = json.loads(found["scene_report.json"])
    assert report["seconds"]["upload"] > 0
    puts = [path for method, path in server.requests if method in ("PUT", "POST") and "/run2/scene_" in path]
    assert puts[-1].endswith("scene_report.json")
    assert not list((tmp_path / "scratch").glob("geoseg-*"))


def test_a_model_in_a_bucket(server, bucket, tmp_path, geoseg):
    """Its copy holds card and weights; a worker that unpickles it asks the bucket itself."""
    bundled = load_model("landcover")
    for path in bundled.folder.iterdir():
        server.client.put_object(Bucket=bucket, Key=f"models/water/{path.name}", Body=path.read_bytes())
    server.client.put_object(Bucket=bucket, Key="models/water/evil.pkl", Body=b"x")
    model = load_model(f"s3://{bucket}/models/water")
    assert model.ref == f"s3://{bucket}/models/water"
    assert sorted(path.name for path in model.folder.iterdir()) == ["model.json", bundled.card.weights.href]
    assert model.fingerprint == bundled.fingerprint
    assert pickle.loads(pickle.dumps(model)) == model
    server.requests.clear()
    assert load_model(f"s3://{bucket}/models/water") is model
    assert [path for _, path in server.requests] == [f"/{bucket}/models/water/model.json"]
    for place, reason in ((f"s3://{bucket}/m", "no such object"), ("s3://nowhere/m", "there is no bucket nowhere")):
        code, _, err = geoseg("segment", "x.tif", "-o", tmp_path / "out", "-m", place)
        assert (code, err) == (1, f"error: {place} is not a model folder: model.json in it: {reason}\n")


# --- kill -9


def kill(server, bucket, unbroken, folder, chance, times: int) -> list[str]:
    """Kill a run several times, each with a scratch of its own, and go on from yet another."""
    log = []
    arguments = [argument for argument in SMALL if argument != "--no-preview"]
    for number in range(times):
        before = len(server.requests)
        after = chance.randrange(8, 60)  # requests: an unbroken run makes about seventy
        (scratch := folder / f"scratch{number}").mkdir()
        there = f"s3://{bucket}/run2"
        process = Run(unbroken[0], "-o", there, *arguments, env={**server.environment, "TMPDIR": str(scratch)})
        enough = before + after
        wait_until(lambda n=enough, p=process: len(server.requests) >= n or not p.alive(), 240, every=0.001)
        ended = not process.alive()
        process.kill()
        log.append(f"killed after {after} requests{' (had ended)' if ended else ''}")
    (result,) = run(job(unbroken[0], bucket))
    assert result.status in ("done", "kept"), (log, result.error)
    check(server, bucket, unbroken)
    assert not list((folder / "scratch").iterdir())
    return log


def test_killed_twice_and_continued_from_another_scratch(server, bucket, unbroken, tmp_path):
    log = kill(server, bucket, unbroken, tmp_path, random.Random(3), 2)
    assert not any("had ended" in line for line in log), log


@pytest.mark.slow
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("seed", range(10))
def test_killed_at_thirty_moments(server, bucket, unbroken, tmp_path, seed):
    print(kill(server, bucket, unbroken, tmp_path, random.Random(100 + seed), 3))


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
def test_a_machine_that_is_shut_down_gives_its_lock_back(server, bucket, unbroken, tmp_path):
    before = len(server.requests)
    process = Run(unbroken[0], "-o", f"s3://{bucket}/run2", *SMALL, env={**server.environment, "TMPDIR": str(tmp_path)})
    wait_until(lambda: len(server.requests) >= before + 25, 240, every=0.001)
    process.process.send_signal(signal.SIGTERM)
    assert process.wait() == 143
    assert any(name.endswith(".tif") for name in server.contents(bucket)), "finished blocks are kept"
    assert not [name for name in server.contents(bucket) if name.endswith(".lock")]


@pytest.mark.slow
def test_two_processes_at_once(server, bucket, unbroken):
    arguments = (unbroken[0], "-o", f"s3://{bucket}/run2", *(one for one in SMALL if one != "--no-preview"))
    runs = [Run(*arguments, env=server.environment) for _ in range(2)]
    codes = sorted(one.wait() for one in runs)
    messages = "\n".join(one.messages() for one in runs)
    refused, kept = "another run (process" in messages, "kept, it is complete" in messages
    assert (codes == [0, 1] and refused) or (codes == [0, 0] and kept), messages
    check(server, bucket, unbroken)
