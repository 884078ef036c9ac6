"""What the user chose, as arguments of geoseg. No qgis import; nothing of geoseg's own knowledge is repeated here."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, Mapping, Sequence

JSON = "--progress=json"

_LEFT = re.compile(r"([0-9.]+) (s|min|h) left")
_UNITS = {"s": 1.0, "min": 60.0, "h": 3600.0}


# How QGIS calls a variable of a NetCDF or HDF5 file.
_VARIABLE = re.compile(r'(?:NETCDF|HDF5):"?([^"]+?)"?:/*([^":/][^":]*)')


def file_of(source: str) -> str:
    """Return what geoseg calls a source: a variable of a file is ``FILE#VARIABLE``.

    >>> file_of('NETCDF:"/data/cube.nc":red')
    '/data/cube.nc#red'
    """
    found = _VARIABLE.fullmatch(source)
    return f"{found.group(1)}#{found.group(2)}" if found else source


def together(sources: Sequence[str]) -> list[str]:
    """Return sources that make one scene: variables of one file as one source, ``FILE#RED,NIR``."""
    files: dict[str, list[str]] = {}
    for source in sources:
        path, _, variable = source.partition("#")
        files.setdefault(path, []).append(variable)
    if len(files) > 1 or not all(variables := next(iter(files.values()), [])):
        return list(sources)
    return [f"{path}#{','.join(variables)}" for path in files]


@dataclass(frozen=True)
class Scene:
    """What is read, and how.

    Attributes
    ----------
    sources
        Files; several are the bands of one scene.
    bands
        ``"blue=1,green=2,…"``, or empty: by the files' own names.
    bbox
        West, south, east, north in the scene's CRS; empty for all of it.
    reading
        Further options by name: scale, offset, nodata, resolution.
    """

    sources: Sequence[str]
    bands: str = ""
    bbox: Sequence[float] = ()
    reading: Mapping[str, Any] = field(default_factory=dict)

    def arguments(self) -> list[str]:
        """Return the sources and the options that say how they are read."""
        found = list(self.sources)
        if len(self.sources) > 1:
            found.append("--stack")
        box = ",".join(repr(float(value)) for value in self.bbox)
        return found + options({"bands": self.bands, "bbox": box, **self.reading})


def options(values: Mapping[str, Any]) -> list[str]:
    """Return ``--name=value`` of everything that is set; True is a flag of its own, several values repeat the name."""
    found = []
    for name, value in values.items():
        flag = "--" + name.replace("_", "-")
        if value is None or value is False or value == "":
            continue
        if value is True:
            found.append(flag)
        elif isinstance(value, (list, tuple)):
            found += [f"{flag}={item}" for item in value]
        else:
            found.append(f"{flag}={value!r}" if isinstance(value, float) else f"{flag}={value}")
    return found


def segment(scene: Scene, output: str, model: str = "", /, **values: Any) -> list[str]:
    """Return ``geoseg segment``."""
    return ["segment", *scene.arguments(), *options({"output": output, "model": model, **values}), JSON]


def detect(scene: Scene, output: str, model: str = "", /, **values: Any) -> list[str]:
    """Return ``geoseg detect``."""
    return ["detect", *scene.arguments(), *options({"output": output, "model": model, **values}), JSON]


def change(before: str, after: str, output: str, model: str = "", /, **values: Any) -> list[str]:
    """Return ``geoseg change`` of two class maps or, with a model, of two scenes."""
    return ["change", before, after, *options({"output": output, "model": model, **values}), JSON]


def inspect(scene: Scene, model: str = "", /, **values: Any) -> list[str]:
    """Return ``geoseg inspect``, which prints one JSON object a scene."""
    return ["inspect", *scene.arguments(), *options({"model": model, **values}), "--json"]


def polygonize(classes: str, output: str, /, **values: Any) -> list[str]:
    """Return ``geoseg polygonize``."""
    return ["polygonize", classes, *options({"output": output, **values}), JSON]


