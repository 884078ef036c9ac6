"""The plugin under QGIS's own Python, in one QgsApplication without window: in_qgis.py PYTHON INPUTS HEADLESS_OUT."""

from __future__ import annotations

import ast
import json
import os
import sys
import tempfile
import threading
import time
import traceback
from pathlib import Path

HERE = Path(__file__).resolve().parent
PLUGIN = HERE.parents[1] / "qgis_plugin"
sys.path[:0] = [str(PLUGIN), "/usr/share/qgis/python/plugins"]
sys.dont_write_bytecode = True
STARTED = time.monotonic()


def say(text: str) -> None:
    print(f"{time.monotonic() - STARTED:7.1f} s  {text}", flush=True)


def enums_are_scoped() -> None:
    """Qt 6 knows ``Qt.DockWidgetArea.RightDockWidgetArea`` alone; Qt 5 also lets the short form pass unseen."""
    import qgis.core
    import qgis.gui
    import qgis.PyQt.QtCore
    import qgis.PyQt.QtGui
    import qgis.PyQt.QtWidgets

    modules = (qgis.core, qgis.gui, qgis.PyQt.QtCore, qgis.PyQt.QtGui, qgis.PyQt.QtWidgets)
    looked = 0
    for path in sorted((PLUGIN / "geoseg_qgis").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not (isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)):
                continue
            owner = next((getattr(m, node.value.id) for m in modules if hasattr(m, node.value.id)), None)
            if not isinstance(owner, type) or not hasattr(owner, node.attr):
                continue
            value = getattr(owner, node.attr)
            looked += 1
            # An enum's member is an int of the enum's own type; constants such as versions are plain ints and strings.
            bare = isinstance(value, int) and type(value) not in {int, bool}
            assert not bare, f"{path.name}:{node.lineno}: {node.value.id}.{node.attr} needs its enum's name before it"
    assert looked > 30, looked
    say(f"{looked} names of QGIS and Qt classes: enums are scoped")


def plugin_never_fails() -> None:
    import geoseg_qgis
    from geoseg_qgis.broken import BrokenPlugin

    assert type(geoseg_qgis.classFactory(None)).__name__ == "GeoSegPlugin"
    # A part that cannot be imported, as after a half-copied upgrade.
    sys.modules["geoseg_qgis.plugin"] = None
    try:
        broken = geoseg_qgis.classFactory(None)
    finally:
        del sys.modules["geoseg_qgis.plugin"]
    assert isinstance(broken, BrokenPlugin)
    broken.initProcessing()
    broken.unload()
    say("classFactory never fails")


def translations_are_compiled() -> None:
    """The .qm files that QGIS reads say what the translators' .ts files say."""
    import xml.etree.ElementTree as ET

    from qgis.PyQt.QtCore import QCoreApplication, QTranslator

    folder = PLUGIN / "geoseg_qgis" / "i18n"
    files = sorted(folder.glob("geoseg_qgis_*.ts"))
    assert len(files) == 4, files
    for path in files:
        translator = QTranslator()
        assert translator.load(str(path.with_suffix(".qm"))), path
        QCoreApplication.installTranslator(translator)
        for message in ET.parse(path).getroot().iter("message"):
            source, wanted = message.findtext("source"), message.findtext("translation")
            found = QCoreApplication.translate("GeoSeg", source)
            assert found == wanted, f"{path.name}: {source!r} is {found!r}: run update_ts.py"
        QCoreApplication.removeTranslator(translator)
    say("translations into four languages are compiled")


def outputs_of_headless_runs(out: Path) -> None:
    from qgis.core import QgsCategorizedSymbolRenderer, QgsPalettedRasterRenderer, QgsRasterLayer, QgsVectorLayer

    report = json.loads((out / "report.json").read_text("utf-8"))
    for name in ("map", "delta"):
        if name == "delta" and not (out / "delta.tif").is_file():
            continue
        raster = QgsRasterLayer(str(out / f"{name}.tif"), name)
        assert raster.isValid()
        assert raster.crs().isValid()
        assert isinstance(raster.renderer(), QgsPalettedRasterRenderer)
        shown = {entry.label: entry.color.name() for entry in raster.renderer().classes()}
        assert all(shown[label] == facts["color"] for label, facts in report["classes"].items()), shown
        path = out / ("polygons.gpkg" if name == "map" else "delta.gpkg")
        polygons = QgsVectorLayer(str(path), name, "ogr")
        assert polygons.isValid()
        assert polygons.crs() == raster.crs()
        assert isinstance(polygons.renderer(), QgsCategorizedSymbolRenderer), path
        assert {"class_id", "class_name", "area_m2", "confidence"} <= {field.name() for field in polygons.fields()}
        assert polygons.featureCount() > 10
        inside = polygons.extent()
        inside.scale(0.999)
        assert raster.extent().contains(inside)
    counted = sum(facts["polygons"] for facts in report["classes"].values())
    assert QgsVectorLayer(str(out / "polygons.gpkg"), "p", "ogr").featureCount() == counted
    confidence = QgsRasterLayer(str(out / "confidence.tif"), "confidence")
    assert confidence.isValid()
    assert QgsVectorLayer(str(out / "p2.gpkg"), "p2", "ogr").isValid()
    say("outputs of the headless runs: CRS, names, colours, features")


