"""XML from untrusted files: no entities, one encoding, limited size."""

from __future__ import annotations

from pathlib import Path
from xml.etree.ElementTree import Element, ParseError, XMLParser

from geoseg.errors import InputError
from geoseg.system.files import check_regular_file

MAX_XML = 256 * 2**20


def parse_xml(text: str | bytes, label: str, *, encoding: str | None = None) -> Element:
    """Parse XML without entities: a document type is rejected, so nothing can expand or refer elsewhere.

    Parameters
    ----------
    text
        The document.
    label
        Its name in messages.
    encoding
        Encoding to assume, whatever the document declares: GDAL reads VRTs as UTF-8.

    Raises
    ------
    InputError
        If it is not well-formed or declares a document type.
    """
    head = text if isinstance(text, bytes) else text.encode()
    # Entities need a document type. In UTF-16 its letters are separated by zero bytes.
    if b"<!DOCTYPE" in head.replace(b"\0", b"").upper() or b"<!ENTITY" in head.replace(b"\0", b"").upper():
        raise InputError(f"{label}: its XML declares a document type or entities, which are not read; rejected")
    parser = XMLParser(encoding=encoding)  # noqa: S314  entities are rejected above
    try:
        parser.feed(head)
        return parser.close()
    except (ParseError, ValueError, LookupError, RecursionError) as error:
        raise InputError(f"{label}: its XML is damaged ({error}); copy or download it again") from error


def read_xml(path: Path, *, encoding: str | None = None) -> Element:
    """Read and parse an XML file, as :func:`parse_xml` does."""
    check_regular_file(path, limit=MAX_XML)
    try:
        return parse_xml(path.read_bytes(), str(path), encoding=encoding)
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}") from error
