"""Inspection: a scene compared with a model, errors included."""

from __future__ import annotations

import json

import numpy as np
import pytest

from geoseg.errors import ModelError
from geoseg.segment.inspection import inspect_scene
from geoseg.segment.plan import Options


def test_a_scene_that_fits(tmp_path, reflectance):
    found = inspect_scene(reflectance(tmp_path / "scene.tif", 64, 96), "spectral", {}, Options(window=32, block=32))
    assert found.fits
    facts = json.loads(json.dumps(found.as_dict()))
    assert (facts["scene"], facts["fits"], facts["run"]["windows"], facts["run"]["blocks"]) == ("scene", True, 6, 6)
    assert (facts["raster"]["height"], facts["raster"]["width"], facts["raster"]["crs"]) == (64, 96, "EPSG:32633")
    assert "error" not in facts
    assert "fits        model spectral" in found.as_text()


def test_options_that_make_a_scene_fit_are_suggested(tmp_path):
    import rasterio

    path = tmp_path / "scene.tif"
    with rasterio.open(path, "w", driver="GTiff", width=32, height=32, count=6, dtype="float32", crs="EPSG:32633",
                       transform=rasterio.Affine(10, 0, 5e5, 0, -10, 5.4e6)) as file:  # fmt: skip
        file.write(np.full((6, 32, 32), 0.3, np.float32))
        file.descriptions = ("blue", "green", "red", "nir", "swir16", "swir22")
    found = inspect_scene(path, "spectral", {}, Options())
    error = found.as_dict()["error"]
    assert not found.fits
    assert error["type"] == "ContractError"
    assert inspect_scene(path, "spectral", {"scale": error["mend"]["scale"]}, Options()).fits
    assert "'scene' does not fit model 'spectral'" in found.failure


def test_a_scene_that_cannot_be_read(tmp_path):
    (tmp_path / "bad.tif").write_text("no raster")
    found = inspect_scene(tmp_path / "bad.tif", "spectral", {}, Options())
    facts = found.as_dict()
    assert (facts["fits"], facts["error"]["mend"], "raster" in facts) == (False, {}, False)
    assert found.as_text() == ""
    assert found.failure == str(found.error)
    with pytest.raises(ModelError):
        inspect_scene(tmp_path / "bad.tif", "no such model", {}, Options())


def test_unnamed_bands_are_not_offered(tmp_path):
    import rasterio

    path = tmp_path / "scene.tif"
    with rasterio.open(path, "w", driver="GTiff", width=32, height=32, count=6, dtype="uint16", crs="EPSG:32633",
                       transform=rasterio.Affine(10, 0, 5e5, 0, -10, 5.4e6)) as file:  # fmt: skip
        file.write(np.full((6, 32, 32), 900, np.uint16))
    error = inspect_scene(path, "spectral", {}, Options()).as_dict()["error"]
    assert error["mend"] == {}
    assert "--bands blue=N,green=N" in error["message"]


def test_undeclared_fill_and_units_are_machine_readable(tmp_path, reflectance):
    """A program can offer "border = no data" and the likely units without reading messages."""
    import base64
    import io

    import rasterio
    from PIL import Image

    source = reflectance(tmp_path / "scene.tif", 128, 128)
    with rasterio.open(source) as file:
        data, profile, names = file.read() * 6, file.profile, file.descriptions
    data[:, :, :40] = 0
    path = tmp_path / "other.tif"
    profile.pop("nodata", None)
    with rasterio.open(path, "w", **profile) as file:
        file.write(data)
        file.descriptions = names
    found = inspect_scene(path, "spectral", {}, Options(), pictures=True).as_dict()
    assert found["fill"] == {"value": 0.0, "values": [0.0] * 6, "share": 0.3125, "where": "a sample of the scene",
                             "options": {"nodata": "0"}}  # fmt: skip
    assert inspect_scene(path, "spectral", found["fill"]["options"], Options()).as_dict()["fill"] is None
    units = json.loads(json.dumps(found["units"]))
    assert units["verdict"] in {"other", "uncertain"}
    assert sum(choice["given"] for choice in units["choices"]) == 1
    for choice in units["choices"]:
        assert choice["values"].keys() == set(found["needs"])
        picture = base64.b64decode(choice["picture"].removeprefix("data:image/png;base64,"))
        assert Image.open(io.BytesIO(picture)).size == (96, 96)
    # A statement of the user settles the matter: what is left is a warning at most.
    options = units["choices"][0]["options"]
    assert inspect_scene(path, "spectral", {**found["fill"]["options"], **options}, Options()).fits


def test_pictures_are_made_on_request_alone(tmp_path, reflectance):
    found = inspect_scene(reflectance(tmp_path / "scene.tif", 64, 96), "spectral", {}, Options()).as_dict()
    assert not any("picture" in choice for choice in found["units"]["choices"])


def scene_file(path, data, transform, crs="EPSG:32633", mask=None):
    import rasterio

    with rasterio.open(path, "w", driver="GTiff", width=data.shape[2], height=data.shape[1], count=len(data),
                       dtype=data.dtype, crs=crs, transform=rasterio.Affine(*transform)) as file:  # fmt: skip
        file.write(data)
        if mask is not None:
            file.write_mask(mask)
    return path


def test_fill_is_told_of_a_scene_that_does_not_fit(tmp_path):
    data = np.random.default_rng(0).integers(20, 200, (3, 40, 50)).astype(np.uint16)
    data[:, :, :10] = 0
    path = scene_file(tmp_path / "scene.tif", data, (10, 0, 5e5, 0, -10, 5.4e6))
    found = inspect_scene(path, "spectral", {}, Options())
    assert not found.fits
    assert any("20 % of a sample of the scene is 0" in note and "--nodata 0" in note for note in found.notes)
    assert not inspect_scene(path, "spectral", {"nodata": 0}, Options()).notes


def test_pixel_sides_units_and_masks_are_told(tmp_path):
    data, mask = np.full((1, 8, 8), 7, np.uint8), np.full((8, 8), 255, np.uint8)
    mask[0] = 0
    path = scene_file(tmp_path / "a.tif", data, (2e-4, 0, 1, 0, -1e-4, 50), "EPSG:4807", mask)
    text = inspect_scene(path, "spectral", {}, Options()).as_text()
    assert "pixel 0.0002 × 0.0001 grad" in text
    assert "masks       of the file" in text
    path = scene_file(tmp_path / "b.tif", data, (1e-4, 0, 1, 0, -1e-4, 50), "EPSG:4326")
    text = inspect_scene(path, "spectral", {}, Options()).as_text()
    assert "pixel 0.0001 °" in text
    assert "masks" not in text
