"""Set-up in a fresh profile: qgis --code setup_page.py, without GEOSEG_PYTHON; see stage.py.

Installs a stand-in of geoseg from a wheel folder, after a first attempt that fails.
"""

from __future__ import annotations

import os
from pathlib import Path

from geoseg_qgis import environment, settings
from qgis.PyQt.QtWidgets import QApplication
from stage import INPUTS, OUT, begin, open_panel, step

os.environ.pop("GEOSEG_PYTHON", None)
os.environ["GEOSEG_QGIS_ENV"] = str(OUT / "Jörg Müller" / "env")
WHEELS = Path(os.environ["GEOSEG_TEST_INPUTS"]) / "wheels"


def story():
    panel = open_panel()
    assert panel.banner.isVisible()
    panel.setup_button.click()
    page = panel.page
    assert page.isVisible()
    assert page.make_button.text() == "Install"
    yield lambda: "GB" in page.size.text()
    assert not page.bar.isVisible()
    _picture(page, "setup")
    yield from _fails(page)
    yield from _succeeds(page)
    assert not panel.banner.isVisible()
    page.remove()
    assert panel.banner.isVisible()
    step("removed")


def _fails(page):
    """What is no source is said at once, in red, beside the button."""
    page.package.setText(str(INPUTS))
    page.show_recipe()
    assert "neither a wheel" in page.progress.text(), page.progress.text()
    assert "b3261e" in page.progress.styleSheet()
    page.package.setText("geoseg-that-is-nowhere")
    page.wheels.setFilePath(str(WHEELS))
    page.make_button.click()
    assert page.bar.isVisible()
    assert page.cancel_button.isEnabled()
    yield page.make_button.isEnabled
    assert "geoseg-that-is-nowhere" in page.progress.text(), page.progress.text()
    assert "b3261e" in page.progress.styleSheet()
    assert not environment.managed_folder().exists()
    _picture(page, "setup_failed")
    step("a failed installation says why, in red")


def _succeeds(page):
    page.package.setText("")
    page.show_recipe()
    page.make_button.click()
    yield page.make_button.isEnabled
    assert page.progress.text().startswith("Done: geoseg 9.9"), page.progress.text()
    assert settings.interpreter() == environment.venv_python(environment.managed_folder())
    assert "✔" in page.state.text()
    _picture(page, "setup_done")
    step("installed with one button")


def _picture(page, name: str) -> None:
    QApplication.processEvents()
    page.grab().save(str(OUT / f"{name}.png"))


begin(story)
