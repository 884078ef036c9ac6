"""``geoseg demo``: generate a scene with a known class map, segment it, and evaluate the result."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from geoseg.job import Job, run
from geoseg.progress.reporters import Reporter, Silent


@dataclass(frozen=True)
class DemoResult:
    """Files of the demo, and the accuracy of its class map.

    Attributes
    ----------
    scene, truth
        The generated scene, and its true class map.
    model
        Name of the model.
    outputs
        Path per kind of output.
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
    """Generate a scene with a known class map, segment it, and evaluate the result.

    Parameters
    ----------
    folder
        Folder for the scene and the results.
    size
        Side of the scene in pixels.
    seed
        Seed of the landscape: the same seed gives the same scene.
    model
        Name or folder of a model; the bundled default if None.
    reporter
        Receives the events of the run; if None, errors and warnings are printed on stderr.

    Raises
    ------
    OutputError
        If the folder cannot be written.
    ModelError
        If the model cannot be loaded.
    """
    from geoseg.demo import accuracy, make_scene

    reporter = reporter or Silent()
    reporter.info(f"making a scene of {size} × {size} px in {folder}")
    made = make_scene(folder, size, seed=seed, overwrite=True)
    (result,) = run(Job([made.scene], folder, model, overwrite=True), reporter)
    if result.error is not None:
        raise result.error
    measured = accuracy(made.truth, result.outputs["classes"])
    return DemoResult(made.scene, made.truth, result.report["model"]["name"], result.outputs, measured)
