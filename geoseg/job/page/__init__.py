"""``NAME_report.html``: pictures of a scene's outputs, and the page around them.

``pictures`` reads what was written at reduced size and finds the least certain places; ``scene_page`` puts them, the
content of ``NAME_report.json`` and the model's card together.
``sample`` runs a model on the middle of a scene for a picture of it.
May import: what ``job`` may; the other two write, models, raster, progress, tiling, geodesy, classes, errors.
"""
