"""Classes and drawings as a user makes them, for the scripts in a real QGIS window. Imported by them."""

from __future__ import annotations

import numpy as np
from geoseg_qgis.new_classes import NewClassesDialog
from osgeo import gdal
from qgis.core import QgsFeature, QgsGeometry, QgsProject, QgsRectangle
from qgis.utils import iface
from stage import watchdog

CELL = 16  # pixels a side of the places to draw
NAMES = ("dark", "bare", "sparse", "green")


class Places:
    """Places of each class in the scene, by the greenness and brightness of cells; each is drawn once."""

    def __init__(self, scene) -> None:
        self.box, self.pixel = scene.extent(), scene.rasterUnitsPerPixelX()
        bands = gdal.Open(scene.source()).ReadAsArray().astype(np.float32)
        side = bands.shape[1] // CELL
        cells = bands[:, : side * CELL, : side * CELL].reshape(len(bands), side, CELL, side, CELL)
        valid = (cells > 0).all((0, 2, 4))
        red, near = cells[2].mean((1, 3)), cells[3].mean((1, 3))
        green = np.where(valid, (near - red) / np.maximum(near + red, 1), np.nan)
        spread = cells[3].std((1, 3)) / np.maximum(near, 1)
        even = valid & (spread < np.nanquantile(np.where(valid, spread, np.nan), 0.6))
        cuts = np.nanquantile(green[even], (0.04, 0.2, 0.3, 0.55, 0.75))
        kinds = (green < cuts[0], (green > cuts[1]) & (green < cuts[2]), (green > cuts[3]) & (green < cuts[4]))
        rest = even & (green > cuts[4])
        rng = np.random.default_rng(0)
        self.left = {
            name: [tuple(cell) for cell in rng.permutation(np.argwhere(where & even))]
            for name, where in zip(NAMES, (*kinds, rest), strict=True)
        }

    def next(self, name: str) -> QgsRectangle:
        row, col = self.left[name].pop()
        west = self.box.xMinimum() + (col * CELL + 3) * self.pixel
        north = self.box.yMaximum() - (row * CELL + 3) * self.pixel
        return QgsRectangle(west, north - 10 * self.pixel, west + 10 * self.pixel, north)


def new_classes(sketch, path, names=NAMES):
    """Make a layer of new classes, and wait until it is open for drawing; returns it."""
    path.unlink(missing_ok=True)  # labels of an earlier run would be gone on with
    dialog = NewClassesDialog(iface.mainWindow(), str(path))
    while dialog.table.rowCount() < len(names):
        dialog.add_class()
    for row, name in enumerate(names):
        dialog.table.cellWidget(row, 0).setText(name)
    with watchdog.asleep():  # while the dialog is open, the event loop runs
        dialog.exec = lambda: True  # what the user would do
    sketch.new_classes(dialog)

    def open_for_drawing() -> bool:
        layer = sketch.labels.layer()
        there = layer is not None and layer.source().startswith(str(path)) and layer.isEditable()
        return there and iface.actionAddFeature().isChecked()

    yield open_for_drawing
    layer = sketch.labels.layer()
    assert iface.activeLayer() == layer
    assert QgsProject.instance().layerTreeRoot().children()[0].layerId() == layer.id(), "it lies at the top"
    return layer


def draw(layer, box, name: str) -> None:
    """Draw a polygon as QGIS's tool does: the class is the default of the field."""
    field = layer.fields().indexOf("class_name")
    feature = QgsFeature(layer.fields())
    geometry = QgsGeometry.fromRect(box)
    geometry.convertToMultiType()
    feature.setGeometry(geometry)
    feature["class_name"] = name or layer.defaultValue(field)
    with watchdog.asleep():
        assert layer.addFeature(feature)


def save(layer) -> None:
    """Save the edits; how long QGIS takes for that, on a slow disk, is not the plugin's doing."""
    with watchdog.asleep():
        assert layer.commitChanges(stopEditing=False), layer.commitErrors()
