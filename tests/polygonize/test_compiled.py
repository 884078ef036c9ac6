"""Compiled kernels compute what Python computes, start fast, and do without this compiler and need their source."""

from __future__ import annotations

import compileall
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from geoseg.jit.machine import Compiled
from tests.polygonize.polygon_helpers import array, polygonized

PACKAGE = Path(__file__).resolve().parents[2] / "geoseg"
OPTIONS = [{}, {"connectivity": 8}, {"min_area": 3, "simplify": 1.2}, {"simplify": 0.9, "smooth": True}]


def small_map() -> np.ndarray:
    """Noise around stair steps."""
    values = np.random.default_rng(2).integers(0, 3, (17, 13), dtype=np.uint8)
    values[4:12, 3:9] = np.add.outer(np.arange(8), np.arange(6)) // 4
    return values


def run(code: str, root: Path = PACKAGE.parent) -> str:
    """Run code in a fresh process that imports geoseg from ``root``; return what it prints."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(root), os.environ.get("PYTHONPATH", "")])}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, env=environment, cwd=root
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("options", OPTIONS)
def test_kernels_compute_what_python_computes(monkeypatch, options):
    values = small_map()
    compiled = polygonized(5, array(values, nodata=2), **options)
    monkeypatch.setattr(Compiled, "__call__", lambda self, *args: self.py_func(*args))
    interpreted = polygonized(5, array(values, nodata=2), **options)
    assert compiled.geometry.to_wkb().equals(interpreted.geometry.to_wkb())
    assert compiled.drop(columns="geometry").equals(interpreted.drop(columns="geometry"))


def test_the_first_call_is_fast():
    """All kernels are compiled within a few seconds of CPU time, in a process that has never seen them."""
    code = (
        "import time, numpy, xarray, geopandas, rasterio, geoseg\n"
        "data = xarray.DataArray(numpy.eye(9, dtype='u1'), dims=('y', 'x'))\n"
        "begin = time.process_time()\n"
        "geoseg.polygonize(data, min_area=2, simplify=1, smooth=True)\n"
        "print(time.process_time() - begin)"
    )
    assert float(run(code)) < 8


def test_bytecode_without_source_is_one_clear_error(tmp_path):
    shutil.copytree(PACKAGE, tmp_path / "geoseg", ignore=shutil.ignore_patterns("__pycache__", "bundled"))
    assert compileall.compile_dir(tmp_path, legacy=True, quiet=2)
    for path in tmp_path.rglob("*.py"):
        path.unlink()
    code = (
        "import numpy, xarray, geoseg\n"
        "assert geoseg.__file__.endswith('.pyc')\n"
        "try:\n"
        "    geoseg.polygonize(xarray.DataArray(numpy.eye(9, dtype='u1'), dims=('y', 'x')))\n"
        "except geoseg.GeosegError as error:\n"
        "    print(error)"
    )
    message = run(code, tmp_path)
    assert message.startswith("geoseg.polygonize.kernels.")
    assert "install geoseg with its .py files" in message
    assert message.count("\n") == 1


@pytest.mark.slow
def test_kernels_run_under_numba_with_identical_results():
    """Replacing one decorator moves every kernel to numba, should llvmlite ever break this package's compiler."""
    pytest.importorskip("numba")
    code = (
        "import hashlib, sys\n"
        "import geoseg.jit\n"
        "if 'numba' in sys.argv:\n"
        "    import numba\n"
        "    geoseg.jit.compiled = numba.njit(nogil=True, error_model='numpy')\n"
        "from tests.polygonize.test_compiled import OPTIONS, small_map\n"
        "from tests.polygonize.polygon_helpers import array, polygonized\n"
        "from geoseg.polygonize.kernels.runs import find\n"
        "assert type(find).__module__.startswith('numba' if 'numba' in sys.argv else 'geoseg')\n"
        "for options in OPTIONS:\n"
        "    frame = polygonized(5, array(small_map(), nodata=2), **options)\n"
        "    rows = frame.to_wkb().to_csv(index=False, float_format='%r').encode()\n"
        "    print(hashlib.sha256(rows).hexdigest())\n"
    )
    own, numba = run(code), run(f"import sys\nsys.argv.append('numba')\n{code}")
    assert own.count("\n") == len(OPTIONS)
    assert own == numba
