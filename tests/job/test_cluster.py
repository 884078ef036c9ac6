"""Clusters: any way of computing gives the same bytes; what does not fit together is said in one line."""

from __future__ import annotations

import json
import os
import pickle
import stat
import subprocess
import sys
from concurrent.futures import CancelledError
from dataclasses import replace

import pytest

from geoseg.errors import ClusterError, OptionError
from geoseg.job import dask_pool
from geoseg.job.batch import run
from geoseg.job.dispatch import BlockSummary, LostError
from geoseg.job.outputs import Products
from geoseg.job.request import Job
from geoseg.progress.reporters import Silent
from geoseg.segment.plan import Options
from geoseg.system.cluster import deployment
from geoseg.system.cluster.worker_watch import Staffing, WorkerWatch
from tests.job.processes import SMALL, DaskCluster, Run, blocks_in, contents, succeed
from tests.recorder import Recorder

pytestmark = pytest.mark.timeout(600)

FAST = Options(device="cpu", precision="fp32", window=64, block=64)
PLAIN = Products(preview=False)


@pytest.fixture(scope="module")
def client():
    """A cluster in this process: quick, and tasks are pickled as everywhere."""
    from distributed import Client

    with Client(
        processes=False, n_workers=2, threads_per_worker=2, dashboard_address=None, set_as_default=False
    ) as one:
        yield one


@pytest.fixture(scope="module")
def plain(tmp_path_factory, reflectance):
    folder = tmp_path_factory.mktemp("plain")
    scene = reflectance(folder / "scene.tif", 256, 384, seed=21)
    run(Job([scene], folder / "out", "spectral", options=FAST, products=PLAIN))
    return scene, contents(folder / "out")


def test_a_task_whose_client_is_gone_is_not_waited_for(monkeypatch):
    """dask's callback thread asks for results also when the client's event loop is ending: that must not hang."""
    from distributed import Client

    monkeypatch.setattr(dask_pool, "_RESULT_TIMEOUT", 0.2)
    with Client(processes=False, n_workers=1, dashboard_address=None, set_as_default=False) as gone:
        future = gone.submit(int, "no number", pure=False)
        assert isinstance(future.exception(), ValueError)
        with monkeypatch.context() as patch:
            patch.setattr(gone.loop, "add_callback", lambda *_: None)  # it has just stopped
            assert isinstance(dask_pool._result(future), LostError)
    assert isinstance(dask_pool._result(future), LostError)


def test_a_client_that_is_there(client, plain, tmp_path):
    scene, expected = plain
    (result,) = run(Job([scene], tmp_path / "out", "spectral", options=FAST, products=PLAIN, scheduler=client))
    assert result.status == "done", result.error
    assert contents(tmp_path / "out") == expected
    assert client.status == "running", "a client of the user's stays open"
    assert result.report["options"]["scheduler"] == "client"
    assert result.report["tiling"]["blocks"] == 24


def test_a_lazy_dataset_is_computed_by_the_active_client(plain):
    import numpy as np
    import rasterio
    from distributed import Client

    import geoseg

    scene, expected = plain
    lazy = geoseg.segment(scene, "spectral", device="cpu", precision="fp32", window=64, block=64)
    assert len(pickle.dumps(lazy)) < 100_000, "tasks carry recipes, not pixels"
    with Client(processes=False, n_workers=1, threads_per_worker=2, dashboard_address=None):
        classes = lazy.classes.compute().data
    with rasterio.MemoryFile(expected["classes.tif"]) as memory, memory.open() as file:
        assert np.array_equal(classes, file.read(1))


def test_tasks_carry_recipes(plain, tmp_path):
    """One megapixel or a thousand: what is sent for a block is as long."""
    from geoseg.job.block_store import open_store
    from geoseg.job.dispatch import Work
    from geoseg.segment.block import make_recipe
    from geoseg.segment.plan import make_plan

    recipe = make_recipe(make_plan(plain[0], "spectral", FAST))
    work = Work(recipe, open_store(tmp_path / "store", recipe.tiling, recipe.raster.geobox, {"fingerprint": "x"}))
    assert len(pickle.dumps(work)) < 20_000


def test_workers_write_the_results_of_every_scene(client, tmp_path, reflectance, monkeypatch):
    scenes = [reflectance(tmp_path / f"{seed}.tif", 64, 192, seed=seed) for seed in range(4)]
    job = Job(scenes, tmp_path / "here", "spectral", options=FAST, products=PLAIN)
    run(job)
    expected = {path.name: path.read_bytes() for path in (tmp_path / "here").iterdir()}

    def check(folder):
        reporter = Recorder()
        results = run(replace(job, output=folder, scheduler=client), reporter)
        assert [result.status for result in results] == ["done"] * 4
        assert sorted(path.name for path in folder.iterdir()) == sorted(expected)
        for path in folder.iterdir():
            if path.suffix not in (".json", ".csv"):
                assert path.read_bytes() == expected[path.name], path.name
        told = [args[2] for args, _ in reporter.of("progress") if args[2].endswith("on a worker")]
        assert {text.split()[1] for text in told} == {"0", "1", "2", "3"}, "written by a worker, the last ones too"

    check(tmp_path / "there")
    monkeypatch.setattr(dask_pool, "_result", _lost_if_made(dask_pool._result))
    check(tmp_path / "lost")  # made here instead


