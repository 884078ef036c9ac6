"""``geoseg demo``: generate a scene with a known class map, segment it, and evaluate the result."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from geoseg.job import Job
from geoseg.job.batch import run_one
from geoseg.progress.reporters import Reporter, Silent
from geoseg.system.outputs import local_path


@dataclass(frozen=True)
class DemoResult:
    """Files of the demo, and the accuracy of the class map.

    Attributes
    ----------
    scene, truth
        The synthetic scene, and its true class map.
    model
        Name of the model.
    outputs
        Path of each kind of output.
    accuracy
        See :func:`geoseg.demo.accuracy`.
    """

    scene: Path
    truth: Path
    model: str
    outputs: dict[str, Path]
    accuracy: dict[str, Any]


def run_demo(
    folder: Path, *, size: int = 2000, seed: int = 7, model: str | None = None, reporter: Reporter | None = None
) -> DemoResult:
    """Make a scene with known truth, segment it, and compare the class map with the truth.

    Parameters
    ----------
    folder
        Output folder; existing files of the demo are replaced.
    size
        Side of the scene in pixels, at least 256.
    seed
        Random seed of the landscape.
    model
        Name or folder of a model; the bundled default if None.
    reporter
        Receives progress and messages; if None, warnings go to stderr.

    Raises
    ------
    OptionError
        If the size is too small.
    OutputError
        If the folder cannot be written.
    ModelError
        If the model cannot be loaded.
    """
    from geoseg.demo import accuracy, make_scene

    reporter = reporter or Silent()
    local_path(folder)
    reporter.info(f"making a scene of {size} × {size} px in {folder}")
    made = make_scene(folder, size, seed=seed, overwrite=True)
    result = run_one(Job([made.scene], folder, model, overwrite=True), reporter)
    scores = accuracy(made.truth, result.outputs["classes"])
    return DemoResult(made.scene, made.truth, result.report["model"]["name"], result.outputs, scores)
