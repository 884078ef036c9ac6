"""Model cards: the bytes of ``model.json``."""

from __future__ import annotations

import json
from pathlib import Path

from geoseg.classes import LAND_COVER
from geoseg.models import BandSpec, ModelCard, ValueScaling, list_models
from geoseg.models.card.card import Weights, card_of
from geoseg.models.weights import weights_path

_FOLDER = Path(__file__).parent


def target(data: bytes) -> None:
    card = card_of(data.decode("utf-8", "replace"), "model card model.json")
    item = card.to_item()
    again = json.dumps(ModelCard.from_item(item).to_item(), sort_keys=True)
    assert again == json.dumps(item, sort_keys=True), "a card changes when it is written and read again"
    card.describe().encode()
    card.to_json().encode()
    if card.weights is not None:
        weights_path(_FOLDER, card)


def seeds() -> list[bytes]:
    full = ModelCard(
        name="water", title="Water", architecture="Unet",
        hyperparameters={"encoder": "resnet18", "kwargs": {"a": [1, 2]}},
        bands=[BandSpec(name=name, scale=1e-4, offset=-0.1) for name in ("red", "nir")], classes=LAND_COVER,
        value_scaling=[ValueScaling(type="z-score", mean=500, stddev=200), None], value_range=(0, 10_000), stride=32,
        margin=64, min_window=32, window=256, resolution=(8, 12), bytes_per_pixel=500.0,
        metrics={"miou": 0.5, "classes": {"a": {"iou": 0.1, "n": [1, 2]}}}, training_data=["x"], attribution=["y"],
        test_vector={"seed": 0, "side": 64, "mean": [0.1], "samples": [0.2]},
        weights=Weights(href="model.onnx", size=3, checksum="1220" + "0" * 64),
    ).to_item()  # fmt: skip
    cards = [full, *(card.to_item() for card in list_models())]
    return [json.dumps(item).encode() for item in cards]
