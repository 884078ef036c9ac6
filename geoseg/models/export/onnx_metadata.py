"""Metadata of exported graphs: the model card, and what the QGIS plugin Deepness reads."""

from __future__ import annotations

import copy
import json
import math
from typing import TYPE_CHECKING, Any

from geoseg.models.card.card import ModelCard, Weights, card_with, window_side
from geoseg.models.card.known_answer import make_test_vector
from geoseg.models.card.scaling import card_transforms
from geoseg.models.networks.onnx import CARD_KEY, OUTPUT_KEY, build_network

if TYPE_CHECKING:
    from geoseg.models.export.options import ExportOptions


# Side of Deepness's tiles in pixels, rounded up to the card's stride.
_TILE = 512


def deepness_metadata(card: ModelCard, options: ExportOptions) -> dict[str, str]:
    """Return the metadata that the QGIS plugin Deepness reads, each value as JSON.

    Deepness divides pixels by 255, subtracts a mean and divides by a standard deviation for each band, cuts tiles that
    overlap by a percentage, and takes the class with the highest score. See "Adding metadata to ONNX model" in its
    documentation, https://qgis-plugin-deepness.readthedocs.io.
    """
    side = window_side(card, _TILE)
    steps = card_transforms(card.value_scaling, len(card.bands))
    scales = [1.0 if options.raw else step.a for step in steps]
    offsets = [0.0 if options.raw else step.b for step in steps]
    stds = [1 / (255 * scale) for scale in scales]
    values: dict[str, Any] = {
        "model_type": "Segmentor",
        "class_names": {str(item.id): item.name for item in card.classes},
        "tile_size": side,
        "tiles_overlap": min(math.ceil(200 * card.margin / side), 80),
        "seg_thresh": 0.0,
        "seg_small_segment": 0,
        "standardization_mean": [-offset * std for offset, std in zip(offsets, stds, strict=True)],
        "standardization_std": stds,
    }
    if card.resolution is not None:
        values["resolution"] = 100 * card.resolution[0]  # centimetres
    return {key: json.dumps(value, ensure_ascii=False) for key, value in values.items()}


def deepness_notes(card: ModelCard, options: ExportOptions) -> list[str]:
    """Return what the card asks for and Deepness cannot do, one line each."""
    steps = card_transforms(card.value_scaling, len(card.bands))
    clips = any(math.isfinite(step.lo) or math.isfinite(step.hi) for step in steps)
    if clips and not options.raw:
        return ["the card clips values, which Deepness cannot do; add --raw to build the clipping into the graph"]
    return []


def with_metadata(proto: Any, card: ModelCard, options: ExportOptions, name: str) -> bytes:
    """Return the bytes of the file called ``name``: the graph with card, test vector and metadata."""
    metadata = deepness_metadata(card, options)
    metadata[OUTPUT_KEY] = options.output
    scaling = () if options.raw else card.value_scaling
    own = card_with(card, value_scaling=scaling, temperature=None, test_vector={}, weights=None)
    _put(proto, metadata)
    own = card_with(own, test_vector=make_test_vector(build_network(proto.SerializeToString(), own), own))
    _put(proto, {**metadata, CARD_KEY: json.dumps(onnx_item(own, name, options), ensure_ascii=False)})
    data: bytes = proto.SerializeToString()
    return data


def onnx_item(card: ModelCard, name: str, options: ExportOptions) -> dict[str, Any]:
    """Return the STAC MLM item of an exported card."""
    item = copy.deepcopy(card.item)
    item.get("properties", {}).pop("mlm:framework", None)
    item.pop("assets", None)
    # The graph divides its logits by the temperature itself.
    item = ModelCard.to_item(card_with(card, weights=Weights(href=name), temperature=None, item=item))
    item["properties"]["mlm:framework"] = "ONNX"
    item["properties"]["mlm:output"][0]["name"] = options.output
    for asset in item["assets"].values():
        if "mlm:model" in asset.get("roles", ()):
            asset |= {"type": "application/octet-stream; application=onnx", "mlm:artifact_type": "onnx"}
    return item


def pt2_item(card: ModelCard, name: str, options: ExportOptions) -> dict[str, Any]:
    """Return the STAC MLM item of a card that goes into a PT2 archive, as the network in it takes pixels."""
    own = card_with(card, value_scaling=() if options.raw else card.value_scaling, temperature=None, test_vector={})
    item = onnx_item(own, name, options)
    item["properties"]["mlm:framework"] = "PyTorch"
    for asset in item["assets"].values():
        if "mlm:model" in asset.get("roles", ()):
            asset |= {"type": "application/octet-stream; application=pytorch", "mlm:artifact_type": "torch.export.save"}
    return item


def _put(proto: Any, metadata: dict[str, str]) -> None:
    del proto.metadata_props[:]
    for key, value in metadata.items():
        entry = proto.metadata_props.add()
        entry.key, entry.value = key, value
