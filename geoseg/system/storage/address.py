"""Addresses of object storage: ``s3://bucket/prefix`` and GDAL's ``/vsis3/bucket/prefix``."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, replace

from geoseg.errors import OutputError

# Path() reduces s3:// to s3:/, so one slash must do.
_ADDRESS = re.compile(r"\s*(?:(s3|gs|az):/{1,2}|/vsi(s3|gs|az)/)(.*?)\s*", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True)
class Address:
    """A bucket and a prefix in it.

    Attributes
    ----------
    scheme
        ``"s3"`` (Amazon S3 and what speaks its language), ``"gs"`` (Google) or ``"az"`` (Azure's containers).
    bucket, prefix
        Names; the prefix has no slash at its ends, and may be empty.
    """

    scheme: str
    bucket: str
    prefix: str = ""

    def __truediv__(self, name: str) -> Address:
        return replace(self, prefix=f"{self.prefix}/{name}".strip("/"))

    def __str__(self) -> str:
        return f"{self.scheme}://{self.bucket}/{self.prefix}".rstrip("/")

    @property
    def gdal(self) -> str:
        """The name under which GDAL and QGIS open it."""
        return f"/vsi{self.scheme}/{self.bucket}/{self.prefix}".rstrip("/")


def object_address(path: str | os.PathLike[str]) -> Address | None:
    """Return the address that a path means; None if it is no address of object storage.

    Raises
    ------
    OutputError
        If it has no bucket, or parts that do not belong into an address, such as a password.

    Examples
    --------
    >>> from geoseg.system.storage.address import object_address
    >>> print(object_address("/vsis3/maps/2026/"))
    s3://maps/2026
    """
    text = os.fspath(path)
    found = _ADDRESS.fullmatch(text if "/" in text else text.replace("\\", "/"))
    if found is None:
        return None
    scheme, rest = (found[1] or found[2]).lower(), found[3]
    if "@" in rest.split("/")[0]:
        raise OutputError(f"{scheme}://…@…: an address has no credentials in it; give them as environment variables")
    if "?" in rest or "#" in rest:
        raise OutputError(f"{scheme}://{re.split('[?#]', rest)[0]}…: an address ends before ? or #; leave that out")
    bucket, _, prefix = rest.partition("/")
    parts = [part for part in prefix.split("/") if part]
    if not bucket:
        raise OutputError(f"{text}: names no bucket; write {scheme}://BUCKET/PREFIX")
    if any(part in (".", "..") or not part.isprintable() for part in (bucket, *parts)):
        raise OutputError(f"{text}: has a part that no object can be called by; write {scheme}://BUCKET/PREFIX")
    return Address(scheme, bucket, "/".join(parts))
