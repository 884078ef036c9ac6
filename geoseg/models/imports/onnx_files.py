"""ONNX files: with a card of geoseg, with metadata of Deepness or others, or plain with options that say the rest."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from geoseg.errors import ModelError, OptionError
from geoseg.models.boxes.onnx_card import detector_card, is_detector
from geoseg.models.card.card import BandSpec, ModelCard, Weights, card_of, card_with, multihash
from geoseg.models.imports.described import ImportOptions, map_classes, near, scaling_of
from geoseg.models.networks.onnx import CARD_KEY, parse
from geoseg.models.networks.onnx_card import BANDS_KEY, fitted_card, made_card
from geoseg.models.networks.onnx_contract import GraphContract, read_contract
from geoseg.models.networks.onnx_safety import MAX_FILE_BYTES
from geoseg.models.weights import read_file

WEIGHTS = "weights.onnx"


def onnx_card(path: Path, name: str, options: ImportOptions, origin: dict[str, Any]) -> tuple[ModelCard, bytes]:
    """Return the card of an ONNX file and its bytes, which are written as ``weights.onnx``.

    Raises
    ------
    ModelError
        If the file is damaged or unsafe, finds neither classes of pixels nor boxes, or does not say what options do
        not either.
    OptionError
        If options contradict it.
    """
    data = read_file(path, MAX_FILE_BYTES, str(path))
    contract = read_contract(parse(data, str(path)), str(path))
    text = contract.metadata.get(CARD_KEY)
    if text is None and is_detector(contract):
        card = detector_card(replace(contract, metadata=_metadata(contract, options)), path)
        card = with_options(card, replace(options, classes=None))  # they are in the metadata now
        return _named(card, name, origin, data), data
    if text is not None:
        card = card_of(text, f"the card in {path}")
    else:
        try:
            card = made_card(replace(contract, metadata=_metadata(contract, options)), path)
        except ModelError as error:
            raise ModelError(_asking(str(error), path)) from None
    return fitted_card(_named(with_options(card, options), name, origin, data), contract)[0], data


def _named(card: ModelCard, name: str, origin: dict[str, Any], data: bytes) -> ModelCard:
    return card_with(
        card,
        name=name,
        hyperparameters={**card.hyperparameters, "origin": origin},
        weights=Weights(href=WEIGHTS, size=len(data), checksum=multihash(data)),
    )


def _metadata(contract: GraphContract, options: ImportOptions) -> dict[str, str]:
    """Return the file's metadata with what options say, in the terms of Deepness, so that one reader serves both."""
    metadata = dict(contract.metadata)
    if options.bands:
        metadata[BANDS_KEY] = ",".join(options.bands)
    if options.classes:
        metadata["class_names"] = json.dumps(dict(enumerate(options.classes)))
    if any(value is not None for value in (options.divide, options.mean, options.std)):
        # Only to be accepted as stated; the numbers themselves are set by with_options.
        metadata |= {"standardization_mean": "0", "standardization_std": "1"}
    return metadata


def _asking(message: str, path: Path) -> str:
    """Return an error of the metadata with the options that say what lacks in place of a command that writes it."""
    head, found, _ = message.partition(" has no model card, and its metadata do not tell its ")
    if not found:
        return message
    what = message.partition(found)[2].partition("; put it into a folder")[0]
    options = {"bands": "--bands red,green,…", "classes": "--classes NAME,…"}
    options["scaling of values"] = "--divide 255, --mean … --std …, --imagenet, or --divide 1 for none"
    asked = "; ".join(options.get(one, one) for one in what.split(", "))
    return f"{head or path}: does not state its {what}; say it with {asked}"


def with_options(card: ModelCard, options: ImportOptions) -> ModelCard:
    """Return a card that its file states, with what options say instead.

    Raises
    ------
    OptionError
        If they name another number of bands or classes.
    """
    bands, classes = options.bands, options.classes
    if bands and len(bands) != len(card.bands):
        raise OptionError(f"bands names {len(bands)} bands; the network takes {len(card.bands)}")
    if classes and len(classes) == 1 and len(card.classes) == 2:
        classes = ("background", *classes)
    if classes and len(classes) != len(card.classes):
        raise OptionError(f"classes names {len(classes)} classes; the network returns {len(card.classes)}")
    changes: dict[str, Any] = {}
    names = bands or tuple(band.name for band in card.bands)
    if bands or options.scale is not None or options.offset is not None:
        changes["bands"] = tuple(
            BandSpec(
                name=name,
                scale=known.scale if options.scale is None else options.scale,
                offset=known.offset if options.offset is None else options.offset,
            )
            for name, known in zip(names, card.bands, strict=True)
        )
    if classes:
        changes["classes"] = map_classes(classes)
    if (said := options.normalisation(len(card.bands))) is not None:
        changes["value_scaling"] = scaling_of(said)
        changes["value_range"] = (0.0, 255.0) if said[0] == 255 else None
    if options.resolution is not None:
        changes["resolution"] = near(options.resolution)
    if options.license:
        changes["license"] = options.license
    if options.title:
        changes["title"] = options.title
    return card_with(card, **changes) if changes else card
