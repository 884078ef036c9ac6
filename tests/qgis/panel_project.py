"""The panel's state in the project: qgis --code panel_project.py; see stage.py."""

from __future__ import annotations

import zipfile

from qgis.core import QgsProject, QgsVectorLayer
from qgis.PyQt.QtWidgets import QFormLayout
from qgis.utils import iface
from stage import INPUTS, OUT, add_raster, begin, checked, drawn, open_panel, shot, state, step


def story():
    add_raster(INPUTS / "small scene.tif")
    raster = add_raster(INPUTS / "other units.tif")
    panel = open_panel()
    yield checked(panel)
    panel.scene.models.setCurrentIndex(panel.scene.models.findData("spectral"))
    panel.scene.layers.setLayer(raster)
    panel.scene.details.scale.setText("1/65535")
    panel.scene.details.nodata.setText("0")
    panel.scene.check_soon()
    yield checked(panel)
    assert panel.scene.facts["model"] == "spectral"
    step("units stated")
    _choose_bands(panel)
    yield checked(panel)
    assert panel.scene.details.bands
    step("bands chosen")
    bands = panel.scene.details.bands
    panel.run.preview_seconds = 0.0
    iface.mapCanvas().setExtent(raster.extent())
    yield drawn()
    yield checked(panel)
    panel.run.preview_button.click()
    yield lambda: panel.run.preview_seconds
    step("preview")
    yield from preview_is_not_saved(panel)
    panel.run.folder.setFilePath(str(OUT / "results"))
    panel.run.run_button.click()
    yield lambda: not panel.run.running and panel.correct.corrections.result() is not None
    yield from own_layers_are_hidden(panel, raster)
    edited, labels = yield from _correct(panel)
    rows = _rows(panel)
    path = str(OUT / "saved.qgz")
    assert QgsProject.instance().write(path)
    assert QgsProject.instance().mapLayers()
    step("project saved")
    QgsProject.instance().clear()
    yield lambda: panel.scene.layer() is None
    assert not panel.result.isVisible()
    assert QgsProject.instance().read(path)
    yield checked(panel)
    assert panel.scene.layer().name() == "other units", panel.scene.layer().name()
    assert panel.scene.details.bands == bands
    assert panel.scene.details.scale.text() == "1/65535"
    assert panel.scene.details.nodata.text() == "0"
    assert panel.scene.model() == "spectral"
    assert panel.result.isVisible()
    assert _rows(panel) == rows
    assert panel.correct.corrections.count() == labels
    assert panel.correct.corrections.waiting() == edited
    panel.result.uncertain_button.click()
    yield panel.result.note.text
    assert panel.result.note.text().startswith("1 of "), panel.result.note.text()
    shot("restored")
    step("scene, units, model, table, uncertain polygons and corrections are back")
    state["numbers"]["labels, edited"] = [labels, edited]


def _choose_bands(panel) -> None:
    """Two bands swapped and swapped back: what the file says, but chosen by hand."""
    box = panel.scene.details.table.itemAt(0, QFormLayout.ItemRole.FieldRole).widget()
    index = box.currentIndex()
    box.setCurrentIndex(2 if index != 2 else 3)
    box.setCurrentIndex(index)


def _rows(panel) -> list[str]:
    table = panel.result.table
    return [table.item(row, column).text() for row in range(table.rowCount()) for column in range(4)]


def collected(panel):
    panel.correct.collect()
    yield lambda: not panel.correct._collecting


def _correct(panel):
    """Make labels of two edited polygons, then edit one more."""
    layer = panel.correct.corrections.result()
    field = layer.fields().indexOf("class_name")
    features = sorted(layer.getFeatures(), key=lambda feature: -feature["area_m2"])[:3]
    for group in (features[:2], features[2:]):
        layer.startEditing()
        for feature in group:
            other = "water" if feature["class_name"] != "water" else "tree"
            assert layer.changeAttributeValue(feature.id(), field, other)
        assert layer.commitChanges()
        if group == features[:2]:
            yield from collected(panel)
    labels = panel.correct.corrections.labels()
    assert isinstance(labels, QgsVectorLayer)
    return panel.correct.corrections.waiting(), panel.correct.corrections.count()


def preview_is_not_saved(panel):
    project = QgsProject.instance()
    (preview,) = [layer for layer in project.mapLayers().values() if layer.customProperty("geoseg/preview")]
    identifier, source = preview.id(), preview.source()
    path = OUT / "with_preview.qgz"
    assert project.write(str(path))
    with zipfile.ZipFile(path) as archive:
        text = "".join(archive.read(name).decode("utf-8") for name in archive.namelist() if name.endswith(".qgs"))
    assert "other units" in text
    assert identifier not in text, text[text.index(identifier) - 300 : text.index(identifier) + 100]
    assert source.rpartition("/")[0] not in text
    yield lambda: project.mapLayer(identifier) is not None
    assert project.layerTreeRoot().findLayer(identifier) is not None, "the preview is gone from the window"
    yield lambda: not project.isDirty()
    step("a saved project holds no preview; the window still shows it")


def own_layers_are_hidden(panel, raster):
    names = [panel.scene.layers.itemText(row) for row in range(panel.scene.layers.count())]
    assert sorted(names) == ["other units", "small scene"], names
    assert panel.scene.layer().id() == raster.id()
    add_raster(OUT / "results" / "other_units_classes.tif", "added by hand")
    names = [panel.scene.layers.itemText(row) for row in range(panel.scene.layers.count())]
    assert sorted(names) == ["other units", "small scene"], names
    yield lambda: True
    step("geoseg's own rasters are not offered")


begin(story)
