"""The table ``layer_styles`` of a GeoPackage, whose default styles QGIS applies by itself."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

# The columns that QGIS itself creates.
_TABLE = """CREATE TABLE layer_styles (
 id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, f_table_catalog TEXT(256), f_table_schema TEXT(256),
 f_table_name TEXT(256), f_geometry_column TEXT(256), styleName TEXT(30), styleQML TEXT, styleSLD TEXT,
 useAsDefault BOOLEAN, description TEXT, owner TEXT(30), ui TEXT(30), update_time DATETIME)"""


def add_layer_style(path: Path, layer: str, qml: str, sld: str = "", *, description: str, date: str) -> None:
    """Add the table ``layer_styles`` with the default style of a layer to a GeoPackage that has none.

    Parameters
    ----------
    path
        A GeoPackage that nothing else has open and that is not yet under its final name: it is not synced to disk.
    layer
        A layer whose geometry column is ``geom``; also the name of its style.
    qml, sld
        The style in both of the forms that QGIS reads; SLD may be empty.
    description
        One line about the style, which QGIS lists.
    date
        Date of the change, ISO 8601 in UTC; a fixed one gives the same map the same bytes.

    Raises
    ------
    sqlite3.Error
        If the file cannot be written.
    """
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("PRAGMA synchronous = OFF")
        database.execute(_TABLE)
        database.execute(
            "INSERT INTO layer_styles VALUES (1, '', '', ?, 'geom', ?, ?, ?, 1, ?, '', NULL, ?)",
            (layer, layer, qml, sld, description, date),
        )
        database.execute(
            "INSERT INTO gpkg_contents (table_name, data_type, identifier, description, last_change, srs_id) "
            "VALUES ('layer_styles', 'attributes', 'layer_styles', '', ?, 0)",
            (date,),
        )
