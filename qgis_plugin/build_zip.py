"""Builds the plugin's zip: python qgis_plugin/build_zip.py [FOLDER]. The same source gives the same bytes.

Refuses what the plugin repository refuses: missing metadata, files that do not belong, more than 25 MB.
"""

from __future__ import annotations

import configparser
import subprocess
import sys
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


def build(folder: Path) -> Path:
    """Write the zip into ``folder`` and return its path."""
    general = metadata()
    # Translators' files first: they are made from the source.
    subprocess.run([sys.executable, str(HERE / "update_ts.py"), "--check"], check=True)  # noqa: S603
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / f"geoseg_qgis-{general['version']}.zip"
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for path in files():
            entry = zipfile.ZipInfo(str(Path("geoseg_qgis") / path.relative_to(PACKAGE)).replace("\\", "/"), DATE)
            entry.external_attr = 0o100644 << 16
            entry.create_system = 3
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, path.read_bytes())
    size = target.stat().st_size
    if size > MOST_BYTES:
        target.unlink()
        sys.exit(f"{size / 2**20:.1f} MB: the plugin repository takes at most {MOST_BYTES / 2**20:.0f} MB")
    print(f"{target}: {size / 1000:.0f} kB, {len(files())} files, version {general['version']}")
    return target


if __name__ == "__main__":
    build(Path(sys.argv[1]) if sys.argv[1:] else Path("dist"))
