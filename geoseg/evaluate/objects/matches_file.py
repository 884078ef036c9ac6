"""A GeoPackage with the objects that match, the misses and the false alarms, and numbers by cell."""

from __future__ import annotations

import sqlite3
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from geoseg.classes import MapClass
from geoseg.errors import OutputError, one_line
from geoseg.evaluate.objects.matching import NONE
from geoseg.write import polygon_qml
from geoseg.write.geopackage_styles import add_layer_style

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from geoseg.evaluate.objects.cells import CellCounts
    from geoseg.evaluate.objects.layer import ObjectLayer
    from geoseg.evaluate.objects.operating import Outcome
    from geoseg.evaluate.objects.precision import Ranked

LAYER, CELLS = "matches", "counts"
STATUS = (
    MapClass(1, "true_positive", "#2b83ba"),
    MapClass(2, "false_positive", "#d7191c"),
    MapClass(3, "false_negative", "#fdae61"),
)
_BATCH = 50_000
_DATE = "2000-01-01T00:00:00.000Z"


def write_matches(
    path: Path,
    ranked: Ranked,
    outcome: Outcome,
    cells: CellCounts,
    *,
    progress: Callable[[int, int], None] | None = None,
) -> None:
    """Write the layers ``matches`` and ``counts``.

    A true positive has the outline of the object, and the IoU with its reference object.

    Raises
    ------
    OutputError
        If the file cannot be written.
    """
    from pyogrio.errors import DataSourceError

    whole = [
        (ranked.objects, np.flatnonzero(outcome.hit), STATUS[0]),
        (ranked.objects, np.flatnonzero(outcome.wrong), STATUS[1]),
        (ranked.reference, np.flatnonzero(outcome.missed), STATUS[2]),
    ]
    total, done = sum(len(numbers) for _, numbers, _ in whole), 0
    try:
        # The first batch, empty, makes the layer with all its fields.
        _append(path, LAYER, _frame(ranked, outcome, (ranked.objects, np.zeros(0, np.int64), STATUS[0])))
        for layer, numbers, status in whole:
            for at in range(0, len(numbers), _BATCH):
                part = numbers[at : at + _BATCH]
                _append(path, LAYER, _frame(ranked, outcome, (layer, part, status)))
                done += len(part)
                if progress is not None:
                    progress(done, total)
        _append(path, CELLS, _cells(ranked, cells))
        add_layer_style(path, LAYER, polygon_qml(STATUS, "status_id"), description="Matches and errors", date=_DATE)
    except (DataSourceError, sqlite3.Error) as error:
        raise OutputError(f"the map of matches cannot be written: {one_line(error)}; is the disk full?") from error


def _frame(ranked: Ranked, outcome: Outcome, what: tuple[ObjectLayer, NDArray[np.int64], MapClass]) -> Any:
    import geopandas as gpd
    import pandas as pd

    layer, numbers, status = what
    ours = layer is ranked.objects
    partner = outcome.matches.of_objects[numbers] if status is STATUS[0] else np.full(len(numbers), NONE)
    paired = partner != NONE
    features = np.full(len(numbers), -1, np.int64)
    features[paired] = ranked.reference.numbers[partner[paired]]
    own = pd.array(layer.numbers[numbers], dtype="Int64")
    none = pd.array([pd.NA] * len(numbers), dtype="Int64")
    other = pd.array(features, dtype="Int64")
    other[~paired] = pd.NA
    names = np.array(layer.classes, object)
    return gpd.GeoDataFrame(
        {
            "status": pd.array([status.name] * len(numbers), dtype="string"),
            "status_id": np.full(len(numbers), status.id, np.int32),
            "class_name": pd.array(names[layer.class_codes[numbers]] if len(numbers) else [], dtype="string"),
            "score": layer.scores[numbers] if ours else np.full(len(numbers), np.nan),
            "iou": outcome.matches.iou[numbers] if status is STATUS[0] else np.full(len(numbers), np.nan),
            "area": layer.areas[numbers],
            "object_row": own if ours else none,
            "reference_row": other if ours else own,
        },
        geometry=gpd.GeoSeries(layer.shapes(numbers), crs=ranked.crs),
        crs=ranked.crs,
    )


def _cells(ranked: Ranked, cells: CellCounts) -> Any:
    import geopandas as gpd
    import shapely

    west, south = cells.columns * cells.side, cells.rows * cells.side
    return gpd.GeoDataFrame(
        {"objects": cells.found, "reference": cells.wanted, "difference": cells.found - cells.wanted},
        geometry=gpd.GeoSeries(shapely.box(west, south, west + cells.side, south + cells.side), crs=ranked.crs),
        crs=ranked.crs,
    )


def _append(path: Path, layer: str, frame: Any) -> None:
    import pyogrio

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="'crs' was not provided")
        pyogrio.write_dataframe(
            frame, path, layer=layer, driver="GPKG", append=path.exists(), geometry_type="Unknown" if layer == LAYER
            else "Polygon", layer_options={"GEOMETRY_NAME": "geom"}, dataset_options={"VERSION": "1.2"},
        )  # fmt: skip