def _lost_if_made(result):
    def call(future):
        found = result(future)
        return dask_pool.LostError("gone") if isinstance(found, dask_pool.Made) else found

    return call


def test_other_versions_and_folders_are_named(client, plain, tmp_path, monkeypatch):
    scene, _ = plain
    job = Job([scene], tmp_path / "out", "spectral", options=FAST, products=PLAIN, scheduler=client)
    with monkeypatch.context() as patch:
        patch.setattr(dask_pool, "read_manifest", lambda _: {})
        (result,) = run(job)
    assert result.status == "failed"
    assert "does not see" in str(result.error)
    assert "worker" in str(result.error)
    assert len(str(result.error).splitlines()) == 1
    submit = client.submit
    with monkeypatch.context() as patch:
        patch.setattr(client, "submit", lambda call, *args, **more: submit(call, *_as_if_older(call, args), **more))
        (result,) = run(replace(job, output=tmp_path / "older"))
    assert "install the same on all machines" in str(result.error)


def _as_if_older(call, args):
    return ("0.0.1", *args[1:]) if call is dask_pool._compute_group else args


def test_blocks_that_a_lost_worker_finished_are_not_computed_again(client, plain, tmp_path):
    from geoseg.job.block_store import open_store
    from geoseg.job.dispatch import Work
    from geoseg.segment.block import make_recipe
    from geoseg.segment.plan import make_plan

    recipe = make_recipe(make_plan(plain[0], "spectral", FAST))
    work = Work(recipe, open_store(tmp_path / "store", recipe.tiling, recipe.raster.geobox, {"fingerprint": "x"}))
    work.store.folder.write(work.store.empty_name(1), b"")
    found = dask_pool._compute_block(work, 1)
    assert found == BlockSummary(1, 64 * 64, 0, {})


def watch_of(client):
    return WorkerWatch(client, "test", 60.0, Silent())


def test_groups_grow_with_quick_blocks_and_shrink_towards_the_end(client):
    class Feed:
        seconds_per_block = 0.0
        waiting = range(10_000)

    pool = dask_pool.Workers(client, watch_of(client))
    assert pool.slots == 2 * 4 + 2
    assert pool.group(Feed) == 1, "nobody knows yet how long a block takes"
    Feed.seconds_per_block = 0.05
    assert pool.group(Feed) == 20
    Feed.seconds_per_block = 1e-4
    assert pool.group(Feed) == 625, "all workers shall have work"
    assert dask_pool.group_seconds(2000) == 16.0, "one scheduler cannot hand out two thousand tasks a second"
    Feed.waiting = range(40)
    assert pool.group(Feed) == 2
    Feed.seconds_per_block = 30.0
    assert pool.group(Feed) == 1


def test_a_scheduler_that_is_gone_is_said(client, monkeypatch):
    class Gone:
        status = "closed"

    with pytest.raises(ClusterError, match="finished blocks are kept"):
        dask_pool.Workers(Gone(), watch_of(Gone())).check()
    Gone.status = "connecting"
    pool = dask_pool.Workers(Gone(), watch_of(Gone()))
    pool.check()
    monkeypatch.setattr(dask_pool, "_SCHEDULER_TIMEOUT", -1.0)
    with pytest.raises(ClusterError):
        pool.check()


@pytest.mark.parametrize("kind", [OSError, CancelledError])
def test_a_scheduler_that_dies_while_it_is_asked(kind):
    class Dying:
        status = "running"

        def nthreads(self):
            raise kind("Timed out trying to connect")

    with pytest.raises(ClusterError, match="the dask scheduler is gone"):
        dask_pool._query(Dying().nthreads)
    assert dask_pool.Workers(Dying(), watch_of(Dying())).slots == 4


def test_memory_of_a_worker_is_its_limit_or_its_part_of_the_machine():
    from geoseg.system.cluster.worker_memory import process_budget

    facts = [{"host": "a", "limit": None, "free": 8e9}] * 2 + [{"host": "b", "limit": 4e9, "free": 64e9}]
    assert process_budget(facts) == 2 * 10**9
    assert process_budget(facts[2:]) == pytest.approx(2.8e9)
    assert process_budget([{"host": "a", "limit": None, "free": 1e9}]) == 10**9


@pytest.mark.parametrize(
    ("scheduler", "says"),
    [
        ("nonsense", "use threads, local, slurm"),
        ("tcp://127.0.0.1:1", "no dask scheduler answers at tcp://127.0.0.1:1"),
        ("foo://x:1", "foo://x:1"),
    ],
)
def test_schedulers_that_are_none(scheduler, says, monkeypatch):
    monkeypatch.setattr(deployment, "_CONNECT", 1.0)
    with pytest.raises((OptionError, ClusterError)) as error:
        deployment.deploy(scheduler, Staffing(), Silent())
    assert says in str(error.value)


