"""Reject files that run code or reach the network: a VRT may contain Python code or refer to servers."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element, ParseError, XMLParser

from geoseg.errors import InputError
from geoseg.raster.gdal.environment import is_remote, is_virtual

_MAX_XML = 256 * 2**20
_CONNECTION = re.compile(r"[A-Za-z][A-Za-z0-9_+.-]+:")
_SOURCES = ("sourcefilename", "sourcedataset", "imagefilename", "overviewsource")


def check_source(source: str, *, remote: bool) -> None:
    """Reject a source that reaches the network without permission, or that is not a file.

    Raises
    ------
    InputError
        Naming the address, and how to allow it.
    """
    if source.lstrip().startswith(("<", "{")):
        raise InputError("a scene must be a file, folder or URL, not XML or JSON text; save it as a file first")
    if is_remote(source):
        if not remote:
            raise InputError(
                f"{source}: is on the network, which is not allowed here; pass allow_remote=True or download it"
            )
        return
    if (
        not is_virtual(source)
        and _CONNECTION.match(source)
        and not re.match(r"[A-Za-z]:[\\/]", source)
        and not Path(source).exists()
    ):
        raise InputError(f"{source}: GDAL connection strings are not opened; name a file, folder or URL")
    if not is_virtual(source):
        _check_vrt(Path(source), remote=remote, seen=set())


def check_dataset(data: Any, label: str, *, remote: bool) -> None:
    """Reject what only an open dataset reveals: VRTs inside archives, overviews on other servers."""
    if remote:
        return
    overviews = data.tags(ns="OVERVIEWS").get("OVERVIEW_FILE", "")
    if is_remote(overviews):
        raise InputError(f"{label}: its overviews are on the network ({overviews}); pass allow_remote=True to use them")
    if data.driver == "VRT" and is_virtual(label):
        for text in data.tags(ns="xml:VRT").values():
            _check_tree(parse_xml(text, label), label, None, remote=remote, seen=set())


def parse_xml(text: str | bytes, label: str) -> Element:
    """Parse XML without entities: a document type is rejected, so nothing can expand or refer elsewhere.

    Raises
    ------
    InputError
        If it is not well-formed or declares a document type.
    """
    head = text if isinstance(text, bytes) else text.encode()
    # Entities need a document type. In UTF-16 its letters are separated by zero bytes.
    if b"<!DOCTYPE" in head.replace(b"\0", b"").upper() or b"<!ENTITY" in head.replace(b"\0", b"").upper():
        raise InputError(f"{label}: its XML declares a document type or entities, which rasters do not need; rejected")
    parser = XMLParser()  # noqa: S314  entities are rejected above
    try:
        parser.feed(head)
        return parser.close()
    except (ParseError, LookupError, ValueError) as error:  # the latter two for encodings that Python does not know
        raise InputError(f"{label}: its XML is damaged ({error}); copy or download it again") from error


def read_xml(path: Path) -> Element:
    """Read and parse an XML file, as :func:`parse_xml` does."""
    try:
        if path.stat().st_size > _MAX_XML:
            raise InputError(f"{path}: XML of more than {_MAX_XML >> 20} MB is not read")
        return parse_xml(path.read_bytes(), str(path))
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}") from error


def _check_vrt(path: Path, *, remote: bool, seen: set[Path]) -> None:
    """Check a local file, if it is XML, and the files it refers to."""
    try:
        if not path.is_file() or path in seen:
            return
        with path.open("rb") as file:
            head = file.read(512).lstrip(b"\xef\xbb\xbf \t\r\n\0")
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}") from error
    seen.add(path)
    if not head.startswith(b"<"):
        if seen != {path} and head.startswith((b"{", b"[")):
            raise InputError(f"{path}: named in a VRT, but not a raster; rejected")
        return
    tree = read_xml(path)
    if tree.tag != "VRTDataset":
        if seen == {path} and not tree.tag.startswith("GDAL"):
            return  # other XML: GDAL will reject it
        raise InputError(
            f"{path}: a request to a server ({tree.tag}), not a raster; save the part you need as GeoTIFF first"
        )
    if tree.find(".//VRTRasterBand") is None:
        raise InputError(f"{path}: has no bands")
    _check_tree(tree, str(path), path.parent, remote=remote, seen=seen)


def _check_tree(tree: Element, label: str, folder: Path | None, *, remote: bool, seen: set[Path]) -> None:
    for element in tree.iter():
        tag = str(element.tag).lower()
        text = (element.text or "").strip()
        if tag == "pixelfunctioncode" or (tag == "pixelfunctionlanguage" and text.lower() != "c"):
            raise InputError(
                f"{label}: contains a pixel function in {text or 'Python'}, and code from files is never run; "
                "if you trust it, write its result to a GeoTIFF with gdal_translate"
            )
        if tag not in _SOURCES or not text:
            continue
        if is_remote(text):
            if not remote:
                raise InputError(f"{label}: refers to {text} on the network; pass allow_remote=True if you trust it")
            continue
        if text.startswith(("<", "{")) or text.lower().startswith("vrt://"):
            raise InputError(f"{label}: has {text[:40]}… where a file name should be; rejected")
        if is_virtual(text):
            if text.lower().endswith((".vrt", ".xml", ".json")):
                raise InputError(f"{label}: refers to {text}, a VRT inside an archive; unpack it first")
            continue
        if _CONNECTION.match(text) and not re.match(r"[A-Za-z]:[\\/]", text):
            raise InputError(f"{label}: refers to {text}, a GDAL connection string; name a file instead")
        if folder is not None:
            _check_vrt((folder / text) if element.get("relativeToVRT") == "1" else Path(text), remote=remote, seen=seen)
