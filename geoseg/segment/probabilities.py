"""Which classes' probabilities are asked for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from geoseg.errors import OptionError

if TYPE_CHECKING:
    from geoseg.models import ModelCard

ALL = "all"
"""Stands for every class of the model."""


def class_positions(card: ModelCard, names: str | Sequence[str] | None) -> tuple[int, ...]:
    """Return the positions of classes in the model card, in the order given; empty for None.

    Parameters
    ----------
    card
        The model's card.
    names
        Class names, ``"all"`` or None.

    Raises
    ------
    OptionError
        If a name is not a class of the model or is given twice, or no name is given at all.
    """
    if names is None:
        return ()
    known = [item.name for item in card.classes]
    if names == ALL:
        return tuple(range(len(known)))
    wanted = [names] if isinstance(names, str) else list(names)
    choices = f"use {ALL!r} or names from: {', '.join(known)}"
    if not wanted:
        raise OptionError(f"probabilities: no class is given; {choices}")
    for name in wanted:
        if name not in known:
            raise OptionError(f"probabilities: {name!r} is not a class of model {card.name!r}; {choices}")
        if wanted.count(name) > 1:
            raise OptionError(f"probabilities: class {name!r} is given twice; name each class once")
    return tuple(known.index(name) for name in wanted)
