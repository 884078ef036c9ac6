"""Sphinx configuration: ``python -m sphinx -W --keep-going docs site``.

Sphinx rather than MkDocs: numpy-style docstrings, signatures and cross references come with it, MkDocs 1 and its
Material theme are near their end of life (2026-11), and Zensical, their successor, is not at 1.0. Building reads no
network, and neither do readers' browsers: fonts are the system's, scripts and icons the site's own.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "_ext"))

from geoseg import __version__

project = "geoseg"
author = "The geoseg developers"
project_copyright = "The geoseg developers, Apache-2.0"
version = release = __version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "command_reference",
    "public_names",
    "collected_messages",
]
exclude_patterns = ["_ext", "_static"]
nitpicky = False  # types of xarray, geopandas and others have no page here: no inventory is fetched
myst_heading_anchors = 3

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
napoleon_google_docstring = False
napoleon_use_rtype = False
napoleon_use_ivar = True  # fields listed in a class's docstring are not documented a second time
napoleon_attr_annotations = False  # the signature has the types
autodoc_default_options = {"exclude-members": "model_config"}
python_maximum_signature_line_length = 88
toc_object_entries_show_parents = "hide"
python_use_unqualified_type_names = True
public_doors = (
    "geoseg",
    "geoseg.raster",
    "geoseg.models",
    "geoseg.segment",
    "geoseg.write",
    "geoseg.polygonize",
    "geoseg.evaluate",
    "geoseg.change",
    "geoseg.train",
    "geoseg.train.adapt",
    "geoseg.train.pretrain",
    "geoseg.job",
    "geoseg.demo",
    "geoseg.progress",
)

html_theme = "pydata_sphinx_theme"
html_title = f"geoseg {version}"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_show_sourcelink = False
html_copy_source = False
html_sidebars = {
    "index": [],
    "cli": [],
    "messages": [],
    "architecture": [],
    "benchmarks": [],
    "changelog": [],
    "contributing": [],
}
html_theme_options = {
    "logo": {"text": "geoseg"},
    "icon_links": [
        {"name": "Source code", "url": "https://github.com/geoseg/geoseg", "icon": "fa-brands fa-github"},
    ],
    "header_links_before_dropdown": 7,
    "navigation_with_keys": False,
    "show_toc_level": 2,
    "footer_start": ["copyright"],
    "footer_end": ["theme-version"],
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}
