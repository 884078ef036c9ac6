"""What a GeoPackage carries beside its features: styles that QGIS applies by itself."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from geoseg.classes import MapClass
from geoseg.write import polygon_qml, polygon_sld

_STYLES = """CREATE TABLE layer_styles (
 id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, f_table_catalog TEXT(256), f_table_schema TEXT(256),
 f_table_name TEXT(256), f_geometry_column TEXT(256), styleName TEXT(30), styleQML TEXT, styleSLD TEXT,
 useAsDefault BOOLEAN, description TEXT, owner TEXT(30), ui TEXT(30), update_time DATETIME)"""


def add_styles(path: Path, layer: str, classes: Sequence[MapClass]) -> None:
    """Add the table ``layer_styles`` (QGIS's schema) with the default style of a layer."""
    from geoseg.polygonize.files.layer import DATE

    with closing(sqlite3.connect(path)) as database, database:
        database.execute("PRAGMA synchronous = OFF")  # the file has its final name only when it is complete
        database.execute(_STYLES)
        database.execute(
            "INSERT INTO layer_styles VALUES (1, '', '', ?, 'geom', ?, ?, ?, 1, ?, '', NULL, ?)",
            (layer, layer, polygon_qml(classes), polygon_sld(classes), "Land-cover classes", DATE),
        )
        database.execute(
            "INSERT INTO gpkg_contents (table_name, data_type, identifier, description, last_change, srs_id) "
            "VALUES ('layer_styles', 'attributes', 'layer_styles', '', ?, 0)",
            (DATE,),
        )
