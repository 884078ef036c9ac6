"""Reject files that run code or reach the network: a VRT may contain Python code or refer to servers and devices.

Files are judged by content, as GDAL does, never by suffix; what they refer to is judged before GDAL opens it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element

import rasterio
from rasterio.errors import RasterioError
from rasterio.io import DatasetReader

from geoseg.errors import InputError
from geoseg.raster.gdal import archives
from geoseg.raster.gdal.environment import DRIVERS, is_remote, is_virtual
from geoseg.raster.gdal.xml import MAX_XML, parse_xml, read_xml
from geoseg.system.files import check_regular_file, exists

MAX_BANDS = 16_384
MAX_THREADS = 99
_MAX_DEPTH = 32
_HEAD = 8192
_CONNECTION = re.compile(r"[A-Za-z][A-Za-z0-9_+.-]+:")
_DRIVE = re.compile(r"[A-Za-z]:[\\/]")
_LOCAL_SYSTEMS = {"vsizip", "vsitar", "vsigzip", "vsimem"}
_REMOTE_SYSTEMS = {
    name + streaming
    for name in ("vsicurl", "vsis3", "vsigs", "vsiaz", "vsiadls", "vsioss", "vsiswift")
    for streaming in ("", "_streaming")
}

# Elements of a VRT that hold file names, and keys of metadata that do.
_FILES = {"sourcefilename", "sourcedataset", "imagefilename", "overviewsource", "dempath"}
_FILE_KEYS = {"x_dataset", "y_dataset", "overview_file", "rpc_dem", "cutlinedsname"}
# Text that GDAL only hands through: it may hold addresses.
_FREE_TEXT = {"mdi", "category", "description", "f", "name", "unittype"}
# GDAL starts as many threads as a VRT asks for.
_THREADS = re.compile(r"all_cpus|\d{0,2}", re.IGNORECASE | re.ASCII)
# A request in other text: a connection, an address, a virtual file system, XML, JSON.
_REQUEST = re.compile(r"\s*(?:[<{]|[a-z][a-z0-9+.-]+://)|.*/vsi", re.IGNORECASE | re.DOTALL)

_MAGIC = (
    b"II*\0", b"MM\0*", b"II+\0", b"MM\0+", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"\0\0\0\x0cjP  ",
    b"\xff\x4f\xff\x51", b"GIF8", b"EHFA_HEADER_TAG", b"NITF0", b"NSIF0",
)  # fmt: skip
_SIDECARS = (
    ".aux.xml", ".ovr", ".OVR", ".msk", ".MSK", ".hdr", ".HDR", ".wld", ".prj", ".aux", ".tfw", ".tifw", ".jgw", ".pgw",
    ".j2w", ".tab", ".IMD", ".RPB", "_rpc.txt", "_RPC.TXT", ".rrd", ".ige", ".rdc", ".sgrd", ".J2K",
)  # fmt: skip


@dataclass
class _Walk:
    """State of one check: what was named, the files on the way to the present one, and those already checked."""

    label: str
    remote: bool
    way: list[str] = field(default_factory=list)
    checked: set[str] = field(default_factory=set)


# How GDAL, and so QGIS, calls a variable of a file.
_VARIABLE = re.compile(r'(?:NETCDF|HDF5):"?([^"]+?)"?:/*([^":/][^":]*)', re.IGNORECASE)


def check_name(source: str, label: str, *, remote: bool) -> None:
    """Reject names that are no file, folder or allowed URL; touches no file but to see whether it exists.

    Raises
    ------
    InputError
        Naming the address, and how to allow it.
    """
    if source.lstrip().startswith(("<", "{")) and not exists(source):
        raise InputError("a scene must be a file, folder or URL, not XML or JSON text; save it as a file first")
    if "\0" in source:
        raise InputError(f"{label.replace(chr(0), '?')}: a file name cannot contain NUL")
    if is_remote(source):
        if not remote:
            raise InputError(
                f"{label}: is on the network, which is not allowed here; pass allow_remote=True or download it"
            )
        if not is_virtual(source):
            raise InputError(f"{label}: GDAL connection strings are not opened; name a file, folder or URL")
        if source.startswith("/vsi"):
            _check_systems(source, label, _REMOTE_SYSTEMS | _LOCAL_SYSTEMS)
    elif is_virtual(source):
        _check_systems(source, label, _LOCAL_SYSTEMS)
    elif _CONNECTION.match(source) and not _DRIVE.match(source) and not exists(source):
        if found := _VARIABLE.fullmatch(source):
            path, variable = found.groups()
            raise InputError(
                f"{label}: GDAL connection strings are not opened; name the file, {path}, or a variable of it, "
                f"{path}#{variable}"
            )
        raise InputError(f"{label}: GDAL connection strings are not opened; name a file, folder or URL")


def check_source(source: str, label: str, *, remote: bool, files: set[str] | None = None) -> bool:
    """Reject a source that runs code or reaches the network without permission; opens nothing that it refers to.

    Every local file that it refers to is added to ``files``.

    Returns
    -------
    bool
        Whether it is a VRT, whose references have been checked.

    Raises
    ------
    InputError
        Naming what it refers to.
    """
    check_name(source, label, remote=remote)
    walk = _Walk(label, remote)
    is_vrt = not is_remote(source) and _check_content(source, walk)
    if files is not None:
        files |= walk.checked
    return is_vrt


def check_dataset(data: Any, label: str, *, remote: bool, vrt: bool) -> None:
    """Reject what only an open dataset reveals.

    Parameters
    ----------
    data
        The open dataset.
    label
        Its name in messages.
    remote
        Whether it may refer to the network.
    vrt
        Whether :func:`check_source` has found and checked a VRT.
    """
    if data.count > MAX_BANDS:
        raise InputError(f"{label}: has {data.count} bands, more than the {MAX_BANDS} that are read")
    name = str(data.name)
    if data.driver == "VRT" and not vrt:
        if not is_virtual(name):
            raise InputError(f"{label}: has text before <VRTDataset>; remove it if you trust the file")
        for text in data.tags(ns="xml:VRT").values():
            _check_tree(parse_xml(text, label), name.rpartition("/")[0], _Walk(label, remote, [name]))
    overviews = data.tags(ns="OVERVIEWS").get("OVERVIEW_FILE", "")
    if is_remote(overviews):
        if not remote:
            raise InputError(
                f"{label}: its overviews are on the network ({overviews}); pass allow_remote=True to use them"
            )
    elif overviews and not is_virtual(name):
        _check_beside(overviews.removeprefix(":::BASE:::"), name, label)
    if data.driver != "VRT" and not is_virtual(name):
        for path in data.files:
            _check_beside(path, name, label)


def _check_beside(path: str, name: str, label: str) -> None:
    """Check that a file that a dataset refers to lies in its folder, or below."""
    folder = os.path.dirname(os.path.abspath(name))  # noqa: PTH100, PTH120  links stay
    other = os.path.normpath(os.path.join(folder, path))  # noqa: PTH118
    if other != name and not other.startswith(folder.rstrip(os.sep) + os.sep):
        raise InputError(f"{label}: refers to {path}, outside its folder; rejected")
    check_regular_file(other)


def _check_systems(path: str, label: str, allowed: set[str]) -> None:
    """Check the virtual file systems in a path: others decode names, read standard input or hide files in files."""
    names = re.findall(r"(?<![A-Za-z0-9])(vsi\w*)(?=[/?,{]|$)", path, re.IGNORECASE)
    if not names or set(names) - allowed or ("?" in path and allowed is _LOCAL_SYSTEMS):
        raise InputError(f"{label}: refers to {path[:200]}, which is not opened; name a file, an archive or a URL")


def _check_content(path: str, walk: _Walk) -> bool:
    """Check one local file or member of an archive, and those it refers to; return whether it is a VRT."""
    if path in walk.way:
        raise InputError(f"{walk.label}: refers to itself, by way of {path}; a VRT must end in rasters")
    if len(walk.way) >= _MAX_DEPTH:
        raise InputError(f"{walk.label}: VRTs refer to VRTs more than {_MAX_DEPTH} deep; simplify it with gdalbuildvrt")
    if path in walk.checked:
        return False
    walk.checked.add(path)
    nested = bool(walk.way)
    head = archives.read_head(path, _HEAD) if is_virtual(path) else _read_head(path)
    if head is None:
        return False  # missing: GDAL will say so
    if not is_virtual(path):
        _check_sidecars(path, walk)
    if head.startswith(_MAGIC) or head[:4] + head[8:12] == b"RIFFWEBP":
        return False
    # GDAL searches for the tag up to the first zero byte.
    text = head.partition(b"\0")[0]
    if b"<vrtdataset" in text.lower():
        _check_vrt(path, walk)
        return True
    bare = head.lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n\0")
    if bare.startswith(b"<"):
        _check_other_xml(path, bare, walk)
    elif nested and bare.startswith((b"{", b"[")):
        raise InputError(f"{path}: named in a VRT, but not a raster; rejected")
    elif re.search(rb"datasetheader", text, re.IGNORECASE):
        _check_ers(path, walk)
    elif nested:
        _check_raster(path, walk)
    return False


def _read_head(path: str) -> bytes | None:
    check_regular_file(path)
    try:
        if not os.path.isfile(path):  # noqa: PTH113  thousands of tiles
            return None
        with open(path, "rb", buffering=0) as file:  # noqa: PTH123
            return file.read(_HEAD)
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: cannot be read: {getattr(error, 'strerror', None) or error}") from error


def _check_sidecars(path: str, walk: _Walk) -> None:
    """Check the files beside a raster that GDAL opens with it: any of them may be a pipe, or a VRT."""
    stem = os.path.splitext(path)[0]  # noqa: PTH122
    for suffix in _SIDECARS:
        for name in {path + suffix, stem + suffix} - {path}:
            if not exists(name):
                continue
            check_regular_file(name)
            if name in walk.way:  # a.tif.ovr and a.tif.msk lie beside one another: by name, none refers to the other
                continue
            if suffix.lower() in (".ovr", ".msk"):
                _check_content(name, _Walk(walk.label, walk.remote, [*walk.way, path], walk.checked))
            elif suffix == ".aux.xml":
                check_regular_file(name, limit=MAX_XML)
                _check_whole(name)


def _check_whole(name: str) -> None:
    """Reject metadata without their end: GDAL opens the raster without them, so without names, nodata and CRS.

    They are not parsed: GDAL reads characters and encodings that a parser of XML refuses.
    """
    try:
        text = Path(name).read_bytes().rstrip(b" \t\r\n\0")
    except OSError as error:
        raise InputError(f"{name}: cannot be read: {error.strerror or error}") from error
    if not text.endswith(b">") or (
        b"<PAMDataset" in text and not re.search(rb"<(?:/PAMDataset\s*|PAMDataset\s*/)>$", text)
    ):
        raise InputError(
            f"{name}: the file is truncated: the CRS, nodata values and names of bands that it holds are lost; copy it "
            "again, or delete it if the image does not need it"
        )


def _check_other_xml(path: str, bare: bytes, walk: _Walk) -> None:
    """Reject requests to servers; other XML that is named itself is left to GDAL, which will not read it."""
    match = re.match(rb"(?:<\?.*?\?>|<!--.*?-->|\s)*<([\w:]+)", bare.replace(b"\0", b""), re.DOTALL)
    tag = match.group(1).decode("ascii", "replace") if match else "XML"
    if walk.way or tag.upper().startswith("GDAL"):
        raise InputError(
            f"{path}: a request to a server ({tag}), not a raster; save the part you need as GeoTIFF first"
        )
    if not is_virtual(path):
        read_xml(Path(path))  # reports a document type


def _check_ers(path: str, walk: _Walk) -> None:
    """Check an ER Mapper header: it may name any file as its pixels, and then GDAL opens that as a dataset."""
    if walk.way:
        raise InputError(f"{walk.label}: refers to {path}, an ER Mapper header; name a GeoTIFF instead")
    check_regular_file(path, limit=2**20)
    text = archives.read_head(path, 2**20) if is_virtual(path) else Path(path).read_bytes()
    for value in re.findall(rb"(?im)^\s*datafile\s*=\s*(.*?)\s*$", text or b""):
        name = value.strip(b"\"'")
        if re.search(rb"[/\\:<{]", name) or name in (b".", b".."):
            raise InputError(
                f"{walk.label}: refers to {name[:200].decode('utf-8', 'replace')}, outside its folder; rejected"
            )
        if not is_virtual(path):
            _check_content(str(Path(path).parent / os.fsdecode(name)), _Walk(walk.label, walk.remote, [path]))
    if re.search(rb"(?im)^\s*datasettype\s*=\s*translated", text or b""):
        raise InputError(f"{walk.label}: a header that points to another dataset; name that dataset instead")


def _check_raster(path: str, walk: _Walk) -> None:
    """Check that a file without a known beginning is a raster, not a list of others."""
    drivers = [name for name in DRIVERS if name not in ("VRT", "ERS", "PCIDSK")]
    try:
        DatasetReader(path, driver=drivers, sharing=False).close()
    except (RasterioError, rasterio._err.CPLE_BaseError) as error:  # noqa: SLF001
        raise InputError(
            f"{walk.label}: refers to {path}, which is missing, truncated or not a raster that is read; copy it again, "
            "or convert it with gdal_translate"
        ) from error


def _check_vrt(path: str, walk: _Walk) -> None:
    if is_virtual(path):
        if walk.way:
            raise InputError(f"{walk.label}: refers to {path}, a VRT inside an archive; unpack it first")
        text = archives.read_head(path, MAX_XML) or b""
        if len(text) == MAX_XML:
            raise InputError(f"{path}: XML of more than {MAX_XML >> 20} MB is not read")
        tree = parse_xml(text, walk.label, encoding="utf-8")
    else:
        tree = read_xml(Path(path), encoding="utf-8")
    if tree.tag != "VRTDataset":
        raise InputError(f"{path}: is {tree.tag} around a VRTDataset; name the raster itself")
    bands = sum(1 for _ in tree.iter("VRTRasterBand"))
    if not bands:
        raise InputError(f"{path}: has no bands")
    if bands > MAX_BANDS:
        raise InputError(f"{path}: has {bands} bands, more than the {MAX_BANDS} that are read")
    walk.way.append(path)
    _check_tree(tree, path.rpartition("/")[0] if is_virtual(path) else str(Path(path).parent), walk)
    walk.way.pop()


def _elements(tree: Element) -> Iterator[tuple[Element, bool]]:
    """Yield each element and whether it is in a raw band; XML in metadata (XMP, …) means nothing to GDAL."""
    stack = [(tree, False)]
    while stack:
        element, raw = stack.pop()
        kind = element.get("subClass", "").lower()
        raw = raw or kind == "vrtrawrasterband"
        yield element, raw
        if str(element.tag).lower() == "metadata" and element.get("domain", "").lower().startswith("xml:"):
            continue
        stack += [(child, raw) for child in element]


def _check_tree(tree: Element, folder: str, walk: _Walk) -> None:
    """Check all references of a VRT, whose relative ones are to ``folder``."""
    for element, raw in _elements(tree):
        tag = str(element.tag).rpartition("}")[2].lower()
        text = (element.text or "").strip()
        language = text[:20] if tag == "pixelfunctionlanguage" and text else "Python"
        if tag == "pixelfunctioncode" or (tag == "pixelfunctionlanguage" and text.lower() != "c"):
            raise InputError(
                f"{walk.label}: contains a pixel function in {language}, and code from files is never run; "
                " if you trust it, write its result to a GeoTIFF with gdal_translate"
            )
        key = (element.get("key") or element.get("name") or "").lower()
        if "num_threads" in (key, tag.replace("numthreads", "num_threads")) and not _THREADS.fullmatch(text):
            raise InputError(
                f"{walk.label}: asks for {text[:40]!r} threads; write ALL_CPUS or a number up to {MAX_THREADS} there"
            )
        is_file = tag in _FILES or (tag in ("mdi", "option") and key in _FILE_KEYS)
        is_file = is_file or (tag == "argument" and ("filename" in key or "dataset" in key))
        if is_file and text:
            _check_reference(element, text, folder, walk, raw=raw)
        elif tag not in _FREE_TEXT and (
            _REQUEST.match(text) or any(_REQUEST.match(v) for v in element.attrib.values())
        ):
            shown = text[:80] or next(value for value in element.attrib.values() if _REQUEST.match(value))[:80]
            raise InputError(f"{walk.label}: its {element.tag} is {shown!r}, an address where none belongs; rejected")


def _check_reference(element: Element, text: str, folder: str, walk: _Walk, *, raw: bool) -> None:
    if is_remote(text):
        if not walk.remote:
            raise InputError(
                f"{walk.label}: refers to {text[:200]} on the network; pass allow_remote=True if you trust it"
            )
        if text.lower().startswith("/vsi"):
            _check_systems(text, walk.label, _REMOTE_SYSTEMS | _LOCAL_SYSTEMS)
        return
    if text.startswith(("<", "{")) or text.lower().startswith("vrt://"):
        raise InputError(f"{walk.label}: has {text[:40]}… where a file name should be; rejected")
    if is_virtual(text):
        _check_systems(text, walk.label, _LOCAL_SYSTEMS)
    elif _CONNECTION.match(text) and not _DRIVE.match(text):
        raise InputError(f"{walk.label}: refers to {text[:200]}, a GDAL connection string; name a file instead")
    relative = next((v for k, v in element.attrib.items() if k.lower() == "relativetovrt"), "0") not in ("", "0")
    relative = relative or (raw and "relativetovrt" not in map(str.lower, element.attrib))
    if is_virtual(folder) and not is_virtual(text):
        if not relative or os.path.isabs(text) or ".." in re.split(r"[/\\]", text):  # noqa: PTH117
            raise InputError(f"{walk.label}: refers to {text[:200]}, outside its archive or server; rejected")
        if is_remote(folder):
            return
    path = text if is_virtual(text) else os.path.join(folder, text) if relative else os.path.abspath(text)  # noqa: PTH100, PTH118
    if raw:
        if is_virtual(text) or not os.path.abspath(path).startswith(os.path.abspath(folder) + os.sep):  # noqa: PTH100
            raise InputError(f"{walk.label}: takes raw bytes from {text[:200]}, outside its folder; rejected")
        check_regular_file(path)
        return
    _check_content(path, walk)
