"""kill -9 at random moments, for client, worker and scheduler: the same command goes on, and the bytes are the same."""

from __future__ import annotations

import os
import random
import re
import time
from pathlib import Path

import pytest

from tests.job.processes import SMALL, DaskCluster, Run, blocks_in, contents, succeed, wait_until

pytestmark = pytest.mark.timeout(900)

# A client that loses its scheduler gives up after this, and a worker dies with it.
QUICK = {"DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT": "3s"}


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory, reflectance):
    """A scene, its number of blocks, and what a run gives that nothing disturbs."""
    folder = tmp_path_factory.mktemp("unbroken")
    scene = reflectance(folder / "scene.tif", 448, 512, seed=11)
    run = succeed(scene, "-o", folder / "out", *SMALL)
    return scene, max(event["total"] for event in run.of("progress")), contents(folder / "out")


class Moment:
    """A moment in a run: after so many blocks, or in one of the stages after them."""

    def __init__(self, chance: random.Random, blocks: int) -> None:
        stages = ["segment"] * 5 + ["write", "polygonize", "result"]
        self.stage = chance.choice(stages)
        self.blocks = chance.randrange(blocks)
        self.pause = chance.random() * 0.05

    def wait(self, run: Run, out) -> None:
        """Wait for it, or for the run's end if that comes first."""

        def come() -> bool:
            if not run.alive():
                return True
            if self.stage == "segment":
                return blocks_in(out) >= self.blocks and (out / ".geoseg").exists()
            if self.stage == "result":
                return bool(run.of("result"))
            return any(str(event.get("message", "")).startswith(self.stage) for event in run.events)

        wait_until(come, 240, every=0.002)
        time.sleep(self.pause)

    def __str__(self) -> str:
        return f"{self.blocks} blocks" if self.stage == "segment" else self.stage


def check(out, unbroken) -> None:
    assert contents(out) == unbroken[2], "a resumed run gives other bytes"
    left = sorted(path.name for path in out.iterdir())
    assert left == [
        "scene_classes.qml", "scene_classes.tif", "scene_classes.tif.aux.xml", "scene_confidence.qml",
        "scene_confidence.tif", "scene_polygons.gpkg", "scene_polygons.qml", "scene_report.json",
    ] or set(left) >= {"scene_classes.tif", "scene_report.json"}  # fmt: skip
    assert ".geoseg" not in left
    assert not [name for name in left if "partial" in name]


def kill_client(chance, unbroken, folder, times: int = 1, *extra: object, env=None) -> list[str]:
    """Kill a run several times on its way, then let it end."""
    scene, blocks, _ = unbroken
    out, log = folder / "out", []
    for _ in range(times):
        run, moment = Run(scene, "-o", out, *SMALL, *extra, env=env), Moment(chance, blocks)
        moment.wait(run, out)
        ended = not run.alive()
        done = blocks_in(out)
        run.kill()
        log.append(f"client{' of a cluster' if extra else ''}: killed at {moment} ({'had ended' if ended else done})")
    before = blocks_in(out)
    run = succeed(scene, "-o", out, *SMALL, *extra, env=env)
    if before:
        told = run.messages()
        # A cluster's workers finish what they had begun when the client died.
        there = [int(number) for number in re.findall(rf"(\d+) of {blocks} blocks are there already", told)]
        assert "was finished" in told or "kept" in told or (there and there[0] >= before), told[-2000:]
    check(out, unbroken)
    return log


def kill_worker(chance, unbroken, folder) -> list[str]:
    """Kill one of two workers; the other, and one that comes, finish the run without anybody's help."""
    scene, blocks, _ = unbroken
    out = folder / "out"
    with DaskCluster(folder) as cluster:
        run = Run(scene, "-o", out, *SMALL, "--scheduler", cluster.address)
        moment = Moment(chance, blocks)
        moment.stage = "segment"
        moment.wait(run, out)
        done = blocks_in(out)
        cluster.kill_worker(chance.randrange(2))
        cluster.workers.append(cluster.add_worker())
        assert run.wait() == 0, (run.errors, run.messages()[-2000:])
        check(out, unbroken)
    return [f"worker: killed at {done} blocks"]


