"""Jobs of a batch system that are kept alive, what batch systems say, and a GPU for each worker process."""

from __future__ import annotations

import asyncio
import os
import time
from collections import deque
from types import SimpleNamespace

import pytest

from geoseg.errors import ClusterError, OptionError
from geoseg.system.cluster import batch_queue, deployment, job_keeper, worker_watch
from geoseg.system.cluster.batch_queue import JobState, Lsf, Pbs, QueueError, Slurm
from geoseg.system.cluster.deployment import deploy, job_script
from geoseg.system.cluster.gpus import OneGpu, claim, visible_gpus
from geoseg.system.cluster.job_keeper import JobKeeper, Refusal, recording, words_of
from geoseg.system.cluster.worker_watch import Staffing, WorkerWatch
from tests.recorder import Recorder

# --- what batch systems say


def test_slurm_says_how_jobs_are(monkeypatch):
    listing = "12|PENDING|Resources\n13|RUNNING|None\n14|TIMEOUT|TimeLimit\n15_3|PENDING|ReqNodeNotAvail, Unav|x\n"
    monkeypatch.setattr(batch_queue, "_call", lambda *_, **__: listing)
    assert Slurm().states(["12"]) == {
        "12": JobState("pending", "PENDING", "Resources"),
        "13": JobState("running", "RUNNING"),
        "14": JobState("ended", "TIMEOUT", "TimeLimit"),
        "15_3": JobState("pending", "PENDING", "ReqNodeNotAvail, Unav|x"),
    }


def test_pbs_says_how_jobs_are(monkeypatch):
    listing = """Job Id: 7.server
    Job_Name = dask-worker
    job_state = Q
    comment = Not Running: Insufficient amount of resource: ncpus (R: 4 A: 2 T: 8
\t)
Job Id: 8.server
    job_state = R
    comment = Job run at Tue
Job Id: 9.server
    job_state = F
"""
    monkeypatch.setattr(batch_queue, "_call", lambda *_, **__: listing)
    states = Pbs().states(["7", "8", "9"])
    assert [states[number].phase for number in ("7", "8", "9")] == ["pending", "running", "ended"]
    assert states["7"].reason == "Not Running: Insufficient amount of resource: ncpus (R: 4 A: 2 T: 8)"
    assert states["8"].reason == ""


def test_lsf_says_how_jobs_are(monkeypatch):
    listing = (
        "5|PEND|Job's requirements for resource reservation not satisfied;\n6|RUN|-\n7|EXIT|-\nJob <8> is not found\n"
    )
    monkeypatch.setattr(batch_queue, "_call", lambda *_, **__: listing)
    states = Lsf().states(["5"])
    assert {number: state.phase for number, state in states.items()} == {"5": "pending", "6": "running", "7": "ended"}
    assert states["5"].reason == "Job's requirements for resource reservation not satisfied"


def test_commands_that_are_not_there(monkeypatch):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(QueueError, match="squeue is not found"):
        Slurm().states(["1"])
    Slurm().cancel(["1"])
    assert Slurm().last_words("1") == ""


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (FileNotFoundError(2, "No such file", "sbatch"), "sbatch is not found on this machine"),
        (
            RuntimeError(
                "Command exited\nstdout:\n\nstderr:\nsbatch: error: Batch job submission failed: bad\nsbatch: x\n"
            ),
            "Batch job submission failed: bad; sbatch: x",
        ),
        (RuntimeError("Command exited\nstdout:\nno such queue\nstderr:\n\n"), "no such queue"),
        (ValueError("Could not parse\njob id"), "Could not parse job id"),
    ],
)
def test_words_of_a_refusal(error, words):
    assert words_of(error) == words


# --- jobs kept alive


class Cluster:
    """Stands in for a cluster of dask_jobqueue: jobs are submitted at once."""

    def __init__(self, processes: int = 1) -> None:
        self.worker_spec, self.workers, self.count = {}, {}, 0
        self.status = SimpleNamespace(name="running")
        self.scheduler = SimpleNamespace(workers={}, add_plugin=lambda _: None)
        self.refuse = False
        self.refusals: deque[Refusal] = deque()
        self.queue = Queue(self)
        self.keeper = JobKeeper(self, "slurm", self.queue, self.refusals, processes=processes)

    def scale(self, jobs: int) -> None:
        while len(self.worker_spec) < jobs:
            self.count += 1
            self.worker_spec[f"job-{self.count}"] = {}
        for name in [name for name in self.worker_spec if name not in self.workers]:
            if self.refuse:
                self.refusals.append(Refusal("no such queue", "#!/bin/sh"))
            self.workers[name] = SimpleNamespace(job_id=None if self.refuse else name.split("-")[1])
        for name in self.workers.keys() - self.worker_spec.keys():
            del self.workers[name]

    def sync(self, call, *arguments):
        return asyncio.run(call(*arguments))

    def job_script(self) -> str:
        return "#!/bin/sh\nwork"

    def join(self, *names: str, busy: bool = False) -> None:
        for name in names:
            self.scheduler.workers[name] = SimpleNamespace(name=name, processing={"task"} if busy else {})
            self.keeper._joined.add_worker(self.scheduler, name)

    def round(self, **states: str) -> None:
        """One look at the batch system; jobs are running unless ``job_N`` says otherwise."""
        self.queue.said = {name.removeprefix("job_"): _state(text) for name, text in states.items()}
        for number, state in self.queue.said.items():
            if state.phase != "running":
                self.keeper._joined.remove_worker(self.scheduler, f"job-{number}")
        self.sync(self.keeper._correct, self.keeper._ask())


