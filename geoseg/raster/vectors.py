"""Vector files of labels, references and points: recognized by content, checked, and read with pyogrio or pyarrow.

OGR opens whatever a file turns out to be, under any suffix: SQL to run, requests to servers, programs to start. Here
the content decides, before OGR sees the file, and only formats that hold geometries pass.
"""

from __future__ import annotations

import contextlib
import mmap
import os
import re
import shutil
import sqlite3
import tempfile
import threading
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from geoseg.errors import InputError
from geoseg.raster.gdal.archives import ERRORS
from geoseg.raster.gdal.environment import is_virtual
from geoseg.raster.gdal.library import is_shared, remove_drivers
from geoseg.raster.gdal.xml import read_xml
from geoseg.system.files import check_regular_file, exists, is_file
from geoseg.system.stamps import check_stamp, vector_stamp_of

FORMATS = "GeoPackage, Shapefile, GeoJSON, FlatGeobuf, GeoParquet, KML, or a zip file with one of them"
_DRIVERS = {"GPKG", "ESRI Shapefile", "GeoJSON", "GeoJSONSeq", "FlatGeobuf", "KML", "LIBKML"}
_MAX_TEXT = 2 * 2**30
_MAX_UNPACKED = 2 * 2**30
_MAX_MEMBERS = 10_000
_HEAD = 1024

_SHAPEFILE = (".shp", ".shx", ".dbf", ".prj", ".cpg", ".sbn", ".sbx", ".qix", ".qpj", ".idm", ".ind")
_SIDECARS = (*_SHAPEFILE, ".shp.xml", "-wal", "-shm", "-journal")

# A key "crs" in JSON, whose letters may be written as numbers; json-c, which OGR uses, also takes single quotes.
_CRS_KEY = re.compile(rb"""["'](?:c|\\u00[46]3)(?:r|\\u00[57]2)(?:s|\\u00[57]3)["']""", re.IGNORECASE)
_CRS_VALUE = re.compile(
    rb"""\s*(?:[,}\]]|:\s*(?:null|true|false|[-\d.eE+]+|"[^"\\]*"|"(?:[^"\\]|\\.)*"|\{\s*\}|"""
    rb"""\{\s*"type"\s*:\s*"(?:name|EPSG)"\s*,\s*"properties"\s*:\s*\{\s*"(?:name|code)"\s*:\s*"?"""
    rb"""[\w:. -]*"?\s*\}\s*\}))"""
)
_GEOJSON = re.compile(rb'"type"\s*:\s*"(?:FeatureCollection|Feature)"')
_ORDER = re.compile(rb"gdal_streamed_alg|<OGRVRT|<OGRWFS|<GDAL_", re.IGNORECASE)
_VIRTUAL = re.compile(r"^\s*create\s+virtual\s+table\s+.*?\busing\s+(?!rtree\b)(\w+)", re.IGNORECASE | re.DOTALL)
_GENERATED = re.compile(r"\bas\s*\(", re.IGNORECASE)  # generated columns

_OPTIONS = {"OGR_SQLITE_LOAD_EXTENSIONS": "", "OGR_SQLITE_ALLOW_EXTERNAL_ACCESS": "NO", "GML_DOWNLOAD_VIRTUAL": "NO"}
_LOCK = threading.Lock()
_users: list[Mapping[str, Any]] = []


