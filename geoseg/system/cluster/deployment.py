"""Connect to a dask cluster: by its address, or by starting local processes or jobs of a batch system.

Jobs are described in dask's own configuration files (``~/.config/dask/jobqueue.yaml``, ``kubernetes.yaml``): see
https://jobqueue.dask.org and https://kubernetes.dask.org.
"""

from __future__ import annotations

import importlib
import importlib.util
import logging
import shutil
import signal
import time
import warnings
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from geoseg.errors import ClusterError, OptionError, one_line
from geoseg.system.choices import BATCH_SYSTEMS, LOCAL_SCHEDULERS
from geoseg.system.cluster.worker_watch import Announcer, Quiet, Staffing, WorkerWatch
from geoseg.system.resources import cpu_count

if TYPE_CHECKING:
    from geoseg.system.cluster.job_keeper import JobKeeper, Refusal

_CLASSES = {"slurm": "SLURM", "pbs": "PBS", "lsf": "LSF"}
"""Beginning of the names of dask_jobqueue's classes by batch system; kubernetes has a package of its own."""

# Seconds to wait for a worker of a running cluster, which may be adaptive and have none yet. Jobs may wait for days.
_PATIENCE = 600.0

# Seconds to wait for the answer of a scheduler.
_CONNECT = 10.0


@dataclass
class Deployment:
    """A connection to a cluster, and what to close afterwards.

    Attributes
    ----------
    client
        The connection.
    name
        What the scheduler is called in messages.
    one_machine
        Whether all workers were started on this machine.
    keeper
        Keeps jobs alive, if workers run in jobs of a batch system.
    closing
        Called at the end, in order.
    watch
        Counts the workers; set by :func:`deploy`.
    """

    client: Any
    name: str
    one_machine: bool = False
    keeper: JobKeeper | None = None
    closing: list[Callable[[], Any]] = field(default_factory=list)
    watch: WorkerWatch = field(init=False)

    def close(self) -> None:
        """Close what was opened for this run; does nothing the second time."""
        while self.closing:
            with suppress(Exception):  # the scheduler may be gone
                self.closing.pop(0)()


def deploy(scheduler: Any, staffing: Staffing, announcer: Announcer | None = None) -> Deployment:
    """Connect, and wait for the first worker.

    Parameters
    ----------
    scheduler
        ``"local"``, a batch system, an address, or a ``distributed.Client``.
    staffing
        Processes or jobs to start, which a cluster that is running already ignores, and how long to wait for them.
    announcer
        Told the dashboard's address, and why no worker has come yet.

    Raises
    ------
    OptionError, ClusterError
        If the cluster cannot be started or reached; the message says what is missing.
    """
    from distributed import Client

    announcer = announcer or Quiet()
    if isinstance(scheduler, Client):
        deployment = Deployment(scheduler, "the scheduler")
    else:
        _silence_logs()
        deployment = _start(str(scheduler), staffing)
    try:
        queued = str(scheduler) in BATCH_SYSTEMS
        patience = staffing.max_wait or (float("inf") if queued else _PATIENCE)
        deployment.watch = WorkerWatch(deployment.client, deployment.name, patience, announcer, deployment.keeper)
        _announce_dashboard(deployment.client, announcer)
        if not isinstance(scheduler, Client):
            _give_gpus(deployment.client)
        _wait(deployment)
    except BaseException:
        deployment.close()
        raise
    return deployment


def _start(scheduler: str, staffing: Staffing) -> Deployment:
    if staffing.adaptive and scheduler not in BATCH_SYSTEMS:
        raise OptionError(
            f"workers {staffing.least}..{staffing.most} does not fit scheduler {scheduler}: only the jobs of "
            f"{', '.join(BATCH_SYSTEMS)} can follow the work; give one number"
        )
    if scheduler == "local":
        return _started("local", lambda: _local(staffing.most))
    if scheduler == "kubernetes":
        return _started(scheduler, lambda: _kubernetes(staffing))
    if scheduler in BATCH_SYSTEMS:
        return _started(scheduler, lambda: _jobs(scheduler, staffing))
    if ":" not in scheduler:
        names = ", ".join([*LOCAL_SCHEDULERS, *BATCH_SYSTEMS])
        raise OptionError(f"scheduler {scheduler!r} is unknown: use {names} or an address like tcp://host:8786")
    return _started(scheduler, lambda: _connected(scheduler))


