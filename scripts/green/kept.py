"""Networks of an interrupted run, kept in a folder to go on from."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from safetensors.torch import load_file, save_file

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from torch import nn

_Net = TypeVar("_Net", bound="nn.Module")


def network_name(bands: int, steps: int, held: Sequence[str]) -> str:
    """Return the name of the network that is trained on all cities but those held out."""
    return "_".join([f"{bands}bands", f"{steps}steps", *held]).replace(" ", "")


def kept_network(name: str, empty: _Net, work: Path | None, make: Callable[[], _Net]) -> _Net:
    """Return a trained network: of an earlier run, in ``empty``, if the folder has its weights, else a new one."""
    path = None if work is None else work / f"{name}.safetensors"
    if path is not None and path.is_file():
        empty.load_state_dict(load_file(path))
        return empty.eval()
    net = make()
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        save_file({key: value.contiguous() for key, value in net.state_dict().items()}, path)
    return net
