"""Metadata of an ONNX file, Deepness's or others: a JSON object of texts beside one small graph."""

from __future__ import annotations

import json
from pathlib import Path

from geoseg.models.card.card import card_of
from geoseg.models.networks.onnx_card import fitted_card, made_card
from geoseg.models.networks.onnx_contract import GraphContract, Port

_PORTS = (
    (
        Port("x", "float32", (1, 3, 64, 64), (1, 3, 64, 64)),
        Port("y", "float32", (1, 4, 64, 64), (1, 4, 64, 64), "softmax"),
    ),
    (Port("x", "uint8", (None, None, None, 5), (1, 64, 64, 5)), Port("y", "int64", (None, None, None), (1, 64, 64))),
)


def target(data: bytes) -> None:
    text = data.decode("utf-8", "replace")
    try:
        entries = json.loads(text)
    except (ValueError, RecursionError):
        entries = {"model_type": "Segmentor", "class_names": text, "standardization_mean": text}
    if not isinstance(entries, dict):
        entries = {"geoseg:card": text, "names": text}
    metadata = {key: value if isinstance(value, str) else json.dumps(value) for key, value in entries.items()}
    for source, result in _PORTS:
        contract = GraphContract((source,), (result,), 1, channels_last=False, metadata=metadata)
        inner = metadata.get("geoseg:card")
        path = Path("m.onnx")
        card = made_card(contract, path) if inner is None else card_of(inner, "the card in m.onnx")
        card, _ = fitted_card(card, contract)
        card.to_json().encode()


def seeds() -> list[bytes]:
    deepness = {
        "model_type": "Segmentor", "class_names": {"0": "background", "1": "a", "2": "b", "3": "c"}, "resolution": 50,
        "tile_size": 64, "tiles_overlap": 15, "seg_thresh": 0.5, "standardization_mean": [0.4, 0.5, 0.3],
        "standardization_std": [0.2, 0.1, 0.25],
    }  # fmt: skip
    more = [
        {**deepness, "geoseg:bands": "a,b,c,d,e", "class_names": "{0: 'x', 1: 'y'}"},
        {"names": ["a", "b", "c", "d"], "geoseg:bands": ["a", "b", "c"], "tiles_size": 32},
    ]
    return [json.dumps(entry).encode() for entry in (deepness, *more)]
