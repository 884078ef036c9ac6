"""The user's folders: where they have always been."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from geoseg.system.folders import user_folder, user_models


def test_variables_name_the_folders(monkeypatch, tmp_path):
    monkeypatch.setenv("GEOSEG_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("GEOSEG_MODELS", "~/models")
    assert user_folder("cache") == tmp_path / "cache"
    assert user_models() == Path.home() / "models"
    assert user_folder("data") != tmp_path / "cache"


@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="the XDG folders of Linux")
def test_folders_of_linux(monkeypatch, tmp_path):
    for variable in ("GEOSEG_CACHE", "GEOSEG_MODELS", "XDG_CACHE_HOME", "XDG_DATA_HOME"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert user_folder("cache") == tmp_path / ".cache" / "geoseg"
    assert user_models() == tmp_path / ".local" / "share" / "geoseg" / "models"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "c"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "d"))
    assert user_folder("cache") == tmp_path / "c" / "geoseg"
    assert user_folder("data") == tmp_path / "d" / "geoseg"
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("kind", ["cache", "data"])
def test_folders_of_windows_and_macos(monkeypatch, tmp_path, kind):
    """The paths that platformdirs gives there, on whatever system the tests run."""
    import platformdirs.macos
    import platformdirs.windows

    for variable in ("XDG_CACHE_HOME", "XDG_DATA_HOME"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    mac = platformdirs.macos.MacOS("geoseg", appauthor=False)
    names = {"cache": ("Caches", "geoseg"), "data": ("Application Support", "geoseg")}
    assert Path(getattr(mac, f"user_{kind}_dir")) == tmp_path.joinpath("Library", *names[kind])
    monkeypatch.setattr(platformdirs.windows, "get_win_folder", lambda name: {"CSIDL_LOCAL_APPDATA": "local"}[name])
    windows = platformdirs.windows.Windows("geoseg", appauthor=False)
    expected = {"cache": ["local", "geoseg", "cache"], "data": ["local", "geoseg"]}[kind]
    assert [part.lower() for part in Path(getattr(windows, f"user_{kind}_dir")).parts] == expected
