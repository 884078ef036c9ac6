"""Which runtimes are installed, and which of them can run a model. Imports none of them."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from typing import TYPE_CHECKING

from geoseg.errors import OptionError
from geoseg.system.choices import RUNTIME_OPTIONS, Runtime

if TYPE_CHECKING:
    from geoseg.models.model import Model

_PACKAGES: dict[Runtime, tuple[str, ...]] = {
    "torch": ("torch",),
    "openvino": ("openvino",),
    "onnx": ("onnx", "onnxruntime"),
}

_TITLES: dict[Runtime, str] = {"torch": "torch", "openvino": "OpenVINO", "onnx": "ONNX Runtime"}


def title(runtime: Runtime) -> str:
    """Return a runtime's name in messages."""
    return _TITLES[runtime]


def is_installed(runtime: Runtime) -> bool:
    """Return whether the packages of a runtime are there."""
    return all(find_spec(name) is not None for name in _PACKAGES[runtime])


def is_openvino_device(name: str) -> bool:
    """Return whether only OpenVINO has such a device: ``gpu``, ``gpu.1`` or ``npu``."""
    return name.strip().lower().partition(".")[0] in ("gpu", "npu")


def own_runtime(model: Model) -> Runtime:
    """Return the runtime that a model is written for, whose fp32 results are the reference for all others."""
    return "onnx" if model.is_onnx else "torch"


def check_runtime(runtime: str, model: Model) -> None:
    """Check that a runtime asked for by name, or ``"auto"``, can run a model here.

    Raises
    ------
    OptionError
        If there is no such runtime, it is not installed, or it cannot run models of this kind.
    """
    if runtime not in RUNTIME_OPTIONS:
        raise OptionError(f"runtime {runtime!r} is unknown: use one of {', '.join(RUNTIME_OPTIONS)}")
    if runtime == "auto":
        return
    chosen: Runtime = next(name for name in _PACKAGES if name == runtime)
    if not is_installed(chosen):
        raise OptionError(f'runtime {runtime} is not installed: pip install "geoseg[{runtime}]", or use --runtime auto')
    if chosen != "openvino" and chosen != own_runtime(model):
        hint = f"use auto, {own_runtime(model)} or openvino"
        if chosen == "torch":
            raise OptionError(f"runtime torch does not run ONNX models such as {model.card.name!r}: {hint}")
        raise OptionError(
            f"runtime onnx runs ONNX models only, and {model.card.name!r} is made for torch: {hint}, or export it "
            "with geoseg model export"
        )


def runtime_versions() -> tuple[str, ...]:
    """Return the versions of all runtimes, empty for those that are not installed."""
    return tuple(package_version(packages[-1]) for packages in _PACKAGES.values())


def package_version(name: str) -> str:
    """Return the version of an installed package, empty if it is not installed; does not import it."""
    try:
        return version(name)
    except PackageNotFoundError:
        return ""
