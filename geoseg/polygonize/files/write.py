"""Stream polygons into files, each of which appears under its name once it is complete."""

from __future__ import annotations

import contextlib
import functools
import json
import os
import shutil
import tempfile
import threading
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import pyarrow as pa

from geoseg.classes import MapClass
from geoseg.errors import OptionError, OutputError, one_line
from geoseg.polygonize.encode import GEOMETRY
from geoseg.polygonize.files.layer import DATE, FORMATS, VectorLayer
from geoseg.system.files import complete
from geoseg.system.outputs import local_path
from geoseg.write import polygon_qml, polygon_sld
from geoseg.write.geopackage_styles import add_layer_style


def checked_path(path: str | Path, *, overwrite: bool) -> Path:
    """Return the path to write to, checked.

    Raises
    ------
    OutputError
        If it is a URL, the format is unknown, the folder missing or not writable, or the file exists and may not be
        replaced.
    """
    path = local_path(path)
    if path.suffix.lower() not in FORMATS:
        known = ", ".join(f"{suffix} ({name})" for suffix, name in FORMATS.items())
        raise OutputError(f"{path}: unknown format {path.suffix or '(no suffix)'!r}; the suffix chooses one of {known}")
    if path.is_dir():
        raise OutputError(f"{path} is a folder: give the name of a file")
    if path.exists() and not overwrite:
        raise OutputError(f"{path} exists: choose another name or add --overwrite")
    if not path.parent.is_dir():
        raise OutputError(f"{path}: folder {path.parent} does not exist; make it first")
    if not os.access(path.parent, os.W_OK):
        raise OutputError(f"{path}: folder {path.parent} is not writable; choose another")
    return path


def write(
    path: Path, layer: VectorLayer, batches: Iterable[pa.RecordBatch], finish: Callable[[], Sequence[MapClass]]
) -> None:
    """Stream batches into a file.

    Parameters
    ----------
    path
        Its suffix chooses the format.
    layer
        Schema, CRS and metadata.
    batches
        Polygons; consumed once, while the file is written.
    finish
        Called after the last batch; returns the classes for the style.

    Raises
    ------
    OutputError
        If writing fails; no partial file is left.
    """
    writer = _parquet if path.suffix.lower() == ".parquet" else _ogr
    failures: list[BaseException] = []
    try:
        with complete(path) as part:
            writer(part, layer, _guarded(batches, failures))
            if path.suffix.lower() == ".gpkg":
                classes = finish()
                qml = polygon_qml(classes, layer.class_field)
                sld = polygon_sld(classes, layer.name, layer.class_field)
                add_layer_style(part, layer.name, qml, sld, description=layer.title, date=DATE)
    except OSError as error:
        raise OutputError(f"{path} cannot be written: {one_line(error)}") from error
    except Exception as error:
        if failures and error is not failures[0]:
            # Arrow's stream interface reduces exceptions of the producer to text: raise the original.
            raise failures[0] from None
        if type(error).__module__.startswith(("pyogrio", "sqlite3", "pyarrow")):
            raise OutputError(f"{path} cannot be written: {one_line(error)}; is the disk full?") from error
        raise


def _guarded(batches: Iterable[pa.RecordBatch], failures: list[BaseException]) -> Iterator[pa.RecordBatch]:
    try:
        yield from batches
    except BaseException as error:
        failures.append(error)
        raise


_OPTIONS = {"OGR_CURRENT_DATE": DATE, "OGR_SQLITE_SYNCHRONOUS": "OFF"}


class _FixedDate:
    """Sets GDAL's options for layers of a fixed date; they are global, so the last of several threads resets them."""

    _lock = threading.Lock()
    _users = 0
    _before: ClassVar[dict[str, Any]] = {}

    def __enter__(self) -> None:
        import pyogrio

        with self._lock:
            if not _FixedDate._users:
                _FixedDate._before = {name: pyogrio.get_gdal_config_option(name) for name in _OPTIONS}
                pyogrio.set_gdal_config_options(_OPTIONS)
            _FixedDate._users += 1

    def __exit__(self, *_: object) -> None:
        import pyogrio

        with self._lock:
            _FixedDate._users -= 1
            if not _FixedDate._users:
                pyogrio.set_gdal_config_options(_FixedDate._before)


@functools.cache
def _silence_missing_crs() -> None:
    """Silence pyogrio's warning about files without CRS; ``PolygonSummary.notes`` reports it.

    The filter stays: ``warnings.catch_warnings`` would discard filters that other threads set meanwhile, as filters are
    global to the process.
    """
    warnings.filterwarnings("ignore", message="'crs' was not provided", module=r"geoseg\.polygonize\b")


@contextlib.contextmanager
def _plain_path(part: Path) -> Iterator[Path]:
    """Yield a path to the same file without ``!``, which pyogrio takes for the path inside an archive."""
    if "!" not in str(part):
        yield part
        return
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        link = Path(folder) / "link"
        try:
            link.symlink_to(part.parent.absolute(), target_is_directory=True)
        except OSError:  # Windows lets developers and administrators make links only
            whole = Path(folder) / f"layer{part.suffix}"
            yield whole
            shutil.move(whole, part)
        else:
            yield link / part.name


def _ogr(part: Path, layer: VectorLayer, batches: Iterator[pa.RecordBatch]) -> None:
    import pyogrio

    geopackage = part.suffix == ".gpkg"
    reader = pa.RecordBatchReader.from_batches(layer.schema, batches)
    if layer.crs is None:
        _silence_missing_crs()
    with _FixedDate(), _plain_path(part) as plain:
        pyogrio.write_arrow(
            reader,
            plain,
            layer=layer.name,
            driver="GPKG" if geopackage else "FlatGeobuf",
            geometry_name=GEOMETRY,
            geometry_type=layer.geometry_type,
            crs=layer.crs,
            layer_metadata=dict(layer.provenance) or None,
            dataset_options={"VERSION": "1.2"} if geopackage else {},
            layer_options={"SPATIAL_INDEX": "YES", **({"GEOMETRY_NAME": "geom"} if geopackage else {})},
        )


def _parquet(part: Path, layer: VectorLayer, batches: Iterator[pa.RecordBatch]) -> None:
    """Write GeoParquet 1.1 with a bounding box per row, https://geoparquet.org/releases/v1.1.0/."""
    from geoseg.polygonize.files.geoparquet import write_geoparquet

    write_geoparquet(part, layer, batches)


def metadata_text(provenance: Mapping[str, Any] | None) -> dict[str, str]:
    """Return provenance as texts, sorted by name; values that are not text become JSON."""
    texts = {}
    for name, value in sorted((provenance or {}).items()):
        if not isinstance(name, str):
            raise OptionError(f"provenance: names must be text, got {name!r}")
        texts[name] = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return texts
