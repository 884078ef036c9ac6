"""Builds the plugin's zips: python qgis_plugin/build_zip.py [FOLDER]. The same source gives the same bytes.

``geoseg_qgis-VERSION-with-geoseg.zip`` carries geoseg's wheel, so that the plugin installs exactly this version; it is
for *Install from ZIP*. ``geoseg_qgis-VERSION.zip`` is for the plugin repository, which takes no binary files, and a
wheel is one to its scanner; that plugin installs geoseg from the package index. The first needs hatchling and is left
out with ``--without-wheel``. Refuses what the repository refuses: missing metadata, foreign files, more than 25 MB.
"""

from __future__ import annotations

import configparser
import os
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
PACKAGE = HERE / "geoseg_qgis"
MOST_BYTES = 25 * 2**20
SUFFIXES = {".py", ".txt", ".svg", ".html", ".css", ".png", ".ts", ".qm", ""}
REQUIRED = ("name", "description", "about", "version", "qgisMinimumVersion", "author", "email", "tracker", "repository")
DATE = (2026, 1, 1, 0, 0, 0)


def files() -> list[Path]:
    """Return the files of the plugin, sorted.

    Raises
    ------
    SystemExit
        If there is one of a kind that does not belong into it.
    """
    found = []
    for path in sorted(PACKAGE.rglob("*")):
        parts = path.relative_to(PACKAGE).parts
        if path.is_dir() or "__pycache__" in parts:
            continue
        if any(part.startswith(".") for part in parts) or path.suffix not in SUFFIXES:
            sys.exit(f"{path} does not belong into the plugin")
        if not path.suffix and path.name != "LICENSE":
            sys.exit(f"{path} does not belong into the plugin")
        found.append(path)
    if PACKAGE / "LICENSE" not in found:
        sys.exit("LICENSE is missing")
    return found


def metadata() -> configparser.SectionProxy:
    """Return the plugin's metadata.

    Raises
    ------
    SystemExit
        If something that the repository wants is missing.
    """
    parser = configparser.ConfigParser(interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read(PACKAGE / "metadata.txt", "utf-8")
    general = parser["general"]
    missing = [name for name in REQUIRED if not general.get(name, "").strip()]
    if missing:
        sys.exit(f"metadata.txt lacks {', '.join(missing)}")
    if not (PACKAGE / general["icon"]).is_file():
        sys.exit(f"metadata.txt names an icon {general['icon']} that is not there")
    return general


def wheel(folder: Path) -> Path:
    """Build geoseg's wheel into ``folder`` and return its path.

    Raises
    ------
    SystemExit
        If hatchling is not installed in this Python.
    """
    call = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    env = {**os.environ, "SOURCE_DATE_EPOCH": "1767225600"}  # DATE: the wheel is as reproducible as the zip
    done = subprocess.run(call, cwd=HERE.parent, env=env, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        sys.exit(f"the wheel cannot be built (pip install hatchling, or --without-wheel): {done.stderr.strip()[-300:]}")
    (found,) = folder.glob("*.whl")
    return found


def build(folder: Path, carried: Path | None = None) -> Path:
    """Write a zip into ``folder``, with a wheel if one is given, and return its path."""
    general = metadata()
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / f"geoseg_qgis-{general['version']}{'-with-geoseg' if carried else ''}.zip"
    sources = [(path, path.relative_to(PACKAGE).as_posix()) for path in files()]
    if carried is not None:
        sources.append((carried, f"wheels/{carried.name}"))
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for path, name in sources:
            entry = zipfile.ZipInfo(f"geoseg_qgis/{name}", DATE)
            entry.external_attr = 0o100644 << 16
            entry.create_system = 3
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, path.read_bytes())
    size = target.stat().st_size
    if size > MOST_BYTES:
        target.unlink()
        sys.exit(f"{size / 2**20:.1f} MB: the plugin repository takes at most {MOST_BYTES / 2**20:.0f} MB")
    print(f"{target}: {size / 1000:.0f} kB, {len(sources)} files, version {general['version']}")
    return target


def main(arguments: list[str]) -> None:
    """Build both zips, or with ``--without-wheel`` the repository's alone."""
    words = [word for word in arguments if word != "--without-wheel"]
    folder = Path(words[0]) if words else Path("dist")
    # Translators' files first: they are made from the source.
    subprocess.run([sys.executable, str(HERE / "update_ts.py"), "--check"], check=True)  # noqa: S603
    build(folder)
    if len(words) == len(arguments):
        with tempfile.TemporaryDirectory() as scratch:
            build(folder, wheel(Path(scratch)))


if __name__ == "__main__":
    main(sys.argv[1:])