def _started(scheduler: str, start: Callable[[], Deployment]) -> Deployment:
    """Start or connect, and say in one line what the user's dask configuration does not allow."""
    try:
        return start()
    except (RuntimeError, TypeError, ValueError) as error:
        text = one_line(error).removeprefix("Cluster failed to start: ")
        remedy = "see the dask configuration in ~/.config/dask"
        if "interface" in text:
            remedy = f"correct interface of jobqueue.{scheduler} in ~/.config/dask/jobqueue.yaml"
        elif _wants_tls(scheduler, text):
            text = "connections are to be encrypted (TLS), and there are no certificates"
            remedy = "name them under distributed.comm.tls in ~/.config/dask/distributed.yaml (ca-file, client, …)"
        raise ClusterError(f"scheduler {scheduler} cannot be used: {text}; {remedy}") from error


def _wants_tls(scheduler: str, text: str) -> bool:
    import dask

    configured = dask.config.get("distributed.comm.require-encryption", None)
    return bool(configured) or scheduler.startswith("tls:") or "TLS" in text or "ssl" in text


def _connected(scheduler: str) -> Deployment:
    from distributed import Client

    try:
        client = Client(scheduler, timeout=_CONNECT, set_as_default=False)
    except (OSError, TimeoutError) as error:
        raise ClusterError(
            f"no dask scheduler answers at {scheduler}: start one with `dask scheduler`, or use --scheduler threads"
        ) from error
    except ValueError as error:
        if "scheme" not in str(error) and "address" not in str(error):
            raise
        raise ClusterError(f"{scheduler} is no address of a dask scheduler: {one_line(error)}") from error
    return Deployment(client, f"the scheduler {scheduler}", closing=[client.close])


