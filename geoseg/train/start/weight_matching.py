"""Foreign tensors matched to a network by name and shape; the first convolution by the names of bands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torch import nn

# Where the part of a network that a file is for may be: the whole, its encoder, a timm network in that, the encoder of
# a detector.
_PLACES = ("", "encoder.", "encoder.model.", "backbone.body.")

# The order of bands behind a number of input channels, where there is one usual order: pictures, Sentinel-2 L1C and
# L2A (without B10), Landsat 8/9 TOA, as torchgeo's weights have them.
_SENTINEL2 = (
    "coastal", "blue", "green", "red", "rededge071", "rededge075", "rededge078", "nir", "nir08", "nir09", "cirrus",
    "swir16", "swir22",
)  # fmt: skip
_LANDSAT = (
    "coastal", "blue", "green", "red", "nir", "swir16", "swir22", "pan", "cirrus", "lwir11", "lwir12"
)  # fmt: skip
_ORDERS = {
    3: ("RGB", ("red", "green", "blue")),
    11: ("Landsat 8/9", _LANDSAT),
    12: ("Sentinel-2 L2A", tuple(band for band in _SENTINEL2 if band != "cirrus")),
    13: ("Sentinel-2 L1C", _SENTINEL2),
}


def fit_state(
    module: nn.Module, state: Mapping[str, torch.Tensor], bands: Sequence[str], order: Sequence[str] = ()
) -> tuple[dict[str, torch.Tensor], float]:
    """Match foreign tensors to a network by name, with any prefix, and shape.

    Parameters
    ----------
    module
        The network.
    state
        Foreign tensors by name.
    bands
        Names of the network's bands.
    order
        Bands that the foreign network sees, if that is known.

    Returns
    -------
    The tensors under the network's names, and the share of the encoder's tensors that were matched.
    """
    own, first = module.state_dict(), _first_convolution(module, len(bands))
    # timm names one layer "blocks.0" or "blocks_0", depending on how the network is built.
    plain = {name.replace(".", "_"): name for name in own}
    prefixes = {""} | {".".join(name.split(".")[:n]) + "." for name in state for n in (1, 2, 3) if name.count(".") >= n}
    best: dict[str, torch.Tensor] = {}
    for prefix in sorted(prefixes):
        for place in _PLACES:
            matched = {}
            for name, tensor in state.items():
                target = plain.get((place + name.removeprefix(prefix)).replace(".", "_"))
                if target is not None and name.startswith(prefix):
                    fitted = _fitted(tensor, own[target], bands, order if target == first else None)
                    if fitted is not None:
                        matched[target] = fitted
            if len(matched) > len(best):
                best = matched
    wanted = encoder_tensors(module)
    return best, sum(name in best for name in wanted) / max(len(wanted), 1)


def encoder_tensors(module: nn.Module) -> list[str]:
    """Return the names of the encoder's tensors, or of all if there is no encoder; counters do not count."""
    own = module.state_dict()
    places = ("encoder.", "backbone.body.")
    encoder = [name for name, t in own.items() if name.startswith(places) and t.is_floating_point()]
    return encoder or list(own)


def _first_convolution(module: nn.Module, bands: int) -> str:
    """Return the name of the weight of the convolution that sees the bands."""
    found = (name for name, m in module.named_modules() if isinstance(m, torch.nn.Conv2d) and m.in_channels == bands)
    return f"{next(found, '')}.weight"


def _fitted(
    tensor: torch.Tensor, own: torch.Tensor, bands: Sequence[str], order: Sequence[str] | None
) -> torch.Tensor | None:
    if (
        order is not None
        and tensor.ndim == 4
        and tensor.shape[:1] == own.shape[:1]
        and tensor.shape[2:] == own.shape[2:]
    ):
        return adapt_first(tensor, bands, order)
    return tensor if tensor.shape == own.shape else None


def adapt_first(kernel: torch.Tensor, bands: Sequence[str], order: Sequence[str] = ()) -> torch.Tensor:
    """Adapt a first convolution to other bands.

    Channels go to the bands of their names; other bands get the mean of all channels. Without an ``order`` three
    channels are taken as red, green and blue, 13 and 12 as Sentinel-2 (L1C, L2A) and 11 as Landsat 8/9. Any other
    number, or one where no band has such a name, stays as it is, repeated in turn if the numbers differ. The kernel is
    scaled so that activations keep their magnitude.

    Parameters
    ----------
    kernel
        (out, channels, k, k).
    bands
        Names of the new channels.
    order
        Names of the old channels, if known.

    Returns
    -------
    (out, len(bands), k, k).
    """
    channels = kernel.shape[1]
    order = _order(channels, order)[1]
    if set(bands) & set(order):
        known = {band: kernel[:, i] for i, band in enumerate(order)}
        new = torch.stack([known.get(band, kernel.mean(1)) for band in bands], 1)
    elif channels == 3 and len(bands) != 3:
        new = kernel.mean(1, keepdim=True).expand(-1, len(bands), -1, -1)
    else:
        new = torch.stack([kernel[:, i % channels] for i in range(len(bands))], 1)
    return new * (channels / len(bands))


def first_note(
    module: nn.Module,
    state: Mapping[str, torch.Tensor],
    fitted: Mapping[str, torch.Tensor],
    bands: Sequence[str],
    order: Sequence[str] = (),
    source: str = "its card has them",
) -> str:
    """Return what became of the channels of the first convolution, for the user to check."""
    first = _first_convolution(module, len(bands))
    if first not in fitted:
        return "; not the first convolution, which starts at random"
    plain = first.split(".")[-2]
    named = [name for name, t in state.items() if t.ndim == 4 and name.split(".")[-2:-1] == [plain]]
    sources = [state[name] for name in sorted(named, key=lambda name: name.count("."))]
    channels = sources[0].shape[1] if sources else len(bands)
    label, order = _order(channels, order)
    known = [band for band in bands if band in order]
    if not known:
        if channels == len(bands):
            return f"; {channels} input channels taken in their order"
        return f"; {channels} input channels repeated over {len(bands)} bands"
    rest = [band for band in bands if band not in order]
    others = f"; {', '.join(rest)} got their mean" if rest else ""
    return f"; {channels} input channels taken as {label or source}: {', '.join(known)} by name{others}"


def _order(channels: int, order: Sequence[str]) -> tuple[str, tuple[str, ...]]:
    """Return what the channels of a first convolution are taken as, and their bands, if there is a usual order."""
    return ("", tuple(order)) if len(order) == channels else _ORDERS.get(channels, ("", ()))
