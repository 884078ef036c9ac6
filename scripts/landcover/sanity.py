"""Check of ``landcover`` without labels: how often its map contradicts the spectral indices of single pixels.

    PYTHONPATH=scripts python -m landcover.sanity SCENES [-m MODEL]

SCENES contains Sentinel-2 L2A scenes, one file per band. Prints one row per scene
and pixel size, and ends with status 1 where a limit is exceeded.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from geoseg.models import load_model
from geoseg.models.networks.landcover import BANDS
from landcover.data import CLASS_NAMES
from landcover.scenes import probabilities, read_scenes

if TYPE_CHECKING:
    from numpy.typing import NDArray

DRY_WATER, PALE_TREE, WET_WATER = 0.02, 0.02, 0.95
"""Largest share of water with MNDWI < −0.2 and of tree with NDVI < 0.2; least share of water where MNDWI > 0.3."""

# A share of fewer pixels than this says nothing.
_LEAST = 50


def shares(image: NDArray[np.float32], classes: NDArray[np.integer]) -> dict[str, float]:
    """Return the shares that the limits apply to; NaN where too few pixels are concerned.

    Parameters
    ----------
    image
        Reflectance (6, h, w), bands as in :data:`BANDS`; 0 without data.
    classes
        Classes (h, w).
    """
    green, red, nir, swir = (image[BANDS.index(name)] for name in ("green", "red", "nir", "swir16"))
    valid = (image > 0).all(0)
    with np.errstate(divide="ignore", invalid="ignore"):
        mndwi, ndvi = (green - swir) / (green + swir), (nir - red) / (nir + red)
    water, tree = (valid & (classes == CLASS_NAMES.index(name)) for name in ("water", "tree"))
    wet = valid & (mndwi > 0.3)

    def share(part: NDArray[np.bool_], whole: NDArray[np.bool_]) -> float:
        count = np.count_nonzero(whole)
        return float(np.count_nonzero(part & whole) / count) if count >= _LEAST else float("nan")

    return {
        "dry water": share(mndwi < -0.2, water),
        "pale tree": share(ndvi < 0.2, tree),
        "wet water": share(water, wet),
    }


def broken(found: dict[str, float]) -> list[str]:
    """Return the names of the limits that shares exceed."""
    limits = {"dry water": found["dry water"] > DRY_WATER, "pale tree": found["pale tree"] > PALE_TREE}
    return [name for name, over in (limits | {"wet water": found["wet water"] < WET_WATER}).items() if over]


def main() -> int:
    """Print the shares of every scene at every pixel size."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("scenes", type=Path)
    parser.add_argument("-m", "--model", default="landcover")
    options = parser.parse_args()
    net = load_model(options.model).module()
    failed = False
    for scene in read_scenes(options.scenes):
        for size in scene.sizes:
            image = scene.at(size)
            found = shares(image, probabilities(net, image).argmax(0).numpy())
            failed |= bool(broken(found))
            values = "  ".join(f"{name} {value:6.2%}" for name, value in found.items())
            sys.stdout.write(f"{scene.name[:32]:32}  {size:3.0f} m  {values}  {', '.join(broken(found)) or 'ok'}\n")
    return int(failed)


if __name__ == "__main__":
    raise SystemExit(main())
