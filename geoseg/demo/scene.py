"""The demo scene as a file, and the accuracy of a class map against its truth."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from geoseg.classes import LAND_COVER, NODATA, MapClass
from geoseg.demo.landscape import WATER, Landscape, make_landscape
from geoseg.demo.noise import blur, scatter, smooth
from geoseg.demo.spectra import BANDS, GRAIN, REFLECTANCE, SOURCE, SPREAD, TEXTURE
from geoseg.errors import InputError, OptionError, OutputError
from geoseg.system.files import complete
from geoseg.system.outputs import local_path
from geoseg.tiling import Box
from geoseg.write import CogSink

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

_PIXEL = 10.0
_CRS = "EPSG:32633"
_ORIGIN = (412_340.0, 5_346_780.0)
_RELIEF = 500.0
"""Height in metres of one standard deviation of the terrain."""
_BLUR = 0.11
"""Share of a pixel's light that its neighbour in a row or column receives."""
_SCALE = 0.0001
"""Reflectance of one stored unit, as in Sentinel-2 products."""


@dataclass(frozen=True)
class DemoScene:
    """A synthetic scene and its truth.

    Attributes
    ----------
    scene
        Six bands of surface reflectance x 10,000, uint16, nodata 0, 10 m pixels in UTM.
    truth
        Class of each pixel, uint8, nodata 255.
    classes
        Classes of the truth.

    Examples
    --------
    >>> from geoseg.demo import DemoScene
    >>> DemoScene("demo.tif", "demo_truth.tif").classes[5].name
    'water'
    """

    scene: Path
    truth: Path
    classes: tuple[MapClass, ...] = LAND_COVER


def make_scene(folder: str | Path, size: int = 2000, *, seed: int = 7, overwrite: bool = False) -> DemoScene:
    """Write ``demo.tif``, a made-up multispectral scene with real spectra, and ``demo_truth.tif``, its true classes.

    A river plain between wooded hills with fields, a town, villages, roads, a lake and a quarry. Spectra of the
    classes, their variety and texture are drawn from statistics of real tiles, see :mod:`geoseg.demo.spectra`; the
    shapes are made up. The same seed and size give the same pixels on every machine, up to rounding.

    Parameters
    ----------
    folder
        Output folder; created if missing.
    size
        Side in pixels, at least 256.
    seed
        Random seed of the landscape.
    overwrite
        Replace existing files.

    Raises
    ------
    OutputError
        If the folder is a URL, a file exists or cannot be written.
    OptionError
        If the size is too small.

    Examples
    --------
    >>> from geoseg.demo import make_scene
    >>> made = make_scene("demo", size=256)
    >>> sorted(path.name for path in (made.scene, made.truth))
    ['demo.tif', 'demo_truth.tif']
    """
    if size < 256:
        raise OptionError(f"demo: size must be at least 256 pixels, got {size}")
    folder = local_path(folder)
    scene = DemoScene(folder / "demo.tif", folder / "demo_truth.tif")
    if scene.scene.exists() and not overwrite:
        raise OutputError(f"{scene.scene} exists: choose another folder or add --overwrite (overwrite=True)")
    rng = np.random.default_rng(seed)
    land = make_landscape(size, rng)
    valid = _swath(size)
    truth = np.where(valid, land.classes, np.uint8(NODATA))
    with CogSink(scene.truth, _geobox(size), classes=scene.classes, overwrite=overwrite) as sink:
        sink.write(Box(0, 0, size, size), truth)
        _write_scene(scene.scene, land, valid, rng)
    return scene


def _geobox(size: int) -> Any:
    from affine import Affine
    from odc.geo.geobox import GeoBox

    return GeoBox((size, size), Affine(_PIXEL, 0, _ORIGIN[0], 0, -_PIXEL, _ORIGIN[1]), _CRS)


def _swath(size: int) -> NDArray[np.bool_]:
    """Return the valid pixels: all but a corner, as at the edge of a satellite's swath."""
    row, col = np.ogrid[:size, :size]
    return np.asarray(col + 0.24 * row < 1.05 * size)


def _write_scene(path: Path, land: Landscape, valid: NDArray[np.bool_], rng: np.random.Generator) -> None:
    import rasterio
    from rasterio.errors import RasterioError

    size = len(valid)
    geobox = _geobox(size)
    profile = {
        "driver": "GTiff", "width": size, "height": size, "count": len(BANDS), "dtype": "uint16", "nodata": 0,
        "crs": _CRS, "transform": geobox.affine, "tiled": True, "blockxsize": 512, "blockysize": 512,
        "compress": "deflate", "predictor": 2, "zlevel": 1, "num_threads": "all_cpus", "interleave": "band",
    }  # fmt: skip
    try:
        with complete(path) as part, rasterio.open(part, "w", **profile) as target:
            for number, reflectance in enumerate(_expose(land, rng), start=1):
                digital = np.clip(np.rint(reflectance / np.float32(_SCALE)), 1, 65535).astype(np.uint16)
                digital[~valid] = 0
                target.write(digital, number)
                target.set_band_description(number, BANDS[number - 1])
            target.scales = (_SCALE,) * len(BANDS)
            target.update_tags(CONTENT="Made-up scene with real spectra: surface reflectance x 10,000", SOURCE=SOURCE)
    except (OSError, RasterioError) as error:
        raise OutputError(f"{path} cannot be written: {error}") from error


