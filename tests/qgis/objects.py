"""Objects in the panel: counted, stepped through, corrected with QGIS's tools, labels, a model. See stage.py."""

from __future__ import annotations

import shutil

from clipping import check
from qgis.core import QgsGeometry, QgsPointXY, QgsProject, QgsRectangle, QgsVectorLayer
from qgis.utils import iface
from stage import INPUTS, OUT, add_raster, begin, drawn, open_panel, pause, state, step

UNCHECKED = "not checked"


def story():
    step("QGIS is up")
    panel = open_panel(300)
    raster = add_raster(INPUTS / "small scene.tif")
    iface.mapCanvas().setExtent(raster.extent())
    yield lambda: panel.scene.models.count() and panel.scene.facts.get("fits")
    objects = panel.objects
    assert objects.section.isCollapsed()
    assert objects.layer() is None
    path = OUT / "small scene_objects.gpkg"
    for name in (path.name, "small_scene_object_labels.gpkg"):
        (OUT / name).unlink(missing_ok=True)
    shutil.copyfile(INPUTS / "objects" / path.name, path)
    layer = QgsVectorLayer(str(path), "found", "ogr")
    assert layer.isValid()
    QgsProject.instance().addMapLayer(layer)
    yield lambda: objects._turns is None and objects.tally.number
    assert not objects.section.isCollapsed(), "objects open the section"
    counted(panel, layer)
    step("objects counted")
    yield from uncertain(panel, layer)
    yield from corrected(panel, layer)
    yield from labelled(panel, layer, raster)
    yield from trained(panel)
    yield from detection(panel, raster)


def rows(panel) -> dict[str, list[str]]:
    table = panel.objects.table
    cells = [[table.item(row, column).text() for column in range(3)] for row in range(table.rowCount())]
    return {name: texts for name, *texts in cells}


def counted(panel, layer) -> None:
    """The table says what the file says."""
    expected: dict[str, list[float]] = {}
    for feature in layer.getFeatures():
        expected.setdefault(feature["class_name"], []).append(feature["area_m2"])
    shown = rows(panel)
    assert set(shown) == set(expected) == {"tree", "water"}
    for name, areas in expected.items():
        assert shown[name][0] == f"{len(areas):,}", (shown, len(areas))
        assert abs(panel.objects.tally.classes[name].area / sum(areas) - 1) < 1e-3
    assert panel.objects.table.item(0, 0).data(1).name() != "#888888", "the colours of the style"


def uncertain(panel, layer):
    objects = panel.objects
    panel.area.ensureWidgetVisible(objects.section)
    scores = sorted((feature["score"], feature.id()) for feature in layer.getFeatures())
    for number in range(2):
        objects.next_button.click()
        (feature,) = layer.selectedFeatures()
        assert feature.id() == scores[number][1]
        assert objects.note.text().startswith(f"{number + 1} of "), objects.note.text()
        assert iface.mapCanvas().extent().contains(feature.geometry().boundingBox())
    assert iface.activeLayer() is layer
    yield pause(0.3)
    check(panel, "narrow_objects")
    assert layer.selectedFeatureCount() == 1
    step("the least certain objects, one after the other")


def corrected(panel, layer):
    """One is deleted, one is split, two become one, each with QGIS's tools."""
    objects, before = panel.objects, layer.featureCount()
    (victim,) = layer.selectedFeatures()
    objects.delete_button.click()
    assert layer.isEditable()
    assert layer.featureCount() == before - 1
    yield lambda: objects.tally.number == before - 1
    layer.undoStack().undo()
    assert layer.getFeature(victim.id()).isValid(), "deleting can be undone"
    layer.undoStack().redo()
    largest = max(layer.getFeatures(), key=lambda feature: feature.geometry().area())
    objects.split_button.click()
    assert iface.actionSplitFeatures().isChecked()
    box = largest.geometry().boundingBox()
    middle = box.center().x()
    layer.selectByIds([largest.id()])
    line = [QgsPointXY(middle, box.yMinimum() - 50), QgsPointXY(middle, box.yMaximum() + 50)]
    layer.beginEditCommand("split")  # as the tool does with the line that is drawn
    assert layer.splitFeatures(line) == 0
    layer.endEditCommand()
    parts = layer.featureCount() - (before - 1) + 1
    assert parts > 1
    yield lambda: objects.tally.number == layer.featureCount()
    areas = sum(one.area for one in objects.tally.classes.values())
    from geoseg_qgis.label_layer import measuring

    measure = measuring(layer)
    real = sum(measure.measureArea(feature.geometry()) for feature in layer.getFeatures())
    assert abs(areas / real - 1) < 1e-6, "the area of the parts, not twice that of the whole"
    layer.removeSelection()
    objects.merge_button.click()
    assert "Shift" in objects.note.text(), objects.note.text()
    assert iface.actionSelect().isChecked()
    objects.draw_button.click()
    assert iface.actionAddFeature().isChecked()
    iface.actionPan().trigger()
    yield pause(0.3)
    check(panel, "narrow_objects_edited")
    step("deleted and split; merging and drawing begin")


