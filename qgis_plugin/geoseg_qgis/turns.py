"""Work in pieces, one in each turn of QGIS's event loop, so that the window answers all the while."""

from __future__ import annotations

from typing import Iterator

from qgis.core import QgsProcessingException
from qgis.PyQt.QtCore import QObject, QTimer, pyqtSignal


class Turns(QTimer):
    """Runs a generator, from each ``yield`` to the next in a turn of its own.

    Parameters
    ----------
    pieces
        The work; what it returns is handed to ``done``, what the user must hear of to ``failed``.
    parent
        Owner.
    """

    done = pyqtSignal(object)
    failed = pyqtSignal(str)

    def __init__(self, pieces: Iterator[None], parent: QObject) -> None:
        super().__init__(parent)
        self._pieces = pieces
        self.timeout.connect(self._next)
        self.start(0)

    def _next(self) -> None:
        self.stop()
        try:
            next(self._pieces)
        except StopIteration as end:
            self.done.emit(end.value)
        except QgsProcessingException as error:
            self.failed.emit(str(error))
        else:
            self.start(0)
            return
        self.deleteLater()
