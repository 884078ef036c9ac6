"""How a forward pass runs: device, precision, memory layout, streams, and the pass itself.

``execution`` the settings, as a value; ``calibrate`` chooses them by measuring; ``predictor`` raw windows -> classes
and confidence; ``argmax``, ``device``, ``malloc``, ``memory_footprint``, ``torch_compile`` support them.
May import: models.card, models.model, models.optimize, system.
"""
