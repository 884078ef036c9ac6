"""``geoseg.open_raster``: from a path, several files or an array to a Raster."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain, zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Any

import rasterio

from geoseg.errors import ContractError, InputError, OptionError
from geoseg.geodesy.crs import same_crs
from geoseg.raster import arrays
from geoseg.raster.bands import band_option, names
from geoseg.raster.bands.sensors import name_bands
from geoseg.raster.clouds.kinds import kind_named
from geoseg.raster.clouds.option import AUTO, NONE, Found, checked, found_in, quality_of
from geoseg.raster.files.georeference import SOUTH_UP, Grid, check_extent
from geoseg.raster.fill import with_fill_as_nodata
from geoseg.raster.gdal.environment import is_remote
from geoseg.raster.grids import check_common_ground, common_grid, place
from geoseg.raster.mosaic.api import joined
from geoseg.raster.probe import FileInfo, probe, stem_of, usable_nodata
from geoseg.raster.raster import Part, Raster
from geoseg.raster.resampled.groups import on_finest, scl_of
from geoseg.raster.scenes import discover
from geoseg.raster.scenes.scene import File, QualityFile, SceneFiles, describe
from geoseg.raster.types import Band
from geoseg.system.threads import concurrent_map, ordered_map

if TYPE_CHECKING:
    import xarray as xr

    PathLike = str | Path

# Scenes of a mosaic on servers that are opened at the same time.
_OPENED = 16


def open_raster(
    source: PathLike | Sequence[Any] | xr.DataArray | xr.Dataset,
    *,
    stack: bool = False,
    mosaic: bool = False,
    bands: str | Sequence[str | int] | Mapping[str, int | str] | None = None,
    bbox: Sequence[float] | None = None,
    bbox_crs: Any = None,
    resolution: float | tuple[float, float] | None = None,
    scale: float | Sequence[float] | None = None,
    offset: float | Sequence[float] | None = None,
    nodata: float | str | Sequence[float] | None = None,
    name: str | None = None,
    allow_remote: bool | None = None,
    mask_clouds: str = AUTO,
) -> Raster:
    """Open a scene: any raster, several files as one, or an array. Reads no pixels, unless ``nodata="auto"``.

    Parameters
    ----------
    source
        A raster file (GeoTIFF, COG, VRT, JPEG 2000, PNG, JPEG …), a URL or GDAL virtual path, a folder that holds one
        scene, a Sentinel-2 ``.SAFE`` folder, a STAC item (``.json``), a Zarr store (needs the extra ``zarr``), a NetCDF
        file (``netcdf``), a list of files that are one scene, or an ``xarray.DataArray`` (band, y, x) or (y, x),
        or ``Dataset`` with one variable per band.
    stack
        Make all files given, or all in the folder given, one scene. A list of several files is always one scene.
        Files on other grids than the finest are resampled to it: bilinear, or by the nearest pixel for files of
        classes and masks (by their names, or with a palette). Where pixels coincide nothing is resampled.
    mosaic
        Make one scene of a list of scenes that lie side by side, each a source of its own, or an open raster. They must
        have one CRS and pixels that coincide; nothing is resampled. Where they overlap, a pixel is that of the first in
        the order given that has data there in every band.
    bands
        Which bands, in which order, under which names: ``"blue=1,green=2"``, ``"red,green,blue"``, ``[3, 2, 1]``,
        ``{"nir": 8}``. Numbers are those of ``gdalinfo`` for one file; for several they count the bands of all files,
        without masks. By default all bands, under their common names where files state them.
    bbox, bbox_crs
        Restrict the scene to west, south, east, north, in ``bbox_crs`` or the scene's own CRS; see ``Raster.crop``.
    resolution
        Pixel size, or width and height, in units of the scene's CRS; resamples as above.
    scale, offset
        physical = stored x scale + offset, instead of what the files say: one value, or one for each band.
    nodata
        Stored value of missing pixels, instead of what the files say: one value, or one for each band. ``"auto"`` reads
        a sample and takes the value that fills part of the scene in every band, if there is one; a note of the raster
        names it. See :func:`geoseg.raster.fill.find_fill`.
    name
        The scene's name; by default from its file name.
    allow_remote
        Whether the network may be used. By default only for URLs that ``source`` itself names, not for what a local
        VRT or STAC item refers to.
    mask_clouds
        Which quality band makes clouds, their shadows and snow missing pixels: that of the product if it has one
        (``"auto"``), ``"none"``, or one that the scene must have: ``"scl"`` of Sentinel-2, ``"qa"`` (QA_PIXEL) of
        Landsat, ``"fmask"`` of HLS, ``"udm"`` (udm2) of PlanetScope. A note of the raster says which was used.

    Returns
    -------
    Raster
        See there.

    Raises
    ------
    InputError
        If the scene is missing, damaged, unsafe or cannot be used; one line that says what to do.
    ContractError
        If ``bands`` names a band that does not exist.
    OptionError
        If the value of an option is out of range.

    Examples
    --------
    >>> import geoseg
    >>> raster = geoseg.open_raster("scene.tif")
    >>> raster.shape, [band.name for band in raster.bands][:3]
    ((256, 256), ['blue', 'green', 'red'])
    >>> geoseg.open_raster("scene.tif", bands="nir=4,red=3").bands[0].name
    'nir'
    >>> geoseg.open_raster(["scene.tif"], mosaic=True).name
    'scene_mosaic'
    """
    if bbox_crs is not None and bbox is None:
        raise OptionError("bbox-crs is given without bbox: add --bbox west,south,east,north (bbox=)")
    options = _Options(
        stack, band_option.parse_bands(bands), _pixel_size(resolution), allow_remote, clouds=checked(mask_clouds)
    )
    auto = isinstance(nodata, str) and nodata.strip().lower() == "auto"

    def opened(one: Any) -> Raster:
        if mosaic and isinstance(one, Raster):
            return one
        return _override(_open(one, options), scale, offset, None if auto else nodata)

    raster = _open_mosaic(source, opened, options) if mosaic else opened(source)
    if name is not None:
        raster = replace(raster, name=names.scene_name(name))
    if bbox is not None:
        raster = raster.crop(bbox, bbox_crs)
    return with_fill_as_nodata(raster) if auto else raster


def open_on_grid(
    source: PathLike | Sequence[PathLike],
    grid: Grid,
    *,
    stack: bool = False,
    bands: Any = None,
    resolution: Any = None,  # noqa: ARG001 - the grid has it
    scale: Any = None,
    offset: Any = None,
    nodata: Any = None,
    mask_clouds: str = AUTO,
) -> Raster:
    """Open the files of a scene on a grid that is given; the options are those of :func:`open_raster`.

    Raises
    ------
    InputError
        As there; if it is no file, or does not overlap the grid.
    """
    if arrays.is_array(source):
        raise InputError("an array has a grid of its own; reproject it first, with .odc.reproject")
    options = _Options(stack, band_option.parse_bands(bands), None, None, grid, checked(mask_clouds))
    found = _open(source, options)
    if grid.transform.e < 0:
        found = replace(found, notes=tuple(note for note in found.notes if SOUTH_UP not in note))
    return _override(found, scale, offset, nodata)


def _open_mosaic(source: Any, opened: Callable[[Any], Raster], options: _Options) -> Raster:
    """Open the scenes of a mosaic, several at the same time, and join them."""
    if options.resolution is not None:
        raise OptionError("resolution does not apply to a mosaic, whose pixels are those of its scenes; leave it out")
    scenes = [source] if isinstance(source, str | Path | Raster) or arrays.is_array(source) else list(source)
    # Options and credentials of a rasterio.Env around the call belong to this thread alone.
    alone = len(scenes) < 2 or rasterio.env.hasenv()
    distant = all(isinstance(one, str) and is_remote(one) for one in scenes)
    raster = joined(list(map(opened, scenes) if alone else ordered_map(opened, scenes, _OPENED if distant else None)))
    return replace(raster, notes=tuple(merged_notes(raster.notes, "scenes")))


def _open(source: Any, options: _Options) -> Raster:
    if arrays.is_array(source):
        raster = arrays.from_array(source)
        if options.resolution is not None:
            raise OptionError("resolution does not apply to arrays; resample them first, with .odc.reproject")
        _check_no_quality(options)
        return _choose(raster, options.bands, list(range(1, len(raster.bands) + 1)))
    return _open_files(_paths(source), options)


@dataclass(frozen=True)
class _Options:
    stack: bool
    bands: tuple[band_option.Choice, ...] | None
    resolution: tuple[float, float] | None
    allow_remote: bool | None
    grid: Grid | None = None
    clouds: str = AUTO

    @property
    def numbers(self) -> frozenset[int]:
        """Band numbers in ``bands``."""
        return frozenset(c.band for c in self.bands or () if isinstance(c.band, int))


def _paths(source: Any) -> list[str | SceneFiles]:
    if isinstance(source, SceneFiles):  # of an item that a catalogue has returned
        return [source]
    if isinstance(source, str | Path):
        return [str(source)]
    if isinstance(source, Sequence) and all(isinstance(item, str | Path) for item in source):
        if not source:
            raise InputError("no file given; name at least one")
        return [str(item) for item in source]
    raise InputError(
        f"cannot open a {type(source).__name__}; give a path or URL, a list of them, or an xarray DataArray or Dataset"
    )


def _open_files(paths: list[str | SceneFiles], options: _Options) -> Raster:
    remote, stack = options.allow_remote, options.stack or len(paths) > 1
    found = [
        path if isinstance(path, SceneFiles) else discover.find(path, stack=stack, allow_remote=remote)
        for path in paths
    ]
    if len(found) == 1 and found[0].tiles:
        return _open_tiles(found[0], options)
    arrays_found = [scene for scene in found if scene.array is not None]
    if arrays_found:
        if options.grid is not None:
            raise InputError(
                "Zarr stores and NetCDF have a grid of their own; reproject them first, with .odc.reproject"
            )
        if len(found) > 1:
            raise InputError("Zarr stores and NetCDF cannot be stacked with other files; open each alone")
        raster = _open_arrays(arrays_found[0], options)
        return _choose(raster, options.bands, list(range(1, len(raster.bands) + 1)))
    files = [file for scene in found for file in scene.files]
    alone = len(files) == 1
    numbers_of_data = options.numbers if alone else frozenset()
    infos = [describe(file, info) for file, info in zip(files, _probed(files, numbers_of_data), strict=True)]
    stated = tuple(text for scene in found for text in scene.evidence)
    raster = _assemble(infos, options, _scene_name(found, files), stated)
    notes = tuple(note for scene in found for note in scene.notes) + raster.notes
    raster = replace(raster, notes=tuple(dict.fromkeys(notes)))
    numbers = list(infos[0].indexes) if alone else list(range(1, len(raster.bands) + 1))
    chosen = _choose(raster, options.bands, numbers)
    return _with_quality(chosen, [file for scene in found for file in scene.quality], infos, options)


def _open_arrays(scene: SceneFiles, options: _Options) -> Raster:
    """Open the arrays of a Zarr store or a NetCDF file."""
    name = names.scene_name(scene.name or "scene")
    raster = on_finest([scene.array, *scene.coarser], name)
    raster = replace(raster, name=name, notes=(*scene.notes, *raster.notes))
    if scene.classification is None or options.clouds not in (AUTO, "scl"):
        _check_no_quality(options)
        return raster
    found = scl_of(scene.classification, raster, chosen=options.clouds != AUTO)
    return raster if found is None else replace(raster, quality=found[0], notes=(*raster.notes, found[1]))


def _open_tiles(scene: SceneFiles, options: _Options) -> Raster:
    """Open the tiles that a product is stored in and join them."""
    if options.resolution is not None:
        raise OptionError(f"{scene.name}: is stored in tiles, to which resolution does not apply; leave it out")
    tiles = [_open_files([replace(scene, files=files, tiles=(), notes=())], options) for files in scene.tiles]
    raster = joined(tiles)
    notes = dict.fromkeys((*scene.notes, *merged_notes(raster.notes, "tiles")))
    return replace(raster, name=names.scene_name(scene.name or raster.name), notes=tuple(notes))


def _with_quality(raster: Raster, files: list[QualityFile], infos: list[FileInfo], options: _Options) -> Raster:
    """Return the raster with its quality band: in a file of its own, or else a band of its files."""
    if options.clouds == NONE or all(kind_named(band.name) for band in raster.bands):
        return raster  # a quality band that is read alone is data
    wanted = [one for one in files if options.clouds in (AUTO, one.kind)][:1]
    try:
        probed = _probed([one.file for one in wanted], frozenset())
    except InputError as error:
        raise InputError(f"{error} (it says where clouds are; mask-clouds none does without it)") from error
    there = [Found(one.kind, info) for one, info in zip(wanted, probed, strict=True)] or found_in(infos)
    quality, notes = quality_of(options.clouds, there, raster.grid, raster.name)
    return replace(raster, quality=quality, notes=(*raster.notes, *notes))


def _check_no_quality(options: _Options) -> None:
    if options.clouds not in (AUTO, NONE):
        raise OptionError(
            f"mask-clouds {options.clouds} does not apply to arrays; set clouds to NaN in them, with .where"
        )


def _probed(files: list[File], data_bands: frozenset[int]) -> list[FileInfo]:
    """Look into files: into those on servers at the same time."""

    def look(file: File) -> FileInfo:
        return probe(file.path, remote=file.remote, data_bands=data_bands)

    # Options and credentials of a rasterio.Env around the call belong to this thread alone.
    if all(is_remote(file.path) for file in files) and not rasterio.env.hasenv():
        return concurrent_map(look, files)
    return [look(file) for file in files]


def _scene_name(found: list[SceneFiles], files: list[File]) -> str:
    if len(found) == 1 and found[0].name:
        return names.scene_name(found[0].name)
    stems = [stem_of(file.path) for file in files]
    parent = Path(files[0].path).parent.name if not is_remote(files[0].path) else ""
    return names.scene_name(names.shared_name(stems) or parent or stems[0])


def _assemble(infos: list[FileInfo], options: _Options, name: str, stated: tuple[str, ...] = ()) -> Raster:
    """Put files on one grid; ``stated`` is what their metadata says about the sensor."""
    grid = options.grid or common_grid(infos, options.resolution)
    check_extent(grid, name)
    sources = tuple(place(info, grid) for info in infos)
    check_common_ground(infos, grid)
    notes = [note for info in infos for note in info.notes]
    notes += _stack_notes(infos, sources, grid)
    found = [band for info in infos for band in info.bands]
    levels = zip_longest(*(info.evidence for info in infos), fillvalue=())
    evidence = [tuple(chain.from_iterable(level)) for level in levels]
    reading = name_bands([band.name for band in found], [stated, *evidence] if stated else evidence)
    notes += [f"{name}: {reading.note}"] if reading.note else []
    unique = names.unique(_numbered(list(reading.names), alone=len(infos) == 1))
    return Raster(
        name=name,
        grid=grid,
        bands=tuple(replace(band, name=n) for band, n in zip(found, unique, strict=True)),
        notes=tuple(merged_notes(notes, "files")),
        parts=tuple(Part(i, band) for i, info in enumerate(infos) for band in info.indexes),
        inputs=sources,
    )


def _numbered(found: list[str], *, alone: bool) -> list[str]:
    """Return the names with unnamed bands of a stack numbered consecutively: each file calls its first band1."""
    if alone:
        return found
    return [
        f"band{n}" if name.startswith("band") and name[4:].isdigit() else name for n, name in enumerate(found, start=1)
    ]


def _stack_notes(infos: list[FileInfo], sources: tuple[Any, ...], grid: Grid) -> list[str]:
    notes = []
    for info, source in zip(infos, sources, strict=True):
        if source.warp is not None and info.upright:
            other = "another grid" if same_crs(info.grid.crs, grid.crs) else "another CRS"
            notes.append(f"{info.label}: on {other} than the finest, resampled to it ({source.warp.resampling})")
    return notes


def merged_notes(notes: Iterable[str], kind: str) -> list[str]:
    """Merge equal notes about several files into one line each.

    ``notes`` begin with ``NAME: ``; ``kind`` says what the names are: ``"files"``.
    """
    merged: dict[str, list[str]] = {}
    for note in notes:
        file, _, text = note.partition(": ")
        merged.setdefault(text, []).append(file)
    return [
        f"{files[0]}: {text}" if len(files) == 1 else f"{len(files)} {kind} ({files[0]}, …): {text}"
        for text, files in merged.items()
    ]


def _choose(raster: Raster, wanted: tuple[band_option.Choice, ...] | None, numbers: list[int]) -> Raster:
    """Return the chosen bands under their new names; ``numbers`` are the numbers of all bands for the caller."""
    if wanted is None:
        return raster
    positions = []
    for one in wanted:
        if isinstance(one.band, int):
            if one.band not in numbers:
                known = ", ".join(f"{n} {band.name}" for n, band in zip(numbers, raster.bands, strict=True))
                raise ContractError(f"{raster.name}: bands asks for band number {one.band}; it has {known}")
            positions.append(numbers.index(one.band) + 1)
        else:
            positions.append(raster._position(band_option.resolve(one.band, raster.bands)) + 1)  # noqa: SLF001  same package
    chosen = raster.select(positions)
    renamed = [one.name or band.name for one, band in zip(wanted, chosen.bands, strict=True)]
    if len(set(renamed)) < len(renamed):
        raise OptionError(f"bands gives two bands one name: {', '.join(renamed)}")
    return replace(chosen, bands=tuple(replace(b, name=n) for b, n in zip(chosen.bands, renamed, strict=True)))


def _override(raster: Raster, scale: Any, offset: Any, nodata: Any) -> Raster:
    count = len(raster.bands)
    scales, offsets = _each(scale, count, "scale"), _each(offset, count, "offset")
    missing = _each(nodata, count, "nodata")
    bands = []
    for band, new_scale, new_offset, new_nodata in zip(raster.bands, scales, offsets, missing, strict=True):
        if new_scale == 0 or (new_scale is not None and not math.isfinite(new_scale)):
            raise OptionError(f"scale must be a finite number other than 0, got {new_scale}")
        if new_offset is not None and not math.isfinite(new_offset):
            raise OptionError(f"offset must be a finite number, got {new_offset}")
        changed = band
        if new_scale is not None or new_offset is not None:
            changed = replace(
                band,
                scale=band.scale if new_scale is None else new_scale,
                offset=band.offset if new_offset is None else new_offset,
                scaled=True,
            )
        if new_nodata is not None:
            changed = replace(changed, nodata=_checked_nodata(new_nodata, changed))
        bands.append(changed)
    return replace(raster, bands=tuple(bands))


def _checked_nodata(value: float, band: Band) -> float | None:
    usable = usable_nodata(value, band.dtype)
    if usable is None:
        raise OptionError(f"nodata {value:g} cannot occur in band {band.name}, whose values are {band.dtype}")
    return usable


def _each(value: Any, count: int, what: str) -> list[float | None]:
    if value is None:
        return [None] * count
    try:
        values = [float(value)] if isinstance(value, int | float | str) else [float(v) for v in value]
    except (TypeError, ValueError):
        raise OptionError(f"{what} must be a number or one number for each band, got {value!r}") from None
    if len(values) not in (1, count):
        raise OptionError(f"{what} has {len(values)} values for {count} bands; give one value, or one for each")
    return list(values * count) if len(values) == 1 else list(values)


def _pixel_size(resolution: Any) -> tuple[float, float] | None:
    if resolution is None:
        return None
    try:
        sizes = (float(resolution),) * 2 if isinstance(resolution, int | float | str) else tuple(map(float, resolution))
    except (TypeError, ValueError):
        sizes = ()
    if len(sizes) != 2 or not all(1e-9 <= size <= 1e9 for size in sizes):
        raise OptionError(f"resolution must be a positive number, or width and height, got {resolution!r}")
    return sizes[0], sizes[1]
