"""The files that README and guides call the user's own, made of the demo's scene and drawn shapes."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np

from geoseg.classes import LAND_COVER, MapClass

ROOT = Path(__file__).resolve().parents[1]
BUNDLED = ROOT / "geoseg" / "models" / "bundled"
BANDS = ("B02", "B03", "B04", "B08", "B11", "B12")


def make_desk(folder: Path) -> None:
    """Make what several pages speak of in a folder with the demo's results."""
    demo = folder / "geoseg_demo"
    for name in ("scene", "another_scene", "a", "b", "A", "B", "2020", "2025", "wood"):
        shutil.copy(demo / "demo.tif", folder / f"{name}.tif")
    for name in ("truth", "A_labels", "B_labels"):
        shutil.copy(demo / "demo_truth.tif", folder / f"{name}.tif")
    for place, files in {
        "scenes": ("a_20240601", "a_20240701"), "more": ("c",), "july": ("d",), "images": ("a",),
    }.items():  # fmt: skip
        (folder / place).mkdir()
        for name in files:
            shutil.copy(demo / "demo.tif", folder / place / f"{name}.tif")
    (folder / "labels").mkdir()
    for name in ("a", "a_20240601", "a_20240701"):
        shutil.copy(demo / "demo_truth.tif", folder / "labels" / f"{name}.tif")
    (folder / "list.txt").write_text("scenes/a_20240601.tif\nscenes/a_20240701.tif\n", "utf-8")
    _write_bands(folder)
    _draw(folder)
    # Models of the reader's own: rules, whose classes a page may name as it likes, and networks.
    for name in ("houses", "tanks", "my-sketch", "mine"):
        shutil.copytree(BUNDLED / "spectral", folder / name)
    shutil.copytree(BUNDLED / "landcover", folder / "other")
    _big(folder / "big")


def _big(folder: Path) -> None:
    """A network of segmentation-models-pytorch with the classes of ``landcover``, which can be pruned; untrained."""
    from geoseg.models import load_model, save_model
    from geoseg.models.build import build_architecture
    from geoseg.train.compress.distillation import student
    from geoseg.train.compress.options import CompressOptions

    options = CompressOptions(distil=("landcover",), encoder="tu-mobilenetv3_small_050")
    card = student(load_model("landcover"), options).card
    save_model(folder, card, build_architecture(card))


def lay_out(folder: Path, page: str) -> dict[str, object]:
    """Put away what earlier pages made, make what this one alone speaks of; return the names that its Python knows."""
    import geoseg

    for name in ("results", "land.gpkg", "crops", "quality.json", "quality.png", "quality.html", "changes", "out",
                 "my_model", "report.json", "report.png", "report.html"):  # fmt: skip
        path = folder / name
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
    shutil.copy(folder / "geoseg_demo" / "demo.tif", folder / "scene.tif")
    if page != "docs/models.md":
        shutil.copytree(BUNDLED / "landcover", folder / "my_model")
    make = {
        "README.md": _years, "docs/rasters.md": _coarse,
        "docs/objects.md": _town, "docs/inputs.md": _sensors, "docs/evaluate.md": _trees,
        "docs/polygons.md": _results, "docs/change.md": _years, "docs/train.md": _heights, "docs/cluster.md": _results,
    }.get(page)  # fmt: skip
    if make is not None:
        make(folder)
    scene = folder / "scene.tif"
    return {"geoseg": geoseg, "paths": [scene, folder / "a.tif"], "array": geoseg.open_raster(scene).to_xarray()}


def _write_bands(folder: Path) -> None:
    """Write each band of the scene as a file of its own, in units that --scale 1/10000 undoes."""
    import rasterio

    with rasterio.open(folder / "scene.tif") as scene:
        profile = {**scene.profile, "count": 1}
        for number, name in enumerate(BANDS, 1):
            with rasterio.open(folder / f"{name}.tif", "w", **profile) as file:
                file.write(scene.read(number), 1)


def _draw(folder: Path) -> None:
    """Write some large polygons of each class, as a person would draw them."""
    import geoseg

    polygons = geoseg.polygonize(folder / "truth.tif")
    largest = polygons.sort_values("area_m2", ascending=False).groupby("class_name").head(6)
    for name in ("few", "more", "labels", "corrections", "few_july"):
        largest[["class_name", "geometry"]].to_file(folder / f"{name}.gpkg")
    for name in ("fields", "crops"):
        largest.assign(crop=largest.class_name)[["crop", "geometry"]].to_file(folder / f"{name}.gpkg")