def _expose(land: Landscape, rng: np.random.Generator) -> Iterator[NDArray[np.float32]]:
    """Yield the reflectance of each band: surfaces, relief, and the sensor's blur and grain."""
    size = len(land.classes)
    # What patches of one surface differ by is drawn with their number; texture of 30 m is smooth over three pixels.
    patches = [_normal(scatter(land.patch, salt=50 + number)) for number in range(SPREAD.shape[1])]
    texture = [smooth(rng, size, 3) for _ in range(TEXTURE.shape[1])]
    grain = [rng.standard_normal((size, size), dtype=np.float32) for _ in range(len(GRAIN))]
    light = np.where(land.classes == WATER, np.float32(1), _sunlight(land))
    logarithms = np.log(REFLECTANCE)

    def band(number: int) -> NDArray[np.float32]:
        values = logarithms[:, number][land.surface]
        for strength, fields in ((SPREAD, patches), (TEXTURE, texture)):
            for component, field in enumerate(fields):
                values += strength[:, component, number][land.classes] * field
        surface = blur(np.exp(values, out=values) * light, _BLUR)
        noise = sum(strength * field for strength, field in zip(GRAIN[:, number], grain, strict=True))
        surface *= np.exp(noise)
        return surface

    with ThreadPoolExecutor(2) as pool:
        yield from pool.map(band, range(len(BANDS)))


def _normal(uniform: NDArray[np.float32]) -> NDArray[np.float32]:
    """Turn even numbers in 0…1 into nearly normal ones, of mean 0 and standard deviation 1, within 2.5.

    Logistic ones, scaled: their quantiles are within 0.1 of the normal ones up to 2.
    """
    even = np.clip(uniform, np.float32(0.01), np.float32(0.99))
    normal: NDArray[np.float32] = np.log(even / (1 - even)) * np.float32(np.sqrt(3) / np.pi)
    return np.clip(normal, np.float32(-2.5), np.float32(2.5))


def _sunlight(land: Landscape) -> NDArray[np.float32]:
    """Return the relative illumination of slopes, for a sun in the north-west at 45 degrees."""
    down, right = np.gradient(land.height)
    # At this sun elevation, illumination grows by the tangent of the slope towards the sun.
    tangent = (down + right) * np.float32(_RELIEF / _PIXEL / np.sqrt(2))
    tangent *= np.clip(land.height + np.float32(0.6), np.float32(0.2), 1)  # the plain is flat
    light: NDArray[np.float32] = np.asarray(1 + tangent, np.float32)
    return light.clip(0.5, 1.5)


def accuracy(truth: str | Path, classes: str | Path) -> dict[str, Any]:
    """Return the accuracy of a class map over pixels that are valid in both rasters; read block by block.

    Parameters
    ----------
    truth, classes
        Class rasters of the same size, uint8, nodata 255, numbered as :data:`geoseg.classes.LAND_COVER`.

    Returns
    -------
    ``overall`` (share of correct pixels, 0…1), ``iou`` (intersection over union by class name, None for a class that
    neither raster has), ``mean_iou``, ``pixels`` and ``confusion`` (rows: truth, columns: map).

    Raises
    ------
    InputError
        If a file cannot be read, the sizes differ, or no pixel is valid in both.

    Examples
    --------
    >>> from geoseg.demo import accuracy, make_scene
    >>> made = make_scene("demo", size=256)
    >>> accuracy(made.truth, made.truth)["overall"]
    1.0
    """
    from rasterio.errors import RasterioError

    from geoseg.raster.gdal.datasets import open_dataset
    from geoseg.raster.gdal.environment import environment

    count = len(LAND_COVER)
    confusion = np.zeros((256, 256), np.int64)
    try:
        with environment(), open_dataset(str(truth)) as reference, open_dataset(str(classes)) as predicted:
            if reference.shape != predicted.shape:
                raise InputError(f"{classes} has {predicted.shape} pixels but {truth} has {reference.shape}")
            for _, window in reference.block_windows(1):
                pairs = reference.read(1, window=window).astype(np.int64) * 256 + predicted.read(1, window=window)
                confusion += np.bincount(pairs.ravel(), minlength=256 * 256).reshape(256, 256)
    except RasterioError as error:
        raise InputError(f"accuracy of {classes}: {error}") from error
    confusion = confusion[:NODATA, :NODATA]
    pixels = int(confusion.sum())
    if not pixels:
        raise InputError(f"{classes} and {truth} have no valid pixel in common")
    right = np.diag(confusion)
    union = confusion.sum(axis=0) + confusion.sum(axis=1) - right
    iou = {item.name: float(right[item.id] / union[item.id]) if union[item.id] else None for item in LAND_COVER}
    defined = [value for value in iou.values() if value is not None]
    return {
        "overall": float(right.sum() / pixels),
        "mean_iou": float(np.mean(defined)) if defined else None,
        "iou": iou,
        "pixels": pixels,
        "confusion": confusion[:count, :count].tolist(),
    }