def _local(workers: int) -> Deployment:
    """Start worker processes on this machine, which share its GPUs or cores."""
    from distributed import Client, LocalCluster

    # One thread more than forward passes, to read and write meanwhile.
    threads = max(cpu_count() // workers, 1) + 1
    dashboard = ":0" if importlib.util.find_spec("bokeh") else None
    cluster = LocalCluster(
        n_workers=workers, threads_per_worker=threads, processes=True, memory_limit=0, dashboard_address=dashboard,
        silence_logs=logging.CRITICAL,
    )  # fmt: skip
    client = Client(cluster, set_as_default=False)
    client.wait_for_workers(workers)
    return Deployment(client, "local", one_machine=True, closing=[client.close, cluster.close])


def _give_gpus(client: Any) -> None:
    """Give each worker process one GPU, those that come later too."""
    from geoseg.system.cluster.gpus import OneGpu

    try:
        client.register_plugin(OneGpu())
    except ImportError as error:
        raise ClusterError(
            f"workers cannot import what they need ({one_line(error)}): install the same geoseg on all machines, and "
            "name its Python as jobqueue.*.python in ~/.config/dask/jobqueue.yaml"
        ) from error


def _jobqueue(scheduler: str, kind: str) -> Any:
    """Return a class of dask_jobqueue: ``kind`` is ``"Cluster"`` or ``"Job"``."""
    try:
        with _own_signals():
            module = importlib.import_module("dask_jobqueue" + (f".{scheduler}" if kind == "Job" else ""))
    except ImportError:
        raise OptionError(f'scheduler {scheduler} needs dask-jobqueue: pip install "geoseg[cluster]"') from None
    return getattr(module, _CLASSES[scheduler] + kind)


@contextmanager
def _own_signals() -> Iterator[None]:
    """Keep the handlers of signals: dask_jobqueue replaces them when it is imported, and then Ctrl-C exits with 0."""
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = [signal.getsignal(number) for number in numbers]
    try:
        yield
    finally:
        for number, handler in zip(numbers, before, strict=True):
            if signal.getsignal(number) is not handler:
                signal.signal(number, handler)


def job_script(scheduler: str) -> str:
    """Return the script of the jobs that geoseg would submit.

    Raises
    ------
    OptionError
        If ``scheduler`` is no batch system with job scripts, or not configured.
    """
    if scheduler not in _CLASSES:
        raise OptionError(f"scheduler {scheduler} has no job script: use {', '.join(_CLASSES)}")
    job = _configured(scheduler, lambda: _jobqueue(scheduler, "Job")("tcp://THIS-MACHINE:PORT", name="WORKER"))
    return str(job.job_script())


def _configured(scheduler: str, make: Callable[[], Any]) -> Any:
    try:
        return make()
    except (ValueError, TypeError) as error:
        text = one_line(error)
        if "specify how much" not in text and "argument" not in text:
            raise
        raise OptionError(
            f"scheduler {scheduler} is not configured: {text}; describe a job (cores, memory, queue) in "
            f"~/.config/dask/jobqueue.yaml under jobqueue.{scheduler}"
        ) from error


def _jobs(scheduler: str, staffing: Staffing) -> Deployment:
    """Submit jobs that are kept alive."""
    cluster_class, job_class = _jobqueue(scheduler, "Cluster"), _jobqueue(scheduler, "Job")
    from distributed import Client

    from geoseg.system.cluster.batch_queue import QUEUES
    from geoseg.system.cluster.job_keeper import JobKeeper, recording

    job_script(scheduler)  # raises what is not configured, before anything is started
    queue = QUEUES[scheduler]
    if shutil.which(queue.submit) is None:
        raise ClusterError(
            f"scheduler {scheduler}: {queue.submit} is not found on this machine; run geoseg where jobs are submitted"
        )
    refusals: deque[Refusal] = deque()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Port .* is already in use")  # the dashboard's address is told
        cluster = cluster_class(job_cls=recording(job_class, refusals), silence_logs=logging.CRITICAL)
    keeper = JobKeeper(cluster, scheduler, queue, refusals, processes=_processes(cluster))
    deployment = Deployment(None, scheduler, keeper=keeper, closing=[keeper.close, cluster.close])
    try:
        deployment.client = Client(cluster, set_as_default=False)
        deployment.closing.insert(1, deployment.client.close)
        keeper.start(keeper.jobs_for(max(staffing.least, 1)))
    except BaseException:
        deployment.close()
        raise
    return deployment


def _processes(cluster: Any) -> int:
    """Return how many workers a job has."""
    return max(int(cluster._dummy_job.worker_processes), 1)  # noqa: SLF001 - no public way to learn it


def _kubernetes(staffing: Staffing) -> Deployment:
    from distributed import Client

    try:
        module = importlib.import_module("dask_kubernetes.operator")
    except ImportError:
        raise OptionError('scheduler kubernetes needs dask-kubernetes: pip install "geoseg[cluster]"') from None
    try:
        cluster = module.KubeCluster()
    except Exception as error:
        text = one_line(error)
        raise ClusterError(
            f"kubernetes does not start a dask cluster: {text}; check kubectl and ~/.config/dask/kubernetes.yaml"
        ) from error
    if staffing.adaptive:
        cluster.adapt(minimum=staffing.least, maximum=staffing.most)
    else:
        cluster.scale(staffing.most)
    client = Client(cluster, set_as_default=False)
    return Deployment(client, "kubernetes", closing=[client.close, cluster.close])


def _announce_dashboard(client: Any, announcer: Announcer) -> None:
    with suppress(Exception):  # a scheduler may run without one, and some versions do not report it
        if "dashboard" in client.scheduler_info().get("services", {}):
            announcer.info(f"dask dashboard: {client.dashboard_link}")


def _wait(deployment: Deployment) -> None:
    """Wait for the first worker; an adaptive cluster starts one because there is a task."""
    watch, client = deployment.watch, deployment.client
    trigger = None
    watch.check()
    while not watch.threads():
        if trigger is None and deployment.keeper is None:
            trigger = client.submit(int, pure=False)
        time.sleep(0.2)
        watch.check()


def _silence_logs() -> None:
    """Silence dask's logs: lost workers are expected, and geoseg reports what matters itself."""
    import dask

    # Some of dask's loggers have levels of their own.
    known = [name for name in logging.root.manager.loggerDict if name.startswith("distributed.")]
    for name in ("distributed", "tornado", "asyncio", "bokeh", *known):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    dask.config.set({"logging.distributed": "critical"})
