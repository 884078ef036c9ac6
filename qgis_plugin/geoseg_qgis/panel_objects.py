"""Objects in the dock: how many of each class, the least certain ones, corrections, and labels made of them."""

from __future__ import annotations

from typing import Any, Iterator

from qgis.core import (
    QgsCategorizedSymbolRenderer,
    QgsFeatureRequest,
    QgsGeometry,
    QgsMapLayer,
    QgsMapLayerProxyModel,
    QgsProcessingException,
    QgsProject,
    QgsVectorLayer,
)
from qgis.gui import QgsMapLayerComboBox
from qgis.PyQt.QtCore import QObject, QTimer, pyqtSignal
from qgis.PyQt.QtWidgets import QComboBox, QVBoxLayout, QWidget

from .class_table import ClassTable
from .label_layer import FIELD, draw_as, is_null, measuring, offer_classes, vector
from .object_labels import labels_file
from .object_tally import Steps, Tally, area_text
from .panel_area import AreaError, to_crs
from .panel_correct import CorrectPanel
from .panel_scene import ScenePanel
from .project_state import LayersHidden
from .tr import tr
from .turns import Turns
from .widgets import Button, Flow, Section, WrappedLabel, form, narrow

SCORE = "score"

_PIECE = 2000  # objects that are counted in a turn of the event loop
_SOON = 300  # milliseconds after an edit until the objects are counted anew
_AROUND = 3.0  # the view is so many times as wide as an object
_GREY = "#888888"


def no_objects(layer: QgsMapLayer) -> bool:
    """Whether a layer holds no objects: those that geoseg finds have a class and a score."""
    names = layer.fields().names() if isinstance(layer, QgsVectorLayer) else []
    return FIELD not in names or SCORE not in names


