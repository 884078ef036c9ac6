"""OpenVINO beside the runtime that a model is written for: taken where it is faster and gives the same map."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, cast

from geoseg.errors import ModelError, OptionError
from geoseg.models.inference.bench import GAIN
from geoseg.models.inference.execution import Execution
from geoseg.models.runtimes.choices import title
from geoseg.system.resources import cpu_count

if TYPE_CHECKING:
    from geoseg.models.inference.bench import Bench
    from geoseg.system.choices import Precision

SHARED_GAIN = 1.5
"""Factor by which threads that share a pass must be faster: they idle while one of them reads, decodes or packs.

(Unet(mobilenetv4-small), 4096², 2 cores: 6.7 against 5.8 Mpx/s measured alone, 6.4 against 4.3 s in a whole run.)
"""

# Each runtime is timed so often, by turns: a machine that is busy for a while slows both.
_ROUNDS = 3


def measure_openvino(bench: Bench, device: str, precision: str) -> Execution:
    """Choose streams, then precision; layouts are OpenVINO's choice. Other devices than the CPU get two streams.

    Raises
    ------
    ModelError
        If the network cannot be converted.
    """
    from geoseg.models.runtimes.openvino_devices import openvino_supports

    first = "fp32" if precision == "auto" else cast("Precision", precision)
    start = Execution(device, first, runtime="openvino")
    cpus = cpu_count() if device == "cpu" else 2
    shared = [replace(start, threads=cpus)] if device == "cpu" and cpus > 1 else []
    best = bench.fastest(replace(start, streams=cpus), shared, gain=SHARED_GAIN)
    if precision == "auto":
        halves: tuple[Precision, ...] = ("bf16", "fp16")
        candidates = [replace(best, precision=half) for half in halves if openvino_supports(device, half)]
        best = bench.fastest(best, candidates, same_map=True)
    return best


def against_openvino(own: Execution, bench: Bench, precision: str) -> Execution:
    """Return the faster of two runtimes on the CPU, with the rates of both, and a reason that says what decided.

    Parameters
    ----------
    own
        How the model's own runtime runs it best.
    bench
        Times both.
    precision
        As the user gave it.
    """
    try:
        rival = measure_openvino(bench, "cpu", precision)
        rates = [(bench.timed(own), bench.timed(rival)) for _ in range(_ROUNDS)]
    except (ModelError, OptionError) as error:
        return own.with_reason(f"OpenVINO not used: {str(error).partition('; use ')[0]}")
    mine, theirs = (max(column) for column in zip(*rates, strict=True))
    candidates = {label(own): mine, label(rival): theirs}
    own, rival = (replace(one, rate=rate, candidates=candidates) for one, rate in ((own, mine), (rival, theirs)))
    faster = f"{theirs / mine:.2f} times as fast as {title(own.runtime)}"
    if theirs < mine * GAIN:
        return own.with_reason(f"OpenVINO not used: {faster}")
    try:
        agreement = bench.agreement(rival)
    except ModelError as error:
        return own.with_reason(f"OpenVINO not used: {str(error).partition('; ')[0]}")
    if not agreement.same:
        return own.with_reason(f"OpenVINO not used: {faster}, but on a sample {agreement}")
    return rival.with_reason(f"{faster}; on a sample {agreement}")


def label(execution: Execution) -> str:
    """Return runtime and precision, as tables of candidates name them."""
    return f"{title(execution.runtime)} {execution.precision}"
