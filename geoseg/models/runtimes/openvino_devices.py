"""OpenVINO's devices and what they compute with."""

from __future__ import annotations

from geoseg.errors import OptionError
from geoseg.models.runtimes.openvino_convert import core

_CAPABILITIES = {"bf16": "BF16", "fp16": "FP16"}


def choose_openvino_device(name: str) -> tuple[str, str]:
    """Return a device's full name and the reason, in one line, why it is used.

    Parameters
    ----------
    name
        ``"auto"`` (the CPU), ``"cpu"``, ``"gpu"``, ``"gpu.1"``, ``"npu"``.

    Raises
    ------
    OptionError
        If OpenVINO has no such device here, or is not installed.
    """
    device = name.strip().lower()
    available = [entry.lower() for entry in core().available_devices]
    wanted = "cpu" if device == "auto" else device
    # "gpu" is the first of several, which are called gpu.0 and gpu.1.
    if wanted not in available and f"{wanted}.0" not in available:
        raise OptionError(
            f"device {name!r} does not exist for runtime openvino here: use auto, {', '.join(available)}, or another "
            "--runtime"
        )
    title = str(core().get_property(wanted.upper(), "FULL_DEVICE_NAME")).strip()
    place = f"on the CPU ({title})" if wanted == "cpu" else f"on {title} ({wanted})"
    return wanted, place if device == "auto" else f"{place}, as asked"


def openvino_supports(device: str, precision: str) -> bool:
    """Return whether a device computes in a precision natively; OpenVINO ignores hints of others."""
    if precision == "fp32":
        return True
    return _CAPABILITIES[precision] in core().get_property(device.upper(), "OPTIMIZATION_CAPABILITIES")
