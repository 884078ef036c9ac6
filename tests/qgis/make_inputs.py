"""Makes inputs of the tests under QGIS from the demo's scene: make_inputs.py DEMO_FOLDER TARGET. Python with geoseg."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import numpy as np
import rasterio
from rasterio.windows import Window

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "qgis_plugin"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "models"))
from sam_graphs import write_decoder, write_encoder
from stand_in import stand_in_wheel

SIDE = 700
UNNAMED_SIDE = 300
SMALL_SIDE = 320


def _cut(source: Path, target: Path, side: int, *, named: bool = True, dtype: str | None = None) -> None:
    """Write the upper left part of a scene; ``named=False`` drops names and scales of bands, which many files lack."""
    with rasterio.open(source) as file:
        data = file.read(window=Window(0, 0, side, side))
        profile = {**file.profile, "width": side, "height": side, "dtype": dtype or file.profile["dtype"]}
        with rasterio.open(target, "w", **profile) as out:
            out.write(data.astype(profile["dtype"]))
            if named:
                out.descriptions, out.scales, out.offsets = file.descriptions, file.scales, file.offsets


def _other_units(source: Path, target: Path) -> None:
    """Reflectance × 65,535, which nothing in the file says."""
    with rasterio.open(source) as file:
        data = file.read(window=Window(0, 0, UNNAMED_SIDE, UNNAMED_SIDE))
        profile = {**file.profile, "width": UNNAMED_SIDE, "height": UNNAMED_SIDE, "dtype": "uint16"}
        with rasterio.open(target, "w", **profile) as out:
            out.write(np.clip(data * file.scales[0] * 65535, 0, 65535).round().astype("uint16"))
            out.descriptions = file.descriptions


def _photo(source: Path, target: Path) -> None:
    """Red, green and blue in 8 bits: an aerial photo."""
    with rasterio.open(source) as file:
        data = file.read((3, 2, 1), window=Window(0, 0, UNNAMED_SIDE, UNNAMED_SIDE)) * file.scales[0]
        profile = {**file.profile, "width": UNNAMED_SIDE, "height": UNNAMED_SIDE, "dtype": "uint8", "count": 3}
        profile.update(nodata=None, photometric="RGB")
        with rasterio.open(target, "w", **profile) as out:
            out.write(np.clip(data / 0.25 * 255, 1, 255).astype("uint8"))


def _in_geopackage(source: Path, target: Path) -> None:
    with rasterio.open(source) as file:
        profile = {**file.profile, "driver": "GPKG"}
        for name in ("tiled", "blockxsize", "blockysize", "interleave", "photometric", "compress"):
            profile.pop(name, None)
        with rasterio.open(target, "w", **profile, RASTER_TABLE="photo", TILE_FORMAT="PNG") as out:
            out.write(file.read())


def _later(source: Path, target: Path) -> None:
    """The small scene at a later date: a part of it looks like another one, and the sensor was moved by no pixel."""
    with rasterio.open(source) as file:
        data = file.read(window=Window(0, 0, SIDE, SIDE))
        later = data[:, :SMALL_SIDE, :SMALL_SIDE].copy()
        later[:, 100:220, 100:220] = data[:, 520:640, 520:640]
        with rasterio.open(target, "w", **{**file.profile, "width": SMALL_SIDE, "height": SMALL_SIDE}) as out:
            out.write(later)
            out.descriptions, out.scales, out.offsets = file.descriptions, file.scales, file.offsets


def _black_border(source: Path, target: Path) -> None:
    """A scene whose border is 0 without being declared so."""
    with rasterio.open(source) as file:
        data = file.read(window=Window(0, 0, UNNAMED_SIDE, UNNAMED_SIDE))
        data[:, :, :60] = 0
        profile = {**file.profile, "width": UNNAMED_SIDE, "height": UNNAMED_SIDE, "nodata": None}
        with rasterio.open(target, "w", **profile) as out:
            out.write(data)
            out.descriptions, out.scales, out.offsets = file.descriptions, file.scales, file.offsets


def _model(folder: Path, bands: tuple[str, ...] = ()) -> None:
    """A network that can be trained further: small, and only its plumbing is of interest here.

    With ``bands`` it takes those, of 8 bits; else what the bundled models take.
    """
    import segmentation_models_pytorch as smp
    import torch

    from geoseg.models import BandSpec, ModelCard, load_model, save_model

    torch.manual_seed(0)
    build = {"decoder_channels": [16, 16, 8, 8, 8]}
    spectral = load_model("spectral").card
    specs = tuple(BandSpec(name=name) for name in bands) or spectral.bands
    module = smp.create_model(
        "unet", encoder_name="mobilenet_v2", encoder_weights=None, in_channels=len(specs), classes=6, **build
    )
    card = ModelCard(
        name=folder.name,
        title="Small network for tests",
        architecture="unet",
        bands=specs,
        classes=spectral.classes,
        value_range=(0, 255) if bands else spectral.value_range,
        resolution=None if bands else spectral.resolution,
    )
    save_model(folder, card, module, arch="unet", encoder="mobilenet_v2", **build)


def _town(target: Path) -> None:
    """Houses and a pond in flat colours, and a tiny click model that outlines by colour."""
    import os

    from geoseg.models.imports import add_model

    values = np.empty((3, 96, 128), np.uint8)
    values[:] = np.reshape((90, 110, 60), (3, 1, 1))
    for (top, bottom, left, right), colour in (
        ((8, 24, 12, 32), (200, 60, 50)),
        ((8, 24, 40, 52), (200, 60, 50)),
        ((64, 88, 72, 120), (30, 60, 160)),
    ):
        values[:, top:bottom, left:right] = np.reshape(colour, (3, 1, 1))
    with rasterio.open(
        target / "town.tif", "w", driver="GTiff", width=128, height=96, count=3, dtype="uint8", crs="EPSG:32631",
        transform=rasterio.Affine(10, 0, 500_000, 0, -10, 5_000_000), photometric="RGB",
    ) as file:  # fmt: skip
        file.write(values)
    os.environ["GEOSEG_MODELS"] = str(target / "models")
    pair = write_encoder(target / "sam_encoder.onnx"), write_decoder(target / "sam_decoder.onnx")
    add_model(pair[0], "sam", decoder=pair[1], overwrite=True)


def _objects(scene: Path, target: Path) -> None:
    """Patches of two classes as objects: how a model for objects finds them is tested elsewhere."""
    import geoseg

    target.parent.mkdir()
    geoseg.detect(scene, "spectral", path=target, classes=["tree", "water"], min_area=1000.0, score=0.0)


def main(demo: Path, target: Path) -> None:
    target.mkdir(parents=True, exist_ok=True)
    scene = next(path for path in demo.glob("*.tif") if not path.stem.endswith(("_classes", "_confidence", "_truth")))
    _cut(scene, target / "scene.tif", SIDE)
    shutil.copyfile(scene, target / "big scene.tif")
    _cut(scene, target / "small scene.tif", SMALL_SIDE)
    _later(scene, target / "later scene.tif")
    _cut(scene, target / "unnamed bands.tif", UNNAMED_SIDE, named=False)
    _other_units(scene, target / "other units.tif")
    _photo(scene, target / "photo.tif")
    _in_geopackage(target / "photo.tif", target / "raster.gpkg")
    _black_border(scene, target / "black border.tif")
    with rasterio.open(target / "scene.tif") as file:
        blue, nir = file.read(1), file.read(4)
    assert np.mean(nir) > np.mean(blue) > 0
    _model(target / "models" / "small")
    _model(target / "photo", ("red", "green", "blue"))
    _town(target)
    _objects(target / "small scene.tif", target / "objects" / "small scene_objects.gpkg")
    stand_in_wheel(target / "wheels")
    print(f"inputs in {target}: {sorted(path.name for path in target.iterdir())}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