def _state(text: str) -> JobState:
    phase, _, reason = text.partition(":")
    return JobState(phase, phase.upper(), reason)


class Queue:
    submit, hopeless = "sbatch", frozenset({"Never"})

    def __init__(self, cluster: Cluster) -> None:
        self.cluster, self.said, self.cancelled = cluster, {}, []

    def states(self, jobs):
        return {job: self.said.get(job, JobState("running", "RUNNING")) for job in jobs}

    def last_words(self, job):
        return f"No module named 'distributed' in {job}"

    def cancel(self, jobs):
        self.cancelled.append(list(jobs))


@pytest.fixture
def cluster():
    one = Cluster()
    one.keeper.jobs = 2
    one.round()
    one.join("job-1", "job-2")
    return one


def test_lost_jobs_are_submitted_again(cluster):
    cluster.round(job_1="ended")
    assert set(cluster.workers) == {"job-2", "job-3"}
    assert cluster.keeper.news() == [(False, "1 job ended (ENDED) and is submitted again")]
    assert cluster.keeper.news() == []


def test_a_job_that_the_batch_system_forgot_is_lost(cluster, monkeypatch):
    monkeypatch.setattr(cluster.queue, "states", lambda _: {"2": JobState("running", "RUNNING")})
    cluster.round()
    assert set(cluster.workers) == {"job-1", "job-2"}, "it may not list a new job at once"
    monkeypatch.setattr(job_keeper, "_KNOWN_AFTER", -1.0)
    cluster.round()
    assert set(cluster.workers) == {"job-2", "job-3"}


def test_jobs_whose_workers_never_join_end_the_run():
    one = Cluster()
    one.keeper.jobs = 2
    one.round()
    one.round(job_1="ended", job_2="ended")
    one.keeper.news()
    one.round(job_3="ended")
    with pytest.raises(ClusterError, match=r"3 jobs of slurm in a row ended .*job 3 said: No module named") as error:
        one.keeper.news()
    assert error.value.job_script == "#!/bin/sh\nwork"


def test_a_worker_that_joined_ends_the_row_of_failures(cluster):
    for number in range(1, 12):
        cluster.round(**{f"job_{number}": "ended"})
        cluster.join(*cluster.workers)
        cluster.keeper.news()


def test_pending_jobs_are_counted_with_their_reasons(cluster):
    cluster.round(job_1="pending:Resources", job_2="pending:Priority")
    assert cluster.keeper.waiting == "2 pending (Resources, Priority)"
    cluster.round(job_1="pending:")
    assert cluster.keeper.waiting == "1 pending"
    cluster.round()
    assert cluster.keeper.waiting == ""


def test_reasons_that_no_waiting_mends_end_the_run(cluster):
    for _ in range(3):
        cluster.round(job_1="pending:Never")
        cluster.keeper.news()
    cluster.round(job_1="pending:Never", job_2="pending:Never")
    cluster.keeper.news()
    cluster.round(job_1="pending:Never", job_2="pending:Never")
    with pytest.raises(ClusterError, match="slurm can never start the jobs: Never"):
        cluster.keeper.news()


def test_a_refusal_ends_the_run_only_if_no_job_was_ever_taken(cluster, monkeypatch):
    none = Cluster()
    none.refuse, none.keeper.jobs = True, 2
    none.round()
    none.round()
    with pytest.raises(ClusterError, match="slurm takes no job: no such queue") as error:
        none.keeper.news()
    assert error.value.job_script == "#!/bin/sh"

    cluster.refuse = True
    cluster.round(job_1="ended")
    cluster.round()
    assert (True, "slurm takes no more jobs for now: no such queue") in cluster.keeper.news()
    assert set(cluster.workers) == {"job-2"}
    cluster.refuse = False
    cluster.round()
    assert len(cluster.workers) == 1, "not before a pause"
    cluster.keeper._not_before = 0.0
    cluster.round()
    assert len(cluster.workers) == 2