class ObjectsPanel(QWidget):
    """Looks through the objects that ``geoseg detect`` found."""

    said = pyqtSignal(str, bool)
    """Something for the user, and whether it is bad."""

    def __init__(self, iface: Any, scene: ScenePanel, correct: CorrectPanel, parent: QWidget) -> None:
        super().__init__(parent)
        self._iface, self._scene, self._correct = iface, scene, correct
        self.layer_id = ""
        self.tally = Tally()
        self._steps = Steps()
        self._turns: Turns | None = None
        self._busy = False
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self.count)
        self._build()
        QgsProject.instance().layersAdded.connect(self._offer)
        self._show()

    def _build(self) -> None:
        self.section = Section(tr("Objects"), self)
        box = QWidget(self.section)
        self.layers = QgsMapLayerComboBox(box)
        self.layers.setFilters(QgsMapLayerProxyModel.Filter.PolygonLayer)
        self.layers.setAllowEmptyLayer(True)
        self._hidden = LayersHidden(self.layers, no_objects)
        self.layers.setLayer(None)
        self.layers.layerChanged.connect(lambda _: self.take(self.layers.currentLayer()))
        self.detect_button = self._button(box, tr("Detect…"), tr("Find objects on the chosen raster"), self.detect)
        self.table = ClassTable((tr("Class"), tr("Objects"), tr("Area")), box)
        self.next_button = self._button(
            box, tr("Next uncertain"), tr("Zoom to the objects with the lowest scores, one after the other"), self.next
        )
        self.delete_button = self._button(box, tr("Delete"), tr("Delete the selected objects"), self.delete)
        self.split_button = self._button(
            box, tr("Split"), tr("Draw a line through an object that should be two"), self.split
        )
        self.merge_button = self._button(box, tr("Merge"), tr("Make one object of those that are selected"), self.merge)
        self.draw_button = self._button(box, tr("Draw"), tr("Draw an object that is missing"), self.draw)
        self.checked = QComboBox(box)
        self.checked.addItem(tr("Map view"), "view")
        self.checked.addItem(tr("Whole raster"), "all")
        self.checked.setToolTip(tr("Where you have looked at every object; elsewhere nothing will be learned"))
        self.labels_button = self._button(
            box,
            tr("Objects → labels"),
            tr("Save the edits, and turn the objects into labels to train on"),
            self.collect,
        )
        self.note = WrappedLabel("", box)
        narrow(self.layers, self.checked)
        above, below = form(), form()
        above.addRow(tr("Objects"), self.layers)
        below.addRow(tr("Checked"), self.checked)
        layout = QVBoxLayout(box)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(above)
        layout.addWidget(self.table)
        layout.addLayout(Flow(self.detect_button, self.next_button))
        layout.addWidget(self.note)
        self.tools = Flow(self.delete_button, self.split_button, self.merge_button, self.draw_button)
        layout.addLayout(self.tools)
        layout.addLayout(below)
        layout.addWidget(self.labels_button)
        QVBoxLayout(self.section).addWidget(box)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(self.section)
        self.section.setCollapsed(True)

    @staticmethod
    def _button(parent: QWidget, text: str, tip: str, slot: Any) -> Button:
        button = Button(text, parent)
        button.setToolTip(tip)
        button.clicked.connect(lambda *_: slot())
        return button

    # --- the layer

    def layer(self) -> QgsVectorLayer | None:
        """Return the layer of objects, if it is there."""
        return vector(self.layer_id)

    def state(self) -> dict[str, Any]:
        """Return what the project is to keep."""
        return {"layer": self.layer_id}

    def restore(self, state: dict[str, Any]) -> None:
        """Take up what :meth:`state` returned."""
        layer = vector(str(state.get("layer", "")))
        if layer is not None:
            self.layers.setLayer(layer)

    def _offer(self, layers: list[QgsMapLayer]) -> None:
        """Choose objects that are new in the project."""
        found = [layer for layer in layers if not no_objects(layer)]
        if found:
            self.section.setCollapsed(False)
            self.layers.setLayer(found[-1])

    def take(self, layer: Any) -> None:
        """Take up another layer."""
        identifier = layer.id() if isinstance(layer, QgsVectorLayer) else ""
        if identifier == self.layer_id:
            return
        before = self.layer()
        for signal in self._signals(before):
            signal.disconnect(self._count_soon)
        self.layer_id, self.tally, self._steps = identifier, Tally(), Steps()
        for signal in self._signals(self.layer()):
            signal.connect(self._count_soon)
        self.note.show_text("")
        self.count()

    @staticmethod
    def _signals(layer: QgsVectorLayer | None) -> list[Any]:
        if layer is None:
            return []
        return [
            layer.featureAdded, layer.featureDeleted, layer.attributeValueChanged, layer.geometryChanged,
            layer.editingStopped, layer.rendererChanged,
        ]  # fmt: skip

    def _count_soon(self, *_: Any) -> None:
        self._timer.start(_SOON)

    def count(self) -> None:
        """Count the objects, unsaved edits included."""
        if self._turns is not None:
            self._turns.stop()
            self._turns = None
        layer = self.layer()
        if layer is None:
            self.tally = Tally()
            self._show()
            return
        self._turns = Turns(_counting(layer), self)
        self._turns.done.connect(self._counted)
        self._show()

    def _counted(self, tally: Tally) -> None:
        self._turns, self.tally = None, tally
        layer = self.layer()
        if layer is not None and tally.classes:
            offer_classes(layer, tally.classes)
        self._show()

    def _show(self) -> None:
        layer = self.layer()
        shades = styled(layer) if layer is not None else {}
        rows = sorted(self.tally.classes.items(), key=lambda item: (-item[1].number, item[0]))
        self.table.fill(
            [
                (name, shades.get(name, _GREY), (f"{one.number:,}", area_text(one.area)))
                for name, one in rows
            ]
        )  # fmt: skip
        self.table.setVisible(bool(rows))
        there = layer is not None
        for button in (self.next_button, self.delete_button, self.split_button, self.merge_button, self.draw_button):
            button.setEnabled(there)
        self.labels_button.setEnabled(there and not self._busy)

    def detect(self) -> None:
        """Open the algorithm for the chosen raster and model; what it finds comes in here."""
        from processing import createAlgorithmDialog

        layer = self._scene.layer()
        if layer is None:
            self.said.emit(tr("Add a raster layer to the project."), True)
            return
        layers = [layer, *self._scene.details.others()]
        values = {"INPUT": [one.id() for one in layers], "BANDS": self._scene.details.bands}
        values["MODEL"] = self._scene.model()
        for name, value in self._scene.details.reading().items():
            if value not in {None, ""}:
                values[name.upper()] = value
        self.dialog = createAlgorithmDialog("geoseg:detect", values)
        self.dialog.show()

    # --- the least certain ones

    def next(self) -> None:
        """Zoom to the next of the least certain objects, and select it."""
        layer, found = self.layer(), self._steps.next(self.tally.least_certain())
        if layer is None or found is None:
            self.note.show_text(tr("There are no objects with a score."))
            return
        identifier, place = found
        feature = next(layer.getFeatures(QgsFeatureRequest(identifier)), None)
        if feature is None:  # deleted, and not counted anew yet
            self.next()
            return
        canvas = self._iface.mapCanvas()
        try:
            shape = to_crs(QgsGeometry(feature.geometry()), layer.crs(), canvas.mapSettings().destinationCrs())
        except AreaError as error:
            self.note.show_text(str(error))
            return
        box = shape.boundingBox()
        box.scale(_AROUND)
        canvas.setExtent(box)
        canvas.refresh()
        canvas.flashFeatureIds(layer, [identifier])
        layer.selectByIds([identifier])
        self._iface.setActiveLayer(layer)
        count = len(self.tally.least_certain())
        text = tr("{place} of {count}: {name}, score {score:.2f}")
        self.note.show_text(
            text.format(place=place, count=count, name=feature[FIELD], score=float(feature[SCORE]))
        )  # fmt: skip

    # --- QGIS's own tools

    def _editable(self) -> QgsVectorLayer | None:
        """Return the layer, ready for edits with QGIS's tools."""
        layer = self.layer()
        if layer is None:
            return None
        self._iface.setActiveLayer(layer)
        if not layer.isEditable() and not layer.startEditing():
            self.said.emit(tr("{name} cannot be edited.").format(name=layer.name()), True)
            return None
        return layer

    def delete(self) -> None:
        """Delete what is selected; it can be undone."""
        layer = self._editable()
        if layer is None:
            return
        if not layer.selectedFeatureCount():
            self.note.show_text(tr("Select objects first; “Next uncertain” selects one."))
            return
        layer.beginEditCommand(tr("Delete"))
        layer.deleteSelectedFeatures()
        layer.endEditCommand()
        self.note.show_text("")

    def split(self) -> None:
        """Begin to split objects along a line."""
        if self._editable() is not None:
            self._iface.actionSplitFeatures().trigger()

    def merge(self) -> None:
        """Make one object of those that are selected; the first click lets the user select them."""
        layer = self._editable()
        if layer is None:
            return
        if layer.selectedFeatureCount() < 2:
            self._iface.actionSelect().trigger()
            self.note.show_text(
                tr("Select the parts of the object, further ones with Shift and a click, then press “Merge” again.")
            )
            return
        action = self._iface.mainWindow().findChild(QObject, "mActionMergeFeatures")
        if action is not None:
            action.trigger()

    def draw(self) -> None:
        """Begin to draw objects that are missing."""
        layer = self._editable()
        if layer is None:
            return
        if len(self.tally.classes) == 1:
            draw_as(layer, next(iter(self.tally.classes)))
        self._iface.actionAddFeature().trigger()

    # --- labels

    def collect(self) -> None:
        """Save the edits, and make labels of the objects where they were looked at."""
        try:
            layer, part, whole = self._checked()
        except (QgsProcessingException, AreaError) as error:
            self.said.emit(str(error), True)
            return
        self._busy = True
        self._show()
        shades = {name: styled(layer).get(name, _GREY) for name in self.tally.classes}
        turns = Turns(self._correct.taking_objects(layer, labels_file(layer), shades, (part, whole)), self)
        turns.done.connect(self._collected)
        turns.failed.connect(self._not_collected)

    def _collected(self, number: int) -> None:
        self._busy = False
        self._show()
        self.note.show_text(tr("{count} objects are labels now: train a model on them below.").format(count=number))

    def _not_collected(self, text: str) -> None:
        self._busy = False
        self._show()
        self.said.emit(text, True)

    def _checked(self) -> tuple[QgsVectorLayer, QgsGeometry, QgsGeometry]:
        """Return the objects, what was looked through, and the extent of the raster, in the objects' CRS."""
        layer, raster = self.layer(), self._scene.layer()
        if layer is None or raster is None:
            raise QgsProcessingException(tr("Choose the raster that the objects were found on."))
        whole = to_crs(QgsGeometry.fromRect(raster.extent()), raster.crs(), layer.crs())
        if layer.featureCount() and not whole.boundingBox().intersects(layer.extent()):
            raise QgsProcessingException(tr("Choose the raster that the objects were found on."))
        if self.checked.currentData() == "all":
            return layer, whole, whole
        canvas = self._iface.mapCanvas()
        view = to_crs(QgsGeometry.fromRect(canvas.extent()), canvas.mapSettings().destinationCrs(), layer.crs())
        part = view.intersection(whole)
        if part.isEmpty():
            raise QgsProcessingException(tr("The map view does not show the raster."))
        return layer, part, whole

    def shut_down(self) -> None:
        """End what runs."""
        self._timer.stop()
        if self._turns is not None:
            self._turns.stop()
            self._turns = None
        QgsProject.instance().layersAdded.disconnect(self._offer)


