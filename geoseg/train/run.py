"""One training as the user asked for it, and the folder in which it can be interrupted and resumed."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from geoseg.errors import GeosegError, InputError, OptionError, OutputError
from geoseg.models.card.card import CARD_FILE
from geoseg.progress.reporters import Reporter
from geoseg.raster.stacks.places import files_of, is_pattern, matched
from geoseg.system.stamps import vector_stamp_of
from geoseg.train.data.label_images import Sources
from geoseg.train.options import TrainOptions, parse_also

OPTIONS_FILE = "training.json"
"""What a run was started with, in its folder beside the checkpoints."""

CHECKPOINT = "last.ckpt"
"""The last finished epoch, in the folder of a run."""


# The key of what tells whether images and labels have changed.
_STAMPS = "stamps"


@dataclass(frozen=True, eq=False)
class Run:
    """A training and what surrounds it; see :func:`geoseg.train` for each."""

    sources: Sources
    options: TrainOptions
    output: Path | None
    licence: str
    tune: int
    resume: bool
    overwrite: bool
    reporter: Reporter

    def _also(self) -> list[str]:
        """Return the path of what a second head learns, if there is one."""
        path = parse_also(self.options.also)[1] if self.options.also else ""
        return [path] if path else []

    def as_dict(self) -> dict[str, Any]:
        """Return as JSON what decides the result: two runs that agree in it learn the same."""
        sources = self.sources
        described = {
            "options": self.options.as_dict(),
            "images": [str(image) if isinstance(image, str | Path) else repr(image) for image in sources.images],
            "labels": [
                str(label) if isinstance(label, str | Path) else type(label).__name__ for label in sources.labels
            ],
            "unlabelled": [str(one) if isinstance(one, str | Path) else repr(one) for one in sources.unlabelled],
            "class_field": sources.class_field,
            "classes": sources.classes,
            "ignore": list(sources.ignore),
            "reading": dict(sources.reading),
            "tune": self.tune,
            _STAMPS: {
                str(path): vector_stamp_of(path)
                for path in _files((*sources.images, *sources.labels, *sources.unlabelled, *self._also()))
            },
        }
        plain: dict[str, Any] = json.loads(json.dumps(described, default=str))
        return plain


def _files(sources: Iterable[Any]) -> Iterator[Path]:
    """Yield the files that images and labels name, and those in folders."""
    for source in sources:
        if isinstance(source, Mapping):
            yield from _files(
                one for file in files_of(source) for one in (matched(file) if is_pattern(file) else [file])
            )
        elif isinstance(source, str | Path):
            path = Path(source)
            yield from sorted(one for one in path.iterdir() if one.is_file()) if path.is_dir() else [path]


@contextmanager
def run_folder(run: Run) -> Iterator[Path]:
    """Give the folder for checkpoints and logs, beside the output; it is removed when the model is written.

    Raises
    ------
    OutputError
        If the output or the folder exists and may not be replaced, or cannot be written.
    OptionError, InputError
        If the run cannot be resumed.
    """
    if run.output is None:
        with tempfile.TemporaryDirectory(prefix="geoseg-train-", ignore_cleanup_errors=True) as temporary:
            yield Path(temporary)
        return
    check_output(run.output, overwrite=run.overwrite)
    folder = run.output.with_name(f"{run.output.name}.training")
    _prepare(folder, run)
    try:
        yield folder
    except (GeosegError, KeyboardInterrupt):
        # Without a finished epoch or search there is nothing to resume.
        if not (folder / CHECKPOINT).is_file() and not (folder / "tuning.json").is_file():
            shutil.rmtree(folder, ignore_errors=True)
        raise
    shutil.rmtree(folder, ignore_errors=True)


def check_output(output: Path, *, overwrite: bool) -> None:
    """Check that the output may be written: only a model folder may be replaced, and only if asked.

    Raises
    ------
    OutputError
        If it may not.
    """
    if not output.exists():
        return
    if not output.is_dir():
        raise OutputError(f"{output} is a file; name a folder for the model")
    if not any(output.iterdir()):
        return
    if not (output / CARD_FILE).is_file():
        raise OutputError(f"{output} holds other files, no model; name a new folder")
    if not overwrite:
        raise OutputError(f"{output} already holds a model; name another folder, or replace it with --overwrite")


def _prepare(folder: Path, run: Run) -> None:
    started = folder / OPTIONS_FILE
    if folder.exists() and not started.is_file():
        raise OutputError(f"{folder} is in the way and not geoseg's: rename it, or name another output")
    described = run.as_dict()
    if started.is_file() and run.resume:
        _check_same(started, described, run.options)
    elif started.is_file():
        if not run.overwrite and (folder / CHECKPOINT).is_file():
            raise OutputError(
                f"{folder} holds an interrupted training: continue it with --resume, or discard it with --overwrite"
            )
        shutil.rmtree(folder)
    elif run.resume:
        run.reporter.info("there is nothing to resume; starting anew")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        started.write_text(json.dumps(described, indent=2), encoding="utf-8")
    except OSError as error:
        raise OutputError(f"{folder} cannot be written: {error.strerror or error}") from None


def _check_same(started: Path, described: dict[str, Any], options: TrainOptions) -> None:
    try:
        before = json.loads(started.read_text(encoding="utf-8"))
        differing = options.differing(before["options"])
    except (OSError, ValueError, KeyError, TypeError):
        raise InputError(f"{started} is damaged, so the run cannot be resumed; start anew with --overwrite") from None
    differing += [
        name for name in described if name not in ("options", _STAMPS) and described[name] != before.get(name)
    ]
    if not differing and _have_changed(before.get(_STAMPS), described[_STAMPS]):
        raise InputError(
            "images or labels have changed since the interrupted run began: start anew with --overwrite, or put the "
            "old files back"
        )
    if differing:
        raise OptionError(
            f"the interrupted run had another {differing[0].replace('_', '-')}: resume with the same options, or start "
            "anew with --overwrite"
        )


def _have_changed(before: dict[str, str] | None, now: dict[str, str]) -> bool:
    """Whether files differ from those noted, if any were; those without a stamp always fit."""
    if before is None:  # a run of an earlier version
        return False
    return before.keys() != now.keys() or any(old and now[name] and old != now[name] for name, old in before.items())