def test_a_batch_system_that_does_not_answer_loses_no_job(cluster, monkeypatch):
    def silent(_):
        raise QueueError("Unable to contact slurm controller")

    monkeypatch.setattr(cluster.queue, "states", silent)
    for _ in range(7):
        cluster.round()
    assert set(cluster.workers) == {"job-1", "job-2"}
    assert cluster.keeper.news() == [(True, "slurm does not say how the jobs are: Unable to contact slurm controller")]
    assert cluster.keeper.waiting == "slurm does not answer"


def test_fewer_are_wanted(cluster):
    cluster.keeper.want(5)
    cluster.round()
    cluster.join("job-3", busy=True)
    cluster.keeper.want(3)
    cluster.round()
    assert set(cluster.workers) == {"job-1", "job-2", "job-3"}, "those without a worker go first"
    cluster.keeper.want(0)
    cluster.round()
    assert set(cluster.workers) == {"job-3"}, "what is busy stays"


def test_jobs_of_several_workers():
    one = Cluster(processes=4)
    one.keeper.want(6)
    one.round()
    assert set(one.workers) == {"job-1", "job-2"}
    one.join("job-1-0", "job-1-3", busy=True)
    one.keeper.want(3)
    one.round()
    assert set(one.workers) == {"job-1"}


def test_closing_cancels_all_jobs_with_one_command(cluster):
    cluster.keeper.start(2)
    cluster.keeper.close()
    assert cluster.queue.cancelled == [["1", "2"]]
    cluster.round(job_1="ended")
    assert set(cluster.workers) == {"job-1", "job-2"}, "nothing is submitted after the end"


def test_a_job_class_records_what_is_refused():
    from distributed.deploy.spec import ProcessInterface

    class Job(ProcessInterface):
        def job_script(self):
            return "script"

        async def start(self):
            raise RuntimeError("stderr:\nsbatch: error: no\n")

    async def submit():
        return await recording(Job, refusals)()

    refusals: deque[Refusal] = deque()
    asyncio.run(submit())
    assert refusals.pop() == Refusal("no", "script")


# --- workers that come and go


class Client:
    status = "running"

    def __init__(self) -> None:
        self.workers: dict[str, int] = {}

    def nthreads(self):
        return self.workers


def test_how_long_there_has_been_no_worker_is_told(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(worker_watch.time, "monotonic", lambda: now[0])
    client, told = Client(), Recorder()
    watch = WorkerWatch(client, "tcp://x:1", 3000.0, told)
    for second in range(0, 1900, 3):
        now[0] = float(second)
        watch.check()
    assert [args[0].split(", ")[-1].split(" (")[0] for args, _ in told.of("info")] == ["waiting for 6 s"]
    lines = [args[0] for args, _ in told.of("warning")]
    assert [line.split("waiting for ")[1].split(" (")[0] for line in lines] == ["63 s", "10 min", "20 min", "30 min"]
    assert all("no worker of tcp://x:1 has come yet" in line for line in lines)
    client.workers = {"a": 2, "b": 2}
    now[0] += 3
    watch.check()
    assert watch.text == "2 workers"
    client.workers = {}
    for _ in range(4):
        now[0] += 3
        watch.check()
    assert "no worker of tcp://x:1 is left" in told.of("warning")[-1][0][0]
    now[0] += 3600
    with pytest.raises(ClusterError, match=r"is left for 60 min \(start some.*finished blocks are kept"):
        watch.check()


def test_workers_of_jobs_are_counted_against_those_wanted(cluster):
    client = Client()
    client.workers = {"a": 1}
    watch = WorkerWatch(client, "slurm", 60.0, Recorder(), cluster.keeper)
    cluster.round(job_1="pending:Priority")
    assert watch.text == "1 of 2 workers, 1 pending (Priority)"


def test_a_job_whose_worker_has_come_is_not_told_to_be_pending(cluster):
    """The batch system is asked now and then; workers are known at once."""
    cluster.round()
    cluster.round(job_1="pending:Priority", job_2="pending:Priority")
    assert cluster.keeper.waiting == "2 pending (Priority)"
    cluster.join("job-1")
    assert cluster.keeper.waiting == "1 pending (Priority)"
    cluster.round(job_1="pending:BeginTime", job_2="running")  # put back into the queue by the system
    assert cluster.keeper.waiting == "1 pending (BeginTime)"


def test_an_adaptive_cluster_starts_from_zero():
    from distributed import Client as DaskClient
    from distributed import LocalCluster

    with (
        LocalCluster(n_workers=0, processes=False, dashboard_address=None) as local,
        DaskClient(local, set_as_default=False) as client,
    ):
        local.adapt(minimum=0, maximum=1, interval="100ms")
        deployed = deploy(client, Staffing(max_wait=20.0))
        assert len(deployed.watch.threads()) == 1


def test_a_scheduler_without_workers_is_given_up():
    from distributed import Client as DaskClient
    from distributed import LocalCluster

    with (
        LocalCluster(n_workers=0, processes=False, dashboard_address=None) as local,
        DaskClient(local, set_as_default=False) as client,
        pytest.raises(ClusterError, match="no worker of the scheduler has come yet for"),
    ):
        deploy(client, Staffing(max_wait=0.3))


# --- configuration


def test_a_range_of_workers_is_for_batch_systems():
    with pytest.raises(OptionError, match=r"workers 1\.\.4 does not fit scheduler local"):
        deploy("local", Staffing(1, 4))


def test_the_job_script():
    pytest.importorskip("dask_jobqueue")
    import dask

    with dask.config.set({"jobqueue.slurm.cores": 1, "jobqueue.slurm.memory": "4GB", "jobqueue.slurm.queue": "gpu"}):
        script = job_script("slurm")
    assert script.startswith("#!")
    assert "#SBATCH -p gpu" in script
    with pytest.raises(OptionError, match="slurm is not configured"):
        job_script("slurm")
    with pytest.raises(OptionError, match="threads has no job script: use slurm, pbs, lsf"):
        job_script("threads")


def test_signals_keep_their_handlers(monkeypatch):
    import signal
    import sys

    pytest.importorskip("dask_jobqueue")
    for name in [name for name in sys.modules if name.partition(".")[0] == "dask_jobqueue"]:
        monkeypatch.delitem(sys.modules, name)
    before = signal.getsignal(signal.SIGINT)
    deployment._jobqueue("slurm", "Cluster")
    assert signal.getsignal(signal.SIGINT) is before, "dask_jobqueue exits with 0 at Ctrl-C"


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"jobqueue.slurm.interface": "ib0"}, "'ib0' is not a valid network interface.*correct interface of"),
        ({"distributed.comm.require-encryption": True}, "to be encrypted .TLS., and there are no certificates"),
    ],
)
def test_what_the_dask_configuration_does_not_allow(config, words, monkeypatch, tmp_path):
    pytest.importorskip("dask_jobqueue")
    import dask

    (tmp_path / "sbatch").write_text("#!/bin/sh\n")
    (tmp_path / "sbatch").chmod(0o755)
    monkeypatch.setattr(deployment.shutil, "which", lambda name: str(tmp_path / name))
    with (
        dask.config.set({"jobqueue.slurm.cores": 1, "jobqueue.slurm.memory": "4GB", **config}),
        pytest.raises(ClusterError, match=words) as error,
    ):
        deploy("slurm", Staffing())
    assert len(str(error.value).splitlines()) == 1


