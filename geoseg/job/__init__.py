"""Scenes and a model in, an output folder out, resumable after any interruption; behind the command line and QGIS.

``request`` defines the job; ``batch`` takes scenes through ``scene``, ``scene_planned`` and ``scene_running``;
``dispatch`` hands their blocks to threads or to ``dask_pool``; ``block_store`` keeps finished blocks; ``outputs`` and
``report`` write the results.
May import: every package but train, demo and cli.
"""

from __future__ import annotations

from geoseg.job.batch import run
from geoseg.job.outputs import Products
from geoseg.job.request import Job, SceneResult
from geoseg.job.scene_list import SceneEntry
from geoseg.segment.plan import Options

__all__ = ["Job", "Options", "Products", "SceneEntry", "SceneResult", "run"]
