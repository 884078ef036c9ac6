"""Execute the notebooks beside this file, each in a scratch folder and a kernel of its own; fail if a cell does.

python notebooks/run.py                 all; the files stay as they are
python notebooks/run.py --write sketch  some, and keep their outputs in the files
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import io
import re
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient
from PIL import Image

HERE = Path(__file__).resolve().parent
LONGEST = 180
"""Seconds that a notebook may take on two cores."""
_LARGE = 100_000
"""Bytes of a large picture; a notebook should stay below 700 kB."""


def main() -> None:
    parser = argparse.ArgumentParser(description="Execute the notebooks.")
    parser.add_argument("names", nargs="*", help="of notebooks, without suffix; all by default")
    parser.add_argument("--write", action="store_true", help="keep the outputs in the files")
    wanted = parser.parse_args()
    paths = [HERE / f"{name}.ipynb" for name in wanted.names] or sorted(HERE.glob("*.ipynb"))
    for path in paths:
        start = time.perf_counter()
        notebook = nbformat.read(path, as_version=4)
        try:
            _execute(notebook, None if wanted.write else LONGEST)
        except TimeoutError:
            sys.exit(f"{path.name}: not done after {LONGEST} s")
        print(f"{path.name}: {len(notebook.cells)} cells in {time.perf_counter() - start:.0f} s", flush=True)
        if wanted.write:
            _write(notebook, path)


def _execute(notebook: Any, longest: float | None) -> None:
    """Run all cells from a clean kernel; raises TimeoutError if they take too long."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:  # Windows: a file may still be open
        client = NotebookClient(notebook, timeout=None, record_timing=False, resources={"metadata": {"path": folder}})
        asyncio.run(asyncio.wait_for(client.async_execute(), longest))


def _write(notebook: Any, path: Path) -> None:
    """Keep the outputs, without what differs from run to run and from machine to machine, in few bytes."""
    notebook.metadata = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    for cell in notebook.cells:
        if cell.cell_type == "code":  # logs of libraries differ from machine to machine
            cell.outputs = [output for output in cell.outputs if output.get("name") != "stderr"]
        for output in cell.get("outputs", []):
            for kind, text in output.get("data", {}).items():
                if kind == "image/png":
                    output["data"][kind] = _smaller(text)
                else:
                    output["data"][kind] = re.sub(r" at 0x[0-9a-f]{6,}", "", text)
    nbformat.write(notebook, path)
    print(f"{path.name}: {path.stat().st_size / 1e3:.0f} kB written")


def _smaller(png: str) -> str:
    """Return a picture with at most 256 colours; with 48 if it is a large one, as photographs are."""
    image = Image.open(io.BytesIO(base64.b64decode(png))).convert("RGB")
    for colors in (256, 48):
        content = io.BytesIO()
        image.quantize(colors, method=Image.Quantize.FASTOCTREE).save(content, "PNG", optimize=True)
        if content.tell() <= _LARGE:
            break
    return base64.b64encode(content.getvalue()).decode("ascii")


if __name__ == "__main__":
    sys.exit(main())
