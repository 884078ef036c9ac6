"""The card of an adapted model: what it was made from, how, on which scenes, and what that gained."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from geoseg.models.card.card import card_with
from geoseg.train.model_folder import model_name

if TYPE_CHECKING:
    from geoseg.models import Model, ModelCard
    from geoseg.train.adapt.options import AdaptOptions
    from geoseg.train.adapt.verdict import Adaptation
    from geoseg.train.prepare import Prepared


def adapted_card(
    card: ModelCard, model: Model, prepared: Prepared, made: Adaptation, options: AdaptOptions, output: Path
) -> ModelCard:
    """Return the card of an adapted model; scores of the model that it was made from do not hold for it."""
    assert prepared.unlabelled is not None
    facts: dict[str, Any] = {
        "method": options.method,
        "made_from": f"{model.card.name} {model.card.version} ({model.fingerprint})",
        "done": made.done,
        "measured": "against labels" if made.labelled else "without labels: stability and agreement, a proxy",
        "gain": round(made.gain, 4),
        "agreement": round(made.agreement, 4),
        "windows": made.windows,
        "pixels": made.pixels,
    }
    for name in ("before", "after"):
        values = asdict(getattr(made, name))
        del values["shares"]
        facts[name] = {key: round(value, 4) for key, value in values.items() if value is not None}
    title = f"{model.card.name} {model.card.version} adapted to other scenes"
    worse = made.why_worse(tuple(c.name for c in card.classes))
    return card_with(
        card,
        name=model_name(output),
        title=f"{title}, by geoseg",
        description=f"{title}: {made.done}. {made.summary()}." + (f" Kept although {worse}." if worse else ""),
        version="1.0.0",
        metrics={"adaptation": facts},
        training_data=(*card.training_data, f"adapted without labels to {prepared.unlabelled.summary}"),
        weights=None,
        test_vector={},
        item={},
    )
