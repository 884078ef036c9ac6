"""What only the user knows: units, borders, areas, edits, own classes, rendered layers. See stage.py."""

from __future__ import annotations

import http.server
import threading
from pathlib import Path

from qgis.core import QgsApplication, QgsGeometry, QgsPointXY, QgsProject, QgsRasterLayer, QgsRectangle, QgsVectorLayer
from qgis.PyQt.QtCore import QBuffer, QByteArray, QIODevice
from qgis.PyQt.QtGui import QColor, QImage
from qgis.utils import iface
from stage import INPUTS, OUT, add_raster, begin, choose, open_panel, pause, shot, state, step


def story():
    step("QGIS is up")
    panel = open_panel(320)
    scene = add_raster(INPUTS / "scene.tif")
    iface.mapCanvas().setExtent(scene.extent())
    yield lambda: panel.scene.models.count() and panel.scene.facts.get("fits")
    assert not panel.scene.values.units.isVisible(), "nothing is asked where the unit is declared"
    assert not panel.scene.values.border.isVisible()
    yield from units(panel)
    yield from border(panel)
    yield from areas(panel, scene)
    yield from edits(panel, scene)
    yield from own_classes(panel)
    yield from rendered(panel)


def units(panel):
    other = add_raster(INPUTS / "other units.tif")
    yield choose(panel, other)
    yield panel.scene.values.units.isVisible
    listed = panel.scene.values.units
    names = [listed.item(row).text().splitlines()[0] for row in range(listed.count())]
    assert names[0] == "Reflectance × 65,535", names
    assert any("10,000" in name for name in names), names
    assert not listed.item(0).icon().isNull(), "no picture"
    assert not panel.run.run_button.isEnabled()
    words = panel.scene.verdict.text()
    assert "--" not in words, words
    shot("units")
    listed.itemClicked.emit(listed.item(0))
    yield lambda: panel.scene.facts.get("fits")
    assert abs(float(panel.scene.details.scale.text()) * 65535 - 1) < 1e-3
    assert listed.isVisible(), "the answer can be changed"
    shot("unit_chosen")
    step("unit chosen from pictures")


def border(panel):
    black = add_raster(INPUTS / "black border.tif")
    yield choose(panel, black)
    yield panel.scene.values.border.isVisible
    box = panel.scene.values.border
    assert "Black border" in box.text(), box.text()
    shot("border")
    assert not panel.scene.values.units.isVisible(), "the question belonged to another raster"
    box.setChecked(True)
    yield lambda: panel.scene.facts.get("fits") and panel.scene.facts["fill"] is None
    assert panel.scene.details.nodata.text() == "0"
    assert box.isVisible(), "it can be undone"
    box.setChecked(False)
    yield lambda: panel.scene.facts.get("fill")
    assert panel.scene.details.nodata.text() == ""
    step("black border taken as no data, and given back")