class VectorFile:
    """A checked vector file.

    Attributes
    ----------
    label
        Path as the user gave it.
    path
        Absolute path of the file to read; that of a temporary copy if it came in a zip file.
    """

    def __init__(self, label: str, path: str, kind: str, stamps: Mapping[str, str], keep: Any = None) -> None:
        self.label, self.path, self._kind, self._stamps, self._keep = label, path, kind, stamps, keep

    def check_unchanged(self) -> None:
        """Check that the file is still the one that was opened.

        Raises
        ------
        ChangedError
            If it, or a part of a Shapefile, was changed, replaced or deleted.
        """
        for path, stamp in self._stamps.items():
            check_stamp(path, stamp, self.label)

    def layers(self) -> list[tuple[str, str | None]]:
        """Return names and geometry types of the layers; None for a table without geometries."""
        if self._kind == "parquet":
            return [(Path(self.path).stem, "Unknown")]
        import pyogrio

        with self._reading():
            found = [(str(name), None if kind is None else str(kind)) for name, kind in pyogrio.list_layers(self.path)]
            driver = pyogrio.read_info(self.path, layer=found[0][0])["driver"] if found else ""
        if driver and driver not in _DRIVERS:
            raise InputError(f"{self.label}: is {driver}, which is not read; convert it to GeoPackage")
        return found

    def info(self, layer: str) -> dict[str, Any]:
        """Return fields, number of features, crs and geometry_type of a layer, as pyogrio does."""
        if self._kind == "parquet":
            frame = self.read(layer)
            fields = [name for name in frame.columns if name != frame.geometry.name]
            kinds = frame.geom_type.dropna().unique()
            kind = str(kinds[0]) if len(kinds) == 1 else "Unknown"
            return {"fields": fields, "features": len(frame), "crs": frame.crs, "geometry_type": kind}
        import pyogrio

        with self._reading():
            found: dict[str, Any] = pyogrio.read_info(self.path, layer=layer, force_feature_count=True)
            return found

    def read(self, layer: str | None = None, **options: Any) -> Any:
        """Return a layer as GeoDataFrame (DataFrame without geometries).

        Parameters
        ----------
        layer
            Its name; the first if None.
        options
            ``columns``, ``bbox``, ``read_geometry``, ``on_invalid`` of ``pyogrio.read_dataframe``.
        """
        if self._kind == "parquet":
            return self._read_parquet(options)
        import pyogrio

        with self._reading():
            frame = _with_texts(pyogrio.read_dataframe(self.path, layer=layer, **options))
        if not options.keys() & {"bbox", "where", "max_features", "skip_features"}:
            self._check_complete(layer, len(frame))
        return frame

    def batches(self, layer: str | None, size: int, **options: Any) -> Iterator[Any]:
        """Yield a layer as GeoDataFrames of at most ``size`` features, in the file's order.

        GeoJSON, KML and Parquet are parsed as a whole anyway, and come as one.
        """
        if self._kind not in ("gpkg", "shp", "fgb"):
            yield self.read(layer, **options)
            return
        key = str(self.info(str(layer)).get("fid_column") or "") if self._kind == "gpkg" else ""
        seen: dict[str, Any] = {}
        count = 0
        while True:
            frame = self.read(layer, max_features=size, fid_as_index=True, **seen, **options)
            last, count = len(frame) < size, count + len(frame)
            if last and "bbox" not in options:
                self._check_complete(layer, count)
            # OGR skips features one by one; the key of a table is found at once.
            if len(frame) and key:
                seen = {"where": f'"{key.replace(chr(34), 2 * chr(34))}" > {int(frame.index[-1])}'}
            else:
                seen = {"skip_features": seen.get("skip_features", 0) + size}
            yield frame.reset_index(drop=True)
            if last:
                return

    def _check_complete(self, layer: str | None, count: int) -> None:
        """Check that FlatGeobuf has as many features as it says: OGR ends without an error where the file does."""
        if self._kind != "fgb":
            return
        stated = int(self.info(layer or self.layers()[0][0])["features"])
        if count < stated:
            raise InputError(
                f"{self.label}: holds {count} of its {stated} features: it is truncated; copy or download it again"
            )

    def _read_parquet(self, options: dict[str, Any]) -> Any:
        import geopandas as gpd

        with self._reading():
            frame = gpd.read_parquet(self.path)
            if (box := options.get("bbox")) is not None:
                frame = frame.cx[box[0] : box[2], box[1] : box[3]]
            if (columns := options.get("columns")) is not None:
                frame = frame[[*columns, frame.geometry.name]]
            frame = frame if options.get("read_geometry", True) else frame.drop(columns=frame.geometry.name)
            return _with_texts(frame)

    @contextlib.contextmanager
    def _reading(self) -> Iterator[None]:
        try:
            with _settings():
                yield
            self.check_unchanged()
        except (InputError, MemoryError):
            raise
        except Exception as error:  # pyogrio, pyarrow, geopandas and GDAL each have their own
            reason = " ".join(str(error).split())[:300] or type(error).__name__
            raise InputError(f"{self.label}: cannot be read as polygons or points: {reason}") from error


def has_shape(frame: Any) -> Any:
    """Return (n,) bool: which rows of a GeoDataFrame have a geometry that is not empty."""
    import shapely

    shapes = frame.geometry.to_numpy()
    return ~(shapely.is_missing(shapes) | shapely.is_empty(shapes))


def _with_texts(frame: Any) -> Any:
    """Return a table whose lists and objects are replaced by their text: they are no classes, and cannot be sorted."""
    for name in frame.columns[frame.dtypes == np.dtype(object)]:
        nested = frame[name].map(lambda value: isinstance(value, list | dict | np.ndarray))
        if nested.any():
            frame[name] = frame[name].mask(nested, frame[name].astype(str))
    return frame


