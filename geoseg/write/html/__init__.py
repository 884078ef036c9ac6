"""Reports as HTML pages that need no other file: elements, charts, pictures, and a map that can be moved.

``element`` escapes all text; ``page`` puts head, style and script around it; ``charts`` draws SVG; ``pictures`` makes
``data:`` addresses; ``viewer`` is the map.
May import: classes, geodesy, raster.quicklook, errors.
"""
