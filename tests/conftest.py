"""Shared fixtures: real data, and small models whose right answer is known."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, settings

# Shared machines stall now and then: time limits per example would report that, not a defect. The examples are the same
# in each run: a change is judged by what it changes. `pytest --hypothesis-profile=random` draws others.
settings.register_profile("random", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("geoseg", settings.get_profile("random"), derandomize=True)
settings.load_profile("geoseg")


if "PYTEST_XDIST_WORKER" in os.environ:
    # Each test process computes on its share of the processors; threads of all of them would wait for one another.
    # Set before torch is imported.
    shared_by = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    os.environ.setdefault("OMP_NUM_THREADS", str(max((os.cpu_count() or 1) // shared_by, 1)))


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """Test processes of ``-n auto``: none where one file is asked for, or what needs the whole machine."""
    one_file = len(config.args) == 1 and not Path(config.args[0].partition("::")[0]).is_dir()
    alone = any(mark in config.option.markexpr.replace(f"not {mark}", "") for mark in ("benchmark", "slurm", "fuzz"))
    return 0 if one_file or alone else min(os.cpu_count() or 1, 4)


@pytest.fixture(scope="session", autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory):
    """Tests neither read nor change the user's calibrations and models."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GEOSEG_CACHE", str(tmp_path_factory.mktemp("cache")))
        patch.setenv("GEOSEG_MODELS", str(tmp_path_factory.mktemp("models")))
        yield


@pytest.fixture(scope="session")
def dask_workers():
    """A client of two worker processes with a thread each, shared by all tests that only need some cluster."""
    from distributed import Client, LocalCluster

    with (
        LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None, memory_limit=0
        ) as cluster,
        Client(cluster, set_as_default=False) as client,
    ):
        yield client


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of real rasters beside the repository; tests that need it skip where it is absent."""
    folder = Path(__file__).resolve().parents[2] / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"real rasters are not at {folder}")
    return folder


@pytest.fixture(scope="session")
def card():
    """Make a card for a test network: ``card("name", bands=2, classes=3, stride=1, margin=0)``."""
    from geoseg.classes import MapClass, default_color
    from geoseg.models import BandSpec, ModelCard

    def make(name: str, *, bands: int = 1, classes: int = 6, **fields) -> ModelCard:
        return ModelCard(
            name=name,
            architecture="test",
            bands=tuple(BandSpec(name=f"band{i + 1}") for i in range(bands)),
            classes=tuple(MapClass(i, f"class {i}", default_color(i)) for i in range(classes)),
            **fields,
        )

    return make


@pytest.fixture(scope="session")
def identity_model(card):
    """A model whose class is the pixel's value."""
    import torch

    from geoseg.models import Model

    class Identity(torch.nn.Module):
        def __init__(self, classes: int) -> None:
            super().__init__()
            self.register_buffer("values", torch.arange(classes, dtype=torch.float32).view(1, -1, 1, 1))

        def forward(self, x):
            return -20 * (x[:, :1] - self.values) ** 2

    def make(classes: int = 6, **fields):
        return Model(card("identity", classes=classes, **fields), module=Identity(classes))

    return make


@pytest.fixture(scope="session")
def neighbour_model(card):
    """A model whose class is the sum over its neighbourhood, modulo its classes: exact, and full of context."""
    import torch

    from geoseg.models import Model

    class Neighbours(torch.nn.Module):
        def __init__(self, radius: int, classes: int) -> None:
            super().__init__()
            self.classes = classes
            side = 2 * radius + 1
            self.sum = torch.nn.Conv2d(1, 1, side, padding=radius, bias=False)
            torch.nn.init.ones_(self.sum.weight)

        def forward(self, x):
            wanted = torch.remainder(self.sum(x).round(), self.classes)
            values = torch.arange(self.classes, dtype=torch.float32, device=x.device).view(1, -1, 1, 1)
            return -20 * (wanted - values) ** 2

    def make(radius: int = 2, classes: int = 5, **fields):
        return Model(card("neighbours", classes=classes, **fields), module=Neighbours(radius, classes))

    return make


@pytest.fixture(scope="session")
def scene():
    """Make a raster of whole numbers 0…5 on a UTM grid, as an ``xarray.DataArray`` (band, y, x)."""
    from affine import Affine
    from odc.geo.geobox import GeoBox
    from odc.geo.xr import xr_coords
    from xarray import DataArray

    def make(height: int, width: int, *, seed: int = 0, values: int = 6, nodata: float | None = None, array=None):
        if array is None:
            array = np.random.default_rng(seed).integers(0, values, (1, height, width), dtype=np.uint8)
        geobox = GeoBox((height, width), Affine(10, 0, 500000, 0, -10, 5400000), "EPSG:32633")
        attrs = {} if nodata is None else {"nodata": nodata}
        return DataArray(array, dims=("band", "y", "x"), coords=xr_coords(geobox), attrs=attrs)

    return make


BANDS = ("blue", "green", "red", "nir", "swir16", "swir22")

# Reflectance × 10,000 of one pixel each of tree, grass, crop, built, bare and water, in the order of BANDS.
SPECTRA = np.array(
    [
        [200, 400, 250, 2800, 1200, 500],
        [600, 900, 900, 2400, 2300, 1400],
        [400, 700, 450, 3800, 1900, 900],
        [1400, 1500, 1600, 2000, 2100, 1900],
        [1500, 2000, 2600, 3200, 3900, 3500],
        [500, 450, 250, 120, 60, 40],
    ],
    np.uint16,
)


@pytest.fixture(scope="session")
def reflectance():
    """Write a six-band reflectance GeoTIFF: ``reflectance(path, height, width, nodata=True)``; returns the path."""
    import rasterio

    def make(
        path: Path, height: int = 96, width: int = 128, *, seed: int = 0, nodata: bool = True, data=None, **profile
    ):
        generator = np.random.default_rng(seed)
        if data is None:
            patches = generator.integers(0, 6, (-(-height // 8), -(-width // 8)))
            which = np.kron(patches, np.ones((8, 8), int))[:height, :width]
            data = np.moveaxis(SPECTRA[which], -1, 0) + generator.integers(0, 60, (6, height, width), dtype=np.uint16)
            if nodata:
                data[:, : height // 4, : width // 4] = 0
        count, height, width = data.shape
        profile = {
            "driver": "GTiff",
            "height": height,
            "width": width,
            "count": count,
            "dtype": data.dtype,
            "crs": "EPSG:32633",
            "transform": rasterio.Affine(10, 0, 500000, 0, -10, 5400000),
            "tiled": True,
            "blockxsize": 64,
            "blockysize": 64,
            "compress": "deflate",
            "nodata": 0 if nodata else None,
            **profile,
        }
        path.parent.mkdir(parents=True, exist_ok=True)
        with rasterio.open(path, "w", **profile) as file:
            file.write(data)
            for number, name in zip(range(1, data.shape[0] + 1), BANDS, strict=False):
                file.set_band_description(number, name)
        return path

    return make


@pytest.fixture
def geoseg(capfd):
    """Run the command line in this process: ``code, stdout, stderr = geoseg("segment", …)``."""

    from geoseg.cli import _run

    def call(*arguments):
        try:
            code = _run([str(argument) for argument in arguments], debug=False)
        except SystemExit as end:
            code = end.code
        out, err = capfd.readouterr()
        assert "Traceback" not in err
        return code, out, err

    return call
