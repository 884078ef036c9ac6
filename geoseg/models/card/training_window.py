"""Whether a run's windows are far larger than those that a network has learned from, where that matters.

A network of convolutions alone answers the same in windows of any size, beyond its margin. One that averages over its
whole input (squeeze and excitation, pyramid pooling) or attends to all of it sees other averages in larger windows, and
may answer otherwise: a U-Net over mobilenetv3 trained on windows of 128 px found objects with an AP50 of 0.81 in
windows of 256 px, and of 0.35 in those of 448 px; another, trained on 64 px, mapped a scene with a mean IoU of 0.41 in
windows of 128 px, 0.37 in 256 px and 0.30 in 640 px. So such networks run in windows of at most twice that size.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from geoseg.models.networks.huggingface import PREFIX

if TYPE_CHECKING:
    from geoseg.models.card.card import ModelCard

# Encoders of segmentation-models-pytorch and timm with squeeze and excitation, other global averages, or attention over
# the whole input.
_ENCODERS = re.compile(
    r"mobilenet_?v3|mobilenetv4_(conv_aa_)?hybrid|mobilevit|efficientnet(?!.*lite)|semnasnet|fbnetv3|ghostnet|lcnet|rexnet"
    r"|regnety|se_?res|senet|resnest|nfnet|skres|gcres|mixnet|tinynet|hardcorenas|convnextv2|^timm-(res2?|sk|reg.*y)"
    r"|mit_b|vit|deit|beit|eva|edgenext|levit|maxvit|coat",
)

# Architectures whose decoder pools over the whole input.
_ARCHITECTURES = re.compile(r"deeplab|pspnet|upernet|^pan$|manet|dpt")

_FAR = 2
"""Windows larger than those of the training by more than this factor are told."""


def window_doubt(card: ModelCard, window: int) -> str | None:
    """Return a warning if windows are far larger than those of the training, and the network depends on that.

    Parameters
    ----------
    card
        The model's card; ``training`` among its hyperparameters names the window, as ``geoseg train`` writes it.
    window
        Side of the largest window of a run, in pixels.

    Returns
    -------
    One line; None where there is no doubt, or nothing is known of the training.
    """
    trained, part = _trained_on(card), _pooling(card)
    if trained is None or part is None or window <= _FAR * trained:
        return None
    return (
        f"model {card.name!r} was trained on windows of {trained} px, and its {part} looks at the whole window: in "
        f"those of {window} px of this run it may answer otherwise; compare with --window {_FAR * trained}, or train "
        "it on larger windows"
    )


def largest_window(card: ModelCard) -> int | None:
    """Return the side of the largest window without such a doubt, a multiple of the stride.

    None where windows of any size are alike, nothing is known of the training, or no window is larger than the margins.
    """
    trained = _trained_on(card)
    if trained is None or _pooling(card) is None:
        return None
    side = _FAR * trained // card.stride * card.stride
    return side if side >= 2 * card.margin + card.stride else None


def _trained_on(card: ModelCard) -> int | None:
    training = card.hyperparameters.get("training")
    trained = training.get("window") if isinstance(training, dict) else None
    return trained if isinstance(trained, int) and trained > 0 else None


def _pooling(card: ModelCard) -> str | None:
    """Return the part of the network that pools over its whole input; None if none is known to."""
    encoder = str(card.hyperparameters.get("encoder") or "").lower().removeprefix("tu-")
    if _ENCODERS.search(encoder):
        return f"encoder {encoder}"
    if card.architecture.startswith(PREFIX):
        return f"network {card.architecture.removeprefix(PREFIX)}"  # attention, or pyramid pooling
    architecture = re.sub(r"[\s_\-+]", "", card.architecture.lower())
    kwargs = card.hyperparameters.get("kwargs")
    if _ARCHITECTURES.search(architecture) or (isinstance(kwargs, dict) and kwargs.get("decoder_attention_type")):
        return f"decoder {card.architecture}"
    if isinstance(kwargs, dict) and kwargs.get("norm") == "instance":
        return "instance normalisation"
    return None
