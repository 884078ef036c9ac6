"""CSV files of training groups."""

from __future__ import annotations

import geoseg
from geoseg.train.validation.groups import read_groups
from tests.security.fuzz.sandbox import Sandbox
from tests.security.fuzz.scenes import tif
from tests.security.fuzz.structures import lines_mutation

_BOX = Sandbox()
_RASTERS = [geoseg.open_raster(tif(_BOX.folder / f"{name}.tif")) for name in "ab"]
mutate = lines_mutation(("a.tif", "b", "a,1", "image,group", "/x/b.tif"))


def target(data: bytes) -> None:
    path = _BOX.write("groups.csv", data)
    with _BOX.watched():
        groups = read_groups(str(path), _RASTERS)
        assert len(groups) == 2


def seeds() -> list[bytes]:
    return [b"image,group\na.tif,1\nb.tif,2\n", b'image,group,more\r\n"/x/a.tif",north,\r\nb, south ,1\r\n']
