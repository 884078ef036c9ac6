"""``geoseg demo``: make a scene with known truth, segment it, and compare the class map with the truth."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from geoseg.job.batch import run
from geoseg.job.request import Job
from geoseg.progress.reporters import Reporter, Silent


@dataclass(frozen=True)
class DemoResult:
    """Where the demo's files are, and how well the model did.

    Attributes
    ----------
    scene, truth
        The scene that was made, and its true class map.
    model
        The model's name.
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
    """Make a scene with known truth, segment it, and hold the class map against the truth.

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
    found = accuracy(made.truth, result.outputs["classes"])
    return DemoResult(made.scene, made.truth, result.report["model"]["name"], result.outputs, found)
