"""Opened in QGIS with no plugin, outputs show names and colours. With QGIS's own Python: check_outputs.py FOLDER."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from qgis.core import (
    QgsApplication,
    QgsCategorizedSymbolRenderer,
    QgsPalettedRasterRenderer,
    QgsRasterLayer,
    QgsVectorLayer,
)


def check_raster(path: Path, classes: dict) -> None:
    layer = QgsRasterLayer(str(path), path.stem)
    assert layer.isValid(), f"QGIS cannot open {path}"
    assert layer.crs().isValid(), f"{path} has no CRS in QGIS"
    renderer = layer.renderer()
    assert isinstance(renderer, QgsPalettedRasterRenderer), f"{path} is drawn by {type(renderer).__name__}"
    shown = {entry.label: entry.color.name() for entry in renderer.classes()}
    for name, facts in classes.items():
        assert shown.get(name) == facts["color"], f"{path}: {name} is {shown.get(name)}, not {facts['color']}"
    print(f"{path.name}: {len(shown)} classes with names and colours, {layer.crs().authid()}")


def check_polygons(path: Path, classes: dict) -> None:
    layer = QgsVectorLayer(f"{path}|layername=polygons", path.stem, "ogr")
    assert layer.isValid(), f"QGIS cannot open {path}"
    fields = {field.name() for field in layer.fields()}
    assert {"class_id", "class_name", "area_m2", "confidence"} <= fields, fields
    renderer = layer.renderer()
    assert isinstance(renderer, QgsCategorizedSymbolRenderer), f"{path} is drawn by {type(renderer).__name__}"
    shown = {category.label(): category.symbol().color().name() for category in renderer.categories()}
    for name, facts in classes.items():
        assert shown.get(name) == facts["color"], f"{path}: {name} is {shown.get(name)}, not {facts['color']}"
    counted = sum(facts["polygons"] for facts in classes.values())
    assert layer.featureCount() == counted, f"{path}: {layer.featureCount()} features, the report says {counted}"
    assert not any(feature.geometry().isEmpty() for feature in layer.getFeatures())
    print(f"{path.name}: {counted} polygons, {len(shown)} classes with names and colours, {layer.crs().authid()}")


def main(folder: Path) -> None:
    QgsApplication.setPrefixPath("/usr", True)
    application = QgsApplication([], False)
    application.initQgis()
    reports = sorted(folder.glob("*_report.json"))
    assert reports, f"no report in {folder}"
    for path in reports:
        report = json.loads(path.read_text("utf-8"))
        name, classes = report["scene"]["name"], report["classes"]
        check_raster(folder / f"{name}_classes.tif", classes)
        confidence = QgsRasterLayer(str(folder / f"{name}_confidence.tif"), "confidence")
        assert confidence.isValid()
        check_polygons(folder / f"{name}_polygons.gpkg", classes)
    print("QGIS shows what it should")
    # QGIS crashes now and then while it tears itself down; everything is checked by here.
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    try:
        main(Path(sys.argv[1]))
    except BaseException as error:  # noqa: BLE001 - the exit code is the message
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        sys.stderr.flush()
        os._exit(1)