def areas(panel, scene):
    """Each area of the run, in the raster's CRS."""
    yield choose(panel, scene)
    fields, whole = panel.run.area, scene.extent()
    middle = QgsRectangle(whole)
    middle.scale(0.25)
    canvas = iface.mapCanvas()
    canvas.setExtent(middle)
    fields.area.setCurrentIndex(fields.area.findData("all"))
    assert fields.box(scene) is None
    fields.area.setCurrentIndex(fields.area.findData("view"))
    assert fields.box(scene).contains(middle)
    fields.area.setCurrentIndex(fields.area.findData("drawn"))
    fields.area.activated.emit(fields.area.currentIndex())
    assert type(canvas.mapTool()).__name__ == "DrawTool"
    assert "Draw the area" in _refused(fields, scene)
    canvas.mapTool().drawn.emit(QgsGeometry.fromRect(middle))
    assert fields.box(scene) == middle
    assert type(canvas.mapTool()).__name__ != "DrawTool"
    fields.area.setCurrentIndex(fields.area.findData("selected"))
    assert "No polygon is selected" in _refused(fields, scene)
    polygons = QgsVectorLayer("Polygon?crs=EPSG:4326", "areas", "memory")
    from geoseg_qgis.panel_area import to_crs
    from qgis.core import QgsFeature

    feature = QgsFeature()
    feature.setGeometry(to_crs(QgsGeometry.fromRect(middle), scene.crs(), polygons.crs()))
    polygons.dataProvider().addFeatures([feature])
    QgsProject.instance().addMapLayer(polygons)
    polygons.selectAll()
    found = fields.box(scene)
    assert found.contains(middle), "bent edges are inside"
    assert found.width() < 1.1 * middle.width()
    QgsProject.instance().removeMapLayer(polygons.id())
    # A run of a drawn triangle, with larger pixels: what lies outside of it has no class.
    fields.area.setCurrentIndex(fields.area.findData("drawn"))
    assert fields.shape(scene) is None, "a rectangle needs no mask"
    west, south, east, north = middle.xMinimum(), middle.yMinimum(), middle.xMaximum(), middle.yMaximum()
    corners = [QgsPointXY(west, south), QgsPointXY(east, south), QgsPointXY(west, north)]
    fields._take(QgsGeometry.fromPolygonXY([corners]))
    fields.pixel.setValue(20)
    panel.run.folder.setFilePath(str(OUT / "part"))
    panel.run.run_button.click()
    yield lambda: not panel.run.running and panel.result.isVisible()
    made = QgsRasterLayer(panel.result._outputs["classes"], "made")
    assert made.rasterUnitsPerPixelX() == 20
    assert abs(made.extent().width() - middle.width()) <= 40, (made.extent().width(), middle.width())
    values = made.dataProvider()
    third, width = middle.width() / 4, middle.width()
    assert values.sample(QgsPointXY(west + third, south + third), 1)[1], "inside of the triangle"
    assert not values.sample(QgsPointXY(west + width - third, north - third), 1)[1], "outside of the triangle"
    fields.pixel.setValue(0)
    step("area of the run: all, view, drawn, selected; pixel size")


def _refused(fields, scene) -> str:
    from geoseg_qgis.panel_area import AreaError

    try:
        fields.box(scene)
    except AreaError as error:
        return str(error)
    raise AssertionError("no area, and no error")


def edits(panel, scene):
    """Edited polygons are consistent; tables belong to their raster; previews do not blend with maps."""
    layer = panel.correct.corrections.result()
    name, number = layer.fields().indexOf("class_name"), layer.fields().indexOf("class_id")
    ids = {feature[name]: feature[number] for feature in layer.getFeatures()}
    features = list(layer.getFeatures())
    first = next(feature for feature in features if feature[name] != "water")
    other = next(feature for feature in features if feature[name] == "water" and feature.id() != first.id())
    layer.startEditing()
    layer.changeAttributeValue(first.id(), name, "water")
    layer.changeAttributeValue(other.id(), number, ids[first[name]])
    yield lambda: layer.getFeature(first.id())[number] == ids["water"]
    assert layer.getFeature(other.id())[name] == first[name]
    layer.undoStack().undo()
    layer.undoStack().redo()
    assert layer.commitChanges()
    assert {feature[name]: feature[number] for feature in layer.getFeatures()}.items() <= ids.items()
    for feature in layer.getFeatures():
        assert ids[feature[name]] == feature[number], "class_id and class_name differ"
    step("class numbers follow class names")
    small = add_raster(INPUTS / "small scene.tif")
    yield choose(panel, small)
    assert not panel.result.isVisible(), "the table of another raster"
    yield choose(panel, scene)
    assert panel.result.isVisible(), "the table of this raster is gone"
    rows = panel.result.table.rowCount()
    assert rows > 1
    yield lambda: panel.scene.facts.get("fits")
    group = QgsProject.instance().layerTreeRoot().findGroup("GeoSeg scene")
    assert group.itemVisibilityChecked()
    panel.run.preview_seconds = 0.0
    panel.run.preview_button.click()
    yield lambda: panel.run.preview_seconds
    assert not group.itemVisibilityChecked(), "the map below blends with the preview"
    QgsProject.instance().removeMapLayer(panel.run.overlay.layer_id)  # as the user may
    assert group.itemVisibilityChecked()
    assert not panel.run.overlay.layer_id
    step("tables follow the raster, previews hide older maps")


