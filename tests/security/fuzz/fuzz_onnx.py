"""ONNX files themselves: damaged protobufs up to the session, which is not created here."""

from __future__ import annotations

import tempfile
from pathlib import Path

from geoseg.models.networks.onnx import parse
from geoseg.models.networks.onnx_card import made_card
from geoseg.models.networks.onnx_contract import read_contract
from tests.models.onnx_graphs import network, save

_META = {"model_type": "Segmentor", "class_names": '{"0": "a", "1": "b", "2": "c", "3": "d"}'}


def target(data: bytes) -> None:
    contract = read_contract(parse(data, "m.onnx"), "m.onnx")
    made_card(contract, Path("m.onnx"))


def seeds() -> list[bytes]:
    kinds = ({}, {"layout": "NHWC", "end": "argmax"}, {"sides": (48, 48), "end": "softmax", "dtype": "uint8"})
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "m.onnx"
        return [save(path, *network(**kind), metadata=_META).read_bytes() for kind in kinds]
