"""Sketch networks from model cards, and cards for them: names and numbers, each checked before anything is built."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from geoseg.classes import MapClass
from geoseg.errors import ModelError
from geoseg.models.card.card import BandSpec, ModelCard
from geoseg.models.networks.builtin import SKETCH_NET

if TYPE_CHECKING:
    import torch

    from geoseg.models.networks.sketch import Layout

# Most of what a card may ask for: far above what geoseg writes, far below what fills a memory.
_MOST_PAIRS, _MOST_WINDOWS, _MOST_SIDE, _MOST_HIDDEN = 256, 4, 65, 1024

_KEYS = {"logs", "pairs", "windows", "answers", "prior", "hidden", "base"}

# Cards may leave it out, as the first ones did: it is false then.
_SMOOTH = "smooth"


def build_sketch(card: ModelCard, build: Callable[[ModelCard], torch.nn.Module]) -> torch.nn.Module:
    """Return the network :data:`~geoseg.models.networks.builtin.SKETCH_NET` with random weights in eval mode.

    Parameters
    ----------
    card
        The card; anything may stand in its hyperparameters.
    build
        Builds the pretrained network from a card that describes it.

    Raises
    ------
    ModelError
        If the hyperparameters are not those of such a network, or ask for too much.
    """
    from geoseg.models.networks.sketch import SketchNet

    layout = layout_of(card)
    base = card.hyperparameters["kwargs"].get("base")
    return SketchNet(layout, None if base is None else build(_base_card(card, base))).eval()


def kwargs_of(layout: Layout, base: ModelCard | None) -> dict[str, Any]:
    """Return the hyperparameters from which :func:`build_sketch` builds a network, with the pretrained model inside."""
    return {
        "logs": list(layout.logs),
        "pairs": [list(pair) for pair in layout.pairs],
        "windows": list(layout.windows),
        "answers": layout.answers,
        "prior": layout.prior,
        "hidden": layout.hidden,
        **({_SMOOTH: True} if layout.smooth else {}),
        "base": None if base is None else {
            "name": base.name,
            "version": base.version,
            "architecture": base.architecture,
            "hyperparameters": {key: base.hyperparameters[key] for key in ("encoder", "kwargs", "widths")
                                if key in base.hyperparameters},
            "bands": [band.name for band in base.bands],
            "classes": [item.name for item in base.classes],
        },
    }  # fmt: skip


def layout_of(card: ModelCard) -> Layout:
    """Return the layout that a card states.

    Raises
    ------
    ModelError
        If it is not one.
    """
    from geoseg.models.networks.sketch import Layout

    kwargs = card.hyperparameters.get("kwargs")
    if not isinstance(kwargs, Mapping) or set(kwargs) - {_SMOOTH} != _KEYS:
        raise _defect(card, f"kwargs must be an object with {', '.join(sorted(_KEYS))}")
    bands = len(card.bands)
    base = _base(card, kwargs["base"])
    logs = _numbers(card, kwargs, "logs", bands, 0, bands - 1)
    pairs = kwargs["pairs"]
    if not isinstance(pairs, list) or len(pairs) > _MOST_PAIRS or any(
        not isinstance(pair, list) or len(pair) != 2 or any(type(i) is not int or i not in logs for i in pair)
        for pair in pairs
    ):  # fmt: skip
        raise _defect(card, f"pairs must be at most {_MOST_PAIRS} pairs of the numbers in logs")
    windows = _numbers(card, kwargs, "windows", _MOST_WINDOWS, 3, _MOST_SIDE)
    if any(side % 2 == 0 for side in windows):
        raise _defect(card, "windows must have odd sides")
    for name in ("answers", "prior"):
        if not isinstance(kwargs[name], bool) or (kwargs[name] and base is None):
            raise _defect(card, f"{name} must be true or false, and false without a base")
    if not isinstance(kwargs.get(_SMOOTH, False), bool):
        raise _defect(card, f"{_SMOOTH} must be true or false")
    hidden = kwargs["hidden"]
    if type(hidden) is not int or not 0 <= hidden <= _MOST_HIDDEN:
        raise _defect(card, f"hidden must be a whole number in 0…{_MOST_HIDDEN}")
    names = [band.name for band in card.bands]
    return Layout(
        bands=bands,
        logs=logs,
        pairs=tuple((pair[0], pair[1]) for pair in pairs),
        windows=windows,
        base_bands=() if base is None else tuple(names.index(name) for name in base["bands"]),
        base_classes=0 if base is None else len(base["classes"]),
        answers=kwargs["answers"],
        prior=kwargs["prior"],
        hidden=hidden,
        classes=len(card.classes),
        smooth=kwargs.get(_SMOOTH, False),
    )


def _numbers(card: ModelCard, kwargs: Mapping[str, Any], name: str, most: int, low: int, high: int) -> tuple[int, ...]:
    found = kwargs[name]
    if (
        not isinstance(found, list)
        or len(found) > most
        or len(set(map(str, found))) != len(found)
        or any(type(number) is not int or not low <= number <= high for number in found)
    ):
        raise _defect(card, f"{name} must be at most {most} different whole numbers in {low}…{high}")
    return tuple(found)


def _base(card: ModelCard, base: Any) -> Mapping[str, Any] | None:
    """Return what a card says of the pretrained network, checked; None if it has none."""
    if base is None:
        return None
    names = {band.name for band in card.bands}
    if not isinstance(base, Mapping):
        raise _defect(card, "base must be an object")
    bands, classes, architecture = base.get("bands"), base.get("classes"), base.get("architecture")
    if not isinstance(bands, list) or not bands or len(set(map(str, bands))) != len(bands) or not names.issuperset(
        map(str, bands)
    ):  # fmt: skip
        raise _defect(card, "the bands of base must be some of the model's")
    if not isinstance(classes, list) or not 2 <= len(classes) <= 255:
        raise _defect(card, "base must have 2 to 255 classes")
    if not isinstance(architecture, str) or architecture == SKETCH_NET:
        raise _defect(card, "base must name its architecture, and be no sketch itself")
    if not isinstance(base.get("hyperparameters"), Mapping):
        raise _defect(card, "the hyperparameters of base must be an object")
    return base


def _base_card(card: ModelCard, base: Mapping[str, Any]) -> ModelCard:
    """Return a card from which the pretrained network can be built."""
    return ModelCard(
        name=card.name,
        architecture=base["architecture"],
        hyperparameters=dict(base["hyperparameters"]),
        bands=tuple(BandSpec(name=name) for name in base["bands"]),
        classes=tuple(MapClass(i, f"class {i}", "#000000") for i in range(len(base["classes"]))),
    )


def _defect(card: ModelCard, text: str) -> ModelError:
    return ModelError(f"model {card.name!r}: {card.architecture}: {text} in mlm:hyperparameters")