def own_classes(panel):
    """From an aerial photo that no model fits to a model of the user's own."""
    from geoseg_qgis.new_classes import NewClassesDialog

    photo = add_raster(INPUTS / "photo.tif")
    iface.mapCanvas().setExtent(photo.extent())
    yield choose(panel, photo)
    yield panel.scene.classes_button.isVisible
    words = panel.scene.verdict.text()
    assert "6 bands" in words, words
    assert "--" not in words, words
    shot("photo")
    path = OUT / "own labels.gpkg"
    path.unlink(missing_ok=True)  # labels of an earlier run would be gone on with
    dialog = NewClassesDialog(iface.mainWindow(), str(path))
    assert dialog.why_not() == "Name at least two classes."
    for row, name in enumerate(("bright", "dark")):
        dialog.table.cellWidget(row, 0).setText(name)
    assert dialog.why_not() == ""
    dialog.show()
    QgsApplication.processEvents()
    dialog.grab().save(str(OUT / "new_classes.png"))
    dialog.hide()
    dialog.exec = lambda: True  # what the user would do
    panel.correct.new_classes(dialog)
    layer = panel.correct.corrections.labels()
    assert layer.isEditable()
    assert layer.name() == "Labels"
    assert {category.label() for category in layer.renderer().categories()} == {"bright", "dark"}
    box = photo.extent()
    for place, name in enumerate(("bright", "dark") * 3):
        west = box.xMinimum() + box.width() * (place + 0.1) / 6
        south = box.yMinimum() + box.height() * (0.1 + 0.3 * (place % 3))
        _draw(layer, QgsRectangle(west, south, west + box.width() / 9, south + box.height() / 4), name)
    assert panel.correct.corrections.count() == 6
    shot("own_classes")
    for field, value in ((panel.correct.epochs, 1), (panel.correct.window, 64), (panel.correct.batch, 2)):
        field.setValue(value)
    name = panel.correct.name.text()
    assert name == "photo_model1", name
    panel.correct.tune_button.click()
    yield lambda: panel.correct._session is None
    yield lambda: panel.scene.model() == name
    yield lambda: panel.scene.facts.get("fits")
    panel.scene.models.setCurrentIndex(panel.scene.models.findData("landcover"))
    yield panel.scene.use_button.isVisible
    assert name in panel.scene.use_button.text()
    panel.scene.use_button.click()
    yield lambda: panel.scene.facts.get("fits")
    assert panel.scene.model() == name
    step("a model of the user's own classes: trained, chosen, it fits, and is offered where another does not")


def _draw(layer, box, name) -> None:
    from qgis.core import QgsFeature

    feature = QgsFeature(layer.fields())
    geometry = QgsGeometry.fromRect(box)
    geometry.convertToMultiType()
    feature.setGeometry(geometry)
    feature["class_name"] = name
    assert layer.addFeature(feature)


class Tiles(http.server.BaseHTTPRequestHandler):
    """A map service: tiles of one colour each."""

    count = 0
    slow = threading.Event()

    def do_GET(self) -> None:
        Tiles.count += 1
        if Tiles.slow.is_set():
            threading.Event().wait(0.5)
        _zoom, column, row = (int(part) for part in Path(self.path).with_suffix("").parts[1:4])
        image = QImage(256, 256, QImage.Format.Format_RGB32)
        image.fill(QColor(40 + 50 * (column % 4), 40 + 50 * (row % 4), 120))
        data = QByteArray()
        buffer = QBuffer(data)
        buffer.open(QIODevice.OpenModeFlag.WriteOnly)
        image.save(buffer, "PNG")
        self.send_response(200)
        self.send_header("Content-Type", "image/png")
        self.end_headers()
        self.wfile.write(bytes(data))

    def log_message(self, *_) -> None:
        pass


