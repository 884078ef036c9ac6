"""Distillation: a small network learns the probabilities that others give."""

from __future__ import annotations

from collections.abc import Sequence

from geoseg.errors import ModelError
from geoseg.models import Model
from geoseg.models.card.card import card_with
from geoseg.models.card.stac import ENCODER_GEOMETRY
from geoseg.models.networks.smp import FUSION, smp_class
from geoseg.models.weights import ONNX
from geoseg.tiling import round_up
from geoseg.train.compress.options import DEFAULT_ARCH, DEFAULT_ENCODER, CompressOptions


def student(model: Model, options: CompressOptions) -> Model:
    """Return the model to teach: a new network for the model's bands and classes, or the model itself.

    A new network has no weights yet.

    Raises
    ------
    ModelError
        If the model itself is to be taught and has no weights that could be.
    OptionError
        If there is no such architecture.
    """
    card = model.card
    if not options.new_network:
        rules = card.weights is None and model.folder is not None
        if rules or (card.weights is not None and card.weights.href.lower().endswith(ONNX)):
            kind = "is made of rules" if rules else "is an ONNX graph"
            raise ModelError(
                f"model {card.name!r} {kind} and cannot be taught: name a network to teach with --arch and --encoder"
            )
        return model
    stride = ENCODER_GEOMETRY["stride"]
    fusion = {key: value for key, value in card.hyperparameters.items() if key == FUSION and card.inputs}
    fields = {
        "architecture": smp_class(options.arch or DEFAULT_ARCH).__name__,
        "hyperparameters": {"encoder": options.encoder or DEFAULT_ENCODER} | fusion,
        "bytes_per_pixel": None,
        "window": None,
        "temperature": None,
        "weights": None,
        # The original's context, but at least one cell of the encoder's coarsest level.
        "margin": max(round_up(card.margin, stride), stride),
    }
    return Model(card_with(card, **ENCODER_GEOMETRY | fields))


def class_orders(teachers: Sequence[Model], learner: Model) -> list[tuple[int, ...]]:
    """Return for each teacher its positions of the student's classes, by name.

    Raises
    ------
    ModelError
        If a teacher has other classes.
    """
    wanted = [c.name for c in learner.card.classes]
    orders = []
    for teacher in teachers:
        have = [c.name for c in teacher.card.classes]
        if set(have) != set(wanted):
            raise ModelError(
                f"teacher {teacher.card.name!r} has classes {', '.join(have)}, model {learner.card.name!r} has "
                f"{', '.join(wanted)}: they must have the same names"
            )
        orders.append(tuple(have.index(name) for name in wanted))
    return orders
