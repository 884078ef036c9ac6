"""A wheel called geoseg, with stand-ins of all that is probed after an installation."""

from __future__ import annotations

import zipfile
from pathlib import Path

_MODULES = {
    "geoseg/__init__.py": "__version__ = '9.9'\n",
    "geoseg/__main__.py": "print('{}')\n",
    "geoseg/progress/__init__.py": "PROTOCOL = 1\n",
    "geoseg/models/__init__.py": "def user_models():\n    return 'models'\n",
    "torch.py": (
        "__version__ = '0'\nclass cuda:\n"
        "    is_available = staticmethod(lambda: False)\n    get_device_name = staticmethod(str)\n"
    ),
    "rasterio/__init__.py": "__version__ = __gdal_version__ = '0'\n",
    "rasterio/crs.py": (
        "class CRS:\n    from_epsg = classmethod(lambda cls, code: cls())\n    to_wkt = lambda self: 'wkt'\n"
    ),
    "segmentation_models_pytorch.py": "__version__ = '0'\n",
}


def stand_in_wheel(folder: Path, **changes: str) -> Path:
    """Write the wheel into a new folder and return its path; ``changes`` are other texts of its modules."""
    folder.mkdir()
    info = "geoseg-9.9.dist-info"
    files = {**_MODULES, **{name.replace("__", "/", 1) + ".py": text for name, text in changes.items()}}
    files[f"{info}/METADATA"] = "Metadata-Version: 2.1\nName: geoseg\nVersion: 9.9\nProvides-Extra: train\n"
    files[f"{info}/WHEEL"] = "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    files[f"{info}/RECORD"] = "".join(f"{name},,\n" for name in [*files, f"{info}/RECORD"])
    path = folder / "geoseg-9.9-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        for name, text in files.items():
            wheel.writestr(name, text)
    return path