@pytest.mark.parametrize(
    ("scheduler", "module"), [("slurm", "dask_jobqueue"), ("kubernetes", "dask_kubernetes.operator")]
)
def test_what_is_not_installed_names_the_extra(scheduler, module, monkeypatch):
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(OptionError, match=r'pip install "geoseg\[cluster\]"'):
        deployment.deploy(scheduler, Staffing(), Silent())


# --- real processes


def test_local_processes_and_a_batch(plain, tmp_path, reflectance):
    scene, expected = plain
    other = reflectance(tmp_path / "other.tif", 64, 64)
    arguments = (scene, other, "-o", tmp_path / "out", *SMALL, "--scheduler", "local", "--workers", 2)
    done = succeed(*arguments, "--profile", tmp_path / "trace.json")
    assert contents(tmp_path / "out") == expected
    assert "2 workers" in done.messages()
    assert "blocks/s, device " in done.messages()
    trace = json.loads((tmp_path / "trace.json").read_text("utf-8"))["traceEvents"]
    assert len({event["pid"] for event in trace if event["name"] == "store"}) == 2, "both processes computed"
    report = json.loads((tmp_path / "out" / "scene_report.json").read_text("utf-8"))
    assert report["options"]["scheduler"] == "local"
    assert {"blocks_per_s", "mpx_per_s", "device_share", "io_share"} == set(report["rates"]["segment"])


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="mount namespaces are Linux's")
def test_a_worker_that_sees_another_folder(plain, tmp_path):
    """A worker in a mount namespace of its own: the path is there, the folder is not the same."""
    if subprocess.run(["unshare", "--mount", "true"], check=False, capture_output=True).returncode:
        pytest.skip("mount namespaces are not allowed here")
    out = tmp_path / "out"
    out.mkdir()
    with DaskCluster(tmp_path, 0) as cluster:
        command = (
            f"mount -t tmpfs none {out} && exec {sys.executable} -m dask worker {cluster.address} --nthreads 1 "
            "--no-nanny --no-dashboard"
        )
        log = (tmp_path / "worker.log").open("wb")
        cluster.workers.append(subprocess.Popen(["unshare", "--mount", "sh", "-c", command], stdout=log, stderr=log))
        failed = Run(plain[0], "-o", out, *SMALL, "--scheduler", cluster.address)
        assert failed.wait() == 1
    (line,) = failed.errors
    assert line.startswith("error: scene: worker tcp://")
    assert f"does not see {out}" in line
    assert "all workers share" in line


SBATCH = """#!/bin/sh
# Stands in for SLURM: runs the job script here, as a job of its own.
for script in "$@"; do :; done
echo "$@" >> {folder}/sbatch.log
setsid sh -c ". $script" >> {folder}/job.log 2>&1 &
echo $! >> {folder}/jobs
echo "Submitted batch job $!"
"""
SCANCEL = """#!/bin/sh
echo "$@" >> {folder}/scancel.log
for job in "$@"; do kill -9 -- -$job 2>/dev/null; done
exit 0
"""


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="SLURM's commands are shell scripts here")
def test_slurm_jobs_from_dasks_configuration(plain, tmp_path):
    pytest.importorskip("dask_jobqueue")
    scene, expected = plain
    programs = tmp_path / "bin"
    programs.mkdir()
    for name, text in (("sbatch", SBATCH), ("scancel", SCANCEL)):
        path = programs / name
        path.write_text(text.replace("{folder}", str(tmp_path)))
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
    config = tmp_path / "config"
    config.mkdir()
    (config / "jobqueue.yaml").write_text(
        "jobqueue:\n  slurm:\n    cores: 1\n    processes: 1\n    memory: 4GB\n    queue: short\n"
    )
    env = {"PATH": f"{programs}{os.pathsep}{os.environ['PATH']}", "DASK_CONFIG": str(config)}
    done = succeed(scene, "-o", tmp_path / "out", *SMALL, "--scheduler", "slurm", "--workers", 2, env=env)
    assert contents(tmp_path / "out") == expected
    assert "2 workers" in done.messages() or "1 workers" in done.messages()  # the second job may come later
    assert len((tmp_path / "sbatch.log").read_text().splitlines()) == 2
    cancelled = (tmp_path / "scancel.log").read_text().split()
    assert set(cancelled) == set((tmp_path / "jobs").read_text().split()), "every job is ended with the run"
    failed = Run(
        scene, "-o", tmp_path / "none", *SMALL, "--scheduler", "slurm", env={**env, "DASK_CONFIG": str(tmp_path)}
    )
    assert failed.wait() == 1
    assert "jobqueue.yaml" in failed.errors[-1]
    assert blocks_in(tmp_path / "none") == 0
