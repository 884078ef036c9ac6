"""Measure the surfaces of real tiles, from which ``geoseg demo`` makes its scene.

    python scripts/demo_statistics.py TILES SCENES

TILES are those of ``scripts/train_landcover.py`` (30 m), SCENES has Sentinel-2 L2A scenes (10 m). Writes
``geoseg/demo/statistics.json``: numbers only, no pixels. All spectra are logarithms of reflectance.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from sklearn.cluster import KMeans

sys.path.insert(0, str(Path(__file__).parent))

from landcover.data import CLASS_NAMES, Tiles
from landcover.scenes import read_scenes

from geoseg.models.networks.landcover import BANDS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.floating]

TABLE = Path(__file__).parents[1] / "geoseg" / "demo" / "statistics.json"

SOURCE = (
    "Means and covariances of logarithms of surface reflectance, measured by scripts/demo_statistics.py: spectra, "
    "spread and texture of each class within {tiles} tiles of {places} places with woods in leaf and farmed land, "
    "those of bare ground within all {all} tiles (NASA HLS v2, 30 m; classes: ESA WorldCover 2020/2021, corrected); "
    "grain of 10 m pixels on Sentinel-2 L2A scenes"
)
_WORLDCOVER = (
    "© ESA WorldCover project 2020/2021, contains modified Copernicus Sentinel data (2020, 2021) processed by the ESA "
    "WorldCover consortium, CC BY 4.0"
)
ATTRIBUTION = (
    "NASA Harmonized Landsat Sentinel-2 (HLS) v2",
    _WORLDCOVER,
    "Contains modified Copernicus Sentinel data",
)

# Surfaces of each class: as many as the landscape tells apart.
SURFACES = {"tree": 3, "grass/shrub": 4, "crop": 6, "built": 5, "bare": 3, "water": 3}

# Reflectances below it are noise, which logarithms would magnify.
_LEAST = 0.002

# Windows of a class that a tile must have to count, and largest number of all that are clustered.
_FEW, _MOST = 30, 20_000


def chosen_tiles(tiles: Tiles) -> NDArray[np.bool_]:
    """Return which tiles are like the demo's landscape: trees, in leaf, and crops."""
    shares = np.stack([(tiles.labels == number).mean((1, 2)) for number in range(len(CLASS_NAMES))], 1)
    red, nir = (tiles.images[:, BANDS.index(name)] for name in ("red", "nir"))
    ndvi = (nir - red) / np.maximum(nir + red, _LEAST)
    green = [
        np.median(values[labels == 0]) if (labels == 0).any() else 0
        for values, labels in zip(ndvi, tiles.labels, strict=True)
    ]
    return (shares[:, 0] > 0.05) & (shares[:, 2] > 0.1) & (np.array(green) > 0.6)


def windows(image: Array, labels: NDArray[np.uint8], number: int) -> Array:
    """Return the windows of 3 × 3 pixels that are all of a class: (windows, bands, 9), logarithms."""
    pure = (sliding_window_view(labels, (3, 3)) == number).all((2, 3))
    bright = (image > 0).all(0)
    pure &= sliding_window_view(bright, (3, 3)).all((2, 3))
    logarithms = np.log(np.maximum(image, _LEAST)).astype(float)
    found: Array = sliding_window_view(logarithms, (3, 3), (1, 2))[:, pure]
    return found.reshape(len(image), -1, 9).swapaxes(0, 1)


def of_one_place(parts: list[Array]) -> Array:
    """Return the windows of all tiles as if they were of one place: each tile's mean becomes the mean of all means.

    A scene has one season and one kind of soil; what differs between places must not differ between its fields.

    Parameters
    ----------
    parts
        Of each tile: (windows, bands, 9), logarithms.
    """
    enough = [part for part in parts if len(part) >= _FEW]
    means = [part.mean((0, 2), keepdims=True) for part in enough]
    return np.concatenate([part - mean for part, mean in zip(enough, means, strict=True)]) + np.mean(means, 0)


def surfaces(pixels: Array, count: int, rng: np.random.Generator) -> dict[str, Any]:
    """Return spectra of a class: ``count`` centres with their shares, spread around them, and texture.

    Parameters
    ----------
    pixels
        (windows, bands, 9), logarithms.
    count
        Number of centres.
    rng
        Draws the windows if there are many.
    """
    if len(pixels) > _MOST:
        pixels = pixels[rng.choice(len(pixels), _MOST, replace=False)]
    means = pixels.mean(2)
    clusters = KMeans(count, n_init=4, random_state=0).fit(means)
    centres = clusters.cluster_centers_
    red, nir = centres[:, BANDS.index("red")], centres[:, BANDS.index("nir")]
    order = np.argsort(red - nir)  # the greenest first
    rest = (pixels - means[..., None]).swapaxes(1, 2).reshape(-1, pixels.shape[1])
    return {
        "share": [round(float(np.mean(clusters.labels_ == number)), 3) for number in order],
        "reflectance": np.exp(centres[order].astype(float)).round(4).tolist(),
        "spread": loadings(np.cov((means - centres[clusters.labels_]).T)),
        # The mean of nine pixels takes a ninth of the variance with it.
        "texture": loadings(np.cov(rest.T) * 9 / 8),
    }


def loadings(covariance: Array, count: int = 3) -> list[list[float]]:
    """Return the first principal components (components, bands), each as long as its standard deviation."""
    values, vectors = np.linalg.eigh(covariance)
    vectors = vectors * np.where(vectors.sum(0) < 0, -1, 1)
    strongest = np.argsort(-values)[:count]
    found: list[list[float]] = (vectors[:, strongest] * np.sqrt(np.maximum(values[strongest], 0))).T.round(4).tolist()
    return found


def grain(folder: Path) -> list[list[float]]:
    """Return the components of what single pixels of 10 m differ from the mean of their surroundings."""
    parts = []
    for scene in read_scenes(folder):
        if scene.size < 15:
            everywhere = np.zeros(scene.image.shape[1:], np.uint8)
            pixels = windows(scene.image, everywhere, 0)[::7]
            spread = pixels.std(2).mean(1)
            # Edges of fields and roads are not grain: the calmer half of the windows.
            calm = pixels[spread < np.median(spread)]
            parts.append((calm - calm.mean(2, keepdims=True)).swapaxes(1, 2).reshape(-1, len(BANDS)))
    return loadings(np.mean([np.cov(part.T) for part in parts], 0) * 9 / 8)


def main() -> None:
    """Write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tiles", type=Path)
    parser.add_argument("scenes", type=Path)
    options = parser.parse_args()
    tiles, rng = Tiles.read(options.tiles), np.random.default_rng(0)
    chosen = chosen_tiles(tiles)
    table: dict[str, Any] = {
        "source": SOURCE.format(tiles=int(chosen.sum()), places=len(np.unique(tiles.places[chosen])), all=len(chosen)),
        "attribution": ATTRIBUTION,
        "bands": BANDS,
        "classes": {},
        "grain": grain(options.scenes),
    }
    for number, name in enumerate(CLASS_NAMES):
        use = np.ones_like(chosen) if name == "bare" else chosen
        parts = [windows(*pair, number) for pair in zip(tiles.images[use], tiles.labels[use], strict=True)]
        table["classes"][name] = surfaces(of_one_place(parts), SURFACES[name], rng)
    TABLE.write_text(json.dumps(table, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