def labelled(panel, layer, raster):
    """What was looked at is labels; the rest is marked, and grows smaller with each place."""
    objects, canvas = panel.objects, iface.mapCanvas()
    whole = raster.extent()
    west = QgsRectangle(whole.xMinimum(), whole.yMinimum(), whole.center().x(), whole.yMaximum())
    east = QgsRectangle(whole.center().x(), whole.yMinimum(), whole.xMaximum(), whole.yMaximum())
    counts = []
    for part in ("view", "view", "all"):
        objects.checked.setCurrentIndex(objects.checked.findData(part))
        if part == "view":
            canvas.setExtent(east if counts else west)
        yield drawn()
        view = canvas.extent()
        objects.labels_button.click()
        yield lambda: not objects._busy
        labels = panel.correct.corrections.labels()
        assert labels is not None
        found = list(labels.getFeatures())
        masks = [one for one in found if one["class_name"] == UNCHECKED]
        seen = [one for one in layer.getFeatures() if one.geometry().intersects(QgsGeometry.fromRect(view))]
        assert not layer.isModified(), "the edits are saved"
        if part == "view" and not counts:
            assert len(masks) == 1
            assert found[0]["class_name"] == UNCHECKED, "objects lie above it"
            assert len(found) - 1 == len(seen), (len(found), len(seen))
            assert not masks[0].geometry().intersection(QgsGeometry.fromRect(west)).area() > 1e-3 * west.area()
        counts.append((len(found) - len(masks), sum(one.geometry().area() for one in masks)))
        assert panel.correct.corrections.count() == counts[-1][0]
    assert counts[1][0] >= counts[0][0]
    assert counts[1][1] < counts[0][1], counts
    assert counts[2] == (layer.featureCount(), 0), (counts, layer.featureCount())
    shapes = {one.geometry().asWkb().data() for one in labels.getFeatures()}
    expected = set()
    for one in layer.getFeatures():
        geometry = QgsGeometry(one.geometry())
        geometry.convertToMultiType()
        expected.add(geometry.asWkb().data())
    assert shapes == expected, "labels are the objects, as corrected"
    names = [one.name() for one in QgsProject.instance().mapLayers().values()]
    assert names.count("Labels") == 1, names
    state["numbers"]["labels, m² not looked at, after each place"] = counts
    step("objects are labels, in one step")


def trained(panel):
    """The button below trains a model that finds objects."""
    correct = panel.correct
    for field, value in ((correct.epochs, 1), (correct.window, 64), (correct.batch, 2)):
        field.setValue(value)
    name = correct.name.text()
    correct.tune_button.click()
    assert correct._session is not None
    yield lambda: correct._session is None
    yield lambda: panel.scene.model() == name
    from geoseg_qgis import settings

    yield lambda: any(card["name"] == name and card.get("objects") for card in settings.known_models())
    panel.area.ensureWidgetVisible(panel.objects.section)
    yield pause(0.2)
    check(panel, "narrow_objects_trained")
    step("a model that finds objects is trained and chosen")


def detection(panel, raster):
    """The algorithm's dialog comes with the raster and the model that are chosen."""
    panel.objects.detect_button.click()
    yield panel.objects.dialog.isVisible
    yield pause(0.3)
    values = panel.objects.dialog.getParameterValues() if hasattr(panel.objects.dialog, "getParameterValues") else {}
    values = values or panel.objects.dialog.createProcessingParameters()
    assert values.get("MODEL") == panel.scene.model(), values
    panel.objects.dialog.close()
    step("Detect opens with raster and model")


begin(story)