def cancel_by_feedback(inputs: Path) -> None:
    """As the Cancel button of Processing's dialog does."""
    from qgis.core import QgsApplication, QgsProcessingContext, QgsProcessingException, QgsProcessingFeedback

    algorithm = QgsApplication.processingRegistry().algorithmById("geoseg:segment").create()
    folder = tempfile.mkdtemp()
    values = {"INPUT": [str(inputs / "big scene.tif")], "MODEL": "small", "STITCH": "linear"}
    values["OUTPUT"] = os.path.join(folder, "map.tif")
    context, feedback = QgsProcessingContext(), QgsProcessingFeedback()
    said = []
    feedback.progressChanged.connect(said.append)

    def cancel() -> None:
        while not list(Path(folder).glob("*/.geoseg")) and not list(Path(folder).glob(".*/.geoseg")):
            time.sleep(0.05)
        feedback.cancel()

    threading.Thread(target=cancel, daemon=True).start()
    good, message = algorithm.checkParameterValues(values, context)
    assert good, message
    assert algorithm.prepare(values, context, feedback)
    try:
        algorithm.runPrepared(values, context, feedback)
    except QgsProcessingException as error:
        assert "cancelled" in str(error), error
    else:
        raise AssertionError("a cancelled run counts as a success")
    mine = [p for p in Path("/proc").iterdir() if p.name.isdigit() and folder in _command(p)]
    assert not mine, mine
    assert not os.path.exists(values["OUTPUT"])
    say("cancelled through the feedback: an error, and no child is left")


def _command(folder: Path) -> str:
    try:
        return (folder / "cmdline").read_bytes().decode("utf-8", "replace")
    except OSError:
        return ""


def results_are_grouped(inputs: Path) -> None:
    """As Processing's dialog adds them: styled, polygons above classes, in one group."""
    import processing
    from processing.core.Processing import Processing
    from processing.gui.Postprocessing import handleAlgorithmResults
    from qgis.core import QgsApplication, QgsProcessingContext, QgsProcessingFeedback, QgsProject, QgsRasterLayer

    Processing.initialize()
    project = QgsProject.instance()
    scene = QgsRasterLayer(str(inputs / "small scene.tif"), "small scene")
    project.addMapLayer(scene)
    folder = tempfile.mkdtemp()

    def load(algorithm, context, feedback, *_):
        handleAlgorithmResults(algorithm, context, feedback)

    values = {
        "INPUT": [scene],
        "OUTPUT": os.path.join(folder, "m.tif"),
        "POLYGONS": os.path.join(folder, "p.gpkg"),
        "CONFIDENCE": os.path.join(folder, "c.tif"),
    }
    context, feedback = QgsProcessingContext(), QgsProcessingFeedback()
    context.setProject(project)
    algorithm = QgsApplication.processingRegistry().algorithmById("geoseg:segment")
    processing.runAndLoadResults(algorithm, values, feedback=feedback, context=context)
    for _ in range(20):
        QgsApplication.processEvents()
        time.sleep(0.02)
    group = project.layerTreeRoot().findGroup("GeoSeg small scene")
    assert group is not None, [node.name() for node in project.layerTreeRoot().findLayers()]
    names = [type(node.layer().renderer()).__name__ for node in group.findLayers()]
    assert names[0] == "QgsCategorizedSymbolRenderer", names
    assert names[1] == "QgsPalettedRasterRenderer", names
    assert len(names) == 3, names
    assert not group.findLayers()[2].isVisible()
    say("results that Processing loads: styled, polygons above classes, one group")


def main(inputs: Path, out: Path) -> None:
    from qgis.core import QgsApplication

    QgsApplication.setPrefixPath("/usr", True)
    application = QgsApplication([], True)
    application.initQgis()
    import geoseg_qgis

    enums_are_scoped()
    plugin_never_fails()
    translations_are_compiled()
    plugin = geoseg_qgis.classFactory(None)
    plugin.initProcessing()
    outputs_of_headless_runs(out)
    cancel_by_feedback(inputs)
    results_are_grouped(inputs)


if __name__ == "__main__":
    os.environ["GEOSEG_PYTHON"] = sys.argv[1]
    os.environ["GEOSEG_MODELS"] = str(Path(sys.argv[2], "models"))
    os.environ["GEOSEG_CACHE"] = str(Path(sys.argv[2], "cache"))
    code = 1
    try:
        main(Path(sys.argv[2]), Path(sys.argv[3]))
        code = 0
    except BaseException:  # noqa: BLE001 - the exit code is the message
        traceback.print_exc()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)  # QGIS crashes now and then while it takes itself down; everything is checked by here