def kill_scheduler(chance, unbroken, folder, *, anew: bool = True) -> list[str]:
    """Kill the scheduler: the client says so in one line; with a new one the same command goes on."""
    scene, blocks, _ = unbroken
    out = folder / "out"
    with DaskCluster(folder, 1, env=QUICK) as cluster:
        run = Run(scene, "-o", out, *SMALL, "--scheduler", cluster.address, env=QUICK)
        moment = Moment(chance, blocks * 3 // 4)
        moment.stage = "segment"
        moment.wait(run, out)
        done = blocks_in(out)
        cluster.scheduler.kill()
        code = run.wait()
    if code != 0:
        assert code == 1
        assert [line for line in run.errors if line.startswith("error: ")], run.errors
        assert "Traceback" not in "\n".join(run.errors)
        assert "scheduler" in run.errors[-1], run.errors
    if anew:
        with DaskCluster(folder, 1, env=QUICK) as cluster:
            succeed(scene, "-o", out, *SMALL, "--scheduler", cluster.address)
    else:  # who computes the rest does not matter
        succeed(scene, "-o", out, *SMALL)
    check(out, unbroken)
    return [f"scheduler: killed at {done} blocks (client ended with {code})"]


def test_kill_a_client(unbroken, tmp_path):
    kill_client(random.Random(1), unbroken, tmp_path, 1)


def test_kill_a_client_between_the_last_renames(unbroken, tmp_path, reflectance):
    """Half of the files have their names, the report is not there yet: nothing is computed again."""
    scene, _, expected = unbroken
    from geoseg.job.batch import run
    from geoseg.job.outputs import Products
    from geoseg.job.request import Job
    from geoseg.segment.plan import Options

    out = tmp_path / "out"
    options = Options(device="cpu", precision="fp32", window=64, block=64)
    job = Job([scene], out, "spectral", options=options, products=Products(preview=False))
    with pytest.MonkeyPatch.context() as patch:
        replaced = type(out).replace

        def dies(path, target):
            if path.name == "scene_confidence.tif":
                raise KeyboardInterrupt
            return replaced(path, target)

        patch.setattr(type(out), "replace", dies)
        with pytest.raises(KeyboardInterrupt):
            run(job)
    assert (out / "scene_classes.tif").exists()
    assert not (out / "scene_report.json").exists()
    (result,) = run(job)
    assert result.status == "done"
    assert contents(out) == expected
    assert not (out / ".geoseg").exists()


@pytest.mark.parametrize("stage", ["segment", pytest.param("polygonize", marks=pytest.mark.slow)])
def test_kill_in_the_middle_of_detect(unbroken, tmp_path, stage):
    scene, blocks, _ = unbroken
    from geoseg.job.batch import run
    from geoseg.job.objects import DetectOptions
    from geoseg.job.outputs import Products
    from geoseg.job.request import Job
    from geoseg.segment.plan import Options

    options = Options(device="cpu", precision="fp32", window=64, block=64)
    products = Products(polygons=False, preview=False, objects=DetectOptions(0.3, regularize="square"))
    arguments = (scene, "-o", tmp_path / "killed", *SMALL, "--stitch", "trim", "--score", "0.3", "--regularize")
    killed = Run(*arguments, command="detect")
    moment = Moment(random.Random(4), blocks)
    moment.stage, moment.blocks = stage, blocks // 2
    moment.wait(killed, tmp_path / "killed")
    killed.kill()
    assert not killed.of("result"), "it was over before it could be killed"
    assert not (tmp_path / "killed" / "scene_objects.gpkg").exists()
    jobs = [Job([scene], tmp_path / name, "spectral", options=options, products=products) for name in ("killed", "not")]
    (resumed,), (whole,) = map(run, jobs)
    assert resumed.report["tiling"]["blocks_reused"] >= moment.blocks
    assert whole.report["objects"] > 10
    assert resumed.outputs["objects"].read_bytes() == whole.outputs["objects"].read_bytes()
    assert not (tmp_path / "killed" / ".geoseg").exists()


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="loopback clusters are slow to start there")
def test_kill_a_worker(unbroken, tmp_path):
    kill_worker(random.Random(2), unbroken, tmp_path)


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="loopback clusters are slow to start there")
def test_kill_the_scheduler(unbroken, tmp_path):
    kill_scheduler(random.Random(3), unbroken, tmp_path, anew=False)


@pytest.mark.slow
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("seed", range(6))
def test_kill_many_times(unbroken, tmp_path, seed):
    """At least 30 kills in all: per seed three of the client alone, one of a worker, one of the scheduler, one of a
    cluster's client. What was killed when is written to kill_log.txt where GEOSEG_KILL_LOG says."""
    chance = random.Random(1000 + seed)
    kills = _logged(seed, kill_client(chance, unbroken, _folder(tmp_path / "threads"), 3))
    kills += _logged(seed, kill_worker(chance, unbroken, _folder(tmp_path / "worker")))
    kills += _logged(seed, kill_scheduler(chance, unbroken, _folder(tmp_path / "scheduler")))
    with DaskCluster(_folder(tmp_path / "cluster")) as cluster:
        extra = ("--scheduler", cluster.address)
        kills += _logged(seed, kill_client(chance, unbroken, tmp_path / "cluster", 1, *extra))
    assert kills == 6


def _logged(seed, lines) -> int:
    if "GEOSEG_KILL_LOG" in os.environ:
        with Path(os.environ["GEOSEG_KILL_LOG"]).open("a", encoding="utf-8") as file:
            file.writelines(f"seed {seed}: {line}; resumed: same bytes\n" for line in lines)
    return len(lines)


def _folder(path):
    path.mkdir()
    return path