def rendered(panel):
    """A basemap becomes a raster that geoseg can read."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Tiles)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    uri = f"type=xyz&url=http://127.0.0.1:{server.server_address[1]}/{{z}}/{{x}}/{{y}}.png&zmin=0&zmax=19"
    basemap = QgsRasterLayer(uri, "basemap", "wms")
    assert basemap.isValid()
    QgsProject.instance().addMapLayer(basemap)
    metadata = basemap.metadata()
    metadata.setRights(["No bulk downloads"])
    basemap.setMetadata(metadata)
    panel.scene.layers.setLayer(basemap)
    yield panel.scene.render_button.isVisible
    shot("basemap")
    panel.scene.render_button.click()
    dialog = panel.render_dialog
    from geoseg_qgis.panel_area import to_crs

    scene = QgsProject.instance().mapLayersByName("scene")[0]
    box = scene.extent()
    box.scale(0.3)
    iface.mapCanvas().setExtent(box)
    dialog.pixel.setValue(10)
    words = dialog.costs.text()
    for part in ("pixels", "tiles are fetched from 127.0.0.1", "No bulk downloads"):
        assert part in words, words
    dialog.file.setFilePath(str(OUT / "rendered.tif"))
    dialog.grab().save(str(OUT / "render_dialog.png"))
    Tiles.slow.set()
    dialog.begin()
    yield pause(0.3)
    dialog.reject()
    yield lambda: not dialog._renderer.running
    assert not list(OUT.glob("rendered*")), "a cancelled rendering leaves nothing"
    assert dialog.isVisible()
    Tiles.slow.clear()
    Tiles.count = 0
    dialog.begin()
    yield lambda: panel.scene.layer() is not None and panel.scene.layer().name() == "rendered"
    made = panel.scene.layer()
    assert made.crs() == basemap.crs()
    assert made.bandCount() == 4
    assert abs(made.rasterUnitsPerPixelX() - 10) < 1e-6
    wanted = to_crs(QgsGeometry.fromRect(box), scene.crs(), made.crs()).boundingBox()
    assert made.extent().contains(wanted) or abs(made.extent().width() - wanted.width()) < 20
    values = {int(made.dataProvider().sample(made.extent().center(), band)[0]) for band in (3,)}
    assert values == {120}, values
    state["numbers"]["tiles fetched"] = Tiles.count
    yield lambda: panel.scene.facts
    assert "bands" in panel.scene.verdict.text(), panel.scene.verdict.text()
    shot("rendered")
    server.shutdown()
    yield from measurements(panel)
    step("basemap rendered to a file, which is chosen")


def measurements(panel):
    """A raster in a GeoPackage keeps its values and pixels."""
    inside = QgsRasterLayer(str(INPUTS / "raster.gpkg"), "in a geopackage")
    assert inside.isValid()
    QgsProject.instance().addMapLayer(inside)
    panel.scene.layers.setLayer(inside)
    yield panel.scene.render_button.isVisible
    panel.scene.render_button.click()
    dialog = panel.render_dialog
    dialog.area.area.setCurrentIndex(dialog.area.area.findData("all"))
    assert "tiles are fetched" not in dialog.costs.text(), dialog.costs.text()
    dialog.file.setFilePath(str(OUT / "from geopackage.tif"))
    dialog.begin()
    yield lambda: panel.scene.layer() is not None and panel.scene.layer().name() == "from geopackage"
    made = panel.scene.layer()
    assert (made.width(), made.height(), made.bandCount()) == (inside.width(), inside.height(), inside.bandCount())
    place = inside.extent().center()
    assert made.dataProvider().sample(place, 1) == inside.dataProvider().sample(place, 1)
    yield lambda: panel.scene.facts


begin(story)
