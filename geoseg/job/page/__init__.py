"""``NAME_report.html``: pictures of a scene's outputs, and the page around them.

``pictures`` reads what was written at reduced size and finds the least certain places; ``scene_page`` puts them, the
content of ``NAME_report.json`` and the model's card together.
May import: write, models, raster, progress, tiling, geodesy, classes, errors.
"""
