"""next_labels(): finished maps -> a GeoPackage of polygons to label next."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from geoseg.errors import InputError, OptionError, OutputError, one_line
from geoseg.evaluate.advice.choice import choose
from geoseg.evaluate.advice.differences import LabelledPlaces, Space, bands_space, distance_space
from geoseg.evaluate.advice.maps import CLASSES, ResultMap, open_results
from geoseg.evaluate.advice.places import blocks, confidence_of, uncertain_places
from geoseg.evaluate.advice.regions import Region, region_at
from geoseg.evaluate.interpretation_form import DATE, form_qml
from geoseg.geodesy.crs import crs_name, same_crs, to_crs
from geoseg.progress.reporters import Reporter, Silent
from geoseg.raster import release_handles
from geoseg.system.files import complete
from geoseg.system.outputs import Inputs, local_path
from geoseg.write.geopackage_styles import add_layer_style

if TYPE_CHECKING:
    import geopandas as gpd
    from numpy.typing import NDArray

    from geoseg.classes import MapClass

LAYER = "labels"

# Regions that are cut out for each that is proposed: enough to choose from.
_PER_PROPOSAL = 20

_SIDES = (3, 512)


@dataclass(frozen=True, eq=False)
class Proposals:
    """Polygons to label next.

    Attributes
    ----------
    frame
        The polygons, best first: ``priority`` (1 is the most useful), ``class_name`` (what the model believes),
        ``confidence`` (mean, percent), ``area_m2``, ``reason``, ``scene``.
    compared
        What differences were measured in: ``"bands"`` or ``"distance"``.
    path
        The file, if one was written.
    """

    frame: gpd.GeoDataFrame
    compared: str
    path: Path | None


def next_labels(
    results: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
    output: str | os.PathLike[str] | None = None,
    *,
    labels: Any = None,
    scenes: Sequence[str | os.PathLike[str]] = (),
    count: int = 20,
    side: int = 24,
    overwrite: bool = False,
    reporter: Reporter | None = None,
) -> Proposals:
    """Propose where a label would help a model most.

    Proposed are polygons, not pixels: regions of one believed class that are less certain than the map on average, cut
    to a size that a person can judge, by uncertainty × area × difference to what is labelled already, spread over the
    scene and over classes. Memory does not depend on the size of the maps, and the same maps give the same polygons.

    Parameters
    ----------
    results
        Output folders of ``geoseg segment``: all maps in them, with their confidence.
    output
        GeoPackage to write, layer ``labels``; None writes none.
    labels
        What is labelled already: polygons, lines or points in any CRS, a file or GeoDataFrame. None for nothing.
    scenes
        The scenes that the maps were made of, files or folders: then what counts is how much a place differs in their
        bands from what is labelled, else how far away it is.
    count
        How many polygons.
    side
        Side of the largest polygon in pixels, 3…512.
    overwrite
        Replace an existing file.
    reporter
        Receives progress and messages.

    Returns
    -------
    Proposals
        The polygons in the CRS of the first map, in order of priority.

    Raises
    ------
    InputError
        If maps or labels cannot be used, or nothing is uncertain.
    OptionError, OutputError
        If an option's value is impossible, or the file exists or cannot be written.

    Notes
    -----
    Differences are measured between mean bands, standardized, if the scenes are given, else
    between places. Batches that are uncertain and diverse: Brinker 2003, "Incorporating diversity in active learning
    with support vector machines"; regions instead of pixels: Mackowiak et al. 2018, arXiv 1810.09726.

    Examples
    --------
    >>> from geoseg.evaluate.advice import next_labels
    >>> found = next_labels("results", "next.gpkg", count=20)  # doctest: +SKIP
    >>> found.frame.class_name[0]  # doctest: +SKIP
    'crop'
    """
    listed = [results] if isinstance(results, str | os.PathLike) else list(results)
    target = _target(output, [listed, labels], overwrite=overwrite)
    if count < 1 or not _SIDES[0] <= side <= _SIDES[1]:
        raise OptionError(f"count must be at least 1 and side lie in {_SIDES[0]}…{_SIDES[1]}, got {count} and {side}")
    if not listed:
        raise OptionError("no results given: name output folders of geoseg segment")
    reporter = reporter or Silent()
    maps = open_results(listed, scenes)
    places = None if labels is None else LabelledPlaces(labels)
    try:
        labelled = [(one, _on(places, one)) for one in maps]
        regions = _regions(maps, count, side, reporter)
        regions = _unlabelled(regions, labelled)
        if not regions:
            raise InputError("every uncertain place is labelled already; segment anew with a model that learned them")
        chosen, space = _chosen(regions, labelled, count)
    finally:
        release_handles()
    for one in maps:
        one.check_unchanged()
    frame = _frame([regions[i] for i in chosen], maps)
    _report(frame, space, maps, count, reporter, labelled=places is not None, scenes=bool(scenes))
    if target is not None:
        _write(target, frame, list({item.name: item for one in maps for item in one.classes.classes}.values()))
    return Proposals(frame, space.kind, target)


def _target(output: Any, inputs: list[Any], *, overwrite: bool) -> Path | None:
    if output is None:
        return None
    target = local_path(output)
    Inputs(*inputs).check(target)
    if target.suffix.lower() != ".gpkg":
        raise OutputError(f"{target}: polygons are written as a GeoPackage: name the file {target.stem}.gpkg")
    if target.exists() and not overwrite:
        raise OutputError(f"{target} exists, perhaps with corrections: choose another name or add --overwrite")
    return target


def _on(places: LabelledPlaces | None, one: ResultMap) -> NDArray[Any]:
    raster = one.classes.raster
    return np.empty(0, object) if places is None else places.on(raster.grid.crs, f"{one.name}{CLASSES}")


def _regions(maps: Sequence[ResultMap], count: int, side: int, reporter: Reporter) -> list[Region]:
    """Return the most uncertain regions of all maps, each once."""
    total, done = 2 * sum(len(blocks(one, side)) for one in maps), [0]

    def tick() -> None:
        done[0] += 1
        reporter.progress(done[0], total, "find uncertain places")

    known = [confidence_of(one, side, tick) for one in maps]
    if not any(found.pixels for found in known):
        raise InputError(f"{maps[0].name}{CLASSES}: no pixel has a class; there is nothing to label")
    if all(found.least >= 100 for found in known):
        raise InputError("every pixel has a confidence of 100 %: nothing is uncertain, so no place is proposed")
    each = max(_PER_PROPOSAL * count // len(maps), count)
    regions: dict[tuple[str, int, int, int], Region] = {}
    for one, found in zip(maps, known, strict=True):
        for place in uncertain_places(one, found.mean, side, count, tick)[:each]:
            region = region_at(one, place, found.mean, side)
            regions.setdefault((one.name, region.row, region.col, region.number), region)
    return list(regions.values())


def _unlabelled(regions: Sequence[Region], labelled: Sequence[tuple[ResultMap, NDArray[Any]]]) -> list[Region]:
    """Return the regions that no label touches, and that do not overlap a better one."""
    import shapely
    from shapely import STRtree

    kept: list[Region] = []
    for one, geometries in labelled:
        own = sorted((region for region in regions if region.result is one), key=lambda region: -region.mass)
        shapes = np.array([region.geometry for region in own], object)
        tree = STRtree(shapes)
        closed = np.zeros(len(own), np.bool_)
        closed[tree.query(geometries, predicate="intersects")[1]] = True
        near, other = tree.query(shapes, predicate="intersects")
        shared = shapely.area(shapely.intersection(shapes[near], shapes[other])) > 0
        for number, region in enumerate(own):
            if not closed[number]:
                kept.append(region)
                closed[other[(near == number) & shared]] = True
    return kept


def _chosen(
    regions: Sequence[Region], labelled: Sequence[tuple[ResultMap, NDArray[Any]]], count: int
) -> tuple[list[int], Space]:
    first = labelled[0][0].classes.raster.grid.crs
    geometries = _moved(regions, first)
    import shapely

    positions = shapely.get_coordinates(shapely.centroid(geometries))
    west, south, east, north = shapely.total_bounds(geometries)
    extent = max(float(np.hypot(east - west, north - south)), 1e-12)
    apart = extent / np.sqrt(2 * count)
    space = bands_space(regions, labelled)
    if space is None:
        space = distance_space(positions, labelled[0][1], apart)
    names = [region.result.class_name(region.number) for region in regions]
    numbers = np.array([sorted(set(names)).index(name) for name in names], np.int64)
    masses = np.array([region.mass for region in regions])
    chosen, _ = choose(masses, numbers, positions, space, count=count, apart=apart)
    return chosen, space


def _moved(regions: Sequence[Region], crs: Any) -> NDArray[Any]:
    """Return the polygons in the CRS of the first map."""
    import geopandas as gpd

    found = np.array([region.geometry for region in regions], object)
    for number, region in enumerate(regions):
        own = region.result.classes.raster.grid.crs
        if own is not None and crs is not None and not same_crs(own, crs):
            series = gpd.GeoSeries([region.geometry], crs=own.to_wkt())
            found[number] = to_crs(series, crs.to_wkt(), region.result.name).iloc[0]
    return found


def _frame(regions: Sequence[Region], maps: Sequence[ResultMap]) -> gpd.GeoDataFrame:
    import geopandas as gpd

    crs = maps[0].classes.raster.grid.crs
    names = [region.result.class_name(region.number) for region in regions]
    reasons = [
        f"{region.confidence:.0f} % sure of {name} on {region.pixels:,} pixel{'s' * (region.pixels != 1)}"
        for name, region in zip(names, regions, strict=True)
    ]
    return gpd.GeoDataFrame(
        {
            "priority": np.arange(1, len(regions) + 1, dtype=np.int32),
            "class_name": names,
            "confidence": [round(region.confidence, 1) for region in regions],
            "area_m2": [round(region.area_m2, 2) for region in regions],
            "reason": reasons,
            "scene": [region.result.name for region in regions],
        },
        geometry=_moved(regions, crs),
        crs=None if crs is None else crs.to_wkt(),
    )


def _report(
    frame: Any,
    space: Space,
    maps: Sequence[ResultMap],
    count: int,
    reporter: Reporter,
    *,
    labelled: bool,
    scenes: bool,
) -> None:
    what = "labelled pixels and each other" if labelled else "each other"
    if space.kind == "bands":
        reporter.info(f"places are compared with {what} by the bands of the scenes")
    elif not scenes:
        reporter.info(f"places are compared with {what} by their distance; by their bands if --scenes names the scenes")
    else:
        reporter.warning(
            f"places are compared with {what} by their distance: the scenes given are not those of all reports, on the "
            "maps' grids and with the same bands"
        )
    if len(frame) < count:
        reporter.warning(f"only {len(frame)} uncertain places are found, {count} were asked for")
    first = maps[0].classes.raster.grid.crs
    others = {crs_name(one.classes.raster.grid.crs) for one in maps if not same_crs(one.classes.raster.grid.crs, first)}
    if others:
        reporter.info(f"places of maps in {', '.join(sorted(others))} are written in {crs_name(first)}")


def _write(path: Path, frame: Any, classes: Sequence[MapClass]) -> None:
    import pyogrio
    from pyogrio.errors import DataSourceError

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with complete(path) as part:
            # QGIS 3.22 warns at newer versions.
            pyogrio.write_dataframe(frame, part, layer=LAYER, driver="GPKG", dataset_options={"VERSION": "1.2"})
            if classes:
                form = form_qml("class_name", classes)
                add_layer_style(part, LAYER, form, description="Classes to choose from", date=DATE)
    except (OSError, DataSourceError, sqlite3.Error) as error:
        raise OutputError(f"{path} cannot be written: {one_line(error)}") from error
