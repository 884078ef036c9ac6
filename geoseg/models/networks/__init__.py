"""Networks, each built from what a model card says.

``smp`` segmentation-models-pytorch; ``onnx`` graphs; ``builtin`` those that are code of geoseg: ``spectral`` (rules)
and ``landcover`` (trained). In: a card (ONNX: the file's bytes too). Out: a torch module, normalised pixels -> logits.
May import: models.card, errors.
"""