def styled(layer: QgsVectorLayer) -> dict[str, str]:
    """Return the colour of each class in the style of objects, whose categories are numbers with names beside them."""
    renderer = layer.renderer()
    if not isinstance(renderer, QgsCategorizedSymbolRenderer):
        return {}
    shown = [category for category in renderer.categories() if category.symbol() is not None]
    return {category.label(): category.symbol().color().name() for category in shown}


def _counting(layer: QgsVectorLayer) -> Iterator[None]:
    """Count objects piece by piece; returns a :class:`Tally`."""
    tally, identifier, fields = Tally(), layer.id(), layer.fields()
    named, scored = (fields.indexOf(name) for name in (FIELD, SCORE))
    # Of the shapes: the column with the area is not that of an object which was split.
    measure = measuring(layer)
    request = QgsFeatureRequest().setSubsetOfAttributes([named, scored])
    for number, feature in enumerate(layer.getFeatures(request), 1):
        if number % _PIECE == 0:
            yield
            if vector(identifier) is None:
                return tally
        name, score = feature.attribute(named), feature.attribute(scored)
        area = measure.measureArea(feature.geometry()) if feature.hasGeometry() else None
        tally.add(feature.id(), "" if is_null(name) else str(name), None if is_null(score) else float(score), area)
    return tally