@contextlib.contextmanager
def _settings() -> Iterator[None]:
    """Set pyogrio's GDAL options, which are global, while any thread reads."""
    import pyogrio

    remove_drivers("pyogrio")
    options = dict(_OPTIONS)
    if not is_shared():  # else rasterio's threads would lose the network, too
        options["CPL_VSIL_CURL_ALLOWED_FILENAME"] = "none"
    with _LOCK:
        before = _users[-1] if _users else {name: pyogrio.get_gdal_config_option(name) for name in options}
        if not _users:
            pyogrio.set_gdal_config_options(options)
        _users.append(before)
    try:
        yield
    finally:
        with _LOCK:
            before = _users.pop()
            if not _users:
                pyogrio.set_gdal_config_options(dict(before))


def open_vector(path: str | os.PathLike[str]) -> VectorFile:
    """Check a vector file and return it for reading.

    Raises
    ------
    InputError
        If it is missing, remote, not one of the formats, or refers to anything beyond itself.
    """
    label = os.fspath(path)
    if is_virtual(label) or "://" in label:
        raise InputError(f"{label}: vector files are read from local disks only; download or unpack it first")
    try:
        if not exists(label):
            raise InputError(f"{label.replace(chr(0), '?')}: no such file; check the path")
        check_regular_file(label)
        if not is_file(label):
            raise InputError(f"{label}: is a folder, not a vector file; name a file: {FORMATS}")
        absolute = os.path.abspath(label)  # noqa: PTH100  keeps symbolic links
        parts = (os.path.splitext(absolute)[0] + suffix for suffix in (".shx", ".dbf"))  # noqa: PTH122
        stamps = {
            name: vector_stamp_of(name) for name in (absolute, *(parts if label.lower().endswith(".shp") else ()))
        }
        with Path(absolute).open("rb") as file:
            head = file.read(_HEAD)
        if not head:
            raise InputError(f"{label}: is empty (0 bytes); copy or download it again")
        if head.startswith(b"PK\3\4"):
            return _unpacked(label, absolute, stamps)
        kind = _kind(head, absolute)
        if kind is None:
            raise InputError(
                f"{label}: cannot be read as polygons or points: it is none of {FORMATS}; convert it with ogr2ogr"
            )
        _check(label, absolute, kind)
    except OSError as error:
        raise InputError(f"{label}: cannot be read: {error.strerror or error}") from error
    return VectorFile(label, absolute, kind, stamps)


def _kind(head: bytes, name: str) -> str | None:
    """Return the format of a file by its first bytes; the suffix of a Shapefile only tells its parts apart."""
    if head.startswith(b"SQLite format 3\0"):
        return "gpkg" if head[68:72] in (b"GPKG", b"GP10", b"GP11") else None
    if head.startswith(b"\0\0\x27\x0a"):
        return "shp" if name.lower().endswith(".shp") else None
    if head.startswith(b"fgb\x03fgb"):
        return "fgb"
    if head.startswith(b"PAR1"):
        return "parquet"
    bare = head.removeprefix(b"\xef\xbb\xbf").lstrip(b" \t\r\n\x1e")
    if bare.startswith(b"{"):
        return "geojson"
    return "kml" if bare.startswith(b"<") and re.search(rb"<(?:\w+:)?kml[\s>]", bare) else None


def _check(label: str, path: str, kind: str) -> None:
    stem = os.path.splitext(path)[0]  # noqa: PTH122
    for suffix in _SIDECARS:
        check_regular_file(path + suffix)
        check_regular_file(stem + suffix)
    if kind == "shp":
        _check_shapefile(label, Path(stem))
    elif kind == "gpkg":
        _check_geopackage(label, path)
    elif kind == "geojson":
        _check_geojson(label, path)
    elif kind == "kml":
        _check_kml(label, path)


def _check_shapefile(label: str, stem: Path) -> None:
    """Reject a Shapefile without its table: OGR reads it as shapes without classes."""
    tables = (stem.with_name(stem.name + suffix) for suffix in (".dbf", ".DBF"))
    if not any(table.is_file() and table.stat().st_size for table in tables):
        raise InputError(
            f"{label}: is without attributes: {stem.name}.dbf is missing or empty; copy all files of the Shapefile, "
            "or, if it never had any, convert it with: ogr2ogr FILE.gpkg FILE.shp"
        )


def _check_geojson(label: str, path: str) -> None:
    """Reject JSON that is no GeoJSON, or whose CRS OGR would fetch."""
    check_regular_file(path, limit=_MAX_TEXT)
    with Path(path).open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as text:
        if _GEOJSON.search(text) is None or _ORDER.search(text) is not None:
            raise InputError(
                f"{label}: cannot be read as polygons or points: JSON, but not a GeoJSON FeatureCollection; convert it "
                "to GeoPackage"
            )
        for match in _CRS_KEY.finditer(text):
            if _CRS_VALUE.match(text, match.end()) is None:
                raise InputError(
                    f"{label}: its crs is neither null nor a name, and links are not followed; write it anew with: "
                    "ogr2ogr labels.gpkg FILE"
                )