def test_tls_without_certificates():
    with pytest.raises(ClusterError, match="there are no certificates; name them under"):
        deploy("tls://127.0.0.1:1", Staffing())


# --- GPUs


def test_the_gpu_with_the_fewest_processes_is_taken(tmp_path):
    taken = [claim(["4", "GPU-a/b"], tmp_path) for _ in range(5)]
    assert [gpu for gpu, _ in taken] == ["4", "GPU-a/b", "4", "GPU-a/b", "4"]
    taken[1][1].release()
    assert claim(["4", "GPU-a/b"], tmp_path)[0] == "GPU-a/b", "the one of the process that ended"


def test_visible_gpus(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "4, 5,GPU-abc")
    assert visible_gpus() == ["4", "5", "GPU-abc"]
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert visible_gpus() == []


@pytest.mark.skipif(os.name == "nt", reason="nvidia-smi is a shell script here")
def test_a_restarted_worker_takes_the_gpu_of_the_one_that_it_replaces(tmp_path, monkeypatch):
    from distributed import Client as DaskClient
    from distributed import LocalCluster

    (tmp_path / "nvidia-smi").write_text('#!/bin/sh\nfor i in 0 1 2; do echo "GPU $i: fake"; done\n')
    (tmp_path / "nvidia-smi").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)

    def gpus(client) -> list[str]:
        return sorted(client.run(os.getenv, "CUDA_VISIBLE_DEVICES").values())

    with (
        LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None, memory_limit=0
        ) as local,
        DaskClient(local, set_as_default=False) as client,
    ):
        client.register_plugin(OneGpu())
        assert gpus(client) == ["0", "1"]
        (victim,) = [pid for pid, gpu in _processes(client) if gpu == "0"]
        os.kill(victim, 9)
        deadline = time.monotonic() + 60
        while len(found := _processes(client)) < 2 or victim in dict(found):
            assert time.monotonic() < deadline
            time.sleep(0.1)
        assert gpus(client) == ["0", "1"]


def _processes(client) -> list[tuple[int, str]]:
    answers = client.run(lambda: (os.getpid(), os.environ.get("CUDA_VISIBLE_DEVICES", "")), on_error="ignore")
    return list(answers.values())
