"""The temperature of a model card: logits divided by it, so that a softmax gives calibrated probabilities.

Networks are usually surer than they are right. One number found on places they have not seen corrects that on average
(Guo, Pleiss, Sun & Weinberger, "On calibration of modern neural networks", ICML 2017, section 4.2); it moves all
confidences, and no class.
"""

from __future__ import annotations

import torch


class Tempered(torch.nn.Module):
    """A network with its logits divided by a temperature.

    Parameters
    ----------
    network
        float32 (N, bands, h, w) → logits (N, classes, h, w).
    temperature
        Above 1 lowers confidences, below 1 raises them.
    """

    def __init__(self, network: torch.nn.Module, temperature: float) -> None:
        super().__init__()
        self.network, self.temperature = network, temperature
        self.pointwise = bool(getattr(network, "pointwise", False))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the divided logits in float32: in half precision the division would make different logits equal."""
        logits: torch.Tensor = self.network(x)
        return logits.float() / self.temperature


def without_temperature(network: torch.nn.Module) -> torch.nn.Module:
    """Return the network whose logits are not divided."""
    return network.network if isinstance(network, Tempered) else network
