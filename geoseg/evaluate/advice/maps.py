"""The finished maps to look through, and the scenes that they are of."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from geoseg.errors import GeosegError, InputError
from geoseg.evaluate.reference import RasterLayer, open_map
from geoseg.system.files import check_regular_file

if TYPE_CHECKING:
    import os

    from geoseg.raster import Raster

CLASSES, CONFIDENCE, REPORT = "_classes.tif", "_confidence.tif", "_report.json"

# A report names its scene and options in a few kilobytes.
_MOST_REPORT = 2**24


@dataclass(frozen=True, eq=False)
class ResultMap:
    """A class map with its confidence.

    Attributes
    ----------
    name
        Name of the scene.
    classes, confidence
        Class map, and percent of the winning class, on one grid.
    scene
        The scene on the same grid, if it can be read.
    """

    name: str
    classes: RasterLayer
    confidence: RasterLayer
    scene: Raster | None

    def class_name(self, number: int) -> str:
        """Return the name of a class; ``class N`` if the map names none."""
        return next((item.name for item in self.classes.classes if item.id == number), f"class {number}")

    def check_unchanged(self) -> None:
        """Check that the files are still those that were opened; raises ChangedError."""
        self.classes.check_unchanged()
        self.confidence.check_unchanged()


def open_results(
    results: Sequence[str | os.PathLike[str]], scenes: Sequence[str | os.PathLike[str]] = ()
) -> list[ResultMap]:
    """Open the maps of output folders of ``geoseg segment``, or single ``NAME_classes.tif``.

    Parameters
    ----------
    results
        Folders and maps.
    scenes
        Files and folders that may be read as the scenes of the maps. What only a report names is not read.

    Raises
    ------
    InputError
        If there is no map, or one lacks its confidence or a CRS that the others have.
    """
    paths = list(dict.fromkeys(path for result in results for path in _class_maps(Path(result))))
    named = [Path(scene).resolve() for scene in scenes]
    if missing := [path for path in named if not path.exists()]:
        raise InputError(f"{missing[0]}: no such file or folder; name the scenes that the maps were made of")
    maps = [_open(path, named) for path in paths]
    without = [one.name for one in maps if one.classes.raster.grid.crs is None]
    if without and len(maps) > 1:
        raise InputError(
            f"{without[0]}: has no CRS, so its places cannot be put beside those of other maps; give it one with "
            "gdal_edit.py -a_srs EPSG:… FILE, or ask for its places alone"
        )
    return maps


def _class_maps(path: Path) -> Iterable[Path]:
    if path.is_dir():
        found = sorted(path.glob(f"*{CLASSES}"))
        if not found:
            raise InputError(f"{path}: no NAME{CLASSES} in this folder; name an output folder of geoseg segment")
        return found
    if not path.exists():
        raise InputError(f"{path}: no such file or folder; name an output folder of geoseg segment")
    if not path.name.endswith(CLASSES):
        raise InputError(f"{path}: is no NAME{CLASSES}; name an output folder of geoseg segment")
    return [path]


def _open(path: Path, named: Sequence[Path]) -> ResultMap:
    name = path.name.removesuffix(CLASSES)
    beside = path.with_name(name + CONFIDENCE)
    if not beside.exists():
        raise InputError(f"{beside}: is missing, and tells where the map is uncertain; run geoseg segment anew")
    classes, confidence = open_map(path), open_map(beside)
    if str(confidence.raster.dtype) != "uint8" or confidence.raster.grid != classes.raster.grid:
        raise InputError(f"{beside}: is not the confidence of {path.name}: uint8 on the same grid; run segment anew")
    return ResultMap(name, classes, confidence, _scene(path.with_name(name + REPORT), classes.raster, named))


def _scene(report: Path, raster: Raster, named: Sequence[Path]) -> Raster | None:
    """Return the scene of a report, if the user names it too and it is still on the map's grid."""
    from geoseg.raster import open_raster

    with suppress(OSError, ValueError, KeyError, TypeError, AttributeError, SyntaxError, GeosegError):
        check_regular_file(report, limit=_MOST_REPORT)
        content = json.loads(report.read_text(encoding="utf-8"))
        sources = [str(source) for source in content["scene"]["sources"]]
        # What a file says is not read for that alone.
        if not all(_is_named(Path(source).resolve(), named) for source in sources):
            return None
        scene = open_raster(
            sources if len(sources) > 1 else sources[0],
            **_reading(content["options"].get("reading", {})),
            allow_remote=False,
        )
        return scene if scene.grid == raster.grid else None
    return None


def _is_named(path: Path, named: Sequence[Path]) -> bool:
    return any(path == one or one in path.parents for one in named)


def _reading(said: Mapping[str, str]) -> dict[str, Any]:
    """Return the reading options that decide bands and grid, which the report holds as text."""
    found: dict[str, Any] = {"stack": said.get("stack") == "True"}
    for name in ("bands", "bbox", "resolution"):
        if name in said:
            text = str(said[name])
            try:
                found[name] = ast.literal_eval(text)
            except (ValueError, SyntaxError):
                found[name] = text
    if "bbox_crs" in said:
        found["bbox_crs"] = str(said["bbox_crs"])
    return found
