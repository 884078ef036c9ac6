"""Runtimes that compute a network: torch, OpenVINO and ONNX Runtime behind one protocol.

``protocol`` what each of them offers: raw windows in, classes and confidence or scores out; ``choices`` which are
installed and can run a model; ``opening`` returns a predictor; ``openvino_*`` converts, compiles and runs graphs of
OpenVINO; ``graph_file`` keeps converted graphs on disk. torch's own predictor is in ``models.inference``.
May import: models.card, models.inference, models.model, models.networks, system.
"""