def _check_kml(label: str, path: str) -> None:
    """Reject KML that refers to other files."""
    tree = read_xml(Path(path))
    if str(tree.tag).rpartition("}")[2] != "kml":
        raise InputError(f"{label}: XML, but not KML; convert it to GeoPackage")
    for element in tree.iter():
        name = str(element.tag).rpartition("}")[2].lower()
        text = (element.text or "").strip()
        outside = name in ("styleurl", "schemaurl") and not text.startswith("#")
        if name.startswith(("networklink", "gdal_", "ogr")) or (name in ("href", "link") and text) or outside:
            raise InputError(
                f"{label}: refers to {text[:100] or name}, which is not followed; convert it to GeoPackage"
            )
    with Path(path).open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        if _ORDER.search(content) or re.search(rb"opengis\.net/gml", content):
            raise InputError(f"{label}: KML mixed with other formats; convert it to GeoPackage")


def _check_geopackage(label: str, path: str) -> None:
    """Reject databases whose schema runs code when a table is read."""
    wal = Path(f"{path}-wal")
    # Immutable: nothing is written, not even a journal. With a write-ahead log, that is part of the content.
    options = "mode=ro" if wal.exists() and wal.stat().st_size else "mode=ro&immutable=1"
    try:
        with contextlib.closing(sqlite3.connect(f"{Path(path).as_uri()}?{options}", uri=True)) as database:
            database.execute("PRAGMA trusted_schema = OFF")
            schema = database.execute("SELECT type, name, sql FROM sqlite_master").fetchall()
    except (sqlite3.Error, UnicodeDecodeError) as error:
        raise InputError(f"{label}: cannot be read as GeoPackage: {error}; copy or download it again") from error
    for kind, name, sql in schema:
        text = str(sql or "")
        if kind == "view" or (kind == "table" and _GENERATED.search(text)):
            raise InputError(
                f"{label}: {name} is computed by SQL in the file, which is not run; export the layer to a new file"
            )
        if (match := _VIRTUAL.search(text)) is not None:
            raise InputError(
                f"{label}: {name} is a virtual table ({match.group(1)}), which is not opened; export the layer"
            )


def _unpacked(label: str, path: str, stamps: Mapping[str, str]) -> VectorFile:
    """Unpack the one vector file in a zip file to a temporary folder, and check it there."""
    folder = tempfile.TemporaryDirectory(prefix="geoseg-vector-", ignore_cleanup_errors=True)
    try:
        with zipfile.ZipFile(path) as archive:
            members = [member for member in archive.infolist() if not member.is_dir()]
            if len(members) > _MAX_MEMBERS:
                raise InputError(f"{label}: holds {len(members)} files; unpack it and name the one to read")
            found = [(member, kind) for member in members if (kind := _member_kind(archive, member)) is not None]
            if len(found) != 1:
                names = ", ".join(member.filename for member, _ in found[:3]) or "none"
                raise InputError(
                    f"{label}: must hold one vector file ({FORMATS.partition(', or')[0]}), it holds {names[:300]}; "
                    "unpack it and name the one to read"
                )
            member, kind = found[0]
            target = _unpack(label, archive, members, member, Path(folder.name))
    except ERRORS as error:
        raise InputError(f"{label}: the zip file cannot be unpacked ({error}); copy or download it again") from error
    _check(label, str(target), kind)
    return VectorFile(label, str(target), kind, stamps, folder)


def _member_kind(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> str | None:
    with archive.open(member) as file:
        return _kind(file.read(_HEAD), member.filename)


def _unpack(
    label: str, archive: zipfile.ZipFile, members: list[zipfile.ZipInfo], chosen: zipfile.ZipInfo, folder: Path
) -> Path:
    """Unpack a member and the other parts of a Shapefile."""
    name = PurePosixPath(chosen.filename)
    plain = re.sub(r"[^\w .-]", "_", name.name).lstrip(".") or "layer"
    stem, target, left = str(name.with_suffix("")).lower(), folder / plain, _MAX_UNPACKED
    for member in members:
        other = PurePosixPath(member.filename)
        beside = str(other.with_suffix("")).lower() == stem and other.suffix.lower() in _SHAPEFILE
        if member is not chosen and not (beside and name.suffix.lower() == ".shp"):
            continue
        left -= member.file_size
        if left < 0:
            raise InputError(f"{label}: holds more than {_MAX_UNPACKED >> 30} GB; unpack it and name the file to read")
        own = target if member is chosen else target.with_suffix(other.suffix.lower())
        with archive.open(member) as source, own.open("wb") as copy:
            shutil.copyfileobj(source, copy, 2**20)
    return target