def _results(folder: Path) -> None:
    """Maps of an earlier run."""
    (folder / "results").mkdir(exist_ok=True)
    for kind in ("classes", "confidence"):
        for name in ("scene", "2020", "2025"):
            for place in (folder, folder / "results"):
                shutil.copy(folder / "geoseg_demo" / f"demo_{kind}.tif", place / f"{name}_{kind}.tif")


def _years(folder: Path) -> None:
    """Two maps that differ in a corner, and how likely each class becomes another."""
    import rasterio

    _results(folder)
    names = [item.name for item in LAND_COVER]
    rows = [[0.95 if one == other else 0.01 for other in names] for one in names]
    lines = [",".join(["", *names]), *(",".join(map(str, [name, *row])) for name, row in zip(names, rows, strict=True))]
    (folder / "moves.csv").write_text("\n".join(lines) + "\n", "utf-8")
    for path in (folder / "2025_classes.tif", folder / "results" / "2025_classes.tif"):
        with rasterio.open(path) as file:
            profile, tags, colors, classes = file.profile, file.tags(), file.colormap(1), file.read(1)
            tags_of_band = file.tags(1)
        classes[100:160, 100:160] = 3
        with rasterio.open(path, "w", **{**profile, "driver": "GTiff"}) as file:
            file.write(classes, 1)
            file.update_tags(**tags)
            file.update_tags(1, **tags_of_band)
            file.write_colormap(1, colors)


def _coarse(folder: Path) -> None:
    """A mosaic of a country in degrees, a composite, and the two halves of a place."""
    import rasterio

    shutil.copy(folder / "scene.tif", folder / "composite.tif")
    (folder / "tiles").mkdir(exist_ok=True)
    with rasterio.open(folder / "scene.tif") as scene:
        data, profile, names, scales = scene.read(), scene.profile, scene.descriptions, scene.scales
    half = data.shape[2] // 2
    for number, part in enumerate((data[..., :half], data[..., half:])):
        moved = profile["transform"] * rasterio.Affine.translation(number * half, 0)
        own = {**profile, "driver": "GTiff", "width": half, "transform": moved}
        for name in ("ortho", "tiles/ortho"):
            with rasterio.open(folder / f"{name}_{number}.tif", "w", **own) as file:
                file.write(part)
                file.descriptions, file.scales = names, scales
    # 0.02 degrees a pixel.
    profile |= {"crs": "EPSG:4326", "transform": rasterio.Affine(0.02, 0, 5, 0, -0.02, 49), "driver": "GTiff"}
    with rasterio.open(folder / "big.tif", "w", **profile) as file:
        file.write(data)
        file.descriptions, file.scales = names, scales
    import rasterio.shutil

    rasterio.shutil.copy(folder / "big.tif", folder / "big.vrt", driver="VRT")


def _town(folder: Path) -> None:
    """Aerial pictures of houses, their footprints, and marked trees."""
    import geopandas as gpd
    import rasterio
    import shapely
    from odc.geo.geobox import GeoBox

    from geoseg.tiling import Box
    from geoseg.write import CogSink

    (folder / "town").mkdir(exist_ok=True)
    (folder / "plots").mkdir(exist_ok=True)
    rng = np.random.default_rng(0)
    image = rng.integers(60, 120, (4, 256, 256), dtype=np.uint8)
    corners = [(x, y) for x in range(16, 240, 32) for y in range(16, 240, 32)]
    for x, y in corners:
        image[:, y : y + 14, x : x + 18] += 90
    transform = rasterio.Affine(0.5, 0, 500_000, 0, -0.5, 5_400_000)
    profile: dict[str, Any] = {
        "driver": "GTiff", "width": 256, "height": 256, "count": 4, "dtype": "uint8", "crs": "EPSG:32633",
        "transform": transform,
    }  # fmt: skip
    shutil.copy(folder / "geoseg_demo" / "demo.tif", folder / "port.tif")
    for name in ("town/a", "town/b", "city", "scene", "wood", "plots/a"):
        with rasterio.open(folder / f"{name}.tif", "w", **profile) as file:
            file.write(image)
            file.descriptions = ("red", "green", "blue", "nir")
    outlines = [shapely.box(*(transform * (x, y + 14)), *(transform * (x + 18, y))) for x, y in corners]
    frame = gpd.GeoDataFrame({"class_name": ["house"] * len(outlines)}, geometry=outlines, crs="EPSG:32633")
    classes = (MapClass(0, "ground", "#b79a7d"), MapClass(1, "building", "#d63a2f"))
    with CogSink(folder / "classes.tif", GeoBox((256, 256), transform, "EPSG:32633"), classes=classes,
                 overwrite=True) as sink:  # fmt: skip
        sink.write(Box(0, 0, 256, 256), (image[0] > 149).astype(np.uint8))
    frame.to_file(folder / "footprints.gpkg")
    frame.to_file(folder / "surveyed.gpkg")
    boxes = "".join(
        f"<object><name>tree</name><bndbox><xmin>{x}</xmin><ymin>{y}</ymin><xmax>{x + 18}</xmax>"
        f"<ymax>{y + 14}</ymax></bndbox></object>"
        for x, y in corners
    )
    (folder / "plots" / "a.xml").write_text(
        f"<annotation><filename>a.tif</filename><size><width>256</width><height>256</height><depth>4</depth></size>"
        f"{boxes}</annotation>",
        "utf-8",
    )


