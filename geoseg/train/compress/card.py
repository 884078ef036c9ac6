"""The card of a small model: what it was made from, how, and what that cost and gained."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from geoseg.models import Model, ModelCard
from geoseg.models.card import half_precision
from geoseg.models.card.card import card_with
from geoseg.train.model_folder import model_name

if TYPE_CHECKING:
    from geoseg.models.card.half_precision import HalfPrecision
    from geoseg.train.compress.options import CompressOptions
    from geoseg.train.compress.verdict import Compression
    from geoseg.train.fit import Fitted
    from geoseg.train.prepare import Prepared


def compressed_card(
    prepared: Prepared, options: CompressOptions, fitted: Fitted, originals: Sequence[Model], output: Path
) -> ModelCard:
    """Return the card without its measurements; see :func:`with_measurements`."""
    card = prepared.card
    names = [f"{model.card.name} {model.card.version}" for model in originals]
    training = {
        name: getattr(options.training, name) for name in ("loss", "augment", "seed", "validation", "weight_decay")
    }
    training |= {"window": prepared.window, "batch": fitted.batch, "windows": fitted.windows, "lr": fitted.lr}
    training |= {"epochs": fitted.epochs, "split_made": prepared.split.summary, "start": fitted.start}
    count = len(prepared.scenes)
    made = f"Pruned from {names[0]}" if options.method == "prune" else f"Taught by {', '.join(names)}"
    lines = tuple(dict.fromkeys(line for model in originals for line in model.card.training_data))
    licences = {model.card.license for model in originals}
    return card_with(
        card,
        name=model_name(output),
        title=f"{made}, by geoseg",
        description=f"{made}, trained for {fitted.epochs} epochs on {count} image{'s' * (count != 1)}.",
        version="1.0.0",
        license=licences.pop() if len(licences) == 1 else "other",
        hyperparameters=card.hyperparameters | {"training": training},
        metrics={},
        training_data=(*lines, f"compressed on {count} images; {prepared.split.summary}"),
        known_failures=_joined(originals, "known_failures"),
        attribution=_joined(originals, "attribution"),
        # It learns calibrated probabilities, and is as calibrated as they are.
        temperature=None,
        bytes_per_pixel=None,
        weights=None,
        test_vector={},
        item={},
    )


def _joined(models: Sequence[Model], field: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(line for model in models for line in getattr(model.card, field)))


def quantized_card(model: Model, output: Path, images: str) -> ModelCard:
    """Return the card of a model in 8 bits without its measurements; ``images`` says what it was calibrated on."""
    card = model.card
    made = f"{card.name} {card.version} in 8-bit integers"
    return card_with(
        card,
        name=model_name(output),
        title=f"{made}, by geoseg",
        description=f"{made}, {images}.",
        version="1.0.0",
        metrics={},
        training_data=(*card.training_data, images),
        weights=None,
        test_vector={},
        item={},
    )


def with_measurements(
    card: ModelCard,
    made: Compression,
    options: CompressOptions,
    originals: Sequence[Model],
    machine: str,
    half: HalfPrecision | None = None,
) -> ModelCard:
    """Return the card with what the compression cost and gained, and what half precision would cost on top."""
    facts: dict[str, Any] = {
        "method": options.method if options.prune is None else f"prune {options.prune:g}",
        **({} if made.blocks is None else {"blocks_in_8_bits": "{} of {}".format(*made.blocks)}),
        "reference": made.reference,
        "loss": round(made.loss, 4),
        "speedup": round(made.speedup, 3),
        "windows": made.windows,
        "pixels": made.pixels,
        "machine": machine,
        "made_from": ", ".join(f"{m.card.name} {m.card.version} ({m.fingerprint})" for m in originals),
    }
    for name in ("before", "after"):
        values = asdict(getattr(made, name))
        facts[name] = {key: round(v, 4) if isinstance(v, float) else v for key, v in values.items()}
    lost = {} if half is None else {half_precision.KEY: half.as_metrics()}
    return card_with(card, metrics={"compression": facts} | lost)
