"""PYQGIS_STARTUP, run before plugins load: a Python error ends QGIS instead of opening a dialog that waits for ever."""

import os
import sys
import threading
import traceback

import qgis.utils


def die(code: int, why: str) -> None:
    print("GUARD", why, file=sys.stderr, flush=True)
    sys.stdout.flush()
    os._exit(code)


def stack_dialog(kind, value, trace, message, *_args, **_options) -> None:
    die(4, f"{message}\n" + "".join(traceback.format_exception(kind, value, trace)))


qgis.utils.open_stack_dialog = stack_dialog
qgis.utils.showException = stack_dialog
timer = threading.Timer(float(os.environ.get("GEOSEG_TEST_HARD_LIMIT", "200")), die, (3, "hard time limit"))
timer.daemon = True
timer.start()
