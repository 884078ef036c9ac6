"""Small scenes whose right answer is known."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import rasterio

NAMES = ("blue", "green", "red", "nir")
# Stored values of three classes in four bands.
SPECTRA = np.array([[300, 500, 400, 3000], [900, 1000, 1200, 1500], [500, 400, 200, 100]], np.uint16)
# The smallest encoder that smp has; a test trains it for seconds.
ENCODER = "tu-mobilenetv3_small_050"


@pytest.fixture(scope="module", autouse=True)
def _one_thread():
    """Tiny networks gain nothing from a second thread, and on a busy machine threads wait for one another."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def write():
    """Write bands (n, h, w) as GeoTIFF: ``write(path, data, names=…, **profile)``."""

    def make(path: Path, data, names=(), **profile) -> Path:
        data = data if data.ndim == 3 else data[None]
        count, height, width = data.shape
        profile = {
            "driver": "GTiff", "count": count, "height": height, "width": width, "dtype": data.dtype,
            "crs": "EPSG:32633", "transform": rasterio.Affine(10, 0, 500000, 0, -10, 5400000), **profile,
        }  # fmt: skip
        path.parent.mkdir(parents=True, exist_ok=True)
        with rasterio.open(path, "w", **profile) as file:
            file.write(data)
            for number, name in enumerate(names, 1):
                file.set_band_description(number, name)
        return path

    return make


@pytest.fixture(scope="session")
def place(tmp_path_factory, write):
    """An image of 256 × 192 px with three classes in patches, and its class raster."""
    folder = tmp_path_factory.mktemp("place")
    rng = np.random.default_rng(3)
    classes = np.kron(rng.integers(0, 3, (16, 12)), np.ones((16, 16), int)).astype(np.uint8)
    bands = np.moveaxis(SPECTRA[classes], -1, 0) + rng.integers(0, 80, (4, *classes.shape), dtype=np.uint16)
    image = write(folder / "scene.tif", bands, NAMES, nodata=0)
    labels = write(folder / "labels.tif", classes, nodata=255)
    return SimpleNamespace(folder=folder, image=image, labels=labels, classes=classes, bands=bands)


@pytest.fixture(scope="session")
def polygons(place):
    """The same labels as polygons: ``class_name``, ``class_id`` and ``zone`` of 64 px squares."""
    import geopandas as gpd
    from rasterio.features import shapes
    from shapely.geometry import shape

    transform = rasterio.Affine(10, 0, 500000, 0, -10, 5400000)
    zone = np.kron(np.arange(12).reshape(4, 3), np.ones((64, 64), int))
    both = (zone * 3 + place.classes).astype(np.int32)
    rows = [(int(v) % 3, int(v) // 3, shape(g)) for g, v in shapes(both, transform=transform)]
    names = ("wood", "field", "water")
    frame = gpd.GeoDataFrame(
        {"class_id": [r[0] for r in rows], "class_name": [names[r[0]] for r in rows], "zone": [r[1] for r in rows]},
        geometry=[r[2] for r in rows],
        crs="EPSG:32633",
    )
    path = place.folder / "labels.gpkg"
    frame.to_file(path)
    return SimpleNamespace(path=path, frame=frame, names=names)


class Heard:
    """A reporter that remembers."""

    def __init__(self) -> None:
        self.events: list[tuple[str, object]] = []

    def start(self, **facts) -> None:
        self.events.append(("start", facts))

    def progress(self, done, total, message) -> None:
        self.events.append(("progress", (done, total, message)))

    def info(self, message) -> None:
        self.events.append(("info", message))

    def warning(self, message) -> None:
        self.events.append(("warning", message))

    def result(self, **facts) -> None:
        self.events.append(("result", facts))

    def summary(self, **facts) -> None:
        self.events.append(("summary", facts))

    def error(self, kind, message) -> None:
        self.events.append(("error", message))

    def all(self, kind: str) -> list:
        return [event for name, event in self.events if name == kind]


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture(scope="session")
def hearing():
    """Make a reporter that remembers, for fixtures of a wider scope."""
    return Heard


@pytest.fixture(scope="session")
def small():
    """Options of a training of a second or two."""
    return {
        "encoder": ENCODER, "window": 64, "batch": 4, "windows": 8, "epochs": 2, "device": "cpu", "workers": 2,
        "lr": 3e-3, "block_size": 640.0,
    }  # fmt: skip
