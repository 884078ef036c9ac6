"""The card of a click model: a STAC MLM item with two files."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from geoseg.errors import ModelError
from geoseg.models.card.card import CARD_FILE, CLICK, MAX_CARD_BYTES
from geoseg.models.weights import read_file
from geoseg.system.json_text import parse_json

MEAN, STD = (123.675, 116.28, 103.53), (58.395, 57.12, 57.375)
"""What SAM's image encoder takes: (value - mean) / std of red, green and blue in 0…255.

Source: https://github.com/facebookresearch/segment-anything, segment_anything/build_sam.py.
"""

_MLM = "https://stac-extensions.github.io/mlm/v1.4.0/schema.json"


@dataclass(frozen=True)
class GraphFile:
    """One of the two files: its name in the folder, bytes, and SHA-256."""

    href: str
    size: int
    sha256: str


@dataclass(frozen=True)
class ClickCard:
    """What is known of a click model.

    Attributes
    ----------
    name
        Its name.
    encoder, decoder
        Its files.
    mean, std
        The encoder takes (value - mean) / std of red, green and blue in 0…255.
    license, title
        Text for people.
    origin
        Where it comes from.
    test_vector
        Answers to a made-up picture when the model was added: scores, and samples of the mask.
    """

    name: str
    encoder: GraphFile
    decoder: GraphFile
    mean: tuple[float, ...] = MEAN
    std: tuple[float, ...] = STD
    license: str = "other"
    title: str = ""
    origin: dict[str, Any] = field(default_factory=dict)
    test_vector: tuple[float, ...] = ()

    def write(self, folder: Path) -> None:
        """Write the card into a model folder."""
        assets = {
            role: {
                "href": file.href, "type": "application/octet-stream; framework=onnx", "roles": ["mlm:model"],
                "file:size": file.size, "file:checksum": f"1220{file.sha256}",
            }
            for role, file in (("encoder", self.encoder), ("decoder", self.decoder))
        }  # fmt: skip
        item = {
            "type": "Feature", "stac_version": "1.1.0", "stac_extensions": [_MLM], "id": self.name, "geometry": None,
            "properties": {
                "datetime": None, "license": self.license, "title": self.title, "mlm:name": self.name,
                "mlm:architecture": "SAM", "mlm:tasks": ["instance-segmentation"], "mlm:framework": "ONNX",
                CLICK: {key: value for key, value in asdict(self).items()
                       if key in ("mean", "std", "origin", "test_vector")},
            },
            "assets": assets, "links": [],
        }  # fmt: skip
        text = json.dumps(item, indent=2, ensure_ascii=False)
        (folder / CARD_FILE).write_text(text + "\n", encoding="utf-8")


def item_of(folder: Path) -> dict[str, Any] | None:
    """Return the item of a click model's folder; None if its card is of another kind, or there is none."""
    path = folder / CARD_FILE
    if not path.is_file():
        return None
    try:
        item = json.loads(read_file(path, MAX_CARD_BYTES, str(path)))
        return item if isinstance(item["properties"][CLICK], dict) else None
    except (ModelError, ValueError, LookupError, TypeError, RecursionError):
        return None


def read_card(folder: Path) -> ClickCard:
    """Read the card of a click model.

    Raises
    ------
    ModelError
        If it is none, or is damaged.
    """
    path = folder / CARD_FILE
    item = item_of(folder)
    if item is None:
        raise ModelError(
            f"{folder}: is no click model: add one with geoseg model add ENCODER.onnx --decoder DECODER.onnx"
        )
    parse_json(read_file(path, MAX_CARD_BYTES, str(path)), str(path), "a model card")
    own = item["properties"][CLICK]
    try:
        encoder, decoder = (_file(item["assets"][role]) for role in ("encoder", "decoder"))
        mean, std = (tuple(float(value) for value in own[key]) for key in ("mean", "std"))
        vector = tuple(float(value) for value in own["test_vector"])
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise ModelError(f"{path}: is damaged ({type(error).__name__}: {error}); add the model again") from None
    if len(mean) != 3 or len(std) != 3 or not all(value > 0 for value in std):
        raise ModelError(f"{path}: states no mean and deviation of three bands; add the model again")
    properties = item["properties"]
    texts = {key: str(properties.get(key) or "") for key in ("license", "title")}
    origin = own.get("origin")
    name = str(properties.get("mlm:name") or item.get("id"))
    return ClickCard(
        name, encoder, decoder, mean, std, texts["license"] or "other", texts["title"],
        origin if isinstance(origin, dict) else {}, vector,
    )  # fmt: skip


def _file(asset: dict[str, Any]) -> GraphFile:
    href, digest = str(asset["href"]), str(asset["file:checksum"]).removeprefix("1220")
    if href != Path(href).name or href.startswith("."):
        raise ValueError(f"{href[:100]!r} is no name of a file in the folder")
    return GraphFile(href, int(asset["file:size"]), digest)
