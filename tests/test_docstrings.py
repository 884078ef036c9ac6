"""Every public name has a runnable example, and it returns what it shows.

Examples run in a folder with small files, so that they read naturally:

=================  =====================================================================================
``scene.tif``      256 × 256 px, six bands of reflectance x 10,000 (blue … swir22), nodata 0
``labels.tif``     class raster on its pixels: 0 wood, 1 field, 2 water, 255 unlabelled
``few.gpkg``       some squares of these classes, drawn as polygons
``classes.tif``    a class map of the same classes, which agrees with ``reference.tif`` in 90 % of pixels
``reference.tif``  the reference for it
=================  =====================================================================================
"""

from __future__ import annotations

import doctest
import importlib
import importlib.util
import inspect
import io
import re
import shutil

import numpy as np
import pytest

PACKAGES = (
    "geoseg", "geoseg.change", "geoseg.demo", "geoseg.evaluate", "geoseg.job", "geoseg.models", "geoseg.polygonize",
    "geoseg.raster", "geoseg.train", "geoseg.write",
)  # fmt: skip

NAMES = {
    (value.__module__, value.__qualname__): value
    for package in PACKAGES
    for module in [importlib.import_module(package)]
    for name in module.__all__
    for value in [getattr(module, name)]
    if inspect.isclass(value) or inspect.isfunction(value)
}


def _has_example(value: object) -> bool:
    return re.search(r"^ *Examples\n *-{8}\n(?s:.*)>>>", inspect.getdoc(value) or "", re.MULTILINE) is not None


def test_public_names_have_examples():
    lacking = {f"{module}.{name}" for (module, name), value in NAMES.items() if not _has_example(value)}
    assert sorted(lacking) == []


@pytest.fixture(scope="module")
def prepared(tmp_path_factory, reflectance):
    """A folder with the files of the examples."""
    import geopandas as gpd
    from odc.geo.xr import wrap_xr
    from shapely.geometry import box

    import geoseg

    folder = tmp_path_factory.mktemp("examples")
    scene = reflectance(folder / "scene.tif", 256, 256)
    grid = geoseg.open_raster(scene).geobox
    rng = np.random.default_rng(0)
    reference = np.kron(rng.integers(0, 3, (32, 32)), np.ones((8, 8), int)).astype(np.uint8)
    flipped = np.arange(reference.size).reshape(reference.shape) % 10 == 0
    predicted = np.where(flipped, (reference + 1) % 3, reference).astype(np.uint8)
    names = {"class_names": ["wood", "field", "water"], "class_colors": ["#117733", "#ddcc77", "#3366aa"]}
    for name, values in (("labels", reference), ("reference", reference), ("classes", predicted)):
        geoseg.write_cog(wrap_xr(values, grid, **names), folder / f"{name}.tif")
    corners = [np.argwhere(reference[::8, ::8] == k)[-3:] * 8 for k in range(3)]
    t = grid.transform
    shapes = [box(*(t * (c + 1, r + 7)), *(t * (c + 7, r + 1))) for own in corners for r, c in own.tolist()]
    kinds = np.repeat(["wood", "field", "water"], 3)
    gpd.GeoDataFrame({"class": kinds}, geometry=shapes, crs="EPSG:32633").to_file(folder / "few.gpkg")
    return folder


@pytest.mark.parametrize(
    "value", [pytest.param(v, id=".".join(k)) for k, v in sorted(NAMES.items()) if _has_example(v)]
)
def test_examples(value, prepared, tmp_path, monkeypatch):
    if value.__module__.startswith("geoseg.train") and importlib.util.find_spec("lightning") is None:
        pytest.skip("lightning is not installed")
    folder = shutil.copytree(prepared, tmp_path / "examples")
    monkeypatch.chdir(folder)
    finder = doctest.DocTestFinder(exclude_empty=True)
    examples = [
        test for test in finder.find(value, value.__qualname__, importlib.import_module(value.__module__), globs={})
        if test.examples
    ]  # fmt: skip
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
    for test in examples:
        text = io.StringIO()
        assert not runner.run(test, out=text.write, clear_globs=True).failed, text.getvalue()
