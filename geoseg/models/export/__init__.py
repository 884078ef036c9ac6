"""Models for other programs: ONNX (float32 or 8-bit) and PT2, checked against torch before they get their name.

``export`` is the door; ``options`` what may be chosen; ``quantize`` 8-bit integers; ``onnx_metadata`` the card inside.
May import: models.card, models.networks, models.model.
"""
