"""A real SLURM of one node with two CPUs on this machine, with its own folder, ports and keys."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from contextlib import suppress
from pathlib import Path

import psutil

from tests.job.processes import wait_until

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch")

CONF = """
ClusterName=geoseg
SlurmctldHost={host}(127.0.0.1)
SlurmUser=root
SlurmctldPort={ports[0]}
SlurmdPort={ports[1]}
AuthType=auth/munge
AuthInfo=socket={folder}/munge/socket
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
ReturnToService=2
SchedulerParameters=sched_interval=2,bf_interval=2
KillWait=5
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
NodeName={host} NodeAddr=127.0.0.1 CPUs=2 RealMemory=8000 State=UNKNOWN
PartitionName=main Nodes={host} Default=YES MaxTime=INFINITE State=UP
"""


def missing() -> str:
    """What a real SLURM lacks on this machine; empty if nothing."""
    absent = [program for program in PROGRAMS if shutil.which(program, path=_path()) is None]
    if absent:
        return f"{', '.join(absent)} not found: apt-get install slurm-wlm munge"
    return "" if os.geteuid() == 0 else "the daemons need root"


def _path() -> str:
    return f"{os.environ['PATH']}:/usr/sbin:/sbin"


class Slurm:
    """SLURM, started on entering and ended with all its jobs on leaving."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.host = folder, socket.gethostname().partition(".")[0]
        self.env = {**os.environ, "SLURM_CONF": str(folder / "slurm.conf"), "PATH": _path()}

    def __enter__(self):
        for name in ("state", "spool", "munge"):
            (self.folder / name).mkdir(mode=0o700, parents=True)
        self.folder.chmod(0o755)
        munge = self.folder / "munge"
        munge.chmod(0o711)
        (munge / "key").write_bytes(os.urandom(1024))
        (munge / "key").chmod(0o400)
        self._run(
            "munged", "--force", *(f"--{what}-file={munge / what}" for what in ("key", "pid", "log", "seed")),
            f"--socket={munge / 'socket'}",
        )  # fmt: skip
        conf = CONF.format(host=self.host, folder=self.folder, ports=_free_ports(2))
        (self.folder / "slurm.conf").write_text(conf)
        self._run("slurmctld")
        self._run("slurmd")
        wait_until(lambda: "idle" in self._run("sinfo", "--noheader", "--format=%T", check=False), 30, every=0.2)
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(subprocess.CalledProcessError):
            self._run("scancel", "--me", check=False)
            wait_until(lambda: not self.jobs(), 15, every=0.2)
        for pid_file in ("slurmd.pid", "slurmctld.pid", "munge/pid"):
            with suppress(OSError, ValueError, psutil.Error):
                daemon = psutil.Process(int((self.folder / pid_file).read_text()))
                daemon.terminate()
                daemon.wait(10)

    def _run(self, *command: str, check: bool = True) -> str:
        return subprocess.run(command, env=self.env, check=check, capture_output=True, text=True).stdout

    def __call__(self, *command: str) -> str:
        """Call one of SLURM's commands."""
        return self._run(*command)

    def jobs(self, state: str = "") -> list[str]:
        """Numbers of the jobs that wait or run, or are in one state."""
        states = (f"--states={state}",) if state else ()
        return self._run("squeue", "--noheader", "--format=%A", *states).split()

    def wait_until_empty(self, seconds: float = 40) -> float:
        """Wait until no job is left, which must be soon; return how long it took."""
        started = time.monotonic()
        wait_until(lambda: not self.jobs(), seconds, every=0.2)
        return time.monotonic() - started


def _free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports
