"""Networks, each built from what a model card says.

``smp`` segmentation-models-pytorch; ``onnx`` ONNX graphs; ``builtin`` geoseg's own: ``spectral`` (rules) and
``landcover`` (trained, also that of ``water``); ``temperature`` divides logits by a card's temperature. In: a card (for
ONNX also the file's bytes). Out: a torch module, normalised pixels -> logits.
May import: models.card, errors.
"""
