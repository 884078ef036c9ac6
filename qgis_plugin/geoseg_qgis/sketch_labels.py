"""The labels of a sketch: which layer is drawn in, new classes, and what is drawn so far."""

from __future__ import annotations

import os
import re
from typing import Any, Iterator

from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsMapLayerProxyModel,
    QgsProcessingException,
    QgsProject,
    QgsVectorLayer,
)
from qgis.gui import QgsMapLayerComboBox
from qgis.PyQt.QtCore import QTimer, pyqtSignal
from qgis.PyQt.QtWidgets import QVBoxLayout, QWidget

from . import label_layer
from .label_layer import FIELD, Drawn
from .new_classes import NewClassesDialog
from .panel_scene import ScenePanel
from .project_state import LayersHidden, own
from .results import writable_folder
from .tr import tr
from .turns import Turns
from .widgets import Button, Flow, form, narrow

_SETTLED = 150  # milliseconds after the last change until drawings are counted


class SketchLabels(QWidget):
    """Layer box and buttons; counts drawings as they come and go."""

    taken = pyqtSignal()
    """Another layer, or none, was chosen."""
    removed = pyqtSignal()
    """The layer was taken out of the project."""
    counted = pyqtSignal()
    """:attr:`drawn` is up to date."""
    saved = pyqtSignal()
    """Edits were saved."""
    failed = pyqtSignal(str)

    def __init__(self, iface: Any, scene: ScenePanel, parent: QWidget) -> None:
        super().__init__(parent)
        self._iface, self._scene = iface, scene
        self.drawn = Drawn()
        self.layer_id = ""
        self._modified = False  # whether there was something to save
        self._counting: Turns | None = None
        self._turns: Turns | None = None
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self.count)
        # Before the box is made, which forgets layers that go: it must not look as if the user had chosen none.
        QgsProject.instance().layersWillBeRemoved.connect(self._layers_go)
        self.layers = QgsMapLayerComboBox(self)
        self.layers.setFilters(QgsMapLayerProxyModel.Filter.HasGeometry)
        self.layers.setAllowEmptyLayer(True)
        self._hidden = LayersHidden(self.layers, own(QgsVectorLayer))
        self.layers.setLayer(None)
        self.layers.layerChanged.connect(lambda _: self.take(self.layers.currentLayer()))
        narrow(self.layers)
        fields = form()
        fields.addRow(tr("Labels"), self.layers)
        self.classes_button = Button(tr("New classes…"), self)
        self.classes_button.setToolTip(tr("Name classes and draw examples of them on this raster"))
        self.classes_button.clicked.connect(lambda *_: self.new_classes())
        self.draw_button = Button(tr("Draw"), self)
        self.draw_button.setToolTip(tr("Draw the class that is selected in the table"))
        self.draw_button.clicked.connect(self.draw)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(fields)
        layout.addLayout(Flow(self.classes_button, self.draw_button))

    def layer(self) -> QgsVectorLayer | None:
        """Return the layer that is drawn in, if there is one."""
        return label_layer.vector(self.layer_id)

    def colours(self) -> dict[str, str]:
        """Return the colour of each class that the layer's style names."""
        layer = self.layer()
        return label_layer.colours(layer) if layer is not None else {}

    def options(self) -> dict[str, str]:
        """Return how geoseg reads the layer: its field, and the classes that are drawn, with their colours."""
        layer, styled = self.layer(), self.colours()
        if layer is None or layer.fields().indexOf(FIELD) < 0:
            return {}  # geoseg finds the field by its usual names
        names = [name for name in styled if name in self.drawn.numbers]
        names += [name for name in self.drawn.numbers if name not in styled]
        if any(mark in name for name in names for mark in ",=:"):
            return {"class_field": FIELD}
        listed = ",".join(f"{name}:{styled[name]}" if name in styled else name for name in names)
        return {"class_field": FIELD, "classes": listed}

    def why_not(self) -> str:
        """Return why nothing can be learned from what is drawn; empty if geoseg shall see."""
        layer, drawn = self.layer(), self.drawn
        if layer is None:
            return tr("Choose a layer of labels, or make new classes first.")
        if layer.fields().indexOf(FIELD) < 0:
            return ""
        if not drawn.numbers and drawn.nameless:
            return tr("What is drawn has no class: choose one for each drawing.")
        if not drawn.numbers:
            return tr("Nothing is drawn yet: draw some places of each class.")
        if len(drawn.numbers) == 1:
            (name,) = drawn.numbers
            return tr("Only “{name}” is drawn: draw something of another class, too.").format(name=name)
        return ""

    # --- the layer

    def take(self, layer: Any) -> None:
        """Take up another layer."""
        identifier = layer.id() if isinstance(layer, QgsVectorLayer) else ""
        if identifier == self.layer_id:
            return
        before = self.layer()
        if before is not None:
            for signal, slot in self._signals(before):
                signal.disconnect(slot)
        self.layer_id, self.drawn = identifier, Drawn()
        if identifier:
            for signal, slot in self._signals(layer):
                signal.connect(slot)
            self._count_soon()
        self.taken.emit()

    def _signals(self, layer: QgsVectorLayer) -> list[tuple[Any, Any]]:
        changes = (layer.featureAdded, layer.featuresDeleted, layer.geometryChanged, layer.attributeValueChanged)
        found = [(signal, self._count_soon) for signal in (*changes, layer.afterRollBack, layer.rendererChanged)]
        return [*found, (layer.beforeCommitChanges, self._saving), (layer.afterCommitChanges, self._saved)]

    def _saving(self, *_: Any) -> None:
        layer = self.layer()
        self._modified = layer is not None and layer.isModified()

    def _saved(self) -> None:
        if not self._modified:  # editing was ended, and nothing had been edited
            return
        self._count_soon()
        QTimer.singleShot(0, self.saved.emit)  # in the next turn: the layer is in the middle of saving

    def _layers_go(self, identifiers: list[str]) -> None:
        if self.layer_id in identifiers:
            self.layer_id, self.drawn = "", Drawn()
            self.layers.setLayer(None)  # else the box chooses another one
            self.removed.emit()

    def new_classes(self, dialog: NewClassesDialog | None = None) -> None:
        """Ask for classes, then open a new label layer over the chosen raster for drawing."""
        raster = self._scene.layer()
        if raster is None:
            self.failed.emit(tr("Add a raster layer to the project."))
            return
        try:
            folder = writable_folder(os.path.dirname(self._scene.scene().sources[0]))
            stem = re.sub(r"[^\w-]+", "_", raster.name())
            dialog = dialog or NewClassesDialog(self._iface.mainWindow(), os.path.join(folder, f"{stem}_sketch.gpkg"))
            if not dialog.exec():
                return
        except QgsProcessingException as error:
            self.failed.emit(str(error))
            return
        name = tr("Labels of {raster}").format(raster=raster.name())
        self._in_turns(self._making(dialog.path(), name, dialog.classes(), raster.crs()))

    def _making(
        self, path: str, name: str, classes: dict[str, str], crs: QgsCoordinateReferenceSystem
    ) -> Iterator[None]:
        """Make a label layer, show it above the raster and open it for drawing, piece by piece."""
        if not os.path.isfile(path):
            label_layer.create(path, crs)
            yield
        layer = QgsVectorLayer(path, name, "ogr")
        if not layer.isValid():
            raise QgsProcessingException(tr("{path} cannot be opened").format(path=path))
        yield
        label_layer.offer_classes(layer, classes)
        label_layer.style(layer, classes)
        yield
        project = QgsProject.instance()
        project.addMapLayer(layer, addToLegend=False)
        identifier = layer.id()
        yield
        if label_layer.vector(identifier) is None:
            return  # another project was opened meanwhile
        project.layerTreeRoot().insertLayer(0, layer)  # the map of the sketch comes below it
        yield
        if label_layer.vector(identifier) is None:
            return
        self.layers.setLayer(layer)
        yield
        yield from self._opening()

    # --- drawing

    def draw(self) -> None:
        """Open the layer for drawing."""
        if self.layer() is None:
            self.failed.emit(self.why_not())
            return
        self._in_turns(self._opening())

    def _opening(self) -> Iterator[None]:
        """Open the layer for drawing, piece by piece."""
        for piece in (self._iface.setActiveLayer, QgsVectorLayer.startEditing):
            layer = self.layer()
            if layer is None:
                return
            piece(layer)
            yield
        if self.layer() is not None:
            self._iface.actionAddFeature().trigger()

    def _in_turns(self, pieces: Iterator[None]) -> None:
        """Make or open a layer; what is still being made is given up."""
        if self._turns is not None:
            self._turns.stop()
            self._turns.deleteLater()
        self._turns = Turns(pieces, self)
        self._turns.done.connect(self._made)
        self._turns.failed.connect(self._not_made)

    def _made(self) -> None:
        self._turns = None

    def _not_made(self, message: str) -> None:
        self._turns = None
        self.failed.emit(message)

    def draw_as(self, name: str) -> None:
        """Give what is drawn from now on a class."""
        layer = self.layer()
        if layer is not None:
            label_layer.draw_as(layer, name)

    def _count_soon(self, *_: Any) -> None:
        self._timer.start(_SETTLED)

    def count(self) -> None:
        """Count what is drawn, in pieces; ``counted`` follows."""
        self._timer.stop()
        if self._counting is not None:  # of a state that is gone
            self._counting.stop()
            self._counting.deleteLater()
            self._counting = None
        layer = self.layer()
        if layer is None:
            self._end(Drawn())
            return
        self._counting = Turns(label_layer.counting(layer), self)
        self._counting.done.connect(self._end)

    def _end(self, drawn: Drawn) -> None:
        self._counting, self.drawn = None, drawn
        self.counted.emit()

    def shut_down(self) -> None:
        """Have no more to do with the project."""
        self._timer.stop()
        if self._turns is not None:
            self._turns.stop()
        QgsProject.instance().layersWillBeRemoved.disconnect(self._layers_go)
