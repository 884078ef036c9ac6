"""How a forward pass runs: device, precision, memory layout, streams, and the pass itself.

``execution`` the choice, as a value; ``calibrate`` makes it by measuring; ``predictor`` raw windows -> classes and
confidence; ``argmax``, ``device``, ``malloc``, ``memory_footprint``, ``torch_compile`` what it needs.
May import: models.card, models.model, models.optimize, system.
"""
