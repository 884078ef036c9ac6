"""Scenes x model -> an output folder, whatever kills the run. What the command line, QGIS and scripts call.

``request`` says what to do; ``batch`` takes scenes through ``scene`` (planned, running, finished); ``dispatch`` hands
blocks to threads or to ``dask_pool``; ``block_store`` keeps what is finished; ``outputs`` and ``report`` write it.
May import: every package but train, demo and cli.
"""

from __future__ import annotations

from geoseg.job.batch import run
from geoseg.job.request import Job, SceneResult

__all__ = ["Job", "SceneResult", "run"]
