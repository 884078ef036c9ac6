"""On a real SLURM: whatever happens to jobs or client, the bytes are the same, no job is left, and it is said."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

import pytest

from tests.job.processes import SMALL, Run, blocks_in, contents, succeed
from tests.job.slurm import Slurm, missing

pytestmark = [pytest.mark.slurm, pytest.mark.timeout(600), pytest.mark.skipif(bool(missing()), reason=missing())]

CONFIG = """
jobqueue:
  slurm:
    cores: {cores}
    processes: {cores}
    memory: {memory}GB
    walltime: "{walltime}"
    death-timeout: 15
    log-directory: {folder}/logs
    job-extra-directives: [{directives}]
    worker-extra-args: ["--preload", "{folder}/slow.py"]
"""

# Loaded by every worker: a block takes so long at least.
SLOW = """
import time
from geoseg.job import dispatch
if dispatch.segment_block.__name__ != "slow":  # dask loads this twice
    quick = dispatch.segment_block
    def slow(*arguments, **more):
        time.sleep({seconds})
        return quick(*arguments, **more)
    dispatch.segment_block = slow
"""


@pytest.fixture(scope="module")
def slurm(tmp_path_factory):
    with Slurm(tmp_path_factory.mktemp("slurm")) as one:
        yield one


@pytest.fixture(scope="module")
def plain(tmp_path_factory, reflectance):
    """A scene of 110 blocks and what a run in threads gives."""
    folder = tmp_path_factory.mktemp("plain")
    scene = reflectance(folder / "scene.tif", 640, 704, seed=31)
    succeed(scene, "-o", folder / "out", *SMALL)
    return scene, contents(folder / "out")


class Submit:
    """Starts runs whose workers are jobs."""

    def __init__(self, slurm, scene, folder) -> None:
        self.slurm, self.scene, self.folder = slurm, scene, folder
        self.runs: list[Run] = []

    def slow_down(self, seconds: float) -> None:
        """From now on, a block takes so long at least on workers that start."""
        (self.folder / "slow.py").write_text(SLOW.format(seconds=seconds))

    def prepare(self, *extra, workers: object = 2, block=0.1, cores=1, walltime="00:05:00", directives=""):
        """Describe the jobs; return arguments of ``geoseg segment`` and the environment."""
        self.slow_down(block)
        config = CONFIG.format(
            cores=cores, memory=3 * cores, walltime=walltime, folder=self.folder, directives=directives
        )
        (self.folder / "jobqueue.yaml").write_text(config)
        root = Path(__file__).resolve().parents[2]
        env = {
            "DASK_CONFIG": str(self.folder),
            "OMP_NUM_THREADS": "1",
            "TMPDIR": str(self.folder),
            "PYTHONPATH": str(root),
        }
        arguments = (
            self.scene,
            "-o",
            self.folder / "out",
            *SMALL,
            "--scheduler",
            "slurm",
            "--workers",
            workers,
            *extra,
        )
        return arguments, env

    def __call__(self, *extra, **jobs):
        arguments, env = self.prepare(*extra, **jobs)
        self.runs.append(Run(*arguments, env={**self.slurm.env, **env}))
        return self.runs[-1]


@pytest.fixture
def submit(slurm, plain, tmp_path):
    one = Submit(slurm, plain[0], tmp_path)
    yield one
    for run in one.runs:
        if run.alive():
            run.kill()


def until(run, true, seconds: float = 120) -> None:
    """Wait until something becomes true while the run is alive."""
    deadline = time.monotonic() + seconds
    while not true():
        assert run.alive(), (run.process.returncode, run.errors, run.messages()[-2000:])
        assert time.monotonic() < deadline, ("waited in vain", run.errors, run.messages()[-2000:])
        time.sleep(0.05)


def finish(run, tmp_path, plain, slurm) -> str:
    """The run ends well, with the same bytes and no job left; return all that it said."""
    assert run.wait() == 0, (run.errors, run.messages()[-2000:])
    assert contents(tmp_path / "out") == plain[1]
    slurm.wait_until_empty()
    return "\n".join([run.messages(), *run.errors])


def test_client_ended_in_every_way_and_jobs_cancelled(submit, slurm, plain, tmp_path):
    """Ctrl-C, SIGTERM, SIGHUP and kill -9, each while jobs run and one is pending; then jobs are cancelled."""
    out = tmp_path / "out"
    for number, code, computing in (
        (signal.SIGINT, 130, False),
        (signal.SIGHUP, 129, False),
        (signal.SIGTERM, 143, True),
    ):
        run = submit(workers=3)
        until(run, lambda: len(slurm.jobs()) == 3)
        if computing:
            before = blocks_in(out)
            until(run, lambda before=before: blocks_in(out) > before + 5)
            until(run, lambda run=run: "2 of 3 workers, 1 pending (" in run.messages())
        run.process.send_signal(number)
        assert run.wait(30) == code
        assert slurm.wait_until_empty() < 15
        assert run.errors[-1].startswith("interrupted: finished blocks are kept"), run.errors
        assert "Traceback" not in "\n".join(run.errors)

    before = blocks_in(out)
    run = submit(workers=3)
    until(run, lambda: blocks_in(out) > before + 5)
    run.kill()
    assert slurm.wait_until_empty(60) < 40, "jobs end by themselves when their scheduler is gone"

    before = blocks_in(out)
    run = submit(block=0.5)
    until(run, lambda: blocks_in(out) > before + 5)
    slurm("scancel", slurm.jobs("RUNNING")[0])
    until(run, lambda: "submitted again" in run.messages(), 30)
    until(run, lambda: len(slurm.jobs("RUNNING")) == 2, 30)
    submit.slow_down(0.0)
    slurm("scancel", "--me")
    text = finish(run, tmp_path, plain, slurm)
    assert "(CANCELLED)" in text
    assert "blocks are there already" in text


@pytest.mark.slow
def test_jobs_end_at_their_time_limit_while_the_node_is_drained(submit, slurm, plain, tmp_path):
    run = submit(block=3.0, walltime="00:01:00")
    until(run, lambda: len(slurm.jobs("RUNNING")) == 2 and blocks_in(tmp_path / "out") > 1)
    submit.slow_down(0.0)
    slurm("scontrol", "update", f"nodename={slurm.host}", "state=drain", "reason=test")
    until(run, lambda: "(TIMEOUT)" in run.messages(), 120)
    until(run, lambda: "no worker of slurm is left" in "\n".join([run.messages(), *run.errors]), 60)
    until(run, lambda: "0 of 2 workers, 2 pending (" in run.messages(), 60)
    slurm("scontrol", "update", f"nodename={slurm.host}", "state=resume")
    text = finish(run, tmp_path, plain, slurm)
    assert "2 jobs ended (TIMEOUT) and are submitted again" in text
    assert "workers are back" in text


def test_a_whole_node_is_one_job_whose_workers_have_a_gpu_each(submit, slurm, plain, tmp_path, monkeypatch):
    (tmp_path / "nvidia-smi").write_text("#!/bin/sh\necho 'GPU 0: fake'; echo 'GPU 1: fake'; echo 'GPU 2: fake'\n")
    (tmp_path / "nvidia-smi").chmod(0o755)
    monkeypatch.setitem(slurm.env, "PATH", f"{tmp_path}{os.pathsep}{slurm.env['PATH']}")
    text = finish(submit(cores=2, workers="0..2"), tmp_path, plain, slurm)  # from no worker on, too
    assert "2 of 2 workers" in text
    (folder,) = tmp_path.glob("geoseg-gpus-*")
    assert {path.name for path in folder.iterdir()} == {"0.0.lock", "1.0.lock"}


def test_what_slurm_refuses_ends_the_run_with_its_words(submit, slurm, tmp_path):
    run = submit(directives='"--gres=gpu:1"')
    assert run.wait(60) == 1
    text = "\n".join(run.errors)
    assert "error: slurm takes no job: Invalid generic resource (gres) specification" in text
    assert "#SBATCH --gres=gpu:1" in text
    assert "Traceback" not in text
    run = submit(directives='"--cpus-per-task=3"')
    assert run.wait(60) == 1
    assert "error: slurm can never start the jobs: PartitionConfig" in "\n".join(run.errors)
    assert not slurm.jobs()


def test_max_wait_ends_a_run_that_gets_no_worker(submit, slurm, tmp_path):
    slurm("scontrol", "update", f"nodename={slurm.host}", "state=drain", "reason=test")
    try:
        run = submit("--max-wait", "8s")
        assert run.wait(60) == 1
    finally:
        slurm("scontrol", "update", f"nodename={slurm.host}", "state=resume")
    assert run.errors[-1].startswith("error: no worker of slurm has come yet for 8 s"), run.errors
    slurm.wait_until_empty()


RECIPE = """#!/bin/bash
#SBATCH --job-name=geoseg --ntasks=1 --cpus-per-task=1 --mem=1G --time=10
#SBATCH --requeue --open-mode=append --signal=B:USR1@60 --output={log}
again() {{ kill -TERM "$run"; wait "$run"; scontrol requeue "$SLURM_JOB_ID"; }}
trap again USR1
{command} &
run=$!
wait "$run"
"""


@pytest.mark.slow
def test_the_client_is_a_job_that_is_requeued(submit, slurm, plain, tmp_path):
    """The guide's recipe: before its time limit SLURM sends SIGUSR1 to the script, which ends geoseg and requeues."""
    arguments, variables = submit.prepare(workers=1, block=0.5)
    out, log = tmp_path / "out", tmp_path / "client.log"
    words = [*(f"{name}={value}" for name, value in variables.items()), sys.executable, "-m", "geoseg", "segment"]
    command = " ".join(map(str, [*words, *arguments]))
    (tmp_path / "client.sh").write_text(RECIPE.format(log=log, command=command))
    number = slurm("sbatch", "--parsable", str(tmp_path / "client.sh")).strip()
    deadline = time.monotonic() + 120
    while blocks_in(out) < 5 and time.monotonic() < deadline:
        time.sleep(0.1)
    slurm("scancel", "--batch", "--signal=USR1", number)  # what --signal=B:USR1@60 does a minute before the limit
    while "Requeue" not in log.read_text() and "PENDING" not in slurm("squeue", "--noheader", "--format=%T"):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert blocks_in(out) >= 5
    submit.slow_down(0.0)
    slurm("scontrol", "update", f"jobid={number}", "starttime=now")  # SLURM lets a requeued job wait for minutes
    slurm.wait_until_empty(150)
    assert contents(out) == plain[1], log.read_text()[-2000:]
    assert "interrupted: finished blocks are kept" in log.read_text()
    assert "blocks are there already" in log.read_text()