def band_numbers(text: str) -> dict[str, int]:
    """Return the numbers in ``"blue=1,green=2,…"`` by name; names without a number are left out.

    Examples
    --------
    >>> band_numbers("blue=1, green=2, nir")
    {'blue': 1, 'green': 2}
    """
    pairs = [part.partition("=") for part in text.split(",")]
    return {name.strip(): int(number) for name, _, number in pairs if name.strip() and number.strip().isdigit()}


def band_text(numbers: Mapping[str, int]) -> str:
    """Return ``"blue=1,green=2,…"``; bands with the number 0 are left out."""
    return ",".join(f"{name}={number}" for name, number in numbers.items() if number)


def band_mistake(text: str, count: int) -> str:
    """Return what is wrong with ``"blue=1,green=2,…"`` for a scene of ``count`` bands; empty if nothing is.

    Bands may also be names alone, by which geoseg finds them in the file; then there is nothing to check here.
    """
    parts = [part.strip() for part in text.split(",") if part.strip()]
    if not any("=" in part for part in parts):
        return ""
    taken: dict[str, str] = {}
    for part in parts:
        name, mark, number = (piece.strip() for piece in part.partition("="))
        if not (name and mark and number):
            return f"{part!r} is not of the form name=number, such as blue=1"
        if number.isdigit() and not 1 <= int(number) <= count:
            return f"there is no band {number}, the scene has {count}"
        if name in taken:
            return f"{name} is named twice"
        taken[name] = number
    return ""


def sample(classes: str, output: str, /, **values: Any) -> list[str]:
    """Return ``geoseg evaluate sample``, which draws points to interpret."""
    return ["evaluate", "sample", classes, *options({"output": output, **values}), JSON]


def area(points: str, classes: str, output: str, /, **values: Any) -> list[str]:
    """Return ``geoseg evaluate area``, which estimates accuracy and areas from interpreted points."""
    return ["evaluate", "area", points, classes, *options({"output": output, **values}), JSON]


def evaluate(predicted: str, reference: str, output: str, /, **values: Any) -> list[str]:
    """Return ``geoseg evaluate``."""
    return ["evaluate", predicted, reference, *options({"output": output, **values}), JSON]


def train(scene: Scene, labels: Sequence[str], output: str, base: str = "", /, **values: Any) -> list[str]:
    """Return ``geoseg train`` on one or several images; ``base`` is the model to go on from."""
    reading = {"bands": scene.bands, **scene.reading}
    chosen = {"images": list(scene.sources), "labels": list(labels), "output": output, "from": base}
    return ["train", *options({**chosen, **reading, **values}), JSON]


def sketch(scene: Scene, labels: str, output: str, /, **values: Any) -> list[str]:
    """Return ``geoseg sketch``."""
    return ["sketch", *scene.arguments(), *options({"labels": [labels], "output": output, **values}), JSON]


def next_labels(results: Sequence[str], output: str, /, **values: Any) -> list[str]:
    """Return ``geoseg next``."""
    return ["next", *results, *options({"output": output, **values}), JSON]


def models() -> list[str]:
    """Return ``geoseg model list``, which prints one JSON array."""
    return ["model", "list", "--json"]


def click_models() -> list[str]:
    """Return ``geoseg model list`` of the models that outline what is clicked on, as a JSON array."""
    return ["model", "list", "--clicks", "--json"]


def click(
    scene: Scene,
    model: str,
    at: Sequence[tuple[float, float]],
    outside: Sequence[tuple[float, float]],
    /,
    **values: Any,
) -> list[str]:
    """Return ``geoseg click``: points on an object, and off it, in the scene's CRS."""
    points = {name: [f"{x!r},{y!r}" for x, y in each] for name, each in (("at", at), ("not", outside))}
    return ["click", *scene.arguments(), *options({"model": model, **points, **values}), JSON]


def message_parts(message: str) -> tuple[str, str, float | None]:
    """Split ``"segment x: 2 min left, 3.1 Mpx/s"`` into what is done, how it goes, and the seconds that are left."""
    stage, _, detail = message.partition(": ")
    parts, left = [], None
    for part in detail.split(", "):
        if found := _LEFT.fullmatch(part):
            left = float(found.group(1)) * _UNITS[found.group(2)]
        else:
            parts.append(part)
    return stage, ", ".join(parts), left
