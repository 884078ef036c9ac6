"""Connect to a dask cluster: by its address, or by starting local processes or jobs of a batch system.

Jobs are described in dask's own configuration files (``~/.config/dask/jobqueue.yaml``, ``kubernetes.yaml``): see
https://jobqueue.dask.org and https://kubernetes.dask.org.
"""

from __future__ import annotations

import importlib
import importlib.util
import logging
import os
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from geoseg.errors import ClusterError, OptionError, one_line
from geoseg.system.choices import BATCH_SYSTEMS, LOCAL_SCHEDULERS
from geoseg.system.resources import cpu_count

_JOBS = {"slurm": "SLURMCluster", "pbs": "PBSCluster", "lsf": "LSFCluster"}
"""Cluster classes of dask_jobqueue by batch system; kubernetes has a package of its own."""

# Seconds to wait for the first worker of a running cluster; jobs may wait in a queue for days.
_FIRST_WORKER = 60.0

# Seconds to wait for the answer of a scheduler.
_CONNECT = 10.0


@dataclass
class Deployment:
    """A connection to a cluster, and what to close afterwards.

    Attributes
    ----------
    client
        The connection.
    one_machine
        Whether all workers were started on this machine.
    closing
        Called at the end, in order.
    """

    client: Any
    one_machine: bool = False
    closing: list[Callable[[], Any]] = field(default_factory=list)

    def close(self) -> None:
        """Close what was opened for this run."""
        for close in self.closing:
            with suppress(Exception):  # the scheduler may be gone
                close()


def deploy(scheduler: Any, workers: int | None, info: Callable[[str], object] = lambda _: None) -> Deployment:
    """Connect, and wait for the first worker.

    Parameters
    ----------
    scheduler
        ``"local"``, a batch system, an address, or a ``distributed.Client``.
    workers
        Processes or jobs to start; ignored if the cluster is running already.
    info
        Called with a line for the user: the dashboard's address, or that no worker has come yet.

    Raises
    ------
    OptionError, ClusterError
        If the cluster cannot be started or reached; the message says what is missing.
    """
    from distributed import Client

    if isinstance(scheduler, Client):
        deployment = Deployment(scheduler)
    else:
        _silence_logs()
        deployment = _start(str(scheduler), workers)
    try:
        _announce_dashboard(deployment.client, info)
        _wait(deployment.client, str(scheduler), info)
    except BaseException:
        deployment.close()
        raise
    return deployment


def _start(scheduler: str, workers: int | None) -> Deployment:
    from distributed import Client

    if scheduler == "local":
        return _local(workers or 1)
    if scheduler in BATCH_SYSTEMS:
        cluster = _kubernetes() if scheduler == "kubernetes" else _jobs(scheduler)
        cluster.scale(workers or 1)
        client = Client(cluster, set_as_default=False)
        return Deployment(client, closing=[client.close, cluster.close])
    if ":" not in scheduler:
        names = ", ".join([*LOCAL_SCHEDULERS, *BATCH_SYSTEMS])
        raise OptionError(f"scheduler {scheduler!r} is unknown: use {names} or an address like tcp://host:8786")
    try:
        client = Client(scheduler, timeout=_CONNECT, set_as_default=False)
    except (OSError, TimeoutError, ValueError) as error:
        raise ClusterError(
            f"no dask scheduler answers at {scheduler}: start one with `dask scheduler`, or use --scheduler threads"
        ) from error
    return Deployment(client, closing=[client.close])


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
    client.run(_assign_gpu)
    return Deployment(client, one_machine=True, closing=[client.close, cluster.close])


def _assign_gpu(dask_worker: Any) -> str | None:
    """Restrict each worker process to one GPU, in turn. Runs on the worker, before torch initializes CUDA."""
    number = int(dask_worker.name)
    listed = os.environ.get("CUDA_VISIBLE_DEVICES")
    gpus = [gpu.strip() for gpu in listed.split(",") if gpu.strip()] if listed is not None else _gpus()
    if gpus:
        os.environ["CUDA_VISIBLE_DEVICES"] = gpus[number % len(gpus)]
    return os.environ.get("CUDA_VISIBLE_DEVICES")


def _gpus() -> list[str]:
    """Return the numbers of the NVIDIA GPUs here; not by torch, which would initialize CUDA with all of them."""
    import shutil
    import subprocess

    tool = shutil.which("nvidia-smi")
    if tool is None:
        return []
    try:
        listing = subprocess.run([tool, "-L"], capture_output=True, text=True, timeout=20, check=False)  # noqa: S603
    except (OSError, subprocess.TimeoutExpired):
        return []
    return [str(number) for number, line in enumerate(listing.stdout.splitlines()) if line.startswith("GPU ")]


def _jobs(scheduler: str) -> Any:
    try:
        module = importlib.import_module("dask_jobqueue")
    except ImportError:
        raise OptionError(
            f"scheduler {scheduler} needs dask-jobqueue: install it with pip install 'geoseg[cluster]'"
        ) from None
    try:
        return getattr(module, _JOBS[scheduler])()
    except (ValueError, TypeError) as error:
        text = one_line(error)
        raise OptionError(
            f"scheduler {scheduler} is not configured: {text}; describe a job (cores, memory, queue) in "
            f"~/.config/dask/jobqueue.yaml under jobqueue.{scheduler}"
        ) from error


def _kubernetes() -> Any:
    try:
        module = importlib.import_module("dask_kubernetes.operator")
    except ImportError:
        raise OptionError(
            "scheduler kubernetes needs dask-kubernetes: install it with pip install 'geoseg[cluster]'"
        ) from None
    try:
        return module.KubeCluster()
    except Exception as error:
        text = one_line(error)
        raise ClusterError(
            f"kubernetes does not start a dask cluster: {text}; check kubectl and ~/.config/dask/kubernetes.yaml"
        ) from error


def _announce_dashboard(client: Any, info: Callable[[str], object]) -> None:
    with suppress(Exception):  # a scheduler may run without one, and some versions do not report it
        if "dashboard" in client.scheduler_info().get("services", {}):
            info(f"dask dashboard: {client.dashboard_link}")


def _wait(client: Any, scheduler: str, info: Callable[[str], object]) -> None:
    """Wait for the first worker: a minute, or without limit where jobs wait in a queue."""
    start, announced = time.monotonic(), False
    queued = scheduler in BATCH_SYSTEMS
    while not client.nthreads():
        waited = time.monotonic() - start
        if waited > 5 and not announced:
            info(f"waiting for the first worker of {scheduler}")
            announced = True
        if waited > _FIRST_WORKER and not queued:
            raise ClusterError(
                f"no worker has joined the scheduler {scheduler} within {_FIRST_WORKER:.0f} s: start some with "
                "`dask worker ADDRESS`"
            )
        time.sleep(0.1)


def _silence_logs() -> None:
    """Silence dask's logs: lost workers are expected, and geoseg reports what matters itself."""
    import dask

    # Some of dask's loggers have levels of their own.
    known = [name for name in logging.root.manager.loggerDict if name.startswith("distributed.")]
    for name in ("distributed", "tornado", "asyncio", "bokeh", *known):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    dask.config.set({"logging.distributed": "critical"})
