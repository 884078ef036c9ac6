"""Whatever QGIS shows can be segmented: services, virtual rasters, GeoPackages, rasters in memory. See stage.py."""

from __future__ import annotations

import json
import shutil

from geoseg_qgis import settings
from geoseg_qgis.panel_area import to_crs
from map_server import EAST, WEST, MapServer, sources
from osgeo import gdal
from qgis.core import QgsGeometry, QgsPointXY, QgsProject, QgsRasterDataProvider, QgsRasterLayer
from qgis.utils import iface
from stage import INPUTS, OUT, add_raster, begin, checked, open_panel, shot, state, step

PIXEL = 20.0  # metres


def story():
    model = str(INPUTS / "photo")
    settings.put("model_folders", json.dumps([model]))
    panel = open_panel(320)
    photo = add_raster(INPUTS / "photo.tif")
    yield panel.scene.models.count
    panel.scene.models.setCurrentIndex(panel.scene.models.findData(model))
    yield checked(panel)
    step("an aerial photo and its model fit")
    mercator = QgsRasterLayer("type=xyz&url=http://127.0.0.1:9/{z}/{x}/{y}", "", "wms").crs()
    box = to_crs(QgsGeometry.fromRect(photo.extent()), photo.crs(), mercator).boundingBox()
    server = MapServer(box.center().x())
    shutil.rmtree(OUT / "results", ignore_errors=True)
    for kind, source in sources(server).items():
        yield from service(panel, server, kind, source, photo)
    server.shutdown()
    for kind, layer in measured(photo).items():
        yield from local(panel, kind, layer)


def service(panel, server, kind: str, source: str, photo):
    """Render a service for the map view, check where its halves lie, and segment it."""
    layer = QgsRasterLayer(source, kind, "wms")
    assert layer.isValid(), (kind, layer.error().message())
    QgsProject.instance().addMapLayer(layer, addToLegend=False)  # or the map view fetches tiles, too
    yield from chosen(panel, layer)
    iface.mapCanvas().setExtent(photo.extent())
    dialog = panel.render_dialog
    dialog.pixel.setValue(PIXEL)
    promised = tiles_of(dialog.costs.text())
    asked = "wms getmap" if kind == "WMS" else "wmts gettile" if kind == "WMTS" else "xyz tile"
    server.requests.clear()
    made = yield from render(panel, kind)
    fetched = server.requests[asked]
    assert fetched / 2.5 <= promised <= 2.5 * fetched, (kind, promised, server.requests)
    state["numbers"][f"{kind}: tiles promised, fetched"] = [promised, fetched]
    assert made.crs() == layer.crs()
    assert made.bandCount() == 4
    middle, values = made.extent().center().y(), made.dataProvider()
    for away, colour in ((-2, WEST), (2, EAST)):
        place = QgsPointXY(server.border + away * PIXEL, middle)
        found = tuple(int(values.sample(place, band)[0]) for band in (1, 2, 3))
        assert found == colour, (kind, away, found)
    yield from segment(panel, made)
    step(f"{kind}: rendered where it lies, segmented")


def tiles_of(text: str) -> int:
    (line,) = [line for line in text.splitlines() if "tiles are fetched" in line]
    return int("".join(c for c in line.split(" tiles")[0] if c.isdigit()))


def measured(photo) -> dict[str, QgsRasterLayer]:
    """Layers that hold values, in places where geoseg cannot read them."""
    uri = QgsRasterDataProvider.VirtualRasterParameters()
    uri.crs, uri.extent = photo.crs(), photo.extent()
    uri.width, uri.height = photo.width(), photo.height()
    uri.formula = '"p@1" * 0.5 + "p@2" * 0.5'
    part = QgsRasterDataProvider.VirtualRasterInputLayers()
    part.name, part.uri, part.provider = "p", photo.source(), "gdal"
    uri.rInputLayers = [part]
    virtual = QgsRasterLayer(QgsRasterDataProvider.encodeVirtualRasterProviderUri(uri), "calculated", "virtualraster")
    gdal.Translate("/vsimem/memory.tif", photo.source())
    memory = QgsRasterLayer("/vsimem/memory.tif", "memory")
    package = QgsRasterLayer(str(INPUTS / "raster.gpkg"), "package")
    assert package.isValid()
    vrt = OUT / "mosaic.vrt"
    gdal.BuildVRT(str(vrt), [photo.source()]).FlushCache()
    return {"virtual raster": virtual, "memory": memory, "GeoPackage": package, "VRT": QgsRasterLayer(str(vrt), "vrt")}


def local(panel, kind: str, layer: QgsRasterLayer):
    """Values and pixels stay as they are; a VRT is a file as others are."""
    assert layer.isValid(), (kind, layer.error().message())
    QgsProject.instance().addMapLayer(layer)
    if kind == "VRT":
        panel.scene.layers.setLayer(layer)
        yield checked(panel)
        yield from segment(panel, layer)
        step("VRT: segmented as it is")
        return
    yield from chosen(panel, layer)
    dialog = panel.render_dialog
    dialog.area.area.setCurrentIndex(dialog.area.area.findData("all"))
    assert "tiles are fetched" not in dialog.costs.text(), dialog.costs.text()
    made = yield from render(panel, kind)
    assert (made.width(), made.height(), made.bandCount()) == (layer.width(), layer.height(), layer.bandCount())
    for share in (0.2, 0.5, 0.8):
        box = layer.extent()
        place = QgsPointXY(box.xMinimum() + share * box.width(), box.yMinimum() + share * box.height())
        assert made.dataProvider().sample(place, 1) == layer.dataProvider().sample(place, 1), (kind, share)
    if made.bandCount() < 3:
        yield lambda: panel.scene.facts
        for row in range(3):
            panel.scene.details.table.itemAt(row, panel.scene.details.table.FieldRole).widget().setCurrentIndex(1)
    yield from segment(panel, made)
    step(f"{kind}: rendered with its values, segmented")


def chosen(panel, layer):
    """Choose a layer that is no file, and open the dialog that renders it."""
    panel.scene.layers.setLayer(layer)
    yield panel.scene.render_button.isVisible
    panel.scene.render_button.click()


def render(panel, kind: str):
    dialog = panel.render_dialog
    path = OUT / f"{kind} rendered.tif"
    path.unlink(missing_ok=True)
    dialog.file.setFilePath(str(path))
    dialog.begin()
    yield lambda: panel.scene.layer() is not None and panel.scene.layer().name() == path.stem
    assert panel.scene.layer().source() == str(path)
    return panel.scene.layer()


def segment(panel, layer):
    yield checked(panel)
    before = panel.result._outputs
    panel.run.folder.setFilePath(str(OUT / "results"))
    panel.run.run_button.click()
    yield lambda: not panel.run.running and panel.result.isVisible() and panel.result._outputs != before
    made = QgsRasterLayer(panel.result._outputs["classes"], "made")
    assert made.isValid()
    assert (made.width(), made.height()) == (layer.width(), layer.height())
    assert made.extent() == layer.extent()
    shot(layer.name())


begin(story)
