"""Regular outlines: buildings squared, tanks and crowns made round, and walls between neighbours moved once.

In: finished polygons, group of touching ones by group. Out: their rings in new places, each within the tolerance of the
traced one. ``api`` is the entry point; ``graph`` finds what polygons share, ``square`` and ``circle`` propose,
``checks`` and ``kernels`` refuse; ``groups`` finds groups that are too large. Edges that break a rule are simplified
instead, or stay as traced, so the result is always a valid coverage.
May import: polygonize's ``kernels`` and ``strips``, jit.
"""
