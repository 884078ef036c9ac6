"""How a detector is run on this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from geoseg.errors import OptionError
from geoseg.models.inference.device import choose_device
from geoseg.models.inference.execution import Execution
from geoseg.system.resources import cpu_count

if TYPE_CHECKING:
    from geoseg.models.card.card import ModelCard

_STREAMS = 4
"""Windows at a time on a CPU at most: what follows a network's convolutions, sorting and suppression, uses one core."""


def box_execution(card: ModelCard, device: str, precision: str) -> Execution:
    """Return device and threads for a detector; nothing is measured.

    Raises
    ------
    OptionError
        If there is no such device here, or another precision than fp32 is asked for.
    """
    if precision not in ("auto", "fp32"):
        raise OptionError(
            f"precision {precision}: model {card.name!r} finds boxes, which geoseg computes in fp32 only; leave it out"
        )
    name, why = choose_device(device)
    if name != "cpu":
        return Execution(device=name, reason=f"{why}; fp32, one window at a time")
    streams = min(_STREAMS, cpu_count())
    execution = Execution(streams=streams, threads=max(cpu_count() // streams, 1))
    return execution.with_reason(f"{why}; fp32, {execution.shares}")