def _trees(folder: Path) -> None:
    """Objects found and surveyed, and a cadastre."""
    import geopandas as gpd

    _results(folder)
    _town(folder)
    found = gpd.read_file(folder / "footprints.gpkg").assign(score=0.9)
    for name in ("trees.gpkg", "surveyed_trees.gpkg"):
        found.to_file(folder / name)
    moved = found.set_crs(32633, allow_override=True).translate(-110_500, 420_500)
    frame = gpd.GeoDataFrame({"kind": ["house", "garage"] * len(moved)}, geometry=[*moved, *moved], crs="EPSG:32633")
    frame.drop_duplicates("geometry").to_file(folder / "cadastre.gpkg")
    gpd.GeoDataFrame(
        {"class_name": ["house"] * len(moved), "score": [0.9] * len(moved)}, geometry=list(moved), crs="EPSG:32633"
    ).to_parquet(folder / "houses.parquet")
    fields = gpd.read_file(folder / "few.gpkg").rename(columns={"class_name": "crop"})
    for kind, number in (("wheat", 0), ("barley", 1), ("unknown", 2)):
        fields.loc[fields.index[fields.crop.isin(["crop"])][number : number + 1], "crop"] = kind
    fields[["crop", "geometry"]].to_file(folder / "fields.gpkg")


def _sensors(folder: Path) -> None:
    """Sensors and dates of one place, and a change."""
    import rasterio

    for place in ("S2", "S1", "old", "new", "change"):
        (folder / place).mkdir(exist_ok=True)
    names = [
        "S2",
        "S2/a",
        "S2/2023-04-01",
        "S2/2023-07-01",
        "S2/2024-04-01",
        "S2/2024-07-01",
        "old",
        "new",
        "old/a",
        "new/a",
    ]
    for name in names:
        shutil.copy(folder / "scene.tif", folder / f"{name}.tif")
    with rasterio.open(folder / "scene.tif") as scene:
        profile, data = scene.profile, scene.read(1)
    with rasterio.open(folder / "truth.tif") as file:
        changed = np.where(file.read(1) == 3, 1, 0).astype(np.uint8)
    for name, kind in (("S1", "vv"), ("S1/a", "vv"), ("dem", "elevation")):
        with rasterio.open(folder / f"{name}.tif", "w", **{**profile, "count": 1}) as file:
            file.write(data, 1)
            file.set_band_description(1, kind)
    held = folder / "held"  # another place, as far as the demo has one
    for place in ("S2", "S1"):
        shutil.copytree(folder / place, held / place, dirs_exist_ok=True)
    shutil.copy(folder / "labels.gpkg", held)
    for name in ("change", "change/a"):
        with rasterio.open(
            folder / f"{name}.tif", "w", **{**profile, "count": 1, "dtype": "uint8", "nodata": 255}
        ) as file:
            file.write(changed, 1)


def _heights(folder: Path) -> None:
    """Heights of a canopy."""
    import rasterio

    with rasterio.open(folder / "scene.tif") as scene:
        profile, data = scene.profile, scene.read(1)
    with rasterio.open(folder / "canopy_height.tif", "w", **{**profile, "count": 1, "dtype": "float32"}) as file:
        file.write((data / 100).astype(np.float32), 1)
