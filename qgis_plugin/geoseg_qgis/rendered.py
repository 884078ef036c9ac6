"""What a map service or another layer that is no raster file shows, as a local GeoTIFF."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from urllib.parse import parse_qs, unquote, urlsplit

from qgis.core import (
    QgsApplication,
    QgsCoordinateReferenceSystem,
    QgsCoordinateTransform,
    QgsProject,
    QgsRasterFileWriter,
    QgsRasterFileWriterTask,
    QgsRasterLayer,
    QgsRasterPipe,
    QgsRectangle,
)
from qgis.PyQt.QtCore import QObject, pyqtSignal

from .tr import tr

TILE = 256  # side of a tile of a map service in pixels
MANY_TILES = 2_000
"""From so many tiles on, most providers ask to be asked first."""

_EQUATOR = 2 * math.pi * 6_378_137.0  # metres, of the sphere that web maps use


@dataclass(frozen=True)
class Rendering:
    """A part of a layer as a raster.

    Attributes
    ----------
    box
        Extent in the layer's CRS.
    pixel
        Side of a pixel in its units.
    """

    box: QgsRectangle
    pixel: float

    @property
    def width(self) -> int:
        """Columns."""
        return max(round(self.box.width() / self.pixel), 1)

    @property
    def height(self) -> int:
        """Rows."""
        return max(round(self.box.height() / self.pixel), 1)

    @property
    def extent(self) -> QgsRectangle:
        """The box, moved at its right and lower side to whole pixels."""
        west, north = self.box.xMinimum(), self.box.yMaximum()
        return QgsRectangle(west, north - self.height * self.pixel, west + self.width * self.pixel, north)

    def size(self, bands: int) -> int:
        """Return the bytes of the file before compression, of 8 bits a band."""
        return self.width * self.height * bands


def is_service(layer: QgsRasterLayer) -> bool:
    """Whether a layer shows pictures from a server, tile by tile."""
    return layer.providerType() in {"wms", "arcgismapserver"}


def host_of(layer: QgsRasterLayer) -> str:
    """Return the host that a map service is asked at; empty for local ones."""
    url = unquote(parse_qs(layer.source()).get("url", [""])[0])
    return urlsplit(url).hostname or ""


def terms_of(layer: QgsRasterLayer) -> str:
    """Return what the layer says about its rights."""
    metadata = layer.metadata()
    texts = [*metadata.rights(), *metadata.licenses()]
    # Newer versions of QGIS keep these with what else comes from the server.
    for owner in (layer.serverProperties(), layer):
        texts += [str(getattr(owner, name)()) for name in ("attribution", "attributionUrl") if hasattr(owner, name)]
    return "; ".join(dict.fromkeys(text.strip() for text in texts if text and text.strip()))


def natural_pixel(layer: QgsRasterLayer, canvas_pixel: float) -> float:
    """Return a pixel size to begin with: that of the layer's own grid, or, of a service, that of the map view."""
    own = layer.rasterUnitsPerPixelX()
    return own if not is_service(layer) and own > 0 else canvas_pixel


def tile_count(layer: QgsRasterLayer, rendering: Rendering) -> int:
    """Return how many tiles a map service will be asked for, about.

    Tiled services have the zoom levels of their pyramid, of which the one nearest to the pixel size is taken. Others
    give pictures of any size; QGIS asks for blocks of the size of the writer's.
    """
    if "type=xyz" in layer.source():
        return _xyz_tiles(layer, rendering)
    levels = [level for level in layer.dataProvider().nativeResolutions() if level > 0]
    if "tileMatrixSet=" in layer.source() and levels:
        level = min(levels, key=lambda level: abs(math.log(level / rendering.pixel)))
        whole = layer.extent()
        return _tiles(rendering.extent, level * TILE, whole.xMinimum(), whole.yMaximum())
    return math.ceil(rendering.width / 2000) * math.ceil(rendering.height / 2000)


