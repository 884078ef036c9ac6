"""Models for other programs: ONNX (float32 or 8-bit) and PT2, written only if they agree with torch.

``export`` the function to call; ``options`` its options; ``trace`` network -> graph; ``compare`` graph against torch;
``quantize`` 8-bit integers, ``static_int8`` those of calibrated ranges; ``onnx_metadata`` the card and other metadata
inside the file.
May import: models.card, models.networks, models.model.
"""
