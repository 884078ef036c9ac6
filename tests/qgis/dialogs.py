"""Processing's own dialogs: which band is which, chosen from lists. qgis --code dialogs.py; see stage.py."""

from __future__ import annotations

import processing
from geoseg_qgis.algorithms.band_widget import BandsDialog, BandsWrapper, model_bands
from processing.gui.BatchAlgorithmDialog import BatchAlgorithmDialog
from processing.modeler.ModelerParametersDialog import ModelerParametersDialog
from qgis.core import (
    QgsApplication,
    QgsProcessingContext,
    QgsProcessingModelAlgorithm,
    QgsProcessingModelChildParameterSource,
    QgsProject,
)
from qgis.gui import QgsProcessingModelerParameterWidget
from qgis.PyQt.QtWidgets import QApplication, QFormLayout
from stage import INPUTS, OUT, add_raster, begin, checked, open_panel, step

NAMES = ["blue", "green", "red", "nir", "swir16", "swir22"]
ALL = ",".join(f"{name}={number}" for number, name in enumerate(NAMES, 1))


def story():
    scene = add_raster(INPUTS / "scene.tif", "named")
    unnamed = add_raster(INPUTS / "unnamed bands.tif", "unnamed")
    panel = open_panel()
    yield checked(panel)  # the models are known from here
    assert model_bands("", default=True) == NAMES
    assert model_bands("", default=False) == []
    assert model_bands(str(INPUTS / "photo"), default=True) == ["red", "green", "blue"]
    assert model_bands("nowhere", default=True) == []
    standard(scene, unnamed)
    training(scene)
    batch(scene, unnamed)
    models()
    as_text(unnamed)
    yield lambda: True


def _context() -> QgsProcessingContext:
    context = QgsProcessingContext()
    context.setProject(QgsProject.instance())
    return context


def _rows(table) -> list[tuple[str, list[str]]]:
    found = []
    for row in range(table.rowCount()):
        box = table.itemAt(row, QFormLayout.ItemRole.FieldRole).widget()
        name = table.itemAt(row, QFormLayout.ItemRole.LabelRole).widget().text()
        found.append((name, [box.itemText(place) for place in range(box.count())]))
    return found


def _choose(table, row: int, number: int) -> None:
    table.itemAt(row, QFormLayout.ItemRole.FieldRole).widget().setCurrentIndex(number)


def standard(scene, unnamed) -> None:
    """In the dialog of an algorithm the table follows raster and model, and writes the text."""
    for name in ("segment", "inspect"):
        dialog = processing.createAlgorithmDialog(f"geoseg:{name}", {})
        wrappers = dialog.mainWidget().wrappers
        bands = wrappers["BANDS"]
        assert isinstance(bands, BandsWrapper), bands
        context = _context()
        wrappers["INPUT"].setParameterValue([scene.id()], context)
        rows = _rows(bands.table)
        assert [row[0] for row in rows] == NAMES, rows
        assert rows[0][1] == ["(none)", *(f"{number} {name}" for number, name in enumerate(NAMES, 1))], rows[0]
        assert bands.table.text() == ALL, "bands of the same name are chosen"
        assert bands.value() == "", "nothing is written until the user chooses"
        wrappers["INPUT"].setParameterValue([unnamed.id()], context)
        assert _rows(bands.table)[0][1] == ["(none)", "1", "2", "3", "4", "5", "6"]
        for row in range(6):
            _choose(bands.table, row, row + 1)
        assert bands.edit.text() == ALL
        assert dialog.mainWidget().createProcessingParameters()["BANDS"] == ALL
        # A file that is not in the project, and a model folder.
        wrappers["INPUT"].setParameterValue([str(INPUTS / "photo.tif")], context)
        wrappers["MODEL_FOLDER"].setParameterValue(str(INPUTS / "photo"), context)
        assert [row[0] for row in _rows(bands.table)] == ["red", "green", "blue"]
        assert len(_rows(bands.table)[0][1]) == 4
        bands.setValue("red=3,green=2,blue=1")
        assert bands.table.text() == "red=3,green=2,blue=1"
        wrappers["INPUT"].setParameterValue([scene.id(), unnamed.id()], context)
        assert len(_rows(bands.table)[0][1]) == 13, "the bands of both rasters, one after the other"
        wrappers["INPUT"].setParameterValue([], context)
        assert "Choose a raster" in bands.note.text()
        dialog.resize(760, 700)
        wrappers["INPUT"].setParameterValue([unnamed.id()], context)
        wrappers["MODEL_FOLDER"].setParameterValue("", context)
        bands.setValue("blue=1,nir=4")
        dialog.show()
        QApplication.processEvents()
        dialog.grab().save(str(OUT / f"{name}.png"))
        dialog.close()
    step("dialogs of Segment and Inspect: bands from lists")


def training(scene) -> None:
    dialog = processing.createAlgorithmDialog("geoseg:train", {})
    wrappers, context = dialog.mainWidget().wrappers, _context()
    bands = wrappers["BANDS"]
    wrappers["INPUT"].setParameterValue([scene.id(), str(INPUTS / "small scene.tif")], context)
    assert "Without one" in bands.note.text(), bands.note.text()
    wrappers["FROM"].setParameterValue("landcover", context)
    assert [row[0] for row in _rows(bands.table)] == NAMES
    assert len(_rows(bands.table)[0][1]) == 7, "each raster is a scene of its own"
    dialog.show()
    QApplication.processEvents()
    dialog.grab().save(str(OUT / "train.png"))
    dialog.close()
    step("dialog of Train")


def batch(scene, unnamed) -> None:
    dialog = BatchAlgorithmDialog(QgsApplication.processingRegistry().algorithmById("geoseg:segment").create())
    panel = dialog.mainWidget()
    row = panel.wrappers[0]
    (bands,) = [wrapper for wrapper in row if isinstance(wrapper, BandsWrapper)]
    (rasters,) = [wrapper for wrapper in row if wrapper and wrapper.parameterDefinition().name() == "INPUT"]
    rasters.setParameterValue([unnamed.id()], _context())
    chosen = BandsDialog(bands._bands(), "blue=1", dialog)
    assert [name for name, _ in _rows(chosen.table)] == NAMES
    for place in range(6):
        _choose(chosen.table, place, place + 1)
    assert chosen.table.text() == ALL
    chosen.show()
    QApplication.processEvents()
    chosen.grab().save(str(OUT / "batch.png"))
    chosen.close()
    bands.setParameterValue(ALL, QgsProcessingContext())
    assert bands.parameterValue() == ALL
    dialog.close()
    step("batch mode: the table in a dialog of its own")


def models() -> None:
    """In the modeler the bands may be a text or an input of the model."""
    model = QgsProcessingModelAlgorithm("test", "test")
    algorithm = QgsApplication.processingRegistry().algorithmById("geoseg:segment").create()
    dialog = ModelerParametersDialog(algorithm, model)
    widget = (
        dialog.widget.widget.wrappers["BANDS"] if hasattr(dialog.widget, "widget") else dialog.widget.wrappers["BANDS"]
    )
    assert isinstance(widget, QgsProcessingModelerParameterWidget), widget
    widget.setWidgetValue(QgsProcessingModelChildParameterSource.fromStaticValue(ALL))
    source = widget.value()
    assert source.staticValue() == ALL
    dialog.close()
    step("the modeler")


def as_text(unnamed) -> None:
    """Scripts give the text as before."""
    found = processing.run("geoseg:inspect", {"INPUT": [unnamed], "BANDS": ALL, "SCALE": 0.0001})
    assert found["FITS"], found
    step("processing.run takes the text")


begin(story)