def _xyz_tiles(layer: QgsRasterLayer, rendering: Rendering) -> int:
    mercator = QgsCoordinateReferenceSystem("EPSG:3857")
    box, pixel = rendering.extent, rendering.pixel
    if layer.crs().isValid() and layer.crs() != mercator:
        box = QgsCoordinateTransform(layer.crs(), mercator, QgsProject.instance()).transformBoundingBox(box)
        pixel = box.width() / rendering.width
    options = parse_qs(layer.source())
    zoom = math.ceil(math.log2(_EQUATOR / TILE / pixel) - 0.1)
    zoom = min(max(zoom, int(options.get("zmin", ["0"])[0])), int(options.get("zmax", ["22"])[0]))
    return _tiles(box, _EQUATOR / 2**zoom, 0.0, 0.0)


def _tiles(box: QgsRectangle, side: float, west: float, north: float) -> int:
    """Return how many tiles of a grid through a point a box touches."""
    columns = math.floor((box.xMaximum() - west) / side) - math.floor((box.xMinimum() - west) / side) + 1
    rows = math.floor((north - box.yMinimum()) / side) - math.floor((north - box.yMaximum()) / side) + 1
    return columns * rows


def check_target(path: str) -> str:
    """Return why a file cannot be written; empty if it can."""
    folder = os.path.dirname(os.path.abspath(path))
    if not path.lower().endswith((".tif", ".tiff")):
        return tr("Give a file name that ends in .tif.")
    if not os.path.isdir(folder) or not os.access(folder, os.W_OK):
        return tr("The folder {folder} cannot be written.").format(folder=folder)
    return ""


class Renderer(QObject):
    """Writes a rendering in the background, as one of QGIS's tasks, which can be cancelled there as well."""

    progressed = pyqtSignal(float)
    """How far it is, in percent."""
    done = pyqtSignal(str)
    """The file that was written."""
    failed = pyqtSignal(str)
    """Why not, in one line; empty if the user cancelled."""

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._task: QgsRasterFileWriterTask | None = None
        self._path = ""
        self._cancelled = False

    @property
    def running(self) -> bool:
        """Whether it writes."""
        return self._task is not None

    def start(self, layer: QgsRasterLayer, rendering: Rendering, path: str) -> None:
        """Begin. Pictures of a service are written as they are drawn, rasters of measurements with their values."""
        pipe = QgsRasterPipe()
        pipe.set(layer.dataProvider().clone())
        if is_service(layer):
            pipe.set(layer.renderer().clone())
        # Written under another name first: half a file must not be taken for a whole one.
        self._path, self._cancelled = path, False
        writer = QgsRasterFileWriter(self._partial)
        writer.setOutputFormat("GTiff")
        writer.setCreateOptions(["COMPRESS=DEFLATE", "TILED=YES", "BIGTIFF=IF_SAFER"])
        context = QgsProject.instance().transformContext()
        crs = layer.crs()
        task = QgsRasterFileWriterTask(writer, pipe, rendering.width, rendering.height, rendering.extent, crs, context)
        task.progressChanged.connect(self.progressed)
        task.writeComplete.connect(lambda *_: self._end(""))
        task.errorOccurred.connect(
            lambda code, *_: self._end(tr("The map cannot be written (error {code}).").format(code=code))
        )
        task.taskTerminated.connect(lambda: self._end(""))
        self._task = task
        QgsApplication.taskManager().addTask(task)

    @property
    def _partial(self) -> str:
        stem, suffix = os.path.splitext(self._path)
        return f"{stem}.part{suffix}"

    def cancel(self) -> None:
        """Stop; nothing is left behind."""
        if self._task is not None:
            self._cancelled = True
            self._task.cancel()

    def _end(self, error: str) -> None:
        if self._task is None:
            return
        self._task = None
        if self._cancelled or error:
            for path in (self._partial, self._partial + ".aux.xml"):
                if os.path.exists(path):
                    os.remove(path)
            self.failed.emit("" if self._cancelled else error)
            return
        try:
            os.replace(self._partial, self._path)
        except OSError as reason:
            self.failed.emit(tr("{path} cannot be written: {reason}").format(path=self._path, reason=reason))
            return
        self.done.emit(self._path)
