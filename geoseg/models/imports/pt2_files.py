"""PT2 archives: with a card of geoseg, or with options that say what lacks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from geoseg.errors import ModelError
from geoseg.models.card.card import CARD_FILE, ModelCard, Weights, card_of, card_with, multihash
from geoseg.models.card.stac import ENCODER_GEOMETRY
from geoseg.models.imports.described import ImportOptions, Stated, make_card
from geoseg.models.imports.onnx_files import with_options
from geoseg.models.networks.onnx_card import fixed_windows
from geoseg.models.weights import MAX_WEIGHTS_BYTES, PT2, read_file
from geoseg.tiling import round_up

WEIGHTS = f"weights{PT2}"


def pt2_card(path: Path, name: str, options: ImportOptions, origin: dict[str, Any]) -> tuple[ModelCard, bytes]:
    """Return the card of a PT2 archive and its bytes, which are written as ``weights.pt2``.

    Raises
    ------
    ModelError
        If the file is damaged or unsafe, is no network of pixel classes, or does not say what options do not either.
    OptionError
        If options contradict it.
    """
    from geoseg.models.programs.archive import read_archive
    from geoseg.models.programs.network import Program

    data = read_file(path, MAX_WEIGHTS_BYTES, str(path))
    archive = read_archive(data, str(path))
    shape = Program(archive, str(path)).shape
    text = archive.extra.get(CARD_FILE)
    if text is not None:
        card = with_options(card_of(text, f"the card in {path}"), options)
    else:
        stated = Stated("a PT2 archive", shape.bands, shape.classes)
        card = make_card(name, stated, options, origin, architecture="torch.export", **ENCODER_GEOMETRY)
    changes: dict[str, Any] = {
        "name": name,
        "hyperparameters": {**card.hyperparameters, "origin": origin},
        "weights": Weights(href=WEIGHTS, size=len(data), checksum=multihash(data)),
    }
    sides = {side for side in shape.sides if side}
    if len(sides) > 1:
        raise ModelError(f"{path}: takes windows of {shape.sides[1]} × {shape.sides[0]} px; export it for square ones")
    if sides:
        changes |= fixed_windows(card, sides.pop())
    elif shape.multiple > 1 and card.stride % shape.multiple:
        stride = round_up(card.stride, shape.multiple)
        changes |= {key: round_up(getattr(card, key), stride) for key in ("stride", "margin", "min_window")}
    return card_with(card, **changes), data
