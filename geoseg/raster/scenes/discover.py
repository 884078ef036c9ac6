"""Find out what a path is: a file, a folder with one scene, a .SAFE product, a STAC item, a Zarr store."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from geoseg.errors import InputError
from geoseg.raster.bands import names
from geoseg.raster.cf.netcdf import is_netcdf, open_netcdf
from geoseg.raster.clouds.kinds import kind_named
from geoseg.raster.gdal.environment import is_remote, is_virtual
from geoseg.raster.probe import CONTAINERS
from geoseg.raster.scenes.by_name import known_by_name
from geoseg.raster.scenes.product import ARCHIVES
from geoseg.raster.scenes.products import recognized
from geoseg.raster.scenes.scene import File, QualityFile, SceneFiles
from geoseg.raster.scenes.suffixes import RASTER_SUFFIXES, is_zarr
from geoseg.system.files import exists, is_file, is_folder

_TABLES = re.compile(r".*_MTL\.(json|xml|txt)|DIM_.*\.xml|MTD_MSIL.*\.xml", re.IGNORECASE)


def find(path: str, *, stack: bool, allow_remote: bool | None) -> SceneFiles:
    """Return the files of the scene at a path.

    Raises
    ------
    InputError
        If there is no scene, or several, or the path may not be read.
    """
    try:
        return _find(path, stack=stack, allow_remote=allow_remote)
    except OSError as error:
        raise InputError(
            f"{path}: cannot be read: {error.strerror or error}; check the path and its permissions"
        ) from error


def _find(path: str, *, stack: bool, allow_remote: bool | None) -> SceneFiles:
    remote = bool(allow_remote) or (allow_remote is None and is_remote(path))
    if is_virtual(path):
        return _find_virtual(path, remote=remote)
    where = Path(path)
    lowered = where.name.lower()
    collection, _, item = path.rpartition("#")
    if collection.lower().endswith((".json", ".geojson")) and not exists(path) and is_file(collection):
        from geoseg.raster.scenes.stac import open_item

        return open_item(collection, remote=remote, item=item)
    store, mark, choice = path.partition("#")
    if mark and not exists(path) and exists(store):
        return _find_part(Path(store), choice, remote=remote)
    if is_folder(path):
        return _find_in_folder(where, stack=stack, remote=remote)
    if is_file(path) and is_netcdf(where):
        return open_netcdf(where)
    if is_file(path) and _TABLES.fullmatch(where.name) and (scene := recognized(where.parent, where.name)) is not None:
        return scene
    if lowered.endswith((*ARCHIVES, ".tar.gz", ".tgz")) and is_file(path):
        return _find_in_archive(where)
    if lowered.endswith((".json", ".geojson")) and is_file(path):
        from geoseg.raster.scenes.stac import open_item

        return open_item(path, remote=remote)
    return known_by_name(where, remote=remote) or SceneFiles(files=(File(path, remote),))


def _find_part(store: Path, choice: str, *, remote: bool) -> SceneFiles:
    """Return what is chosen of a store of arrays."""
    if is_file(str(store)) and is_netcdf(store):
        return open_netcdf(store, choice)
    if is_zarr(store):
        from geoseg.raster.scenes.zarr_store import open_zarr

        return open_zarr(str(store), remote=remote, choice=choice)
    raise InputError(f"{store}#{choice}: {store} is no NetCDF file nor Zarr store, of which # names a part")


def _find_in_archive(path: Path) -> SceneFiles:
    if not path.name.lower().endswith(ARCHIVES):
        raise InputError(f"{path}: a compressed archive, which is read from its start for each piece; unpack it first")
    scene = recognized(path)
    if scene is None:
        raise InputError(
            f"{path}: no product that is known in this archive (Sentinel-2, Landsat, Pléiades, SPOT); unpack it"
        )
    return scene


def _find_virtual(path: str, *, remote: bool) -> SceneFiles:
    bare = path.partition("?")[0].partition("#")[0].lower()
    if bare.endswith(".json") and path.lower().startswith(("http://", "https://")):
        from geoseg.raster.scenes.stac import open_item

        return open_item(path, remote=remote)
    if bare.rstrip("/").endswith(".zarr"):
        from geoseg.raster.scenes.zarr_store import open_zarr

        store, _, choice = path.partition("#")
        return open_zarr(store, remote=remote, choice=choice)
    if bare.endswith(CONTAINERS):
        raise InputError(
            f"{path}: NetCDF and HDF on servers and in archives are not read, because a window takes many small "
            "requests: download it and name the file; or let it be served as COG or Zarr"
        )
    return SceneFiles(files=(File(path, remote),))


def _find_in_folder(folder: Path, *, stack: bool, remote: bool) -> SceneFiles:
    if is_zarr(folder):
        from geoseg.raster.scenes.zarr_store import open_zarr

        return open_zarr(str(folder), remote=remote)
    scene = None if stack and not list(folder.glob("MTD_MSIL*.xml")) else recognized(folder)
    if scene is not None:
        return scene
    products = sorted(p for p in folder.glob("*.SAFE") if p.is_dir())
    files = sorted(p for p in folder.iterdir() if p.suffix.lower() in RASTER_SUFFIXES and p.is_file())
    if not files and len(products) == 1:
        return _find_in_folder(products[0], stack=stack, remote=remote)
    if not files:
        items = sorted(folder.glob("*.json"))
        if len(items) == 1:
            return find(str(items[0]), stack=stack, allow_remote=remote or None)
        inside = "name a file, or the folder with the files"
        if products:
            inside = f"it holds {len(products)} .SAFE products: open them one by one"
        elif (folder / "manifest.safe").is_file() and (folder / "measurement").is_dir():
            inside = (
                "a Sentinel-1 product in radar geometry must be geocoded first, for example by SNAP "
                "(Range-Doppler Terrain Correction) or by taking RTC products"
            )
        raise InputError(f"{folder}: no raster in this folder; {inside}")
    if any(is_netcdf(p) for p in files):
        if len(files) > 1:
            raise InputError(
                f"{folder}: holds {len(files)} rasters, NetCDF among them, which is a scene of its own; name one"
            )
        return open_netcdf(files[0])
    if len(files) == 1 and (known := known_by_name(files[0], remote=remote)) is not None:
        return replace(known, name=files[0].stem)
    if stack or len(files) == 1:
        return SceneFiles(tuple(File(str(p), remote) for p in files), name=files[0].stem if len(files) == 1 else None)
    quality = [(kind, p) for p in files if (kind := kind_named(p.stem, [folder.name])) is not None]
    masks = [p for _, p in quality]
    bands = [p for p in files if p not in masks and not names.is_auxiliary(_without_band(p.stem))]
    described = tuple(QualityFile(kind, File(str(p), remote)) for kind, p in quality)
    if len(bands) == 1 and len(files) == 1 + len(masks):
        if (known := known_by_name(bands[0], remote=remote)) is not None:
            return replace(known, name=bands[0].stem)
        return SceneFiles((File(str(bands[0]), remote),), name=bands[0].stem, quality=described)
    if _is_one_scene(bands):
        left = tuple(
            f"{folder}: {p.name} is no spectral band and was left out" for p in files if p not in (*bands, *masks)
        )
        return SceneFiles(
            tuple(File(str(p), remote) for p in bands),
            name=names.shared_name([p.stem for p in bands]) or folder.name,
            notes=left,
            quality=described,
        )
    listing = ", ".join(p.name for p in files[:3]) + (", …" if len(files) > 3 else "")
    raise InputError(
        f"{folder}: holds {len(files)} rasters that are not clearly the bands of one scene ({listing}); "
        "name the files, or use stack (--stack) to make all of them one scene"
    )


def _without_band(stem: str) -> str:
    token = names.band_token(stem)
    return stem if token is None else stem.replace(token, "")


def _is_one_scene(files: list[Path]) -> bool:
    """Return whether the names differ only in the band: ``S2_B02.tif``, ``S2_B03.tif``."""
    tokens = [names.band_token(p.stem) for p in files]
    if len(files) < 2 or None in tokens or len({str(t).lower() for t in tokens}) < len(files):
        return False
    return len({p.stem.replace(str(t), "") for p, t in zip(files, tokens, strict=True)}) == 1
